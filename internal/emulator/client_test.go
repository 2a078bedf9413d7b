package emulator

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"forcemfa/internal/emulator/world"
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
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_MAX_ATTEMPTS=1",
	}
	if root := os.Getenv("PYENV_ROOT"); root != "" {
		env = append(env, "PYENV_ROOT="+root)
	} else if home := os.Getenv("HOME"); home != "" {
		env = append(env, "PYENV_ROOT="+home+"/.pyenv")
	}
	if token != "" {
		env = append(env, "AWS_SESSION_TOKEN="+token)
	}
	return process{t, s.Endpoint, env}
}

// run is standard output and standard error of a program.
func (p process) run(name string, args ...string) (stdout, stderr string) {
	p.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		p.t.Fatalf("this test needs %s: %v", name, err)
	}
	cmd := exec.Command(path, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, p.env
	if err := cmd.Run(); err != nil && errs.Len() == 0 {
		p.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out.String(), errs.String()
}

// aws is what `aws … --query query` prints, or its error.
func (p process) aws(command, query string) (result any, stderr string) {
	p.t.Helper()
	stdout, stderr := p.run("aws", append(strings.Fields(command), "--output", "json", "--query", query)...)
	if stdout == "" {
		return nil, stderr
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		p.t.Fatalf("aws %s: %v in %s", command, err, stdout)
	}
	return result, stderr
}

func TestAWSCommandLineWorks(t *testing.T) {
	c := newCloud(t, Options{})
	s := listen(t, c)
	p := clientAs(t, s, keyOf("alice"), "secret of alice", "")
	instance, bucket := world.InstanceID(member), world.BucketName(member)
	for _, row := range []struct {
		command, query string
		want           any
	}{
		{"sts get-caller-identity", "Arn", "arn:aws:iam::222222222222:user/alice"},
		{"iam list-users --page-size 1", "Users[].UserName", []any{"alice", "bob", "fay"}},
		{"iam get-user --user-name bob", "User.CreateDate", "2024-05-06T07:08:09Z"},
		{"iam create-user --user-name eve --tags Key=team,Value=red", "User.Tags", []any{map[string]any{"Key": "team", "Value": "red"}}},
		{"iam get-account-summary", "SummaryMap.Users", float64(4)},
		{"ec2 describe-instances", "Reservations[].Instances[].[InstanceId,State.Name]", []any{[]any{instance, "running"}}},
		{"ec2 terminate-instances --instance-ids " + instance, "TerminatingInstances[].CurrentState.Name", []any{"terminated"}},
		{"dynamodb list-tables", "TableNames", []any{world.TableName}},
		{"dynamodb delete-table --table-name " + world.TableName, "TableDescription.TableStatus", "DELETING"},
		{"s3api list-buckets", "Buckets[].Name", []any{bucket}},
	} {
		got, stderr := p.aws(row.command, row.query)
		if !equalJSON(got, row.want) {
			t.Errorf("aws %s: got %v, want %v %s", row.command, got, row.want, stderr)
		}
	}
	for command, want := range map[string]string{
		"iam get-user --user-name nobody":         "(NoSuchEntity)",
		"lambda list-functions":                   "(NotImplemented)",
		"sqs list-queues":                         "(NotImplemented)",
		"cloudformation list-stacks":              "(NotImplemented)",
		"dynamodb delete-table --table-name none": "(ResourceNotFoundException)",
		"s3api get-bucket-acl --bucket x":         "(NotImplemented)",
		"s3api put-object --bucket none --key k":  "(NoSuchBucket)",
		"organizations list-accounts":             "(AccessDeniedException)",
	} {
		if _, stderr := p.aws(command, "@"); !strings.Contains(stderr, want) {
			t.Errorf("aws %s says %q, want %s", command, stderr, want)
		}
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestAWSCommandLineMovesObjects(t *testing.T) {
	c := newCloud(t, Options{})
	p := clientAs(t, listen(t, c), keyOf("alice"), "secret of alice", "")
	name := t.TempDir() + "/text"
	if err := os.WriteFile(name, []byte("the quick brown fox"), 0o600); err != nil {
		t.Fatal(err)
	}
	bucket := world.BucketName(member)
	if _, stderr := p.run("aws", "s3", "cp", name, "s3://"+bucket+"/a dir/ü+x.txt"); stderr != "" {
		t.Fatal(stderr)
	}
	c.View(func(w *world.World) {
		if got := string(w.Account(member).Buckets[bucket].Objects["a dir/ü+x.txt"]); got != "the quick brown fox" {
			t.Errorf("the object is %q", got)
		}
	})
	stdout, stderr := p.run("aws", "s3", "cp", "s3://"+bucket+"/a dir/ü+x.txt", "-")
	if stdout != "the quick brown fox" {
		t.Errorf("aws s3 cp prints %q %s", stdout, stderr)
	}
}

const pythonProgram = `
import boto3, botocore, json
iam = boto3.client("iam")
names = [u["UserName"] for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1}) for u in page["Users"]]
try:
    iam.get_user(UserName="nobody")
except iam.exceptions.NoSuchEntityException as e:
    missing = e.response["ResponseMetadata"]["HTTPStatusCode"]
s3 = boto3.client("s3")
s3.put_object(Bucket="data-222222222222", Key="k/1", Body=b"body")
body = s3.get_object(Bucket="data-222222222222", Key="k/1")["Body"].read().decode()
virtual = boto3.client("s3", endpoint_url=s3.meta.endpoint_url.replace("127.0.0.1", "localhost"), config=botocore.config.Config(s3={"addressing_style": "virtual"}))
head = virtual.head_object(Bucket="data-222222222222", Key="k/1")["ContentLength"]
url = s3.generate_presigned_url("get_object", Params={"Bucket": "data-222222222222", "Key": "k/1"})
import urllib.request
presigned = urllib.request.urlopen(url).read().decode()
print(json.dumps([names, missing, body, head, presigned]))
`

func TestBoto3Works(t *testing.T) {
	p := clientAs(t, listen(t, newCloud(t, Options{})), keyOf("alice"), "secret of alice", "")
	stdout, stderr := p.run("python3", "-c", pythonProgram)
	if want := `[["alice", "bob", "fay"], 404, "body", 4, "body"]` + "\n"; stdout != want {
		t.Errorf("got %s, want %s %s", stdout, want, stderr)
	}
}
