package impact_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/testclients"
	"forcemfa/internal/trail"
)

func TestMain(m *testing.M) { os.Exit(testclients.Run(m)) }

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	account = "111122223333"
	bob     = "arn:aws:iam::" + account + ":user/bob"
)

// call is a successful call of bob's access key; changes come on top.
func call(name string, changes ...func(*trail.Call)) trail.Call {
	source, name, _ := strings.Cut(name, ":")
	c := trail.Call{
		Time: now.Unix() - 3600, EventType: "AwsApiCall", Category: "Management", Source: source + ".amazonaws.com", Name: name,
		Region: "eu-west-1", Address: "192.0.2.7", Agent: "aws-cli/2.0", Account: account,
		Caller: trail.Caller{Type: "IAMUser", ARN: bob, Account: account, Key: "AKIABOB", User: "bob"},
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func session(mfa string) func(*trail.Call) {
	return func(c *trail.Call) {
		c.Caller.Session, c.Caller.MFA, c.Caller.Key, c.Caller.Created = true, mfa, "ASIABOB", c.Time-600
	}
}

func failed(code string) func(*trail.Call) { return func(c *trail.Call) { c.ErrorCode = code } }

func by(user string) func(*trail.Call) {
	return func(c *trail.Call) { c.Caller.ARN, c.Caller.User, c.Caller.Key = user, "", "AKIA2" }
}

func on(user string) func(*trail.Call) { return func(c *trail.Call) { c.Parameters.User = user } }

func forwarded(c *trail.Call) { c.Caller.InvokedBy = "cloudformation.amazonaws.com" }

func at(t time.Time) func(*trail.Call) { return func(c *trail.Call) { c.Time = t.Unix() } }

func ofRole(key string) func(*trail.Call) {
	return func(c *trail.Call) {
		c.Caller = trail.Caller{Type: "AssumedRole", ARN: "arn:aws:sts::" + account + ":assumed-role/Deploy/x", Key: key, Session: true, MFA: "false"}
	}
}

func gives(key, role string) func(*trail.Call) {
	return func(c *trail.Call) { c.SessionKey, c.Parameters.Role = key, role }
}

func judgeOf(t testing.TB, h *org.Header, b *baseline.Baseline) *impact.Judge {
	t.Helper()
	j, err := impact.NewJudge(h, b, now)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func reportOf(t *testing.T, config string, calls ...trail.Call) *impact.Report {
	t.Helper()
	b, err := baseline.Parse("forcemfa.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	a := org.Account{ID: account, Partition: "aws", State: "ACTIVE", Read: true, Users: []org.User{
		{Name: "bob", Path: "/", ARN: bob, Password: org.No, MFA: org.No, Keys: []org.AccessKey{{Active: true, Used: &now}}},
		{Name: "nightly", Path: "/", ARN: "arn:aws:iam::" + account + ":user/nightly", Tags: []org.Tag{{Key: "env", Value: "bot"}}},
	}}
	j := judgeOf(t, &org.Header{Partition: "aws"}, b)
	if err := j.Add(&a); err != nil {
		t.Fatal(err)
	}
	return tallied(t, j, calls)
}

// tallied is the report of calls, each in a tally of its own, as workers have them.
func tallied(t *testing.T, j *impact.Judge, calls []trail.Call) *impact.Report {
	t.Helper()
	whole := j.NewTally()
	for i := range calls {
		one := j.NewTally()
		one.Add(&calls[i])
		whole.Merge(one)
	}
	r, err := j.Report(whole, trail.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const exempting = "version: 1\nexemptions:\n  - match: {tag: env=bot}\n    owner: ops@example.com\n    reason: nightly job\n"

// Each row is one recorded call and what it counts as.
func TestEachCallIsCountedOnceForWhatItMeans(t *testing.T) {
	for _, row := range []struct {
		name string
		call trail.Call
		want string
	}{
		{"access key", call("s3:GetBucketAcl"), "denied"},
		{"failed after authorization", call("s3:GetBucketAcl", failed("NoSuchBucket")), "denied"},
		{"refused before", call("s3:GetBucketAcl", failed("AccessDenied")), "already denied"},
		{"refused before by EC2", call("ec2:RunInstances", failed("Client.UnauthorizedOperation")), "already denied"},
		{"session without MFA", call("s3:GetBucketAcl", session("false")), "denied"},
		{"session with MFA", call("s3:GetBucketAcl", session("true")), ""},
		{"forwarded", call("s3:GetBucketAcl", session("false"), forwarded), "forwarded"},
		{"forwarded with MFA", call("s3:GetBucketAcl", session("true"), forwarded), "forwarded"},
		{"cannot be denied", call("sts:GetCallerIdentity"), ""},
		{"enrollment set", call("iam:ListMFADevices"), ""},
		{"enrollment of another user", call("iam:EnableMFADevice", session("false"), on("alice")), "denied"},
		{"enrollment of oneself", call("iam:EnableMFADevice", session("false"), on("bob")), ""},
		{"enrollment by access key", call("iam:EnableMFADevice", on("bob")), "denied"},
		{"action that nobody knows", call("newservice:DoNewThing"), "denied"},
		{"operation with a date", call("lambda:UpdateFunctionCode20150331v2"), "denied"},
		{"exempt user", call("s3:GetBucketAcl", by("arn:aws:iam::"+account+":user/nightly")), ""},
		{"user of another organization", call("s3:GetBucketAcl", by("arn:aws:iam::999999999999:user/eve")), "denied"},
		{"federated session", call("s3:GetBucketAcl", session("false"), func(c *trail.Call) {
			c.Caller.Type, c.Caller.ARN, c.Caller.IssuerType, c.Caller.IssuerARN = "FederatedUser", "arn:aws:sts::"+account+":federated-user/x", "IAMUser", bob
		}), "denied"},
		{"sign-in", call("signin:ConsoleLogin", func(c *trail.Call) { c.EventType = "AwsConsoleSignIn" }), "sign-in"},
		{"service", call("kms:Decrypt", func(c *trail.Call) { c.Caller = trail.Caller{Type: "AWSService"} }), "skipped"},
		{"role", call("s3:GetBucketAcl", ofRole("ASIAX")), "skipped"},
	} {
		got := reportOf(t, exempting, row.call).Calls
		want := impact.Calls{Read: 1, Users: 1}
		switch row.want {
		case "denied":
			want.Denied = 1
		case "already denied":
			want.AlreadyDenied = 1
		case "forwarded":
			want.Forwarded = 1
		case "sign-in":
			want.SignIns, want.Users = 1, 0
		case "skipped":
			want.Skipped, want.Users = 1, 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestTheSameCallsAreDeniedByAServiceControlPolicy(t *testing.T) {
	config := exempting + "attach: scp\nscp: {targets: [r-ab12]}\n"
	r := reportOf(t, config, call("s3:GetBucketAcl"), call("s3:GetBucketAcl", session("true")), call("iam:GetUser"))
	if r.Calls.Denied != 1 || r.Users[0].ARN != bob {
		t.Errorf("%+v", r.Calls)
	}
}

func TestMFAThatIsTooOldIsDenied(t *testing.T) {
	config := exempting + "policy: {max_session_age: 4h}\n"
	older := func(c *trail.Call) { c.Caller.Created = c.Time - 5*3600 }
	if r := reportOf(t, config, call("s3:GetBucketAcl", session("true"), older), call("s3:GetBucketAcl", session("true"))); r.Calls.Denied != 1 {
		t.Errorf("%+v", r.Calls)
	}
}

func TestCallsOfRolesBelongToTheUserWhoStartedThemWithoutMFA(t *testing.T) {
	deploy := "arn:aws:iam::" + account + ":role/Deploy"
	r := reportOf(t, exempting,
		call("s3:GetBucketAcl", ofRole("ASIAROLE2")), // the order of a log is not that of time
		call("sts:AssumeRole", gives("ASIAROLE1", deploy)),
		call("sts:AssumeRole", ofRole("ASIAROLE1"), gives("ASIAROLE2", deploy+"2")),
		call("sts:AssumeRole", session("true"), gives("ASIAROLE3", deploy)),
		call("s3:GetBucketAcl", ofRole("ASIAROLE3")),
	)
	u := r.Users[0]
	if r.Calls.Denied != 1 || u.RoleCalls != 2 || !slices.Equal(u.Roles, []string{deploy}) {
		t.Errorf("denied %d, calls of roles %d, roles %v", r.Calls.Denied, u.RoleCalls, u.Roles)
	}
}

// hourly are calls of boto3 at each hour of a week.
func hourly() (calls []trail.Call) {
	for h := range 7 * 24 {
		calls = append(calls, call("s3:PutBucketTagging", at(now.Add(-time.Duration(h)*time.Hour)), func(c *trail.Call) { c.Agent = "Boto3/1.26 md/Botocore" }))
	}
	return calls
}

func office() (calls []trail.Call) {
	for d := range 5 {
		morning := time.Date(2026, 11, 23+d, 9, 5, 0, 0, time.UTC)
		calls = append(calls, call("s3:GetBucketAcl", at(morning)), call("signin:ConsoleLogin", at(morning), func(c *trail.Call) { c.EventType = "AwsConsoleSignIn" }))
	}
	return calls
}

func TestUsersAreToldApartByTheirCalls(t *testing.T) {
	for _, row := range []struct {
		name       string
		calls      []trail.Call
		kind       impact.Kind
		confidence string
		next       string
	}{
		{"a job", hourly(), impact.ServiceAccount, "high", "replace the key by a role, or exempt the user until a date"},
		{"a person", office(), impact.Person, "high", "enroll a device"},
		{"both", append(hourly(), office()...), impact.Both, "high", "separate the program from the person"},
		{"one call", []trail.Call{call("s3:GetBucketAcl", func(c *trail.Call) { c.Agent = "Boto3/1.26" })}, impact.Unclear, "low", "enroll a device"},
		{"no call", nil, impact.Unclear, "low", "find out who uses the access key"},
	} {
		r := reportOf(t, exempting, row.calls...)
		u := r.Users[0]
		if u.ARN != bob || u.Kind != row.kind || u.Confidence != row.confidence || u.Next != row.next {
			t.Errorf("%s: %s is %s (%s, %q): %s", row.name, u.Name, u.Kind, u.Confidence, u.Evidence, u.Next)
		}
	}
}

func TestWhatTheLogCannotShowIsSaid(t *testing.T) {
	r := reportOf(t, exempting, call("s3:GetBucketAcl", at(now.AddDate(0, 0, -3))), call("s3:GetBucketAcl", at(now.AddDate(0, 0, -1))))
	var said []string
	for _, b := range r.Blind {
		said = append(said, b.What+" "+b.Where+": "+b.Why)
	}
	want := []string{
		"active-outside-log " + bob + ": an access key was used at 2026-11-28T12:00:00Z; the last recorded call was at 2026-11-27T12:00:00Z",
		"short-log : the log spans 3 days: jobs that run once a month may be missing",
		"data-events : no data events: calls on S3 objects, DynamoDB items, Lambda functions and others are not in the log",
		"global-events " + account + ": no records of the Region that holds IAM and sign-in events (us-east-1)",
		"days " + account + ": no records on 1 of 3 days, the first 2026-11-26",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !r.Users[0].NoOtherSignIn {
		t.Error("bob has neither password nor device, and the report does not say so")
	}
}

// The counts of the public records are those of the README next to them.
func TestPublicRecordsGiveTheirCounts(t *testing.T) {
	const public = "../../../shared/data/cloudtrail"
	if _, err := os.Stat(public); err != nil {
		t.Skip("skipped: no public records in " + public)
	}
	j := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default())
	tally := j.NewTally()
	log := trail.Log{Places: []trail.Place{{FS: os.DirFS(public), Root: ".", Name: public}}, Workers: 1}
	summary, err := log.Read(context.Background(), func() func(*trail.Call) { return tally.Add })
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Report(tally, summary)
	if err != nil {
		t.Fatal(err)
	}
	want := impact.Calls{Read: 492, Users: 456, Denied: 343, Forwarded: 36, AlreadyDenied: 4, SignIns: 1, Skipped: 35}
	if diff := cmp.Diff(want, r.Calls); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	stop := 0
	for _, u := range r.Users {
		if u.Denied > 0 {
			stop++
		}
		if u.Known {
			t.Errorf("%s is known", u.ARN)
		}
	}
	if stop != 6 {
		t.Errorf("%d users stop", stop)
	}
}

func BenchmarkReport(b *testing.B) {
	const users, distinct = 2500, 1_000_000
	j := judgeOf(b, &org.Header{Partition: "aws"}, baseline.Default())
	tally := j.NewTally()
	for i := range distinct {
		c := call("s3:GetBucketAcl", by(fmt.Sprintf("arn:aws:iam::%s:user/u%d", account, i%users)))
		c.Name = fmt.Sprintf("Operation%d", i/users)
		tally.Add(&c)
	}
	for b.Loop() {
		r, err := j.Report(tally, trail.Summary{})
		if err != nil || r.Calls.Denied != distinct {
			b.Fatalf("%v %v", r.Calls, err)
		}
	}
	b.ReportMetric(distinct*float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// The report over the sample's month names what the generator planted, and nobody
// else.
func TestTheSamplesMonthGivesWhatIsPlanted(t *testing.T) {
	h, accounts := sample.Organization()
	b, err := baseline.Parse("forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	j := judgeOf(t, &h, b)
	for i := range accounts {
		if err := j.Add(&accounts[i]); err != nil {
			t.Fatal(err)
		}
	}
	text, planted, err := sample.Month(now)
	if err != nil {
		t.Fatal(err)
	}
	files, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var tallies []*impact.Tally
	log := trail.Log{Places: []trail.Place{{FS: files, Root: ".", Name: "sample"}}, Workers: 3}
	summary, err := log.Read(context.Background(), func() func(*trail.Call) {
		tallies = append(tallies, j.NewTally())
		return tallies[len(tallies)-1].Add
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := j.NewTally()
	for _, one := range tallies {
		whole.Merge(one)
	}
	r, err := j.Report(whole, summary)
	if err != nil {
		t.Fatal(err)
	}
	var found []sample.Planted
	for _, u := range r.Users {
		if u.Denied+u.Forwarded+u.RoleCalls > 0 {
			found = append(found, sample.Planted{User: u.ARN, Kind: string(u.Kind), Denied: u.Denied, Forwarded: u.Forwarded, RoleCalls: u.RoleCalls})
		}
	}
	slices.SortFunc(found, func(a, b sample.Planted) int { return strings.Compare(a.User, b.User) })
	if diff := cmp.Diff(planted, found); diff != "" {
		t.Errorf("planted and found (-planted +found):\n%s", diff)
	}
	if r.Calls.Duplicates != 0 || len(r.Problems) != 0 {
		t.Errorf("%+v %+v", r.Calls, r.Problems)
	}
}

func TestUsersWhoStopAreGrouped(t *testing.T) {
	r := reportOf(t, exempting, append(hourly(), call("ec2:DescribeInstances", by("arn:aws:iam::999999999999:user/eve")), call("s3:GetObject", session("true")))...)
	for by, want := range map[string]string{
		"account": "111122223333 1 168, 999999999999 1 1", "kind": "service account 1 168, person 1 1", "tag:env": "none 2 169", "tag": "none 2 169",
		"action": "s3:PutBucketTagging 1 168, ec2:DescribeInstances 1 1", "ou": "none 2 169",
	} {
		groups, err := r.GroupBy(by)
		var got []string
		for _, g := range groups {
			got = append(got, fmt.Sprintf("%s %d %d", g.By, g.Users, g.Denied))
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q, %v", by, strings.Join(got, ", "), want, err)
		}
	}
	for _, by := range []string{"", "tag:", "color"} {
		if _, err := r.GroupBy(by); err == nil || !strings.Contains(err.Error(), "tag:KEY") {
			t.Errorf("%q: %v", by, err)
		}
	}
}

// Nothing that names somebody is in a redacted report, and the same name has the same
// hash with the same key alone.
func TestARedactedReportNamesNobody(t *testing.T) {
	redacted := func(key string) string {
		r := reportOf(t, exempting, append(hourly(), call("sts:AssumeRole", gives("ASIAROLE1", "arn:aws:iam::"+account+":role/Deploy")))...)
		r.Problems, r.Unread = []trail.Problem{{File: "logs/" + account + ".json", Why: "cut"}}, []org.Gap{{Account: account, What: "x", Why: "arn:aws:iam::" + account + ":user/bob"}}
		r.Redact([]byte(key))
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := redacted("k")
	for _, name := range []string{account, "bob", "AKIABOB", "192.0.2", "Deploy"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is in %s", name, text)
		}
	}
	if text != redacted("k") || text == redacted("other") {
		t.Error("the hashes do not depend on the key alone")
	}
}

func TestSuggestedExemptionsAreAConfig(t *testing.T) {
	machine := hourly()[:24*3]
	text := reportOf(t, exempting, machine...).Exemptions(now)
	b, err := baseline.Parse("exemptions.yaml", append([]byte("version: 1\n"), text...))
	if err != nil || len(b.Exemptions) != 1 || b.Exemptions[0].Match.ARN != bob || b.Exemptions[0].Expires.Format(time.DateOnly) != "2027-02-26" {
		t.Errorf("%v in\n%s", err, text)
	}
	if text := reportOf(t, exempting, office()...).Exemptions(now); text != nil {
		t.Errorf("a person is no service account:\n%s", text)
	}
}
