// Package compare says what changed between two runs of one organization, and how its
// numbers went over many.
package compare

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
)

// A Result is the difference between two runs. Findings are compared by their ID.
type Result struct {
	Earlier Side `json:"earlier"`
	Later   Side `json:"later"`

	New     []audit.Finding `json:"new"`
	Fixed   []audit.Finding `json:"fixed"` // gone, in accounts that the later run read
	Changed []Change        `json:"changed"`
	Stayed  []string        `json:"still_there"` // IDs
	// Unknown are the IDs of earlier findings in accounts that the later run did not
	// read: nobody knows whether they are fixed.
	Unknown []string `json:"not_read"`

	Users []UserChange `json:"users"` // whose state changed, who came or went
	// FirstRead are accounts that only the later run read: their findings are new in the
	// report and not in AWS.
	FirstRead []string `json:"first_read,omitempty"`
	// Departed are accounts that the later run does not list, although it left none out:
	// they left the organization with their users, or were closed.
	Departed []Departure `json:"departed,omitempty"`
}

// A Departure is an account that is in the organization no more.
type Departure struct {
	Account     string `json:"account"`
	AccountName string `json:"account_name,omitempty"`
	Users       int    `json:"users"` // in the earlier run
}

// A Side is one of the two runs.
type Side struct {
	File  string       `json:"file"`
	Title string       `json:"title"`
	Head  run.Head     `json:"head"`
	Users audit.Counts `json:"users"`
}

// A Change is a finding that both runs have with another severity, text or example.
type Change struct {
	Before audit.Finding `json:"before"`
	After  audit.Finding `json:"after"`
}

// A UserChange is a user with another state. Before is empty for a new user, After for
// one that is gone.
type UserChange struct {
	Account     string      `json:"account"`
	AccountName string      `json:"account_name,omitempty"`
	Name        string      `json:"name"`
	Before      audit.State `json:"before,omitempty"`
	After       audit.State `json:"after,omitempty"`
}

// A MixedError is why two runs cannot be compared.
type MixedError struct{ First, Second *run.Run }

func (e *MixedError) Error() string {
	return fmt.Sprintf("%s is about %s, and %s about %s", e.First.Name, about(e.First), e.Second.Name, about(e.Second))
}

// Same returns an error of type [MixedError] unless two runs are about one organization.
func Same(a, b *run.Run) error {
	if about(a) != about(b) || a.Head.Partition != b.Head.Partition {
		return &MixedError{a, b}
	}
	return nil
}

// about is the organization of a run, or its account.
func about(r *run.Run) string {
	if r.Head.Organization != "" {
		return "organization " + r.Head.Organization
	}
	return "account " + r.Head.Management
}

// Runs compares two runs of one organization. It reads both account by account, as they
// are in the files, so it holds one account of each and the differences.
func Runs(earlier, later *run.Run) (*Result, error) {
	if err := Same(earlier, later); err != nil {
		return nil, err
	}
	r := &Result{Earlier: sideOf(earlier), Later: sideOf(later), New: []audit.Finding{}, Fixed: []audit.Finding{}, Changed: []Change{}, Stayed: []string{}, Unknown: []string{}, Users: []UserChange{}}
	nextOld, stopOld := iter.Pull2(accounts(earlier))
	defer stopOld()
	nextNew, stopNew := iter.Pull2(accounts(later))
	defer stopNew()
	before, errOld, more := nextOld()
	after, errNew, moreNew := nextNew()
	for more || moreNew {
		if errOld != nil {
			return nil, errOld
		}
		if errNew != nil {
			return nil, errNew
		}
		takeOld, takeNew := more && (!moreNew || before.ID <= after.ID), moreNew && (!more || after.ID <= before.ID)
		r.account(pick(takeOld, before), pick(takeNew, after))
		if takeOld && !takeNew && !later.Head.Filtered {
			r.Departed = append(r.Departed, Departure{before.ID, before.Name, before.Users})
		}
		if takeOld {
			before, errOld, more = nextOld()
		}
		if takeNew {
			after, errNew, moreNew = nextNew()
		}
	}
	return r, nil
}

func pick(take bool, b *block) *block {
	if take {
		return b
	}
	return &block{}
}

func sideOf(r *run.Run) Side {
	return Side{File: r.Name, Title: r.Title(), Head: r.Head, Users: r.End.Counts}
}

// A block is what a run has of one account.
type block struct {
	audit.Account
	users    map[string]audit.State
	findings map[string]audit.Finding
}

// accounts are the accounts of a run, in order of their IDs.
func accounts(r *run.Run) iter.Seq2[*block, error] {
	return func(yield func(*block, error) bool) {
		b := newBlock()
		for record, err := range r.Records() {
			switch {
			case err != nil:
				yield(nil, err)
				return
			case record.User != nil:
				b.users[record.User.Name] = record.User.State
			case record.Finding != nil:
				b.findings[record.Finding.ID] = *record.Finding
			case record.Account != nil:
				b.Account = *record.Account
				if !yield(b, nil) {
					return
				}
				b = newBlock()
			}
		}
	}
}

func newBlock() *block {
	return &block{users: map[string]audit.State{}, findings: map[string]audit.Finding{}}
}

// account compares one account; a side without it is empty.
func (r *Result) account(before, after *block) {
	if after.Read && !before.Read {
		r.FirstRead = append(r.FirstRead, after.ID)
	}
	for _, id := range both(before.findings, after.findings) {
		was, had := before.findings[id]
		is, has := after.findings[id]
		switch {
		case !had:
			r.New = append(r.New, is)
		case has && same(&was, &is):
			r.Stayed = append(r.Stayed, id)
		case has:
			r.Changed = append(r.Changed, Change{was, is})
		case after.Read || was.Rule == "account-unreadable" && after.Skipped != "":
			r.Fixed = append(r.Fixed, was)
		default:
			r.Unknown = append(r.Unknown, id)
		}
	}
	if !before.Read || !after.Read {
		return
	}
	for _, name := range both(before.users, after.users) {
		if was, is := before.users[name], after.users[name]; was != is {
			r.Users = append(r.Users, UserChange{Account: after.ID, AccountName: after.Name, Name: name, Before: was, After: is})
		}
	}
}

// both are the keys of two maps, in order.
func both[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// same reports whether a finding says the same.
func same(a, b *audit.Finding) bool {
	example := func(f *audit.Finding) string {
		if f.Example == nil {
			return ""
		}
		return f.Example.String() + f.Example.AllowedBy
	}
	return a.Severity == b.Severity && a.What == b.What && example(a) == example(b)
}

// Worst orders findings as a reader needs them: the worst first, then by ID.
func Worst(a, b audit.Finding) int {
	return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), strings.Compare(a.ID, b.ID))
}
