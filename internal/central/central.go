// Package central is the body of the central Lambda function: one run in the security
// account that enters every account of the organization by a role and reconciles it.
//
// A [Run] works alone, or as the steps of a Step Functions Distributed Map: list the
// accounts, scan some of them, merge the results, which are objects in S3.
package central

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/internal/apply"
	"forcemfa/internal/fleet"
	"forcemfa/internal/reconcile"
	"forcemfa/policy/arn"
)

// Options configure a run. Role and Results are required.
type Options struct {
	Role        string        // assumed in every account, with its path
	Results     apply.S3Place // of the results, in the function's own account
	Journals    apply.S3Place // of the journals, each account below its ID; zero: in the log
	Mode        reconcile.Mode
	Settings    reconcile.Settings
	Accounts    []string         // only these IDs; empty: all
	NotAccounts []string         // not these IDs
	Concurrency int              // accounts at once; zero: as in fleet.Options
	Workers     int              // of the map at once; zero: 10
	PerWorker   int              // accounts for each of them; zero: 50
	Sender      reconcile.Sender // of the summary; nil: messages go to the log and the results only
	Log         *slog.Logger     // nil: none
	Metrics     io.Writer        // takes a line in CloudWatch's embedded metric format for each run; nil: none
	Rate        float64          // as in fleet.Options

	Now   func() time.Time                           // nil: time.Now
	Sleep func(context.Context, time.Duration) error // nil: sleeps
}

// A Run is one instance of the central function.
type Run struct {
	o     Options
	fleet *fleet.Fleet
	s3    *s3.Client
}

// New returns a run that acts with these credentials.
func New(cfg aws.Config, o Options) (*Run, error) {
	if o.Role == "" || o.Results.Bucket == "" {
		return nil, errors.New("the central function needs FORCEMFA_ROLE and FORCEMFA_RESULTS")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = smithytime.SleepWithContext
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, id := range append(slices.Clone(o.Accounts), o.NotAccounts...) {
		if !arn.IsAccountID(id) {
			return nil, fmt.Errorf("account %q: an account ID has 12 digits", id)
		}
	}
	o.Workers, o.PerWorker = max(o.Workers, 0), max(o.PerWorker, 0)
	if o.Workers == 0 {
		o.Workers = 10
	}
	if o.PerWorker == 0 {
		o.PerWorker = 50
	}
	f, err := fleet.New(cfg, fleet.Options{
		RoleName: o.Role, OwnRole: true, SessionName: "forcemfa-central", Concurrency: o.Concurrency, Rate: o.Rate, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	return &Run{o: o, fleet: f, s3: apply.S3Client(cfg)}, nil
}

// A step is what the state machine asks of an invocation. Without an entry the
// invocation does everything.
type step struct {
	Entry    string   `json:"entry"` // list, scan, merge
	Run      string   `json:"run"`
	Accounts []string `json:"-"`
}

// parse reads the input of an invocation: of the state machine, of a batch of its map, or
// of a schedule.
// Source: Step Functions Developer Guide, "ItemBatcher (Map)".
func parse(payload []byte) (step, error) {
	var in struct {
		step
		BatchInput *step
		Items      []string
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return step{}, fmt.Errorf("read the input of the central function: %w", err)
	}
	s := in.step
	if in.BatchInput != nil {
		s, s.Accounts = *in.BatchInput, in.Items
	}
	if s.Entry != "" && s.Entry != "list" && !isRunID(s.Run) {
		return step{}, fmt.Errorf("read the input of the central function: run %q is no ID of a run", s.Run)
	}
	for _, id := range s.Accounts {
		if !arn.IsAccountID(id) {
			return step{}, fmt.Errorf("read the input of the central function: account %q is no account ID", id)
		}
	}
	return s, nil
}

// runLayout is the time in the ID of a run.
const runLayout = "20060102T150405Z"

// newID returns the ID of a new run: the time and a random number.
func (r *Run) newID() string {
	return fmt.Sprintf("%s-%09d", r.now().Format(runLayout), rand.N(1_000_000_000))
}

// isRunID reports whether a text is the ID of a run. It becomes part of keys in S3.
func isRunID(text string) bool {
	at, number, ok := strings.Cut(text, "-")
	_, err := time.Parse(runLayout, at)
	return ok && err == nil && len(number) == 9 && strings.Trim(number, "0123456789") == ""
}

func (r *Run) now() time.Time { return r.o.Now().UTC() }

// Handle handles one invocation, and returns its result for JSON. Each step can be
// repeated: it writes the same objects again.
func (r *Run) Handle(ctx context.Context, payload []byte) (any, error) {
	s, err := parse(payload)
	if err != nil {
		return nil, err
	}
	var result any
	switch s.Entry {
	case "":
		result, err = r.whole(ctx)
	case "list":
		result, err = r.list(ctx)
	case "scan":
		result, err = r.scan(ctx, s.Run, s.Accounts)
	case "merge":
		result, err = r.merge(ctx, s.Run)
	default:
		err = fmt.Errorf("entry %q: want list, scan or merge", s.Entry)
	}
	if err != nil {
		r.o.Log.Error("failed", "entry", s.Entry, "run", s.Run, "error", err.Error())
		return nil, err
	}
	return result, nil
}

// whole does all steps in one invocation.
func (r *Run) whole(ctx context.Context) (*Summary, error) {
	l, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.scan(ctx, l.Run, r.rotated(l.accounts)); err != nil {
		return nil, err
	}
	return r.merge(ctx, l.Run)
}

// rotated begins the list at a random account, so that a run which ends early, day after
// day, does not leave out the same accounts.
func (r *Run) rotated(accounts []string) []string {
	if len(accounts) == 0 {
		return nil
	}
	at := rand.N(len(accounts))
	return slices.Concat(accounts[at:], accounts[:at])
}

// A List is the output of the first step: where the accounts of a run are listed, and how
// the map divides them.
type List struct {
	Run       string `json:"run"`
	Key       string `json:"key"` // of the object with the JSON list of account IDs
	Workers   int    `json:"workers"`
	PerWorker int    `json:"per_worker"`

	accounts []string
}

// list writes the list of accounts, which is empty if the mode is off.
func (r *Run) list(ctx context.Context) (*List, error) {
	d := new(fleet.Discovery)
	if r.o.Mode != reconcile.Off {
		var err error
		if d, err = r.fleet.List(ctx); err != nil {
			return nil, err
		}
	}
	l := &List{Run: r.newID(), Workers: r.o.Workers, PerWorker: r.o.PerWorker, accounts: []string{}}
	for _, a := range d.Accounts {
		if slices.Contains(r.o.NotAccounts, a.ID) || len(r.o.Accounts) > 0 && !slices.Contains(r.o.Accounts, a.ID) {
			continue
		}
		if !fleet.Enterable(a) {
			r.o.Log.Info("skipped", "run", l.Run, "account", a.ID, "state", a.State)
			continue
		}
		l.accounts = append(l.accounts, a.ID)
	}
	l.Key = r.key(l.Run, "accounts.json")
	r.o.Log.Info("list", "run", l.Run, "accounts", len(l.accounts))
	return l, r.put(ctx, l.Key, l.accounts)
}
