package cli

import (
	"context"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// A noticeSink collects messages about the findings of high severity, and about what
// was not read, on their way to an output.
type noticeSink struct {
	view.AuditSink
	messages []notify.Message
}

// Finding implements [audit.Sink].
func (s *noticeSink) Finding(f audit.Finding) {
	s.AuditSink.Finding(f)
	if f.Severity != audit.Critical && f.Severity != audit.High {
		return
	}
	s.messages = append(s.messages, notify.OfFinding(&f))
}

// Gap implements [audit.Sink].
func (s *noticeSink) Gap(g org.Gap) {
	s.AuditSink.Gap(g)
	s.messages = append(s.messages, notify.OfGap(g))
}

// notifyAudit sends the findings to the channels of the config.
func (o *auditOptions) notifyAudit(ctx context.Context, s *organization.Survey, messages []notify.Message) {
	if o.Sandbox != "" {
		o.Remark("--notify sends nothing with --sandbox")
		return
	}
	now := o.Env.Now()
	for i := range messages {
		messages[i].Partition, messages[i].At = s.Header.Partition, now
	}
	s.SendSummary(ctx, &notify.Summary{Run: "audit", ConfigHash: s.Baseline.Hash(), Since: s.Now, Until: now, Messages: messages})
}
