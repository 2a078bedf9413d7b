package sample

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// monthDays is how many days the sample's log has: a month and the first of the
// next, so that monthly jobs are in it.
const monthDays = 35

// Planted is what the sample's log holds about one user.
type Planted struct {
	User      string // ARN
	Kind      string // service account, person or both
	Denied    int    // calls that ForceMFA would deny
	Forwarded int
	RoleCalls int // of role sessions that began without MFA
}

// Month is the sample organization's CloudTrail log of the days before now, as a zip
// archive in CloudTrail's layout, and what is planted in it. The same day gives the
// same log. The account archive has no log, staging lacks two days, and there are no
// data events.
func Month(now time.Time) ([]byte, []Planted, error) {
	m := newMonth(now)
	archive, err := m.archive()
	if err != nil {
		return nil, nil, err
	}
	var planted []Planted
	for _, user := range slices.Sorted(maps.Keys(m.planted)) {
		planted = append(planted, *m.planted[user])
	}
	return archive, planted, nil
}

// Records are the records of [Month] in the order of time.
func Records(now time.Time) (records []*trail.Record) {
	m := newMonth(now)
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		for i := range m.files[name] {
			records = append(records, &m.files[name][i])
		}
	}
	slices.SortStableFunc(records, func(a, b *trail.Record) int { return a.EventTime.Compare(b.EventTime) })
	return records
}

func newMonth(now time.Time) *month {
	m := &month{start: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -monthDays), files: map[string][]trail.Record{}, planted: map[string]*Planted{}}
	for d := range monthDays {
		m.day = m.start.AddDate(0, 0, d)
		m.programs()
		m.people()
		m.roles()
		m.services(d)
	}
	return m
}

// A month collects records by file.
type month struct {
	start, day time.Time
	files      map[string][]trail.Record
	planted    map[string]*Planted
	events     int
}

// A caller is a user of the log with the program that it uses.
type caller struct {
	account, name, path string
	kind                string
	agent, address      string
	exempt              bool
}

func (c caller) arn() string {
	return arn.IAM("aws", c.account, "user", cmp.Or(c.path, "/"), c.name)
}

// User agents as AWS documents or tools print them.
const (
	terraformAgent = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2/1.30.4"
	boto3Agent     = "Boto3/1.34.14 md/Botocore#1.34.14 ua/2.0 os/linux lang/python#3.11"
	cliAgent       = "aws-cli/2.17.40 md/awscrt#0.21.2 ua/2.0 os/macos"
	consoleAgent   = "AWS-Internal/3 console.amazonaws.com"
	githubAgent    = "aws-sdk-nodejs/3.600.0 configure-aws-credentials-for-github-actions"
)

// programs are calls of service accounts: hourly deployments, a nightly job, a
// monthly one, and exempt users.
func (m *month) programs() {
	deploy := caller{account: Legacy, name: "old-deploy", kind: "service account", agent: terraformAgent, address: "198.51.100.20"}
	github := caller{account: Legacy, name: "ci-deploy", kind: "service account", agent: githubAgent, address: "198.51.100.30", exempt: true}
	nightly := caller{account: Staging, name: "rosa", kind: "service account", agent: boto3Agent, address: "203.0.113.9"}
	for hour := range 24 {
		m.key(deploy, hour, 7, "ec2", "DescribeInstances", "eu-west-1")
		m.key(github, hour, 11, "cloudformation", "DescribeStacks", "us-east-1")
	}
	for minute := range 20 {
		m.key(nightly, 2, minute, "logs", "DescribeLogGroups", "eu-west-1")
	}
	if m.day.Day() == 1 {
		m.key(caller{account: Prod, name: "viktor", kind: "person", agent: cliAgent, address: "192.0.2.50"}, 6, 0, "ec2", "DescribeReservedInstances", "us-east-1")
	}
}

// people are calls of persons on working days: with a key, in the console without
// MFA, with MFA, and one who shares a key with a program.
func (m *month) people() {
	george := caller{account: Legacy, name: "george", kind: "both", agent: boto3Agent, address: "203.0.113.77"}
	for hour := range 24 {
		m.key(george, hour, 31, "sqs", "GetQueueAttributes", "eu-west-1")
	}
	if day := m.day.Weekday(); day == time.Saturday || day == time.Sunday {
		return
	}
	dave := caller{account: Legacy, name: "dave", kind: "person", agent: cliAgent, address: "192.0.2.10"}
	alice := caller{account: Legacy, name: "alice", kind: "person", agent: cliAgent, address: "192.0.2.11"}
	hideo := caller{account: Dev, name: "hideo", kind: "person", agent: consoleAgent, address: "192.0.2.12"}
	for hour := 9; hour < 17; hour += 2 {
		m.key(dave, hour, 12, "ec2", "DescribeInstances", "eu-west-1")
		m.session(alice, hour, 15, "ec2", "DescribeInstances", "eu-west-1", true)
		m.session(hideo, hour, 20, "s3", "ListBuckets", "us-east-1", false)
	}
	m.signIn(hideo, 9, 18, false)
	george.agent, george.address = consoleAgent, "192.0.2.13"
	m.signIn(george, 10, 1, true)
	m.key(dave, 9, 1, "sts", "GetCallerIdentity", "us-east-1") // cannot be denied
	m.key(dave, 9, 2, "iam", "ListMFADevices", "us-east-1")    // enrollment set
	ivan := caller{account: Legacy, name: "ivan", kind: "person", agent: cliAgent, address: "192.0.2.14"}
	m.add(ivan, 11, 0, "organizations", "ListAccounts", "us-east-1", func(r *trail.Record) { r.ErrorCode = "AccessDenied" })
}

// roles is a chain of roles that begins with an access key, on the days of which the log
// has every part.
func (m *month) roles() {
	if m.lacks(Staging) {
		return
	}
	hugo := caller{account: Identity, name: "hugo", path: "/contractors/northwind/", kind: "person", agent: cliAgent, address: "192.0.2.15"}
	first, second := m.keyID("ASIA", "first"), m.keyID("ASIA", "second")
	role := func(account, name string) string { return arn.IAM("aws", account, "role", "/", name) }
	gives := func(key, role string) func(*trail.Record) {
		return func(r *trail.Record) {
			r.Parameters = trail.Parameters{"roleArn": quoted(role), "roleSessionName": quoted("hugo")}
			r.ResponseElements = json.RawMessage(`{"credentials":{"accessKeyId":"` + key + `"}}`)
		}
	}
	m.key(hugo, 10, 5, "sts", "AssumeRole", "us-east-1", gives(first, role(Staging, "engineer")))
	m.role(hugo, Staging, first, 10, 6, "sts", "AssumeRole", gives(second, role(Dev, "engineer")))
	for minute := range 4 {
		m.role(hugo, Dev, second, 10, 10+minute, "s3", "GetBucketPolicy")
	}
}

// services are calls that CloudFormation forwards, and calls of services.
func (m *month) services(day int) {
	mei := caller{account: Legacy, name: "mei", kind: "person", agent: cliAgent, address: "192.0.2.16"}
	if day%7 == 3 {
		m.key(mei, 14, 0, "cloudformation", "UpdateStack", "eu-west-1")
		for minute := range 5 {
			m.session(mei, 14, 1+minute, "sns", "GetTopicAttributes", "eu-west-1", false, func(r *trail.Record) {
				r.UserIdentity.InvokedBy, r.SourceIP, r.UserAgent = "cloudformation.amazonaws.com", "cloudformation.amazonaws.com", "cloudformation.amazonaws.com"
			})
		}
	}
	for i, account := range []string{Legacy, Identity, Dev, Staging, Prod} {
		m.write(account, "us-east-1", trail.Record{
			UserIdentity: trail.Identity{Type: "AWSService", InvokedBy: "config.amazonaws.com"}, EventTime: m.at(3, i),
			EventSource: "sts.amazonaws.com", EventName: "AssumeRole", SourceIP: "config.amazonaws.com", UserAgent: "config.amazonaws.com", EventType: "AwsApiCall",
		})
	}
}

func quoted(s string) json.RawMessage {
	text, _ := json.Marshal(s) // a string is always JSON
	return text
}

func (m *month) at(hour, minute int) time.Time {
	return m.day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// keyID makes an access key ID of the day.
func (m *month) keyID(prefix, of string) string {
	sum := sha256.Sum256([]byte(of + m.day.Format(time.DateOnly)))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:16]
}

// key adds a call with a long-term key.
func (m *month) key(c caller, hour, minute int, service, name, region string, changes ...func(*trail.Record)) {
	if m.add(c, hour, minute, service, name, region, changes...) && !c.exempt && name != "GetCallerIdentity" && name != "ListMFADevices" {
		m.of(c).Denied++
	}
}

// session adds a call of a session of the user.
func (m *month) session(c caller, hour, minute int, service, name, region string, mfa bool, changes ...func(*trail.Record)) {
	there := m.add(c, hour, minute, service, name, region, append([]func(*trail.Record){func(r *trail.Record) {
		s := &trail.SessionContext{}
		s.Attributes.CreationDate, s.Attributes.MFAAuthenticated = m.at(hour, 0), fmt.Sprint(mfa)
		r.UserIdentity.SessionContext, r.UserIdentity.AccessKeyID = s, m.keyID("ASIA", c.name)
	}}, changes...)...)
	switch {
	case !there || mfa:
	case len(changes) > 0: // forwarded
		m.of(c).Forwarded++
	default:
		m.of(c).Denied++
	}
}

// role adds a call of a session of the role engineer that the user started without MFA.
func (m *month) role(c caller, account, key string, hour, minute int, service, name string, changes ...func(*trail.Record)) {
	const role = "engineer"
	r := trail.Record{
		UserIdentity: trail.Identity{
			Type: "AssumedRole", AccountID: account, AccessKeyID: key, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + c.name,
			SessionContext: &trail.SessionContext{SessionIssuer: &trail.Issuer{Type: "Role", ARN: arn.IAM("aws", account, "role", "/", role), AccountID: account, UserName: role}},
		},
		EventTime: m.at(hour, minute), EventSource: service + ".amazonaws.com", EventName: name, SourceIP: c.address, UserAgent: c.agent, EventType: "AwsApiCall",
	}
	r.UserIdentity.SessionContext.Attributes.MFAAuthenticated = "false"
	for _, change := range changes {
		change(&r)
	}
	if m.write(account, "us-east-1", r) {
		m.of(c).RoleCalls++
	}
}

func (m *month) signIn(c caller, hour, minute int, mfa bool) {
	used := "No"
	if mfa {
		used = "Yes"
	}
	m.add(c, hour, minute, "signin", "ConsoleLogin", "us-east-1", func(r *trail.Record) {
		r.EventType, r.UserIdentity.AccessKeyID, r.AdditionalData = "AwsConsoleSignIn", "", trail.Parameters{"MFAUsed": quoted(used)}
	})
}

func (m *month) of(c caller) *Planted {
	p := m.planted[c.arn()]
	if p == nil {
		p = &Planted{User: c.arn(), Kind: c.kind}
		m.planted[c.arn()] = p
	}
	return p
}

// add adds a call of a user, unless the log lacks that day.
func (m *month) add(c caller, hour, minute int, service, name, region string, changes ...func(*trail.Record)) bool {
	key := sha256.Sum256([]byte(c.arn()))
	r := trail.Record{
		UserIdentity: trail.Identity{
			Type: "IAMUser", PrincipalID: "AIDA" + base32.StdEncoding.EncodeToString(key[:])[:16], ARN: c.arn(), AccountID: c.account,
			AccessKeyID: keyID(c.arn(), 1), UserName: c.name,
		},
		EventTime: m.at(hour, minute), EventSource: service + ".amazonaws.com", EventName: name, SourceIP: c.address, UserAgent: c.agent, EventType: "AwsApiCall",
	}
	for _, change := range changes {
		change(&r)
	}
	return m.write(c.account, region, r)
}

// lacks reports whether the log has nothing of an account on this day.
func (m *month) lacks(account string) bool {
	age := m.day.Sub(m.start) / (24 * time.Hour)
	return account == Staging && (age == 10 || age == 11)
}

// write puts a record into the file of its account, Region and day.
func (m *month) write(account, region string, r trail.Record) bool {
	if m.lacks(account) {
		return false
	}
	m.events++
	r.EventVersion, r.Region, r.RecipientAccountID, r.EventCategory, r.ManagementEvent = "1.11", region, account, "Management", true
	r.EventID, r.RequestID = fmt.Sprintf("00000000-0000-4000-8000-%012d", m.events), fmt.Sprintf("00000000-0000-4000-9000-%012d", m.events)
	r.ReadOnly = strings.HasPrefix(r.EventName, "Get") || strings.HasPrefix(r.EventName, "List") || strings.HasPrefix(r.EventName, "Describe")
	name := fmt.Sprintf("AWSLogs/o-acme2sample/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sT2355Z_sample.json", account, region, m.day.Format("2006/01/02"), account, region, m.day.Format("20060102"))
	m.files[name] = append(m.files[name], r)
	return true
}

func (m *month) archive() ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		file, err := w.Create(name)
		if err == nil {
			err = json.NewEncoder(file).Encode(map[string][]trail.Record{"Records": m.files[name]})
		}
		if err != nil {
			return nil, fmt.Errorf("write the sample's log: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the sample's log: %w", err)
	}
	return b.Bytes(), nil
}
