package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
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
		if aboutMFA(&c) || forwarding(key) || slices.Contains(seen, key) || !knownKey(c.Key) {
			continue
		}
		if strings.HasPrefix(key, "aws:principalorg") {
			in.organizationExempt(&c, probe)
			continue
		}
		seen = append(seen, key)
		in.exemption(in.guard.statement, c.Key, probe)
	}
}

// organizationExempt reports a guard that leaves out the organization that it names, or
// some of its units. That one for an organization misses others is as meant.
func (in *inspection) organizationExempt(c *policy.Condition, probe *situation) {
	if _, op, _ := operator(c); !strings.Contains(op, "Not") {
		return
	}
	for _, at := range in.variations([]policy.Condition{*c}, probe.who) {
		values := at.keys[c.Key]
		if at = probe.having(c.Key, values); len(values) == 0 || !in.passes(at) {
			continue
		}
		var f *Finding
		if !slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "ou-") }) {
			f = in.add("G-1", in.guard.statement, "the Deny applies to no IAM user of the organization that it names: %s", conditionText([]policy.Condition{*c}))
			f.Fix = in.withoutKey(in.guard.statement, c.Key)
		} else {
			f = in.add("E-6", in.guard.statement, "%s exempts some principals: this is as safe as the permission to change it", c.Key)
		}
		f.Example = in.example(at, true, true)
		return
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
	if in.chosenVariable(i, key, on, probe) {
		return
	}
	for _, at := range in.tries(key, on, probe) {
		if !in.passes(at) {
			continue
		}
		switch stranger := in.optsIn(key, on, probe); {
		case names(on) && in.kind != policy.Resource && in.kind != policy.Trust:
			f := in.add("G-1", i, "only users named in %s are behind MFA: all others pass", conditionText(on))
			f.Example = in.example(at, true, true)
			f.Fix = in.withoutKey(i, key)
		case stranger != nil:
			who := "named in " + conditionText(on)
			if tag := tagOf(key); tag != "" {
				who = "with the tag " + tag
			}
			f := in.add("E-6", i, "only users %s are behind MFA: all others pass", who)
			f.Severity, f.Example = High, in.example(stranger, true, true)
		case probe.who.fixed(key) || ofPrincipal(key):
			f := in.add("E-6", i, "%s exempts some principals: this is as safe as the permission to change it", key)
			f.Example = in.example(at, true, true)
		default:
			in.chosenKey(i, key, key, at)
		}
		return
	}
}

// optsIn returns the request of a user that passes because the conditions on a key do not
// include it: one without the tag, or one that they do not name. It returns nil if they
// exempt users, and for a policy of a resource, which may require MFA of some.
func (in *inspection) optsIn(key string, on []policy.Condition, probe *situation) *situation {
	if in.kind == policy.Resource || in.kind == policy.Trust || in.kind == policy.RCP {
		return nil
	}
	var tries []*situation
	if tagOf(key) != "" {
		tries = append(tries, probe.having(key, nil))
	}
	for _, p := range append(in.strangers(on), in.outsiders(on)...) {
		who := probe.who
		who.principal = p
		tries = append(tries, probe.with(who))
	}
	if at := slices.IndexFunc(tries, in.passes); at >= 0 {
		return tries[at]
	}
	return nil
}

// tagOf returns the tag of a user that a key is about; empty for another key.
func tagOf(key string) string {
	const prefix = "aws:PrincipalTag/"
	if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
		return key[len(prefix):]
	}
	return ""
}

// tries returns the request of a probe from other users, and with other values of a key.
func (in *inspection) tries(key string, on []policy.Condition, probe *situation) (tries []*situation) {
	if probe.who.fixed(key) {
		for _, p := range append(in.people(&policy.Statement{Conditions: on}), in.outsiders(on)...) {
			who := probe.who
			who.principal = p
			tries = append(tries, probe.with(who))
		}
	}
	for _, v := range in.variations(on, probe.who) {
		values, ok := v.keys[on[0].Key]
		if k, _ := catalog.Global(key); len(values) == 0 && k.Always {
			continue // every request has it
		}
		if ok {
			tries = append(tries, probe.having(on[0].Key, values))
		}
	}
	return tries
}

// chosenKey reports a request that passes because of a key that its sender chooses. The
// condition is on a key that is compared with it, or on the key itself.
func (in *inspection) chosenKey(i int, condition, key string, at *situation) {
	f := in.add("E-7", i, "a request without MFA passes because of its %s, which the sender can choose", key)
	f.Example = in.example(at, true, true)
	f.Fix = in.withoutKey(i, condition)
	if strings.EqualFold(key, "aws:SecureTransport") && in.passes(at.having(key, []string{"true"})) {
		f.Severity = Critical // every client uses TLS
	}
}

// chosenVariable tries other values of the keys that the sender chooses and that
// conditions name in variables.
func (in *inspection) chosenVariable(i int, condition string, on []policy.Condition, probe *situation) (found bool) {
	for _, c := range on {
		for _, key := range chosen(&c, &probe.who) {
			own, _ := probe.describe().Get(c.Key)
			for _, values := range [][]string{{"something-else"}, nil, own} {
				if at := probe.having(key, values); in.passes(at) && !ofPrincipal(key) {
					in.chosenKey(i, condition, key, at)
					return true
				}
			}
		}
	}
	return false
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
		return slices.ContainsFunc(c.Values, func(v string) bool {
			return key != "aws:principalarn" || strings.Contains(v, ":user/") && !strings.HasSuffix(v, "/*")
		})
	})
}
