package prove

import (
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// Widens answers whether a new identity policy allows a request that the one it
// replaces does not allow, with or without MFA. Open means that it does, with such a
// request as counterexample; AllowedBy names the statement of the new document.
// Enforced means that there is no such request, for all actions that AWS could ever
// have. Unknown means that this could not be decided, as in an [Answer].
//
// The request may come from any IAM user with any tags, and through a service. Users
// that a condition names are tried by name. The answer is Unknown when a condition is
// about principals that are not users.
func Widens(before, after *policy.Document) Answer {
	if before.Equal(after) {
		return Answer{Outcome: Enforced, Strict: Enforced}
	}
	for _, d := range []*policy.Document{before, after} {
		if why := aboutOthers(d); why != "" {
			return Answer{Why: why}
		}
	}
	var worst Answer
	for i, s := range strangers(before, after) {
		a := newWidening(s, before, after).answer()
		if i == 0 || rankOf(a) > rankOf(worst) {
			worst = a
		}
	}
	return worst
}

// aboutOthers returns the condition of a document that is about principals that are not
// IAM users; empty: there is none.
func aboutOthers(d *policy.Document) string {
	for _, s := range d.Statements {
		for _, c := range s.Conditions {
			key := strings.ToLower(c.Key)
			global, _ := catalog.Global(key)
			users := !slices.ContainsFunc(c.Values, func(v string) bool {
				a, ok := arn.Split(v)
				return !ok || !strings.HasPrefix(a.Resource, "user/")
			})
			if global.Origin == catalog.FromRoleSession || key == "aws:userid" || key == "aws:principaltype" || key == "aws:principalarn" && !users {
				return "the condition on " + c.Key + " is about principals that are not IAM users"
			}
		}
	}
	return ""
}

// A widening searches for a request that one document allows and another does not.
type widening struct {
	subject       *Subject
	before, after *policy.Set
	rows          []row

	allows, allowed []*clause // Allows of the new and of the old document
	denies, denied  []*clause // their Denies
	out             result
	work            *work
}

func newWidening(s *Subject, before, after *policy.Document) *widening {
	w := &widening{subject: s, before: alone(before), after: alone(after)}
	var p Prover
	w.allows, w.allowed = p.clauses(w.after, policy.Allow), p.clauses(w.before, policy.Allow)
	w.denies, w.denied = p.clauses(w.after, policy.Deny), p.clauses(w.before, policy.Deny)
	w.rows = s.anyRows(ages(before, after))
	return w
}

// ages returns the ages of MFA that the conditions of documents distinguish: below, at
// and above each limit.
func ages(documents ...*policy.Document) []string {
	seconds := []int{0}
	for _, d := range documents {
		for _, s := range d.Statements {
			for _, c := range s.Conditions {
				if !strings.EqualFold(c.Key, "aws:MultiFactorAuthAge") {
					continue
				}
				for _, v := range c.Values {
					if n, err := strconv.Atoi(v); err == nil {
						seconds = append(seconds, max(n-1, 0), max(n, 0), max(n+1, 0))
					}
				}
			}
		}
	}
	slices.Sort(seconds)
	var out []string
	for _, n := range slices.Compact(seconds) {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

// anyRows returns the ways in which the subject can make requests, with MFA of each age.
func (s *Subject) anyRows(ages []string) []row {
	out := s.rows()
	for _, c := range []policy.Credential{policy.SessionTokenMFA, policy.ConsoleMFA} {
		for _, age := range ages {
			r := s.row(c, policy.True)
			r.context.Set("aws:MultiFactorAuthAge", age)
			out = append(out, r)
		}
	}
	return out
}

// answer looks for a request with an action of the catalog first, as it is the better
// example.
func (w *widening) answer() Answer {
	for _, u := range []Universe{Catalog, Strict} {
		w.out, w.work = result{universe: u}, newWork()
		for i := range w.rows {
			if w.row(&w.rows[i]); w.out.outcome == Open {
				return Answer{Outcome: Open, Strict: Open, Counterexample: w.counterexample(&w.rows[i])}
			}
		}
	}
	switch {
	case w.out.why != "":
		return Answer{Why: w.out.why}
	case w.work.why != "":
		return Answer{Why: w.work.why}
	}
	return Answer{Outcome: Enforced, Strict: Enforced}
}

// row searches the requests of a row: those that an Allow of the new document covers and
// no Allow of the old one, and those that a Deny of the old document refused.
func (w *widening) row(r *row) {
	denies, allowed := r.residuals(w.denies), r.residuals(w.allowed)
	for _, allow := range w.allows {
		grant := r.residuals([]*clause{allow})
		if len(grant) == 0 {
			continue
		}
		w.search(r, slices.Concat(denies, allowed), grant)
		for _, deny := range w.denied {
			if w.out.outcome == Open {
				return
			}
			if lifted := r.residuals([]*clause{deny, allow}); len(lifted) == 2 {
				w.search(r, denies, lifted)
			}
		}
		if w.out.outcome == Open {
			return
		}
	}
}

func (w *widening) search(r *row, never, must []*residual) {
	never = slices.Clone(never)
	for i, n := range never { // numbers are those of a query
		c := *n
		c.number = i
		never[i] = &c
	}
	q := query{subject: w.subject, row: r, universe: w.out.universe, never: never, must: must, work: w.work}
	q.rule = func(string, string) rule { return always } // permissions without a request of their own too, such as iam:PassRole
	q.visit = func(t trial) next { return w.visit(r, t) }
	q.run()
}

func (w *widening) request(r *row, t trial) *policy.Request {
	return w.subject.delegated(w.subject.request(t.action, t.resource, r.with(t)))
}

func (w *widening) visit(r *row, t trial) next {
	request := w.request(r, t)
	old, now := w.before.Decide(request), w.after.Decide(request)
	switch {
	case now.Verdict == policy.ImplicitDenied || now.Verdict == policy.ExplicitDenied || old.Verdict == policy.Allowed:
		if w.out.why == "" {
			w.out.why = "a statement depends on a variable whose value the sender chooses, or could not be analyzed"
		}
	case now.Verdict == policy.Allowed && old.Verdict != policy.Unknown:
		w.out.outcome, w.out.trial = Open, t
		return stop
	case w.out.why == "":
		w.out.why = old.Why + now.Why
	}
	if w.out.undecided++; w.out.undecided >= enough {
		return stop
	}
	return goOn
}

func (w *widening) counterexample(r *row) *Counterexample {
	return w.subject.counterexample(w.out.trial, w.after.Decide(w.request(r, w.out.trial)))
}
