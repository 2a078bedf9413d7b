package reconcile

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/internal/survey"
)

// A policy that is gone, or whose document was not read, differs from the configured one.
func TestAPolicyThatIsNotThereHasDrifted(t *testing.T) {
	b := baseline.Default()
	with := func(policies ...org.Policy) *account {
		a := &org.Account{ID: home, Partition: "aws", Policies: policies}
		return &account{Account: &survey.Account{Account: a, Input: &planner.Input{Baseline: b}}}
	}
	arn := b.PolicyOf(&org.Account{ID: home, Partition: "aws"})
	version := func(document string) []org.Version {
		return []org.Version{{ID: "v1", Document: document}}
	}
	for name, row := range map[string]struct {
		account *account
		want    bool
	}{
		"as configured":    {with(org.Policy{ARN: arn, Default: "v1", Versions: version(b.Document("aws"))}), false},
		"another document": {with(org.Policy{ARN: arn, Default: "v1", Versions: version(everything)}), true},
		"no document":      {with(org.Policy{ARN: arn, Default: "v1"}), true},
		"no policy":        {with(), true},
	} {
		if got := row.account.drifted(); got != row.want {
			t.Errorf("%s: drifted %v", name, got)
		}
	}
}

// The log of the function says which step is left for the next run, and why.
func TestAStepThatIsLeftIsLogged(t *testing.T) {
	var log bytes.Buffer
	r := &run{Function: &Function{}, log: slog.New(slog.NewTextHandler(&log, nil)), result: &Result{}}
	r.outcome(&apply.Outcome{Step: plan.Step{ID: "step-1"}, Status: apply.Interrupted, Why: "no time"})
	for _, want := range []string{"level=WARN", "left for the next run", "step=step-1", `why="no time"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, log.String())
		}
	}
	if r.result.Left != 1 {
		t.Errorf("%d steps are left", r.result.Left)
	}
}
