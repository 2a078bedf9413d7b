package organization

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/notify"
	"forcemfa/internal/plan"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

// noticeBudget is how long a channel may try the summary of a run.
const noticeBudget = 30 * time.Second

// AddNotices adds --no-notify to a verb that changes AWS.
func (s *Flags) AddNotices(c *cobra.Command) {
	c.Flags().BoolVar(&s.NoNotify, "no-notify", false, "send no summary of the run to the channels of the config")
	c.Flags().BoolVar(&s.Loopback, "loopback", false, "allow channels on this machine without TLS, for tests")
	_ = c.Flags().MarkHidden("loopback")
}

// notifyRun sends one summary of a run to the channels of the config: its effect on
// each user, what failed, and how to undo it. A channel that cannot be reached changes
// nothing about the run, so it is a remark.
func (t *Target) notifyRun(ctx context.Context, run, undoes string, began time.Time, result apply.Result) {
	if t.Sandbox != "" || t.NoNotify {
		return
	}
	now := t.Env.Now()
	t.SendSummary(ctx, &notify.Summary{Run: run, ConfigHash: t.Baseline.Hash(), Since: began, Until: now, Messages: runMessages(run, undoes, now, result)})
}

// SendSummary sends a summary; an error is a remark.
func (t *Target) SendSummary(ctx context.Context, d *notify.Summary) {
	if t.Baseline.Notify == (baseline.Notify{}) {
		return
	}
	options, err := notify.OptionsOf(t.Baseline.Notify, t.Env.Getenv)
	if err == nil {
		options.Budget, options.Now, options.Loopback = noticeBudget, t.Env.Now, t.Loopback
		err = t.send(context.WithoutCancel(ctx), options, d)
	}
	if err != nil {
		t.Remark("WARNING: the summary of %s was not sent: %v (docs/notify.md)", d.Run, err)
	}
}

// send sends a summary to the channels that are configured.
func (t *Target) send(ctx context.Context, options notify.Options, d *notify.Summary) error {
	cfg, err := t.AWSConfig(ctx)
	if err != nil {
		return err
	}
	n, err := notify.Open(ctx, cfg, options)
	if err != nil || len(n.Channels()) == 0 {
		return err
	}
	t.Remark("sending the summary: %s", strings.Join(n.Channels(), ", "))
	return n.Send(ctx, d)
}

// runMessages are the messages about a run: one for each user whose enforcement
// changed and for each step that failed, and one about the run.
func runMessages(run, undoes string, at time.Time, result apply.Result) []notify.Message {
	var messages []notify.Message
	account := ""
	for i := range result.Outcomes {
		o := &result.Outcomes[i]
		m, ok := outcomeMessage(o)
		if account == "" {
			account = accountOf(&o.Step)
		}
		if !ok {
			continue
		}
		m.Partition, m.At = partitionOf(&o.Step), at
		messages = append(messages, m)
	}
	about := notify.Message{
		ID: "run/" + account + "/run/" + run, Kind: notify.KindFinding, Severity: audit.Info, Account: account, Subject: "run/" + run, At: at,
		What:   "apply changed AWS: " + outcomeCounts(result),
		Remedy: "none; undo it with forcemfa rollback " + run,
	}
	if undoes != "" {
		about.What, about.Remedy = "rollback of run "+undoes+": "+outcomeCounts(result), "none, if it was intended; otherwise run forcemfa apply"
		about.Severity = audit.Medium
	}
	return append(messages, about)
}

// outcomeMessage is the message about one step, and whether there is one.
func outcomeMessage(o *apply.Outcome) (notify.Message, bool) {
	switch o.Status {
	case apply.Done:
		return notify.StepDone(accountOf(&o.Step), &o.Step)
	case apply.Failed:
		return notify.StepFailed(accountOf(&o.Step), &o.Step, o.Why, "run the same command again; undo what was done with forcemfa rollback"), true
	}
	return notify.Message{}, false
}

func outcomeCounts(result apply.Result) string {
	var parts []string
	for _, status := range []apply.Status{apply.Done, apply.Already, apply.Blocked, apply.Stale, apply.Failed, apply.Interrupted} {
		if n := result.Count(status); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", view.Count(n, "step"), status))
		}
	}
	return strings.Join(parts, ", ")
}

// accountOf is the account of a step.
func accountOf(s *plan.Step) string {
	if s.Account != "" {
		return s.Account
	}
	a, _ := arn.Parse(s.Subject)
	return a.Account
}

func partitionOf(s *plan.Step) string {
	a, _ := arn.Parse(s.Subject)
	return a.Partition
}
