package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"forcemfa/internal/testclients"
)

// secrets are the names of a script's secrets by value.
type secrets map[string]string

// secretsKey is the key of the secrets among the values of a script. They are not
// in its environment, which every program gets.
type secretsKey struct{}

func secretsOf(ts *testscript.TestScript) secrets {
	return ts.Value(secretsKey{}).(secrets)
}

func secret(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		value := ts.Getenv(name)
		if len(value) < 6 {
			ts.Fatalf("%s is too short: it could appear by chance", name)
		}
		secretsOf(ts)[value] = name
	}
}

// noLeak runs forcemfa under strace where it is installed, which shows every
// program that starts.
func noLeak(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: noleak N VERB…")
	}
	command := []string{args[0], "env"}
	for _, name := range secretsOf(ts) {
		if !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "FORCEMFA_") {
			command = append(command, "-u", name) // a variable of the script, not an input of the program
		}
	}
	trace := filepath.Join(ts.Getenv("WORK"), "started")
	traced, err := testclients.Has("strace", ts.Name())
	ts.Check(err)
	if traced {
		command = append(command, "strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-v", "-s", "8192", "-o", trace)
	}
	status(ts, false, append(append(command, "forcemfa"), args[1:]...))
	for value, name := range secretsOf(ts) {
		for _, stream := range []string{"stdout", "stderr"} {
			if strings.Contains(ts.ReadFile(stream), value) {
				ts.Fatalf("%s shows %s:\n%s", stream, name, ts.ReadFile(stream))
			}
		}
	}
	if traced {
		text, err := os.ReadFile(trace)
		ts.Check(err)
		ts.Check(os.Remove(trace))
		noSecretInPrograms(ts, string(text))
	}
}

// started matches a line of strace: process, program, arguments, environment.
var started = regexp.MustCompile(`^(\d+) +execve\(("(?:[^"\\]|\\.)*"), \[(.*?)\], \[(.*)\]\) += 0`)

// noSecretInPrograms checks the arguments of every program, and the environment of
// those that forcemfa started.
func noSecretInPrograms(ts *testscript.TestScript, trace string) {
	seen := 0
	for line := range strings.Lines(trace) {
		m := started.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seen++
		for value, name := range secretsOf(ts) {
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
