package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/trust"
)

// An Assumption is recorded AssumeRole calls of one principal for a role whose planned
// trust policy requires MFA, which would be denied.
type Assumption struct {
	Role      string `json:"role"`      // ARN
	Principal string `json:"principal"` // ARN of the user or of the role of the session; an account ID if the record names no more
	Calls     int    `json:"calls"`
	First     string `json:"first"` // RFC 3339
	Last      string `json:"last"`
	// Unknown means that the record does not say whether the call had MFA: it is that of
	// the role's account about a caller of another account.
	Unknown bool `json:"unknown_mfa,omitempty"`
}

// assumption is the key of AssumeRole calls in a Tally.
type assumption struct {
	role, principal, account, external string
	issuer                             string // ARN of the role behind a role session
	kind                               policy.PrincipalKind
	mfa                                bool
	old                                bool // as state old
	unknown                            bool
}

// planTrust keeps the planned trust policies of an account.
func (j *Judge) planTrust(a *org.Account) {
	if !j.baseline.Trust.MFA {
		return
	}
	for i := range a.Roles {
		role := &a.Roles[i]
		if role.OfAWS() {
			continue
		}
		document, err := trust.RequireMFA(role.Trust, j.baseline.Trust.MaxAge)
		if err != nil || document == role.Trust {
			continue
		}
		source := policy.ParseSource("planned trust policy", policy.Trust, document)
		if source.Err == nil {
			j.trusts[role.ARN] = source
		}
	}
}

// assume counts an AssumeRole call that AWS allowed, of any principal.
func (t *Tally) assume(c *trail.Call, one counted) {
	if !t.looks.Trust || c.Source != "sts.amazonaws.com" || c.Name != "AssumeRole" || c.Refused() || c.Parameters.Role == "" {
		return
	}
	k := assumption{role: c.Parameters.Role, principal: c.Caller.ARN, account: c.Caller.Account, external: c.Parameters.External, mfa: c.Caller.MFA == "true"}
	switch c.Caller.Type {
	case "IAMUser":
		k.kind = policy.IAMUser
	case "AssumedRole":
		k.kind, k.issuer, k.principal = policy.RoleSession, c.Caller.IssuerARN, withoutSession(c.Caller.ARN)
	case "FederatedUser":
		k.kind, k.issuer, k.principal = policy.FederatedUser, c.Caller.IssuerARN, withoutSession(c.Caller.ARN)
	case "AWSAccount":
		k.kind, k.principal, k.unknown = policy.IAMUser, "arn:aws:iam::"+c.Caller.Account+":user/unknown", true
	default: // services, and root, which cannot assume roles
		return
	}
	if age := t.looks.TrustAge; age > 0 && k.mfa && c.Caller.Created > 0 {
		k.old = c.Time-c.Caller.Created > age
	}
	count(t.assumes, k, one)
}

// withoutSession replaces the name of a session, of which a log can have millions.
func withoutSession(arn string) string {
	if i := strings.LastIndexByte(arn, '/'); i >= 0 {
		return arn[:i+1] + "session"
	}
	return arn
}

// assumptions adds the calls that planned trust policies would deny. A call from another
// account has a record in both accounts; the one that names its caller counts.
func (b *builder) assumptions() {
	if b.tally.folded && len(b.judge.trusts) > 0 {
		b.blind("trust-policies", "", "the query does not count AssumeRole calls by role: planned trust policies were not replayed")
	}
	covered := map[string]bool{}
	for p := range b.tally.coverage {
		covered[p.account] = true
	}
	for k, n := range b.tally.assumes {
		planned, ok := b.judge.trusts[k.role]
		if !ok || k.unknown && covered[k.account] || !b.judge.refusesAssume(planned, &k, n.last) {
			continue
		}
		a := Assumption{Role: k.role, Principal: cmp.Or(k.issuer, k.principal), Calls: n.count, First: stamp(n.first), Last: stamp(n.last), Unknown: k.unknown}
		if k.unknown {
			a.Principal = k.account
		}
		b.report.Assumptions = append(b.report.Assumptions, a)
	}
	b.report.Assumptions = merged(b.report.Assumptions)
}

// merged adds up the calls of the same principal for the same role.
func merged(all []Assumption) []Assumption {
	slices.SortFunc(all, func(a, b Assumption) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.Principal, b.Principal))
	})
	var out []Assumption
	for _, a := range all {
		if n := len(out); n > 0 && out[n-1].Role == a.Role && out[n-1].Principal == a.Principal {
			last := &out[n-1]
			last.Calls, last.First, last.Last = last.Calls+a.Calls, min(last.First, a.First), max(last.Last, a.Last)
			continue
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Assumption) int { return b.Calls - a.Calls })
	return out
}

// refusesAssume reports whether a planned trust policy refuses a call for lack of MFA.
// Conditions on what no record holds are true, because the call succeeded: they may hide
// that a call without MFA would pass, never that it would be refused.
func (j *Judge) refusesAssume(planned policy.Source, k *assumption, last int64) bool {
	if k.mfa && !k.old {
		return false
	}
	role, err := arn.Parse(k.role)
	if err != nil {
		return false
	}
	d := allowAll.Decide(&policy.Request{
		Principal: policy.Principal{Kind: k.kind, Account: k.account, ARN: k.principal, Issuer: k.issuer}, Action: "sts:AssumeRole",
		Resource: k.role, ResourceAccount: role.Account, Policies: []policy.Source{planned}, Context: k.context(time.Unix(last, 0).UTC()),
	})
	return d.Verdict != policy.Allowed
}

// context is what a record says about the condition keys of a call without fresh MFA.
func (k *assumption) context(at time.Time) *policy.Context {
	x := new(policy.Context)
	x.Set("aws:PrincipalArn", cmp.Or(k.issuer, k.principal))
	x.Set("aws:PrincipalAccount", k.account)
	x.Set("aws:SecureTransport", "true")
	if k.external != "" {
		x.Set("sts:ExternalId", k.external)
	}
	switch {
	case k.mfa:
		x.SetMFA(policy.SessionTokenMFA, policy.True, at.Add(-36*time.Hour), at) // the longest session
	case k.kind != policy.IAMUser:
		x.SetMFA(policy.SessionToken, policy.False, at, at)
	default:
		x.SetMFA(policy.LongTermKey, policy.Absent, at, at)
	}
	return x
}

// allowAll are the policies of a caller whose recorded call succeeded.
var allowAll = &policy.Set{Identity: []policy.Source{policy.ParseSource("recorded success", policy.Identity,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}}

// AssumptionLines are the assumptions for people, the first of many.
func (r *Report) AssumptionLines(most int) (lines []string) {
	for i, a := range r.Assumptions {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more (-o json has all)", len(r.Assumptions)-most))
		}
		line := fmt.Sprintf("%s by %s: calls %d, last %s", a.Role, a.Principal, a.Calls, a.Last)
		if a.Unknown {
			line += ", MFA unknown: the record of the role's account does not say"
		}
		lines = append(lines, line)
	}
	return lines
}
