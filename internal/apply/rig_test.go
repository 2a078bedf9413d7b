package apply_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

var start = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

// A rig is an emulated AWS with everything that planning and applying needs.
type rig struct {
	cloud    *emulator.Cloud
	baseline *baseline.Baseline
	// wrap changes the transport; nil: no change.
	wrap func(http.RoundTripper) http.RoundTripper
	// role is the name of the role to assume in an account.
	role func(account string) string
	// remove plans with --remove.
	remove bool
	// partial plans as if only some accounts were selected.
	partial bool
	// closed are accounts that cannot be read.
	closed []string
}

// rigOf is an emulated AWS with these accounts. strict is how it throttles, fails and lags.
func rigOf(t testing.TB, h org.Header, accounts []org.Account, strict *emulator.Strict) *rig {
	t.Helper()
	stream := func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}
	w, err := world.Load(h, stream, 7)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{
		cloud:    emulator.New(w, emulator.Options{Clock: func() time.Time { return start }, Strict: strict, Seed: 11}),
		baseline: baseline.Default(),
		role:     func(string) string { return "forcemfa" },
	}
}

func (r *rig) fork() *rig {
	other := *r
	other.cloud = r.cloud.Fork()
	return &other
}

// config signs in to an account as the role, with retries that do not wait.
func (r *rig) config(account string) (aws.Config, error) {
	creds, err := r.cloud.AssumeAs(account, r.role(account), "forcemfa")
	if err != nil {
		return aws.Config{}, err
	}
	cfg := r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1")
	if r.wrap != nil {
		cfg.HTTPClient = &http.Client{Transport: r.wrap(r.cloud.Transport())}
	}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxBackoff, o.RateLimiter = time.Microsecond, ratelimit.None
		})
	}
	return cfg, nil
}

// options wait by advancing the clock of the emulator.
func (r *rig) options() apply.Options {
	return apply.Options{
		Now: r.cloud.Now,
		Sleep: func(_ context.Context, d time.Duration) error {
			r.cloud.Advance(d)
			return nil
		},
	}
}

func (r *rig) run(steps []plan.Step, j apply.Journal) apply.Result {
	return apply.Run(context.Background(), steps, r.config, j, r.options())
}

// snapshot is the actual state of the emulator, without the closed accounts.
func (r *rig) snapshot() (h org.Header, accounts []org.Account) {
	r.cloud.View(func(w *world.World) {
		var stream org.Accounts
		h, stream = w.Snapshot(r.cloud.Now())
		for a := range stream {
			a.Caller = "arn:aws:sts::" + a.ID + ":assumed-role/" + r.role(a.ID) + "/forcemfa"
			a.Read = !slices.Contains(r.closed, a.ID)
			accounts = append(accounts, *a)
		}
	})
	return h, accounts
}

func (r *rig) digest() string {
	h, accounts := r.snapshot()
	var digests []string
	for i := range accounts {
		digests = append(digests, accounts[i].Digest(&h))
	}
	return org.Digest(&h, digests)
}

// changes lists the differences between two snapshots.
func changes(before, after []org.Account) []string {
	var all []string
	for i := range before {
		for _, c := range org.Diff(&org.Header{}, &before[i], &after[i]) {
			all = append(all, before[i].ID+": "+c.String())
		}
	}
	return all
}

// plan audits and plans the current state. resume is a file, or nil.
func (r *rig) plan(t testing.TB, resume *plan.Plan) (*plan.Plan, audit.Counts) {
	t.Helper()
	h, accounts := r.snapshot()
	auditor := audit.New(&h, r.baseline, r.cloud.Now())
	var total audit.Counts
	p, err := planner.Make(planner.Input{
		Header: &h, Baseline: r.baseline, Now: r.cloud.Now(), Resume: resume, Remove: r.remove, Partial: r.partial,
		Accounts: func(yield func(*audit.Audited, error) bool) {
			for i := range accounts {
				audited := auditor.Audit(&accounts[i])
				total.Add(audited.Summary.Counts)
				if !yield(audited, nil) {
					return
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, total
}

// journal is a new journal in a directory.
func (r *rig) journal(t testing.TB, dir string) *apply.FileJournal {
	t.Helper()
	j, err := apply.OpenJournal(dir, r.cloud.Now())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// became are the steps with another status than the wanted one, and why.
func became(r apply.Result, want apply.Status) []string {
	var odd []string
	if r.Err != nil {
		odd = append(odd, r.Err.Error())
	}
	for _, o := range r.Outcomes {
		if o.Status != want {
			odd = append(odd, o.Step.ID+": "+string(o.Status)+": "+o.Why)
		}
	}
	return odd
}

// memory is a journal for tests that need no files.
type memory struct {
	mu      sync.Mutex
	entries []apply.Entry
	fail    int // the number of the first entry that fails; 0: none
}

func (m *memory) Append(_ context.Context, e apply.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail > 0 && len(m.entries)+1 >= m.fail {
		return errors.New("no space left on device")
	}
	m.entries = append(m.entries, e)
	return nil
}

func (m *memory) record() *apply.Record { return &apply.Record{Entries: m.entries} }

// A tap intercepts the calls of a transport.
type tap struct {
	next http.RoundTripper
	// on answers a call that the SDK has signed. carry sends it. The ID is the same for
	// all retries of a call.
	on func(action, id string, carry func() (*http.Response, error)) (*http.Response, error)
}

func (t tap) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	credential, _, _ := strings.Cut(r.Header.Get("Authorization"), "/")
	return t.on(form.Get("Action"), credential+"?"+form.Encode(), func() (*http.Response, error) { return t.next.RoundTrip(r) })
}

// writes reports whether an action of IAM changes anything.
func writes(action string) bool {
	return !strings.HasPrefix(action, "Get") && !strings.HasPrefix(action, "List")
}
