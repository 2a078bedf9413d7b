package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove/certificate"
)

// A Report says what a check found proved.
type Report struct {
	Manifest    *Manifest  `json:"manifest"`
	Documents   []Document `json:"documents"`   // that the proofs rely on, those of most users first
	Assumptions []string   `json:"assumptions"` // of the proofs, in the words of the version that checked them
	SameBuild   bool       `json:"same_build"`  // false: another build wrote the pack, and its sentences were not compared

	Rules RuleDifference `json:"rules"`
}

// A Document is a policy document with the number of users whose proofs rely on it.
type Document struct {
	Name   string `json:"name"` // where it was found first
	SHA256 string `json:"sha256"`
	Users  int    `json:"users"`
}

// Check checks everything in a pack except the signature next to it. program and formats
// are those of the version that checks: every byte must be what the same build would
// write. Of a pack of another build, the sentences are not compared, nor which of several
// examples a prover chose, nor the findings of rules that only one of the two has. The error is an *[Error] if the pack is refused.
func Check(ctx context.Context, in io.ReaderAt, size int64, program Program, formats Formats) (*Report, error) {
	p, err := open(ctx, in, size)
	if err != nil {
		return nil, err
	}
	c := &check{pack: p, formats: formats, sameBuild: p.manifest.Program == program && program.Revision != "",
		hashes: map[string]hash.Hash{runFile: sha256.New()}, gists: map[string]*gist{}, relied: map[string]int{}, some: map[string]bool{}}
	if err := c.load(); err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.snapshot(ctx); err != nil {
		return nil, err
	}
	if err := c.summary(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Report{&p.manifest, c.documents(), assumptionList(c.some, c.listed != nil), c.sameBuild, c.run.rules.difference()}, nil
}

// A check checks the snapshot and the users of one pack side by side.
type check struct {
	*pack
	policies []Policy
	byHash   map[string]*Policy
	sets     []Set
	keys     []string // of the sets
	proofs   []policy.Proof

	config   config
	baseline *baseline.Baseline
	auditor  *audit.Auditor
	checks   *errgroup.Group // of proofs, by the independent checker
	checker  certificate.Checker
	found    *collection // what the snapshot gives
	users    *records

	formats   Formats
	sameBuild bool                 // wrote the pack: a version without a revision could be any
	recorder  *recorder            // of the run that the snapshot gives
	run       *comparison          // of that run with the one in the pack
	hashes    map[string]hash.Hash // by file: of that run, and of the findings in each format
	gists     map[string]*gist     // by file, for a pack of another build

	header org.Header
	counts Manifest        // the numbers, counted again
	some   map[string]bool // assumptions
	relied map[string]int  // users by the hash of the document
	listed []certificate.Action
}

// close ends what reads beside the check.
func (c *check) close() {
	if c.run != nil {
		c.run.stop()
	}
	for _, g := range c.gists {
		_ = g.Close()
	}
}

// load reads the files that stay in memory.
func (c *check) load() (err error) {
	if c.policies, err = list[Policy](c.pack, policiesFile); err != nil {
		return err
	}
	c.byHash = map[string]*Policy{}
	for i := range c.policies {
		x := &c.policies[i]
		switch {
		case x.SHA256 != hashOf([]byte(x.Document)):
			return &Error{policiesFile, i + 1, "the document has another SHA-256"}
		case c.byHash[x.SHA256] != nil:
			return &Error{policiesFile, i + 1, "the document is there twice"}
		}
		c.byHash[x.SHA256] = x
	}
	if err := c.loadSets(); err != nil {
		return err
	}
	if c.proofs, err = list[policy.Proof](c.pack, proofsFile); err != nil {
		return err
	}
	return c.loadConfig()
}

func (c *check) loadSets() (err error) {
	if c.sets, err = list[Set](c.pack, setsFile); err != nil {
		return err
	}
	for i := range c.sets {
		for _, s := range c.sets[i].all() {
			if s.Policy != "" && c.byHash[s.Policy] == nil {
				return &Error{setsFile, i + 1, "the document " + s.Policy + " is not in " + policiesFile}
			}
		}
		c.keys = append(c.keys, c.sets[i].key())
	}
	return nil
}

// all lists the sources in the order that proofs count.
func (s *Set) all() []Source {
	out := slices.Clone(s.Identity)
	if s.Boundary != nil {
		out = append(out, *s.Boundary)
	}
	return slices.Concat(out, slices.Concat(s.SCPs...), slices.Concat(s.RCPs...))
}

func (c *check) loadConfig() error {
	text, err := c.read(configFile)
	if err != nil {
		return err
	}
	var written config
	if err := decode(configFile, 0, text, &written); err != nil {
		return err
	}
	if written.Baseline == nil {
		return refusedFile(configFile, `"config" is missing`)
	}
	c.config, c.baseline = written, written.Baseline
	return nil
}

// snapshot audits the snapshot again, and compares each user with its line.
func (c *check) snapshot(ctx context.Context) (err error) {
	in, err := c.open(snapshotFile)
	if err != nil {
		return err
	}
	defer in.Close()
	var accounts org.Accounts
	if c.header, accounts, err = org.Read(&shortLines{in: in}); err != nil {
		return refusedFile(snapshotFile, "%v", err)
	}
	if c.users, err = c.records(usersFile); err != nil {
		return err
	}
	defer c.users.Close()
	c.auditor, c.found = audit.New(&c.header, c.baseline, c.manifest.AsOf), newCollection()
	if err := c.openRun(); err != nil {
		return err
	}
	c.checks, ctx = errgroup.WithContext(ctx)
	c.checks.SetLimit(runtime.GOMAXPROCS(0))
	err = c.accounts(ctx, accounts)
	if refused := c.checks.Wait(); refused != nil {
		return refused
	}
	return err
}

func (c *check) accounts(ctx context.Context, accounts org.Accounts) error {
	for account, err := range accounts {
		if err != nil {
			return refusedFile(snapshotFile, "%v", err)
		}
		if err := c.account(ctx, account); err != nil {
			return err
		}
	}
	if err := c.users.next(new(User)); err != io.EOF {
		return c.users.fail("there are more users than in the snapshot")
	}
	return nil
}

func (c *check) account(ctx context.Context, account *org.Account) error {
	c.counts.Accounts.add(account)
	c.recorder.account(account).Send(c.run)
	if !account.Read {
		return c.run.err
	}
	for found := range c.auditor.Cases(account) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var written User
		if err := c.users.next(&written); err == io.EOF {
			return refusedFile(usersFile, "%s is in the snapshot and not here", found.User.ARN)
		} else if err != nil {
			return err
		}
		if err := c.user(&found, &written); err != nil {
			return err
		}
		if most := leastWork + workPerUser*int64(c.counts.Users.Users); c.checker.Evaluations() > most {
			return refusedFile(proofsFile, "the proofs take more than %d evaluations, which no pack of forcemfa needs", most)
		}
	}
	return c.run.err
}

// The evaluations that the proofs of a pack may take. A proof of the ForceMFA policy takes
// some hundreds.
const (
	leastWork   = 1 << 24
	workPerUser = 1 << 15
)

// user compares a line with what the snapshot gives, and checks the proof.
func (c *check) user(found *audit.Case, written *User) error {
	c.counts.Users.Add(countOf(found.User.State))
	for _, a := range found.User.Assumptions {
		c.some[a] = true
	}
	who := found.User.ARN
	switch {
	case written.ARN != who || written.Account != found.User.Account:
		return c.users.fail("is about %s, and the snapshot has %s here", written.ARN, who)
	case written.State != found.User.State:
		return c.users.fail("%s is %s here, and the snapshot and config make it %s", who, written.State, found.User.State)
	case written.Set < 0 || written.Set >= len(c.sets):
		return c.users.fail("%s: there is no set %d", who, written.Set)
	case c.keys[written.Set] != c.found.sets[c.found.set(found.Claim.Set)].key():
		return c.users.fail("%s has other policies in the snapshot than in set %d", who, written.Set)
	case !sameContext(written.Context, found.Claim.Context) || written.HasDevice != found.Claim.HasDevice || written.EnrollmentByKey != found.Claim.EnrollmentByKey:
		return c.users.fail("%s has other condition keys or devices in the snapshot", who)
	case (written.Proof != nil) != (written.State == audit.Enforced):
		return c.users.fail("%s: an enforced user has a proof, and only an enforced user", who)
	case written.Proof == nil:
		return nil
	}
	return c.proof(found, written)
}

func sameContext(a, b *policy.Context) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, err := json.Marshal(a)
	y, failed := json.Marshal(b)
	return err == nil && failed == nil && bytes.Equal(x, y)
}

// proof has the independent checker check the proof in the pack against the claim that
// the snapshot makes.
func (c *check) proof(found *audit.Case, written *User) error {
	who, n := found.User.ARN, *written.Proof
	if n < 0 || n >= len(c.proofs) {
		return c.users.fail("%s: there is no proof %d", who, n)
	}
	p := &c.proofs[n]
	claim, line := found.Claim, c.users.number
	c.checks.Go(func() error {
		if err := c.checker.Check(p, claim); err != nil {
			return &Error{usersFile, line, who + ": the independent checker refuses the proof: " + err.Error()}
		}
		return nil
	})
	written.count(&c.counts, p)
	if !p.Strict {
		c.listed = found.Claim.Actions
	}
	sources := c.sets[written.Set].all()
	for position := range positions(p) {
		if position >= 0 && position < len(sources) { // otherwise the checker refuses the proof
			c.relied[sources[position].Policy]++
		}
	}
	return nil
}

func (u *User) count(m *Manifest, p *policy.Proof) {
	if p.Strict {
		m.Proofs.AnyAction++
	} else {
		m.Proofs.ListedActions++
	}
}

// positions are the sources that a proof names.
func positions(p *policy.Proof) map[int]bool {
	out := map[int]bool{}
	for _, x := range p.Cases {
		for _, cell := range x.Cells {
			for _, by := range cell.By {
				out[by.Source] = true
			}
		}
	}
	return out
}

// documents lists the documents that proofs rely on.
func (c *check) documents() []Document {
	out := []Document{}
	for _, hash := range slices.Sorted(maps.Keys(c.relied)) {
		out = append(out, Document{Name: c.byHash[hash].Name, SHA256: hash, Users: c.relied[hash]})
	}
	slices.SortStableFunc(out, func(a, b Document) int { return b.Users - a.Users })
	return out
}

// summary compares the manifest with what was found.
func (c *check) summary() error {
	end, err := c.recorder.end()
	if err == nil {
		err = c.run.end(end)
	}
	if err != nil {
		return err
	}
	m, want := &c.manifest, c.counts
	want.Proofs.Certificates = len(c.proofs)
	for _, row := range []struct {
		what       string
		have, want any
	}{
		{"accounts", m.Accounts, want.Accounts},
		{"users", m.Users, want.Users},
		{"proofs", m.Proofs, want.Proofs},
		{"organization", m.Organization, organizationID(&c.header)},
		{"taken", m.Taken, c.header.Taken.UTC()},
		{"claim", m.Claim, claimOf(c.baseline)},
	} {
		if !reflect.DeepEqual(row.have, row.want) {
			return refusedFile(manifestFile, `%q is %v, and the other files give %v`, row.what, row.have, row.want)
		}
	}
	if err := c.listedActions(); err != nil {
		return err
	}
	if m.ConfigHash != c.config.Hash {
		return refusedFile(manifestFile, `"config_hash" is not the hash in %s`, configFile)
	}
	if !c.sameBuild {
		return c.findings()
	}
	for _, f := range m.Files {
		if found := c.hashes[f.Name]; found != nil && hex.EncodeToString(found.Sum(nil)) != f.SHA256 {
			return refusedFile(f.Name, "is not the one that the snapshot and the config give")
		}
		delete(c.hashes, f.Name)
	}
	for name := range c.hashes {
		return refusedFile(name, "is missing")
	}
	return c.words()
}

// findings compares what decides in the findings for other programs.
func (c *check) findings() error {
	for name, g := range c.gists {
		if c.files[name] == nil {
			continue // it is optional
		}
		in, err := c.open(name)
		if err != nil {
			return err
		}
		same := g.fits(in)
		_ = in.Close()
		if !same {
			return refusedFile(name, "has other findings than the snapshot and the config give")
		}
	}
	return nil
}

// listedActions compares the list of actions in the pack with the one that the proofs
// were checked with.
func (c *check) listedActions() error {
	if c.listed == nil {
		if c.files[actionsFile] != nil {
			return refusedFile(actionsFile, "is there, and no proof relies on it")
		}
		return nil
	}
	written, err := list[Action](c.pack, actionsFile)
	if err != nil {
		return err
	}
	known := map[string]Action{}
	for _, a := range written {
		known[a.Name] = a
	}
	for _, a := range actionLines(c.listed) {
		if have, ok := known[a.Name]; !ok || !reflect.DeepEqual(have, a) {
			return refusedFile(actionsFile, "lacks %s, or some of its resource types; the proofs rely on a whole list", a.Name)
		}
	}
	return nil
}

// words compares what the pack says in words with what this version would say.
func (c *check) words() error {
	m := &c.manifest
	if want := assumptionList(c.some, c.listed != nil); !slices.Equal(m.Assumptions, want) {
		return refusedFile(manifestFile, `"assumptions" are not those of the proofs`)
	}
	if m.ConfigHash != c.baseline.Hash() {
		return refusedFile(manifestFile, `"config_hash" is not the hash of %s`, configFile)
	}
	var want bytes.Buffer
	if err := c.config.write(&want); err != nil {
		return err
	}
	for name, text := range map[string]string{readmeFile: readme, configFile: want.String()} {
		have, err := c.read(name)
		if err != nil {
			return err
		}
		if string(have) != text {
			return refusedFile(name, "is not what forcemfa %s writes", m.Program.Version)
		}
	}
	return nil
}

// Title sums up a report in one sentence.
func (r *Report) Title() string {
	m := r.Manifest
	return fmt.Sprintf("%d of %d users cannot act without MFA, as of %s", m.Users.Enforced, m.Users.Users, m.AsOf.Format("2006-01-02 15:04 UTC"))
}
