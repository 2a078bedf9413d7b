package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/survey"
	"forcemfa/internal/trail"
)

// A call has an effect that is visible to all after a while. The function waits for the
// rest of that time, and not for events that come from the future or late.
func TestTheFunctionWaitsUntilACallIsVisible(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]time.Duration{
		-time.Second: -1, 0: settling, time.Second: 4 * time.Second, settling - 1: 1, settling: -1, time.Hour: -1,
	} {
		slept := time.Duration(-1)
		f := alone(t)
		f.options.Now = func() time.Time { return at.Add(age) }
		f.options.Sleep = func(_ context.Context, d time.Duration) error { slept = d; return nil }
		if err := f.waitUntilVisible(t.Context(), &incident{event: &trail.Event{Detail: trail.Record{EventTime: at}}}); err != nil {
			t.Fatal(err)
		}
		if slept != want {
			t.Errorf("an event of %v ago: slept %v, want %v", age, slept, want)
		}
	}
}

func TestTheMemoryForgetsTheOldest(t *testing.T) {
	var m memory
	if m.has("0") {
		t.Error("the empty memory knows something")
	}
	for i := range remembered {
		m.add(strconv.Itoa(i))
		m.add("0") // known already: takes no place
	}
	if !m.has("0") || !m.has(strconv.Itoa(remembered-1)) {
		t.Error("forgot too early")
	}
	m.add("new")
	if m.has("0") || !m.has("1") || !m.has("new") || len(m.known) != remembered || len(m.order) != remembered {
		t.Errorf("%d known, %d in order; 0 known %v", len(m.known), len(m.order), m.has("0"))
	}
}

func TestThePartitionIsThatOfTheCaller(t *testing.T) {
	for caller, want := range map[string]string{"arn:aws-cn:iam::111111111111:user/bob": "aws-cn", "arn:aws:iam::111111111111:user/bob": "aws", "": "aws", "bob": "aws"} {
		r := &trail.Record{}
		r.UserIdentity.ARN = caller
		if got := partitionOf(r); got != want {
			t.Errorf("%q: %s, want %s", caller, got, want)
		}
	}
}

func TestAProblemOfTheConfigIsCountedWhileThereIsOne(t *testing.T) {
	for problem, want := range map[string]float64{"": 0, "the config differs": 1} {
		f, out := alone(t), new(bytes.Buffer)
		f.options.Metrics, f.options.Settings.Problem, f.options.Now = out, problem, time.Now
		f.newRun("scan", "id").metrics(errors.New("not read"))
		var counts struct{ ConfigProblem, ScanFailed float64 }
		if err := json.Unmarshal(out.Bytes(), &counts); err != nil || counts.ConfigProblem != want || counts.ScanFailed != 1 {
			t.Errorf("problem %q: %+v, %v", problem, counts, err)
		}
	}
}

// Criticals and highs have a message each. A user with a message of its own is not
// reported as open a second time.
func TestOpenFindingsAreReportedBySeverity(t *testing.T) {
	f := alone(t)
	f.options.Now = time.Now
	r := f.newRun("scan", "id")
	r.messages = []notify.Message{{Subject: "user/known"}}
	finding := func(rule, subject string, severity audit.Severity) audit.Finding {
		return audit.Finding{ID: rule + "/" + subject, Rule: rule, Subject: subject, Severity: severity}
	}
	r.seen = &account{Account: &survey.Account{Account: &org.Account{ID: home}, Audited: &audit.Audited{Findings: []audit.Finding{
		finding("user-open", "user/known", audit.Critical), finding("root-key", "user/known", audit.Critical),
		finding("user-open", "user/new", audit.Critical), finding("policy-drift", "policy/ForceMFA", audit.High), finding("old-key", "user/new", audit.Medium),
	}}}}
	r.openFindings()
	var got []string
	for _, m := range r.messages[1:] {
		got = append(got, m.Subject+" "+string(m.Severity))
	}
	if diff := cmp.Diff([]string{"user/known critical", "user/new critical", "policy/ForceMFA high"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
