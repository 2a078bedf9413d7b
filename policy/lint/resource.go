package lint

import (
	"slices"

	"forcemfa/policy"
)

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
			in.cannotShow(i)
		case st.Effect == policy.Deny && len(mfaConditions(st)) > 0:
			in.refusesMachines(i)
		}
	}
}

// bypassed reports an Allow without MFA of requests that another Allow permits
// with MFA only, be it for some of the users, resources or actions of the other.
func (in *inspection) bypassed(i int) {
	asks := in.single(i, func(c *policy.Condition) bool { return !aboutMFA(c) })
	for j := range in.doc.Statements {
		if st := &in.doc.Statements[j]; st.Effect != policy.Allow || len(mfaConditions(st)) > 0 {
			continue
		}
		other := in.single(j, every)
		for _, at := range in.between(i, j) {
			if !in.applies(other, at) || !in.applies(asks, at) || !in.allows(at) {
				continue
			}
			f := in.add("R-1", j, "%s is allowed %s without MFA, although another statement requires it", at.who.principal.ARN, at.action)
			f.Example = in.example(at, false, true)
			if in.delegatesKey(j) {
				f.Severity = Medium // identity policies decide, and without the statement nobody may administer the key
				return
			}
			f.Fix = in.replace(j, soundAllow)
			return
		}
	}
}

// delegatesKey reports the statement of a key policy that leaves the key to the identity
// policies of its account.
// Source: KMS Developer Guide, "Default key policy", Allows access to the AWS account
// and enables IAM policies.
func (in *inspection) delegatesKey(i int) bool {
	st := &in.doc.Statements[i]
	whole := st.Principals != nil && len(st.Principals.AWS) > 0 && !slices.ContainsFunc(st.Principals.AWS, func(name string) bool { return !wholeAccount(name) })
	return whole && slices.Contains(st.Actions, "kms:*")
}

// between returns requests by access key in the scope of one of two statements, of the
// users that either may apply to.
func (in *inspection) between(i, j int) (out []*situation) {
	statements := in.doc.Statements
	for _, p := range append(in.people(&statements[i]), in.people(&statements[j])...) {
		out = append(out, in.scope(i, byKey(p))...)
		out = append(out, in.scope(j, byKey(p))...)
	}
	return out
}

// refusesMachines reports a Deny without MFA that role sessions and AWS services
// meet as well.
func (in *inspection) refusesMachines(i int) {
	whole := in.single(i, every)
	for _, at := range in.scopeOfPeople(i) {
		p := at.who.principal
		session := caller{principal: policy.Principal{Kind: policy.RoleSession, Account: p.Account, Issuer: "arn:" + in.partition + ":iam::" + p.Account + ":role/example",
			ARN: "arn:" + in.partition + ":sts::" + p.Account + ":assumed-role/example/session"}, credential: policy.RoleFromKey, present: policy.False}
		try := at.with(session)
		if !in.applies(whole, try) || in.applies(whole, at.with(withMFA(p))) {
			continue
		}
		f := in.add("R-2", i, "the Deny also refuses role sessions and AWS services, which have no MFA")
		f.Example = in.example(try, false, false)
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions = append(st.Conditions, usersOnly) })
		return
	}
	in.refusesNamed(i)
}

// refusesNamed reports a Deny without MFA of a role or service that it names.
func (in *inspection) refusesNamed(i int) {
	st := &in.doc.Statements[i]
	if st.Principals == nil {
		return
	}
	whole := in.single(i, every)
	callers := in.machines(st.Principals)
	if st.Principals.Everyone && (covers(st.Actions, "s3:PutObject") || covers(st.Actions, "kms:GenerateDataKey")) {
		callers = in.machines(&policy.Principals{Service: []string{"delivery.logs.amazonaws.com"}})
	}
	for _, c := range callers {
		for _, at := range in.scope(i, c) {
			if !in.applies(whole, at) {
				continue
			}
			f := in.add("R-2", i, "the Deny refuses %s, which has no MFA", c.principal.ARN)
			f.Example = in.example(at, false, false)
			if st.Principals.Everyone {
				f.Fix = in.replace(i, func(st *policy.Statement) { st.Conditions = append(st.Conditions, usersOnly) })
			}
			return
		}
	}
}
