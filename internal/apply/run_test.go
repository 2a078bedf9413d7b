package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"forcemfa/internal/emulator"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

const (
	freshID   = "111122223333"
	driftedID = "444455556666"
)

// statuses are the op, the name and the status of each step.
func statuses(r apply.Result) []string {
	var all []string
	for _, o := range r.Outcomes {
		all = append(all, fmt.Sprintf("%s %s %s", o.Step.Op, o.Step.Subject[strings.LastIndexByte(o.Step.Subject, '/')+1:], o.Status))
	}
	return all
}

// calm is the small organization on a cloud without faults, and its plan.
func calm(t *testing.T) (*rig, *plan.Plan) {
	t.Helper()
	h, accounts := small()
	r := rigOf(t, h, accounts, nil)
	p, _ := r.plan(t, nil)
	return r, p
}

func of(p *plan.Plan, account string) []plan.Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s plan.Step) bool { return s.Account != account })
}

func TestEveryOpHasAnExecutorAndAnInverse(t *testing.T) {
	if missing := apply.MissingExecutors(); missing != nil {
		t.Errorf("no executor for %v", missing)
	}
	for _, op := range plan.Ops() {
		if back := plan.Inverse(plan.Step{Op: op}); !slices.Contains(plan.Ops(), back.Op) {
			t.Errorf("%s has the inverse %q", op, back.Op)
		}
	}
}

func TestASecondRunOfTheSameStepsWritesNothing(t *testing.T) {
	r, p := calm(t)
	if odd := became(r.run(p.Steps, &memory{}), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	var written []string
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			if writes(action) {
				written = append(written, action)
			}
			return carry()
		}}
	}
	journal := new(memory)
	o := r.options()
	o.Concurrency = 1
	result := apply.Run(context.Background(), p.Steps, r.config, journal, o)
	if odd := became(result, apply.Already); odd != nil || !result.Complete() {
		t.Errorf("not already so: %v", odd)
	}
	if written != nil || len(journal.entries) != 2 {
		t.Errorf("wrote %v, journaled %v", written, journal.entries)
	}
}

func TestSubjectsThatChangedAfterThePlanAreStale(t *testing.T) {
	r, p := calm(t)
	r.cloud.Update(func(w *world.World) {
		a := w.Edit(driftedID)
		forcemfa := a.Policies[baseline.PolicyARN("aws", driftedID)]
		forcemfa.Versions = append(forcemfa.Versions[1:], org.Version{ID: "v6", Document: allowAll})
		forcemfa.Default, forcemfa.NextVersion = "v6", 7
		a.Users["late"].Tags[0].Value = "2026-10-02"
		a.Users["robby"].Inline["ForceMFA"] = strings.Replace(allowAll, "*", "s3:*", 1)
		delete(a.Users, "mia")
	})
	result := r.run(of(p, driftedID), &memory{})
	want := []string{
		"RemoveUserFromGroup robby done", "DetachUserPolicy robby done", "DeleteUserPolicy robby stale", "TagUser late done",
		"UpdatePolicy ForceMFA stale", "AddUserToGroup mia skipped", "UntagUser late stale",
	}
	if d := cmp.Diff(want, statuses(result)); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	whys := []string{
		"its document changed after the plan was made", "its document changed after the plan was made",
		"needs UpdatePolicy/444455556666/arn:aws:iam::444455556666:policy/forcemfa/ForceMFA, which is stale",
		`its value is "2026-10-02" now, not "2026-10-01"`,
	}
	var got []string
	for _, o := range result.Outcomes {
		if o.Why != "" {
			got = append(got, o.Why)
		}
	}
	if d := cmp.Diff(whys, got); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

func TestADeletedUserIsStale(t *testing.T) {
	r, p := calm(t)
	r.cloud.Update(func(w *world.World) {
		a := w.Edit(freshID)
		for _, name := range []string{"ada", "bob", "cyd", "dan"} {
			delete(a.Users, name)
		}
	})
	want := []string{
		"TagUser dan stale", "CreatePolicy ForceMFA done", "CreateGroup ForceMFA done", "AttachGroupPolicy ForceMFA done",
		"AddUserToGroup ada stale", "AddUserToGroup dan skipped", "AttachUserPolicy bob stale", "PutUserPolicy cyd stale",
	}
	if d := cmp.Diff(want, statuses(r.run(of(p, freshID), &memory{}))); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
}

func TestAVersionThatAppearedAfterThePlanIsNotDeleted(t *testing.T) {
	r, p := calm(t)
	policyARN := baseline.PolicyARN("aws", driftedID)
	r.cloud.Update(func(w *world.World) {
		forcemfa := w.Edit(driftedID).Policies[policyARN]
		forcemfa.Versions[0].ID, forcemfa.NextVersion = "v7", 8
	})
	result := r.run(of(p, driftedID), &memory{})
	if o := result.Outcomes[4]; o.Status != apply.Stale || o.Why != "its versions are [v2 v3 v4 v5 v7] now, not [v1 v2 v3 v4 v5]" {
		t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
	}
	r.cloud.View(func(w *world.World) {
		if n := len(w.Account(driftedID).Policies[policyARN].Versions); n != 5 {
			t.Errorf("%d versions", n)
		}
	})
}

func TestTheJournalContainsTheDeletedVersion(t *testing.T) {
	r, p := calm(t)
	journal := new(memory)
	r.run(of(p, driftedID), journal)
	i := slices.IndexFunc(journal.entries, func(e apply.Entry) bool { return e.Kind == apply.Intent && e.Step.Op == plan.UpdatePolicy })
	want := []apply.Version{{ID: "v1", Created: start.AddDate(0, -11, 0), Document: strings.Replace(allowAll, `"*"`, `"s1:*"`, 1)}}
	if d := cmp.Diff(want, journal.entries[i].Dropped); d != "" {
		t.Errorf("dropped (-want +got):\n%s", d)
	}
	if before := journal.entries[i].Before; before.Document != strings.Replace(allowAll, `"*"`, `"s5:*"`, 1) {
		t.Errorf("before: %+v", before)
	}
}

func TestBlockedStepsAndDependentStepsAreNotDone(t *testing.T) {
	r, p := calm(t)
	steps := of(p, freshID)
	steps[1].Blocked = "because"
	want := []string{
		"TagUser dan done", "CreatePolicy ForceMFA blocked", "CreateGroup ForceMFA done", "AttachGroupPolicy ForceMFA skipped",
		"AddUserToGroup ada skipped", "AddUserToGroup dan skipped", "AttachUserPolicy bob skipped", "PutUserPolicy cyd done",
	}
	result := r.run(steps, &memory{})
	if d := cmp.Diff(want, statuses(result)); d != "" || result.Complete() {
		t.Errorf("complete %v, result (-want +got):\n%s", result.Complete(), d)
	}
}

func TestAStepThatNeedsAMissingStepIsSkipped(t *testing.T) {
	r, p := calm(t)
	steps := of(p, freshID)[3:]
	for _, o := range r.run(steps, &memory{}).Outcomes {
		if len(o.Step.Needs) > 0 && o.Status != apply.Skipped {
			t.Errorf("%s: %s", o.Step.ID, o.Status)
		}
	}
}

func TestAnAccountWithoutCredentialsFailsAlone(t *testing.T) {
	r, p := calm(t)
	result := apply.Run(context.Background(), p.Steps, func(account string) (aws.Config, error) {
		if account == freshID {
			return aws.Config{}, errors.New("AccessDenied")
		}
		return r.config(account)
	}, &memory{}, r.options())
	for _, o := range result.Outcomes {
		switch {
		case o.Step.Account == driftedID && o.Status != apply.Done,
			o.Step.Account == freshID && o.Status != apply.Failed && o.Status != apply.Skipped,
			o.Status == apply.Failed && o.Why != "sign in to account 111122223333: AccessDenied":
			t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
		}
	}
}

func TestAnEndedContextFinishesTheStepInFlight(t *testing.T) {
	r, p := calm(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			if action == "CreateGroup" {
				stop()
			}
			return carry()
		}}
	}
	journal := new(memory)
	result := apply.Run(ctx, of(p, freshID), r.config, journal, r.options())
	want := []string{
		"TagUser dan done", "CreatePolicy ForceMFA done", "CreateGroup ForceMFA done", "AttachGroupPolicy ForceMFA interrupted",
		"AddUserToGroup ada interrupted", "AddUserToGroup dan interrupted", "AttachUserPolicy bob interrupted", "PutUserPolicy cyd interrupted",
	}
	if d := cmp.Diff(want, statuses(result)); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	record := journal.record()
	if !record.Finished() || len(record.InDoubt()) > 0 {
		t.Errorf("journal: finished %v, in doubt %v", record.Finished(), record.InDoubt())
	}
	if d := cmp.Diff(map[apply.Status]int{apply.Done: 3, apply.Interrupted: 5}, journal.entries[len(journal.entries)-1].Counts); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}

// A change that cannot be journaled is not made, and no change after it.
func TestNoChangeIsMadeThatIsNotJournaled(t *testing.T) {
	r, p := calm(t)
	before := r.digest()
	result := r.run(p.Steps, &memory{fail: 2})
	if result.Err == nil || result.Complete() || r.digest() != before {
		t.Errorf("error %v, changed %v, %v", result.Err, r.digest() != before, statuses(result))
	}
	if odd := became(apply.Result{Outcomes: result.Outcomes}, apply.Interrupted); odd != nil {
		t.Errorf("not interrupted: %v", odd)
	}
	if result := r.run(p.Steps, &memory{fail: 1}); result.Err == nil || r.digest() != before {
		t.Errorf("without a first line: error %v, changed %v", result.Err, r.digest() != before)
	}
}

// refuse answers the first n calls of an action with an error of IAM.
func refuse(action, code string, status, n int, tries *int) func(http.RoundTripper) http.RoundTripper {
	var mu sync.Mutex
	return func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(called, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if called != action {
				return carry()
			}
			if *tries++; *tries > n {
				return carry()
			}
			response, err := carry()
			if err != nil {
				return nil, err
			}
			if err := response.Body.Close(); err != nil {
				return nil, err
			}
			response.StatusCode = status
			response.Body = http.NoBody
			body := `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>` + code +
				`</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`
			response.Body = readCloser{strings.NewReader(body)}
			response.ContentLength = int64(len(body))
			return response, nil
		}}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestTransientErrorsAreRetriedAndOthersAreNot(t *testing.T) {
	tests := []struct {
		action, code  string
		status, times int
		tries         int // of that action
		done          bool
	}{
		{"GetGroup", "Throttling", 400, 20, 21, true},      // beyond the SDK's own three tries
		{"GetGroup", "Throttling", 400, 1 << 20, 0, false}, // for ever
		{"GetGroup", "EntityTemporarilyUnmodifiable", 409, 2, 3, true},
		{"GetGroup", "ConcurrentModification", 409, 2, 3, true},
		{"GetGroup", "LimitExceeded", 409, 1, 1, false},
		{"GetGroup", "AccessDenied", 403, 1, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.code+fmt.Sprint(tt.times), func(t *testing.T) {
			r, p := calm(t)
			tries := 0
			r.wrap = refuse(tt.action, tt.code, tt.status, tt.times, &tries)
			began := r.cloud.Now()
			result := r.run(of(p, freshID), &memory{})
			o := result.Outcomes[2]
			switch {
			case tt.done != (o.Status == apply.Done):
				t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			case !tt.done && (o.Status != apply.Failed || !strings.Contains(o.Why, tt.code)):
				t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			}
			if tt.tries > 0 && !tt.done && tries != tt.tries {
				t.Errorf("tried %d times, not %d", tries, tt.tries)
			}
			if took := r.cloud.Now().Sub(began); took > 3*time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

// The response of a change is lost, or AWS fails after it: the state decides.
func TestAChangeWhoseResponseIsLostIsDone(t *testing.T) {
	for _, action := range []string{"CreatePolicy", "CreateGroup", "AttachGroupPolicy", "AddUserToGroup", "PutUserPolicy", "TagUser",
		"CreatePolicyVersion", "DeletePolicyVersion", "RemoveUserFromGroup", "DetachUserPolicy", "DeleteUserPolicy", "UntagUser"} {
		t.Run(action, func(t *testing.T) {
			r, p := calm(t)
			tries := 0
			r.wrap = refuse(action, "ServiceFailure", 500, 1, &tries)
			if odd := became(r.run(p.Steps, &memory{}), apply.Done); odd != nil {
				t.Errorf("not done: %v", odd)
			}
			if tries == 0 {
				t.Error("never called")
			}
			if again, _ := r.plan(t, nil); len(again.Steps) > 0 {
				t.Errorf("planned again: %v", again.Steps)
			}
		})
	}
}

func TestAGroupWithTheSameNameAndAnotherPathIsNotUsed(t *testing.T) {
	r, p := calm(t)
	r.cloud.Update(func(w *world.World) {
		w.Edit(freshID).Groups["forcemfa"] = &world.Group{Name: "ForceMFA", Path: "/", ID: "AGPAX", Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}}
	})
	result := r.run(of(p, freshID), &memory{})
	if o := result.Outcomes[2]; o.Status != apply.Failed || o.Why != "the name is used by arn:aws:iam::111122223333:group/ForceMFA" {
		t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
	}
	r.cloud.View(func(w *world.World) {
		if w.Account(freshID).Users["ada"].Groups["forcemfa"] {
			t.Error("ada was put into it")
		}
	})
}

func TestProgressIsCalledOncePerStep(t *testing.T) {
	r, p := calm(t)
	heard := map[string]int{}
	o := r.options()
	o.Progress = func(o apply.Outcome) { heard[o.Step.ID]++ }
	result := apply.Run(context.Background(), p.Steps, r.config, &memory{}, o)
	for _, o := range result.Outcomes {
		if heard[o.Step.ID] != 1 {
			t.Errorf("heard %d times of %s", heard[o.Step.ID], o.Step.ID)
		}
	}
}

// When AWS is gone, the rest of the run is interrupted and says why.
func TestARunEndsWhenAWSIsGone(t *testing.T) {
	r, p := calm(t)
	away := errors.New("AWS does not answer")
	began := 0
	o := r.options()
	o.Concurrency = 1
	o.Gone = func() error {
		if began++; began > 3 {
			return away
		}
		return nil
	}
	result := apply.Run(t.Context(), p.Steps, r.config, &memory{}, o)
	if result.Count(apply.Failed) != 0 || result.Count(apply.Interrupted) == 0 || result.Complete() {
		t.Errorf("%v", statuses(result))
	}
	for _, o := range result.Outcomes {
		if o.Status == apply.Interrupted && o.Why != away.Error() {
			t.Errorf("%s: %s", o.Step.ID, o.Why)
		}
	}
}

// What a list says about a target may stand on any of its pages.
func TestTargetsAreFoundOnTheLastPage(t *testing.T) {
	h, accounts := small()
	r := rigOf(t, h, accounts, &emulator.Strict{PageSize: 1})
	before := r.digest()
	p, _ := r.plan(t, nil)
	journal := new(memory)
	if odd := became(r.run(p.Steps, journal), apply.Done); odd != nil {
		t.Fatalf("not done: %v", odd)
	}
	if odd := became(r.run(p.Steps, new(memory)), apply.Already); odd != nil {
		t.Errorf("not found done: %v", odd)
	}
	if odd := became(r.run(journal.record().Undo(), new(memory)), apply.Done); odd != nil {
		t.Errorf("not undone: %v", odd)
	}
	if r.digest() != before {
		t.Error("undone, the organization is another one")
	}
}

// A document that cannot be decoded is not compared: neither as the planned one nor as another one.
func TestADocumentThatCannotBeDecodedIsAnError(t *testing.T) {
	h, accounts := small()
	r := rigOf(t, h, accounts, nil)
	p, _ := r.plan(t, nil)
	odd := regexp.MustCompile(`<(Document|PolicyDocument|AssumeRolePolicyDocument)>[^<]*<`)
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			answer, err := carry()
			if err != nil || !strings.HasPrefix(action, "Get") {
				return answer, err
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				return nil, err
			}
			text = odd.ReplaceAll(text, []byte("<$1>%7B%zz<"))
			answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			return answer, nil
		}}
	}
	before, seen := r.digest(), 0
	for _, o := range r.run(p.Steps, new(memory)).Outcomes {
		switch o.Step.Op {
		case plan.UpdatePolicy, plan.UpdateTrust:
			if seen++; o.Status != apply.Failed || !strings.Contains(o.Why, "decode policy document") {
				t.Errorf("%s: %s %s", o.Step.ID, o.Status, o.Why)
			}
		}
	}
	if seen == 0 || r.digest() == before {
		t.Errorf("%d steps that compare a document; the others are not affected: %v", seen, r.digest() != before)
	}
}

// A document that AWS does not let forcemfa mark is not changed either: without the mark nobody knows later who wrote it.
func TestAPolicyThatCannotBeMarkedIsNotChanged(t *testing.T) {
	h, accounts := small()
	r := rigOf(t, h, accounts, nil)
	p, _ := r.plan(t, nil)
	refused := 0
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(action, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			if action != "TagPolicy" && action != "UntagPolicy" {
				return carry()
			}
			refused++
			return &http.Response{StatusCode: 403, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(
				"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"))}, nil
		}}
	}
	documents := func() map[string]string {
		out := map[string]string{}
		_, now := r.snapshot()
		for _, a := range now {
			for _, p := range a.Policies {
				out[p.ARN], _ = p.DefaultDocument()
			}
		}
		return out
	}
	before := documents()
	for _, o := range r.run(p.Steps, new(memory)).Outcomes {
		if o.Step.Op != plan.UpdatePolicy || o.Step.Want.Fingerprint == o.Step.Expect.Fingerprint {
			continue
		}
		if o.Status != apply.Failed || documents()[o.Step.Subject] != before[o.Step.Subject] {
			t.Errorf("%s: %s %s", o.Step.ID, o.Status, o.Why)
		}
	}
	if refused == 0 {
		t.Error("no policy was to be marked")
	}
}
