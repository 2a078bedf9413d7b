package prove

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// Weakens answers whether a new document lets a request without MFA pass that an
// old one denied. Open means that it does, with such a request as counterexample.
// Enforced means that a Deny of the new document refuses every request without MFA
// that a Deny of the old one refuses; Unknown that this could not be decided, as in
// an [Answer]. Outcome covers the actions of the catalog, Strict all actions. A nil
// document denies nothing. Allows are ignored.
//
// The request may come from any IAM user with any tags and any credential
// without MFA, including calls that a service forwards. Users that a condition
// names are tried by name. The new document may leave exempt actions open, those
// that act on a user only for the user's own.
func Weakens(before, after *policy.Document, exempt []string) Answer {
	if before == nil || before.Equal(after) {
		return Answer{Outcome: Enforced, Strict: Enforced}
	}
	var worst Answer
	for i, s := range strangers(before, after) {
		s.Enrollment, s.EnrollmentByKey = exempt, true
		a := weakens(s, before, after)
		if i == 0 || rankOf(a) > rankOf(worst) {
			worst = a
		}
	}
	return worst
}

// rankOf orders answers by severity.
func rankOf(a Answer) int {
	order := []Outcome{Enforced, Unknown, Open}
	return 3*slices.Index(order, a.Outcome) + slices.Index(order, a.Strict)
}

func weakens(s *Subject, before, after *policy.Document) Answer {
	w := comparison{subject: s, before: alone(before), after: alone(after), variables: hasVariables(before) || hasVariables(after)}
	var p Prover
	w.denied, w.denies = p.clauses(w.before, policy.Deny), p.clauses(w.after, policy.Deny)
	strict := w.search(Strict)
	a := Answer{Outcome: strict.outcome, Strict: strict.outcome, Why: strict.why}
	exact := strict
	if strict.outcome == Open {
		a.Beyond = s.counterexample(strict.trial, policy.Decision{})
	}
	if strict.outcome != Enforced {
		exact = w.search(Catalog)
		a.Outcome, a.Why = exact.outcome, exact.why
	}
	if a.Outcome == Open {
		a.Counterexample = s.counterexample(exact.trial, policy.Decision{})
	}
	return a
}

// Compared is the name of a document in the answers of [Weakens] and [Widens].
const Compared = "the document"

// alone returns a set of one document.
func alone(d *policy.Document) *policy.Set {
	if d == nil {
		return &policy.Set{}
	}
	return &policy.Set{Identity: []policy.Source{{Name: Compared, Document: d}}}
}

// A comparison searches for a request that one set denies and another does not.
type comparison struct {
	subject        *Subject
	before, after  *policy.Set
	denied, denies []*clause
	variables      bool // one of the documents has variables
}

func (w *comparison) search(u Universe) result {
	out := result{universe: u}
	work := newWork()
	rows := w.subject.rows()
	for i := range rows {
		r := &rows[i]
		never := r.residuals(w.denies)
		for _, deny := range w.denied {
			must := r.residuals([]*clause{deny})
			if len(must) == 0 {
				continue
			}
			q := query{subject: w.subject, row: r, universe: u, never: never, must: must, work: work}
			q.visit = func(t trial) next { return w.visit(&out, r, t) }
			if q.run(); out.outcome == Open {
				return out
			}
		}
	}
	switch {
	case out.why != "":
	case work.why != "":
		out.why = work.why
	default:
		out.outcome = Enforced
	}
	return out
}

func (w *comparison) visit(out *result, r *row, t trial) next {
	request := w.subject.request(t.action, t.resource, r.with(t))
	old, now := w.before.Refuses(request), w.after.Refuses(request)
	switch {
	case old.Verdict == policy.ImplicitDenied:
		return goOn
	case old.Verdict == policy.ExplicitDenied && now.Verdict == policy.ImplicitDenied:
		out.outcome, out.trial, out.why = Open, t, ""
		return stop
	case now.Verdict != policy.ExplicitDenied && w.agree(t, request):
		return goOn
	case now.Verdict == policy.ExplicitDenied && out.why == "":
		out.why = t.undecidable()
	case out.why == "":
		out.why = old.Why + now.Why
	}
	if out.undecided++; out.undecided >= enough {
		return stop
	}
	return goOn
}

// agree reports whether the new document refuses what the old one does, whether letters with
// only one case in common are equal or not: that is the same for both documents. A trial of
// which not every value was tried, or with variables, doesn't stand for all its requests.
func (w *comparison) agree(t trial, request *policy.Request) bool {
	if w.variables || slices.ContainsFunc(t.keys, func(c choice) bool { return c.untried }) {
		return false
	}
	for _, equal := range []bool{false, true} {
		supposed := *request
		supposed.Context = request.Context.Clone()
		supposed.Context.SupposeOneCase(equal)
		old, now := w.before.Refuses(&supposed).Verdict, w.after.Refuses(&supposed).Verdict
		if old != policy.ImplicitDenied && now != policy.ExplicitDenied {
			return false
		}
	}
	return true
}

// hasVariables reports whether a statement of a document has a variable.
func hasVariables(d *policy.Document) bool {
	return d != nil && slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		variable := func(text string) bool { return strings.Contains(text, "${") }
		return slices.ContainsFunc(slices.Concat(s.Resources, s.NotResources), variable) ||
			slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return slices.ContainsFunc(c.Values, variable) })
	})
}

// strangers returns users that stand for all users: one that no document names,
// and those that a condition or a resource names.
func strangers(documents ...*policy.Document) []*Subject {
	user := func(account, resource string) arn.ARN {
		return arn.ARN{Partition: "aws", Service: "iam", Account: account, Resource: resource}
	}
	const account, nobody = "111111111111", "user/forcemfa-unnamed"
	users := []arn.ARN{user(account, nobody)}
	add := func(a arn.ARN) {
		if !slices.Contains(users, a) && len(users) < 16 {
			users = append(users, a)
		}
	}
	for _, d := range documents {
		if d == nil {
			continue
		}
		for _, s := range d.Statements {
			for _, c := range s.Conditions {
				for _, v := range c.Values {
					switch strings.ToLower(c.Key) {
					case "aws:username":
						add(user(account, "user/"+fill(v, unnamed)))
					case "aws:principalaccount":
						if arn.IsAccountID(v) {
							add(user(v, nobody))
						}
					case "aws:principalarn":
						if a, ok := arn.Split(v); ok && a.Service == "iam" && strings.HasPrefix(a.Resource, "user/") {
							own := user(account, fill(a.Resource, unnamed))
							if arn.IsAccountID(a.Account) {
								own.Account = a.Account
							}
							add(own)
						}
					}
				}
			}
		}
	}
	var out []*Subject
	for _, a := range users {
		out = append(out, stranger(a))
	}
	return out
}

func stranger(a arn.ARN) *Subject {
	s := &Subject{Principal: policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: a.String()}, Set: &policy.Set{}, Context: new(policy.Context), tagsUnknown: true}
	s.Context.Set("aws:username", a.Name())
	s.Context.Set("aws:PrincipalArn", a.String())
	s.Context.Set("aws:PrincipalAccount", a.Account)
	s.Context.Set("aws:PrincipalType", "User")
	return s
}
