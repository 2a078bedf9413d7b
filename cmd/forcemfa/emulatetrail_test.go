package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/trail"
)

// configAs is the config of a user of a served world.
func (w served) configAs(t *testing.T, name string) aws.Config {
	t.Helper()
	i := slices.IndexFunc(w.Principals, func(p principal) bool { return p.Account+"/"+p.Name == name })
	if i < 0 {
		t.Fatalf("%s has no access key in this world", name)
	}
	p := w.Principals[i]
	return aws.Config{Region: w.Region, BaseEndpoint: &w.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(p.AccessKeyID, p.SecretAccessKey, ""), RetryMaxAttempts: 1}
}

// The records of --trail are those of a trail's bucket: reads, data events, refused calls
// and AssumeRole in both accounts, readable by the reader of impact.
func TestEmulateWritesCloudTrailRecords(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "logs")
	w, end := startEmulate(t, "--trail", dir)
	admin, hugo := w.configAs(t, "111111111111/admin"), w.configAs(t, "222222222222/hugo")
	_, _ = iam.NewFromConfig(admin).ListUsers(t.Context(), nil)
	_, _ = iam.NewFromConfig(hugo).DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("olga")})
	_, _ = s3.NewFromConfig(admin, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String("k")})
	_, _ = sts.NewFromConfig(hugo).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::333333333333:role/PrivilegedActionsRole"), RoleSessionName: aws.String("hugo")})
	if status := end(syscall.SIGTERM); status != 0 {
		t.Errorf("emulate ended with %d", status)
	}
	var lines []string
	log := trail.Log{Places: []trail.Place{{FS: os.DirFS(dir), Root: ".", Name: dir}}, Workers: 1}
	summary, err := log.Read(context.Background(), func() func(*trail.Call) {
		return func(c *trail.Call) {
			if c.Address != "127.0.0.1" {
				t.Errorf("%s from %s", c.Name, c.Address)
			}
			if slices.Contains([]string{"admin", "hugo", ""}, c.Caller.User) {
				lines = append(lines, strings.TrimSpace(strings.Join([]string{c.Account, c.Category, c.Name, c.Caller.Type, c.ErrorCode}, " ")))
			}
		}
	})
	if err != nil || len(summary.Problems) != 0 || summary.Unordered {
		t.Fatalf("%+v %v", summary, err)
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		`(?m)^111111111111 Management ListUsers IAMUser$`, `(?m)^222222222222 Management DeleteUser IAMUser AccessDenied$`,
		`(?m)^111111111111 Data GetObject IAMUser`, `(?m)^222222222222 Management AssumeRole IAMUser`, `(?m)^333333333333 Management AssumeRole AWSAccount`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("no record %s in\n%s", want, got)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "AWSLogs", "o-*", "222222222222", "CloudTrail", "us-east-1", "*", "*", "*", "222222222222_CloudTrail_us-east-1_*Z_*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Errorf("no files in the layout of a trail: %v", err)
	}
}

func TestEmulateReportsAtOnceThatItCannotWriteATrail(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("forcemfa", "emulate", "--trail", name).CombinedOutput()
	out := string(text)
	if err == nil || !strings.Contains(out, "--trail "+name+": ") || !strings.Contains(out, "name a folder") {
		t.Errorf("%v %s", err, out)
	}
}
