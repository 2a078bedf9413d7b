package run

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"forcemfa/internal/audit"
)

// An order checks that the records of a run agree with each other: a file that was
// edited must not give one output another number than the next.
type order struct {
	rules   map[string]*Rule
	account string // whose users and findings are read; empty: none
	last    string // account that is complete
	user    string // the last of the account
	finding string // likewise
	counts  audit.Counts
	totals  audit.Totals
}

func newOrder() *order {
	return &order{rules: map[string]*Rule{}, totals: audit.Totals{Findings: map[audit.Severity]int{}}}
}

// add checks the next record, and gives a finding what its rule says. why is empty if the
// record is in order.
func (o *order) add(r *Record) (why string) {
	if n := members(r); n != 1 {
		return fmt.Sprintf("a record has one member, and this one has %d that are known", n)
	}
	switch {
	case r.Rule != nil:
		if o.rules[r.Rule.Name] != nil {
			return "the rule " + r.Rule.Name + " is there twice"
		}
		o.rules[r.Rule.Name] = r.Rule
	case r.User != nil:
		return o.addUser(r.User)
	case r.Finding != nil:
		return o.addFinding(r.Finding)
	case r.Account != nil:
		return o.addAccount(r.Account)
	case r.Fate != nil && !slices.Contains(Fates, r.Fate.Became):
		return fmt.Sprintf("calls of %q became %q, which is not known", r.Fate.User, r.Fate.Became)
	}
	return ""
}

// members counts the members that are set.
func members(r *Record) (n int) {
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			n++
		}
	}
	return n
}

// enter notes that a record belongs to an account.
func (o *order) enter(account string) string {
	switch {
	case account == "":
		return "the record is about no account"
	case o.account == "" && account <= o.last:
		return fmt.Sprintf("account %s comes after account %s: they are in order of their IDs, each once", account, o.last)
	case o.account != "" && account != o.account:
		return fmt.Sprintf("account %s begins before account %s is complete", account, o.account)
	}
	o.account = account
	return ""
}

func (o *order) addUser(u *audit.User) string {
	if why := o.enter(u.Account); why != "" {
		return why
	}
	if u.Name <= o.user || o.finding != "" {
		return fmt.Sprintf("user %q is out of order", u.Name)
	}
	if !slices.Contains(audit.States, u.State) {
		return fmt.Sprintf("user %q has the unknown state %q", u.Name, u.State)
	}
	o.user = u.Name
	o.counts.Count(u.State)
	if u.NewerThan != nil {
		o.counts.NewerThanReport++
	}
	return ""
}

func (o *order) addFinding(f *audit.Finding) string {
	if why := o.enter(f.Account); why != "" {
		return why
	}
	if !slices.Contains(audit.Severities, f.Severity) {
		return fmt.Sprintf("finding %q has the unknown severity %q", f.ID, f.Severity)
	}
	if f.ID != f.Rule+"/"+f.Account+"/"+f.Subject {
		return fmt.Sprintf("finding %q is not named after its rule, account and subject", f.ID)
	}
	if f.ID < o.finding {
		return fmt.Sprintf("finding %q is out of order", f.ID)
	}
	o.finding = f.ID
	o.totals.Findings[f.Severity]++
	if rule := o.rules[f.Rule]; rule != nil && f.Remedy == "" {
		f.Remedy, f.Refs = rule.Remedy, rule.Refs
	}
	return ""
}

func (o *order) addAccount(a *audit.Account) string {
	if why := o.enter(a.ID); why != "" {
		return why
	}
	if a.Counts != o.counts {
		return fmt.Sprintf("account %s counts %d users, and %d come before it, or in other states", a.ID, a.Users, o.counts.Users)
	}
	findings := o.totals.Findings
	o.totals.Add(&audit.Audited{Summary: *a})
	o.totals.Findings = findings
	o.account, o.last, o.user, o.finding, o.counts = "", a.ID, "", "", audit.Counts{}
	return ""
}

// end compares the totals.
func (o *order) end(e *End) string {
	if o.account != "" {
		return "account " + o.account + " is not complete"
	}
	same := o.totals.Counts == e.Counts && o.totals.AccountsRead == e.AccountsRead && o.totals.AccountsUnread == e.AccountsUnread &&
		o.totals.AccountsSkipped == e.AccountsSkipped && maps.Equal(o.totals.Findings, e.Totals.Findings)
	if !same {
		return "the end has other totals than the records"
	}
	return ""
}
