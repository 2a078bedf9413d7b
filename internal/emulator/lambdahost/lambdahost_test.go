package lambdahost

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/emulator/lambdasvc"
)

// TestMain makes the test binary a function, whose event is an order.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(work)
		return
	}
	os.Exit(m.Run())
}

type order struct {
	Log, Fail, Write, WaitFor string
	Exit                      int
	Hang                      bool
}

func work(ctx context.Context, o order) (map[string]string, error) {
	fmt.Println(o.Log)
	if o.Write != "" {
		text := fmt.Sprintf("%d\n%s", os.Getpid(), strings.Join(os.Environ(), "\n"))
		if id, getenv, ok := Renewed(ctx); ok {
			text = fmt.Sprintf("%d\ninstance=%s\nOWN=%s\nroot=%s", os.Getpid(), id, getenv("OWN"), getenv("LAMBDA_TASK_ROOT"))
		}
		if err := os.WriteFile(o.Write, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	for o.WaitFor != "" {
		if _, err := os.Stat(o.WaitFor); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if o.Hang {
		select {}
	}
	if o.Exit > 0 {
		os.Exit(o.Exit)
	}
	if o.Fail != "" {
		return nil, errors.New(o.Fail)
	}
	return map[string]string{}, nil
}

func packed(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"bootstrap", "forcemfa.yaml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func newHost(t *testing.T, now func() time.Time) *Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Options{Endpoint: "http://127.0.0.1:1", Now: now, Program: func(string) (*exec.Cmd, error) { return exec.Command(self), nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// invocation is an event for a function whose package is code.
func invocation(t *testing.T, code []byte, id string, o order) *engine.Invocation {
	t.Helper()
	payload, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &lambdasvc.Function{ARN: "arn:aws:lambda:us-east-1:111122223333:function:f", Name: "f", ID: "id", Code: code, Revision: 1, Reserved: lambdasvc.NoReservation}
	f.Timeout, f.MemorySize, f.Environment = 60, 128, map[string]string{"OWN": "value"}
	return &engine.Invocation{
		Account: "111122223333", Region: "us-east-1", Function: f, RequestID: id, Payload: payload,
		Credentials: aws.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "s", SessionToken: "t"},
	}
}

func read(t *testing.T, name string) (pid string, env []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[0], lines[1:]
}

// A function has the environment and the files that Lambda gives it, and nothing of this
// process; an instance serves one event after the other, until its function changes.
func TestAnInstanceServesEventsWithTheEnvironmentOfLambda(t *testing.T) {
	t.Setenv("FORCEMFATEST_SECRET", "of this process")
	clock := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	h := newHost(t, func() time.Time { return clock })
	code, file := packed(t), filepath.Join(t.TempDir(), "out")
	run := func(id string, change func(*lambdasvc.Function)) (pid string, env []string) {
		t.Helper()
		i := invocation(t, code, id, order{Log: "event " + id, Write: file})
		if change != nil {
			change(i.Function)
		}
		log, err := h.Run(t.Context(), i)
		if err != nil || string(log) != "event "+id+"\n" {
			t.Fatalf("event %s: %q, %v", id, log, err)
		}
		return read(t, file)
	}
	first, env := run("1", nil)
	has := map[string]string{}
	for _, line := range env {
		name, value, _ := strings.Cut(line, "=")
		has[name] = value
	}
	for name, want := range map[string]string{
		"OWN": "value", "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_ACCESS_KEY_ID": "ASIA",
		"AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "FORCEMFATEST_SECRET": "", "HOME": "",
	} {
		if has[name] != want {
			t.Errorf("%s is %q, want %q", name, has[name], want)
		}
	}
	if _, err := os.Stat(filepath.Join(has["LAMBDA_TASK_ROOT"], "forcemfa.yaml")); err != nil {
		t.Errorf("a file of the package: %v", err)
	}
	if again, _ := run("2", nil); again != first {
		t.Error("the second event started a second process")
	}
	changed, _ := run("3", func(f *lambdasvc.Function) { f.Revision = 2 })
	if changed == first {
		t.Error("the process serves a function that has changed")
	}
	clock = clock.Add(lifetime)
	if later, _ := run("4", func(f *lambdasvc.Function) { f.Revision = 2 }); later == changed {
		t.Error("the process outlives its credentials")
	}
}

// A process that can be renewed begins the next instance when its function has changed or
// its instance has expired. Another function, or an event at the same time, has a process
// of its own.
func TestAProcessIsRenewed(t *testing.T) {
	clock := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	h := newHost(t, func() time.Time { return clock })
	h.o.Renew = true
	code, file := packed(t), filepath.Join(t.TempDir(), "out")
	run := func(name string, revision int) (pid string, env []string) {
		t.Helper()
		i := invocation(t, code, name, order{Write: file})
		i.Function.ARN, i.Function.Revision = i.Function.ARN+name, revision
		i.Function.Environment = map[string]string{"OWN": fmt.Sprintf("revision %d, ünd %q", revision, name)}
		if _, err := h.Run(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		return read(t, file)
	}
	first, env := run("a", 1)
	want := func(got []string, instance, own string) {
		t.Helper()
		if got[0] != "instance="+instance || got[1] != "OWN="+own || !strings.HasPrefix(got[2], "root="+h.folder) {
			t.Errorf("%q, want the instance %s", got, instance)
		}
	}
	want(env, "1", `revision 1, ünd "a"`)
	again, env := run("a", 1)
	want(env, "1", `revision 1, ünd "a"`)
	changed, env := run("a", 2)
	want(env, "2", `revision 2, ünd "a"`)
	clock = clock.Add(lifetime)
	later, env := run("a", 2)
	want(env, "3", `revision 2, ünd "a"`)
	other, env := run("b", 1)
	want(env, "4", `revision 1, ünd "b"`)
	if again != first || changed != first || later != first || other == first {
		t.Errorf("processes %s, %s, %s, %s of a function, and %s of another", first, again, changed, later, other)
	}
	for one := range h.all {
		one.end()
	}
	fresh, env := run("a", 2)
	want(env, "5", `revision 2, ünd "a"`)
	if fresh == first {
		t.Error("an event went to a process that has ended")
	}
}

func TestAFailedEventSaysHow(t *testing.T) {
	h, code := newHost(t, time.Now), packed(t)
	for _, row := range []struct {
		name  string
		order order
		want  string
		exit  bool
	}{
		{"an error", order{Log: "l", Fail: "no rights"}, "errorString: no rights", false},
		{"an exit", order{Log: "l", Exit: 7}, "Runtime.ExitError: Runtime exited with error: exit status 7", true},
		{"no answer in time", order{Log: "l", Hang: true}, "Task timed out after 1.00 seconds", false},
		{"none", order{Log: "l"}, "", false},
	} {
		i := invocation(t, code, "request "+row.name, row.order)
		if row.order.Hang {
			i.Function.Timeout = 1
		}
		log, err := h.Run(t.Context(), i)
		switch {
		case err == nil && row.want == "":
		case err == nil || row.want == "" || !strings.Contains(err.Error(), row.want) || IsExit(err) != row.exit:
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
		if !row.order.Hang && !strings.HasPrefix(string(log), "l\n") { // a slow machine starts the process in more than a second
			t.Errorf("%s: the log is %q", row.name, log)
		}
	}
}

// Reserved concurrency is how many events run at the same time.
func TestReservedConcurrencyIsKept(t *testing.T) {
	h, code, folder := newHost(t, time.Now), packed(t), t.TempDir()
	gate := filepath.Join(folder, "gate")
	done := make(chan error, 2)
	for n := range 2 {
		i := invocation(t, code, fmt.Sprint(n), order{WaitFor: gate})
		i.Function.Reserved = 2
		go func() {
			_, err := h.Run(context.Background(), i)
			done <- err
		}()
		for busy := 0; busy <= n; time.Sleep(time.Millisecond) {
			h.mu.Lock()
			busy = h.running[i.Function.ARN]
			h.mu.Unlock()
		}
	}
	third := invocation(t, code, "3", order{})
	third.Function.Reserved = 2
	if _, err := h.Run(t.Context(), third); !errors.Is(err, engine.ErrThrottled) {
		t.Errorf("the third event at the same time: %v", err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Run(t.Context(), third); err != nil {
		t.Errorf("the event after them: %v", err)
	}
}

func TestAPackageThatCannotStartIsAnError(t *testing.T) {
	h := newHost(t, time.Now)
	h.o.Program = bootstrap
	for name, code := range map[string][]byte{"not a zip file": []byte("text"), "not a program": packed(t)} {
		if _, err := h.Run(t.Context(), invocation(t, code, "1", order{})); err == nil || !strings.Contains(err.Error(), "Runtime.InvalidEntrypoint") {
			t.Errorf("%s, on %s: %v", name, runtime.GOOS, err)
		}
	}
}
