package impact_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/fleet"
	"forcemfa/internal/impact"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/testclients"
	"forcemfa/internal/trail"
	"forcemfa/internal/trailbucket"
	"forcemfa/internal/traillookup"
)

// sampleJudge decides calls of the sample organization, of the accounts that can be entered.
func sampleJudge(t *testing.T) *impact.Judge {
	t.Helper()
	header, accounts := sample.Organization()
	judge := judgeOf(t, &header, baseline.Default())
	for i := range accounts {
		if accounts[i].ID == sample.Acquired || accounts[i].ID == sample.Closed {
			continue
		}
		if err := judge.Add(&accounts[i]); err != nil {
			t.Fatal(err)
		}
	}
	return judge
}

// The calls of unlooked are those that a lookup does not find.
const unlooked = `{"Records":[
{"eventVersion":"1.11","eventID":"a","eventTime":"2026-11-20T09:00:00Z","awsRegion":"us-east-1","eventType":"AwsApiCall","eventCategory":"Data","recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/dave","accountId":"111111111111","accessKeyId":"AKIADATA","userName":"dave"}},
{"eventVersion":"1.11","eventID":"b","eventTime":"2026-11-20T09:01:00Z","awsRegion":"us-east-1","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/deleted","accountId":"111111111111","accessKeyId":"AKIADELETED","userName":"deleted"}},
{"eventVersion":"1.11","eventID":"c","eventTime":"2026-11-20T09:02:00Z","awsRegion":"us-east-1","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/web/i-1","accountId":"111111111111","accessKeyId":"ASIAWEB","sessionContext":{"attributes":{"mfaAuthenticated":"false","creationDate":"2026-11-20T08:00:00Z"},"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/web"}}}}
]}`

// monthFiles are the files of the sample's month and one with the calls of unlooked.
func monthFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	archive, _, err := sample.Month(now)
	if err != nil {
		t.Fatal(err)
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	whole := fstest.MapFS{"AWSLogs/o-acme2sample/111111111111/CloudTrail/us-east-1/2026/11/20/unlooked.json": {Data: []byte(unlooked)}}
	for _, f := range files.File {
		text, err := fs.ReadFile(files, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		whole[f.Name] = &fstest.MapFile{Data: text}
	}
	return whole
}

// The same month gives the same report from files, from a bucket and from the Event
// history; TestTheQueryAgreesWithTheLocalReader is about the query in Athena.
func TestEverySourceGivesTheSameReport(t *testing.T) {
	files, judge := monthFiles(t), sampleJudge(t)
	place := trail.Place{FS: files, Root: ".", Name: "sample"}
	t.Run("bucket", func(t *testing.T) {
		want, _ := localReport(t, judge, place)
		got := bucketReport(t, judge, files)
		if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
			t.Errorf("the bucket (+) differs from the files (-):\n%s", diff)
		}
	})
	t.Run("lookup", func(t *testing.T) {
		got, found := lookupReport(t, judge, files)
		want, left := lookedUp(t, judge, place, found)
		if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
			t.Errorf("the Event history (+) differs from the files (-):\n%s", diff)
		}
		if services := 5*35 - 2; left != services+3 { // a service calls in five accounts each day; one has no log of two days
			t.Errorf("%d calls are left out of the comparison", left)
		}
	})
}

// bucketReport is the report from a bucket of moto that has the files.
func bucketReport(t *testing.T, judge *impact.Judge, files fstest.MapFS) *impact.Report {
	t.Helper()
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(testclients.Moto(t)), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("month")}); err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("month"), Key: &name, Body: bytes.NewReader(file.Data)}); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := trailbucket.List(t.Context(), client, trailbucket.Options{Bucket: "month"})
	if err != nil {
		t.Fatal(err)
	}
	tally := judge.NewTally()
	log := trail.Log{Files: listed, Workers: 1}
	summary, err := log.Read(t.Context(), func() func(*trail.Call) { return tally.Add })
	if err != nil {
		t.Fatal(err)
	}
	report, err := judge.Report(tally, summary)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// lookupReport is the report from the Event history of an embedded AWS that has the
// records of the files.
func lookupReport(t *testing.T, judge *impact.Judge, files fstest.MapFS) (*impact.Report, traillookup.Result) {
	t.Helper()
	clock := func() time.Time { return now }
	box, err := rehearse.OpenSandbox("", emulator.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	var records []*trail.Record
	for _, file := range files {
		var envelope struct{ Records []*trail.Record }
		if err := json.Unmarshal(file.Data, &envelope); err != nil {
			t.Fatal(err)
		}
		records = append(records, envelope.Records...)
	}
	slices.SortStableFunc(records, func(a, b *trail.Record) int { return a.EventTime.Compare(b.EventTime) })
	if err := box.Cloud.Remember(records); err != nil {
		t.Fatal(err)
	}
	fleet, err := fleet.New(box.Config, fleet.Options{Rate: -1, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	tally := judge.NewTally()
	found, err := traillookup.Read(t.Context(), traillookup.Options{
		Enter: func(ctx context.Context, account string) (aws.Config, error) {
			cfg, _, err := fleet.Enter(ctx, account)
			return cfg, err
		},
		Users: judge.Callers(), Regions: []string{"eu-west-1", "us-east-1"}, Since: now.AddDate(0, 0, -40), Until: now,
	}, tally.Add)
	if err != nil {
		t.Fatal(err)
	}
	return reported(t, judge, tally, found), found
}

// lookedUp is the report over the files without what docs/impact.md says that a lookup
// does not find, and how many calls that is.
func lookedUp(t *testing.T, judge *impact.Judge, place trail.Place, found traillookup.Result) (*impact.Report, int) {
	t.Helper()
	known, begun, left := judge.Callers(), map[string]bool{}, 0
	tally := judge.NewTally()
	keep := func(c *trail.Call) bool {
		switch {
		case c.Category == "Data":
			return false
		case c.Caller.Type == "IAMUser":
			return slices.Contains(known[c.Caller.Account], c.Caller.User)
		}
		return begun[c.Caller.Key]
	}
	var calls []trail.Call
	log := trail.Log{Places: []trail.Place{place}, Workers: 1}
	_, err := log.Read(t.Context(), func() func(*trail.Call) { return func(c *trail.Call) { calls = append(calls, *c) } })
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(calls, func(a, b trail.Call) int { return int(a.Time - b.Time) })
	for i := range calls {
		c := &calls[i]
		if !keep(c) {
			left++
			continue
		}
		if c.SessionKey != "" && c.Caller.MFA != "true" {
			begun[c.SessionKey] = true
		}
		tally.Add(c)
	}
	return reported(t, judge, tally, found), left
}

// reported is the report over calls that a lookup found.
func reported(t *testing.T, judge *impact.Judge, tally *impact.Tally, found traillookup.Result) *impact.Report {
	t.Helper()
	for _, p := range found.Read {
		tally.Covered(p.Account, p.Region, now.AddDate(0, 0, -40), now)
	}
	report, err := judge.Report(tally, found.Summary)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 {
		t.Errorf("not looked up: %+v", report.Problems)
	}
	return report
}
