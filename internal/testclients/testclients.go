// Package testclients decides whether a test can use a program that the project
// does not build: the AWS CLI, boto3, Terraform, moto_server, cfn-lint, a browser,
// another shell, strace.
//
// A test names what it needs with [Need]. Where a client is not installed the test
// is skipped with one line that names it, so "go test ./..." passes on a machine
// that has only Go and git. Two settings change that:
//
//   - FORCEMFATEST_REQUIRE_CLIENTS=1 makes every such skip a failure. CI sets it.
//   - FORCEMFATEST_SKIPPED=FILE appends a line for each skip to FILE, because
//     "go test" hides what a package that passes prints.
//
// Clients that take seconds of processor time, such as Terraform and a browser, are used
// where clients are required, and with FORCEMFATEST_LONG=1.
//
// Only tests import this package.
package testclients

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The settings, read only when a test is about to be skipped or names a slow client: the
// go command keeps the result of any other package in its cache, whatever they say.
const (
	requireVariable = "FORCEMFATEST_REQUIRE_CLIENTS"
	skippedVariable = "FORCEMFATEST_SKIPPED"
)

// A T is the part of [testing.TB] and of testscript.T that is used here.
type T interface {
	Skip(...any)
	Fatal(...any)
}

// Need skips the test unless every client is installed. A client is the name of a
// program, or one of:
//
//	awscli2          version 2 of the AWS CLI (see [AWSCLI2]); aws may be version 1
//	boto3, botocore, cryptography
//	                 python3 with this module
//	chromium         Chromium or Google Chrome
//	terraform        Terraform and its provider for AWS (see [TerraformPlugins])
//	@aws-sdk/…, @duckdb/node-api, dt-sql-parser, esbuild
//	                 Node with this module (see [NodeModules])
func Need(t T, clients ...string) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	name := ""
	if n, ok := t.(interface{ Name() string }); ok {
		name = n.Name()
	}
	for _, client := range clients {
		has, err := Has(client, name)
		if err != nil {
			t.Fatal(err)
		}
		if !has {
			t.Skip("skipped: " + missing(client))
		}
	}
}

// Has reports whether a client is installed, for a test that does less without
// it. A client that is missing is listed as if test had been skipped, and is an
// error where clients are required.
func Has(client, test string) (bool, error) {
	why := missing(client)
	if why == "" {
		preload(client)
		return true, nil
	}
	if os.Getenv(requireVariable) != "" {
		return false, fmt.Errorf("%s, and %s is set", why, requireVariable)
	}
	return false, record(test, why)
}

// Command is [exec.Command] for a client that the test needs.
func Command(t T, client string, args ...string) *exec.Cmd {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	Need(t, client)
	if client == "awscli2" {
		client = AWSCLI2()
	}
	return exec.Command(client, args...)
}

// Environment holds the variables that a client needs to start when the test
// gives it another home directory: PATH, and where pyenv keeps its versions.
func Environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	root := os.Getenv("PYENV_ROOT")
	if home, err := os.UserHomeDir(); root == "" && err == nil {
		root = filepath.Join(home, ".pyenv")
	}
	if root != "" {
		env = append(env, "PYENV_ROOT="+root)
	}
	if version := os.Getenv("PYENV_VERSION"); version != "" {
		env = append(env, "PYENV_VERSION="+version)
	}
	return env
}

// Run runs the tests of a package, stops what [Moto] and [Need] started and prints
// the list of what was skipped. TestMain passes its result to os.Exit.
func Run(m interface{ Run() int }) int {
	startPreloads()
	status := m.Run()
	stopMoto()
	stopPreloads()
	printSkipped(os.Stdout)
	return status
}

var _ interface{ Run() int } = (*testing.M)(nil)

var skipped struct {
	sync.Mutex
	lines []string
}

// record appends a skip to the list of this package and to the file of the run.
func record(test, why string) error {
	skipped.Lock()
	defer skipped.Unlock()
	line := fmt.Sprintf("%s %s: %s", packagePath(), test, why)
	if slices.Contains(skipped.lines, line) {
		return nil
	}
	skipped.lines = append(skipped.lines, line)
	name := os.Getenv(skippedVariable)
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("record a skipped test: %w", err)
	}
	_, err = fmt.Fprintln(file, line) // one write, so that packages do not mix their lines
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func printSkipped(w io.Writer) {
	skipped.Lock()
	defer skipped.Unlock()
	if len(skipped.lines) > 0 {
		fmt.Fprintf(w, "skipped for lack of a client:\n  %s\n", strings.Join(skipped.lines, "\n  "))
	}
}

// packagePath is the folder of the package under test, seen from its module.
func packagePath() string {
	dir, err := os.Getwd()
	if err != nil {
		return "?"
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			path, _ := filepath.Rel(root, dir) // both are absolute
			return filepath.ToSlash(path)
		}
		if root == filepath.Dir(root) {
			return dir
		}
	}
}
