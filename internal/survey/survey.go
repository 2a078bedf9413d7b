// Package survey reads and audits an organization, or one account, for the verbs of the
// command line and for the Lambda function. It knows no flags and prints nothing.
package survey

import (
	"context"
	"iter"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/collect"
	"forcemfa/internal/fleet"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

// Options configure a survey.
type Options struct {
	Fleet    *fleet.Fleet
	Baseline *baseline.Baseline
	Now      time.Time
	// Partial is set if the fleet leaves accounts out.
	Partial bool
	// Strict makes a survey incomplete that skipped suspended or closed accounts.
	Strict bool
	// CheckProofs makes a user unknown unless the independent checker accepts the
	// proof that it cannot act without MFA.
	CheckProofs bool
	// LongTerm reads each access key, service-specific credential and SSH key.
	LongTerm bool
	// Account is called with each account when it was read; nil: never.
	Account func(*org.Account)
	// Progress is called from time to time, possibly concurrently; total is 0 if it is
	// not known. nil: never.
	Progress func(what string, done, total int)
}

// PlanOptions configure a plan.
type PlanOptions struct {
	Impact      *impact.Report // what CloudTrail says about the users; nil: not read
	Resume      *plan.Plan     // steps that an earlier plan already has; nil: none
	Acknowledge []baseline.Acknowledgement
	Remove      bool // remove everything that forcemfa manages
	// Sink receives the audit that the plan is made from; nil: nothing does.
	Sink audit.Sink
}

// A Survey reads an organization once. It is a stream: [Survey.Audit], [Survey.Plan],
// [Survey.Explain], [Survey.Read] and [Survey.Accounts] each read it to the end, so only
// one of them can be called. The counts grow meanwhile and are complete afterwards.
type Survey struct {
	Options
	Header *org.Header

	Totals  audit.Totals
	Unread  []org.Gap
	Skipped []org.Gap // accounts that AWS has suspended or closed

	// Listed are all accounts of the organization, also those that filters leave out;
	// nil if they could not be listed.
	Listed []fleet.Listed
	// Departed are accounts that earlier runs listed and this one doesn't. Set it before
	// the accounts are read.
	Departed []audit.Departure

	read     int            // accounts
	users    map[string]int // numbers of users of the accounts that were read, by ID
	accounts org.Accounts
	aliases  map[string]string // of the accounts that were read, by ID
	names    map[string]string // of all accounts, by ID
	digests  []string
	missed   []org.Gap // that are not gaps of the header or of an account
}

// Open lists the accounts of the organization. They are read as the stream is.
func Open(ctx context.Context, o Options) (*Survey, error) {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	s := &Survey{Options: o, aliases: map[string]string{}, names: map[string]string{}, users: map[string]int{}}
	stop := s.showRequests()
	header, accounts, err := collect.Run(ctx, o.Fleet, collect.Options{
		LongTerm: o.LongTerm,
		Listed:   func(all []fleet.Listed) { s.Listed = all },
		Progress: func(p collect.Progress) { o.Progress("accounts read:", p.Done, p.Of) },
	})
	stop()
	if err != nil {
		return nil, err
	}
	s.Header, s.accounts = &header, accounts
	s.Unread = append(s.Unread, header.Gaps...)
	return s, nil
}

// showRequests reports the number of requests until stop is called: listing a large
// organization takes minutes.
func (s *Survey) showRequests() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.Progress("reading the organization, requests:", int(s.Fleet.Calls()), 0)
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// Audit audits every account into the sink.
func (s *Survey) Audit(ctx context.Context, sink audit.Sink) error {
	s.sendGaps(sink)
	auditor := s.auditor()
	for audited, err := range auditor.Accounts(ctx, s.accounts) {
		if err != nil {
			return err
		}
		s.count(audited)
		audited.Send(sink)
	}
	return nil
}

// sendGaps sends what could not be read of the organization as a whole.
func (s *Survey) sendGaps(sink audit.Sink) {
	for _, g := range s.Header.Gaps {
		sink.Gap(g)
	}
	for _, g := range s.missed {
		sink.Gap(g)
	}
}

func (s *Survey) auditor() *audit.Auditor {
	auditor := audit.New(s.Header, s.Baseline, s.Now)
	auditor.CheckProofs, auditor.Departed = s.CheckProofs, s.Departed
	return auditor
}

// Accounts is the stream of accounts as they are read.
func (s *Survey) Accounts() org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for account, err := range s.accounts {
			if account != nil {
				s.note(account)
				s.Totals.AddAccount(account.Read, account.Skipped() != "")
			}
			if !yield(account, err) {
				return
			}
		}
	}
}

// Read reads all accounts, and the current devices, passwords and keys of the users
// that detail names in each.
func (s *Survey) Read(ctx context.Context, detail func(*org.Account) []string) ([]*org.Account, error) {
	var all []*org.Account
	for account, err := range s.accounts {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if account.Read {
			if err := collect.Detail(ctx, s.Fleet, account, detail(account)); err != nil {
				return nil, err
			}
		}
		s.note(account)
		s.Totals.AddAccount(account.Read, account.Skipped() != "")
		all = append(all, account)
	}
	return all, nil
}

// Plan plans every account. Users that a step would change are read again in detail.
func (s *Survey) Plan(ctx context.Context, o PlanOptions) (*plan.Plan, error) {
	in := s.planInput()
	in.Acknowledge, in.Resume, in.Remove, in.Impact = o.Acknowledge, o.Resume, o.Remove, o.Impact
	in.Digest = func() string { return org.Digest(s.Header, s.digests) }
	in.Accounts = s.detailed(ctx, &in, o.Sink)
	return planner.Make(in)
}

func (s *Survey) planInput() planner.Input {
	return planner.Input{Header: s.Header, Baseline: s.Baseline, Now: s.Now, Partial: s.Partial}
}

// detailed audits each account, a second time with the details of the users that a step
// would change: their devices and passwords as they are now.
func (s *Survey) detailed(ctx context.Context, in *planner.Input, sink audit.Sink) iter.Seq2[*audit.Audited, error] {
	auditor := s.auditor()
	return func(yield func(*audit.Audited, error) bool) {
		if sink != nil {
			s.sendGaps(sink)
		}
		for audited, err := range auditor.Accounts(ctx, s.accounts) {
			if err != nil {
				yield(nil, err)
				return
			}
			a := &Account{Account: audited.Account, Header: s.Header, Audited: audited, Input: in, fleet: s.Fleet, auditor: auditor}
			if err := a.ReadDetail(ctx, a.NeedDetail()); err != nil {
				yield(nil, err)
				return
			}
			s.count(a.Audited)
			if sink != nil {
				a.Audited.Send(sink)
			}
			if !yield(a.Audited, nil) {
				return
			}
		}
	}
}

// count adds the result of one account.
func (s *Survey) count(a *audit.Audited) {
	s.note(a.Account)
	s.Totals.Add(a)
	s.digests = append(s.digests, a.Account.Digest(s.Header))
}

// note keeps whether an account was read or skipped, and what could not be read.
func (s *Survey) note(a *org.Account) {
	if s.Options.Account != nil {
		s.Options.Account(a)
	}
	if why := a.Skipped(); !a.Read && why != "" {
		s.Skipped = append(s.Skipped, org.Gap{Account: a.ID, What: "account", Why: why})
	} else {
		s.Unread = append(s.Unread, a.Gaps...)
	}
	if a.Read {
		s.read++
		s.users[a.ID] = len(a.Users)
	}
	s.aliases[a.ID], s.names[a.ID] = a.Alias, a.Name
}

// NothingRead reports whether no account could be read.
func (s *Survey) NothingRead() bool { return s.read == 0 && len(s.Unread) > 0 }

// Readable is the number of accounts that could be read.
func (s *Survey) Readable() int { return s.read }

// UsersRead are the numbers of users of the accounts that were read, by ID.
func (s *Survey) UsersRead() map[string]int { return s.users }

// Miss adds something that could not be read, before the accounts are read.
func (s *Survey) Miss(g org.Gap) {
	s.missed = append(s.missed, g)
	s.Unread = append(s.Unread, g)
}

// Names are the names of the accounts, by ID.
func (s *Survey) Names() map[string]string { return s.names }

// Complete reports whether everything was read and every user decided. Skipped accounts
// count only if the survey is strict.
func (s *Survey) Complete() bool {
	return len(s.Unread) == 0 && s.Totals.Unknown == 0 && !(s.Strict && len(s.Skipped) > 0)
}

// ManagementAccount is the management account and its alias, if it was read.
func (s *Survey) ManagementAccount() (id, alias string, read bool) {
	if s.Header.Organization == nil {
		return "", "", false
	}
	id = s.Header.Organization.ManagementAccount
	alias, read = s.aliases[id]
	return id, alias, read
}
