package cli

import (
	"context"
	"iter"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/collect"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
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

	checkProofs bool

	// What follows grows while the stream is read.
	names    map[string]string // alias of an account, by ID
	readable int               // accounts
	counts   audit.Counts
	gaps     []org.Gap
	worst    int // rank of the worst finding
	digests  []string
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
	listed := s.listing()
	header, accounts, err := collect.Run(ctx, t.fleet, collect.Options{
		Progress: func(p collect.Progress) { s.progress.Show("accounts read:", p.Done, p.Of) },
	})
	listed()
	if err != nil {
		return nil, err
	}
	s.header, s.accounts = &header, accounts
	s.gaps = append(s.gaps, header.Gaps...)
	return s, nil
}

// listing shows that something goes on until the function that it gives is
// called: the lists of a large organization take minutes.
func (s *survey) listing() (done func()) {
	if s.progress == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.progress.Show("reading the organization, requests:", int(s.fleet.Calls()), 0)
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		s.progress.Done()
	}
}

// audit reads the stream to its end and audits every account into the sink.
func (s *survey) audit(ctx context.Context, sink audit.Sink) error {
	defer s.progress.Done()
	for _, g := range s.header.Gaps {
		sink.Gap(g)
	}
	auditor := audit.New(s.header, s.baseline, s.env.Now())
	auditor.CheckProofs = s.checkProofs
	for audited, err := range auditor.Accounts(ctx, s.accounts) {
		if err != nil {
			return err
		}
		s.seen(audited)
		audited.Pour(sink)
	}
	return nil
}

// seen adds one account to what was seen of the whole.
func (s *survey) seen(a *audit.Audited) {
	s.note(a.Account)
	s.counts.Add(a.Summary.Counts)
	for _, f := range a.Findings {
		s.worst = min(s.worst, view.Rank(f.Severity))
	}
	s.names[a.Account.ID] = a.Account.Alias
	s.digests = append(s.digests, a.Account.Digest(s.header))
}

// note keeps of an account whether it could be read, and what could not.
func (s *survey) note(a *org.Account) {
	if a.Read {
		s.readable++
	}
	s.gaps = append(s.gaps, a.Gaps...)
}

// plan reads the stream to its end and plans every account. What only matters
// for users that a step would change is read on the way.
func (s *survey) plan(ctx context.Context, resume *plan.Plan, acknowledge []baseline.Acknowledgement) (*plan.Plan, error) {
	defer s.progress.Done()
	in := s.planInput()
	in.Acknowledge, in.Resume, in.Remove = acknowledge, resume, s.remove
	in.Digest = func() string { return org.Digest(s.header, s.digests) }
	in.Accounts = s.audited(ctx, &in)
	return planner.Make(in)
}

// planInput is what every plan of this run has in common.
func (s *survey) planInput() planner.Input {
	return planner.Input{Header: s.header, Baseline: s.baseline, Now: s.env.Now(), Partial: s.chosen()}
}

// audited audits each account, and once more when that told of users whom a step
// would change: their devices and passwords are then read as they are now.
func (s *survey) audited(ctx context.Context, in *planner.Input) iter.Seq2[*audit.Audited, error] {
	auditor := audit.New(s.header, s.baseline, in.Now)
	return func(yield func(*audit.Audited, error) bool) {
		for audited, err := range auditor.Accounts(ctx, s.accounts) {
			if err == nil {
				audited, err = s.detailed(ctx, in, auditor, audited)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			s.seen(audited)
			if !yield(audited, nil) {
				return
			}
		}
	}
}

func (s *survey) detailed(ctx context.Context, in *planner.Input, auditor *audit.Auditor, audited *audit.Audited) (*audit.Audited, error) {
	users := planner.NeedsDetail(in, audited)
	if len(users) == 0 {
		return audited, nil
	}
	if err := collect.Detail(ctx, s.fleet, audited.Account, users); err != nil {
		return nil, err
	}
	return auditor.Audit(audited.Account), nil
}

// exit ends a verb by the worst of the statuses and of what could not be read.
func (s *survey) exit(statuses ...int) error {
	status := command.Worst(append(statuses, s.incomplete())...)
	if status == command.StatusIncomplete && s.unread() {
		return &command.Error{Status: status, Hint: unreadHint}
	}
	return command.Exit(status)
}

// unread tells whether nothing was read of any account.
func (s *survey) unread() bool { return s.readable == 0 && len(s.gaps) > 0 }

const unreadHint = "nothing could be read: run it as a role that may read IAM and assume the member role, see docs/permissions.md"

// incomplete is the status for what could not be read.
func (s *survey) incomplete() int {
	if len(s.gaps) > 0 || s.counts.Unknown > 0 {
		return command.StatusIncomplete
	}
	return command.StatusOK
}

// home is the account whose name confirms a run: the management account, or
// the only one. It is asked for its alias unless it was read.
func (s *survey) home(ctx context.Context) (id, alias string, err error) {
	if o := s.header.Organization; o != nil {
		if alias, read := s.names[o.ManagementAccount]; read {
			return o.ManagementAccount, alias, nil
		}
	}
	return s.target.home(ctx)
}
