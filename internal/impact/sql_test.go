package impact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/impact"
	"forcemfa/internal/testclients"
	"forcemfa/internal/trail"
	"forcemfa/internal/trailsql"
)

// The query, on DuckDB, and the reader of files give the same report about the same
// records: the sample's month, and records of every kind that the two could tell apart.
func TestTheQueryAgreesWithTheLocalReader(t *testing.T) {
	testclients.Need(t, "@duckdb/node-api")
	for name, files := range map[string]fstest.MapFS{"month": monthFiles(t), "odd": oddRecords()} {
		t.Run(name, func(t *testing.T) {
			judge, place := sampleJudge(t), trail.Place{FS: files, Root: ".", Name: name}
			want, local := localReport(t, judge, place)
			got, queried := sqlReport(t, judge, place)
			got.Log.Files, want.Log.Files = 0, 0
			if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
				t.Errorf("the query (+) differs from the files (-):\n%s", diff)
			}
			for i := range want.Users {
				for _, k := range want.Users[i].Keys {
					if diff := cmp.Diff(local.RolesOf(k.ID), queried.RolesOf(k.ID)); diff != "" {
						t.Errorf("roles of %s: the query (+) differs from the files (-):\n%s", k.ID, diff)
					}
				}
			}
		})
	}
}

func asJSON(t *testing.T, r *impact.Report) string {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oddRecords are records of kinds that the sample does not have.
func oddRecords() fstest.MapFS {
	const user = `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/dave","accountId":"111111111111","accessKeyId":"AKIAODD","userName":"dave"}`
	record := func(n int, more string) string {
		return fmt.Sprintf(`{"eventID":"id-%d","eventTime":"2026-11-2%dT0%d:30:00Z","awsRegion":"us-east-1","eventType":"AwsApiCall","recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.%d",%s}`, n, n%7, n%10, n, more)
	}
	session := func(mfa string) string {
		return strings.Replace(user, `"userName"`, `"sessionContext":{"attributes":{"mfaAuthenticated":"`+mfa+`","creationDate":"2026-11-20T01:00:00Z"}},"userName"`, 1)
	}
	list := []string{
		record(1, user+`,"eventSource":"iam.amazonaws.com","eventName":"CreateVirtualMFADevice","requestParameters":{"virtualMFADeviceName":"dave","path":"/"}`),
		record(2, user+`,"eventSource":"iam.amazonaws.com","eventName":"EnableMFADevice","requestParameters":{"userName":"dave","serialNumber":"arn:x"}`),
		record(3, user+`,"eventSource":"iam.amazonaws.com","eventName":"EnableMFADevice","requestParameters":{"userName":"carol"}`),
		record(4, user+`,"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","errorCode":"Client.UnauthorizedOperation"`),
		record(5, user+`,"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","errorCode":"Client.InvalidParameter"`),
		record(6, user+`,"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","eventCategory":"Data"`),
		record(7, session("true")+`,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userAgent":"aws-cli/2"`),
		record(8, session("false")+`,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userAgent":"Boto3/1"`),
		record(8, session("false")+`,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","userAgent":"Boto3/1"`), // delivered twice
		record(9, `"userIdentity":{"type":"FederatedUser","arn":"arn:aws:sts::111111111111:federated-user/x","accountId":"111111111111","accessKeyId":"ASIAFED","sessionContext":{"attributes":{"mfaAuthenticated":"false"},"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/frank"}}},"eventSource":"sqs.amazonaws.com","eventName":"SendMessage"`),
		record(10, `"userIdentity":{"type":"IAMUser","accountId":"111111111111","userName":"frank","accessKeyId":"AKIAX"},"eventSource":"lambda.amazonaws.com","eventName":"Invoke20150331","eventCategory":"Data"`),
		record(11, `"userIdentity":{"type":"Root","arn":"arn:aws:iam::111111111111:root","accountId":"111111111111"},"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances"`),
		record(12, user+`,"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::111111111111:role/r","roleSessionName":"\"roleArn\":\"arn:forged\""},"responseElements":{"credentials":{"sessionToken":"x","accessKeyId":"ASIAONE","expiration":"y"},"assumedRoleUser":{"arn":"z"}}`),
		record(13, `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/r/s","accountId":"111111111111","accessKeyId":"ASIAONE","sessionContext":{"attributes":{"mfaAuthenticated":"false"},"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/r"}}},"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","responseElements":{"credentials":{"accessKeyId":"ASIATWO"}}`),
		record(14, `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/q/s","accountId":"111111111111","accessKeyId":"ASIATWO"},"eventSource":"ec2.amazonaws.com","eventName":"RunInstances"`),
		record(15, strings.Replace(user, `"userName"`, `"invokedBy":"athena.amazonaws.com","userName"`, 1)+`,"eventSource":"glue.amazonaws.com","eventName":"GetTable"`),
		strings.Replace(record(16, user+`,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances"`), `"eventID":"id-16",`, "", 1),
		strings.Replace(record(17, user+`,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances"`), "192.0.2.17", "2001:db8:1:2::3", 1),
		record(18, `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/dave","accountId":"111111111111","userName":"dave"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","additionalEventData":{"MFAUsed":"Yes","LoginTo":"x"}`),
	}
	for i := range list {
		list[i] = strings.Replace(list[i], `"eventType":"AwsApiCall","recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.18"`, `"recipientAccountId":"111111111111","sourceIPAddress":"192.0.2.18"`, 1)
	}
	return fstest.MapFS{"AWSLogs/111111111111/CloudTrail/us-east-1/2026/11/21/a.json": {Data: []byte(`{"Records":[` + strings.Join(list, ",") + `]}`)}}
}

func localReport(t *testing.T, j *impact.Judge, place trail.Place) (*impact.Report, *impact.Tally) {
	t.Helper()
	tally := j.NewTally()
	l := trail.Log{Places: []trail.Place{place}, Workers: 1}
	summary, err := l.Read(t.Context(), func() func(*trail.Call) { return tally.Add })
	if err != nil {
		t.Fatal(err)
	}
	report, err := j.Report(tally, summary)
	if err != nil {
		t.Fatal(err)
	}
	return report, tally
}

// sqlReport runs the query of the Judge on DuckDB over the records of a place.
func sqlReport(t *testing.T, j *impact.Judge, place trail.Place) (*impact.Report, *impact.Tally) {
	t.Helper()
	dir := t.TempDir()
	records, query := filepath.Join(dir, "records.jsonl"), filepath.Join(dir, "query.sql")
	if err := os.WriteFile(records, tableRows(t, place), 0o600); err != nil {
		t.Fatal(err)
	}
	q := j.Query()
	q.Database, q.Table, q.Accounts = "logs", "cloudtrail", nil
	if err := os.WriteFile(query, []byte(q.Select()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testclients.Node(t, "../trailsql/testdata/query.cjs", records, query)
	var problems bytes.Buffer
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.Bytes())
	}
	var rows [][]string
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	tally, summary := j.NewTally(), trail.Summary{}
	for _, cells := range rows {
		r, err := trailsql.Parse(cells)
		if err != nil {
			t.Fatal(err)
		}
		summary.Duplicates += tally.AddRow(&r)
	}
	report, err := j.Report(tally, summary)
	if err != nil {
		t.Fatal(err)
	}
	return report, tally
}

// tableRows are the records of a place as the SerDe of the table gives them: names in
// lower case, and parameters as text.
func tableRows(t *testing.T, place trail.Place) []byte {
	t.Helper()
	files, problems := place.Files()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var out bytes.Buffer
	for _, f := range files {
		var envelope struct{ Records []map[string]any }
		file, err := f.FS.Open(f.Path)
		if err == nil {
			err = json.NewDecoder(file).Decode(&envelope)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range envelope.Records {
			row := map[string]any{}
			for name, value := range r {
				switch lower := strings.ToLower(name); lower {
				case "requestparameters", "responseelements", "additionaleventdata":
					if value != nil {
						text, _ := json.Marshal(value)
						row[lower] = string(text)
					}
				case "useridentity":
					row[lower] = lowered(value)
				default:
					row[lower] = fmt.Sprint(value)
				}
			}
			text, _ := json.Marshal(row)
			out.Write(append(text, '\n'))
		}
	}
	return out.Bytes()
}

func lowered(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return value
	}
	out := map[string]any{}
	for k, v := range m {
		out[strings.ToLower(k)] = lowered(v)
	}
	return out
}
