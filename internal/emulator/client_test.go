package emulator

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testclients"
)

// A process is a program with the environment of one user, against a server.
type process struct {
	t        *testing.T
	endpoint string
	env      []string
}

func listen(t *testing.T, c *Cloud) *Server {
	t.Helper()
	s, err := c.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func clientAs(t *testing.T, s *Server, key, secret, token string) process {
	env := append(testclients.Environment(),
		"HOME="+t.TempDir(), "AWS_ENDPOINT_URL="+s.Endpoint, "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_MAX_ATTEMPTS=1",
	)
	if token != "" {
		env = append(env, "AWS_SESSION_TOKEN="+token)
	}
	return process{t, s.Endpoint, env}
}

// run is standard output and standard error of a program.
func (p process) run(name string, args ...string) (stdout, stderr string) {
	p.t.Helper()
	cmd := testclients.Command(p.t, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, p.env
	if err := cmd.Run(); err != nil && errs.Len() == 0 {
		p.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out.String(), errs.String()
}

// aws returns the output of `aws … --query query`, or its error. version is "aws" or, for
// version 2, "awscli2".
func (p process) aws(version, command, query string) (result any, stderr string) {
	p.t.Helper()
	stdout, stderr := p.run(version, append(strings.Fields(command), "--endpoint-url", p.endpoint, "--output", "json", "--query", query)...)
	if stdout == "" {
		return nil, stderr
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		p.t.Fatalf("aws %s: %v in %s", command, err, stdout)
	}
	return result, stderr
}

// Each start of the CLI takes a second of CPU time, so only a few calls use it;
// the others use boto3, which shares its code.
func TestAWSCommandLineWorks(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"aws", "awscli2"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			testclients.Need(t, version)
			commandLineWorks(t, version)
		})
	}
}

func commandLineWorks(t *testing.T, version string) {
	c := newCloud(t, Options{})
	p := clientAs(t, listen(t, c), keyOf("alice"), "secret of alice", "")
	if got, stderr := p.aws(version, "iam list-users --page-size 1", "Users[].UserName"); !equalJSON(got, []any{"alice", "bob", "fay"}) {
		t.Errorf("list-users: got %v %s", got, stderr)
	}
	if _, stderr := p.aws(version, "iam get-user --user-name nobody", "@"); !strings.Contains(stderr, "(NoSuchEntity)") {
		t.Errorf("get-user of nobody says %q", stderr)
	}
	if _, stderr := p.aws(version, "sts get-session-token --serial-number "+serial+" --token-code 000000", "@"); !strings.Contains(stderr, "(AccessDenied)") || !strings.Contains(stderr, "MultiFactorAuthentication failed") {
		t.Errorf("get-session-token with a wrong code says %q", stderr)
	}
	bucket := world.BucketName(member)
	name := t.TempDir() + "/text"
	if err := os.WriteFile(name, []byte("the quick brown fox"), 0o600); err != nil {
		t.Fatal(err)
	}
	const key = "a dir/ü+x&<.txt"
	if _, stderr := p.run(version, "s3", "cp", name, "s3://"+bucket+"/"+key, "--endpoint-url", p.endpoint); stderr != "" {
		t.Fatal(stderr)
	}
	c.View(func(w *world.World) {
		if got := string(w.Account(member).Buckets[bucket].Objects[key].Body); got != "the quick brown fox" {
			t.Errorf("the object is %q", got)
		}
	})
	if got, stderr := p.run(version, "s3", "ls", "s3://"+bucket, "--recursive", "--page-size", "1", "--endpoint-url", p.endpoint); !strings.Contains(got, " 19 "+key+"\n") || strings.Count(got, "\n") != 2 {
		t.Errorf("s3 ls: %s %s", got, stderr)
	}
	if got, stderr := p.aws(version, "s3api list-objects --page-size 1 --bucket "+bucket, "Contents[].Key"); !equalJSON(got, []any{key, world.ObjectKey}) {
		t.Errorf("list-objects: %v %s", got, stderr)
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// A line of the program's output is the result of one call: the requested value,
// or the code and status of an error.
const pythonProgram = `
import boto3, botocore, datetime, json, urllib.request
def say(f):
    try:
        result = f()
    except botocore.exceptions.ClientError as e:
        result = [e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]]
    print(json.dumps(result, default=str))
iam, sts, ec2, s3, db = [boto3.client(n) for n in ("iam", "sts", "ec2", "s3", "dynamodb")]
s4 = boto3.client("s3", config=botocore.config.Config(signature_version="s3v4"))
bucket = s3.list_buckets()["Buckets"][0]["Name"]
instance = ec2.describe_instances()["Reservations"][0]["Instances"][0]
say(lambda: sts.get_caller_identity()["Arn"])
say(lambda: iam.get_user(UserName="bob")["User"]["CreateDate"])
say(lambda: iam.create_user(UserName="eve", Tags=[{"Key": "team", "Value": "red"}])["User"]["Tags"])
say(lambda: iam.get_user(UserName="nobody"))
say(lambda: iam.get_account_summary()["SummaryMap"]["Users"])
say(lambda: instance["State"]["Name"])
say(lambda: ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])["TerminatingInstances"][0]["CurrentState"])
say(lambda: ec2.describe_instances(InstanceIds=["i-00000000"]))
say(lambda: ec2.describe_vpcs())
say(lambda: db.list_tables()["TableNames"])
say(lambda: db.delete_table(TableName="orders")["TableDescription"]["TableStatus"])
say(lambda: db.delete_table(TableName="orders"))
say(lambda: s3.put_object(Bucket=bucket, Key="k/1 ü", Body=b"body")["ETag"])
say(lambda: s3.get_object(Bucket=bucket, Key="k/1 ü")["Body"].read().decode())
say(lambda: s3.head_object(Bucket=bucket, Key="k/1 ü")["ContentLength"])
say(lambda: s3.get_object(Bucket=bucket, Key="none"))
say(lambda: s3.put_object(Bucket="none", Key="k", Body=b""))
say(lambda: s3.get_bucket_acl(Bucket=bucket))
say(lambda: urllib.request.urlopen(s4.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k/1 ü"})).read().decode())
say(lambda: boto3.client("kms").list_keys())
say(lambda: boto3.client("lambda").list_functions())
say(lambda: boto3.client("organizations").list_accounts())
`

func TestBoto3Works(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "boto3")
	p := clientAs(t, listen(t, newCloud(t, Options{})), keyOf("alice"), "secret of alice", "")
	stdout, stderr := p.run("python3", "-c", pythonProgram)
	want := []string{
		`"arn:aws:iam::222222222222:user/alice"`,
		`"2024-05-06 07:08:09+00:00"`,
		`[{"Key": "team", "Value": "red"}]`,
		`["NoSuchEntity", 404]`,
		`4`,
		`"running"`,
		`{"Code": 32, "Name": "shutting-down"}`,
		`["InvalidInstanceID.NotFound", 400]`,
		`["NotImplemented", 501]`,
		`["orders"]`,
		`"DELETING"`,
		`["ResourceNotFoundException", 400]`,
		`"\"841a2d689ad86bd1611447453c22c6fc\""`,
		`"body"`,
		`4`,
		`["NoSuchKey", 404]`,
		`["NoSuchBucket", 404]`,
		`["NotImplemented", 501]`,
		`"body"`,
		`["NotImplemented", 501]`,
		`["NotImplemented", 501]`,
		`["AccessDeniedException", 400]`,
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(stdout), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, stderr)
	}
}
