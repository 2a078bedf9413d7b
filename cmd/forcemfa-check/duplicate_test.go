package main

import "testing"

func TestDuplicateMembersAreFound(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}`: "",
		`{"a":"a","b":"a"}`:                         "",
		`["a","a"]`:                                 "",
		`{"a":[],"b":{},"c":[[],{}]}`:               "",
		`{"a":1,"a":2}`:                             "a",
		`{"a":1,"A":2}`:                             "A",
		`{"k":1,"\u212a":2}`:                        "\u212a", // the sign of kelvin
		`{"s":1,"\u017f":2}`:                        "\u017f", // the long s
		`{"a":1,"\u0061":2}`:                        "a",
		`{"aws:principaltag/σ":1,"aws:principaltag/ς":2}`: "", // two keys in lower case
		`{"aws:principaltag/Σ":1,"aws:principaltag/σ":2}`: "aws:principaltag/σ",
		`{"x":[1,{"a":{},"b":[],"a":{}}]}`:                "a",
		`{"a":{"b":1},"c":[],"a":0}`:                      "a",
	} {
		if got := duplicate([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
