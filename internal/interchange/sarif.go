package interchange

import (
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/sarif"
	"forcemfa/internal/view"
)

// findingLog writes findings for code scanning. A finding is about a thing of AWS and not
// about a line of a file, so its artifact is a path of account and subject.
type findingLog struct {
	log      *sarif.Writer
	problems []sarif.Problem
}

func newFindingLog(w io.Writer, h *run.Head) *findingLog {
	rules := make([]sarif.Rule, len(audit.Rules))
	for i := range audit.Rules {
		r := &audit.Rules[i]
		rules[i] = sarif.Rule{ID: r.Name, Title: r.Name, Means: r.Means, Remedy: r.Remedy, Severity: r.Severities[0], Tags: r.Refs}
	}
	return &findingLog{log: sarif.NewWriter(w, h.Version, rules)}
}

func (*findingLog) User(audit.User)            {}
func (*findingLog) Account(audit.Account)      {}
func (*findingLog) Verified(view.Verification) {}

func (s *findingLog) Finding(f audit.Finding) {
	name := f.ARN
	if name == "" {
		name = f.Account + "/" + f.Subject
	}
	properties := map[string]any{"id": f.ID, "account": f.Account, "remedy": f.Remedy}
	if f.AccountName != "" {
		properties["accountName"] = f.AccountName
	}
	if f.Example != nil {
		properties["example"] = f.Example
	}
	s.log.Result(&sarif.Result{
		Rule: f.Rule, Severity: f.Severity, Message: view.Clean(f.What), File: "aws/" + f.Account + "/" + f.Subject, Line: 1, Column: 1, Subject: name,
		Fingerprint: f.ID, Properties: properties,
	})
}

func (s *findingLog) Gap(g org.Gap) {
	where := g.Account
	if where == "" {
		where = "organization"
	}
	s.problems = append(s.problems, sarif.Problem{Message: where + ": " + g.What + " was not read: " + g.Why, File: "aws/" + where})
}

func (s *findingLog) Close(c view.Conclusion) error {
	return s.log.Close(s.problems, map[string]any{"head": view.Headed(&c.Head, &c.End), "summary": c.Totals})
}
