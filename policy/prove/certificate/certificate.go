// Package certificate is the independent checker of proof certificates: it relies
// on nothing that package prove says.
//
// [Check] walks through the universe of requests itself, by the simplest means,
// and asks the evaluator of package policy about every kind of request that the
// Denies named in the proof distinguish. It uses only the cells of the proof: a
// request is covered when the Denies of one cell cover it and refuse it whatever
// the sender chooses. A missing cell, or a Deny that does not do what its cell
// says, is an error. The check relies on package policy, on the types that AWS
// documents for condition keys (keys.txt), on the given list of
// actions (none for a strict proof), on the observed answers that both the proof and the
// claim name, and on the assumption that requests which no pattern and no condition of
// a policy distinguishes are decided alike.
package certificate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"forcemfa/policy"
)

// A Claim is the statement that a proof proves: no request of the principal
// without MFA passes the Denies of the set, outside of the enrollment set.
type Claim struct {
	Principal policy.Principal
	Set       *policy.Set
	Context   *policy.Context // the fixed keys of the principal
	// HasDevice, ForwardedCallsPass, Enrollment and EnrollmentByKey are those of
	// the subject of the proof.
	HasDevice          bool
	ForwardedCallsPass bool
	Enrollment         []string
	EnrollmentByKey    bool
	// Observed are the observed answers that the proof may rely on, in addition to AWS's
	// documentation.
	Observed policy.Observed
	// Actions lists all actions that exist. A strict proof needs none.
	Actions []Action
}

// An Action is an action with its possible resources.
type Action struct {
	Name      string
	Resources []string // ARN templates: ${Account} and other variables
	Any       bool     // requests can have the resource *
}

// maxCombinations limits the values that are tried together.
const maxCombinations = 100_000

// maxEvaluations limits the work for one case of a proof, which may come from anybody.
// Proofs of package prove need some thousands.
const maxEvaluations = 1 << 22

var errWork = fmt.Errorf("the proof takes more than %d evaluations", maxEvaluations)

// Check reports whether a proof proves a claim; the error says what is missing.
func Check(p *policy.Proof, c Claim) error { return new(Checker).Check(p, c) }

// A Checker checks many proofs. It caches no verdicts, only the texts that lists of
// patterns distinguish, because most documents of an organization have the same
// patterns. The zero value is ready to use. A Checker is safe for concurrent use.
type Checker struct {
	mu    sync.Mutex
	texts map[string][]string // by the patterns
	work  atomic.Int64
}

// Evaluations counts the evaluations of all checks so far, so that a caller can limit
// the work for proofs of unknown origin.
func (m *Checker) Evaluations() int64 { return m.work.Load() }

// Check is [Check].
func (m *Checker) Check(p *policy.Proof, c Claim) error {
	if p == nil || c.Set == nil {
		return errors.New("the proof or the policies are missing")
	}
	if !p.Strict && len(c.Actions) == 0 {
		return errors.New("the proof covers the actions of a list, and the list is missing")
	}
	if !c.Observed.Has(p.Observed) {
		return fmt.Errorf("the proof relies on observed answers that are not given: %s", p.Observed)
	}
	c.Observed = p.Observed // no others are necessary
	for _, want := range c.cases() {
		i := slices.IndexFunc(p.Cases, func(x policy.ProofCase) bool { return x.Credential == want.Credential && x.Present == want.Present })
		if i < 0 {
			return fmt.Errorf("the proof has no case for requests with a %v", want.Credential)
		}
		k, err := newInquiry(m, &c, &p.Cases[i], p.Strict)
		if err == nil {
			err = k.check()
			m.work.Add(k.spent)
		}
		if err != nil {
			return fmt.Errorf("requests with a %v: %w", want.Credential, err)
		}
	}
	return nil
}

// cases returns the ways of making requests without MFA.
func (c *Claim) cases() []policy.ProofCase {
	kinds := []policy.Credential{policy.LongTermKey, policy.ConsolePassword, policy.SessionToken}
	if !c.ForwardedCallsPass {
		kinds = append(kinds, policy.ForwardedFromKey)
	}
	var out []policy.ProofCase
	for _, kind := range kinds {
		for _, present := range []policy.Presence{policy.Absent, policy.False} {
			if kind.MFA().Present&present != 0 {
				out = append(out, policy.ProofCase{Credential: kind, Present: present})
			}
		}
	}
	return out
}

// An inquiry checks one case.
type inquiry struct {
	*Claim
	memory  *Checker
	proof   *policy.ProofCase
	strict  bool
	context *policy.Context
	denies  map[policy.ProofDeny]*deny
	cells   []cell
	settled map[string]error    // whether the Denies of a cell are sufficient
	spent   int64               // evaluations
	kinds   map[string][]string // the resources of a template
}

type cell struct {
	policy.ProofCell
	by []*deny
}

// A deny is one Deny statement of the set as a policy of its own.
type deny struct {
	at        policy.ProofDeny
	statement *policy.Statement
	version   string
	layer     policy.Kind
	covers    *policy.Set // without conditions
	refuses   *policy.Set
	open      []condition
}

func newInquiry(m *Checker, c *Claim, proof *policy.ProofCase, strict bool) (*inquiry, error) {
	k := &inquiry{Claim: c, memory: m, proof: proof, strict: strict, denies: map[policy.ProofDeny]*deny{}, settled: map[string]error{}, kinds: map[string][]string{}}
	k.context = c.Context.Clone()
	k.context.Observe(c.Observed)
	moment := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k.context.SetMFA(proof.Credential, proof.Present, moment, moment)
	k.context.Set("aws:ViaAWSService", fmt.Sprint(proof.Credential == policy.ForwardedFromKey))
	if _, known := k.context.Get("aws:PrincipalIsAWSService"); !known {
		k.context.Set("aws:PrincipalIsAWSService", "false")
	}
	for _, listed := range proof.Cells {
		x := cell{ProofCell: listed}
		if len(listed.By) == 0 {
			return nil, fmt.Errorf("the proof names no Deny for %s", listed.Action)
		}
		for _, at := range listed.By {
			d, err := k.deny(at)
			if err != nil {
				return nil, err
			}
			x.by = append(x.by, d)
		}
		k.cells = append(k.cells, x)
	}
	return k, nil
}

// deny extracts a Deny from its document.
func (k *inquiry) deny(at policy.ProofDeny) (*deny, error) {
	if d, known := k.denies[at]; known {
		return d, nil
	}
	sources := k.Set.Sources()
	if at.Source < 0 || at.Source >= len(sources) || sources[at.Source].Document == nil || sources[at.Source].Err != nil {
		return nil, fmt.Errorf("there is no policy %d", at.Source)
	}
	document := sources[at.Source].Document
	if at.Statement < 0 || at.Statement >= len(document.Statements) || document.Statements[at.Statement].Effect != policy.Deny {
		return nil, fmt.Errorf("statement %d of policy %d is not a Deny", at.Statement, at.Source)
	}
	s := document.Statements[at.Statement]
	s.Principals, s.NotPrincipals = nil, nil
	err := k.certain(&s, document.Version)
	if err != nil {
		return nil, fmt.Errorf("statement %d of policy %d %w", at.Statement, at.Source, err)
	}
	d := &deny{at: at, statement: &s, version: document.Version, layer: k.Set.Layer(at.Source)}
	if d.refuses, err = d.alone(s); err != nil {
		return nil, err
	}
	for _, written := range s.Conditions {
		c := newCondition(written, document.Version)
		if i := slices.IndexFunc(c.Values, func(v string) bool { return k.chosenVariable(v, c.variables) }); i >= 0 {
			return nil, fmt.Errorf("statement %d of policy %d compares with %s, which the sender chooses", at.Statement, at.Source, c.Values[i])
		}
		if k.sendersChoice(c) {
			d.open = append(d.open, c)
		}
	}
	bare := s
	bare.Conditions = nil
	if d.covers, err = d.alone(bare); err != nil {
		return nil, err
	}
	k.denies[at] = d
	return d, nil
}

func (d *deny) alone(s policy.Statement) (*policy.Set, error) {
	source := policy.ParseSource("", policy.Identity, (&policy.Document{Version: d.version, Statements: []policy.Statement{s}}).String())
	if source.Err != nil {
		return nil, source.Err
	}
	if d.layer == policy.RCP {
		return &policy.Set{RCPs: [][]policy.Source{{source}}}, nil
	}
	return &policy.Set{Identity: []policy.Source{source}}, nil
}

// never lists the keys that no request of an IAM user has, except that services
// forward calls with aws:CalledVia: they are there for sessions of other principals,
// and when an AWS service makes a request by itself. A key that ends in a colon is
// all keys of that kind.
// Source: IAM User Guide, "AWS global condition context keys", availability.
var never = []string{"aws:multifactorauthage", "aws:principalservicename", "aws:principalservicenameslist", "aws:sourcearn", "aws:sourceaccount",
	"aws:sourceorgid", "aws:sourceorgpaths", "aws:assumedroot", "aws:federatedprovider", "aws:chatbotsourcearn", "aws:ec2instancesourcevpc",
	"aws:ec2instancesourceprivateipv4", "aws:sourceidentity", "ec2:roledelivery", "ec2:sourceinstancearn", "glue:roleassumedby",
	"glue:credentialissuingservice", "codebuild:buildarn", "codebuild:projectarn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn",
	"identitystore:userid", "saml:"}

// calledVia lists the services that forward a call.
var calledVia = []string{"aws:calledvia", "aws:calledviafirst", "aws:calledvialast"}

// chosen reports whether the sender of a request chooses the value of a key. What is
// not known about the principal counts as chosen: nothing that depends on it is proved.
func (k *inquiry) chosen(key string) bool {
	kind, _, _ := strings.Cut(key, ":")
	_, known := k.context.Get(key)
	switch {
	case key == "aws:tokenissuetime":
		return k.proof.Credential.MFA().IssueTime
	case key == "aws:signinsessionarn": // aws login signs in as the console does
		return k.proof.Credential == policy.ConsolePassword && !known
	case known || slices.Contains(never, key) || slices.Contains(never, kind+":"):
		return false
	case key == "aws:multifactorauthpresent" || strings.HasPrefix(key, "aws:principaltag/"):
		return false
	case strings.ContainsAny(kind, "./"): // of an identity provider
		return false
	case slices.Contains(calledVia, key):
		return k.proof.Credential == policy.ForwardedFromKey
	}
	return true
}

func (k *inquiry) sendersChoice(c condition) bool {
	if c.key == "aws:tokenissuetime" && c.operator == "null" {
		return false
	}
	return k.chosen(c.key)
}

func (k *inquiry) check() error {
	for _, x := range k.cells {
		if err := k.represents(&x); err != nil {
			return err
		}
	}
	if k.strict {
		return k.everything()
	}
	for i := range k.Actions {
		if err := k.action(&k.Actions[i]); err != nil {
			return err
		}
	}
	return nil
}

// represents asks the evaluator about the representative request of a cell.
func (k *inquiry) represents(x *cell) error {
	resource := x.Resource
	if resource == "" {
		resource = "*"
		for _, d := range x.by {
			if !d.everywhere() {
				return fmt.Errorf("%s: %v does not cover every resource", x.Action, d.at)
			}
		}
	}
	return k.refused(x, x.Action, resource)
}

// everywhere reports whether a Deny covers every resource.
func (d *deny) everywhere() bool {
	s := d.statement
	all := func(pattern string) bool { return pattern != "" && strings.Trim(pattern, "*") == "" }
	return d.layer != policy.RCP && s.NotResources == nil && (s.Resources == nil || slices.ContainsFunc(s.Resources, all))
}

// everything checks all actions that AWS could ever have.
func (k *inquiry) everything() error {
	named := slices.Concat(k.Enrollment, byName)
	for _, d := range k.denies {
		named = append(append(named, d.statement.Actions...), d.statement.NotActions...)
	}
	all, err := k.memory.actions(named)
	if err != nil {
		return err
	}
	for _, name := range all {
		if strings.Count(name, ":") != 1 {
			continue
		}
		if err := k.action(&Action{Name: name, Resources: []string{"arn:${Partition}:${Any}"}, Any: true}); err != nil {
			return err
		}
	}
	return nil
}

// remembered limits the memory of a Checker.
const remembered = 1 << 10

// actions returns one action name of every kind that the patterns distinguish.
func (m *Checker) actions(named []string) ([]string, error) {
	for i := range named {
		named[i] = strings.ToLower(named[i])
	}
	slices.Sort(named)
	named = slices.Compact(named)
	var patterns []pattern
	for _, name := range named {
		if service, verb, found := strings.Cut(name, ":"); found {
			patterns = append(patterns, slices.Concat(glob(service).segment(), exactly(":"), glob(verb).segment()))
		}
	}
	all, ok := m.samples(glob("?*:?*").segment(), patterns)
	if !ok {
		return nil, errors.New("the actions in the policies distinguish too many names")
	}
	return all, nil
}

// samples is the function samples, with a memory. Patterns that are there twice
// distinguish nothing.
func (m *Checker) samples(base pattern, patterns []pattern) ([]string, bool) {
	key := base.appendKey(nil)
	var different []pattern
	seen := map[string]bool{}
	for _, p := range patterns {
		if own := string(p.appendKey(nil)); !seen[own] {
			seen[own] = true
			different = append(different, p)
			key = append(key, own...)
		}
	}
	m.mu.Lock()
	known, ok := m.texts[string(key)]
	m.mu.Unlock()
	if ok {
		return known, true
	}
	texts, ok := samples(base, different)
	if !ok {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.texts == nil || len(m.texts) >= remembered {
		m.texts = map[string][]string{}
	}
	m.texts[string(key)] = texts
	return texts, true
}

// action checks that every request for an action is refused.
func (k *inquiry) action(a *Action) error {
	if k.exempt(a.Name, "") {
		return nil
	}
	if settled, err := k.anyCell(a.Name, "*", true); settled || err != nil {
		return err
	}
	if a.Any {
		if err := k.request(a.Name, "*"); err != nil {
			return err
		}
	}
	for _, template := range a.Resources {
		resources, err := k.resources(a.Name, template)
		if err != nil {
			return err
		}
		for _, resource := range resources {
			if err := k.request(a.Name, resource); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *inquiry) request(action, resource string) error {
	if k.exempt(action, resource) {
		return nil
	}
	settled, err := k.anyCell(action, resource, false)
	if err == nil && !settled {
		err = fmt.Errorf("no cell covers %s on %s", action, resource)
	}
	return err
}

// anyCell reports whether one of the cells, of those for every resource or of the
// others, refuses a request. The error is about the work.
func (k *inquiry) anyCell(action, resource string, everywhere bool) (bool, error) {
	for i := range k.cells {
		if k.spent > maxEvaluations {
			return false, errWork
		}
		k.spent++
		if x := &k.cells[i]; (x.Resource == "") == everywhere && k.refused(x, action, resource) == nil {
			return true, nil
		}
	}
	return false, nil
}

// refused reports whether the Denies of a cell refuse a request whatever the
// sender chooses.
func (k *inquiry) refused(x *cell, action, resource string) error {
	for _, d := range x.by {
		if !k.covers(d, action, resource) {
			return fmt.Errorf("%s on %s: %v does not cover it", action, resource, d.at)
		}
	}
	id := fmt.Sprint(x.By, k.ofResource("aws:requestedregion", resource), k.ofResource("aws:resourceaccount", resource))
	if err, known := k.settled[id]; known {
		return err
	}
	err := k.whatever(x.by, action, resource)
	k.settled[id] = err
	return err
}

func (k *inquiry) covers(d *deny, action, resource string) bool {
	if d.layer == policy.RCP && k.foreign(resource) {
		return false
	}
	r := &policy.Request{Principal: k.Principal, Action: action, Resource: resource, Context: k.context}
	return d.covers.Refuses(r).Verdict == policy.ExplicitDenied
}

// foreign reports whether a resource can belong to another account, which the
// resource control policies do not apply to.
func (k *inquiry) foreign(resource string) bool {
	parts := strings.SplitN(resource, ":", 6)
	return len(parts) == 6 && parts[4] != k.Principal.Account
}

// whatever tries all values of the keys that the sender chooses.
func (k *inquiry) whatever(by []*deny, action, resource string) error {
	keys := map[string][]condition{}
	for _, d := range by {
		for _, c := range d.open {
			keys[c.key] = append(keys[c.key], c)
		}
	}
	names := make([]string, 0, len(keys))
	values := map[string][]value{}
	total := 1
	for name, conditions := range keys {
		list, err := k.values(name, conditions)
		if err != nil {
			return err
		}
		if own := k.ofResource(name, resource); own != "" {
			list = []value{{}, {texts: []string{own}}}
		}
		names, values[name] = append(names, name), list
		if total *= len(list); total > maxCombinations {
			return fmt.Errorf("more than %d combinations of condition keys", maxCombinations)
		}
	}
	slices.Sort(names)
	return k.combine(by, action, resource, names, values, k.context.Clone())
}

func (k *inquiry) combine(by []*deny, action, resource string, names []string, values map[string][]value, context *policy.Context) error {
	if k.spent > maxEvaluations {
		return errWork
	}
	if len(names) == 0 {
		k.spent++
		r := &policy.Request{Principal: k.Principal, Action: action, Resource: resource, Context: context}
		if contradicts(context) || slices.ContainsFunc(by, func(d *deny) bool { return d.refuses.Refuses(r).Verdict == policy.ExplicitDenied }) {
			return nil
		}
		return fmt.Errorf("%s on %s passes with some values of %v", action, resource, context.Keys())
	}
	for _, v := range values[names[0]] {
		v.write(names[0], context)
		left := by
		if v.any {
			left = slices.DeleteFunc(slices.Clone(by), func(d *deny) bool { return d.compares(names[0]) })
		}
		if err := k.combine(left, action, resource, names[1:], values, context); err != nil {
			return err
		}
	}
	context.Delete(names[0])
	return nil
}

// compares reports whether the Deny depends on the value of a key, and not only on whether
// there is one.
func (d *deny) compares(key string) bool {
	return slices.ContainsFunc(d.open, func(c condition) bool { return c.key == key && c.Operator != "Null" })
}

// contradicts reports whether a request is impossible: it comes over the
// internet and through a VPC endpoint.
func contradicts(c *policy.Context) bool {
	if _, direct := c.Get("aws:SourceIp"); !direct {
		return false
	}
	return slices.ContainsFunc([]string{"aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid",
		"aws:vpceorgpaths"},
		func(key string) bool { _, found := c.Get(key); return found })
}

// ofResource returns the part of the resource's ARN that a key repeats.
func (k *inquiry) ofResource(key, resource string) string {
	parts := strings.SplitN(resource, ":", 6)
	switch {
	case len(parts) < 6:
	case key == "aws:requestedregion":
		return parts[3]
	case key == "aws:resourceaccount":
		return parts[4]
	}
	return ""
}
