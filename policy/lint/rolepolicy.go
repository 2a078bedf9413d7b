package lint

import (
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// CheckRole is [Check] for an identity policy of a role. A Deny without MFA is not
// a guard there: whether a session of the role carries MFA depends on how the role
// was assumed, so only the trust policy can require it.
// Source: IAM User Guide, "Secure API access with MFA".
func CheckRole(text string) (*Report, error) {
	return check(policy.Identity, text, roleInspections)
}

// CorrectRole is [Correct] for an identity policy of a role.
func CorrectRole(text string) (*Correction, error) {
	return correctBy(policy.Identity, text, roleInspections)
}

// roleInspections check an identity policy of a role, and a session policy: neither
// GetFederationToken nor AssumeRole, which take one, give a session that shows MFA.
// Source: IAM User Guide, "Requesting temporary security credentials".
var roleInspections = []func(*inspection){
	(*inspection).rolePolicy,
	(*inspection).undecided,
	(*inspection).names,
	(*inspection).quota,
	(*inspection).texts,
}

// rolePolicy reports conditions on MFA and what they do to the sessions of a role.
func (in *inspection) rolePolicy() {
	for i := range in.doc.Statements {
		if st := &in.doc.Statements[i]; len(mfaConditions(st)) > 0 {
			in.roleStatement(i)
		}
	}
}

func (in *inspection) roleStatement(i int) {
	st := &in.doc.Statements[i]
	at, applies := in.roleSituation(i)
	text := conditionText(mfaConditions(st))
	var f *Finding
	switch {
	case at == nil:
		f = in.add("T-3", i, "the %s applies to no session of a role: %s", st.Effect, conditionText(st.Conditions))
	case st.Effect == policy.Deny && applies:
		f = in.add("T-3", i, "the Deny applies to sessions of the role, which carry no MFA unless the role was assumed from a session with MFA: %s", text)
		f.Example = in.example(at, true, false)
	case st.Effect == policy.Deny:
		f = in.add("T-3", i, "the Deny does not apply to sessions of the role, which carry no MFA unless the role was assumed from a session with MFA: %s", text)
		f.Example = in.example(at, true, true)
	case applies:
		f = in.add("T-3", i, "the Allow appears to require MFA but matches each session of the role: %s", text)
		f.Example = in.example(at, false, true)
	default:
		f = in.add("T-3", i, "the Allow matches no session of the role, unless the role was assumed from a session with MFA: %s", text)
		f.Example = in.example(at, false, false)
	}
	if st.Effect != policy.Deny || !applies || !guardShape(st) {
		f.Severity = Medium
	}
}

// roleSituation returns a request of a session without MFA to which the statement
// applies, or else one in its scope; nil if there is none.
func (in *inspection) roleSituation(i int) (at *situation, applies bool) {
	whole := in.single(i, every)
	for _, who := range in.roleSessions(&in.doc.Statements[i]) {
		for _, try := range in.scope(i, who) {
			if in.applies(whole, try) {
				return try, true
			}
			if at == nil {
				at = try
			}
		}
	}
	return at, false
}

// roleSessions returns sessions of roles that a statement may apply to: of any role,
// and of those that its conditions name.
func (in *inspection) roleSessions(st *policy.Statement) []caller {
	out := []caller{in.roleSession()}
	for _, c := range st.Conditions {
		if !strings.EqualFold(c.Key, "aws:PrincipalArn") {
			continue
		}
		for _, v := range c.Values[:min(len(c.Values), mostValues)] {
			a, ok := arn.Split(in.instance(v))
			if !ok || a.Service != "iam" || a.Kind() != "role" {
				continue
			}
			who := in.roleSession()
			who.principal.Account, who.principal.Issuer = a.Account, in.instance(v)
			who.principal.ARN = "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + a.Name() + "/session"
			out = append(out, who)
		}
	}
	return out
}
