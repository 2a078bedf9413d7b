package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
)

// openRun opens the run in the pack, and begins the run that the snapshot gives.
func (c *check) openRun() error {
	saved, err := run.Open(runFile, func() (io.ReadCloser, error) { return c.open(runFile) })
	if err != nil {
		return refusedFile(runFile, "%v", err)
	}
	head := saved.Head
	switch {
	case !head.Time.Equal(c.manifest.AsOf):
		return refusedFile(runFile, "its time is not the one in the manifest")
	case head.Organization != c.manifest.Organization || head.Config != c.manifest.ConfigHash:
		return refusedFile(runFile, "its organization or config is not the one in the manifest")
	}
	rules, err := c.ruleBook(saved)
	if err != nil {
		return err
	}
	c.run = newComparison(saved, rules)
	in := Input{Header: &c.header, Baseline: c.baseline, Formats: c.formats}
	c.recorder = newRecorder(c.hashes[runFile], c.derived, &in, c.auditor, &head)
	for i := range c.baseline.Exemptions {
		c.run.want(run.Record{Exemption: &c.baseline.Exemptions[i]})
	}
	for _, g := range c.header.Gaps {
		c.run.Gap(g)
	}
	if !c.sameBuild {
		c.run.formats, c.recorder.findings = c.recorder.findings, nil
	}
	return nil
}

// derived is what the findings in a format are written to: their hash, or what decides in
// them for a pack of another build.
func (c *check) derived(file string) io.Writer {
	if c.sameBuild {
		c.hashes[file] = sha256.New()
		return c.hashes[file]
	}
	c.gists[file] = newGist(file)
	return c.gists[file]
}

// A comparison compares the records of a run in a pack with those that the snapshot gives,
// one after the other. It compares what decides and what was read. Sentences, and the example
// that a prover chose, are those of the version that wrote the pack; only the same build
// can be expected to give the same.
type comparison struct {
	saved   *run.Run
	rules   *ruleBook
	formats audit.Sinks // of a pack of another build: get each record of the pack that was compared, or cannot be
	pull    func() (run.Record, error, bool)
	stop    func()
	err     error // the first difference
}

func newComparison(saved *run.Run, rules *ruleBook) *comparison {
	c := &comparison{saved: saved, rules: rules}
	c.pull, c.stop = iter.Pull2(saved.Records())
	return c
}

// User implements [audit.Sink], as do the next three.
func (c *comparison) User(u audit.User) { c.want(run.Record{User: &u}) }

func (c *comparison) Finding(f audit.Finding) {
	if c.rules.expects(&f) {
		c.want(run.Record{Finding: &f})
	}
}

func (c *comparison) Gap(g org.Gap) { c.want(run.Record{Unread: &g}) }

func (c *comparison) Account(a audit.Account) { c.want(run.Record{Account: &a}) }

// end expects the end of the run, with the totals of the recorder.
func (c *comparison) end(want run.End) error {
	if next, more := c.next(); more {
		c.fail("has %s, which the snapshot and the config do not give", title(&next))
	}
	if have := c.saved.End; c.err == nil && (have.Name != want.Name || have.Complete != want.Complete || have.Failing != 0) {
		c.fail("its end is not the one that the snapshot and the config give")
	}
	return c.err
}

// next is the next record that is more than words, and that this version can give.
func (c *comparison) next() (record run.Record, more bool) {
	for c.err == nil {
		record, err, more := c.pull()
		switch {
		case err != nil:
			c.fail("%v", err)
		case !more:
			return record, false
		case record.Document != nil && record.Document.SHA256 != hashOf([]byte(record.Document.Text)):
			c.fail("the document %s has another SHA-256", record.Document.Name)
		case record.Finding != nil && !c.comparable(record.Finding):
		case record.Document == nil && record.Rule == nil:
			return record, true
		}
	}
	return record, false
}

// comparable reports whether a finding of the pack is of a rule of this version. The
// findings of other rules are only passed on.
func (c *comparison) comparable(f *audit.Finding) bool {
	yes, why := c.rules.comparable(f)
	if why != "" {
		c.fail("%s", why)
	} else if !yes {
		c.formats.Finding(*f)
	}
	return yes
}

// want expects a record to be the next.
func (c *comparison) want(want run.Record) {
	have, more := c.next()
	switch {
	case c.err != nil:
	case !more:
		c.fail("lacks %s, which the snapshot and the config give", title(&want))
	case title(&have) != title(&want):
		c.fail("has %s, and the snapshot and the config give %s here", title(&have), title(&want))
	default:
		if member := different(decisive(have), decisive(want)); member != "" {
			c.fail("%q of %s is not what the snapshot and the config give", member, title(&have))
			return
		}
		have.Send(c.formats)
	}
}

func (c *comparison) fail(format string, args ...any) {
	if c.err == nil {
		c.err = refusedFile(runFile, format, args...)
	}
}

// title names a record in a message.
func title(r *run.Record) string {
	switch {
	case r.User != nil:
		return fmt.Sprintf("the user %q", r.User.ARN)
	case r.Finding != nil:
		return fmt.Sprintf("the finding %q", r.Finding.ID)
	case r.Account != nil:
		return fmt.Sprintf("the account %q", r.Account.ID)
	case r.Unread != nil:
		return "a part that was not read"
	case r.Exemption != nil:
		return "an exemption"
	}
	return "a record of another kind"
}

// decisive is a record without sentences, and without the prover's choice among
// several examples and among several Deny statements.
func decisive(r run.Record) run.Record {
	if r.User != nil {
		u := *r.User
		u.Why, u.Obstacle, u.Assumptions, u.CannotEnroll, u.Example, u.DeniedBy = "", "", nil, "", nil, nil
		return run.Record{User: &u}
	}
	if r.Finding != nil {
		f := *r.Finding
		f.What, f.Remedy, f.Refs, f.Example = "", "", nil, nil
		return run.Record{Finding: &f}
	}
	return r
}

// different is the first member in which two records of one kind differ; empty: they are
// the same.
func different(a, b run.Record) string {
	x, failed := json.Marshal(a)
	y, err := json.Marshal(b)
	if failed == nil && err == nil && bytes.Equal(x, y) {
		return ""
	}
	var have, want map[string]map[string]json.RawMessage // the kind, then its members
	if json.Unmarshal(x, &have) != nil || json.Unmarshal(y, &want) != nil {
		return "JSON"
	}
	for kind, members := range have {
		names := maps.Clone(members)
		maps.Copy(names, want[kind])
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if !bytes.Equal(members[name], want[kind][name]) {
				return name
			}
		}
	}
	return "JSON"
}
