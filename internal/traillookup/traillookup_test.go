package traillookup_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/fleet"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/testclients"
	"forcemfa/internal/trail"
	"forcemfa/internal/traillookup"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stand is the sample organization with its month in the Event history. Its transport
// counts requests and breaks some.
type stand struct {
	fleet    *fleet.Fleet
	requests atomic.Int64
	breaks   func(r *http.Request, n int64) (code string) // an error instead of an answer; empty: none
}

func newStand(t *testing.T, breaks func(*http.Request, int64) string) *stand {
	t.Helper()
	box, err := rehearse.OpenSandbox("", emulator.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.LoadHistory(now); err != nil {
		t.Fatal(err)
	}
	s := &stand{breaks: breaks}
	cfg := box.Config
	base := cfg.HTTPClient
	cfg.HTTPClient = doing(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".LookupEvents") {
			n := s.requests.Add(1)
			if code := s.breaks(r, n); code != "" {
				return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(`{"__type":"` + code + `","message":"no"}`))}, nil
			}
		}
		return base.Do(r)
	})
	if s.fleet, err = fleet.New(cfg, fleet.Options{Rate: -1, Now: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	return s
}

type doing func(*http.Request) (*http.Response, error)

func (d doing) Do(r *http.Request) (*http.Response, error) { return d(r) }

func (s *stand) options() traillookup.Options {
	return traillookup.Options{
		Enter: func(ctx context.Context, account string) (aws.Config, error) {
			cfg, _, err := s.fleet.Enter(ctx, account)
			return cfg, err
		},
		Regions: []string{"eu-west-1", "us-east-1"}, Since: now.AddDate(0, 0, -40), Until: now,
	}
}

// users is what was looked up: calls by user, and those of role sessions.
func (s *stand) look(t *testing.T, o traillookup.Options) (map[string]int, traillookup.Result) {
	t.Helper()
	calls := map[string]int{}
	result, err := traillookup.Read(t.Context(), o, func(c *trail.Call) { calls[c.Caller.Type+" "+c.Caller.User]++ })
	if err != nil {
		t.Fatal(err)
	}
	return calls, result
}

// recorded is the calls of users in the sample's month, and of the role sessions that they
// began.
func recorded(of ...string) map[string]int {
	calls := map[string]int{}
	for _, r := range sample.Records(now) {
		switch id := r.UserIdentity; {
		case id.Type == "IAMUser" && slices.Contains(of, id.UserName):
			calls["IAMUser "+id.UserName]++
		case id.Type == "AssumedRole" && slices.Contains(of, "hugo"):
			calls["AssumedRole "]++
		}
	}
	return calls
}

func TestUsersAreLookedUpWithTheSessionsThatTheyBegan(t *testing.T) {
	s := newStand(t, func(*http.Request, int64) string { return "" })
	o := s.options()
	o.Users = map[string][]string{sample.Identity: {"hugo"}, sample.Legacy: {"dave", "old-deploy"}}
	done, total := 0, 0
	var mu sync.Mutex
	o.Progress = func(d, n int) {
		mu.Lock()
		defer mu.Unlock()
		done, total = max(done, d), max(total, n)
	}
	calls, result := s.look(t, o)
	if want := recorded("hugo", "dave", "old-deploy"); !maps.Equal(calls, want) {
		t.Errorf("looked up %v, recorded %v", calls, want)
	}
	if len(result.Problems) != 0 || result.Lost || len(result.Read) < 4 {
		t.Errorf("%+v", result)
	}
	if done == 0 || done != total {
		t.Errorf("progress ended at %d of %d", done, total)
	}
}

func TestAKeyIsLookedUp(t *testing.T) {
	s := newStand(t, func(*http.Request, int64) string { return "" })
	key := ""
	for _, r := range sample.Records(now) {
		if r.UserIdentity.UserName == "old-deploy" {
			key = r.UserIdentity.AccessKeyID
		}
	}
	o := s.options()
	o.Keys = map[string][]string{sample.Legacy: {key}}
	if calls, _ := s.look(t, o); calls["IAMUser old-deploy"] != recorded("old-deploy")["IAMUser old-deploy"] || len(calls) != 1 {
		t.Errorf("calls of the key: %v", calls)
	}
}

// AWS takes two lookups a second: those that it refuses are sent again.
func TestThrottledLookupsAreRepeated(t *testing.T) {
	t.Parallel()
	s := newStand(t, func(_ *http.Request, n int64) string {
		if n == 2 || n == 5 {
			return "ThrottlingException"
		}
		return ""
	})
	o := s.options()
	o.Users = map[string][]string{sample.Legacy: {"old-deploy"}}
	calls, result := s.look(t, o)
	if want := recorded("old-deploy"); !maps.Equal(calls, want) || len(result.Problems) != 0 {
		t.Errorf("looked up %v, recorded %v, %+v", calls, want, result.Problems)
	}
}

func TestWhatCannotBeLookedUpIsNamed(t *testing.T) {
	in := func(r *http.Request, region string) bool {
		return strings.Contains(r.Header.Get("Authorization"), "/"+region+"/")
	}
	s := newStand(t, func(r *http.Request, _ int64) string {
		switch {
		case in(r, "ap-east-1"):
			return "UnrecognizedClientException"
		case in(r, "eu-west-1") || in(r, "eu-west-2"):
			return "AccessDeniedException"
		}
		return ""
	})
	o := s.options()
	o.Regions = []string{"ap-east-1", "eu-west-1", "eu-west-2", "us-east-1"}
	o.Users = map[string][]string{sample.Legacy: {"dave"}, "999999999999": {"eve"}}
	_, result := s.look(t, o)
	if len(result.Disabled) != 1 || result.Disabled[0].Region != "ap-east-1" {
		t.Errorf("Regions that are not enabled: %v", result.Disabled)
	}
	var files []string
	for _, p := range result.Problems {
		files = append(files, p.File)
	}
	want := []string{"Event history of " + sample.Legacy + " in eu-west-1, eu-west-2", "Event history of 999999999999"}
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Errorf("problems %+v, want %v", result.Problems, want)
	}
}

func TestALookupEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStand(t, func(_ *http.Request, n int64) string {
		if n == 3 {
			cancel()
		}
		return ""
	})
	o := s.options()
	o.Users = map[string][]string{sample.Legacy: {"old-deploy", "george", "dave"}}
	if _, err := traillookup.Read(ctx, o, func(*trail.Call) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := s.requests.Load(); n > 8 {
		t.Errorf("%d requests, most of them after the end", n)
	}
}

func TestSessionsBeyondTheLimitAreSaid(t *testing.T) {
	s := newStand(t, func(*http.Request, int64) string { return "" })
	o := s.options()
	o.Users, o.Sessions = map[string][]string{sample.Identity: {"hugo"}}, 2
	calls, result := s.look(t, o)
	if !result.Lost || calls["AssumedRole "] == 0 || calls["AssumedRole "] >= recorded("hugo")["AssumedRole "] {
		t.Errorf("%v %v", calls, result.Lost)
	}
}
