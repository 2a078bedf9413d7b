package planner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// remarks are what the notes of a plan say about accounts and users, who are
// listed as account/name, or as account/name (why).
type remarks struct {
	assumedQuotas  []string                   // accounts whose quotas could not be read
	conflicts      []string                   // sentences on name collisions and on the group of forcemfa
	adopted        map[string][]string        // accounts whose policy is adopted, by its path and name
	revoked        []string                   // actions that adopted policies no longer grant
	dropped        map[string][]string        // accounts where a policy version is deleted to make room, by version and policy
	retagged       map[string][]string        // accounts where the tag managed-by of another tool is replaced, by tag and policy
	proposed       map[string][]string        // accounts with a policy that could be adopted, by its path and name
	directly       []string                   // users with the policy attached directly though attach is not user
	inline         []string                   // users who get the inline policy
	windows        []string                   // users for whom an enrollment window is opened
	lockedOut      []string                   // users who are enforced without a sign-in path, by acknowledgement
	outOfScope     []string                   // users with a device, when the scope is without-device
	through        []string                   // users who are enforced without a step of their own
	stops          []string                   // users with credentials that stop working
	servicesUnread []string                   // users whose SSH keys and service-specific credentials could not be read
	unmatched      []baseline.Acknowledgement // for users and roles that do not exist
	unused         []*baseline.Exemption      // that match no user
	scheduled      []scheduled
}

// A scheduled wave with its users, as account/name.
type scheduled struct {
	plan.Scheduled
	names []string
}

// match removes the acknowledgements and exemptions that match a user or role of
// an account from those without a match.
func (r *remarks) match(at baseline.Place, a *org.Account) {
	r.unmatched = slices.DeleteFunc(r.unmatched, func(k baseline.Acknowledgement) bool { return names(k, a) })
	r.unused = slices.DeleteFunc(r.unused, func(e *baseline.Exemption) bool {
		return e.Match.InPlace(at) && slices.ContainsFunc(a.Users, func(u org.User) bool { return e.Match.Matches(at, &u) })
	})
}

// names reports whether an acknowledgement is for a user or role of an account.
func names(k baseline.Acknowledgement, a *org.Account) bool {
	return (k.Account == "" || k.Account == a.ID) &&
		(slices.ContainsFunc(a.Users, func(u org.User) bool { return strings.EqualFold(u.Name, k.Name) }) ||
			slices.ContainsFunc(a.Roles, func(r org.Role) bool { return strings.EqualFold(r.Name, k.Name) }))
}

// schedule adds a user to a wave that has not begun.
func (r *remarks) schedule(w *baseline.Wave, name string) {
	i := slices.IndexFunc(r.scheduled, func(s scheduled) bool { return s.Wave == w.Name && s.From.Equal(w.From) })
	if i < 0 {
		i = len(r.scheduled)
		r.scheduled = append(r.scheduled, scheduled{Scheduled: plan.Scheduled{Wave: w.Name, From: w.From}})
	}
	r.scheduled[i].Users++
	r.scheduled[i].names = append(r.scheduled[i].names, name)
}

// add adds the remarks on one account.
func (r *remarks) add(o *remarks) {
	r.assumedQuotas = append(r.assumedQuotas, o.assumedQuotas...)
	r.conflicts = append(r.conflicts, o.conflicts...)
	r.adopted, r.dropped, r.proposed, r.retagged = merge(r.adopted, o.adopted), merge(r.dropped, o.dropped), merge(r.proposed, o.proposed), merge(r.retagged, o.retagged)
	for _, action := range o.revoked {
		if !slices.Contains(r.revoked, action) {
			r.revoked = append(r.revoked, action)
		}
	}
	r.directly = append(r.directly, o.directly...)
	r.inline = append(r.inline, o.inline...)
	r.windows = append(r.windows, o.windows...)
	r.lockedOut = append(r.lockedOut, o.lockedOut...)
	r.outOfScope = append(r.outOfScope, o.outOfScope...)
	r.through = append(r.through, o.through...)
	r.stops = append(r.stops, o.stops...)
	r.servicesUnread = append(r.servicesUnread, o.servicesUnread...)
	for _, s := range o.scheduled {
		for _, name := range s.names {
			r.schedule(&baseline.Wave{Name: s.Wave, From: s.From}, name)
		}
	}
}

// notes are the sentences at the head of a plan.
func notes(in *Input, p *plan.Plan, r *remarks) []string {
	if in.Remove {
		return append([]string{"removes everything that forcemfa manages: users keep their devices, and forcemfa no longer requires MFA"}, r.conflicts...)
	}
	said := slices.Clone(in.Baseline.Notes())
	if enforces(p) {
		said = append(said, fmt.Sprintf("role sessions that started before the apply stay valid for up to %d hours, until %s if the plan is applied now",
			int(roleSessionLimit.Hours()), in.Now.Add(roleSessionLimit).UTC().Format(time.RFC3339)))
	}
	for _, k := range r.unmatched {
		said = append(said, fmt.Sprintf("unused acknowledgement %s: no user or role with that name was read", k))
	}
	if !in.Partial {
		for _, e := range r.unused {
			said = append(said, fmt.Sprintf("unused %s (line %d of the config file): no user that was read matches", e, e.Line))
		}
	}
	return slices.Concat(said, r.adoptionNotes(), r.conflicts)
}

// enforces reports whether the plan brings any user under the policy.
func enforces(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool {
		switch s.Op {
		case plan.UpdatePolicy, plan.AttachGroupPolicy, plan.AddUserToGroup, plan.AttachUserPolicy, plan.PutUserPolicy, plan.UpdateSCP, plan.AttachSCP:
			return s.Blocked == ""
		}
		return false
	})
}

// lists are the users and accounts that a plan affects, by how it affects them.
func lists(in *Input, r *remarks) []plan.List {
	if in.Remove {
		return nil
	}
	var all []plan.List
	add := func(kind string, names []string, what string) {
		if len(names) > 0 {
			all = append(all, plan.List{Kind: kind, What: what, Users: affected(names)})
		}
	}
	add(plan.KindLockedOut, r.lockedOut, "WARNING: will be locked out (acknowledged)")
	add(plan.KindThrough, r.through, "enforced by a change of a policy or group that already covers them")
	add(plan.KindStops, r.stops, "stops working without MFA")
	add(plan.KindServicesUnread, r.servicesUnread, "SSH keys and service-specific credentials not read (they would stop working)")
	add(plan.KindWindow, r.windows, fmt.Sprintf("enrollment window, enrolls with an access key until the end of %s (tag %s)", in.Baseline.Window.Value(in.windowStart()), in.Baseline.Window.Tag))
	for _, s := range r.scheduled {
		add(plan.KindScheduled, s.names, "scheduled: wave "+s.Wave+" from "+s.From.Format(time.DateOnly))
	}
	add(plan.KindOutOfScope, r.outOfScope, "not changed, because they have a device (scope: without-device)")
	add(plan.KindDirect, r.directly, "policy attached directly, because the group is full or cannot be used")
	add(plan.KindInline, r.inline, "enforced by an inline policy, because the policy can be attached neither through the group nor directly")
	add(plan.KindQuotas, r.assumedQuotas, "quotas not read, AWS defaults assumed")
	return all
}

// affected are the users of a list of account/name or account/name (why). No name of a
// user holds a slash or a space.
func affected(names []string) []plan.Affected {
	users := make([]plan.Affected, 0, len(names))
	for _, name := range names {
		var a plan.Affected
		name, why, _ := strings.Cut(name, " (")
		a.Why = strings.TrimSuffix(why, ")")
		a.Account, a.User, _ = strings.Cut(name, "/")
		users = append(users, a)
	}
	return users
}
