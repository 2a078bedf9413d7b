package lint

import "forcemfa/policy"

// resource checks the policy of a resource, such as a bucket or a key.
func (in *inspection) resource() {
	if in.kind != policy.Resource {
		return
	}
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		switch {
		case st.Effect == policy.Allow && len(mfaConditions(st)) > 0:
			in.bypassed(i)
		case st.Effect == policy.Deny && len(mfaConditions(st)) > 0:
			in.refusesMachines(i)
		}
	}
}

// bypassed reports an Allow without MFA of requests that another Allow permits
// with MFA only.
func (in *inspection) bypassed(i int) {
	situations := in.scopeOfPeople(i)
	for j := range in.doc.Statements {
		if st := &in.doc.Statements[j]; st.Effect != policy.Allow || len(mfaConditions(st)) > 0 {
			continue
		}
		other := in.single(j, every)
		for _, at := range situations {
			try := at.with(byKey(at.who.principal))
			if !in.applies(other, try) || !in.allows(try) {
				continue
			}
			f := in.add("R-1", j, "%s is allowed %s without MFA, although another statement requires it", at.who.principal.ARN, try.action)
			f.Example, f.Fix = in.example(try, false, true), in.replace(j, soundAllow)
			return
		}
	}
}

// refusesMachines reports a Deny without MFA that role sessions and AWS services
// meet as well.
func (in *inspection) refusesMachines(i int) {
	whole := in.single(i, every)
	for _, at := range in.scopeOfPeople(i) {
		role := in.iam("role/example")
		session := caller{principal: policy.Principal{Kind: policy.RoleSession, Account: in.account, Issuer: role,
			ARN: "arn:" + in.partition + ":sts::" + in.account + ":assumed-role/example/session"}, credential: policy.RoleFromKey, present: policy.False}
		try := at.with(session)
		if !in.applies(whole, try) || in.applies(whole, at.with(withMFA(at.who.principal))) {
			continue
		}
		f := in.add("R-2", i, "the Deny also refuses role sessions and AWS services, which have no MFA")
		f.Example = in.example(try, false, false)
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions = append(st.Conditions, usersOnly) })
		return
	}
}
