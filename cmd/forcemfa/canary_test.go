package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// canaries are the names, by value, of what must not get out of a script.
type canaries map[string]string

// canariesKey is where a script has its canaries: not in its environment, from
// which every program would have them.
type canariesKey struct{}

func canariesOf(ts *testscript.TestScript) canaries {
	return ts.Value(canariesKey{}).(canaries)
}

func canary(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		value := ts.Getenv(name)
		if len(value) < 6 {
			ts.Fatalf("canary %s is too short to be told from chance", name)
		}
		canariesOf(ts)[value] = name
	}
}

// guarded runs forcemfa as status does. Where there is strace it tells of every
// program that starts.
func guarded(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: guarded N VERB…")
	}
	command := []string{args[0], "env"}
	for _, name := range canariesOf(ts) {
		if !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "FORCEMFA_") {
			command = append(command, "-u", name) // the script's own, not an input
		}
	}
	trace := filepath.Join(ts.Getenv("WORK"), "started")
	_, unavailable := exec.LookPath("strace")
	if unavailable == nil {
		command = append(command, "strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-v", "-s", "8192", "-o", trace)
	}
	status(ts, false, append(append(command, "forcemfa"), args[1:]...))
	for value, name := range canariesOf(ts) {
		for _, stream := range []string{"stdout", "stderr"} {
			if strings.Contains(ts.ReadFile(stream), value) {
				ts.Fatalf("%s shows %s:\n%s", stream, name, ts.ReadFile(stream))
			}
		}
	}
	if unavailable == nil {
		text, err := os.ReadFile(trace)
		ts.Check(err)
		ts.Check(os.Remove(trace))
		noneStartedWith(ts, string(text))
	}
}

// started is a line of strace: which process, what program, its arguments and
// its environment.
var started = regexp.MustCompile(`^(\d+) +execve\(("(?:[^"\\]|\\.)*"), \[(.*?)\], \[(.*)\]\) += 0`)

// noneStartedWith looks at the arguments of every program, and at the
// environment of those that forcemfa started.
func noneStartedWith(ts *testscript.TestScript, trace string) {
	seen := 0
	for line := range strings.Lines(trace) {
		m := started.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seen++
		for value, name := range canariesOf(ts) {
			if strings.Contains(m[3], value) {
				ts.Fatalf("%s was started with %s as an argument", m[2], name)
			}
			if seen > 1 && strings.Contains(m[4], value) {
				ts.Fatalf("%s was started with %s in its environment", m[2], name)
			}
		}
	}
	if seen == 0 {
		ts.Fatalf("strace saw no program start:\n%s", trace)
	}
}
