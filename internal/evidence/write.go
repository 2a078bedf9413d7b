package evidence

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/policy/prove/certificate"
)

// Input is what a pack is made from.
type Input struct {
	Header   *org.Header
	Accounts org.Accounts // is read once
	Baseline *baseline.Baseline
	Now      time.Time
	Program  Program
	Head     run.Head // of the run; its time is Now
	Formats  Formats

	Redaction *RedactionCount // of [Redact]
}

// Write writes a pack and returns its manifest. Memory grows with the users by a few
// bytes each, and with the different policies.
func Write(w io.Writer, in Input) (*Manifest, error) {
	now := in.Now.UTC().Truncate(time.Second)
	in.Head.Time = now
	p := &packer{
		archive: archive{out: zip.NewWriter(w)}, collection: newCollection(), users: newSpool(), run: newSpool(), findings: map[string]*spool{findingsFile: newSpool(), resultsFile: newSpool()},
		auditor: audit.New(in.Header, in.Baseline, now), assumptions: map[string]bool{},
		manifest: Manifest{
			Kind: Kind, Format: Format, AsOf: now, Taken: in.Header.Taken.UTC(), Program: in.Program, ConfigHash: in.Baseline.Hash(),
			Organization: organizationID(in.Header), Claim: claimOf(in.Baseline), Rules: audit.RuleNames(), Redaction: in.Redaction,
		},
	}
	p.auditor.CheckProofs = true
	p.recorder = newRecorder(p.run, func(name string) io.Writer { return p.findings[name] }, &in, p.auditor, &in.Head)
	if err := p.write(&in); err != nil {
		return nil, err
	}
	return &p.manifest, p.archive.out.Close()
}

func organizationID(h *org.Header) string {
	if h.Organization == nil {
		return ""
	}
	return h.Organization.ID
}

// A packer writes one pack.
type packer struct {
	archive
	*collection
	users       *spool
	run         *spool
	findings    map[string]*spool // by file
	recorder    *recorder
	auditor     *audit.Auditor
	manifest    Manifest
	assumptions map[string]bool
	actions     []certificate.Action // nil unless a proof relies on it
}

func (p *packer) write(in *Input) error {
	if err := p.add(readmeFile, func(w io.Writer) error { _, err := io.WriteString(w, readme); return err }); err != nil {
		return err
	}
	if err := p.add(configFile, config{in.Baseline.Hash(), in.Baseline.Notes(), in.Baseline}.write); err != nil {
		return err
	}
	err := p.add(snapshotFile, func(w io.Writer) error { return org.Write(w, *in.Header, p.passing(in.Accounts)) })
	if err != nil {
		return err
	}
	if _, err := p.recorder.end(); err != nil {
		return err
	}
	for _, add := range []func() error{
		func() error { return addLines(&p.archive, policiesFile, p.policies) },
		func() error { return addLines(&p.archive, setsFile, p.sets) },
		func() error { return addLines(&p.archive, proofsFile, p.proofs) },
		func() error { return p.add(usersFile, p.users.copyTo) },
		func() error { return p.add(runFile, p.run.copyTo) },
		func() error { return p.add(findingsFile, p.findings[findingsFile].copyTo) },
		func() error { return p.add(resultsFile, p.findings[resultsFile].copyTo) },
		p.addActions,
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return p.writeManifest()
}

func (p *packer) addActions() error {
	if p.actions == nil {
		return nil
	}
	return addLines(&p.archive, actionsFile, actionLines(p.actions))
}

func (p *packer) writeManifest() error {
	p.manifest.Proofs.Certificates = len(p.proofs)
	p.manifest.Assumptions = assumptionList(p.assumptions, p.actions != nil)
	p.manifest.Files = slices.Clone(p.files)
	return p.add(manifestFile, func(w io.Writer) error {
		text, err := json.MarshalIndent(&p.manifest, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(text, '\n'))
		return err
	})
}

// passing audits the accounts as they pass.
func (p *packer) passing(accounts org.Accounts) org.Accounts {
	lines := newEncoder(p.users)
	return func(yield func(*org.Account, error) bool) {
		for account, err := range accounts {
			if err == nil {
				err = p.account(account, lines)
			}
			if !yield(account, err) || err != nil {
				return
			}
		}
	}
}

func (p *packer) account(account *org.Account, lines *json.Encoder) error {
	p.manifest.Accounts.add(account)
	p.recorder.account(account)
	if !account.Read {
		return nil
	}
	for c := range p.auditor.Cases(account) {
		u, err := p.collection.user(&c)
		if err != nil {
			return fmt.Errorf("user %s: %w", c.User.ARN, err)
		}
		p.manifest.Users.Add(countOf(u.State))
		p.manifest.Proofs.add(&c)
		if c.Proof != nil && !c.Proof.Strict {
			p.actions = c.Claim.Actions
		}
		for _, a := range c.User.Assumptions {
			p.assumptions[a] = true
		}
		if err := lines.Encode(u); err != nil {
			return fmt.Errorf("user %s: %w", c.User.ARN, err)
		}
	}
	return nil
}

func (n *AccountCounts) add(a *org.Account) {
	switch {
	case a.Read:
		n.Read++
	case a.Skipped() != "":
		n.Skipped++
	default:
		n.Unread++
	}
}

func (n *ProofCounts) add(c *audit.Case) {
	switch {
	case c.Proof == nil:
	case c.Proof.Strict:
		n.AnyAction++
	default:
		n.ListedActions++
	}
}

// countOf counts one user.
func countOf(s audit.State) audit.Counts {
	n := audit.Counts{Users: 1}
	switch s {
	case audit.Enforced:
		n.Enforced = 1
	case audit.Exempt:
		n.Exempt = 1
	case audit.Open:
		n.Open = 1
	default:
		n.Unknown = 1
	}
	return n
}

// claimOf is the claim that the config asks for.
func claimOf(b *baseline.Baseline) Claim {
	return Claim{Enrollment: b.EnrollmentSet(), ForwardedCallsPass: b.Policy.FAS != document.FASDeny, Observed: b.Answers()}
}

func actionLines(actions []certificate.Action) []Action {
	out := make([]Action, len(actions))
	for i, a := range actions {
		out[i] = Action{Name: a.Name, Resources: a.Resources, Any: a.Any}
	}
	return out
}
