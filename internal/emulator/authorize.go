package emulator

import (
	"cmp"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// documents returns every document that decides the calls of a caller.
func (c *Cloud) documents(who *world.Caller) *policy.Set {
	set := c.identity(who)
	if who.Session == nil || who.Session.Policies == nil {
		return set
	}
	own := *set
	own.Session = who.Session.Policies
	return &own
}

// identity returns the documents that do not depend on the session. They are cached
// until the next write to the account, or to what it depends on.
func (c *Cloud) identity(who *world.Caller) *policy.Set {
	key := who.Principal.Issuer // a session's name may be the name of a user
	if key == "" {
		key = who.Principal.ARN
	}
	l := c.cell(who.Account)
	if known := l.sets.Known(key, c.generation); known != nil {
		return known
	}
	var set policy.Set
	switch {
	case who.Role != nil:
		set = c.world.RoleSet(who.Account, who.Role)
	case who.User != nil:
		set = c.world.UserSet(who.Account, who.User)
	default:
		set = policy.Set{SCPs: c.world.SCPs(who.Account)}
	}
	l.sets.Learn(key, c.generation, &set)
	return &set
}

// authorize refuses a call without permission for everything it asks for. Only a
// certain Allow passes, unless refusals are only logged.
func (c *Cloud) authorize(call *operation.Call, from origin, asks []operation.Ask, t *trace) *refusal {
	if len(asks) == 0 {
		return refuse(undecided, "The embedded AWS does not know which permissions this call needs.")
	}
	var base *policy.Context
	set := c.documents(&call.Caller)
	for i := range asks {
		ask := &asks[i]
		if why := c.limit(call, *ask, t); why != nil {
			return why
		}
		if base == nil && (!ask.Unconditional || t != nil) {
			base = c.conditions(call, from)
		}
		if ask.Unconditional {
			t.plain(Allowed, *ask, "no policy controls this action", base)
			continue
		}
		if why := c.decide(call, set, base, ask, t); why != nil && !c.logOnly {
			return why
		}
	}
	return nil
}

// limit refuses what AWS refuses to a kind of credential, whatever the policies say.
func (c *Cloud) limit(call *operation.Call, ask operation.Ask, t *trace) *refusal {
	why := credentialLimit(call.Caller.Credential, ask.Action)
	if why == nil {
		return nil
	}
	reason, _ := call.Caller.Credential.Limit(ask.Action)
	t.plain(Limited, ask, reason, nil)
	if c.logOnly {
		return nil
	}
	return why
}

func (c *Cloud) decide(call *operation.Call, set *policy.Set, base *policy.Context, ask *operation.Ask, t *trace) *refusal {
	request := policy.Request{
		Principal:       call.Caller.Principal,
		Action:          ask.Action,
		Resource:        ask.Resource,
		ResourceAccount: ask.ResourceAccount,
		Policies:        ask.Policies,
		Context:         askContext(call, base, ask),
	}
	if ask.Principal != nil { // it has no policies of its own
		request.Principal, set = *ask.Principal, &policy.Set{}
	}
	set = call.World.Owned(set, cmp.Or(ask.ResourceAccount, call.Caller.Account))
	if ask.MFAInCall {
		if call.Readings.CodeInCallIsNotMFA {
			if d := set.Refuses(&request); d.Verdict != policy.ImplicitDenied {
				t.add(ask, d, request.Context)
				return refusalOf(d, &request)
			}
		}
		setCodeInCall(request.Context)
	}
	d := set.Decide(&request)
	t.add(ask, d, request.Context)
	if d.Verdict == policy.Allowed {
		return nil
	}
	return refusalOf(d, &request)
}

// askContext adds the keys of the operation and its resource to those of the
// caller.
func askContext(call *operation.Call, base *policy.Context, ask *operation.Ask) *policy.Context {
	x := base.Clone()
	if owner := cmp.Or(ask.ResourceAccount, call.Caller.Account); ask.Resource != "*" {
		x.Set("aws:ResourceAccount", owner)
		if path := call.World.OrgPath(owner); path != "" {
			x.Set("aws:ResourceOrgID", call.World.Organization.ID)
			x.SetMany("aws:ResourceOrgPaths", []string{path})
		}
	}
	if ask.Context != nil {
		ask.Context(x)
	}
	return x
}

// refusalOf returns AWS's message for a decision other than Allowed.
// Source: IAM User Guide, "Troubleshoot access denied error messages".
func refusalOf(d policy.Decision, r *policy.Request) *refusal {
	if r.Principal.Kind == policy.Federated && d.Verdict != policy.Unknown {
		return refuse(denied, "Not authorized to perform %s", r.Action)
	}
	who := "User: " + r.Principal.ARN + " is not authorized to perform: " + r.Action
	if r.Resource != "*" {
		who += " on resource: " + r.Resource
	}
	switch d.Verdict {
	case policy.ExplicitDenied:
		return refuse(denied, "%s with an explicit deny in %s", who, denier(d.Layer))
	case policy.ImplicitDenied:
		return refuse(denied, "%s because no %s allows the %s action", who, allower(d.Layer), r.Action)
	}
	return refuse(undecided, "The embedded AWS refuses a request that it cannot decide. %s: %s", who, d.Why)
}

func denier(k policy.Kind) string {
	switch k {
	case policy.Resource:
		return "a resource-based policy"
	case policy.Trust:
		return "the role trust policy"
	case policy.Identity:
		return "an identity-based policy"
	}
	return "a " + allower(k)
}

func allower(k policy.Kind) string {
	switch k {
	case policy.Boundary:
		return "permissions boundary"
	case policy.Session:
		return "session policy"
	case policy.SCP:
		return "service control policy"
	case policy.RCP:
		return "resource control policy"
	case policy.Resource:
		return "resource-based policy"
	case policy.Trust:
		return "role trust policy"
	}
	return "identity-based policy"
}
