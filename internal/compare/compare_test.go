package compare_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/compare"
	"forcemfa/internal/run"
)

var now = time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)

// A written is a run that a test writes, account by account.
type written struct {
	out    bytes.Buffer
	w      *run.Writer
	totals audit.Totals
}

func newRun(organization string) *written {
	r := &written{totals: audit.Totals{Findings: map[audit.Severity]int{}}}
	r.w = run.NewWriter(&r.out, run.Head{Verb: "audit", Organization: organization, Partition: "aws", Time: now, Version: "1", Config: "c"})
	return r
}

// account writes an account with users and findings about them, by name. Not read: there
// is a finding that says so.
func (r *written) account(id string, read bool, users map[string]audit.State, order []string, findings ...audit.Finding) *written {
	a := audit.Audited{Summary: audit.Account{ID: id, Read: read}}
	for _, name := range order {
		a.Summary.Users++
		switch users[name] {
		case audit.Open:
			a.Summary.Open++
		case audit.Enforced:
			a.Summary.Enforced++
		}
		r.w.User(audit.User{Account: id, Name: name, State: users[name]})
	}
	for _, f := range findings {
		f.Account = id
		f.ID = f.Rule + "/" + id + "/" + f.Subject
		a.Findings = append(a.Findings, f)
		r.w.Finding(f)
	}
	r.totals.Add(&a)
	r.w.Account(a.Summary)
	return r
}

func (r *written) open(t *testing.T, name string) *run.Run {
	t.Helper()
	if err := r.w.Close(run.End{Totals: r.totals}); err != nil {
		t.Fatal(err)
	}
	opened, err := run.Open(name, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.out.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func finding(rule, subject, what string, s audit.Severity) audit.Finding {
	return audit.Finding{Rule: rule, Subject: subject, What: what, Severity: s}
}

func TestFindingsAreNewFixedChangedOrStillThere(t *testing.T) {
	const one, two, three = "111111111111", "222222222222", "333333333333"
	states := func(bob, eve audit.State) map[string]audit.State {
		return map[string]audit.State{"bob": bob, "eve": eve}
	}
	earlier := newRun("o-1").
		account(one, true, states(audit.Open, audit.Open), []string{"bob", "eve"},
			finding("no-group", "user/bob", "same", audit.Low), finding("no-group", "user/eve", "before", audit.Low), finding("user-open", "user/bob", "gone", audit.Critical)).
		account(two, true, nil, nil, finding("root-no-mfa", "root", "nobody knows", audit.Critical)).
		account(three, false, nil, nil, finding("account-unreadable", "account", "not read", audit.High)).
		open(t, "a")
	later := newRun("o-1").
		account(one, true, states(audit.Enforced, ""), []string{"bob"},
			finding("no-device", "user/bob", "new", audit.High), finding("no-group", "user/bob", "same", audit.Low), finding("no-group", "user/eve", "after", audit.Medium)).
		account(two, false, nil, nil, finding("account-unreadable", "account", "not read", audit.High)).
		account(three, true, map[string]audit.State{"tom": audit.Open}, []string{"tom"}, finding("no-group", "user/tom", "first", audit.Low)).
		open(t, "b")
	r, err := compare.Runs(earlier, later)
	if err != nil {
		t.Fatal(err)
	}
	ids := func(list []audit.Finding) (ids []string) {
		for _, f := range list {
			ids = append(ids, f.ID)
		}
		return ids
	}
	got := map[string][]string{"new": ids(r.New), "fixed": ids(r.Fixed), "stayed": r.Stayed, "unknown": r.Unknown, "first": r.FirstRead}
	for _, c := range r.Changed {
		got["changed"] = append(got["changed"], c.After.ID+" "+c.Before.What+" "+c.After.What)
	}
	for _, u := range r.Users {
		got["users"] = append(got["users"], u.Name+" "+string(u.Before)+" "+string(u.After))
	}
	want := map[string][]string{
		"new":     {"no-device/" + one + "/user/bob", "account-unreadable/" + two + "/account", "no-group/" + three + "/user/tom"},
		"fixed":   {"user-open/" + one + "/user/bob", "account-unreadable/" + three + "/account"},
		"stayed":  {"no-group/" + one + "/user/bob"},
		"changed": {"no-group/" + one + "/user/eve before after"},
		"unknown": {"root-no-mfa/" + two + "/root"},
		"first":   {three},
		"users":   {"bob open enforced", "eve open "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	same, err := compare.Runs(earlier, earlier)
	if err != nil || len(same.New)+len(same.Fixed)+len(same.Changed)+len(same.Unknown)+len(same.Users) != 0 || len(same.Stayed) != 5 {
		t.Errorf("a run and itself: %+v, %v", same, err)
	}
}

func TestRunsOfDifferentOrganizationsAreRefused(t *testing.T) {
	a, b := newRun("o-1").open(t, "a"), newRun("o-2").open(t, "b")
	var mixed *compare.MixedError
	if _, err := compare.Runs(a, b); !errors.As(err, &mixed) || err.Error() != "a is about organization o-1, and b about organization o-2" {
		t.Error(err)
	}
	if _, err := compare.Trend([]*run.Run{a, b}); !errors.As(err, &mixed) {
		t.Error(err)
	}
}

// An account that leaves the organization takes its users along.
func TestAnAccountThatIsNotListedAnyMoreDeparted(t *testing.T) {
	open := map[string]audit.State{"bob": audit.Open, "eve": audit.Enforced}
	both := func() *written {
		return newRun("o-1").account("111111111111", true, open, []string{"bob", "eve"}).account("222222222222", true, open, []string{"bob", "eve"})
	}
	one := func() *written { return newRun("o-1").account("111111111111", true, open, []string{"bob", "eve"}) }
	r, err := compare.Runs(both().open(t, "a"), one().open(t, "b"))
	if diff := cmp.Diff([]compare.Departure{{Account: "222222222222", Users: 2}}, r.Departed); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if r, err = compare.Runs(one().open(t, "a"), both().open(t, "b")); err != nil || len(r.Departed) > 0 {
		t.Errorf("a new account: %v, %v", r.Departed, err)
	}
}
