package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/collect"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// An account is the function's own, as it was read and audited.
type account struct {
	*Function
	*org.Account
	header   *org.Header
	baseline *baseline.Baseline // as it is planned for; see carrier
	auditor  *audit.Auditor
	audited  *audit.Audited
	now      time.Time
	unseen   map[string]bool // ARNs of users whom the time did not suffice to look at
}

// How long to wait for a credential report that AWS is making. Without one, the
// users that matter are asked for one by one.
const (
	sweepPatience = time.Minute
	eventPatience = 8 * time.Second
)

// read reads and audits the whole account. For most accounts that takes fewer
// calls than to ask for one user and for what decides about it.
func (f *Function) read(ctx context.Context, patience time.Duration) (*account, error) {
	header, read, err := collect.Own(ctx, f.fleet, collect.Options{ReportPatience: patience})
	if err != nil {
		return nil, err
	}
	if !read.Read {
		return nil, errors.New(unread(read))
	}
	a := &account{Function: f, Account: read, header: &header, baseline: carrier(f.options.Settings.Baseline, read), now: f.now(), unseen: map[string]bool{}}
	a.auditor = audit.New(a.header, a.baseline, a.now)
	a.audited = a.auditor.Audit(read)
	return a, nil
}

// home is the account whose name stands for the organization: what rollback asks
// for.
func (a *account) home() string {
	if o := a.header.Organization; o != nil {
		return o.ManagementAccount
	}
	return a.ID
}

func unread(a *org.Account) string {
	for _, g := range a.Gaps {
		return g.What + ": " + g.Why
	}
	return "nothing could be read"
}

// carrier is the baseline for an account whose group, which is the stack's, is
// not there: until it is back, the policy is attached to users themselves.
func carrier(b *baseline.Baseline, a *org.Account) *baseline.Baseline {
	ours := baseline.GroupARN(a.Partition, a.ID)
	if b.Attach != baseline.AttachGroup || slices.ContainsFunc(a.Groups, func(g org.Group) bool { return g.ARN == ours }) {
		return b
	}
	other := *b
	other.Attach = baseline.AttachUser
	return &other
}

// find is the user whom an incident is about; nil when it is gone. One that the
// account's list does not have yet is asked for by name.
func (a *account) find(ctx context.Context, i *incident) (*org.User, error) {
	if u := a.user(i.user()); u != nil {
		return u.Read, nil
	}
	cfg, _, err := a.fleet.Enter(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	u, gaps, err := collect.User(ctx, cfg, i.user())
	var gone *types.NoSuchEntityException
	switch {
	case errors.As(err, &gone):
		return nil, nil
	case err != nil:
		return nil, err
	}
	a.Users = append(a.Users, *u)
	a.Gaps = append(a.Gaps, gaps...)
	a.Sort()
	a.audited = a.auditor.Audit(a.Account)
	return a.Account.User(u.Name), nil
}

func (a *account) input() *plan.Input {
	return &plan.Input{Header: a.header, Baseline: a.baseline, Now: a.now}
}

// wanting are the users whom a step would change and of whom more has to be known
// first. Of who has a device that gives codes nothing more is asked.
func (a *account) wanting() []string {
	return slices.DeleteFunc(plan.NeedsDetail(a.input(), a.audited), func(name string) bool {
		u := a.Account.User(name)
		return u != nil && slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind.GivesCodes() })
	})
}

// atOnce is how many users are asked about before the time is looked at.
const atOnce = 50

// detailed reads of these users what only matters for those whom a step would
// change, and audits again. It takes half of the time that is left at most: who
// is not looked at by then is unseen, and waits for the next run.
func (a *account) detailed(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	end, limited := ctx.Deadline()
	half := time.Now().Add(time.Until(end) / 2)
	for some := range slices.Chunk(names, atOnce) {
		if limited && time.Now().After(half) {
			for _, name := range some {
				a.unseen[a.Account.User(name).ARN] = true
			}
			continue
		}
		if err := collect.Detail(ctx, a.fleet, a.Account, some); err != nil {
			return err
		}
	}
	a.audited = a.auditor.Audit(a.Account)
	return nil
}

// happened is the account as it is after these outcomes, audited again: what
// people are told is what is so now.
func (a *account) happened(outcomes []apply.Outcome) {
	changed := false
	for n := range outcomes {
		if outcomes[n].Status.Reached() {
			a.take(&outcomes[n].Step)
			changed = true
		}
	}
	if changed {
		a.Sort()
		a.audited = a.auditor.Audit(a.Account)
	}
}

// take makes in the snapshot the change that a step made.
func (a *account) take(s *plan.Step) {
	if s.Op == plan.AttachGroupPolicy {
		for n := range a.Groups {
			if g := &a.Groups[n]; g.ARN == s.Subject && !slices.Contains(g.Attached, s.Object) {
				g.Attached = append(g.Attached, s.Object)
			}
		}
		return
	}
	for n := range a.Users {
		u := &a.Users[n]
		if u.ARN != s.Subject {
			continue
		}
		switch s.Op {
		case plan.AddUserToGroup:
			u.Groups = append(u.Groups, s.Object)
		case plan.AttachUserPolicy:
			u.Attached = append(u.Attached, s.Object)
		case plan.TagUser:
			u.Tags = append(untagged(u.Tags, s.Object), org.Tag{Key: s.Object, Value: s.Want.Value})
		case plan.UntagUser:
			u.Tags = untagged(u.Tags, s.Object)
		}
	}
}

func untagged(tags []org.Tag, key string) []org.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t org.Tag) bool { return strings.EqualFold(t.Key, key) })
}

// enter gives the config by which steps are carried out. A request that would
// be sent after the time is over is not.
func (f *Function) enter(ctx context.Context) func(string) (aws.Config, error) {
	end, limited := ctx.Deadline()
	return func(id string) (aws.Config, error) {
		cfg, _, err := f.fleet.Enter(context.WithoutCancel(ctx), id)
		if limited {
			cfg.HTTPClient = until{cfg.HTTPClient, end.Add(patience)}
		}
		return cfg, err
	}
}
