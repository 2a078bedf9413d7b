package probe_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/probe"
	"forcemfa/internal/rehearse"
	"forcemfa/policy"
)

func empty(t *testing.T, readings operation.Readings) (*rehearse.Sandbox, probe.Options) {
	t.Helper()
	box, err := rehearse.EmptySandbox(time.Now, readings)
	if err != nil {
		t.Fatal(err)
	}
	return box, probe.Options{Config: box.Config, Now: box.Cloud.Now, Wait: func(ctx context.Context, d time.Duration) error {
		box.Cloud.Advance(d)
		return ctx.Err()
	}}
}

func digest(t *testing.T, box *rehearse.Sandbox) (sum string) {
	t.Helper()
	box.Cloud.View(func(w *world.World) {
		header, accounts := w.Snapshot(time.Now())
		var all []string
		for a, err := range accounts {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a.Digest(&header))
			if len(a.Users)+len(a.Unassigned) > 0 {
				t.Errorf("%d users and %d devices are left", len(a.Users), len(a.Unassigned))
			}
		}
		sum = org.Digest(&header, all)
	})
	return sum
}

// A probe finds what the embedded AWS was set to, and leaves the account as it was. Every
// operation that it uses is in the list of --dry-run, and every one of the list is used.
func TestProbeFindsTheInterpretationOfTheAccount(t *testing.T) {
	for _, readings := range []operation.Readings{
		{}, {CodeInCallIsNotMFA: true}, {RolesKeepMFA: true}, {CodeInCallIsNotMFA: true, RolesKeepMFA: true, ForwardingLosesMFA: true},
		{Observed: observed(t, "binary-on-mfa-key=yes", "single-on-many=yes", "notresource-without-value=yes")},
		{Observed: observed(t, "binary-on-mfa-key=no", "single-on-many=no", "notresource-without-value=no")},
		{Observed: observed(t, "binary-on-mfa-key=yes", "single-on-many=no")},
	} {
		box, o := empty(t, readings)
		before, used := digest(t, box), map[string]bool{}
		box.Cloud.OnCall(func(r emulator.Record) { used[r.Service+":"+r.Operation] = true })
		answers, err := probe.Run(t.Context(), o)
		if err != nil {
			t.Fatalf("%+v: %v", readings, err)
		}
		want := map[string]string{
			"code-in-call": word(!readings.CodeInCallIsNotMFA), "role-keeps-mfa": word(readings.RolesKeepMFA), "role-from-code": "no",
			"key-without-mfa-key": "yes", "session-without-mfa": "yes", "several-stars": "yes",
			"forwarded-calls": word(!readings.ForwardingLosesMFA), "cloudtrail-tags": "no", "cloudtrail-inactive-keys": "no",
		}
		for _, a := range readings.Observed.Answers() {
			id, answer, _ := strings.Cut(a, "=")
			want[id] = answer
		}
		if learned := learnedFrom(t, answers); learned != readings.Observed {
			t.Errorf("%+v: learned %v", readings, learned)
		}
		for _, a := range answers {
			if w, known := want[a.ID]; known && a.Observed != w {
				t.Errorf("%+v: %s: observed %s, want %s", readings, a.ID, a.Observed, w)
			}
			if (a.Observed == "") == (a.Why == "") {
				t.Errorf("%s: observed %q, why not %q", a.ID, a.Observed, a.Why)
			}
		}
		if digest(t, box) != before {
			t.Errorf("%+v: the account is not as it was", readings)
		}
		checkCalls(t, probe.Calls(false), used)
	}
}

func observed(t *testing.T, answers ...string) policy.Observed {
	t.Helper()
	o, err := policy.ParseObserved(answers)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// learnedFrom are the answers of a config with the section that a probe writes.
func learnedFrom(t *testing.T, answers []probe.Answer) policy.Observed {
	t.Helper()
	if c := probe.Contradicted(answers); len(c) > 0 {
		t.Errorf("the embedded AWS contradicts forcemfa: %+v", c)
	}
	b, err := baseline.Parse("forcemfa.yaml", []byte("version: 1\n"+probe.Section(answers, "999999999999", time.Now())))
	if err != nil {
		t.Fatal(err)
	}
	return b.Answers()
}

// What contradicts an assumption of every verdict is found, and is never learned.
func TestContradictionIsNotLearned(t *testing.T) {
	answers := []probe.Answer{
		{ID: "several-stars", Assumed: "yes", Observed: "no"}, {ID: "role-from-code", Assumed: "no", Observed: "no"},
		{ID: "single-on-many", Assumed: "neither: both interpretations must be safe", Observed: "only for one of the values"},
		{ID: "key-without-mfa-key", Assumed: "yes", Why: "not measured"},
	}
	if c := probe.Contradicted(answers); len(c) != 1 || c[0].ID != "several-stars" {
		t.Errorf("%+v", c)
	}
	if s := probe.Section(answers, "999999999999", time.Now()); s != "" {
		t.Errorf("learned %s", s)
	}
}

func checkCalls(t *testing.T, calls []probe.Call, used map[string]bool) {
	t.Helper()
	for _, c := range calls {
		if call := c.Service + ":" + c.Operation; !used[call] {
			t.Errorf("%s is listed and not used", call)
		}
		delete(used, c.Service+":"+c.Operation)
	}
	for call := range used {
		t.Errorf("%s is used and not listed", call)
	}
}

func word(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func TestAccountWithUsersIsRefused(t *testing.T) {
	box, o := empty(t, operation.Readings{})
	if _, err := iam.NewFromConfig(box.Config).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")}); err != nil {
		t.Fatal(err)
	}
	_, err := probe.Run(t.Context(), o)
	var refused *probe.NotEmptyError
	if !errors.As(err, &refused) || !slices.Equal(refused.Users, []string{"alice"}) {
		t.Errorf("%v", err)
	}
}

// A probe that is interrupted at any question removes what it made.
func TestInterruptedProbeRemovesWhatItMade(t *testing.T) {
	for stopAt := range 12 {
		box, o := empty(t, operation.Readings{})
		before := digest(t, box)
		ctx, stop := context.WithCancel(t.Context())
		asked := 0
		o.Show = func(string) {
			if asked++; asked > stopAt {
				stop()
			}
		}
		if _, err := probe.Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %d: %v", stopAt, err)
		}
		if digest(t, box) != before {
			t.Errorf("stopped at %d: the account is not as it was", stopAt)
		}
	}
}
