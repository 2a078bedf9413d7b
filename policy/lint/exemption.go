package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// exemptions reports the principals and requests that the guard exempts by its
// other conditions.
func (in *inspection) exemptions() {
	if in.guard == nil {
		return
	}
	probe := in.probe()
	if probe == nil {
		return
	}
	in.forwarded(probe)
	var seen []string
	for _, c := range in.doc.Statements[in.guard.statement].Conditions {
		key := strings.ToLower(c.Key)
		if aboutMFA(&c) || forwarding(key) || slices.Contains(seen, key) || strings.HasPrefix(key, "aws:principalorg") || !knownKey(c.Key) {
			continue
		}
		seen = append(seen, key)
		in.exemption(in.guard.statement, c.Key, probe)
	}
}

// probe returns a request that the guard refuses and that is not part of
// enrollment.
func (in *inspection) probe() *situation {
	not := in.doc.Statements[in.guard.statement].NotActions
	for _, a := range telling {
		if covers(not, a) {
			continue
		}
		for _, r := range append(in.targets(a), in.guard.at.resource) {
			at := in.guard.at.with(in.guard.by[0]).on(a, r)
			if in.refused(at) {
				return at
			}
		}
	}
	return nil
}

// forwarding reports whether a key describes calls that a service makes on
// behalf of a user.
func forwarding(key string) bool {
	return key == "aws:viaawsservice" || strings.HasPrefix(key, "aws:calledvia") || key == "aws:viaawsmcpservice"
}

// forwarded checks the effect on calls that a service forwards, which lack MFA
// even when the user has it.
func (in *inspection) forwarded(probe *situation) {
	if !in.guard.restrains(policy.ConsolePassword) {
		return // the guard does not test the key of forwarded calls
	}
	p := probe.who.principal
	at := probe.with(caller{principal: p, credential: policy.ForwardedFromKey, present: policy.False})
	if in.passes(at) {
		f := in.add("E-8", in.guard.statement, "calls that an AWS service forwards pass without MFA; another Deny must refuse the first call")
		f.Example = in.example(at, true, true)
		return
	}
	if !in.refused(at) {
		return
	}
	f := in.add("D-7", in.guard.statement, "calls that an AWS service forwards, such as CloudFormation and Athena, are refused even for users with MFA")
	f.Example = in.example(at, true, false)
	f.Fix = new(Fix)
	for i := range in.doc.Statements {
		st := &in.doc.Statements[i]
		if st.Effect == policy.Deny && len(mfaConditions(st)) > 0 && (st.NotActions != nil || slices.Contains(st.Actions, "*")) {
			f.Fix.edit(in, i, func(st *policy.Statement) { st.Conditions = append(st.Conditions, directCalls) })
		}
	}
}

// exemption tries values of one key in a request that statement i refuses.
func (in *inspection) exemption(i int, key string, probe *situation) {
	st := &in.doc.Statements[i]
	var on []policy.Condition
	for _, c := range st.Conditions {
		if strings.EqualFold(c.Key, key) {
			on = append(on, c)
		}
	}
	if ofClock(key) {
		in.expiring(i, on, probe)
		return
	}
	low := strings.ToLower(key)
	var tries []*situation
	if probe.who.fixed(low) {
		for _, p := range in.people(&policy.Statement{Conditions: on}) {
			who := probe.who
			who.principal = p
			tries = append(tries, probe.with(who))
		}
	}
	for _, v := range in.variations(on, probe.who) {
		if values, ok := v.keys[on[0].Key]; ok {
			tries = append(tries, probe.having(on[0].Key, values))
		}
	}
	for _, at := range tries {
		if !in.passes(at) {
			continue
		}
		if names(on) && in.kind != policy.Resource && in.kind != policy.Trust {
			f := in.add("G-1", i, "the Deny applies only to users with %s, all others pass without MFA", conditionText(on))
			f.Example = in.example(at, true, true)
			f.Fix = in.withoutKey(i, key)
			return
		}
		if probe.who.fixed(low) || strings.HasPrefix(low, "aws:principal") || low == "aws:userid" {
			f := in.add("E-6", i, "%s exempts some principals: this is as safe as the permission to change it", key)
			f.Example = in.example(at, true, true)
			return
		}
		f := in.add("E-7", i, "a request without MFA passes because of its %s, which the sender can choose", key)
		f.Example = in.example(at, true, true)
		f.Fix = in.withoutKey(i, key)
		return
	}
}

// withoutKey removes the conditions on a key from statement i.
func (in *inspection) withoutKey(i int, key string) *Fix {
	return in.replace(i, func(st *policy.Statement) {
		st.Conditions = slices.DeleteFunc(st.Conditions, func(c policy.Condition) bool { return strings.EqualFold(c.Key, key) })
	})
}

// names reports whether conditions limit a statement to users by their names, so that
// it does not apply to the next user that is created. A path is not a name.
func names(on []policy.Condition) bool {
	return slices.ContainsFunc(on, func(c policy.Condition) bool {
		_, op, _ := operator(&c)
		key := strings.ToLower(c.Key)
		if !positiveText(op) || key != "aws:username" && key != "aws:userid" && key != "aws:principalarn" {
			return false
		}
		return !slices.ContainsFunc(c.Values, func(v string) bool {
			return key == "aws:principalarn" && (strings.HasSuffix(v, "/*") || !strings.Contains(v, ":user/"))
		})
	})
}
