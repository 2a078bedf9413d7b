package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"forcemfa/internal/org"
	"forcemfa/internal/testclients"
)

// motoAccount is the account of moto.
const motoAccount = "123456789012"

// motoDiffers are the lines of the verbs' results that only one of the two has, - for the
// embedded AWS and + for moto, with the reason. docs/emulator.md has the reasons.
var motoDiffers = differences(map[string]string{
	`- root {"mfa":"no","hardware_mfa":"no","access_keys":"no","password":"no"}`:               "moto's credential report has no row for the root user",
	`+ root {"mfa":"no","hardware_mfa":"no","access_keys":"no","password":""}`:                 "moto's credential report has no row for the root user",
	"+ finding root-no-mfa/123456789012/root critical the root user has no MFA device":         "moto's credential report has no row for the root user",
	"+ finding report-stale/123456789012/account low the credential report was generated at …": "moto's credential report is from 2015",
})

// differences repeats lines for each phase in which the account is read.
func differences(lines map[string]string) map[string]string {
	all := map[string]string{}
	for line, why := range lines {
		for _, phase := range []string{"before", "after", "restored"} {
			all[line[:2]+phase+": "+line[2:]] = why
		}
	}
	return all
}

// The same account, made by the same calls, is read, audited, planned, changed, verified and
// restored alike on the embedded AWS and on moto, an emulator that others wrote.
func TestTheJobGivesTheSameOnMoto(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "moto_server")
	w, _ := startEmulate(t, "--org", oneAccount(t))
	first := w.Principals[0]
	ours := newWorker(t, w.Endpoint, first.AccessKeyID, first.SecretAccessKey).job()
	moto := newWorker(t, testclients.Moto(t), "AKIAIOSFODNN7EXAMPLE", "secret")
	moto.makeCaller()
	theirs := moto.job()
	var got []string
	for _, line := range ours {
		if !slices.Contains(theirs, line) {
			got = append(got, "- "+line)
		}
	}
	for _, line := range theirs {
		if !slices.Contains(ours, line) {
			got = append(got, "+ "+line)
		}
	}
	var want []string
	page := read(t, "../../docs/emulator.md")
	for line, why := range motoDiffers {
		want = append(want, line)
		if !strings.Contains(page, why) {
			t.Errorf("docs/emulator.md does not say that %s", why)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-documented +found):\n%s", d)
	}
	if len(ours) < 30 {
		t.Errorf("only %d lines: %s", len(ours), strings.Join(ours, "\n"))
	}
}

// oneAccount is a file with an organization of one account and its administrator.
func oneAccount(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "one.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	made := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)
	account := org.Account{
		ID: motoAccount, Name: "one", Partition: "aws", State: "ACTIVE", Read: true,
		Users: []org.User{{
			Name: "root-of-test", Path: "/", ARN: "arn:aws:iam::" + motoAccount + ":user/root-of-test", Created: made,
			Inline: []org.InlinePolicy{{Name: "all", Document: callerPolicy}},
			Keys:   []org.AccessKey{{ID: "AKIAIOSFODNN7EXAMPLF", Active: true, Created: &made}},
		}},
	}
	err = org.Write(file, org.Header{Format: org.Format, Taken: made, Partition: "aws"}, func(yield func(*org.Account, error) bool) { yield(&account, nil) })
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// callerPolicy allows the caller everything.
const callerPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// makeCaller makes the user that oneAccount has: moto lets anybody call.
func (w *worker) makeCaller() {
	w.t.Helper()
	name := aws.String("root-of-test")
	_, err := w.iam.CreateUser(w.t.Context(), &iam.CreateUserInput{UserName: name})
	if err == nil {
		_, err = w.iam.CreateAccessKey(w.t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	}
	if err == nil {
		_, err = w.iam.PutUserPolicy(w.t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("all"), PolicyDocument: aws.String(callerPolicy)})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// A worker does the job on one of the two.
type worker struct {
	t       *testing.T
	home    string
	environ []string
	iam     *iam.Client
	lines   []string
}

func newWorker(t *testing.T, endpoint, key, secret string) *worker {
	t.Helper()
	home := t.TempDir()
	config := "version: 1\nexemptions:\n  - {match: {name: root-of-test}, owner: tests, reason: the caller}\n"
	if err := os.WriteFile(filepath.Join(home, "forcemfa.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &worker{
		t: t, home: home,
		environ: append(testclients.Environment(), "HOME="+home, "AWS_ENDPOINT_URL="+endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_EC2_METADATA_DISABLED=true"),
		iam:     iam.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")}),
	}
}

// job makes the account and runs the verbs. It returns what they gave, a fact a line.
func (w *worker) job() []string {
	w.t.Helper()
	w.populate()
	w.report("before")
	w.verb("plan", "plan", "-o", "json")
	run := w.verb("apply", "apply", "--yes", "-o", "json")
	w.report("after")
	w.verb("verify", "verify", "-o", "json")
	w.verb("rollback", "rollback", run, "--yes", "-o", "json")
	w.report("restored")
	return w.lines
}

// populate makes the users, groups, policies and roles of the account.
func (w *worker) populate() {
	w.t.Helper()
	const allows, trusts = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + motoAccount + `"},"Action":"sts:AssumeRole"}]}`
	ctx, c := w.t.Context(), w.iam
	do := func(_ any, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	policy, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("everything"), Path: aws.String("/team/"), PolicyDocument: aws.String(allows)})
	if err != nil {
		w.t.Fatal(err)
	}
	do(c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("devs")}))
	do(c.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("devs"), PolicyArn: policy.Policy.Arn}))
	do(c.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("devs"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(allows)}))
	for _, name := range []string{"ann", "bob", "cy"} {
		do(c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String("/team/"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("red + ü")}}}))
	}
	do(c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: aws.String("ann"), GroupName: aws.String("devs")}))
	do(c.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String("ann"), Password: aws.String("Correct-Horse-1")}))
	do(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("bob")}))
	do(c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(allows)}))
	do(c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: policy.Policy.Arn}))
	do(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("ops"), Path: aws.String("/team/"), AssumeRolePolicyDocument: aws.String(trusts)}))
	do(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("ops"), PolicyArn: policy.Policy.Arn}))
	do(c.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: aws.String("one-for-all")}))
	device, err := c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("ann")})
	if err != nil {
		w.t.Fatal(err)
	}
	code := func(steps time.Duration) *string {
		code, err := totp.GenerateCode(string(device.VirtualMFADevice.Base32StringSeed), time.Now().Add(steps*30*time.Second))
		if err != nil {
			w.t.Fatal(err)
		}
		return &code
	}
	do(c.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: aws.String("ann"), SerialNumber: device.VirtualMFADevice.SerialNumber, AuthenticationCode1: code(-1), AuthenticationCode2: code(0)}))
}

// run runs forcemfa and returns its standard output.
func (w *worker) run(args ...string) []byte {
	w.t.Helper()
	cmd := exec.Command("forcemfa", args...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = w.home, w.environ, &errs
	out, err := cmd.Output()
	if status := cmd.ProcessState.ExitCode(); status == 1 || err != nil && status < 0 {
		w.t.Fatalf("forcemfa %s: status %d, %v\n%s", strings.Join(args, " "), status, err, errs.String())
	}
	return out
}

// A result is what the verbs print that is compared.
type result struct {
	Run      string
	Accounts []struct {
		States   []struct{ Name, State string } `json:"user_states"`
		Findings []struct{ ID, Severity, What string }
	}
	Plan struct {
		Steps []struct{ ID, Blocked string }
	}
	Outcomes []struct {
		Step        struct{ ID string }
		Status, Why string
	}
	Summary struct{ Users, Enforced, Exempt, Open, Unknown int }
	Unread  []struct{ What string }
}

// numbered are times and the IDs of keys.
var numbered = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z)?|AKIA[A-Z0-9]+`)
})

func (w *worker) add(verb string, words ...string) {
	line := verb + ": " + numbered().ReplaceAllString(strings.Join(words, " "), "…")
	if !slices.Contains(w.lines, line) {
		w.lines = append(w.lines, line)
	}
}

// verb runs a verb and adds what it gave. It returns the run, if there is one.
func (w *worker) verb(name string, args ...string) string {
	w.t.Helper()
	out := w.run(args...)
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		w.t.Fatalf("%s: %v in %s", name, err, out)
	}
	for _, a := range r.Accounts {
		for _, s := range a.States {
			w.add(name, "user", s.Name, s.State)
		}
		for _, f := range a.Findings {
			w.add(name, "finding", f.ID, f.Severity, f.What)
		}
	}
	for _, s := range r.Plan.Steps {
		w.add(name, "step", s.ID, s.Blocked)
	}
	for _, o := range r.Outcomes {
		w.add(name, o.Status, o.Step.ID, o.Why)
	}
	for _, u := range r.Unread {
		w.add(name, "not read:", u.What)
	}
	return r.Run
}

// report audits the account and takes a snapshot of it.
func (w *worker) report(phase string) {
	w.t.Helper()
	w.verb(phase, "audit", "-o", "json")
	name := filepath.Join(w.home, phase+".jsonl")
	w.run("snapshot", "--out", name)
	file, err := os.Open(name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	_, accounts, err := org.Read(file)
	if err != nil {
		w.t.Fatal(err)
	}
	for a, err := range accounts {
		if err != nil {
			w.t.Fatal(err)
		}
		w.account(phase, a)
	}
}

// account adds what a snapshot has, except IDs, times and quotas.
func (w *worker) account(phase string, a *org.Account) {
	text := func(v any) string {
		raw, _ := json.Marshal(v) // has no value that cannot be marshaled
		return string(raw)
	}
	w.add(phase, "account", a.ID, a.Alias, a.State)
	w.add(phase, "root", text(a.Root))
	for _, u := range a.Users {
		if u.Name == "root-of-test" {
			continue
		}
		w.add(phase, "user", u.ARN, text(u.Groups), text(u.Inline), text(u.Attached), text(u.Tags))
		w.add(phase, "credentials of", u.Name, text(u.Password), text(len(u.Keys)), text(u.Devices))
	}
	for _, g := range a.Groups {
		w.add(phase, "group", g.ARN, text(g.Inline), text(g.Attached))
	}
	for _, r := range a.Roles {
		w.add(phase, "role", r.ARN, r.Trust, text(r.Inline), text(r.Attached))
	}
	for _, p := range a.Policies {
		w.add(phase, "policy", p.ARN, text(len(p.Versions)), p.Versions[0].Document)
	}
	for _, g := range a.Gaps {
		w.add(phase, "not read:", g.What)
	}
}
