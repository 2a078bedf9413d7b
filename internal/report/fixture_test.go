package report_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/impact"
	"forcemfa/internal/keys"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/report"
	"forcemfa/internal/run"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

var now = time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC)

// collected keeps the records of a run.
type collected struct {
	records []run.Record
	end     run.End
}

func (c *collected) User(u audit.User)       { c.records = append(c.records, run.Record{User: &u}) }
func (c *collected) Finding(f audit.Finding) { c.records = append(c.records, run.Record{Finding: &f}) }
func (c *collected) Gap(g org.Gap)           { c.records = append(c.records, run.Record{Unread: &g}) }
func (c *collected) Account(a audit.Account) { c.records = append(c.records, run.Record{Account: &a}) }

var head = run.Head{Format: run.Format, Verb: "audit", Organization: "o-acme2sample", Management: "111111111111", Partition: "aws", Time: now,
	Caller: "arn:aws:sts::111111111111:assumed-role/ForceMFAAdministrator/forcemfa", Version: "0.2.0",
	Config: "3f9a1c0b5d7e3f9a1c0b5d7e3f9a1c0b5d7e3f9a1c0b5d7e3f9a1c0b5d7e3f9a", ConfigFile: "forcemfa.yaml"}

// sampleRun is a run over the sample organization.
func sampleRun(t testing.TB) *collected {
	t.Helper()
	b, err := baseline.Parse("forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	h, accounts := sample.Organization()
	c := &collected{end: run.End{Name: "acme-legacy"}}
	for i := range b.Exemptions {
		c.records = append(c.records, run.Record{Exemption: &b.Exemptions[i]})
	}
	c.records = append(c.records, run.Record{Document: &run.Document{Name: "ForceMFA", SHA256: strings.Repeat("ab", 32), Text: b.Document("aws")}})
	stream := iter.Seq2[*org.Account, error](func(yield func(*org.Account, error) bool) {
		for _, a := range accounts {
			if a.ID == sample.Acquired || a.ID == sample.Closed {
				a = org.Account{ID: a.ID, Name: a.Name, State: a.State}
			}
			if a.ID == sample.Acquired {
				a.Gaps = []org.Gap{{Account: a.ID, What: "assume OrganizationAccountAccessRole", Why: "AccessDenied: no role trust policy allows the sts:AssumeRole action"}}
			}
			a.Report = now.Add(-time.Hour)
			if !yield(&a, nil) {
				return
			}
		}
	})
	for a, err := range audit.New(&h, b, now).Accounts(context.Background(), stream) {
		if err != nil {
			t.Fatal(err)
		}
		a.Send(c)
		c.end.Add(a)
	}
	return c
}

// htmlOf is the report of records as HTML.
func htmlOf(t testing.TB, c *collected) string {
	t.Helper()
	p := report.New(head, c.end)
	for i := range c.records {
		p.Add(&c.records[i])
	}
	return written(t, p)
}

// samplePage is the report of the sample organization.
func samplePage(t testing.TB) string {
	t.Helper()
	sampleOnce.Do(func() { sampleText = htmlOf(t, sampleRun(t)) })
	return sampleText
}

var (
	sampleOnce sync.Once
	sampleText string
)

// oneUser is a run with a single user of that name, who can act without MFA.
func oneUser(name string) *collected {
	u := user("111111111111", name, 0)
	return runOf([]audit.User{u}, []audit.Finding{openFinding(&u)})
}

func runOf(users []audit.User, findings []audit.Finding) *collected {
	c := &collected{}
	a := audit.Audited{Account: &org.Account{}, Users: users, Findings: findings, Summary: audit.Account{ID: "111111111111", Name: "legacy", Read: true}}
	for range users {
		a.Summary.Users++
		a.Summary.Open++
	}
	a.Send(c)
	c.end.Add(&a)
	c.end.Complete = true
	return c
}

func openFinding(u *audit.User) audit.Finding {
	return audit.Finding{ID: "user-open/" + u.Account + "/user/" + u.Name, Rule: "user-open", Severity: audit.Critical, Account: u.Account, AccountName: u.AccountName,
		Subject: "user/" + u.Name, ARN: u.ARN, What: "allowed: " + u.Example.String(), Remedy: "apply the plan, so that ForceMFA is in force for the user", Example: u.Example}
}

// user is an open user, with an example request that depends on i.
func user(account, name string, i int) audit.User {
	day := func(ago int) *time.Time { t := now.AddDate(0, 0, -ago); return &t }
	u := audit.User{Account: account, AccountName: "team-" + account[9:], Name: name, ARN: "arn:aws:iam::" + account + ":user/" + name, State: audit.Open,
		MFA: org.No, Console: org.TriOf(i%3 != 0), ActiveKeys: 1, Created: now.AddDate(-3, 0, -i%200),
		Keys: []org.AccessKey{{ID: fmt.Sprintf("AKIAIOSFODNN%08d", i), Active: true, Created: day(20 + i%900), Used: day(i % 20), UsedService: "s3", UsedRegion: "eu-central-1"}}}
	examples := []prove.Counterexample{
		{Action: "s3:GetObject", Resource: fmt.Sprintf("arn:aws:s3:::bucket-%d/example", i%400), AllowedBy: "policy arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess of group Developers, statement 1"},
		{Action: "iam:AttachUserPolicy", Resource: u.ARN, AllowedBy: "policy arn:aws:iam::aws:policy/AdministratorAccess of group Administrators, statement 1"},
		{Action: "sts:AssumeRole", Resource: "arn:aws:iam::" + account + ":role/Deploy", AllowedBy: "trust policy of role Deploy, statement 1"},
		{Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:eu-central-1:" + account + ":table/example", AllowedBy: "inline policy tables of user " + name + ", statement 2"},
	}
	example := examples[i%len(examples)]
	example.Credential = policy.LongTermKey
	u.Example = &example
	if i%5 < 2 {
		u.MFA, u.Devices = org.Yes, []org.Device{{Serial: "arn:aws:iam::" + account + ":mfa/" + name, Kind: org.VirtualMFA, Enabled: day(i % 600)}}
	}
	return u
}

// manyUsers is a run over an organization of that many users in accounts of 125, with
// three findings for each user.
func manyUsers(users int) *collected {
	c := &collected{end: run.End{Name: "large-organization"}}
	for first := 0; first < users; first += 125 {
		account := fmt.Sprintf("%012d", 100000000000+first/125)
		a := audit.Audited{Account: &org.Account{}, Summary: audit.Account{ID: account, Name: "team-" + account[9:], Read: true, Units: []string{"Root", unitNames[first/125%len(unitNames)]}}}
		for i := first; i < min(users, first+125); i++ {
			u := user(account, fmt.Sprintf("%s.%s%05d", firstNames[i%len(firstNames)], lastNames[i/7%len(lastNames)], i), i)
			switch i % 10 {
			case 7, 8:
				u.State, u.Example, u.Proof = audit.Enforced, nil, audit.EveryAction
				u.DeniedBy = []string{"policy arn:aws:iam::" + account + ":policy/forcemfa/ForceMFA of group ForceMFA, statement 2"}
				a.Summary.Enforced++
			case 9:
				u.State, u.Example = audit.Exempt, nil
				u.ExemptBy = &baseline.Exemption{Match: baseline.Match{Tag: "userType=Service"}, Owner: "platform@example.com", Reason: "service accounts", Expires: now.AddDate(0, 2, 0)}
				u.Exemption = u.ExemptBy.String()
				a.Summary.Exempt++
			default:
				a.Summary.Open++
			}
			a.Summary.Users++
			a.Users = append(a.Users, u)
			a.Findings = append(a.Findings, findingsOf(&u)...)
		}
		a.Send(c)
		c.end.Add(&a)
	}
	c.end.Complete = true
	return c
}

// fullRun is a run with everything that the summary shows, and more of each than it has
// room for.
func fullRun() *collected {
	c := manyUsers(5000)
	add := func(r run.Record) { c.records = append(c.records, r) }
	long := strings.Repeat("long words of a reason ", 6)
	for i := range 30 {
		add(run.Record{Exemption: &baseline.Exemption{Match: baseline.Match{Name: fmt.Sprintf("service-account-%02d-*", i), Account: "100000000000"}, Owner: "security@example.com", Reason: long, Expires: now.AddDate(0, 0, i)}})
		c.Gap(org.Gap{Account: "100000000000", What: "assume OrganizationAccountAccessRole", Why: long})
		add(run.Record{Affected: &impact.User{Name: fmt.Sprintf("ci-deploy-%02d", i), Account: "100000000000", Denied: 1200, Kind: impact.ServiceAccount, Tools: []string{"Terraform", "aws-cli"}, Next: long}})
		add(run.Record{Blocked: &run.Blocked{Account: "100000000000", Subject: fmt.Sprintf("user/lena-%02d", i), Why: long, Remedy: long}})
	}
	waves := []plan.Scheduled{}
	for i := range 30 {
		waves = append(waves, plan.Scheduled{Wave: fmt.Sprintf("engineering-%d", i), From: now.AddDate(0, 0, i+1), Users: 100})
	}
	add(run.Record{Plan: &run.Plan{Summary: plan.Summary{Steps: 3500, Accounts: 40, Blocked: 30}, Guards: map[string]int{"lockout": 20, "breaks-workload": 10}, Scheduled: waves}})
	add(run.Record{Impact: &impact.Report{Log: impact.Log{Days: 30}, Calls: impact.Calls{Denied: 120_000}, Blind: []impact.Blind{{Why: long}, {Why: long}}}})
	used := now.AddDate(0, 0, -3)
	add(run.Record{Keys: &run.Keys{Keys: 5200, Active: 5000, Administer: 700, Unused: 900}})
	add(run.Record{Forecast: &run.Forecast{Made: now.AddDate(0, -1, 0), Calls: impact.Calls{Read: 2_000_000}, Score: impact.Score{Hits: 900, Misses: 30, Alarms: 30, Silent: 60, Right: 93}}})
	for i := range 30 {
		name := fmt.Sprintf("ci-deploy-%02d", i)
		add(run.Record{Key: &keys.Key{User: name, ARN: "arn:aws:iam::100000000000:user/" + name, Account: "100000000000", ID: fmt.Sprintf("AKIAIOSFODNN%08d", i), Kind: "access key", Active: true,
			Created: &used, AgeDays: 3, LastUsed: &used, Use: "recent", Worst: long, UsedBy: []string{long}, Calls: 840, Next: long, Why: long}})
		add(run.Record{Fate: &run.Fate{Became: run.Fates[i%5], Fate: impact.Fate{User: "arn:aws:iam::100000000000:user/" + name, Action: "ec2:DescribeInstances", Region: "eu-central-1", Forecast: 4, Denied: 3, Passed: 1}}})
	}
	add(run.Record{Proofs: &run.Proofs{Assumptions: []string{long, long + "again"}, Accepted: 1000, AnyAction: 1000}})
	return c
}

// fullPage is the report of fullRun with a comparison and a trend.
func fullPage(t testing.TB) string {
	t.Helper()
	c := fullRun()
	p := report.New(head, c.end)
	since := &report.Since{Time: now.AddDate(0, 0, -7), New: 20, Fixed: 30, Lines: make([]string, 20)}
	var trend []report.Moment
	for i := range since.Lines {
		since.Lines[i] = "New: user/kofi in 100000000000 (team-000), user-open: allowed: iam:AttachUserPolicy without MFA by access key on arn:aws:iam::100000000000:user/kofi"
		trend = append(trend, report.Moment{Time: now.AddDate(0, 0, i-20), Counts: audit.Counts{Users: 5000, Open: 4000 - 25*i, Enforced: 500 + 25*i}})
	}
	p.Since(since)
	p.Trend(trend)
	for i := range c.records {
		p.Add(&c.records[i])
	}
	return written(t, p)
}

func findingsOf(u *audit.User) []audit.Finding {
	finding := func(rule string, s audit.Severity, what string) audit.Finding {
		return audit.Finding{ID: rule + "/" + u.Account + "/user/" + u.Name, Rule: rule, Severity: s, Account: u.Account, AccountName: u.AccountName,
			Subject: "user/" + u.Name, ARN: u.ARN, What: what, Remedy: "move them to a group"}
	}
	list := []audit.Finding{
		finding("direct-policies", audit.Low, u.Name+" has policies attached directly or inline: AmazonS3ReadOnlyAccess"),
		finding("no-device", audit.Medium, u.Name+" has a console password but no MFA device"),
		finding("no-group", audit.Low, u.Name+" is in no group"),
	}
	if u.Example != nil {
		list[2] = openFinding(u)
	}
	return list
}

var (
	unitNames  = []string{"Production", "Development", "Research", "Security", "Infrastructure", "Sandbox", "Acquisitions", "Suspended"}
	firstNames = []string{"anna", "arjun", "beth", "bob", "carlos", "chen", "deepak", "emma", "farid", "george", "hana", "igor", "judy", "kofi", "lars", "mei", "nina", "oscar", "priya", "quentin"}
	lastNames  = []string{"adeyemi", "bauer", "chandra", "dubois", "eriksen", "fischer", "garcia", "haddad", "ivanova", "jansen", "kowalski", "lopez", "meyer"}
)

func written(t testing.TB, p *report.Page) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
