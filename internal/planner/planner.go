// Package planner decides which steps bring an organization to its baseline, and
// blocks the steps that would lock a user out or stop a workload.
//
// It takes what package audit found and returns a plan; it does not call AWS.
// [Make] plans an organization, [ForAccount] one account by itself.
package planner

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// An Input is what a plan is made from.
type Input struct {
	Header   *org.Header
	Baseline *baseline.Baseline
	Accounts iter.Seq2[*audit.Audited, error] // read once, to its end or first error
	Now      time.Time
	// Acknowledge overrides guards in addition to those that the baseline
	// overrides.
	Acknowledge []baseline.Acknowledgement
	// Digest is called after the last account; nil: the plan has no digest.
	Digest func() string
	// Resume is a plan file that will be intersected with this plan: enrollment
	// windows end when the file says, unless a new window would end earlier, and
	// its steps that are already done are recorded. Nil: a new plan.
	Resume *plan.Plan
	// Remove plans the removal of everything that forcemfa made, from exempt users
	// too.
	Remove bool
	// Partial: only some accounts are read, so nothing that reaches other accounts,
	// such as a service control policy, is changed.
	Partial bool
	// Impact is what CloudTrail says about the users; nil: what the resumed plan keeps.
	Impact *impact.Report
	// NoWindowBefore is how old a user must be for an enrollment window; zero: any age.
	NoWindowBefore time.Duration
}

// roleSessionLimit is the maximum duration of a role session.
// Source: IAM User Guide, "Update the maximum session duration for a role".
const roleSessionLimit = 12 * time.Hour

// Make plans the whole organization. The same input gives the same plan. The
// error is that of Accounts.
func Make(in Input) (*plan.Plan, error) {
	p := plan.New(in.Now, in.Baseline.Hash())
	p.Remove = in.Remove
	if in.Impact == nil {
		in.Impact = kept(in.Resume)
	}
	p.Recorded = recorded(in.Impact)
	resumed := in.Resume.ByAccount()
	documents := new(org.Cache)
	scps := newSCPPlanner(&in)
	said := remarks{unmatched: slices.Clone(in.Acknowledge), unused: in.unexpired()}
	for audited, err := range in.Accounts {
		if err != nil {
			return nil, err
		}
		a := newAccountPlanner(&in, documents, audited)
		p.Users += len(audited.Users)
		p.Steps = append(p.Steps, a.plan(audited.Users)...)
		scps.addAccount(a)
		said.add(&a.remarks)
		said.match(a.place, audited.Account)
		p.MarkDone(audited.Account, resumed[audited.Account.ID])
	}
	if in.Digest != nil {
		p.Digest = in.Digest()
	}
	p.Steps = append(p.Steps, scps.plan()...)
	for _, steps := range resumed {
		for _, s := range steps {
			if s.OfOrganization() {
				state, ok := scps.state(s)
				p.MarkState(s, state, ok)
			}
		}
	}
	said.conflicts = append(said.conflicts, scps.notes...)
	slices.SortFunc(p.Steps, plan.Compare)
	slices.SortStableFunc(said.scheduled, func(a, b scheduled) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Wave, b.Wave))
	})
	for _, s := range said.scheduled {
		p.Scheduled = append(p.Scheduled, s.Scheduled)
	}
	p.Notes, p.Lists = notes(&in, p, &said), lists(&in, &said)
	for _, k := range in.Acknowledge {
		p.Acknowledged = append(p.Acknowledged, k.String())
	}
	return p, nil
}

// ForAccount plans one account by itself. The steps are in the order in which
// they are done.
func ForAccount(in *Input, a *audit.Audited) []plan.Step {
	return newAccountPlanner(in, new(org.Cache), a).plan(a.Users)
}

// NeedsDetail returns the names of the users of an account that a step would
// enforce, sorted. Details that matter only for them (a forced password change,
// the kind of a device, service-specific credentials) are read before the plan
// is made.
func NeedsDetail(in *Input, a *audit.Audited) []string {
	if in.Remove {
		return nil
	}
	p := &accountPlanner{accountState: newAccountState(in, new(org.Cache), a.Account)}
	var names []string
	for _, c := range p.candidates(a.Users) {
		if c.place == bySCP && c.user.State == audit.Enforced && c.user.MFA == org.Yes {
			continue // the SCP takes nothing more from this user
		}
		names = append(names, c.user.Name)
	}
	slices.Sort(names)
	return names
}

// windowStart is when the enrollment windows of this plan open: now, or when the
// resumed plan was made if that closes them earlier but not already.
func (in *Input) windowStart() time.Time {
	if in.Resume == nil {
		return in.Now
	}
	age := in.Now.Sub(in.Resume.Made)
	if age < 0 || age > time.Duration(in.Baseline.Window.Days)*24*time.Hour {
		return in.Now
	}
	return in.Resume.Made
}

// acknowledged reports whether a guard is overridden for a user or role.
func (in *Input) acknowledged(guard, account, name string) bool {
	flags := baseline.Baseline{Acknowledge: in.Acknowledge}
	return in.Baseline.Acknowledged(guard, account, name) || flags.Acknowledged(guard, account, name)
}

// unexpired are the exemptions of the config file that have not expired.
func (in *Input) unexpired() []*baseline.Exemption {
	var es []*baseline.Exemption
	for i := range in.Baseline.Exemptions {
		if e := &in.Baseline.Exemptions[i]; e.Line > 0 && !e.Expired(in.Now) {
			es = append(es, e)
		}
	}
	return es
}
