package impact_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// A forecast that is compared with what became of the calls: denied, still allowed, not
// seen, and denied without having been forecast.
func TestAForecastIsComparedWithTheOutcome(t *testing.T) {
	j := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default())
	before := j.NewTally()
	for _, c := range []trail.Call{call("ec2:DescribeInstances"), call("ec2:DescribeInstances"), call("sqs:SendMessage"), call("kms:Decrypt"), call("sts:GetCallerIdentity")} {
		before.Add(&c)
	}
	forecast, err := j.Report(before, trail.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	after := j.NewTally()
	for _, c := range []trail.Call{
		call("ec2:DescribeInstances", failed("Client.UnauthorizedOperation")), // hit
		call("sqs:SendMessage"),                                        // false alarm
		call("sns:Publish", failed("AccessDenied")),                    // miss
		call("sns:Subscribe", session("true"), failed("AccessDenied")), // with MFA: another reason
		call("kms:Decrypt", session("true")),                           // with MFA: silent
	} {
		after.Add(&c)
	}
	o, err := j.Check(forecast, after)
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []impact.Fate) string {
		var out []string
		for _, f := range list {
			out = append(out, f.Action)
		}
		return strings.Join(out, " ")
	}
	if names(o.Hits) != "ec2:DescribeInstances" || names(o.Alarms) != "sqs:SendMessage" || names(o.Misses) != "sns:Publish" || names(o.Silent) != "kms:Decrypt" {
		t.Errorf("hits %s, false alarms %s, misses %s, silent %s", names(o.Hits), names(o.Alarms), names(o.Misses), names(o.Silent))
	}
	if o.Score != (impact.Score{Hits: 1, Misses: 1, Alarms: 1, Silent: 1, Right: 33}) || o.Hits[0].Forecast != 2 || o.Hits[0].Denied != 1 {
		t.Errorf("%+v", o)
	}
}

// A user whom a guard left out, or who is exempt by now, is no false alarm. Calls before the
// roll-out reached a user count neither for nor against the forecast.
func TestUsersWhoAreNotEnforcedAreNoFalseAlarms(t *testing.T) {
	b, err := baseline.Parse("forcemfa.yaml", []byte(exempting))
	if err != nil {
		t.Fatal(err)
	}
	arnOf := func(user string) string { return "arn:aws:iam::" + account + ":user/" + user }
	calls := func(users ...string) (list []trail.Call) {
		for _, user := range users {
			list = append(list, call("sqs:SendMessage", by(arnOf(user))))
		}
		return list
	}
	users := []string{"enforced", "blocked", "exempted", "late", "unread"}
	before := judgeOf(t, &org.Header{Partition: "aws"}, b)
	forecast := tallied(t, before, calls(users...))
	after := judgeOf(t, &org.Header{Partition: "aws"}, b)
	exempted := org.User{Name: "exempted", Path: "/", ARN: arnOf("exempted"), Tags: []org.Tag{{Key: "env", Value: "bot"}}}
	if err := after.Add(&org.Account{ID: account, Partition: "aws", Read: true, Users: []org.User{exempted}}); err != nil {
		t.Fatal(err)
	}
	states := after.States()
	for user, state := range map[string]audit.State{"enforced": audit.Enforced, "blocked": audit.Open, "exempted": audit.Exempt, "late": audit.Enforced, "unread": audit.Unknown} {
		states.User(audit.User{ARN: arnOf(user), State: state})
	}
	tally := after.NewTally()
	for _, c := range append(calls("enforced", "blocked", "exempted", "unread"),
		call("sns:Publish", by(arnOf("exempted"))), // it was not forecast
		call("sqs:SendMessage", by(arnOf("late")), at(now.Add(-2*time.Hour))),
		call("sns:Publish", by(arnOf("late")), failed("AccessDenied"))) {
		tally.Add(&c)
	}
	o, err := after.Check(forecast, tally)
	if err != nil {
		t.Fatal(err)
	}
	if o.Score != (impact.Score{Misses: 1, Alarms: 2, Open: 2, Silent: 1, Right: 0}) {
		t.Errorf("%+v", o.Score)
	}
	if o.Open[0].User != arnOf("blocked") || o.Open[0].Why != "not enforced" || !strings.HasPrefix(o.Open[1].Why, "exemption ") || o.Silent[0].Earlier != 1 {
		t.Errorf("%+v", o)
	}
}

// A forecast that went through a file gives the same outcome.
func TestASavedForecastCanBeChecked(t *testing.T) {
	j := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default())
	before := j.NewTally()
	c := call("ec2:DescribeInstances")
	before.Add(&c)
	report, err := j.Report(before, trail.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := opened(t, report).Impact()
	if err != nil {
		t.Fatal(err)
	}
	after := j.NewTally()
	c = call("ec2:DescribeInstances", failed("AccessDenied"))
	after.Add(&c)
	if o, err := j.Check(saved, after); err != nil || o.Score.Hits != 1 || o.Score.Right != 100 {
		t.Errorf("%+v, %v", o, err)
	}
}

// Grouped by day, every denied call counts on its own day.
func TestDeniedCallsAreGroupedByDay(t *testing.T) {
	j := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default())
	j.ByDay()
	tally := j.NewTally()
	for _, c := range []trail.Call{call("ec2:DescribeInstances"), call("ec2:DescribeInstances", at(now.AddDate(0, 0, -3))), call("ec2:DescribeInstances", at(now.AddDate(0, 0, -3))), call("sqs:SendMessage", session("true"))} {
		tally.Add(&c)
	}
	report, err := j.Report(tally, trail.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	groups, err := report.GroupBy("day")
	if err != nil || len(groups) != 2 || groups[0] != (impact.Group{By: "2026-11-25", Users: 1, Denied: 2}) || groups[1] != (impact.Group{By: "2026-11-28", Users: 1, Denied: 1}) {
		t.Errorf("%+v, %v", groups, err)
	}
}

func TestOwnersOfExemptionsComeFromTags(t *testing.T) {
	j := judgeOf(t, &org.Header{Partition: "aws"}, baseline.Default())
	u := org.User{Name: "bob", Path: "/", ARN: bob, Tags: []org.Tag{{Key: "Team", Value: "platform"}, {Key: "Owner", Value: "pia@example.com"}}}
	if err := j.Add(&org.Account{ID: account, Partition: "aws", Read: true, Users: []org.User{u}}); err != nil {
		t.Fatal(err)
	}
	tally := j.NewTally()
	for hour := range 100 {
		c := call("ec2:DescribeInstances", at(now.Add(-time.Duration(hour)*time.Hour)), func(c *trail.Call) { c.Agent = "Boto3/1.34" })
		tally.Add(&c)
	}
	report, err := j.Report(tally, trail.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(report.Exemptions(now)); !strings.Contains(text, `owner: "pia@example.com" # from a tag of the user`) {
		t.Error(text)
	}
	groups, err := report.GroupBy("tag")
	if want := []impact.Group{{By: "Owner=pia@example.com", Users: 1, Denied: 100}, {By: "Team=platform", Users: 1, Denied: 100}}; err != nil || !slices.Equal(groups, want) {
		t.Errorf("by tag: %v, %v; want %v", groups, err, want)
	}
}
