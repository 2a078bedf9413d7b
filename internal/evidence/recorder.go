package evidence

import (
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

// Findings writes the findings of a run in another format; close ends it.
type Findings func(w io.Writer, h *run.Head) (sink audit.Sink, close func() error)

// A recorder writes the run of a pack, and its findings in the format for other programs.
// The same accounts always give the same bytes.
type recorder struct {
	run      *run.Writer
	findings audit.Sink
	close    func() error
	auditor  *audit.Auditor
	totals   audit.Totals
	unread   bool
	name     string // of the management account
	head     *run.Head
}

func newRecorder(records, findings io.Writer, in *Input, auditor *audit.Auditor, head *run.Head) *recorder {
	r := &recorder{run: run.NewWriter(records, *head), auditor: auditor, head: head}
	r.findings, r.close = in.Findings(findings, head)
	document := in.Baseline.Document(head.Partition)
	r.run.Add(run.Record{Document: &run.Document{Name: baseline.PolicyName, SHA256: hashOf([]byte(document)), Text: document}})
	for i := range in.Baseline.Exemptions {
		r.run.Add(run.Record{Exemption: &in.Baseline.Exemptions[i]})
	}
	for _, g := range in.Header.Gaps {
		r.run.Gap(g)
		r.unread = true
	}
	return r
}

// account audits an account into the run, and returns what it found.
func (r *recorder) account(account *org.Account) *audit.Audited {
	audited := r.auditor.Audit(account)
	audited.Send(r.run)
	audited.Send(r.findings)
	r.totals.Add(audited)
	if r.unread = r.unread || len(account.Gaps) > 0 && account.Skipped() == ""; account.ID == r.head.Management {
		r.name = account.Name
		if account.Alias != "" {
			r.name = account.Alias
		}
	}
	return audited
}

// end ends the run, and returns its end.
func (r *recorder) end() (run.End, error) {
	end := run.End{Name: r.name, Totals: r.totals, Complete: !r.unread && r.totals.Unknown == 0}
	if err := r.close(); err != nil {
		return end, err
	}
	return end, r.run.Close(end)
}
