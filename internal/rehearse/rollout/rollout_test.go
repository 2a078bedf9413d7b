package rollout

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/rehearse"
)

var (
	update = flag.Bool("update", false, "write the transcript anew")
	whole  = flag.Bool("whole", false, "try every statement of the templates, which takes minutes")
)

// TestMain makes the test binary the program of a function too.
func TestMain(m *testing.M) {
	if os.Getenv(clockVariable) != "" {
		fmt.Fprintln(os.Stderr, ServeFunction(context.Background(), os.Getenv, os.Stdout))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// program is the command of a function in its own process.
func program() *exec.Cmd {
	return &exec.Cmd{Path: os.Args[0], Args: []string{os.Args[0]}}
}

// played is the story with some options.
func played(t *testing.T, o Options) *Story {
	t.Helper()
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	if o.Baseline, err = box.Baseline(); err != nil {
		t.Fatal(err)
	}
	o.Config = sample.Config()
	story, err := Run(t.Context(), box, o)
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func text(t *testing.T, s *Story) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Text(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const transcript = "../../../docs/rollout.md"

// varying are the times, which depend on the order of concurrent calls.
var varying = regexp.MustCompile(`day \d+ \d\d:\d\d:\d\d|[0-9hm.]+s later|[0-9.]+ days`)

// docs/rollout.md has the transcript of the story, in which every function is a process.
func TestTheDeploymentWorksAsDocumented(t *testing.T) {
	story := played(t, Options{Program: program})
	got := text(t, story)
	if !story.Passed() || len(story.Chapters) != len(chapters) {
		t.Fatalf("the deployment does not work:\n%s", got)
	}
	page, err := os.ReadFile(transcript)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), "<!-- transcript: written by go test ./internal/rehearse/rollout -update -->\n```\n")
	want, after, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatalf("%s has no transcript", transcript)
	}
	if *update {
		whole := before + "<!-- transcript: written by go test ./internal/rehearse/rollout -update -->\n```\n" + got + "```\n" + after
		if err := os.WriteFile(transcript, []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(varying.ReplaceAllString(want, "…"), varying.ReplaceAllString(got, "…")); diff != "" {
		t.Errorf("%s (-documented +played):\n%s", transcript, diff)
	}
}

// A killer ends a function at one of its calls.
type killer struct {
	next http.RoundTripper
	left *atomic.Int64 // calls until then
	dead atomic.Bool
}

// RoundTrip implements http.RoundTripper. The SDK does not retry its error.
func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.dead.Load() || k.left.Add(-1) == 0 {
		k.dead.Store(true)
		return nil, &aws.RequestCanceledError{Err: fmt.Errorf("killed")}
	}
	return k.next.RoundTrip(r)
}

// Killed reports whether the function has ended.
func (k *killer) Killed() bool { return k.dead.Load() }

// A function that is killed, wherever that is, only delays the end.
func TestAKilledFunctionOnlyDelaysTheEnd(t *testing.T) {
	points := []int64{61}
	if *whole {
		for n := int64(1); n < 900; n += 37 {
			points = append(points, n)
		}
	}
	for _, point := range points {
		t.Run(fmt.Sprint("call ", point), func(t *testing.T) {
			var left atomic.Int64
			left.Store(point)
			story := played(t, Options{Only: []string{"plan", "deploy", "schedule", "event", "tampering"}, Patience: 15, Transport: func(function string, next http.RoundTripper) http.RoundTripper {
				if function != deploy.FunctionName {
					return next
				}
				return &killer{next: next, left: &left}
			}})
			if left.Load() > 0 {
				t.Fatalf("only %d calls were made", point-left.Load())
			}
			if !story.Passed() {
				t.Errorf("killed at call %d:\n%s", point, text(t, story))
			}
		})
	}
}

// A process of a function that is killed, while it works, only delays the end.
func TestAKilledProcessOnlyDelaysTheEnd(t *testing.T) {
	var mu sync.Mutex
	var pid, killed int
	kill := func(r emulator.Record) {
		mu.Lock()
		defer mu.Unlock()
		if killed == 0 && r.Operation == "AddUserToGroup" && r.Caller.Role != nil && r.Caller.Role.Name == deploy.FunctionRole {
			p, err := os.FindProcess(pid)
			if err == nil && p.Kill() == nil {
				killed = pid
			}
		}
	}
	started := func(_ string, now int) {
		mu.Lock()
		defer mu.Unlock()
		pid = now
	}
	story := played(t, Options{Program: program, Only: []string{"plan", "deploy", "schedule", "event"}, Patience: 15, Started: started, Observe: kill})
	if killed == 0 {
		t.Fatal("no process was killed")
	}
	if !story.Passed() {
		t.Errorf("process %d was killed:\n%s", killed, text(t, story))
	}
}

func TestMessagesThatSlackRefusesAreFound(t *testing.T) {
	for body, good := range map[string]bool{
		`{"text":"a","blocks":[{"type":"header","text":{"type":"plain_text","text":"a"}}]}`:                                  true,
		`{"text":"a","blocks":[{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("a", 151) + `"}}]}`:   false,
		`{"text":"a","blocks":[{"type":"section","fields":[{"type":"mrkdwn","text":"` + strings.Repeat("a", 2001) + `"}]}]}`: false,
		`{"text":"a","blocks":[]}`:                                      false,
		`{"text":"","blocks":[{"type":"divider"}]}`:                     false,
		`{"text":"a","blocks":[{"type":"section","text":{"text":""}}]}`: false,
		`text`: false,
	} {
		if _, err := checkBlocks([]byte(body)); (err == nil) != good {
			t.Errorf("%.80s: %v", body, err)
		}
	}
}
