package interchange_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gosarif "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/interchange"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

var now = time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)

// A kept is a stream that can be sent again.
type kept struct {
	users    []audit.User
	findings []audit.Finding
	send     []func(audit.Sink)
	totals   audit.Totals
	head     run.Head
}

func (k *kept) User(u audit.User) {
	k.users = append(k.users, u)
	k.send = append(k.send, func(s audit.Sink) { s.User(u) })
}

func (k *kept) Finding(f audit.Finding) {
	k.findings = append(k.findings, f)
	k.send = append(k.send, func(s audit.Sink) { s.Finding(f) })
}
func (k *kept) Gap(g org.Gap)           { k.send = append(k.send, func(s audit.Sink) { s.Gap(g) }) }
func (k *kept) Account(a audit.Account) { k.send = append(k.send, func(s audit.Sink) { s.Account(a) }) }

// hostile are an account, a user and a finding with names that other formats would read
// as something else.
func (k *kept) hostile() {
	const name = "=HYPERLINK(\"http://x\")</script>\u202e\u009b2J\x1b]0;\a\r\u200b\u2028\x7f\U000e0041\n| a | \"q\" 'r' \x00 &amp; ]]> é"
	const account = "999999999999"
	k.User(audit.User{Account: account, AccountName: name, Name: name, ARN: "arn:aws:iam::" + account + ":user/x", State: audit.Unknown, Why: name, MFA: org.Unknown})
	k.Finding(audit.Finding{ID: "user-unknown/" + account + "/user/" + name, Rule: "user-unknown", Severity: audit.High, Account: account, AccountName: name,
		Subject: "user/" + name, What: name, Remedy: name + strings.Repeat("x", 10_000)})
	k.Gap(org.Gap{Account: account, What: name, Why: name})
	k.Account(audit.Account{ID: account, Name: name, Read: true, Counts: audit.Counts{Users: 1, Unknown: 1}})
	k.totals.Users++
	k.totals.Unknown++
	k.totals.AccountsRead++
	k.totals.Findings[audit.High]++
}

// sampled is the audit of the sample organization.
func sampled(t *testing.T) *kept {
	t.Helper()
	header, list := sample.Organization()
	b, err := baseline.Parse("sample", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{head: run.Head{Verb: "audit", Organization: "o-1", Management: "111111111111", Partition: "aws", Time: now, Version: "1.2.3", Config: "3f9a0c11"}}
	k.Gap(org.Gap{What: "organizations:ListRoots", Why: "AccessDenied"})
	for audited, err := range audit.New(&header, b, now).Accounts(t.Context(), func(yield func(*org.Account, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}) {
		if err != nil {
			t.Fatal(err)
		}
		audited.Send(k)
		k.totals.Add(audited)
	}
	k.hostile()
	return k
}

func (k *kept) in(t *testing.T, format string) []byte {
	t.Helper()
	var out bytes.Buffer
	sink := interchange.New(format, &out, &k.head)
	for _, send := range k.send {
		send(sink)
	}
	if err := sink.Close(view.Conclusion{Head: k.head, End: run.End{Name: "acme", Totals: k.totals}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestNoFormatMovesTheCursor: every format goes to stdout without a file.
func TestNoFormatMovesTheCursor(t *testing.T) {
	k := sampled(t)
	for _, format := range interchange.Formats {
		for _, r := range string(k.in(t, format)) {
			if r != '\n' && r != '\t' && prose.Unseen(r) {
				t.Errorf("%s has %U", format, r)
			}
		}
	}
}

func decoded[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestFindingsHaveTheSameIDsInTheSameOrder reads every format as its consumer does.
func TestFindingsHaveTheSameIDsInTheSameOrder(t *testing.T) {
	k := sampled(t)
	var want []string
	for _, f := range k.findings {
		want = append(want, f.ID)
	}
	if len(want) < 100 {
		t.Fatalf("only %d findings", len(want))
	}
	got := map[string][]string{}
	for _, line := range bytes.Split(bytes.TrimSpace(k.in(t, "jsonl")), []byte("\n")) {
		if r := decoded[run.Record](t, line); r.Finding != nil {
			got["jsonl"] = append(got["jsonl"], r.Finding.ID)
		}
	}
	for _, row := range rowsOf(t, k.in(t, "csv-findings"))[1:] {
		got["csv-findings"] = append(got["csv-findings"], row[0])
	}
	log := decoded[struct {
		Runs []struct {
			Results []struct{ PartialFingerprints map[string]string }
		}
	}](t, k.in(t, "sarif"))
	for _, r := range log.Runs[0].Results {
		got["sarif"] = append(got["sarif"], r.PartialFingerprints["forcemfa/v1"])
	}
	for _, e := range decoded[[]struct {
		Info struct{ UID string } `json:"finding_info"`
	}](t, k.in(t, "ocsf")) {
		got["ocsf"] = append(got["ocsf"], e.Info.UID)
	}
	shown := make([]string, len(want)) // CSV has no escapes
	for i, id := range want {
		shown[i] = view.Clean(id)
	}
	for format, want := range map[string][]string{"jsonl": want, "csv-findings": shown, "sarif": want, "ocsf": want} {
		if diff := cmp.Diff(want, got[format]); diff != "" {
			t.Errorf("%s (-want +got):\n%.3000s", format, diff)
		}
	}
}

func rowsOf(t *testing.T, text []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTablesHaveNoFormulasAndEveryUser(t *testing.T) {
	k := sampled(t)
	for _, format := range []string{"csv", "csv-findings"} {
		rows := rowsOf(t, k.in(t, format))
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
					t.Errorf("%s: a spreadsheet executes %q", format, cell)
				}
			}
		}
		if format == "csv" && len(rows) != len(k.users)+1 {
			t.Errorf("%d rows for %d users", len(rows)-1, len(k.users))
		}
	}
}

func TestUserRowHasTheFactsOfTheUser(t *testing.T) {
	k := sampled(t)
	rows := rowsOf(t, k.in(t, "csv"))
	for i, u := range k.users[:len(k.users)-1] {
		row := map[string]string{}
		for j, name := range rows[0] {
			row[name] = rows[i+1][j]
		}
		if row["user"] != u.Name || row["account"] != u.Account || row["state"] != string(u.State) || row["unit"] == "" ||
			(u.ExemptBy != nil) != (row["exemption_owner"] != "") || (u.State == audit.Enforced) != (row["denied_by"] != "") || (u.State == audit.Open) != (row["example"] != "") {
			t.Errorf("%s: %v", u.Name, row)
		}
	}
}

func TestTestReportIsWellFormedAndCounts(t *testing.T) {
	k := sampled(t)
	var report struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(k.in(t, "junit"), &report); err != nil {
		t.Fatal(err)
	}
	users, failed := 0, 0
	for _, s := range report.Suites {
		var failures, errors, skipped int
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errors++
			}
			if c.Skipped != nil {
				skipped++
			}
			if strings.HasPrefix(c.Name, "user/") {
				users++
				if c.Failure != nil {
					failed++
				}
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errors || s.Skipped != skipped {
			t.Errorf("suite %s counts %d tests, %d failures, %d errors, %d skipped; it has %d, %d, %d, %d", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases), failures, errors, skipped)
		}
	}
	if users != k.totals.Users || failed != k.totals.Open {
		t.Errorf("%d users and %d failures, want %d and %d", users, failed, k.totals.Users, k.totals.Open)
	}
}

func TestSummaryIsShortAndHasNoMarkupOfOthers(t *testing.T) {
	k := sampled(t)
	text := string(k.in(t, "markdown"))
	for _, want := range []string{"## MFA for IAM users: acme, ", "can act without MFA.**", "### Findings, worst first", "### Findings by rule", "### Not read"} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary lacks %q", want)
		}
	}
	if strings.Contains(text, "</script>") || strings.Contains(text, "\n| a |") {
		t.Error("a name is markup")
	}
	if n := strings.Count(text, "\n"); n > 120 {
		t.Errorf("the summary has %d lines", n)
	}
}

// The schemas are next to the project where they are.
const public = "../../../shared/data"

func TestSARIFIsValidByTheSchemaOfOASIS(t *testing.T) {
	name := public + "/sarif/sarif-schema-2.1.0.json"
	if _, err := os.Stat(name); err != nil {
		t.Skip("skipped: no schema of SARIF in " + public)
	}
	schema, err := jsonschema.NewCompiler().Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	log, err := jsonschema.UnmarshalJSON(bytes.NewReader(sampled(t).in(t, "sarif")))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(log); err != nil {
		t.Error(err)
	}
}

// go-sarif, which scanners use to read and write logs, reads every finding with its rule,
// and finds the log valid by the schema that it embeds.
func TestSARIFIsReadAndValidByGoSARIF(t *testing.T) {
	k := sampled(t)
	log, err := gosarif.FromBytes(k.in(t, "sarif"))
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Error(err)
	}
	if len(log.Runs) != 1 || len(log.Runs[0].Results) != len(k.findings) {
		t.Fatalf("%d runs, want one with %d results", len(log.Runs), len(k.findings))
	}
	rules := log.Runs[0].Tool.Driver.Rules
	for i, r := range log.Runs[0].Results {
		f := k.findings[i]
		if r.RuleID == nil || *r.RuleID != f.Rule || r.PartialFingerprints["forcemfa/v1"] != f.ID || r.RuleIndex < 0 || r.RuleIndex >= len(rules) || *rules[r.RuleIndex].ID != f.Rule {
			t.Errorf("result %d is %+v, want %s", i, r, f.ID)
		}
	}
	log.Runs[0].Results[0].Level = "fatal"
	if log.Validate() == nil {
		t.Error("a level that SARIF does not have is valid")
	}
}
