package policy

import (
	"strconv"
	"strings"
)

// Decide answers whether the principal may make the request.
//
// A rule that AWS does not document is evaluated in both interpretations. When
// both give the same result, or a Deny applies in both, that is the answer;
// otherwise it is Unknown. Limits outside the policy language are not included:
// see [Credential.Limit] and [Unconditional].
// Source: IAM User Guide, "Policy evaluation logic".
func (s *Set) Decide(r *Request) Decision {
	var d decider
	d.init(s, r)
	if d.denies() || d.resourcePolicies() {
		return d.denied()
	}
	if d.identityAlone() {
		return d.conclude(d.sourcesAllow(s.Identity, Identity))
	}
	d.allows()
	return d.conclude(d.allow())
}

// identityAlone reports whether only identity policies can allow or limit the
// request, as for most users and roles.
func (d *decider) identityAlone() bool {
	s, r := d.set, d.request
	return s.SCPs == nil && s.RCPs == nil && s.Session == nil && s.Boundary == nil && !d.must && len(r.Policies) == 0 &&
		(r.Principal.Kind == IAMUser || r.Principal.Kind == RoleSession) && (r.ResourceAccount == "" || r.ResourceAccount == r.Principal.Account)
}

// Refuses answers a narrower question: does an explicit Deny in force (identity,
// boundary, session, SCP, RCP) refuse the request, whatever any Allow or
// resource policy says? The verdict is ExplicitDenied, ImplicitDenied (no Deny
// applies) or Unknown.
func (s *Set) Refuses(r *Request) Decision {
	var d decider
	d.init(s, r)
	switch {
	case d.denies():
		return d.denied()
	case d.deny.truth == maybe:
		return d.unknown(&d.deny)
	}
	return Decision{Verdict: ImplicitDenied}
}

// A finding is the best truth so far, and its statement.
type finding struct {
	source    *Source
	statement int32
	truth     truth
	layer     Kind
	doubt     doubt
}

// raise keeps the better of two findings.
func (f *finding) raise(o finding) {
	if o.truth > f.truth {
		*f = o
	}
}

// both keeps the worse of two findings.
func (f *finding) both(o finding) {
	if o.truth < f.truth {
		*f = o
	}
}

// A decider collects the results of the layers. They share one Deny; the Allows
// stay separate until they are combined.
type decider struct {
	evaluation
	set *Set

	deny     finding
	identity finding
	boundary finding
	session  finding
	scps     finding // the worst level
	rcps     finding
	must     bool            // the resource's own policy must also allow
	grants   [grades]finding // what the resource's own policies allow
}

func (d *decider) init(s *Set, r *Request) {
	d.set = s
	d.evaluation.init(r, s.Boundary != nil)
}

// denies evaluates every Deny of the set before any Allow. It reports whether
// one certainly applies, which ends the evaluation.
func (d *decider) denies() bool {
	s := d.set
	if s.SCPs != nil && d.hasSCPs() && d.levelsDeny(s.SCPs, SCP) {
		return true
	}
	if s.RCPs != nil && d.hasRCPs() && d.levelsDeny(s.RCPs, RCP) {
		return true
	}
	if !d.request.Principal.identified() {
		return false
	}
	if d.request.Principal.Kind != RootUser {
		if d.sourcesDeny(s.Identity, Identity) || s.Boundary != nil && d.sourceDenies(s.Boundary, Boundary) {
			return true
		}
	}
	return d.sourcesDeny(s.Session, Session)
}

func (d *decider) levelsDeny(levels [][]Source, layer Kind) bool {
	for _, level := range levels {
		if d.sourcesDeny(level, layer) {
			return true
		}
	}
	return false
}

func (d *decider) sourcesDeny(sources []Source, layer Kind) bool {
	for i := range sources {
		if d.sourceDenies(&sources[i], layer) {
			return true
		}
	}
	return false
}

// sourceDenies updates the Deny with the statements of one document.
func (d *decider) sourceDenies(s *Source, layer Kind) bool {
	if doubt := s.doubt(); doubt != noDoubt {
		d.deny.raise(finding{truth: maybe, layer: layer, source: s, doubt: doubt})
		return false
	}
	for _, b := range s.Document.denies {
		if b.services&d.serviceBit == 0 || b.names&d.nameBit == 0 {
			continue
		}
		if t := s.Document.compiled[b.statement].matches(&d.evaluation); t > d.deny.truth {
			if d.deny = (finding{s, b.statement, t, layer, d.doubt}); t == yes {
				return true
			}
		}
	}
	return false
}

// allows evaluates the Allows of every layer.
func (d *decider) allows() {
	always := finding{truth: yes}
	d.scps, d.rcps, d.boundary, d.session = always, always, always, always
	if d.set.SCPs != nil && d.hasSCPs() {
		d.scps = d.levelsAllow(d.set.SCPs, SCP)
	}
	if d.set.RCPs != nil && d.hasRCPs() {
		d.rcps = d.levelsAllow(d.set.RCPs, RCP)
	}
	if !d.request.Principal.identified() {
		return
	}
	// A root user has neither identity policies nor a boundary and may do
	// everything.
	d.identity = finding{truth: yes, layer: Identity}
	if d.request.Principal.Kind != RootUser {
		d.identity = d.sourcesAllow(d.set.Identity, Identity)
		if d.set.Boundary != nil {
			d.boundary = finding{layer: Boundary}
			d.sourceAllows(d.set.Boundary, &d.boundary)
		}
	}
	switch {
	case d.set.Session != nil:
		d.session = d.sourcesAllow(d.set.Session, Session)
	case d.request.Principal.Kind == FederatedUser:
		d.session = finding{layer: Session} // without a session policy the session may do nothing
	}
}

// levelsAllow requires an Allow at every level. Without any level it allows.
func (d *decider) levelsAllow(levels [][]Source, layer Kind) finding {
	all := finding{truth: yes}
	for _, level := range levels {
		all.both(d.sourcesAllow(level, layer))
	}
	return all
}

// sourcesAllow returns the best Allow of a list of documents. It tries a
// document that allows everything first, so that the others need no evaluation.
func (d *decider) sourcesAllow(sources []Source, layer Kind) finding {
	for i := range sources {
		if s := &sources[i]; s.doubt() == noDoubt && s.Document.everything > 0 {
			return finding{source: s, statement: s.Document.everything - 1, truth: yes, layer: layer}
		}
	}
	allow := finding{layer: layer}
	for i := range sources {
		if d.sourceAllows(&sources[i], &allow); allow.truth == yes {
			break
		}
	}
	return allow
}

// sourceAllows updates allow with the statements of one document.
func (d *decider) sourceAllows(s *Source, allow *finding) {
	if doubt := s.doubt(); doubt != noDoubt {
		allow.raise(finding{truth: maybe, layer: allow.layer, source: s, doubt: doubt})
		return
	}
	for _, b := range s.Document.allows {
		if b.services&d.serviceBit == 0 || b.names&d.nameBit == 0 {
			continue
		}
		if t := s.Document.compiled[b.statement].matches(&d.evaluation); t > allow.truth {
			if *allow = (finding{s, b.statement, t, allow.layer, d.doubt}); t == yes {
				return
			}
		}
	}
}

// hasSCPs reports whether service control policies apply to the caller: they
// apply to the users and roles of an account and its root user, not to
// service-linked roles and callers outside of the organization.
// Source: Organizations User Guide, "Service control policies (SCPs)".
func (d *decider) hasSCPs() bool {
	p := &d.request.Principal
	return p.identified() && !p.ServiceLinked
}

// hasRCPs reports whether resource control policies apply: they apply to all
// callers of the account's resources except service-linked roles.
// Source: Organizations User Guide, "Resource control policies (RCPs)".
func (d *decider) hasRCPs() bool {
	return !d.request.Principal.ServiceLinked && d.takesRCPs()
}

// doubt returns why a document cannot be evaluated, noDoubt when it can.
func (s *Source) doubt() doubt {
	switch {
	case s.Document == nil || s.Err != nil:
		return unreadable
	case len(s.Document.compiled) != len(s.Document.Statements):
		return notParsed
	}
	return noDoubt
}

// resourcePolicies evaluates the policies of the resource. It reports whether a
// Deny certainly applies.
func (d *decider) resourcePolicies() (denied bool) {
	d.must = d.mustAllow()
	if len(d.request.Policies) == 0 && !d.must && !d.crosses() {
		return false
	}
	layer := d.resourceLayer()
	for g := range d.grants {
		d.grants[g].layer = layer
	}
	if len(d.request.Policies) == 0 && d.must {
		d.nothingKnown(finding{truth: maybe, layer: layer, doubt: missingPolicy})
		return false
	}
	for i := range d.request.Policies {
		if d.resourcePolicy(&d.request.Policies[i]); d.deny.truth == yes {
			return true
		}
	}
	return false
}

func (d *decider) resourcePolicy(s *Source) {
	layer := d.resourceLayer()
	if doubt := s.doubt(); doubt != noDoubt {
		d.nothingKnown(finding{truth: maybe, layer: layer, source: s, doubt: doubt})
		return
	}
	for i := range s.Document.compiled {
		st := &s.Document.compiled[i]
		t := st.matches(&d.evaluation)
		if t == no {
			continue
		}
		names := st.matchPrincipal(&d.evaluation)
		if st.effect == Deny {
			d.deny.raise(finding{s, int32(i), min(t, names.any()), layer, d.doubt})
			continue
		}
		for g, name := range names {
			d.grants[g].raise(finding{s, int32(i), min(t, name), layer, d.doubt})
		}
	}
}

// nothingKnown means that a policy of the resource may allow and deny anything.
func (d *decider) nothingKnown(f finding) {
	d.deny.raise(f)
	for g := range d.grants {
		d.grants[g].raise(f)
	}
}

// resourceLayer returns the layer of the resource's own policy.
func (d *decider) resourceLayer() Kind {
	if equalFold(d.service, "sts") {
		return Trust
	}
	return Resource
}

// stsBit and kmsBit avoid comparing names for most requests.
var stsBit, kmsBit = signature("sts"), signature("kms")

// mustAllow reports whether the resource's own policy must allow even within the
// account: a role's trust policy and a KMS key policy. Identity policies alone
// are not enough there.
// Source: IAM User Guide, "Determining whether a request is allowed or denied
// within an account"; KMS Developer Guide, "Key policies in AWS KMS".
func (d *decider) mustAllow() bool {
	if d.serviceBit&(stsBit|kmsBit) == 0 {
		return false
	}
	sts := equalFold(d.service, "sts")
	if !sts && !equalFold(d.service, "kms") {
		return false
	}
	a, ok := d.evaluation.resource()
	switch {
	case !ok:
		return false
	case sts:
		return a.Service == "iam" && strings.HasPrefix(a.Resource, "role/")
	}
	return a.Service == "kms" && strings.HasPrefix(a.Resource, "key/")
}

// allow combines the layers. Service and resource control policies must allow in
// every case; they never grant.
func (d *decider) allow() finding {
	switch {
	case d.scps.truth == no:
		return d.scps
	case d.rcps.truth == no:
		return d.rcps
	}
	grant := d.grant()
	grant.both(d.scps)
	grant.both(d.rcps)
	return grant
}

// grant returns what the identity side and the resource side allow together.
func (d *decider) grant() finding {
	if !d.request.Principal.identified() {
		return d.anyGrant()
	}
	base := d.limited(d.identity)
	switch {
	case d.crosses():
		base.both(d.anyGrant())
		return base
	case len(d.request.Policies) == 0 && !d.must:
		return base
	}
	if d.must {
		account := d.grants[byAccount]
		account.both(base)
		base = account
	}
	base.raise(d.grants[byUser])
	base.raise(d.grants[bySession])
	base.raise(d.grants[byEveryone])
	base.raise(d.limited(d.grants[byRole]))
	base.raise(d.limited(d.grants[byIssuer]))
	return base
}

// crosses reports whether the resource belongs to another account than the
// caller, as it always does for a caller without an account.
func (d *decider) crosses() bool {
	p := &d.request.Principal
	owner := d.request.ResourceAccount
	return !p.identified() || owner != "" && owner != p.Account
}

// limited returns an Allow within the permissions boundary and the session
// policies.
func (d *decider) limited(allow finding) finding {
	allow.both(d.boundary)
	allow.both(d.session)
	return allow
}

// anyGrant returns the best Allow of the resource's own policies, however they
// name the caller.
func (d *decider) anyGrant() finding {
	best := d.grants[0]
	for _, g := range d.grants[1:] {
		best.raise(g)
	}
	return best
}

func (d *decider) conclude(allow finding) Decision {
	switch {
	case allow.truth == no:
		return Decision{Verdict: ImplicitDenied, Layer: allow.layer}
	case d.deny.truth == maybe:
		return d.unknown(&d.deny)
	case allow.truth == maybe:
		return d.unknown(&allow)
	}
	return Decision{Verdict: Allowed, Source: allow.source, Statement: int(allow.statement), Layer: allow.layer}
}

func (d *decider) denied() Decision {
	return Decision{Verdict: ExplicitDenied, Source: d.deny.source, Statement: int(d.deny.statement), Layer: d.deny.layer}
}

// unknown says why a decision is Unknown. Only this allocates.
func (d *decider) unknown(f *finding) Decision {
	why := doubts[f.doubt]
	if f.source != nil {
		why = f.source.why(int(f.statement), f.doubt)
	}
	return Decision{Verdict: Unknown, Source: f.source, Statement: int(f.statement), Layer: f.layer, Why: why}
}

func (s *Source) why(statement int, d doubt) string {
	switch {
	case d == unreadable && s.Err != nil:
		return s.Name + ": " + doubts[d] + ": " + s.Err.Error()
	case d == unreadable || d == notParsed:
		return s.Name + ": " + doubts[d]
	}
	name := strconv.Itoa(statement + 1)
	if sid := s.Document.Statements[statement].SID; sid != "" {
		name += " (" + sid + ")"
	}
	return s.Name + ": statement " + name + ": " + doubts[d]
}
