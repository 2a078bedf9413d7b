package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
)

// ask calls the control endpoint of a served world.
func (w served) ask(t *testing.T, method, path, body string, answer any) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, w.Control.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+w.Control.Token)
	out, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if err := json.NewDecoder(out.Body).Decode(answer); err != nil || out.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v", method, path, out.Status, err)
	}
}

// advance moves the clock of a served world, and returns by how much it was moved in all.
func (w served) advance(t *testing.T, by string) string {
	t.Helper()
	var state struct{ Advanced string }
	w.ask(t, http.MethodPost, "/clock", `{"advance":"`+by+`"}`, &state)
	return state.Advanced
}

// withMFA is the config of a session of a user with a code of the user's device.
func (w served) withMFA(t *testing.T, name string) aws.Config {
	t.Helper()
	config := w.configAs(t, name)
	i := slices.IndexFunc(w.Principals, func(p principal) bool { return p.Account+"/"+p.Name == name })
	serial := w.Principals[i].MFA[0].Serial
	var device struct{ Code string }
	w.ask(t, http.MethodGet, "/code?serial="+url.QueryEscape(serial), "", &device)
	out, err := sts.NewFromConfig(config).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &device.Code})
	if err != nil {
		t.Fatal(err)
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return config
}

// A stack that a client creates from the template runs its function: on its schedule and
// on events, when the clock is moved.
func TestEmulateRunsTheFunctionsOfAStack(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, _ := startEmulate(t, "--control", "--clock", "manual")
	admin := w.configAs(t, "111111111111/admin")
	config := []byte("version: 1\n")
	b, err := baseline.Parse("forcemfa.yaml", config)
	if err != nil {
		t.Fatal(err)
	}
	template, err := deploy.Render(deploy.Member, b, "aws")
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := deploy.Pack(deploy.Placeholder(deploy.ARM64), config, deploy.ARM64)
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(admin, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("code-of-the-function")
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("key.zip"), Body: bytes.NewReader(pkg.Zip)}); err != nil {
		t.Fatal(err)
	}
	trails := cloudtrail.NewFromConfig(admin)
	if _, err := trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("own"), S3BucketName: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("own")}); err != nil {
		t.Fatal(err)
	}
	parameter := func(name, value string) cfntypes.Parameter {
		return cfntypes.Parameter{ParameterKey: &name, ParameterValue: &value}
	}
	stacks := cloudformation.NewFromConfig(admin)
	_, err = stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("forcemfa"), TemplateBody: aws.String(string(template)), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters: []cfntypes.Parameter{parameter("S3Bucket", *bucket), parameter("S3Key", "key.zip"), parameter("Mode", "enforce"), parameter("ConfigHash", pkg.ConfigHash)},
	})
	if err != nil {
		t.Fatal(err)
	}
	// A function that waits for the credential report moves the clock some seconds further.
	if got := w.advance(t, "25h"); !strings.HasPrefix(got, "25h0m") {
		t.Errorf("the clock was moved by %s", got)
	}
	if _, err := stacks.ListStacks(ctx, nil); err == nil || !strings.Contains(err.Error(), "explicit deny") {
		t.Errorf("after the scheduled scan, the administrator without MFA: %v", err)
	}
	admin = w.withMFA(t, "111111111111/admin")
	admin.RetryMaxAttempts = 3 // on a busy machine a connection was closed within an answer
	out, err := cloudformation.NewFromConfig(admin).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("forcemfa")})
	if err != nil || out.Stacks[0].StackStatus != cfntypes.StackStatusCreateComplete {
		t.Fatalf("the stack: %v %+v", err, out)
	}
	users := iam.NewFromConfig(admin)
	enforced := func() (names []string) {
		group, err := users.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String(baseline.GroupName)})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range group.Users {
			names = append(names, *u.UserName)
		}
		return names
	}
	if got := enforced(); !slices.Contains(got, "admin") || slices.Contains(got, "newhire") {
		t.Errorf("after the scheduled scan, the group has %s", got)
	}
	if _, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("newhire")}); err != nil {
		t.Fatal(err)
	}
	w.advance(t, "1m")
	if got := enforced(); !slices.Contains(got, "newhire") {
		t.Errorf("after the event of a new user, the group has %s", got)
	}
}
