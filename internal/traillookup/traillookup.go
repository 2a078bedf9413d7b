// Package traillookup reads the calls of users from CloudTrail's Event history, which
// every account has for 90 days without a trail.
package traillookup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/smithy-go"

	"forcemfa/internal/fleet"
	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// Days is how long the Event history keeps an event.
// Source: CloudTrail User Guide, "Working with CloudTrail Event history".
const Days = 90

// Options say what is looked up.
type Options struct {
	// Enter returns the config of an account.
	Enter func(ctx context.Context, account string) (aws.Config, error)
	// Users are the names of users by account, Keys the IDs of access keys.
	Users, Keys map[string][]string
	Regions     []string
	// Since and Until limit the time; both are set.
	Since, Until time.Time
	// Sessions is how many sessions that users began without MFA are followed in an
	// account; zero: 1,000.
	Sessions int
	// Progress is called with the number of lookups that have ended, possibly
	// concurrently; nil: never.
	Progress func(done, total int)
}

// A Result says how much was looked up.
type Result struct {
	trail.Summary
	Read     []Place // whose events were read
	Disabled []Place // Regions that are not enabled in the account
	Lost     bool    // sessions were left out
}

// A Place is a Region of an account.
type Place struct{ Account, Region string }

const (
	mostSessions = 1000
	mostLookups  = 128 // at the same time
	longestChain = 16  // of sessions, as in the report
)

// Read calls each with the calls of the users and keys, and of the sessions that they
// began without MFA, once for each event and by one goroutine at a time. What cannot be
// looked up is a problem.
func Read(ctx context.Context, o Options, each func(*trail.Call)) (Result, error) {
	if o.Sessions == 0 {
		o.Sessions = mostSessions
	}
	r := &reader{Options: o, each: each, record: trail.NewReader(nil), seen: map[uint64]struct{}{}, followed: map[string]int{}, places: map[Place]string{}}
	next := map[string][]question{}
	for account, names := range o.Users {
		for _, name := range names {
			next[account] = append(next[account], question{types.LookupAttributeKeyUsername, name})
		}
	}
	for account, ids := range o.Keys {
		for _, id := range ids {
			next[account] = append(next[account], question{types.LookupAttributeKeyAccessKeyId, id})
		}
	}
	for range longestChain {
		if len(next) == 0 || ctx.Err() != nil {
			break
		}
		r.round(ctx, next)
		next, r.next = r.next, nil
	}
	return r.result(), ctx.Err()
}

// A question is the attribute that events are looked up by.
type question struct {
	key   types.LookupAttributeKey
	value string
}

// A reader looks up events in rounds: those of users and keys, then those of the sessions
// that began in them.
type reader struct {
	Options
	done, total atomic.Int64

	mu       sync.Mutex
	each     func(*trail.Call)
	record   *trail.Reader
	seen     map[uint64]struct{}   // events
	next     map[string][]question // of the next round, by account
	followed map[string]int        // sessions by account
	records  int
	lost     bool
	places   map[Place]string // that were asked, with why they were not read
	disabled []Place
	failed   []Place
	problems []trail.Problem
}

// round asks all questions in every Region.
func (r *reader) round(ctx context.Context, questions map[string][]question) {
	slots := make(chan struct{}, mostLookups)
	var running sync.WaitGroup
	for _, account := range slices.Sorted(maps.Keys(questions)) {
		r.total.Add(int64(len(questions[account]) * len(r.Regions)))
		cfg, err := r.Enter(ctx, account)
		if err != nil {
			r.problem(trail.Problem{File: "Event history of " + account, Why: err.Error()})
			r.progress(len(questions[account]) * len(r.Regions))
			continue
		}
		for _, region := range r.Regions {
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				r.region(ctx, cfg, Place{account, region}, questions[account])
			})
		}
	}
	running.Wait()
}

// region asks the questions of an account in one Region, one after the other: more at a
// time would be throttled.
func (r *reader) region(ctx context.Context, cfg aws.Config, p Place, questions []question) {
	r.mu.Lock()
	why, asked := r.places[p]
	r.mu.Unlock()
	if asked && why != "" {
		r.progress(len(questions))
		return
	}
	cfg.Region = p.Region
	client := cloudtrail.NewFromConfig(cfg)
	for i, q := range questions {
		err := r.ask(ctx, client, p, q)
		if ctx.Err() != nil {
			return
		}
		r.note(p, err)
		if err != nil {
			r.progress(len(questions) - i)
			return
		}
		r.progress(1)
	}
}

// ask reads the pages of one question.
func (r *reader) ask(ctx context.Context, client *cloudtrail.Client, p Place, q question) error {
	pages := cloudtrail.NewLookupEventsPaginator(client, &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: q.key, AttributeValue: &q.value}},
		StartTime:        &r.Since, EndTime: &r.Until, MaxResults: aws.Int32(50),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		r.page(out.Events, p)
	}
	return nil
}

// page passes on the calls of a page.
func (r *reader) page(events []types.Event, p Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		r.record.Reset(strings.NewReader(aws.ToString(events[i].CloudTrailEvent)))
		err := r.record.Calls(func(c *trail.Call) error {
			r.call(c, p.Account)
			return nil
		})
		if err == nil {
			err = r.record.Skipped.Err(r.record.Read)
		}
		if err != nil {
			r.problems = append(r.problems, trail.Problem{File: p.String() + ": event " + aws.ToString(events[i].EventId), Why: err.Error()})
		}
	}
}

// call passes on a call, once, and notes the session that it began. The reader is locked.
func (r *reader) call(c *trail.Call, account string) {
	if c.ID != 0 {
		if _, twice := r.seen[c.ID]; twice {
			return // found by the name and by the key
		}
		r.seen[c.ID] = struct{}{}
	}
	r.records++
	r.each(c)
	if c.SessionKey == "" || c.Caller.MFA == "true" || c.Refused() || c.Name == "GetSessionToken" { // events of the latter have the name of the user
		return
	}
	if role, err := arn.Parse(c.Parameters.Role); err == nil && role.Account != "" {
		account = role.Account
	}
	if r.followed[account] >= r.Sessions {
		r.lost = true
		return
	}
	r.followed[account]++
	if r.next == nil {
		r.next = map[string][]question{}
	}
	r.next[account] = append(r.next[account], question{types.LookupAttributeKeyAccessKeyId, c.SessionKey})
}

// note keeps whether a Region was read.
func (r *reader) note(p Place, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.places[p] = ""
	case notEnabled(err):
		r.places[p] = fleet.Reason(err)
		r.disabled = append(r.disabled, p)
	default:
		r.places[p] = fleet.Reason(err)
		r.failed = append(r.failed, p)
	}
}

// notEnabled reports whether an error is that of a Region that is not enabled in the
// account, where its credentials are unknown.
// Source: IAM User Guide, "Managing AWS STS in an AWS Region"; AWS General Reference,
// "Common errors".
func notEnabled(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains([]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "AuthFailure"}, api.ErrorCode())
}

func (r *reader) problem(p trail.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, p)
}

func (r *reader) progress(n int) {
	done := r.done.Add(int64(n))
	if r.Progress != nil {
		r.Progress(int(done), int(r.total.Load()))
	}
}

// result is what was read. An account in which no Region is enabled was not read.
func (r *reader) result() Result {
	out := Result{Lost: r.lost, Summary: trail.Summary{Records: r.records, Problems: r.problems}}
	works := map[string]bool{}
	for p, why := range r.places {
		if why == "" {
			works[p.Account] = true
			out.Read = append(out.Read, p)
		}
	}
	for _, p := range r.disabled {
		if works[p.Account] {
			out.Disabled = append(out.Disabled, p)
		} else {
			r.failed = append(r.failed, p)
		}
	}
	out.Problems = append(out.Problems, r.failures()...)
	order := func(a, b Place) int { return strings.Compare(a.Account+a.Region, b.Account+b.Region) }
	slices.SortFunc(out.Read, order)
	slices.SortFunc(out.Disabled, order)
	slices.SortFunc(out.Problems, func(a, b trail.Problem) int { return strings.Compare(a.File, b.File) })
	return out
}

// failures are the Regions that were not read, those of an account with the same reason
// in one problem: a service control policy often denies all Regions except a few.
func (r *reader) failures() (problems []trail.Problem) {
	type cause struct{ account, why string }
	regions := map[cause][]string{}
	for _, p := range r.failed {
		c := cause{p.Account, r.places[p]}
		regions[c] = append(regions[c], p.Region)
	}
	for c, in := range regions {
		slices.Sort(in)
		problems = append(problems, trail.Problem{File: "Event history of " + c.account + " in " + strings.Join(in, ", "), Why: c.why})
	}
	return problems
}

func (p Place) String() string { return fmt.Sprintf("Event history of %s in %s", p.Account, p.Region) }
