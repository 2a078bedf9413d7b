package policy_test

import (
	"encoding/json"
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

func TestDeletingAKeyLeavesTheMFAKey(t *testing.T) {
	for _, key := range []string{"a", "z", "aws:MultiFactorAuthPresent"} {
		var c Context
		c.Set("a", "1")
		c.Set("aws:MultiFactorAuthPresent", "true")
		c.Set("z", "1")
		c.Delete(key)
		want := map[bool]string{true: "no", false: "yes"}[key == "aws:MultiFactorAuthPresent"]
		if got := held(t, "2012-10-17", `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, &c); got != want {
			t.Errorf("without %s: %s, want %s", key, got, want)
		}
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

func TestContextIsTheSameAfterJSON(t *testing.T) {
	var c, again Context
	c.Set("aws:UserName", "böb <1>")
	c.SetMany("aws:TagKeys", []string{"one"})
	c.SetMany("aws:PrincipalOrgPaths", []string{"a", "b"})
	text, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"aws:principalorgpaths":["a","b"],"aws:tagkeys":["one"],"aws:username":"böb \u003c1\u003e"}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(&again); err != nil || string(twice) != string(text) {
		t.Errorf("after reading it: %s, %v", twice, err)
	}
	for _, wrong := range []string{`[]`, `{"a":1}`, `{"a":null}`, `{"a":[]}`, `{"a":"x","A":"y"}`} {
		if json.Unmarshal([]byte(wrong), new(Context)) == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}
