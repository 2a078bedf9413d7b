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
	"forcemfa/internal/baseline"
	"forcemfa/internal/collect"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/survey"
)

// An account is the function's own account, read and audited.
type account struct {
	*Function
	*survey.Account
	skipped map[string]bool // ARNs of users that were not read for lack of time
}

// How long to wait while AWS generates a credential report. Without a report, the
// users in question are read one by one.
const (
	scanReportWait  = time.Minute
	eventReportWait = 8 * time.Second
)

// noWindowBefore is how old a user must be before the function opens an enrollment window
// for it. Who created the user may have had no MFA, and would enroll a device with a key
// of it. An administrator opens the window with enroll --open.
const noWindowBefore = 24 * time.Hour

// read reads and audits the whole account. For most accounts that takes fewer calls
// than reading one user and everything that its access depends on.
func (f *Function) read(ctx context.Context, patience time.Duration) (*account, error) {
	header, read, err := collect.Self(ctx, f.fleet, collect.Options{ReportPatience: patience})
	if err != nil {
		return nil, err
	}
	if !read.Read {
		return nil, errors.New(firstGap(read))
	}
	o := survey.Options{Fleet: f.fleet, Baseline: attachable(f.options.Settings.Baseline, read), Now: f.now()}
	a := &account{Function: f, Account: survey.NewAccount(o, &header, read), skipped: map[string]bool{}}
	a.Input.NoWindowBefore = noWindowBefore
	return a, nil
}

// home is the account that rollback names in its question: the management account, or
// this one.
func (a *account) home() string {
	if o := a.Header.Organization; o != nil {
		return o.ManagementAccount
	}
	return a.ID
}

func firstGap(a *org.Account) string {
	for _, g := range a.Gaps {
		return g.What + ": " + g.Why
	}
	return "nothing could be read"
}

// attachable is the baseline to plan by. While the group, which belongs to the stack,
// is missing, the policy is attached to the users.
func attachable(b *baseline.Baseline, a *org.Account) *baseline.Baseline {
	group := baseline.GroupARN(a.Partition, a.ID)
	if b.Attach != baseline.AttachGroup || slices.ContainsFunc(a.Groups, func(g org.Group) bool { return g.ARN == group }) {
		return b
	}
	other := *b
	other.Attach = baseline.AttachUser
	return &other
}

// find is the user that an incident is about; nil if it no longer exists. A user that
// is not in the account's list yet is read by name.
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
	a.Audit()
	return a.Account.User(u.Name), nil
}

// usersToRead are the users that a step would change and of whom more must be read
// first. Users with a device that shows codes need no more.
func (a *account) usersToRead() []string {
	return slices.DeleteFunc(a.NeedDetail(), func(name string) bool {
		u := a.Account.User(name)
		return u != nil && slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind.GivesCodes() })
	})
}

// detailChunk is how many users are read between two checks of the time.
const detailChunk = 50

// readInTime reads the details of users that a step would change, and audits again. It
// takes at most half of the time that is left. Users that were not read by then are
// skipped: the next run reads them.
func (a *account) readInTime(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	end, limited := ctx.Deadline()
	half := time.Now().Add(time.Until(end) / 2)
	for some := range slices.Chunk(names, detailChunk) {
		if limited && time.Now().After(half) {
			for _, name := range some {
				a.skipped[a.Account.User(name).ARN] = true
			}
			continue
		}
		if err := a.ReadDetail(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// update brings the account up to date with these outcomes and audits it again, so that
// messages describe the state after the run.
func (a *account) update(outcomes []apply.Outcome) {
	changed := false
	for n := range outcomes {
		if outcomes[n].Status.Reached() {
			a.change(&outcomes[n].Step)
			changed = true
		}
	}
	if changed {
		a.Sort()
		a.Audit()
	}
}

// change makes the change of a step in the snapshot.
func (a *account) change(s *plan.Step) {
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

// enter returns the config that steps are applied with. It sends no request after the
// time is over.
func (f *Function) enter(ctx context.Context) func(string) (aws.Config, error) {
	end, limited := ctx.Deadline()
	return func(id string) (aws.Config, error) {
		cfg, _, err := f.fleet.Enter(context.WithoutCancel(ctx), id)
		if limited {
			cfg.HTTPClient = until{cfg.HTTPClient, end.Add(stepTimeout)}
		}
		return cfg, err
	}
}
