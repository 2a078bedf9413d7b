package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/evidence"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/interchange"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/internal/testclients"
	"forcemfa/internal/testdepth"
	"forcemfa/internal/view"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

var (
	now     = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	program = evidence.Program{Version: "1.0.0", Revision: "4f2a", Go: "go1"}
)

// sampleInput is the sample organization with the sample's own config.
func sampleInput(t testing.TB) evidence.Input {
	t.Helper()
	header, accounts := sample.Organization()
	b, err := baseline.Parse("forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	header.Taken = now
	return evidence.Input{Header: &header, Accounts: stream(accounts), Baseline: b, Now: now, Program: program, Head: head(&header, b), Formats: formats}
}

// head is the head of the run of a pack.
func head(h *org.Header, b *baseline.Baseline) run.Head {
	return run.Head{Verb: "evidence", Organization: h.Organization.ID, Management: h.Organization.ManagementAccount, Partition: h.Partition, Version: program.Version, Config: b.Hash()}
}

var formats = evidence.Formats{
	OCSF: func(w io.Writer, h *run.Head) (audit.Sink, func() error) {
		return closing(interchange.New("ocsf", w, h))
	},
	OSCAL: func(w io.Writer, h *run.Head) (audit.Sink, func() error) { return closing(interchange.NewOSCAL(w, h)) },
}

func closing(out view.AuditSink) (audit.Sink, func() error) {
	return out, func() error { return out.Close(view.Conclusion{}) }
}

func stream(accounts []org.Account) org.Accounts {
	return func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}
}

func written(t testing.TB, in evidence.Input) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := evidence.Write(&out, in); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var (
	samplePackOnce  sync.Once
	samplePackBytes []byte
)

// samplePack is a copy of the pack of the sample organization.
func samplePack(t testing.TB) []byte {
	t.Helper()
	samplePackOnce.Do(func() { samplePackBytes = written(t, sampleInput(t)) })
	return bytes.Clone(samplePackBytes)
}

func check(pack []byte) (*evidence.Report, error) {
	return evidence.Check(context.Background(), bytes.NewReader(pack), int64(len(pack)), program, formats)
}

func TestAWrittenPackIsAccepted(t *testing.T) {
	r, err := check(samplePack(t))
	if err != nil {
		t.Fatal(err)
	}
	m := r.Manifest
	if m.Users.Enforced == 0 || m.Users.Open == 0 || m.Users.Exempt == 0 || m.Accounts.Read == 0 {
		t.Errorf("the sample has no %+v %+v", m.Users, m.Accounts)
	}
	if m.Proofs.AnyAction+m.Proofs.ListedActions != m.Users.Enforced || len(r.Documents) == 0 {
		t.Errorf("proofs %+v of %d enforced users, by %d documents", m.Proofs, m.Users.Enforced, len(r.Documents))
	}
	if !strings.Contains(r.Title(), "as of 2026-11-28 12:00 UTC") {
		t.Errorf("title %q", r.Title())
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	if !bytes.Equal(written(t, sampleInput(t)), written(t, sampleInput(t))) {
		t.Error("two packs of the same input differ")
	}
}

func newKey(t testing.TB) (evidence.PrivateKey, evidence.PublicKey, []byte) {
	t.Helper()
	private, public, err := evidence.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := evidence.ParsePrivateKey(private, nil)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := evidence.ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, pub, public
}

func sign(t testing.TB, pack []byte, key evidence.PrivateKey) []byte {
	t.Helper()
	signature, err := evidence.Sign(bytes.NewReader(pack), key)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// A thousand packs with one changed byte are refused by the signature, with the key and
// without it.
func TestAPackWithOneChangedByteIsRefused(t *testing.T) {
	key, pub, _ := newKey(t)
	pack := samplePack(t)
	signature := sign(t, pack, key)
	for range 1000 {
		changed := bytes.Clone(pack)
		at := random(t, len(pack))
		changed[at] ^= 1 << random(t, 8)
		for _, with := range []*evidence.PublicKey{&pub, nil} {
			if _, err := evidence.Verify(bytes.NewReader(changed), signature, with); err == nil {
				t.Fatalf("accepted with byte %d changed", at)
			}
		}
	}
	for _, cut := range []int{0, 1, len(pack) / 2, len(pack) - 1} {
		if _, err := evidence.Verify(bytes.NewReader(pack[:cut]), signature, nil); err == nil {
			t.Errorf("accepted with %d of %d bytes", cut, len(pack))
		}
	}
	if _, err := evidence.Verify(bytes.NewReader(append(bytes.Clone(pack), 0)), signature, nil); err == nil {
		t.Error("accepted with a byte more")
	}
}

func random(t testing.TB, n int) int {
	t.Helper()
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		t.Fatal(err)
	}
	return int(i.Int64())
}

func TestAPackSignedWithAnotherKeyIsRefused(t *testing.T) {
	key, pub, _ := newKey(t)
	other, otherPub, _ := newKey(t)
	pack := samplePack(t)
	mine, signature := sign(t, pack, key), sign(t, pack, other)
	if _, err := evidence.Verify(bytes.NewReader(pack), signature, &pub); err == nil {
		t.Error("another key's signature is accepted")
	}
	signer, err := evidence.Verify(bytes.NewReader(pack), signature, nil)
	if err != nil || evidence.Fingerprint(signer) != evidence.Fingerprint(otherPub) {
		t.Errorf("without a key: signer %v, %v", signer, err)
	}
	// The comment that names the key is signed, too.
	forged := bytes.Replace(signature, []byte(otherPub.String()), []byte(pub.String()), 1)
	if _, err := evidence.Verify(bytes.NewReader(pack), forged, nil); err == nil {
		t.Error("a signature that names another key is accepted")
	}
	changed := bytes.Replace(mine, []byte("evidence pack, public"), []byte("evidence Pack, public"), 1)
	if _, err := evidence.Verify(bytes.NewReader(pack), changed, &pub); err == nil {
		t.Error("a changed trusted comment is accepted")
	}
}

// Debian's minisign verifies the signature, and its keys sign packs.
func TestMinisignVerifiesAndSigns(t *testing.T) {
	testclients.Need(t, "minisign")
	dir := t.TempDir()
	key, _, public := newKey(t)
	pack := samplePack(t)
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	name, pub := file("pack.zip", pack), file("evidence.pub", public)
	file("pack.zip.minisig", sign(t, pack, key))
	if out, err := testclients.Command(t, "minisign", "-Vm", name, "-p", pub).CombinedOutput(); err != nil {
		t.Errorf("minisign refuses the signature: %v\n%s", err, out)
	}
	own := filepath.Join(dir, "own")
	if out, err := testclients.Command(t, "minisign", "-GW", "-p", own+".pub", "-s", own+".key").CombinedOutput(); err != nil {
		t.Fatalf("minisign makes no key: %v\n%s", err, out)
	}
	text, err := os.ReadFile(own + ".key")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := evidence.ParsePrivateKey(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	file("pack.zip.minisig", sign(t, pack, parsed))
	if out, err := testclients.Command(t, "minisign", "-Vm", name, "-p", own+".pub").CombinedOutput(); err != nil {
		t.Errorf("minisign refuses the signature with its own key: %v\n%s", err, out)
	}
}

// A key that minisign encrypted signs with its password, and with no other. Each use takes
// scrypt seconds and 1 GB.
func TestKeyWithPasswordSigns(t *testing.T) {
	testdepth.Need(t)
	testclients.Need(t, "minisign")
	private, public, err := evidence.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "evidence.key")
	if err := os.WriteFile(name, private, 0o600); err != nil {
		t.Fatal(err)
	}
	encrypt := testclients.Command(t, "minisign", "-C", "-s", name)
	encrypt.Stdin = strings.NewReader("correct horse\ncorrect horse\n")
	if out, err := encrypt.CombinedOutput(); err != nil {
		t.Fatalf("minisign does not encrypt the key: %v\n%s", err, out)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := evidence.ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	key, err := evidence.ParsePrivateKey(text, func() (string, error) { return "correct horse", nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.Verify(strings.NewReader("pack"), sign(t, []byte("pack"), key), &pub); err != nil {
		t.Error(err)
	}
	if _, err := evidence.ParsePrivateKey(text, func() (string, error) { return "", io.ErrUnexpectedEOF }); err != io.ErrUnexpectedEOF {
		t.Errorf("no password: %v", err)
	}
	if _, err := evidence.ParsePrivateKey(text, func() (string, error) { return "battery staple", nil }); err == nil || err.Error() != "the password is wrong, or the key was changed" {
		t.Errorf("another password: %v", err)
	}
}
