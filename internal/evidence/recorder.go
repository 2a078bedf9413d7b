package evidence

import (
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

// Formats write the findings of a run for other programs.
type Formats struct {
	OCSF  Findings
	OSCAL Findings
}

// files are the formats by the name of their file.
func (f Formats) files() []format {
	return []format{{findingsFile, f.OCSF}, {resultsFile, f.OSCAL}}
}

type format struct {
	file  string
	write Findings
}

// Findings writes the findings of a run in one format; close ends it.
type Findings func(w io.Writer, h *run.Head) (sink audit.Sink, close func() error)

// A recorder writes the run of a pack, and its findings in the format for other programs.
// The same accounts always give the same bytes.
type recorder struct {
	run      *run.Writer
	findings audit.Sinks // of each format
	close    []func() error
	auditor  *audit.Auditor
	totals   audit.Totals
	unread   bool
	name     string // of the management account
	head     *run.Head
}

// newRecorder writes the run to records, and each format to the writer that files returns
// for its file.
func newRecorder(records io.Writer, files func(name string) io.Writer, in *Input, auditor *audit.Auditor, head *run.Head) *recorder {
	r := &recorder{run: run.NewWriter(records, *head), auditor: auditor, head: head}
	for _, f := range in.Formats.files() {
		sink, end := f.write(files(f.file), head)
		r.findings, r.close = append(r.findings, sink), append(r.close, end)
	}
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
	for _, ended := range r.close {
		if err := ended(); err != nil {
			return end, err
		}
	}
	return end, r.run.Close(end)
}
