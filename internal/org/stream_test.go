package org

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testdepth"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	h, a := acme()
	b := &Account{ID: "333333333333", State: "SUSPENDED", Gaps: []Gap{{Account: "333333333333", What: "account", Why: "is SUSPENDED"}}}
	h.Accounts = 2
	var file bytes.Buffer
	if err := Write(&file, *h, only(a, b)); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(file.String(), "\n"); lines != 3 {
		t.Errorf("%d lines, want 3", lines)
	}
	gotHeader, accounts, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(accounts)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*h, gotHeader); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]*Account{a, b}, got); d != "" {
		t.Error(d)
	}
}

func TestAnAccountIsWrittenBeforeTheNextIsAskedFor(t *testing.T) {
	h, a := acme()
	var file bytes.Buffer
	err := Write(&file, *h, func(yield func(*Account, error) bool) {
		if !yield(a, nil) {
			return
		}
		if !strings.Contains(file.String(), `"id":"222222222222"`) {
			t.Error("the account is not in the file yet")
		}
		yield(nil, errors.New("interrupted"))
	})
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v, want the stream's own", err)
	}
}

func TestReadNamesTheLineOfWhatIsWrong(t *testing.T) {
	const header = `{"format":2,"taken":"2026-05-01T08:00:00Z","partition":"aws"}` + "\n"
	const one = `{"id":"111111111111","name":"a","partition":"aws","state":"ACTIVE","read":true}` + "\n"
	const two = `{"id":"222222222222","name":"b","partition":"aws","state":"ACTIVE","read":true}` + "\n"
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "line 1: the snapshot is empty"},
		{"endless", strings.Repeat("\x00", 1<<18), "line 1: want a JSON object"},
		{"no header", one, `line 1: no snapshot header: "format" is missing`},
		{"other format", `{"format":1,"new":true}` + "\n", "line 1: snapshot format 1: this version reads format 2 only"},
		{"not JSON", header + one + "{,}\n", "line 3, column 2: not JSON"},
		{"unknown field of the header", `{"format":2,"colour":"red"}` + "\n", `line 1: json: unknown field "colour"`},
		{"unknown field of a user", header + `{"id":"111111111111","users":[{"name":"a","colour":"red"}]}` + "\n", `line 2: json: unknown field "colour"`},
		{"wrong type", header + `{"id":7}` + "\n", "line 2, column 7: id is a JSON number, which it cannot be"},
		{"two on a line", header + strings.TrimSpace(one) + two, "line 2, column 80: something follows the object"},
		{"cut in a line", header + one + two[:40], "line 3: the file is cut off in the middle of this line"},
		{"cut in the header", header[:30], "line 1: the file is cut off"},
		{"cut between lines", strings.Replace(header, "}", `,"accounts":2}`, 1) + one, "line 2: the header says 2 accounts, the file has 1"},
		{"empty line", header + "\n" + one, "line 2: not a whole JSON object"},
		{"same account twice", header + one + one, "line 3: account 111111111111 is there twice"},
		{"out of order", header + two + one, "line 3: account 111111111111 comes after 222222222222"},
		{"no ID", header + "{}\n", `line 2: account "": an account ID has 12 digits`},
		{"same user twice", header + `{"id":"111111111111","users":[{"name":"a"},{"name":"a"}]}` + "\n", "line 2: account 111111111111: user a is there twice"},
		{"users out of order", header + `{"id":"111111111111","users":[{"name":"b"},{"name":"a"}]}` + "\n", "line 2: account 111111111111: user a comes after b"},
		{"policy without a name", header + `{"id":"111111111111","policies":[{"arn":""}]}` + "\n", "line 2: account 111111111111: a policy has no name"},
		{"neither yes nor no", header + `{"id":"111111111111","users":[{"name":"b","mfa":"maybe"}]}` + "\n", `line 2: account 111111111111: user b: "maybe" is neither`},
		{"device of no kind", header + `{"id":"111111111111","users":[{"name":"b","devices":[{"serial":"x","kind":"fax"}]}]}` + "\n", `user b: "fax" is no kind of MFA device`},
		{"management account that is none", `{"format":2,"organization":{"id":"o-1","management_account":"yes"}}` + "\n", `line 1: the management account is "yes", which is not an account ID of 12 digits`},
		{"child before parent", `{"format":2,"units":[{"id":"ou-1","parent":"r-1"},{"id":"r-1"}]}` + "\n", `line 1: unit ou-1 comes before its parent "r-1"`},
		{"unit twice", `{"format":2,"units":[{"id":"r-1"},{"id":"r-1"}]}` + "\n", "line 1: unit r-1 is there twice"},
		{"RCP twice", `{"format":2,"rcps":[{"id":"p-1"},{"id":"p-1"}]}` + "\n", "line 1: RCP p-1 is there twice"},
		{"SCP twice", `{"format":2,"scps":[{"id":"p-1"},{"id":"p-1"}]}` + "\n", "line 1: SCP p-1 is there twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, accounts, err := Read(strings.NewReader(c.file))
			if err == nil {
				_, err = all(accounts)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestALongLineIsReadLikeAShortOne reads lines on both sides of the length from which
// their parts are not copied as they come.
func TestALongLineIsReadLikeAShortOne(t *testing.T) {
	const header, one, end = `{"format":2}` + "\n", `{"id":"111111111111"`, "}\n" + `{"id":"222222222222"}`
	for _, spaces := range []int{copied - 1<<16, copied + 1<<20} {
		_, accounts, err := Read(strings.NewReader(header + one + strings.Repeat(" ", spaces) + end))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := all(accounts); err != nil || len(got) != 2 {
			t.Errorf("%d spaces: %d accounts, error %v", spaces, len(got), err)
		}
		_, accounts, err = Read(strings.NewReader(header + one + strings.Repeat(" ", spaces)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(accounts); err == nil || !strings.Contains(err.Error(), "line 2: the file is cut off in the middle of this line") {
			t.Errorf("%d spaces and no end: error %v", spaces, err)
		}
	}
}

func TestALineWithoutAnEndIsAnError(t *testing.T) {
	testdepth.Need(t) // takes 1 GiB
	_, _, err := Read(io.MultiReader(strings.NewReader("{"), endless{}))
	if err == nil || err.Error() != "line 1: longer than 1073741824 bytes" {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(to []byte) (int, error) {
	for i := range to {
		to[i] = ' '
	}
	return len(to), nil
}

func TestALastLineWithoutItsEndIsRead(t *testing.T) {
	_, accounts, err := Read(strings.NewReader(`{"format":2}` + "\n" + `{"id":"111111111111"}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(accounts)
	if err != nil || len(got) != 1 {
		t.Errorf("%d accounts, error %v", len(got), err)
	}
}

func TestWriteRefusesWhatReadWouldRefuse(t *testing.T) {
	h, a := acme()
	err := Write(new(bytes.Buffer), *h, only(a, a))
	if err == nil || !strings.Contains(err.Error(), "account 222222222222 is there twice") {
		t.Errorf("error %v", err)
	}
}

func TestReadingStopsWhenNobodyAsks(t *testing.T) {
	h, a := acme()
	b := &Account{ID: "333333333333"}
	var file bytes.Buffer
	if err := Write(&file, *h, only(a, b)); err != nil {
		t.Fatal(err)
	}
	_, accounts, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	for a, err := range accounts {
		if err != nil || a.ID != "222222222222" {
			t.Errorf("account %v, error %v", a, err)
		}
		break
	}
}

func FuzzRead(f *testing.F) {
	h, a := acme()
	var file bytes.Buffer
	if err := Write(&file, *h, only(a)); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`{"format":2}` + "\n" + `{"id":"111111111111","users":[{"name":"\ud800"}]}`))
	f.Add([]byte("{\"format\":1}\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, list, ok := readAll(data)
		if !ok {
			return
		}
		var first, second bytes.Buffer
		if err := Write(&first, h, only(list...)); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, listAgain, ok := readAll(first.Bytes())
		if !ok {
			t.Fatalf("what was written cannot be read: %s", first.Bytes())
		}
		if err := Write(&second, again, only(listAgain...)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("%s\nbecame\n%s", first.Bytes(), second.Bytes())
		}
	})
}

func readAll(data []byte) (Header, []*Account, bool) {
	h, accounts, err := Read(bytes.NewReader(data))
	if err != nil {
		return h, nil, false
	}
	list, err := all(accounts)
	return h, list, err == nil
}
