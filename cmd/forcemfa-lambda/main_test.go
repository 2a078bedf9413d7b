package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/reconcile"
	"forcemfa/policy/arn"
)

// asProgram has the test binary be the program.
const asProgram = "FORCEMFATEST_LAMBDA"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	account = "111122223333"
	role    = "forcemfa-reconcile"
)

// A runtime is the Lambda Runtime API for one process.
// Source: Lambda Developer Guide, "Using the Lambda runtime API for custom
// runtimes".
type runtime struct {
	server  *httptest.Server
	waiting chan struct{}   // the process asks for the next event
	events  chan invocation // that it gets
	answers chan answer
}

type invocation struct {
	id       string
	payload  string
	deadline time.Time
}

// An answer is a response (failed is false) or an error of the process.
type answer struct {
	id, body string
	failed   bool
}

func newRuntime(t testing.TB) *runtime {
	r := &runtime{waiting: make(chan struct{}, 16), events: make(chan invocation), answers: make(chan answer, 16)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, q *http.Request) {
		r.waiting <- struct{}{}
		select {
		case e := <-r.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", e.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(e.deadline.UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:"+account+":function:forcemfa")
			_, _ = io.WriteString(w, e.payload)
		case <-q.Context().Done():
		}
	})
	took := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			w.WriteHeader(http.StatusAccepted)
			r.answers <- answer{q.PathValue("id"), string(body), failed}
		}
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", took(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", took(true))
	r.server = httptest.NewServer(mux)
	t.Cleanup(func() { r.server.CloseClientConnections(); r.server.Close() })
	return r
}

// A process is the program at work.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	api *runtime

	mu  sync.Mutex
	out bytes.Buffer
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// says waits for a whole line with this text: an answer can be here before what
// was logged ahead of it.
func (p *process) says(text string) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if log := p.log(); strings.Contains(log, text) && strings.HasSuffix(log, "\n") {
			return true
		}
	}
	return false
}

// start runs a program with an environment and nothing else of it.
func start(t testing.TB, program string, env ...string) *process {
	t.Helper()
	p := &process{t: t, api: newRuntime(t), cmd: exec.Command(program)}
	p.cmd.Env = append([]string{
		asProgram + "=1", "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=forcemfa", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(p.api.server.URL, "http://"),
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
	})
	return p
}

// ready waits until the process asks for an event.
func (p *process) ready() {
	p.t.Helper()
	select {
	case <-p.api.waiting:
	case <-time.After(time.Minute):
		p.t.Fatalf("the process does not ask for an event:\n%s", p.log())
	}
}

// invoke gives the process an event and waits for its answer.
func (p *process) invoke(payload string, within time.Duration) answer {
	p.t.Helper()
	p.ready()
	p.api.events <- invocation{id: "request-1", payload: payload, deadline: time.Now().Add(within)}
	select {
	case a := <-p.api.answers:
		return a
	case <-time.After(5 * time.Minute):
		p.t.Fatalf("no answer:\n%s", p.log())
	}
	return answer{}
}

// An account of the embedded AWS on a socket, and the environment that Lambda
// would give a function in it.
func emulated(t testing.TB, users int) (*emulator.Cloud, []string) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	policy := baseline.PolicyARN("aws", account)
	a := &org.Account{
		ID: account, Name: "one", Alias: "acme-one", Partition: "aws", State: "ACTIVE", Read: true,
		Root: org.Root{MFA: org.Yes, HardwareMFA: org.Yes, AccessKeys: org.No, Password: org.Yes},
		Groups: []org.Group{{
			Name: baseline.GroupName, Path: baseline.Path, ARN: baseline.GroupARN("aws", account), Attached: []string{policy},
		}},
		Policies: []org.Policy{{
			ARN: policy, Name: baseline.PolicyName, Path: baseline.Path, Default: "v1",
			Versions: []org.Version{{ID: "v1", Created: now, Document: baseline.Default().Document("aws")}},
		}},
		Roles: []org.Role{{
			Name: role, Path: "/forcemfa/", ARN: arn.IAM("aws", account, "role", "/forcemfa/", role), Created: now.Add(-time.Hour),
			Trust:  `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`,
			Inline: []org.InlinePolicy{{Name: "own", Document: rights(t)}},
		}},
	}
	for i := range users {
		name := fmt.Sprintf("user-%05d", i)
		enabled := now.Add(-time.Hour)
		a.Users = append(a.Users, org.User{
			Name: name, Path: "/", ARN: arn.IAM("aws", account, "user", "/", name), Created: now.AddDate(-1, 0, 0), Groups: []string{baseline.GroupName},
			Inline:   []org.InlinePolicy{{Name: "s3", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}},
			Password: org.Yes, PasswordReset: org.No, MFA: org.Yes,
			Devices: []org.Device{{Serial: arn.IAM("aws", account, "mfa", "/", name), Kind: org.VirtualMFA, Enabled: &enabled}},
		})
	}
	a.Sort()
	h := org.Header{Format: org.Format, Taken: now, Partition: "aws"}
	w, err := world.Load(h, func(yield func(*org.Account, error) bool) { yield(a, nil) }, 5)
	if err != nil {
		t.Fatal(err)
	}
	cloud := emulator.New(w, emulator.Options{})
	server, err := cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	creds, err := cloud.AssumeAs(account, role, "forcemfa")
	if err != nil {
		t.Fatal(err)
	}
	return cloud, []string{
		"AWS_ENDPOINT_URL=" + server.Endpoint, "AWS_ACCESS_KEY_ID=" + creds.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + creds.SecretAccessKey, "AWS_SESSION_TOKEN=" + creds.SessionToken,
	}
}

// rights are the actions that a function needs, on everything: that they are
// bound is tested where they are.
func rights(t testing.TB) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": reconcile.Actions, "Resource": "*"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const configFile = `version: 1
exemptions:
  - {match: {tag: userType=Service}, owner: platform@example.com, reason: workloads}
`

// packed is a directory such as a function finds at LAMBDA_TASK_ROOT.
func packed(t testing.TB) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, reconcile.ConfigName), []byte(configFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return "LAMBDA_TASK_ROOT=" + dir
}

func created(name string) string {
	return `{"version":"0","id":"e-` + name + `","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"` + account + `","time":"2026-01-02T03:04:05Z",
"region":"us-east-1","detail":{"userIdentity":{"type":"Root","arn":"arn:aws:iam::` + account + `:root"},"eventTime":"2026-01-02T03:04:05Z",
"eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"` + name + `"},"eventID":"e-` + name + `"}}`
}

// add makes a user behind AWS's back.
func add(c *emulator.Cloud, name string) {
	c.Update(func(w *world.World) {
		w.Edit(account).Users[name] = &world.User{
			Name: name, Path: "/", ID: "AIDA" + name, Created: time.Now().UTC(), Groups: map[string]bool{}, Inline: map[string]string{},
		}
	})
}

func inGroup(c *emulator.Cloud, name string) (in bool) {
	c.View(func(w *world.World) { in = w.Account(account).Users[name].Groups[world.Fold(baseline.GroupName)] })
	return in
}

func TestTheProcessAnswersEventsOfTheRuntime(t *testing.T) {
	t.Parallel()
	cloud, env := emulated(t, 2)
	cloud.Update(func(w *world.World) {
		w.AddBucket(account, &world.Bucket{Name: "journals", Created: time.Now()})
	})
	add(cloud, "bob")
	p := start(t, os.Args[0], append(env, packed(t), "FORCEMFA_MODE=enforce", "FORCEMFA_JOURNAL=s3://journals/runs/"+account)...)
	got := p.invoke(created("bob"), time.Minute)
	if got.failed || got.id != "request-1" {
		t.Fatalf("answer %+v\n%s", got, p.log())
	}
	var result reconcile.Result
	if err := json.Unmarshal([]byte(got.body), &result); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reconcile.Result{Kind: "event", Users: 3, Enforced: 3, Done: 1, Messages: 1}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if !inGroup(cloud, "bob") {
		t.Error("bob is not in the group")
	}
	entries := 0
	cloud.View(func(w *world.World) {
		for key := range w.Account(account).Buckets["journals"].Objects {
			if strings.HasPrefix(key, "runs/"+account+"/") {
				entries++
			}
		}
	})
	if entries != 4 {
		t.Errorf("the journal has %d entries, want begin, intent, ended and end", entries)
	}
	swept := p.invoke(`{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, time.Minute)
	if swept.failed || !p.says(`"CloudWatchMetrics"`) {
		t.Errorf("scan: %+v\n%s", swept, p.log())
	}
	for n, line := range strings.Split(strings.TrimSpace(p.log()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("line %d of the log is not JSON: %s", n+1, line)
		}
	}
}

func TestAnEventThatFailsIsAnErrorAndNotTheEnd(t *testing.T) {
	t.Parallel()
	cloud, env := emulated(t, 1)
	add(cloud, "bob")
	p := start(t, os.Args[0], append(env, packed(t), "FORCEMFA_MODE=enforce")...)
	if got := p.invoke(`{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":"not an object"}`, time.Minute); !got.failed || !strings.Contains(got.body, "parse event") {
		t.Errorf("an event that cannot be read: %+v", got)
	}
	if got := p.invoke(created("bob"), 30*time.Millisecond); !got.failed || !strings.Contains(got.body, "deadline exceeded") {
		t.Errorf("an event with hardly any time: %+v", got)
	}
	if got := p.invoke(created("bob"), time.Minute); got.failed || !inGroup(cloud, "bob") {
		t.Errorf("the event after them: %+v, in the group: %v\n%s", got, inGroup(cloud, "bob"), p.log())
	}
}

func TestWithoutItsConfigTheProcessOnlyReports(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{
		"none is there":           "LAMBDA_TASK_ROOT=" + t.TempDir(),
		"another one is deployed": "FORCEMFA_CONFIG_HASH=0123",
	} {
		t.Run(name, func(t *testing.T) {
			cloud, given := emulated(t, 1)
			add(cloud, "bob")
			p := start(t, os.Args[0], append(append(given, packed(t), "FORCEMFA_MODE=enforce"), env)...)
			if got := p.invoke(created("bob"), time.Minute); got.failed || inGroup(cloud, "bob") {
				t.Errorf("answer %+v, in the group: %v", got, inGroup(cloud, "bob"))
			}
			if got := p.invoke(`{}`, time.Minute); got.failed || !p.says(`"ConfigProblem":1`) {
				t.Errorf("scan %+v\n%s", got, p.log())
			}
		})
	}
}

func TestTheProcessEndsWhenItIsTold(t *testing.T) {
	_, env := emulated(t, 1)
	p := start(t, os.Args[0], append(env, packed(t))...)
	p.ready()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // by a signal is what is asked for
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the process runs on after SIGTERM")
	}
}

func TestAnEnvironmentThatIsWrongIsNamed(t *testing.T) {
	for env, want := range map[string]string{
		"FORCEMFA_FUNCTION=reconciler":   `FORCEMFA_FUNCTION is "reconciler": want reconcile, central or notifier`,
		"FORCEMFA_MODE=enforced":         `mode "enforced": want report, enforce or off`,
		"FORCEMFA_JOURNAL=/var/journals": `journal place "/var/journals": want s3://BUCKET/PREFIX`,
	} {
		name, value, _ := strings.Cut(env, "=")
		_, err := handler(context.Background(), func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}, io.Discard)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", env, err, want)
		}
	}
}

func TestTheNotifierIsTheSameProgram(t *testing.T) {
	_, env := emulated(t, 1)
	p := start(t, os.Args[0], append(env, "FORCEMFA_FUNCTION=notifier")...)
	p.ready()
	if strings.Contains(p.log(), "forcemfa-lambda:") {
		t.Errorf("the notifier did not start: %s", p.log())
	}
}
