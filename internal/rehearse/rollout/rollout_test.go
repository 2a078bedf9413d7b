package rollout

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/rehearse"
	"forcemfa/internal/testdepth"
	"forcemfa/policy/arn"
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
	o.Config, o.Program = sample.Config(), program
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
	story := played(t, Options{})
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

// A killer kills the process that makes one of the calls of the functions.
type killer struct {
	at func(call int, r *emulator.Record) bool // whether it is this call

	mu     sync.Mutex
	pids   map[string]int // by account
	calls  int
	killed int // a process
}

func (k *killer) started(function string, pid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if named, err := arn.Parse(function); err == nil && strings.HasSuffix(function, ":"+deploy.FunctionName) {
		k.pids[named.Account] = pid
	}
}

// observe is called before the function gets its answer.
func (k *killer) observe(r emulator.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Caller.Role == nil || r.Caller.Role.Name != deploy.FunctionRole || k.killed > 0 {
		return
	}
	if k.calls++; !k.at(k.calls, &r) {
		return
	}
	pid := k.pids[r.Caller.Account]
	if p, err := os.FindProcess(pid); err == nil && p.Kill() == nil {
		k.killed = pid
	}
}

// A process of a function that is killed, wherever that is, only delays the end.
func TestAKilledProcessOnlyDelaysTheEnd(t *testing.T) {
	testdepth.Need(t)
	points := map[string]func(int, *emulator.Record) bool{
		"AddUserToGroup": func(_ int, r *emulator.Record) bool { return r.Operation == "AddUserToGroup" },
		"call 60":        func(call int, _ *emulator.Record) bool { return call == 60 },
	}
	if *whole {
		for n := 1; n < 900; n += 37 {
			points[fmt.Sprint("call ", n)] = func(call int, _ *emulator.Record) bool { return call == n }
		}
	}
	for name, at := range points {
		t.Run(name, func(t *testing.T) {
			k := &killer{at: at, pids: map[string]int{}}
			story := played(t, Options{Only: []string{"plan", "deploy", "schedule", "event", "tampering"}, Patience: 15, Started: k.started, Observe: k.observe})
			if k.killed == 0 {
				t.Fatalf("no process was killed: %d calls were made", k.calls)
			}
			if !story.Passed() {
				t.Errorf("process %d was killed:\n%s", k.killed, text(t, story))
			}
		})
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
