package plan

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// An Input is what a plan is made from.
type Input struct {
	Header   *org.Header
	Baseline *baseline.Baseline
	Accounts iter.Seq2[*audit.Audited, error] // read once, to its end or first error
	Now      time.Time
	// Acknowledge lifts guards besides those that the baseline lifts.
	Acknowledge []baseline.Acknowledgement
	// Digest is asked once Accounts is at its end; nil: the plan has none.
	Digest func() string
	// Resume is a plan file that will be intersected with this plan: windows
	// end when it says, as long as they would end no later than new ones, and
	// its steps that are done are remembered. Nil: a plan of its own.
	Resume *Plan
	// Remove plans taking everything of ours away, whoever is exempt.
	Remove bool
	// Partial: only some accounts are read, so nothing that reaches others, as a
	// service control policy, is changed.
	Partial bool
}

// roleSessionLimit is how long a role session can live at most.
// Source: IAM User Guide, "Update the maximum session duration for a role".
const roleSessionLimit = 12 * time.Hour

// Make plans the whole organization. The same input gives the same plan. The
// error is that of Accounts.
func Make(in Input) (*Plan, error) {
	p := &Plan{Format: Format, Made: in.Now.UTC(), Config: in.Baseline.Hash(), Remove: in.Remove, Steps: []Step{}, done: map[string]bool{}}
	resumed := byAccount(in.Resume)
	var said remarks
	documents := new(org.Cache)
	scps := newSCPs(&in)
	said.nobody = slices.Clone(in.Acknowledge)
	said.idle = in.unexpired()
	for a, err := range in.Accounts {
		if err != nil {
			return nil, err
		}
		one := newPlanner(&in, documents, a)
		p.Users += len(a.Users)
		if in.Remove {
			p.Steps = append(p.Steps, one.remove()...)
		} else {
			p.Steps = append(p.Steps, one.plan(a.Users)...)
		}
		scps.see(one)
		said.add(&one.remarks)
		said.nobody = slices.DeleteFunc(said.nobody, func(k baseline.Acknowledgement) bool { return names(k, a.Account) })
		said.meet(one.place, a.Account)
		p.remember(a.Account, resumed[a.Account.ID])
	}
	if in.Digest != nil {
		p.Digest = in.Digest()
	}
	p.Steps = append(p.Steps, scps.plan()...)
	for _, steps := range resumed {
		for _, s := range steps {
			if s.OfOrganization() {
				state, ok := scps.observe(s)
				p.done[s.ID] = ok && s.Want.Holds(state)
			}
		}
	}
	said.notOurs = append(said.notOurs, scps.notes...)
	slices.SortFunc(p.Steps, compareSteps)
	p.Scheduled = said.scheduled
	slices.SortStableFunc(p.Scheduled, func(a, b Scheduled) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Wave, b.Wave))
	})
	p.Notes = notes(&in, p, &said)
	return p, nil
}

// ForAccount plans one account by itself. The steps are in the order in which
// they are done.
func ForAccount(in *Input, a *audit.Audited) []Step {
	p := newPlanner(in, new(org.Cache), a)
	if in.Remove {
		return p.remove()
	}
	return p.plan(a.Users)
}

// NeedsDetail names the users of an account that a step would enforce, so that
// what only matters for them (a forced password change, the kind of a device,
// service credentials) is read before the plan is made. Sorted.
func NeedsDetail(in *Input, a *audit.Audited) []string {
	var names []string
	if in.Remove {
		return nil
	}
	for _, m := range newPlanner(in, new(org.Cache), a).members(a.Users) {
		if m.place == bySCP && m.user.State == audit.Enforced && m.user.MFA == org.Yes {
			continue // nothing more is taken from this one
		}
		names = append(names, m.user.Name)
	}
	slices.Sort(names)
	return names
}

// remember notes which steps of the resumed plan are done in an account. How
// long the sessions of a new role may be is not told by a snapshot, and no plan
// would change it.
func (p *Plan) remember(a *org.Account, resumed []*Step) {
	for _, s := range resumed {
		state, ok := Observe(a, s)
		want := s.Want
		if s.Op == CreateRole && state.Value == "" {
			want.Value = ""
		}
		p.done[s.ID] = ok && want.Holds(state)
	}
}

func byAccount(p *Plan) map[string][]*Step {
	steps := map[string][]*Step{}
	if p == nil {
		return steps
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		steps[s.Account] = append(steps[s.Account], s)
	}
	return steps
}

// opened is when the windows of this plan open: now, or when the resumed plan
// was made if that would close them earlier but not already.
func (in *Input) opened() time.Time {
	if in.Resume == nil {
		return in.Now
	}
	age := in.Now.Sub(in.Resume.Made)
	if age < 0 || age > time.Duration(in.Baseline.Window.Days)*24*time.Hour {
		return in.Now
	}
	return in.Resume.Made
}

func (in *Input) acknowledged(guard, account, name string) bool {
	flags := baseline.Baseline{Acknowledge: in.Acknowledge}
	return in.Baseline.Acknowledged(guard, account, name) || flags.Acknowledged(guard, account, name)
}

// remarks are what the head of a plan says of accounts and users, by ID and
// by account/name.
type remarks struct {
	assumedQuotas []string                   // accounts whose quotas could not be read
	notOurs       []string                   // sentences on look-alikes and strangers in our group
	directly      []string                   // users who are attached directly in group mode
	inline        []string                   // users who get the inline policy
	windows       []string                   // users who get a window
	locked        []string                   // users enforced by acknowledgement though they have no way in
	outside       []string                   // users who have a device, where the scope is those who have none
	stops         []string                   // users for whom something stops that cannot carry MFA, or does not yet
	unlooked      []string                   // users whose credentials that can never carry MFA nobody could count
	nobody        []baseline.Acknowledgement // for names that are not there
	idle          []*baseline.Exemption      // that match nobody
	scheduled     []Scheduled
}

// names tells whether an acknowledgement is for a user or role of an account.
func names(k baseline.Acknowledgement, a *org.Account) bool {
	return (k.Account == "" || k.Account == a.ID) &&
		(slices.ContainsFunc(a.Users, func(u org.User) bool { return strings.EqualFold(u.Name, k.Name) }) ||
			slices.ContainsFunc(a.Roles, func(r org.Role) bool { return strings.EqualFold(r.Name, k.Name) }))
}

// unexpired are the exemptions of the config file that exempt somebody, if they
// match.
func (in *Input) unexpired() []*baseline.Exemption {
	var es []*baseline.Exemption
	for i := range in.Baseline.Exemptions {
		if e := &in.Baseline.Exemptions[i]; e.Line > 0 && !e.Expired(in.Now) {
			es = append(es, e)
		}
	}
	return es
}

// meet takes the exemptions that match a user of an account off the idle ones.
func (r *remarks) meet(at baseline.Place, a *org.Account) {
	r.idle = slices.DeleteFunc(r.idle, func(e *baseline.Exemption) bool {
		return e.Match.InPlace(at) && slices.ContainsFunc(a.Users, func(u org.User) bool { return e.Match.Matches(at, &u) })
	})
}

// schedule notes a user who waits for a wave.
func (r *remarks) schedule(w *baseline.Wave, name string) {
	i := slices.IndexFunc(r.scheduled, func(s Scheduled) bool { return s.Wave == w.Name && s.From.Equal(w.From) })
	if i < 0 {
		i = len(r.scheduled)
		r.scheduled = append(r.scheduled, Scheduled{Wave: w.Name, From: w.From})
	}
	r.scheduled[i].Users++
	r.scheduled[i].names = append(r.scheduled[i].names, name)
}

func (r *remarks) add(o *remarks) {
	r.assumedQuotas = append(r.assumedQuotas, o.assumedQuotas...)
	r.notOurs = append(r.notOurs, o.notOurs...)
	r.directly = append(r.directly, o.directly...)
	r.inline = append(r.inline, o.inline...)
	r.windows = append(r.windows, o.windows...)
	r.locked = append(r.locked, o.locked...)
	r.outside = append(r.outside, o.outside...)
	r.stops = append(r.stops, o.stops...)
	r.unlooked = append(r.unlooked, o.unlooked...)
	for _, s := range o.scheduled {
		for _, name := range s.names {
			r.schedule(&baseline.Wave{Name: s.Wave, From: s.From}, name)
		}
	}
}

func notes(in *Input, p *Plan, r *remarks) []string {
	if in.Remove {
		return append([]string{"takes away everything that forcemfa made: users keep their devices, and nothing of ours asks for MFA any more"}, r.notOurs...)
	}
	said := slices.Clone(in.Baseline.Notes())
	if enforces(p) {
		said = append(said, fmt.Sprintf("role sessions that users took before this plan is applied live on for up to %d hours, until %s if it is applied now",
			int(roleSessionLimit.Hours()), in.Now.Add(roleSessionLimit).UTC().Format(time.RFC3339)))
	}
	say := func(users []string, format string, rest ...any) {
		if len(users) > 0 {
			said = append(said, fmt.Sprintf(format, append([]any{few(users)}, rest...)...))
		}
	}
	say(r.windows, "may enroll by access key until the end of %[2]s (tag %[3]s): %[1]s", in.Baseline.Window.Value(in.opened()), in.Baseline.Window.Tag)
	say(r.locked, "enforced without a way in, as acknowledged: %s")
	say(r.stops, "stops working without MFA: %s")
	say(r.unlooked, "could not be read whether they have SSH keys or credentials of single services, which would stop: %s")
	for _, s := range p.Scheduled {
		say(s.names, "scheduled: wave "+strings.ReplaceAll(s.Wave, "%", "%%")+" from "+s.From.Format(time.DateOnly)+": %s")
	}
	say(r.outside, "have a device and stay as they are, by scope without-device: %s")
	say(r.directly, "attached directly, because the group has no room or cannot be used: %s")
	say(r.inline, "enforced by an inline policy, because neither group nor attachment has room or can be used: %s")
	say(r.assumedQuotas, "quotas could not be read, AWS's defaults are assumed: %s")
	for _, k := range r.nobody {
		said = append(said, fmt.Sprintf("acknowledged for nobody: %s: no user or role that could be read has that name", k))
	}
	if !in.Partial {
		for _, e := range r.idle {
			said = append(said, fmt.Sprintf("exempts nobody who could be read: %s (line %d of the config file)", e, e.Line))
		}
	}
	said = append(said, r.notOurs...)
	return said
}

// enforces tells whether the plan puts anybody under the policy.
func enforces(p *Plan) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool {
		switch s.Op {
		case UpdatePolicy, AttachGroupPolicy, AddUserToGroup, AttachUserPolicy, PutUserPolicy, UpdateSCP, AttachSCP:
			return s.Blocked == ""
		}
		return false
	})
}

// few is a list cut short for a sentence.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
