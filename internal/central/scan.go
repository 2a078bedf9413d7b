package central

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"forcemfa/internal/apply"
	"forcemfa/internal/fleet"
	"forcemfa/internal/notify"
	"forcemfa/internal/reconcile"
)

// An Account is the result of one account.
type Account struct {
	ID       string            `json:"account"`
	Result   *reconcile.Result `json:"result,omitempty"` // nil: it was not read
	Why      string            `json:"why,omitempty"`    // it was not read or not completed
	Messages []notify.Message  `json:"messages,omitempty"`
}

// A Part is the output of a worker: how many of its accounts it read.
type Part struct {
	Accounts int `json:"accounts"`
	Read     int `json:"read"`
}

// lastStart is how long before the end of an invocation the last account is started: a
// scan waits up to a minute for the credential report.
const lastStart = 2 * time.Minute

// outOfTime is why an account was not read that was not started.
const outOfTime = "the function ran out of time before this account: raise the parameter Concurrency, or deploy with --form map"

// scan reconciles some accounts and writes their results to one object of the run.
func (r *Run) scan(ctx context.Context, run string, accounts []string) (*Part, error) {
	results := make([]Account, len(accounts))
	end, limited := ctx.Deadline()
	var group errgroup.Group
	group.SetLimit(r.fleet.Concurrency())
	for i, id := range accounts {
		group.Go(func() error {
			if limited && time.Until(end) < lastStart {
				results[i] = Account{ID: id, Why: outOfTime}
				return nil
			}
			results[i] = r.account(ctx, id)
			return nil
		})
	}
	_ = group.Wait() // the results have the errors
	part := &Part{Accounts: len(accounts)}
	for i := range results {
		if results[i].Result != nil {
			part.Read++
		} else {
			r.o.Log.Warn("not read", "run", run, "account", results[i].ID, "why", results[i].Why)
		}
	}
	if len(accounts) == 0 {
		return part, nil
	}
	return part, r.put(ctx, r.key(run, "part/"+accounts[0]+".json"), results)
}

// account reconciles one account by the role in it.
func (r *Run) account(ctx context.Context, id string) Account {
	a := Account{ID: id}
	cfg, _, err := r.fleet.Enter(ctx, id)
	if err != nil {
		a.Why = fleet.Reason(err)
		return a
	}
	kept := new(collector)
	o := reconcile.Options{
		Mode: r.o.Mode, Settings: r.o.Settings, Sender: kept, Log: r.o.Log, Rate: r.o.Rate, Now: r.o.Now, Sleep: r.o.Sleep,
	}
	if r.o.Journals.Bucket != "" {
		place := r.o.Journals.Under(id)
		o.Journal = func(_ context.Context, _ string, now time.Time) (reconcile.Journal, error) {
			return apply.NewS3Journal(apply.S3Client(cfg), place, now), nil
		}
	}
	f, err := reconcile.New(cfg, o)
	if err != nil {
		a.Why = err.Error()
		return a
	}
	result, err := f.Scan(ctx)
	a.Messages = kept.messages
	if err != nil {
		a.Why = fleet.Reason(err)
		return a
	}
	a.Result = result
	return a
}

// A collector keeps the messages of one account for the summary of the run.
type collector struct {
	mu       sync.Mutex
	messages []notify.Message
}

// Send is the reconcile.Sender.
func (c *collector) Send(_ context.Context, d *notify.Summary) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, d.Messages...)
	return nil
}
