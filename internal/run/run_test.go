package run_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

var (
	now  = time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)
	head = run.Head{
		Verb: "audit", Organization: "o-a1b2c3d4e5", Management: "111111111111", Partition: "aws", Time: now,
		Caller: "arn:aws:iam::111111111111:user/ops", Version: "1.2.3", Config: "3f9a0c11deadbeef", Flags: []string{"--all"},
	}
	end = run.End{Name: "acme", Complete: true, Failing: 2, Totals: audit.Totals{
		Counts: audit.Counts{Users: 2, Open: 1, Exempt: 1, NewerThanReport: 1}, AccountsRead: 1, AccountsSkipped: 1, Findings: map[audit.Severity]int{audit.Critical: 1, audit.Low: 1},
	}}
)

// records are the records of a small run, in their order.
func records() []run.Record {
	rule := audit.Rules[0]
	day := now.AddDate(0, -1, 0)
	bob := audit.User{
		Account: "111111111111", AccountName: "legacy", Name: "bob", ARN: "arn:aws:iam::111111111111:user/bob", State: audit.Open,
		Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Credential: policy.ConsolePassword, AllowedBy: "policy x, statement 1"},
		MFA:     org.No, Console: org.Yes, ActiveKeys: 1, Keys: []org.AccessKey{{ID: "AKIAEXAMPLE", Active: true, Created: &day}}, Created: day,
	}
	eve := audit.User{
		Account: "111111111111", AccountName: "legacy", Name: "eve</script>\u202e", ARN: "arn:aws:iam::111111111111:user/eve", State: audit.Exempt,
		Exemption: "exemption", ExemptBy: &baseline.Exemption{Match: baseline.Match{Name: "eve"}, Owner: "ops", Reason: "r", Expires: day},
		NewerThan: &day, // than the credential report
	}
	finding := func(r audit.Rule, severity audit.Severity, subject string) *audit.Finding {
		return &audit.Finding{ID: r.Name + "/111111111111/" + subject, Rule: r.Name, Severity: severity, Account: "111111111111", Subject: subject, What: "w", Remedy: r.Remedy, Refs: r.Refs}
	}
	return []run.Record{
		{Document: &run.Document{Name: "ForceMFA", SHA256: "00", Text: "{}"}},
		{Exemption: eve.ExemptBy},
		{Unread: &org.Gap{What: "organizations:ListRoots", Why: "access denied"}},
		{User: &bob}, {User: &eve},
		{Rule: &run.Rule{Name: rule.Name, Means: rule.Means, Remedy: rule.Remedy, Refs: rule.Refs}},
		{Finding: finding(rule, audit.Critical, "user/bob")},
		{Finding: finding(rule, audit.Low, "user/eve</script>\u202e")},
		{Account: &audit.Account{ID: "111111111111", Name: "legacy", Alias: "acme", Read: true, Units: []string{"Root", "prod"}, Counts: audit.Counts{Users: 2, Open: 1, Exempt: 1, NewerThanReport: 1}}},
		{Account: &audit.Account{ID: "222222222222", Name: "old", Skipped: "suspended"}},
		{Proofs: &run.Proofs{Assumptions: []string{"a"}, Accepted: 1, AnyAction: 1}},
		{Applied: &run.Applied{Run: "x", Outcomes: map[string]int{"done": 3}}},
		{Keys: &run.Keys{Keys: 1, Active: 1, Administer: 1}},
		{Key: &keys.Key{User: "bob", ARN: bob.ARN, Account: "111111111111", ID: "AKIAEXAMPLE", Kind: "access key", Active: true, Created: &day, Use: "never", Worst: "w", UsedBy: []string{}, Next: "n", Why: "y"}},
		{Forecast: &run.Forecast{Made: day, Score: impact.Score{Hits: 1, Right: 100}}},
		{Fate: &run.Fate{Became: run.Hit, Fate: impact.Fate{User: bob.ARN, Action: "s3:GetObject", Region: "us-east-1", Forecast: 2, Denied: 1}}},
	}
}

func saved(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := run.NewWriter(&out, head)
	for _, r := range records() {
		if r.Rule == nil { // comes with its first finding
			w.Add(r)
		}
	}
	if err := w.Close(end); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(text []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
}

// read opens a run and reads all of its records.
func read(text []byte) (*run.Run, []run.Record, error) {
	r, err := run.Open("run.json", file(text))
	if err != nil {
		return nil, nil, err
	}
	var all []run.Record
	for record, err := range r.Records() {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, record)
	}
	return r, all, nil
}

func TestRunIsReadAsItWasWritten(t *testing.T) {
	plain := saved(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(plain)
	_ = z.Close()
	for name, text := range map[string][]byte{"plain": plain, "compressed": packed.Bytes()} {
		r, got, err := read(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantHead, wantEnd := head, end
		wantHead.Format, wantEnd.Records = run.Format, len(records())
		if diff := cmp.Diff(wantHead, r.Head); diff != "" {
			t.Errorf("%s: head (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(wantEnd, r.End); diff != "" {
			t.Errorf("%s: end (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(records(), got); diff != "" {
			t.Errorf("%s: records (-want +got):\n%s", name, diff)
		}
		if want := "acme, 1 of 2 accounts, 2026-11-28 14:02 UTC, config 3f9a0c11"; r.Title() != want {
			t.Errorf("%s: title %q, want %q", name, r.Title(), want)
		}
	}
}

// TestDamagedRunIsRefused cuts the file behind every byte, and changes every byte.
func TestDamagedRunIsRefused(t *testing.T) {
	text := saved(t)
	for i := range text {
		if _, _, err := read(text[:i]); !isRunError(err) {
			t.Fatalf("cut to %d of %d bytes: %v", i, len(text), err)
		}
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if _, _, err := read(changed); !isRunError(err) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	for i := range packed.Len() {
		if _, _, err := read(packed.Bytes()[:i]); !isRunError(err) {
			t.Fatalf("compressed, cut to %d of %d bytes: %v", i, packed.Len(), err)
		}
	}
}

func isRunError(err error) bool {
	var e *run.Error
	return errors.As(err, &e) && e.File == "run.json" && e.Why != "" && e.Remedy != ""
}

// resealed is the run after an edit by somebody who knows how to compute the hash.
func resealed(text, old, new string) []byte {
	text = strings.Replace(text, old, new, 1)
	text = text[:strings.LastIndex(text, `{"sha256"`)]
	sum := sha256.Sum256([]byte(text))
	return []byte(text + `{"sha256":"` + hex.EncodeToString(sum[:]) + `"}` + "\n")
}

func TestEditedRunIsRefused(t *testing.T) {
	text := string(saved(t))
	for _, row := range []struct{ old, new, want string }{
		{`"format":1`, `"format":9`, "line 1: run format 9 of forcemfa 1.2.3: this version reads up to format 1"},
		{`"format":1,`, ``, "line 1: no head of a run"},
		{`"verb"`, `"later":1,"verb"`, `line 1: json: unknown field "later"`},
		{`"name":"bob"`, `"later":1,"name":"bob"`, `line 5: json: unknown field "later"`},
		{`"state":"open"`, `"state":"fine"`, `line 5: user "bob" has the unknown state "fine"`},
		{`"state":"open"`, `"state":"enforced"`, "line 10: account 111111111111 counts 2 users"},
		{`"name":"bob"`, `"name":"zoe"`, `line 6: user "eve`},
		{`"severity":"critical"`, `"severity":"none"`, `has the unknown severity "none"`},
		{`"severity":"critical"`, `"severity":"high"`, "the end has other totals than the records"},
		{`"rule":"user-open"`, `"rule":"no-device"`, "is not named after its rule"},
		{`{"account":{"id":"222222222222"`, `{"account":{"id":"111111111111"`, "line 11: account 111111111111 comes after account 111111111111"},
		{`"records":16`, `"records":11`, "the end counts 11 records, and the file has 16"},
		{`{"applied"`, `{"proofs":{"assumptions":[],"accepted":1,"any_action":1},"applied"`, "a record has one member"},
		{`{"applied":{"run":"x","outcomes":{"done":3}}}`, `{}`, "a record has one member"},
	} {
		if !strings.Contains(text, row.old) {
			t.Errorf("the run has no %s", row.old)
			continue
		}
		_, _, err := read(resealed(text, row.old, row.new))
		if !isRunError(err) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s to %s: %v, want %s", row.old, row.new, err, row.want)
		}
	}
	if _, _, err := read(append([]byte(text), "\n"...)); !isRunError(err) {
		t.Errorf("text after the end: %v", err)
	}
}

func TestFileThatChangesWhileItIsReadIsRefused(t *testing.T) {
	first, second := saved(t), resealed(string(saved(t)), `"name":"bob"`, `"name":"ann"`)
	opened := 0
	r, err := run.Open("run.json", func() (io.ReadCloser, error) {
		opened++
		if opened == 1 {
			return file(first)()
		}
		return file(second[:len(second)-30])()
	})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range r.Records() {
		last = err
	}
	if !isRunError(last) {
		t.Error(last)
	}
}

func TestErrorsOfFilesAreReported(t *testing.T) {
	full := errors.New("no space left on device")
	w := run.NewWriter(failing{full}, head)
	if err := w.Close(end); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := run.Open("x", func() (io.ReadCloser, error) { return nil, full }); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := run.Open("x", func() (io.ReadCloser, error) { return io.NopCloser(failing{full}), nil }); !errors.Is(err, full) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

func FuzzRead(f *testing.F) {
	text := saved(f)
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"head":{"format":1}}` + "\n"))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, text []byte) {
		r, all, err := read(text)
		if err != nil {
			if !isRunError(err) {
				t.Errorf("%v is not an error with a remedy", err)
			}
			return
		}
		var out bytes.Buffer
		w := run.NewWriter(&out, r.Head)
		for _, record := range all {
			if record.Rule == nil {
				w.Add(record)
			}
		}
		if err := w.Close(r.End); err != nil {
			t.Fatal(err)
		}
		if again, _, err := read(out.Bytes()); err != nil || again.Title() != r.Title() {
			t.Errorf("a run that was read cannot be written and read again: %v", err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	text := large(b, 50_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := countRecords(text); err != nil {
			b.Fatal(err)
		}
	}
}

func countRecords(text []byte) (n int, err error) {
	r, err := run.Open("run.json", file(text))
	if err != nil {
		return 0, err
	}
	for _, err := range r.Records() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// large is a run of users in one account, with three findings each.
func large(t testing.TB, users int) []byte {
	var out bytes.Buffer
	w := run.NewWriter(&out, head)
	sample := *records()[3].User
	for i := range users {
		sample.Name = fmt.Sprintf("user-%06d", i)
		sample.ARN = "arn:aws:iam::111111111111:user/" + sample.Name
		w.User(sample)
	}
	counts := audit.Counts{Users: users, Open: users}
	found := map[audit.Severity]int{}
	for _, rule := range []string{"direct-policies", "no-device", "user-open"} {
		for i := range users {
			subject := fmt.Sprintf("user/user-%06d", i)
			w.Finding(audit.Finding{ID: rule + "/111111111111/" + subject, Rule: rule, Severity: audit.Low, Account: "111111111111", AccountName: "legacy", Subject: subject, What: subject + " has a console password but no MFA device"})
			found[audit.Low]++
		}
	}
	w.Account(audit.Account{ID: "111111111111", Read: true, Counts: counts})
	if err := w.Close(run.End{Totals: audit.Totals{Counts: counts, AccountsRead: 1, Findings: found}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
