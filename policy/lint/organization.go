package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// organization checks rules that concern only control policies.
func (in *inspection) organization() {
	if in.kind != policy.SCP && in.kind != policy.RCP {
		return
	}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Deny && len(mfaConditions(st)) > 0 {
			in.hitsRoles(i)
		}
	}
	if in.guard != nil && in.kind == policy.SCP {
		in.add("O-2", in.guard.statement, "a service control policy does not apply to the users of the management account")
	}
}

// roleSession returns a role session of a federated user.
func (in *inspection) roleSession() caller {
	return caller{
		principal: policy.Principal{
			Kind: policy.RoleSession, Account: in.account, Issuer: in.iam("role/Developer"),
			ARN: "arn:" + in.partition + ":sts::" + in.account + ":assumed-role/Developer/session",
		},
		credential: policy.FederatedRole, present: policy.False,
	}
}

// hitsRoles reports a Deny of a control policy that applies to role sessions,
// which cannot show MFA.
func (in *inspection) hitsRoles(i int) {
	whole := in.single(i, every)
	for _, at := range in.scope(i, in.roleSession()) {
		if !in.applies(whole, at) {
			continue
		}
		f := in.add("O-1", i, "the Deny applies to every role session, and sessions of Identity Center, SAML and services carry no MFA key")
		f.Example = in.example(at, true, false)
		f.Fix = in.replace(i, func(st *policy.Statement) {
			// One that exempts principals stays.
			st.Conditions = append(slices.DeleteFunc(st.Conditions, func(c policy.Condition) bool {
				_, op, _ := operator(&c)
				return strings.EqualFold(c.Key, usersOnly.Key) && !strings.Contains(op, "Not")
			}), usersOnly)
		})
		return
	}
}
