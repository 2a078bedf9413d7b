package cli

import (
	"context"
	"fmt"
	"iter"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/collect"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

// A survey is one look at the organization: a stream of accounts as they were
// read, and after its end what was seen of the whole.
type survey struct {
	*target
	header   *org.Header
	accounts org.Accounts
	progress *view.Progress
	remove   bool // plan taking everything of ours away

	// What follows grows while the stream is read.
	names   map[string]string // alias of an account, by ID
	counts  audit.Counts
	gaps    []org.Gap
	worst   int // rank of the worst finding
	digests []string
}

// openSurvey reads config and credentials and begins to read the organization.
func (s *shared) openSurvey(ctx context.Context) (*survey, error) {
	t, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return t.survey(ctx)
}

// survey begins to read the organization.
func (t *target) survey(ctx context.Context) (*survey, error) {
	s := &survey{target: t, progress: t.shared.progress(), names: map[string]string{}, worst: view.Rank("none")}
	header, accounts, err := collect.Run(ctx, t.fleet, collect.Options{
		Progress: func(p collect.Progress) { s.progress.Show("accounts read:", p.Done, p.Of) },
	})
	if err != nil {
		return nil, err
	}
	s.header, s.accounts = &header, accounts
	s.gaps = append(s.gaps, header.Gaps...)
	return s, nil
}

// audit reads the stream to its end and audits every account into the sink.
func (s *survey) audit(ctx context.Context, sink audit.Sink) error {
	defer s.progress.Done()
	for _, g := range s.header.Gaps {
		sink.Gap(g)
	}
	auditor := audit.New(s.header, s.baseline, s.env.Now())
	for account, err := range s.accounts {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		s.one(auditor, account, sink)
	}
	return nil
}

// one audits one account and adds it to what was seen of the whole.
func (s *survey) one(auditor *audit.Auditor, account *org.Account, sink audit.Sink) plan.Audited {
	k := &keeper{Sink: sink, kept: plan.Audited{Account: account}}
	s.counts.Add(auditor.Account(account, k))
	for _, f := range k.kept.Findings {
		s.worst = min(s.worst, view.Rank(f.Severity))
	}
	s.gaps = append(s.gaps, account.Gaps...)
	s.names[account.ID] = account.Alias
	s.digests = append(s.digests, account.Digest())
	return k.kept
}

// plan reads the stream to its end and plans every account. What only matters
// for users that a step would change is read on the way.
func (s *survey) plan(ctx context.Context, resume *plan.Plan, acknowledge []baseline.Acknowledgement) (*plan.Plan, error) {
	defer s.progress.Done()
	in := plan.Input{
		Header: s.header, Baseline: s.baseline, Now: s.env.Now(), Acknowledge: acknowledge, Resume: resume, Remove: s.remove,
		Partial: len(s.shared.accounts)+len(s.notAccounts)+len(s.units) > 0,
		Digest:  func() string { return org.Digest(s.header, s.digests) },
	}
	in.Accounts = s.audited(ctx, &in)
	return plan.Make(in)
}

// audited audits each account twice: the first time tells which users a step
// would change, and their devices and passwords are then read as they are now.
func (s *survey) audited(ctx context.Context, in *plan.Input) iter.Seq2[plan.Audited, error] {
	auditor := audit.New(s.header, s.baseline, in.Now)
	return func(yield func(plan.Audited, error) bool) {
		for account, err := range s.accounts {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(plan.Audited{}, err)
				return
			}
			var draft keeper
			draft.Sink, draft.kept.Account = nowhere{}, account
			auditor.Account(account, &draft)
			if err := collect.Detail(ctx, s.fleet, account, plan.NeedsDetail(in, draft.kept)); err != nil {
				yield(plan.Audited{}, err)
				return
			}
			if !yield(s.one(auditor, account, nowhere{}), nil) {
				return
			}
		}
	}
}

// A keeper passes a stream on and keeps what a plan is made from.
type keeper struct {
	audit.Sink
	kept plan.Audited
}

func (k *keeper) User(u audit.User) {
	k.kept.Users = append(k.kept.Users, u)
	k.Sink.User(u)
}

func (k *keeper) Finding(f audit.Finding) {
	k.kept.Findings = append(k.kept.Findings, f)
	k.Sink.Finding(f)
}

// nowhere is a sink that shows nothing.
type nowhere struct{}

func (nowhere) User(audit.User)       {}
func (nowhere) Finding(audit.Finding) {}
func (nowhere) Gap(org.Gap)           {}
func (nowhere) Account(audit.Account) {}

// incomplete is the status for what could not be read.
func (s *survey) incomplete() int {
	if len(s.gaps) > 0 || s.counts.Unknown > 0 {
		return statusIncomplete
	}
	return statusOK
}

// home is the account whose name confirms a run: the management account, or
// the only one that was read.
func (s *survey) home() (id, alias string, err error) {
	if o := s.header.Organization; o != nil {
		return o.ManagementAccount, s.names[o.ManagementAccount], nil
	}
	caller, err := s.fleet.Identify(context.Background())
	if err != nil {
		return "", "", fmt.Errorf("find out the account: %w", err)
	}
	return caller.Account, s.names[caller.Account], nil
}
