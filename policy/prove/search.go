package prove

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A trial is a probe made with a credential, in one state of its MFA keys,
// with chosen keys.
type trial struct {
	probe
	credential policy.Credential
	present    policy.Presence
	keys       []choice
}

// A verdict is what a search found, without what is particular to a subject.
type verdict struct {
	outcome Outcome
	latent  bool
	trial   trial // the witness, or what could not be decided
	why     string
}

// A search goes through the probes of a subject.
type search struct {
	subject   *Subject
	firm      *policy.Set // the Denies that no chosen key decides about
	states    []state
	candidate *trial // not refused
	nearly    bool   // the candidate assumes a role, and only the role's word is missing
	undecided *trial
	why       string
	soft      bool // some probe is left to Denies that depend on chosen keys
}

// A state is a credential with its MFA keys.
type state struct {
	situation             // without chosen keys
	choices   []situation // with them
}

// A situation is everything of a trial but the probe, with its context.
type situation struct {
	trial
	context *policy.Context
}

// Times of the requests. Only their order and distance can matter.
var (
	issued = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	now    = issued.Add(10 * time.Minute)
)

// find goes through the probes until one is allowed.
func (s *Subject) find() verdict {
	combinations, complete := s.combinations()
	f := search{subject: s, firm: firm(s), states: s.states(combinations)}
	for _, list := range []func() []probe{fixed, s.cells, func() []probe { return granted(s.Set) }} {
		for _, p := range list() {
			if t, ok := f.allowed(p, f.states); ok {
				return verdict{outcome: Open, trial: t}
			}
		}
	}
	if f.candidate != nil {
		if t, ok := f.conditional(); ok {
			return verdict{outcome: Open, trial: t}
		}
		return verdict{outcome: Open, latent: true, trial: *f.candidate}
	}
	switch {
	case f.undecided != nil:
		return verdict{outcome: Unknown, trial: *f.undecided, why: f.why}
	case !complete && f.soft:
		return verdict{outcome: Unknown, why: fmt.Sprintf("the Denies depend on more than %d combinations of condition keys", maxChoices)}
	}
	return verdict{outcome: Enforced}
}

// firm is the set without the Denies that depend on chosen keys. What it
// refuses is refused whatever the sender chooses.
func firm(s *Subject) *policy.Set {
	list := func(sources []policy.Source) []policy.Source {
		var out []policy.Source
		for _, source := range sources {
			if source, ok := s.firmSource(source); ok {
				out = append(out, source)
			}
		}
		return out
	}
	levels := func(all [][]policy.Source) [][]policy.Source {
		var out [][]policy.Source
		for _, level := range all {
			out = append(out, list(level))
		}
		return out
	}
	set := &policy.Set{Identity: list(s.Set.Identity), Session: list(s.Set.Session), SCPs: levels(s.Set.SCPs), RCPs: levels(s.Set.RCPs)}
	if s.Set.Boundary != nil {
		if source, ok := s.firmSource(*s.Set.Boundary); ok {
			set.Boundary = &source
		}
	}
	return set
}

// firmSource is a source without the Denies that depend on chosen keys; ok is
// false when nothing is left.
func (s *Subject) firmSource(source policy.Source) (policy.Source, bool) {
	if source.Document == nil || source.Err != nil {
		return source, true
	}
	depends := func(st policy.Statement) bool {
		return st.Effect == policy.Deny && slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool { return s.chosen(c.Key) })
	}
	if !slices.ContainsFunc(source.Document.Statements, depends) {
		return source, true
	}
	rest := *source.Document
	rest.Statements = slices.DeleteFunc(slices.Clone(rest.Statements), depends)
	if len(rest.Statements) == 0 {
		return source, false
	}
	return policy.ParseSource(source.Name, rest.Kind, rest.String()), true
}

// states are every credential that can be without MFA, in every state of its
// keys and with every combination of chosen keys; those the subject has come
// first.
func (s *Subject) states(combinations [][]choice) []state {
	kinds := append(s.Credentials[:len(s.Credentials):len(s.Credentials)],
		policy.LongTermKey, policy.ConsolePassword, policy.SessionToken)
	if !s.ForwardedCallsPass {
		kinds = append(kinds, policy.ForwardedFromKey)
	}
	var out []state
	seen := map[policy.Credential]bool{}
	for _, c := range kinds {
		if seen[c] {
			continue
		}
		seen[c] = true
		for _, present := range []policy.Presence{policy.Absent, policy.False} {
			if c.MFA().Present&present != 0 {
				out = append(out, s.state(trial{credential: c, present: present}, combinations))
			}
		}
	}
	return out
}

func (s *Subject) state(t trial, combinations [][]choice) state {
	out := state{situation: situation{t, s.context(t)}}
	for _, keys := range combinations {
		t.keys = keys
		out.choices = append(out.choices, situation{t, s.context(t)})
	}
	return out
}

// context is the context of a trial.
func (s *Subject) context(t trial) *policy.Context {
	c := s.Context.Clone()
	c.SetMFA(t.credential, t.present, issued, now)
	c.Set("aws:ViaAWSService", strconv.FormatBool(t.credential == policy.ForwardedFromKey))
	for _, k := range t.keys {
		switch {
		case len(k.values) == 0:
			c.Delete(k.key)
		case k.many:
			c.SetMany(k.key, k.values)
		default:
			c.Set(k.key, k.values[0])
		}
	}
	return c
}

// allowed tells whether a probe is allowed in one of the states, and remembers
// what is not refused or not decided.
func (f *search) allowed(p probe, states []state) (trial, bool) {
	resource := f.subject.expand(p.resource)
	rule := f.subject.rule(p.action, resource)
	for i := range states {
		if !rule.applies(p.action, states[i].credential) {
			continue
		}
		r := f.subject.request(p.action, resource, states[i].context)
		if f.firm.Refuses(r).Verdict == policy.ExplicitDenied {
			continue
		}
		f.soft = true
		for j := range states[i].choices {
			r.Context = states[i].choices[j].context
			t := states[i].choices[j].trial
			t.probe = p
			if f.passes(r, t) {
				return t, true
			}
		}
	}
	return trial{}, false
}

// passes tells whether a request is allowed, and remembers it when it is not
// refused or not decided.
func (f *search) passes(r *policy.Request, t trial) bool {
	switch d := f.subject.Set.Refuses(r); {
	case d.Verdict == policy.ExplicitDenied:
		return false
	case d.Verdict == policy.Unknown:
		if f.undecided == nil {
			f.undecided, f.why = &t, d.Why
		}
		return false
	case f.subject.Set.Decide(r).Verdict == policy.Allowed:
		return true
	}
	if nearly := !f.nearly && f.subject.mayAsk(r); f.candidate == nil || nearly {
		f.candidate, f.nearly = &t, nearly
	}
	return false
}

func (s *Subject) request(action, resource string, context *policy.Context) *policy.Request {
	r := &policy.Request{Principal: s.Principal, Action: action, Resource: resource, Context: context}
	if a, ok := arn.Split(resource); ok && arn.IsAccountID(a.Account) {
		r.ResourceAccount = a.Account
	}
	return r
}

// mayAsk tells whether a request assumes a role and is allowed if the role
// trusts the subject's account.
func (s *Subject) mayAsk(r *policy.Request) bool {
	if r.Action != "sts:AssumeRole" {
		return false
	}
	trusting := *r
	trusting.Policies = []policy.Source{policy.ParseSource("a trust policy", policy.Trust,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+s.Principal.Account+`"},"Action":"sts:AssumeRole"}}`)}
	return s.Set.Decide(&trusting).Verdict == policy.Allowed
}

// conditional looks for an Allow whose own conditions the sender can meet.
func (f *search) conditional() (trial, bool) {
	for _, statement := range statements(f.subject.Set, policy.Allow) {
		keys := f.subject.satisfying(statement)
		if len(keys) == 0 {
			continue
		}
		states := f.subject.states([][]choice{keys})
		actions := []string{telling[0]}
		for _, pattern := range statement.Actions {
			actions = append(actions, instances(pattern)...)
		}
		for _, action := range actions {
			for _, p := range onNamed(statement, action) {
				if t, ok := f.allowed(p, states); ok {
					return t, true
				}
			}
		}
	}
	return trial{}, false
}

// assume looks for a role that the subject can assume without MFA today.
func (s *Subject) assume() (*Witness, bool) {
	for _, state := range s.states([][]choice{nil}) {
		for i := range s.Roles {
			r := s.request("sts:AssumeRole", s.Roles[i].ARN, state.situation.context)
			r.Policies = []policy.Source{s.Roles[i].Trust}
			if d := s.Set.Decide(r); d.Verdict == policy.Allowed {
				t := state.situation.trial
				t.probe = probe{"sts:AssumeRole", s.Roles[i].ARN}
				return s.witness(t, d), true
			}
		}
	}
	return nil, false
}

// replay decides a trial for a subject, as the witness that is shown.
func (s *Subject) replay(t trial) (w *Witness, refuses, decides policy.Decision) {
	resource := s.expand(t.resource)
	r := s.request(t.action, resource, s.context(t))
	if !s.rule(t.action, resource).applies(t.action, t.credential) {
		return nil, policy.Decision{Verdict: policy.ExplicitDenied}, policy.Decision{}
	}
	refuses, decides = s.Set.Refuses(r), s.Set.Decide(r)
	return s.witness(t, decides), refuses, decides
}

func (s *Subject) witness(t trial, d policy.Decision) *Witness {
	w := &Witness{Action: t.action, Resource: s.expand(t.resource), Credential: t.credential, AllowedBy: allowedBy(d)}
	for _, k := range t.keys {
		if len(k.values) == 0 {
			continue
		}
		if w.Keys == nil {
			w.Keys = map[string]string{}
		}
		w.Keys[k.key] = strings.Join(k.values, " ")
	}
	return w
}

// allowedBy names the statement of a decision; empty when it allows nothing.
func allowedBy(d policy.Decision) string {
	if d.Verdict != policy.Allowed || d.Source == nil {
		return ""
	}
	name := d.Source.Name + ", statement "
	if d.Source.Document != nil && d.Statement < len(d.Source.Document.Statements) {
		if sid := d.Source.Document.Statements[d.Statement].SID; sid != "" {
			return name + sid
		}
	}
	return name + strconv.Itoa(d.Statement+1)
}
