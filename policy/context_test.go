package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	. "forcemfa/policy"
)

func contents(c *Context) map[string][]string {
	all := map[string][]string{}
	for _, key := range c.Keys() {
		all[key], _ = c.Get(key)
	}
	return all
}

func TestContextKeysCompareWithoutCase(t *testing.T) {
	var c Context
	c.Set("aws:UserName", "bob")
	c.Set("AWS:username", "eve")
	c.SetMany("aws:TagKeys", []string{"a", "b"})
	c.SetMany("k", []string{"x"})
	c.SetMany("K", nil)
	c.Set("gone", "x")
	c.Delete("GONE")
	want := map[string][]string{"aws:username": {"eve"}, "aws:tagkeys": {"a", "b"}}
	if diff := cmp.Diff(want, contents(&c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := c.Get("k"); ok {
		t.Error("an empty list is present")
	}
}

func TestAKeyCanChangeFromManyValuesToOne(t *testing.T) {
	var c Context
	c.SetMany("k", []string{"a", "b"})
	c.Set("k", "a")
	if got := held(t, "2012-10-17", `{"StringEquals":{"k":"a"}}`, &c); got != "yes" {
		t.Errorf("got %s", got)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	var c Context
	values := []string{"a"}
	c.SetMany("k", values)
	values[0] = "changed"
	clone := c.Clone()
	clone.Set("k", "b")
	clone.Set("n", "1")
	c.Set("m", "2")
	if diff := cmp.Diff(map[string][]string{"k": {"a"}, "m": {"2"}}, contents(&c)); diff != "" {
		t.Errorf("original (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"k": {"b"}, "n": {"1"}}, contents(clone)); diff != "" {
		t.Errorf("clone (-want +got):\n%s", diff)
	}
	var none *Context
	if got := contents(none.Clone()); len(got) != 0 {
		t.Errorf("clone of nil: %v", got)
	}
	if _, ok := none.Get("k"); ok {
		t.Error("nil has a key")
	}
}
