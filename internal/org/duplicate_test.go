package org

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Each line would be read in two ways, or decides about another account.
func TestReadRefusesWhatTwoReadersSeeDifferently(t *testing.T) {
	const header = `{"format":2,"taken":"2026-05-01T08:00:00Z","partition":"aws"}`
	const account = `{"id":"111111111111","name":"a","partition":"aws","state":"ACTIVE","read":true,"users":[{"name":"bob","arn":"arn:aws:iam::111111111111:user/x/bob","path":"/x/"}]}`
	read := func(text string) error {
		_, accounts, err := Read(strings.NewReader(text))
		if err == nil {
			_, err = all(accounts)
		}
		return err
	}
	if err := read(header + "\n" + account + "\n"); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ about, old, new, want string }{
		{"header", `"format":2`, `"format":2,"format":2`, `line 1, column 13: member "format"`},
		{"account", `"state":`, `"state":"SUSPENDED", "state" :`, `line 2, column 72: member "state"`},
		{"user", `"path":`, `"path":"/","path":`, `member "path"`},
		{"other case", `"path":`, `"Path":"/","path":`, `member "path"`},
		{"escaped", `"path":`, `"p\u0061th":"/","path":`, `member "path"`},
		{"value that looks like members", `"name":"a"`, `"name":"\"name\":{[\\","name":"b"`, `member "name"`},
		{"user of another account", `iam::111111111111:user`, `iam::222222222222:user`, "line 2: account 111111111111: user bob: "},
		{"user of another partition", `arn:aws:iam`, `arn:aws-cn:iam`, "ARN of another account"},
		{"another user", `user/x/bob`, `user/x/eve`, "ARN of something else"},
		{"role", `user/x/bob`, `role/x/bob`, "ARN of something else"},
		{"no ARN", `arn:aws:iam::111111111111:user/x/bob`, `bob`, "user bob: "},
		{"unknown partition of the header", `"partition":"aws"}`, `"partition":"aws-mars"}`, `line 1: "aws-mars" is no partition`},
		{"unknown partition", `"partition":"aws","state"`, `"partition":"aws-mars","state"`, `"aws-mars" is no partition`},
		{"group", `"users":[`, `"groups":[{"name":"g","arn":"arn:aws:iam::222222222222:group/g","path":"/"}],"users":[`, "group g: "},
		{"role of another account", `"users":[`, `"roles":[{"name":"r","arn":"arn:aws:iam::222222222222:role/r","path":"/"}],"users":[`, "role r: "},
		{"device of another account", `"path":"/x/"}]`, `"path":"/x/","devices":[{"serial":"arn:aws:iam::222222222222:mfa/bob","kind":"virtual"}]}]`, "user bob: arn:aws:iam::222222222222:mfa/bob is the ARN of another account"},
		{"device of another partition", `"path":"/x/"}]`, `"path":"/x/","devices":[{"serial":"arn:aws-cn:iam::111111111111:mfa/bob","kind":"virtual"}]}]`, "ARN of another account"},
		{"state", `"ACTIVE"`, `"ACTIVE\u001b[31m"`, "is no state of an account"},
		{"policy", `"users":[`, `"policies":[{"name":"p","arn":"arn:aws:iam::222222222222:policy/p","path":"/"}],"users":[`, "policy p: "},
	} {
		text := header + "\n" + account + "\n"
		changed := strings.Replace(text, row.old, row.new, 1)
		if err := read(changed); changed == text || err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.about, err, row.want)
		}
	}
}

// The same members in different objects, and policies that AWS manages, are fine.
func TestReadTakesMembersOfDifferentObjects(t *testing.T) {
	text := `{"format":2,"taken":"2026-05-01T08:00:00Z","partition":"aws"}
{"id":"111111111111","name":"{\"name\":1,\"name\":2}","partition":"aws","state":"name","read":true,"policies":[{"arn":"arn:aws:iam::aws:policy/p","name":"p","path":"/","default":"","versions":null}],"users":[{"name":"a","arn":""},{"name":"b","arn":""}]}
`
	_, accounts, err := Read(strings.NewReader(text))
	if err == nil {
		_, err = all(accounts)
	}
	if err != nil {
		t.Error(err)
	}
}

// An object of many members takes as long as its text, and few and many members are
// compared alike.
func TestDuplicateInObjectsOfFewAndManyMembers(t *testing.T) {
	for _, n := range []int{0, fewMembers - 1, fewMembers, fewMembers + 1, 300_000} {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, `"m%d":0,`, i)
		}
		for _, row := range []struct{ members, want string }{
			{`"a":1,"b":{"a":2}`, ""},
			{`"a":1,"A":2`, "A"},
			{`"k":1,"\u212a":2`, "\u212a"}, // the sign of kelvin
			{`"s":1,"\u017f":2`, "\u017f"}, // the long s
			{`"aws:principaltag/σ":1,"aws:principaltag/ς":2`, ""},
			{`"aws:principaltag/Σ":1,"aws:principaltag/σ":2`, "aws:principaltag/σ"},
		} {
			if got, _ := Duplicate([]byte(`{"x":[{` + out.String() + row.members + `},{"a":0,` + out.String() + `"z":0}]}`)); got != row.want {
				t.Errorf("after %d members: %s: %q, want %q", n, row.members, got, row.want)
			}
		}
	}
}

func BenchmarkDuplicate(b *testing.B) {
	line := []byte(`{"users":[` + strings.Repeat(`{"name":"user","arn":"arn:aws:iam::111111111111:user/user","inline":[{"name":"p","document":"{\"Version\":\"2012-10-17\",\"Statement\":[]}"}]},`, 10000))
	line = append(bytes.TrimSuffix(line, []byte(",")), "]}"...)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if member, _ := Duplicate(line); member != "" {
			b.Fatal(member)
		}
	}
}
