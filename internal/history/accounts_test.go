package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/fleet"
	"forcemfa/internal/history"
	"forcemfa/internal/run"
)

const one, two, three = "111111111111", "222222222222", "333333333333"

var (
	day0 = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day2 = day0.AddDate(0, 0, 2)
)

func listed(ids ...string) []fleet.Listed {
	list := []fleet.Listed{}
	for _, id := range ids {
		id, closing := strings.CutPrefix(id, "closing ")
		list = append(list, fleet.Listed{ID: id, Name: "a" + id[:1], Closing: closing})
	}
	return list
}

// A visit is one run: what it listed and read, and when.
type visit struct {
	at     time.Time
	listed []fleet.Listed
	users  map[string]int
	other  string // the organization, if it is not o-1
}

// gone runs the visits, and returns what the last one says has departed.
func gone(t *testing.T, parent string, visits ...visit) (list []string) {
	t.Helper()
	for _, v := range visits {
		h := run.Head{Organization: "o-1" + v.other}
		a, err := history.OpenAccounts(parent, &h)
		if err != nil {
			t.Fatal(err)
		}
		list = nil
		for _, d := range a.Departed(v.listed, v.at) {
			read := "never"
			if !d.Read.IsZero() {
				read = d.Read.Format(time.DateOnly)
			}
			list = append(list, fmt.Sprintf("%s %s seen %s, %d users read %s, noticed %s", d.Account, d.Name, d.Seen.Format(time.DateOnly), d.Users, read, d.Noticed.Format(time.DateOnly)))
		}
		if err := a.Update(t.Context(), v.listed, v.users, v.at); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func TestAccountsThatAreNotListedAnyMoreDeparted(t *testing.T) {
	both, first := listed(one, two), listed(one)
	const left = two + " a2 seen 2026-11-01, 7 users read 2026-11-01, noticed 2026-11-02"
	begin := visit{at: day0, listed: both, users: map[string]int{one: 3, two: 7}}
	for _, row := range []struct {
		name   string
		visits []visit
		want   []string
	}{
		{"the first run", []visit{begin}, nil},
		{"all are there", []visit{begin, {at: day1, listed: both}}, nil},
		{"one is gone", []visit{begin, {at: day1, listed: first}}, []string{left}},
		{"it stays noticed at the same time", []visit{begin, {at: day1, listed: first}, {at: day2, listed: first}}, []string{left}},
		{"no list", []visit{begin, {at: day1}}, nil},
		{"no list after it was noticed", []visit{begin, {at: day1, listed: first}, {at: day2}}, []string{left}},
		{"it came back", []visit{begin, {at: day1, listed: first}, {at: day2, listed: both}}, nil},
		{"it came back for one run", []visit{begin, {at: day1, listed: first}, {at: day1, listed: both, users: map[string]int{two: 8}}, {at: day2, listed: first}},
			[]string{two + " a2 seen 2026-11-02, 8 users read 2026-11-02, noticed 2026-11-03"}},
		{"it was listed and not read", []visit{begin, {at: day1, listed: both}, {at: day2, listed: first}}, []string{two + " a2 seen 2026-11-02, 7 users read 2026-11-01, noticed 2026-11-03"}},
		{"it was never read", []visit{{at: day0, listed: both}, {at: day1, listed: first}}, []string{two + " a2 seen 2026-11-01, 0 users read never, noticed 2026-11-02"}},
		{"it is suspended", []visit{begin, {at: day1, listed: listed(one, "closing "+two)}}, nil},
		{"it was closed", []visit{begin, {at: day1, listed: listed(one, "closing "+two)}, {at: day2, listed: first}}, nil},
		{"another organization", []visit{begin, {at: day1, listed: listed(three), other: "2"}}, nil},
		{"another organization in between", []visit{begin, {at: day1, listed: listed(three), other: "2"}, {at: day1, listed: first}}, []string{left}},
		{"the clock was ahead", []visit{{at: day2.AddDate(70, 0, 0), listed: both}, {at: day1, listed: first}}, []string{two + " a2 seen 2096-11-03, 0 users read never, noticed 2026-11-02"}},
		{"the clock was ahead when it was noticed", []visit{begin, {at: day1.AddDate(70, 0, 0), listed: first}, {at: day1, listed: first}, {at: day2, listed: first}}, []string{left}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := gone(t, t.TempDir(), row.visits...); !slices.Equal(got, row.want) {
				t.Errorf("departed: %q, want %q", got, row.want)
			}
		})
	}
}

// A run that listed the accounts before another one added an account does not report it.
func TestAnAccountThatAnotherRunAddedDidNotDepart(t *testing.T) {
	parent, h := t.TempDir(), run.Head{Organization: "o-1"}
	slow, err := history.OpenAccounts(parent, &h)
	if err != nil {
		t.Fatal(err)
	}
	gone(t, parent, visit{at: day1, listed: listed(one, two)})
	if err := slow.Update(t.Context(), listed(one), nil, day0); err != nil {
		t.Fatal(err)
	}
	if got := gone(t, parent, visit{at: day2, listed: listed(one, two)}); got != nil {
		t.Error(got)
	}
	if got := gone(t, parent, visit{at: day2}); got != nil {
		t.Errorf("the slow run noticed a departure: %q", got)
	}
}

func TestRunsAtTheSameTimeLoseNoAccount(t *testing.T) {
	parent := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			gone(t, parent, visit{at: day0, listed: listed(one, fmt.Sprintf("%012d", 400000000000+i))})
		})
	}
	all.Wait()
	if got := gone(t, parent, visit{at: day1, listed: listed(one)}); len(got) != 8 {
		t.Errorf("%d departed, want 8: %q", len(got), got)
	}
	left, err := os.ReadDir(filepath.Join(parent, "o-1"))
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v: want the file and its lock", left, err)
	}
	info, err := os.Stat(filepath.Join(parent, "o-1", "accounts.json"))
	if err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info, err)
	}
}

// A damaged file is an error, and stays as it is for a person to look at.
func TestADamagedListOfAccountsIsAnErrorAndStays(t *testing.T) {
	const seen = `"seen":"2026-11-01T09:00:00Z"`
	file := func(accounts string) string {
		return `{"format":1,"organization":"o-1","accounts":[` + accounts + `]}`
	}
	for name, row := range map[string]struct{ text, want string }{
		"empty":                  {"", "is not a list of accounts"},
		"cut":                    {file(`{"id":"` + one), "is not a list of accounts"},
		"a later version":        {`{"format":2,"new":1}`, "has format 2; this version reads format 1"},
		"no version":             {`{}`, "has format 0"},
		"another organization":   {`{"format":1,"organization":"o-2","accounts":[]}`, `is about the organization "o-2", not o-1`},
		"an unknown member":      {`{"format":1,"organization":"o-1","accounts":[],"x":1}`, `unknown field "x"`},
		"no account ID":          {file(`{"id":"../../x",` + seen + `}`), `"../../x" is not an account ID`},
		"twice":                  {file(`{"id":"` + one + `",` + seen + `},{"id":"` + one + `",` + seen + `}`), "has the account " + one + " twice"},
		"a negative number":      {file(`{"id":"` + one + `",` + seen + `,"users":-1,"read":"2026-11-01T09:00:00Z"}`), "-1 users"},
		"users that nobody read": {file(`{"id":"` + one + `",` + seen + `,"users":1}`), "1 users"},
		"no time":                {file(`{"id":"` + one + `"}`), "no time when it was listed"},
		"a long name":            {file(`{"id":"` + one + `",` + seen + `,"name":"` + strings.Repeat("x", 257) + `"}`), "a name of 257 bytes"},
		"deep nesting":           {strings.Repeat("[", 1<<20), "is not a list of accounts"},
		"too large":              {file("") + strings.Repeat(" ", 16<<20), "is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			parent, h := t.TempDir(), run.Head{Organization: "o-1"}
			good, err := history.OpenAccounts(parent, &h)
			if err != nil {
				t.Fatal(err)
			}
			gone(t, parent, visit{at: day0, listed: listed(one)})
			path := filepath.Join(parent, "o-1", "accounts.json")
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := history.OpenAccounts(parent, &h); err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, want %q and the file", err, row.want)
			}
			if err := good.Update(t.Context(), listed(one), nil, day1); err == nil {
				t.Error("the damaged file was replaced")
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != row.text {
				t.Errorf("the file has %d bytes, %v", len(text), err)
			}
		})
	}
}

func TestALinkInPlaceOfTheListOfAccountsIsNotFollowed(t *testing.T) {
	parent := t.TempDir()
	gone(t, parent, visit{at: day0, listed: listed(one)})
	path := filepath.Join(parent, "o-1", "accounts.json")
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".moved", path); err != nil {
		t.Skip(err)
	}
	if _, err := history.OpenAccounts(parent, &run.Head{Organization: "o-1"}); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
}
