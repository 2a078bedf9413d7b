package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/report"
	"forcemfa/internal/run"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// tables is the data of a page as its script reads it.
type tables struct {
	Texts    []string
	Accounts [][]any
	Users    [][]any
	Findings map[string][][]any
}

const dataStart = `<script type="application/json" id="data">`

// dataOf reads the data as a browser finds it: up to the first end of a script element.
func dataOf(t *testing.T, page string) tables {
	t.Helper()
	_, rest, found := strings.Cut(page, dataStart)
	text, _, ended := strings.Cut(rest, "</script")
	if !found || !ended {
		t.Fatal("the page has no data")
	}
	var d tables
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("data: %v", err)
	}
	return d
}

// summaryOf is the text of the summary, without markup.
func summaryOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, `<main id="top">`)
	text, _, found := strings.Cut(rest, `id="users"`)
	if !found {
		t.Fatal("the page has no summary")
	}
	text = regexp.MustCompile(`</?(a|b|bdi|em|code)\b[^>]*>`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
	return html.UnescapeString(regexp.MustCompile(`\s+`).ReplaceAllString(text, " "))
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%.6000s", part, text)
		}
	}
}

func TestSummaryOfTheSample(t *testing.T) {
	p := samplePage(t)
	wants(t, summaryOf(t, p),
		"51 of 67 users can act without MFA.", "6 of 8 accounts read", "They hold 40 of 53 active access keys and 39 of 48 console passwords.",
		"28 of the 51 have an MFA device and do not have to use it.", "1 account was not read.",
		"legacy 26 of 31", "no MFA device 34", "have to use it (enforced) 5", "proved, 5 for any action 5",
		"With root’s access key alone, no code: do everything in account legacy.",
		"With frank’s access key alone, no code: administer account legacy. No MFA device. Access key 1,526 days old, last used 1 November 2026 for ec2. Allowed by policy AdministratorAccess, statement 1.",
		"exemption ends", "was to be replaced by ci-deploy", "expired", "acquired (666666666666)", "skipped: the account is suspended",
		"forcemfa audit", "arn:aws:sts::111111111111:assumed-role/ForceMFAAdministrator/forcemfa")
	if n := len(dataOf(t, p).Users); n != 67 {
		t.Errorf("%d users in the data", n)
	}
	wants(t, p, "CIS AWS Foundations Benchmark 5.0 1.9", "PCI DSS 4.0 8.4.2", "NIST SP 800-53 r5 IA-2(1)", "ISO/IEC 27001:2022 A.8.5", "AWS Security Hub IAM.5")
}

func TestPageAsksNoServer(t *testing.T) {
	p := samplePage(t)
	asks := regexp.MustCompile(`(?:src|href)\s*=\s*["'][^#"'][^"']*["']|<link|@import|url\([^#]|<img|<iframe|\bfetch\(|XMLHttpRequest|import\(|\bstyle="|\son\w+="`)
	if found := asks.FindString(p); found != "" {
		t.Errorf("the page has %s", found)
	}
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(p)
	if policy == nil {
		t.Fatal("the page has no content security policy")
	}
	allowed := html.UnescapeString(policy[1])
	wants(t, allowed, "default-src 'none'", "base-uri 'none'", "form-action 'none'")
	for _, element := range []string{"<script>", "<style>"} {
		_, rest, _ := strings.Cut(p, element)
		text, _, _ := strings.Cut(rest, "</")
		sum := sha256.Sum256([]byte(text))
		if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(allowed, "'sha256-"+hash+"'") {
			t.Errorf("the policy does not allow the %s of the page", element)
		}
	}
}

// hostile are names that could end an element, change the direction of the text, or fill
// the screen.
var hostile = map[string]string{
	"end of script":   `</script><script>alert(1)</script>`,
	"comment":         `<!--<script>`,
	"attribute":       `"' onmouseover=alert(1) x="`,
	"template":        "{{.Title}}${alert(1)}`",
	"right to left":   "bob\u202egnp.exe\u2066",
	"place of a name": "\ue000\ue001\ue002",
	"line ends":       "a\r\nb\u2028c\x00d",
	"not UTF-8":       "a\xff\xfeb",
	"long":            strings.Repeat("long-name.", 1000),
	"slashes":         "a/b?c#d&e=f%2F",
}

func TestNamesAreData(t *testing.T) {
	for what, name := range hostile {
		t.Run(what, func(t *testing.T) {
			c := hostileRun(name)
			h := head
			h.Caller, h.ConfigFile, h.Organization, h.Flags = name, name, name, []string{"--config", name}
			p := report.New(h, c.end)
			for i := range c.records {
				p.Add(&c.records[i])
			}
			text := written(t, p)
			markup, _, _ := strings.Cut(text, dataStart)
			for _, bad := range []string{"<script>alert", "<!--<script", `" onmouseover`, "\u202e", "\u2066", "\u2028", "\x00", "\xff", "\ue000"} {
				if strings.Contains(markup, bad) {
					t.Errorf("the summary contains %q", bad)
				}
			}
			if strings.Contains(summaryOf(t, text), strings.Repeat("long-name.", 50)) {
				at := strings.Index(summaryOf(t, text), strings.Repeat("long-name.", 50))
				t.Errorf("the summary has the long name whole after %.200q", summaryOf(t, text)[max(0, at-200):])
			}
			d := dataOf(t, text)
			if got := d.Users[0][0].(string); what != "right to left" && what != "line ends" && what != "place of a name" && what != "not UTF-8" && got != name {
				t.Errorf("the name is %q", got)
			}
			if n := strings.Count(text, "<script"); n != 2 {
				t.Errorf("%d script elements", n)
			}
		})
	}
}

// hostileRun has the name everywhere where somebody outside can choose one.
func hostileRun(name string) *collected {
	u := user("111111111111", name, 0)
	u.AccountName, u.Example.AllowedBy, u.Keys[0].UsedService, u.Keys[0].UsedRegion = name, name, name, name
	u.Devices = []org.Device{{Serial: name, Kind: org.DeviceKind(name)}}
	u.Tags, u.Boundary = []org.Tag{{Key: name, Value: name}}, name
	e := audit.User{Account: u.Account, AccountName: name, Name: name + "2", ARN: name, State: audit.Exempt,
		ExemptBy: &baseline.Exemption{Match: baseline.Match{Name: name}, Owner: name, Reason: name, Expires: now.AddDate(0, 1, 0)}}
	c := &collected{end: run.End{Name: name}}
	c.end.Users, c.end.Open, c.end.Exempt, c.end.AccountsRead = 2, 1, 1, 1
	c.User(u)
	c.User(e)
	f := openFinding(&u)
	f.What, f.Remedy = name, name
	c.Finding(f)
	c.Finding(audit.Finding{Rule: name, Severity: audit.High, Account: u.Account, Subject: name, What: name, Remedy: name, Refs: []string{name}})
	c.Gap(org.Gap{Account: u.Account, What: name, Why: name})
	c.Account(audit.Account{ID: u.Account, Name: name, Read: true, Units: []string{"Root", name}, Counts: audit.Counts{Users: 2, Open: 1, Exempt: 1}})
	c.records = append(c.records, run.Record{Document: &run.Document{Name: name, Text: name}}, run.Record{Proofs: &run.Proofs{Assumptions: []string{name}}},
		run.Record{Plan: &run.Plan{Guards: map[string]int{name: 1}, Scheduled: []plan.Scheduled{{Wave: name, From: now.AddDate(0, 0, 3), Users: 1}}}},
		run.Record{Blocked: &run.Blocked{Subject: name, Why: name, Remedy: name}},
		run.Record{Impact: &impact.Report{Blind: []impact.Blind{{Why: name}}}},
		run.Record{Affected: &impact.User{Name: name, Account: u.Account, Denied: 3, Kind: impact.Kind(name), Tools: []string{name}, Next: name}},
		run.Record{Keys: &run.Keys{Keys: 1}},
		run.Record{Key: &keys.Key{User: name, ARN: name, Account: u.Account, ID: name, Kind: name, Worst: name, UsedBy: []string{name}, Next: name, Why: name}},
		run.Record{Forecast: &run.Forecast{}},
		run.Record{Fate: &run.Fate{Became: run.Missed, Fate: impact.Fate{User: name, Action: name, Region: name}}})
	return c
}

// A sentence says no more than the example proves.
func TestSentencesSayWhatTheExampleProves(t *testing.T) {
	bob := "arn:aws:iam::111111111111:user/bob"
	for _, row := range []struct {
		example prove.Counterexample
		want    string
	}{
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: bob}, "administer account prod"},
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: bob, Keys: map[string][]string{"iam:PolicyARN": {"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}, "attach policies to user bob, its own, in account prod"},
		{prove.Counterexample{Action: "iam:AttachUserPolicy", Resource: "arn:aws:iam::111111111111:user/eve"}, "attach policies to user eve in account prod"},
		{prove.Counterexample{Action: "iam:PutUserPolicy", Resource: bob, Keys: map[string][]string{}}, "administer account prod"},
		{prove.Counterexample{Action: "sts:AssumeRole", Resource: "arn:aws:iam::222222222222:role/team/Deploy"}, "assume role Deploy in account 222222222222"},
		{prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-data/a/b"}, "read objects of bucket acme-data"},
		{prove.Counterexample{Action: "ec2:RunInstances", Resource: "*"}, "call ec2:RunInstances in account prod"},
		{prove.Counterexample{Action: "iam:CreateAccessKey", Resource: bob}, "create access keys of user bob, its own, in account prod"},
	} {
		u := audit.User{Account: "111111111111", AccountName: "prod", Name: "bob", ARN: bob, State: audit.Open, Example: &row.example}
		row.example.Credential = policy.ConsolePassword
		c := runOf([]audit.User{u}, nil)
		wants(t, summaryOf(t, htmlOf(t, c)), "With bob’s console password alone, no code: "+row.want+".",
			"Every account was read. Resource control policies of other accounts and VPC endpoint policies were not read; they may refuse an example request.")
	}
}

func TestSummaryOfOtherResults(t *testing.T) {
	enforcedUser := audit.User{Account: "111111111111", Name: "bob", ARN: "arn:aws:iam::111111111111:user/bob", State: audit.Enforced, Proof: audit.EveryAction}
	done := &collected{end: run.End{Complete: true}}
	done.end.Users, done.end.Enforced, done.end.AccountsRead = 1, 1, 1
	done.User(enforcedUser)
	done.Account(audit.Account{ID: "111111111111", Read: true, Counts: audit.Counts{Users: 1, Enforced: 1}})
	wants(t, summaryOf(t, htmlOf(t, done)), "No user can act without MFA.", "Everything was read.")
	done.end.Complete = false
	wants(t, summaryOf(t, htmlOf(t, done)), "No user that was read and decided can act without MFA, but this run is incomplete.")
	done.end.Users, done.end.Unknown = 2, 1
	wants(t, summaryOf(t, htmlOf(t, done)), "1 of 2 users could not be decided.", "It is not known whether this user can act without MFA. None of the others can.")
	wants(t, summaryOf(t, htmlOf(t, &collected{})), "No account was read.")
	empty := &collected{}
	empty.end.AccountsRead = 3
	wants(t, summaryOf(t, htmlOf(t, empty)), "No IAM users were found.")
	wants(t, summaryOf(t, htmlOf(t, oneUser("bob"))), "1 of 1 user can act without MFA.", "act as this user, who holds 1 active access key and no console password.")
}

func TestPlanAndImpactAreInTheSummary(t *testing.T) {
	c := oneUser("bob")
	c.records = append(c.records,
		run.Record{Impact: &impact.Report{Log: impact.Log{Days: 30}, Calls: impact.Calls{Denied: 1200}, Blind: []impact.Blind{{Why: "data events are off in 3 accounts"}}}},
		run.Record{Affected: &impact.User{Name: "ci-deploy", Account: "111111111111", Denied: 1200, Kind: impact.ServiceAccount, Tools: []string{"Terraform"}, Next: "use a role by OIDC"}},
		run.Record{Affected: &impact.User{Name: "idle", Account: "111111111111"}},
		run.Record{Plan: &run.Plan{Summary: plan.Summary{Steps: 12, Accounts: 2, Blocked: 1}, Guards: map[string]int{"lockout": 1},
			Scheduled: []plan.Scheduled{{Wave: "engineering", From: now.AddDate(0, 0, 10), Users: 29}, {Wave: "past", From: now.AddDate(0, 0, -10), Users: 1}}}},
		run.Record{Blocked: &run.Blocked{Account: "111111111111", Subject: "arn:aws:iam::111111111111:user/lena", Why: "lena has no way to sign in", Remedy: "set a password"}})
	text := summaryOf(t, htmlOf(t, c))
	wants(t, text, "From 30 days of CloudTrail: 1,200 calls would be denied. They are of 1 user (1 service account).", "ci-deploy service account, Terraform service account, Terraform 1,200 use a role by OIDC",
		"The log has blind spots: data events are off in 3 accounts.", "12 changes in 2 accounts, 1 blocked. By guard: 1 lockout.", "lena 111111111111 lena has no way to sign in set a password",
		"8 December 2026 wave starts: engineering 29")
	for _, absent := range []string{"idle", "wave past"} {
		if strings.Contains(text, absent) {
			t.Errorf("the summary has %q", absent)
		}
	}
}

func TestKeysAreInTheReport(t *testing.T) {
	c := runOf([]audit.User{user("111111111111", "bob", 0)}, nil)
	used := now.AddDate(0, 0, -3)
	c.records = append(c.records, run.Record{Keys: &run.Keys{Keys: 2, Active: 1, Administer: 1, Unused: 1}},
		run.Record{Key: &keys.Key{User: "bob", Account: "111111111111", ID: "AKIAIOSFODNN7EXAMPLE", Kind: "access key", Active: true, Created: &used, AgeDays: 3, LastUsed: &used, Use: "recent",
			Worst: "administer the account", UsedBy: []string{"Terraform from 198.51.100.0/24"}, Calls: 840, Next: "retire it: forcemfa keys retire AKIAIOSFODNN7EXAMPLE", Why: "not used for 90 days"}},
		run.Record{Key: &keys.Key{User: "sync", Account: "222222222222", Kind: "SSH key", Use: keys.Never, Worst: "push code", Next: "delete it", Why: "it is inactive"}})
	html := htmlOf(t, c)
	wants(t, summaryOf(t, html), "Keys to retire first", "1 active key can administer an account without MFA. 1 active key has not been used for 90 days. 1 of 2 keys is active.",
		"access key, 3 days old, last used 25 November 2026", "administer the account", "retire it: forcemfa keys retire AKIAIOSFODNN7EXAMPLE", "SSH key, inactive, never used")
	if without := htmlOf(t, oneUser("bob")); strings.Contains(without, "Every key") || strings.Contains(without, "Forecast") {
		t.Error("a run without keys and forecast has them in the report")
	}
}

func TestScoreOfTheForecastIsInTheReport(t *testing.T) {
	c := runOf([]audit.User{user("111111111111", "bob", 0)}, nil)
	fate := func(became, name string) run.Record {
		return run.Record{Fate: &run.Fate{Became: became, Fate: impact.Fate{User: "arn:aws:iam::111111111111:user/team/" + name, Action: "ec2:RunInstances", Region: "eu-central-1", Denied: 7}}}
	}
	c.records = append(c.records, run.Record{Forecast: &run.Forecast{Made: now.AddDate(0, 0, -7), Calls: impact.Calls{Read: 1200}, Score: impact.Score{Hits: 3, Misses: 1, Right: 75}}},
		fate(run.Missed, "bob"), fate(run.Hit, "alice"))
	wants(t, summaryOf(t, htmlOf(t, c)), "Forecast and outcome", "The forecast of 21 November 2026, compared with 1,200 calls recorded since.", "75 % of the forecast was right.",
		"3 denied as forecast", "1 denied, and not forecast", "ec2:RunInstances in eu-central-1", "Every kind of calls is listed below.")
	if strings.Contains(summaryOf(t, htmlOf(t, c)), "alice") {
		t.Error("the summary has calls that became what was forecast")
	}
	c.records = append(c.records[:len(c.records)-3], run.Record{Forecast: &run.Forecast{Made: now, Score: impact.Score{Right: -1}}})
	wants(t, summaryOf(t, htmlOf(t, c)), "Nothing of the forecast has been recorded since, and no other call was denied.")
}

func TestOutcomesAreInTheSummary(t *testing.T) {
	c := oneUser("bob")
	c.records = append(c.records,
		run.Record{Applied: &run.Applied{Run: "20261128-140200", Outcomes: map[string]int{"done": 12, "stale": 1}}},
		run.Record{Rehearsal: &run.Rehearsal{AttacksThen: run.Attacks{Tried: 300, Succeeded: 200, Refused: 100}, AttacksNow: run.Attacks{Tried: 300, Refused: 300}, Expected: run.Expected{Tried: 463, Worked: 463}}},
		run.Record{Document: &run.Document{Name: "ForceMFA", Text: `{"Version":"2012-10-17","Statement":[]}`}})
	text := htmlOf(t, c)
	wants(t, summaryOf(t, text), "Applied steps 12 done, 1 stale", "20261128-140200", "200 of 300 succeeded, 100 refused", "0 of 300 succeeded, 300 refused", "463 of 463 legitimate actions still work")
	wants(t, html.UnescapeString(text), "{\n  \"Version\": \"2012-10-17\",")
}

func TestDatesAheadAreInTheSummary(t *testing.T) {
	ann, ben, cyd := user("111111111111", "ann", 1), user("111111111111", "ben", 2), user("111111111111", "cyd", 3)
	ann.Window, ben.Window, cyd.Window = "2026-12-01", "2026-12-01", "2026-11-29T08:00:00Z"
	text := summaryOf(t, htmlOf(t, runOf([]audit.User{ann, ben, cyd}, nil)))
	wants(t, text, "29 November 2026 enrollment window closes 1 2 December 2026 enrollment windows close 2")
}

func TestSinceTheLastRun(t *testing.T) {
	c := oneUser("bob")
	p := report.New(head, c.end)
	p.Since(&report.Since{Time: now.AddDate(0, 0, -7), Counts: audit.Counts{Users: 8, Open: 8}, New: 2, Fixed: 9, Stayed: 1, Lines: []string{"bob is new"}})
	for i := range c.records {
		p.Add(&c.records[i])
	}
	p.Trend([]report.Moment{{Time: now.AddDate(0, 0, -30), Counts: audit.Counts{Open: 20}}, {Time: now.AddDate(0, 0, -7), Counts: audit.Counts{Open: 8, Enforced: 5}},
		{Time: now, Counts: audit.Counts{Open: 1, Enforced: 19}}})
	text := written(t, p)
	wants(t, text, `<polyline class="open" points="0.00,2.00 306.67,59.60 400.00,93.20 "/>`)
	wants(t, summaryOf(t, text), "3 runs. Can act without MFA: 20 on 29 October 2026, 1 on 28 November 2026.", "Since 21 November 2026: 7 fewer.", "new 2 fixed 9 changed 0 still there 1", "bob is new")
}

// Lists of the summary are cut, so that its three pages of paper suffice for every
// organization, and say so.
func TestSummaryStaysShort(t *testing.T) {
	c := manyUsers(5000)
	for i := range 100 {
		c.records = append(c.records, run.Record{Exemption: &baseline.Exemption{Match: baseline.Match{Name: strings.Repeat("x", i+1)}, Owner: "o", Reason: "r", Expires: now.Add(time.Hour)}})
		c.Gap(org.Gap{Account: "100000000000", What: "page", Why: "Throttling"})
	}
	p := htmlOf(t, c)
	text := summaryOf(t, p)
	wants(t, text, "other accounts (30)", "The first 12 of 101 exemptions are shown.", "The first 12 of 100 entries are shown.")
	if len(text) > 12_000 {
		t.Errorf("the summary has %d characters", len(text))
	}
}

// An account with many users who are equally bad leaves room for those of the others.
func TestTheWorstComeFromManyAccounts(t *testing.T) {
	var users []audit.User
	for i := range 12 {
		users = append(users, user("111111111111", fmt.Sprintf("first%02d", i), 0))
	}
	users = append(users, user("222222222222", "second", 0), user("333333333333", "third", 0))
	page := htmlOf(t, runOf(users, nil))
	last := -1
	for _, link := range []string{"111111111111/first00", "222222222222/second", "333333333333/third", "111111111111/first01", "111111111111/first07"} {
		at := strings.Index(page, `href="#user/`+link)
		if at <= last {
			t.Errorf("%s is at %d, after the one before it: %d", link, at, last)
		}
		last = at
	}
}
