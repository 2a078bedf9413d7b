package org

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/prose"
)

// Every field of an account is decoded fast as it is written, in whatever order of what is
// left out.
func TestWhatIsWrittenIsDecodedFast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := new(Account)
		fill(r, reflect.ValueOf(want).Elem())
		line := lineOf(t, want)
		got, slow := new(Account), new(Account)
		if !fast(line, got) {
			t.Fatalf("not decoded fast: %s", line)
		}
		if err := decode(line, 1, true, slow); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(slow, got); d != "" {
			t.Fatalf("%s (-slow +fast)\n%s", line, d)
		}
	}
}

func lineOf(t *testing.T, a *Account) []byte {
	t.Helper()
	var out bytes.Buffer
	lines := json.NewEncoder(prose.JSON(&out))
	lines.SetEscapeHTML(false)
	if err := lines.Encode(a); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// fill sets about half of what is in v.
func fill(r *rand.Rand, v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(2e9), r.Int64N(2)*5e8).UTC()))
		return
	}
	if v.Kind() != reflect.Struct && r.IntN(2) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"text", `{"Version":"2012-10-17"}`, "ü\n\t\\/", "\u2028<&>\x01", "", "𝄞"}[r.IntN(6)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, -1, 7, 1<<59 - 1}[r.IntN(4)])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Slice:
		n := r.IntN(7)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	}
}

// What is decoded fast is what decode makes of it, and everything that decode refuses is
// left to it.
func TestFastDecodingAcceptsNothingElse(t *testing.T) {
	for line, want := range map[string]bool{
		`{}`:                                   true,
		`{"id":"1"}`:                           true,
		`{"id":"1","users":[]}`:                true,
		`{"id":"1","users":null}`:              true,
		`{"id":"1","users":[{"services":{}}]}`: true,
		`{"users":[{"name":"\u00fc\ud834\udd1e \ud800"}]}`: true,
		`{"quotas":{"groups":12}}`:                         true,
		`{"quotas":{"groups":-12}}`:                        true,
		`{"id":"1"} `:                                      false,
		`{ "id":"1"}`:                                      false,
		`{"id":"1"}{}`:                                     false,
		`{"id":"1","id":"1"}`:                              false,
		`{"name":"a","id":"1"}`:                            false,
		`{"ID":"1"}`:                                       false,
		`{"id":"1",}`:                                      false,
		`{"other":"1"}`:                                    false,
		`{"id":1}`:                                         false,
		`{"id":null}`:                                      false,
		`{"id":"1`:                                         false,
		`{"id":"1\`:                                        false,
		`{"id":"\x"}`:                                      false,
		`{"id":"\u12"}`:                                    false,
		"{\"id\":\"\xff\"}":                                false,
		"{\"id\":\"\n\"}":                                  false,
		`{"read":truefalse}`:                               false,
		`{"read":1}`:                                       false,
		`{"report":"2024-01-01"}`:                          false,
		`{"report":"2024-01-01T00:00:00\u005a"}`:           false,
		`{"report":null}`:                                  false,
		`{"quotas":{"groups":01}}`:                         false,
		`{"quotas":{"groups":-0}}`:                         false,
		`{"quotas":{"groups":1.0}}`:                        false,
		`{"quotas":{"groups":1e3}}`:                        false,
		`{"quotas":{"groups":}}`:                           false,
		`{"quotas":{"groups":9999999999999999999}}`:        false,
		`{"users":[{"name":"a"},]}`:                        false,
		`{"users":[{"name":"a"}`:                           false,
		`{"users":{}}`:                                     false,
		`{"users":[{"name":"a","services":null,"name":0}]}`: false,
		``:     false,
		`null`: false,
		`[]`:   false,
	} {
		if got := decodesAlike(t, []byte(line)); got != want {
			t.Errorf("%s is decoded fast: %t, want %t", line, got, want)
		}
	}
}

// decodesAlike compares fast with decode, and returns whether it accepts the line.
func decodesAlike(t *testing.T, line []byte) bool {
	t.Helper()
	got, want := new(Account), new(Account)
	if !fast(line, got) {
		return false
	}
	if err := decode(line, 1, true, want); err != nil {
		t.Errorf("%q is decoded fast, and decode refuses it: %v", line, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%q (-decode +fast)\n%s", line, d)
	}
	return true
}

func FuzzFastDecoding(f *testing.F) {
	_, a := acme()
	text, err := json.Marshal(a)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"id":"\ud834\udd1e","quotas":{"groups":-1},"users":[{"name":"a","created":"2024-02-29T23:59:59.5+01:00","tags":[]}]}`))
	f.Add([]byte(`{"id":}`))
	f.Add([]byte("{\"id\":\"\\n\",\"name\":\"\x01\"}"))
	f.Fuzz(func(t *testing.T, line []byte) { decodesAlike(t, line) })
}
