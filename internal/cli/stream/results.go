package stream

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/history"
	"forcemfa/internal/interchange"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// Results are the outputs of one run of a verb. Files appear when all of them are
// complete, and none is left half-written.
type Results struct {
	out     *command.Output
	flags   *Flags
	files   []*command.NewFile // of the outputs; nil for stdout
	save    *command.NewFile
	zip     *gzip.Writer  // around save; nil: plain
	kept    *history.File // nil: not kept
	lost    error         // why it is not kept
	after   func() error  // what else the history keeps; nil: nothing
	writer  *run.Writer   // nil: the run is neither saved nor kept
	written bool
}

// Open creates the files of the outputs. Places that cannot be written are errors now,
// before anything is read.
func (f *Flags) Open(out *command.Output) (*Results, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	r := &Results{out: out, flags: f}
	for _, o := range f.outputs {
		if o.file == "" {
			r.files = append(r.files, nil)
			continue
		}
		file, err := command.CreateFile(o.file, 0o600)
		if err != nil {
			r.Discard()
			return nil, err
		}
		r.files = append(r.files, file)
	}
	if f.Save != "" {
		file, err := command.CreateFile(f.Save, 0o600)
		if err != nil {
			r.Discard()
			return nil, err
		}
		r.save = file
	}
	return r, nil
}

// Discard removes what is not complete. It may be called after Commit.
func (r *Results) Discard() {
	for _, f := range append(r.files, r.save) {
		if f != nil {
			f.Discard()
		}
	}
	if r.kept != nil {
		r.kept.Discard()
		r.kept = nil
	}
}

// Begin begins the run: its head, the documents and exemptions of the config. Runs in a
// sandbox are not kept in the history.
func (r *Results) Begin(h run.Head, b *baseline.Baseline) {
	if !r.flags.NoHistory && !h.Sandbox {
		r.keep(&h)
	}
	if r.save == nil && r.kept == nil {
		return
	}
	if r.save != nil && strings.HasSuffix(r.flags.Save, ".gz") {
		r.zip = gzip.NewWriter(r.save)
	}
	r.writer = run.NewWriter(both{r}, h)
	for _, d := range documents(b, h.Partition) {
		r.writer.Add(run.Record{Document: &d})
	}
	for i := range b.Exemptions {
		r.writer.Add(run.Record{Exemption: &b.Exemptions[i]})
	}
}

func (r *Results) keep(h *run.Head) {
	if r.out.Env.StateDir == "" {
		r.lost = errors.New("no directory for it: set XDG_STATE_HOME or HOME")
		return
	}
	r.kept, r.lost = history.Create(r.out.Env.HistoryDir(), h)
}

// Remember calls after when the run is complete, unless it must leave nothing in the history.
func (r *Results) Remember(after func() error) {
	if !r.flags.NoHistory {
		r.after = after
	}
}

func documents(b *baseline.Baseline, partition string) []run.Document {
	var list []run.Document
	add := func(name, text string) {
		if text != "" {
			sum := sha256.Sum256([]byte(text))
			list = append(list, run.Document{Name: name, SHA256: hex.EncodeToString(sum[:]), Text: text})
		}
	}
	add("ForceMFA", b.Document(partition))
	if deny := b.DenyDocument(partition); deny != b.Document(partition) {
		add("ForceMFA without enrollment permissions", deny)
	}
	return list
}

// both writes a run to the file that the user named and to the history. The history is a
// convenience: an error there changes nothing else.
type both struct{ *Results }

func (b both) Write(text []byte) (int, error) {
	if b.kept != nil {
		if _, err := b.kept.Write(text); err != nil {
			b.kept.Discard()
			b.kept, b.lost = nil, err
		}
	}
	switch {
	case b.zip != nil:
		return b.zip.Write(text)
	case b.save != nil:
		return b.save.Write(text)
	}
	return len(text), nil
}

// Recording reports whether the run is saved or kept.
func (r *Results) Recording() bool { return r.writer != nil }

// Add adds a record to the run.
func (r *Results) Add(record run.Record) {
	if r.writer != nil {
		r.writer.Add(record)
	}
}

// Run is the sink of the run alone; nil if it is neither saved nor kept.
func (r *Results) Run() audit.Sink {
	if r.writer == nil {
		return nil
	}
	return r.writer
}

// End ends the run.
func (r *Results) End(e run.End) error {
	if r.writer == nil || r.written {
		return nil
	}
	r.written = true
	if err := r.writer.Close(e); err != nil {
		return err
	}
	if r.zip != nil {
		return r.zip.Close()
	}
	return nil
}

// Each writes every output.
func (r *Results) Each(stdout io.Writer, write func(format string, w io.Writer) error) error {
	outputs := r.flags.outputs
	if len(outputs) == 0 {
		outputs = []output{{format: "text"}}
	}
	for i, o := range outputs {
		w := stdout
		if i < len(r.files) && r.files[i] != nil {
			w = r.files[i]
		}
		if err := write(o.format, w); err != nil {
			return err
		}
	}
	return nil
}

// Sink is the stream of an audit into the run and into every output. text makes the
// format for people. Close ends the run, too.
func (r *Results) Sink(stdout io.Writer, h run.Head, text func(io.Writer) view.AuditSink) (*Sink, error) {
	s := &Sink{results: r}
	err := r.Each(stdout, func(format string, w io.Writer) error {
		sink, err := newSink(format, w, &h, text)
		s.outputs = append(s.outputs, sink)
		return err
	})
	return s, err
}

func newSink(format string, w io.Writer, h *run.Head, text func(io.Writer) view.AuditSink) (view.AuditSink, error) {
	switch format {
	case "text":
		return text(w), nil
	case "json":
		return view.NewAuditJSON(w), nil
	case "asff":
		return asff{notify.NewASFF(w, h)}, nil
	}
	if sink := interchange.New(format, w, h); sink != nil {
		return sink, nil
	}
	return nil, fmt.Errorf("--output %s: want one of %s", format, strings.Join(ofRun(), ", "))
}

// asff is the sink of Security Hub's format.
type asff struct{ *notify.ASFF }

func (asff) User(audit.User)               {}
func (asff) Account(audit.Account)         {}
func (asff) Verified(view.Verification)    {}
func (a asff) Close(view.Conclusion) error { return a.ASFF.Close() }

// Commit puts all files under their names, and reports them.
func (r *Results) Commit() error {
	var names []string
	for _, f := range append(append([]*command.NewFile{}, r.files...), r.save) {
		if f == nil {
			continue
		}
		if err := f.Commit(); err != nil {
			return err
		}
		names = append(names, f.Name())
	}
	if len(names) > 0 {
		r.out.Remark("written: %s", strings.Join(names, ", "))
	}
	if r.kept != nil {
		r.lost = r.kept.Commit()
		r.kept = nil
	}
	if r.after != nil {
		if err := r.after(); err != nil {
			r.out.Remark("WARNING: the accounts of the organization are not in the history: %v", command.FileError("write", err))
		}
	}
	if r.lost != nil {
		r.out.Remark("WARNING: the run is not in the history: %v", command.FileError("write", r.lost))
	}
	return nil
}

// A Sink is a stream that goes to several outputs and to the run. The outputs can be
// wrapped before the first record; the run always gets everything.
type Sink struct {
	results *Results
	outputs []view.AuditSink
	sinks   audit.Sinks // see all
}

// Wrap replaces every output.
func (s *Sink) Wrap(wrap func(view.AuditSink) view.AuditSink) {
	for i := range s.outputs {
		s.outputs[i] = wrap(s.outputs[i])
	}
}

// User implements [audit.Sink].
func (s *Sink) User(u audit.User) { s.all().User(u) }

// Finding implements [audit.Sink].
func (s *Sink) Finding(f audit.Finding) { s.all().Finding(f) }

// Gap implements [audit.Sink].
func (s *Sink) Gap(g org.Gap) { s.all().Gap(g) }

// Account implements [audit.Sink].
func (s *Sink) Account(a audit.Account) { s.all().Account(a) }

// all are the run and the outputs.
func (s *Sink) all() audit.Sinks {
	if s.sinks == nil {
		if run := s.results.Run(); run != nil {
			s.sinks = audit.Sinks{run}
		}
		for _, sink := range s.outputs {
			s.sinks = append(s.sinks, sink)
		}
	}
	return s.sinks
}

// Verified implements [view.AuditSink].
func (s *Sink) Verified(v view.Verification) {
	proofs := run.Proofs(v)
	s.results.Add(run.Record{Proofs: &proofs})
	for _, sink := range s.outputs {
		sink.Verified(v)
	}
}

// Close implements [view.AuditSink].
func (s *Sink) Close(c view.Conclusion) error {
	if err := s.results.End(c.End); err != nil {
		return err
	}
	for _, sink := range s.outputs {
		if err := sink.Close(c); err != nil {
			return err
		}
	}
	return nil
}
