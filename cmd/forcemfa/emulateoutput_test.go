//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The exports are for a shell and do not grow with the organization; everybody's keys
// are in the file, which only its owner can read.
func TestEmulatePrintsSixLinesAndWritesPrincipals(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "principals.json")
	cmd := exec.Command("forcemfa", "emulate", "--principals", file)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	_, err = stderr.Read(make([]byte, 1)) // written after the lines
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	if len(lines) != 6 {
		t.Fatalf("emulate prints %d lines:\n%s", len(lines), stdout.String())
	}
	var w served
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	if len(w.Principals) < 10 {
		t.Errorf("%s lists only %d users", file, len(w.Principals))
	}
	for _, want := range []string{"AWS_ENDPOINT_URL=" + w.Endpoint, "AWS_ACCESS_KEY_ID=" + w.Principals[0].AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + w.Principals[0].SecretAccessKey} {
		if !strings.Contains(stdout.String(), "export "+want+"\n") {
			t.Errorf("no export of %s in:\n%s", want, stdout.String())
		}
	}
	if !strings.Contains(lines[5], file) {
		t.Errorf("the last line names no file: %s", lines[5])
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v", info.Mode(), err)
	}
}

// The console is at the URL that emulate prints, and nowhere else; AWS Sign-In is at the
// endpoint of AWS.
func TestEmulateServesTheConsole(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("forcemfa", "emulate", "--console", "-o", "json")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	var w struct{ Console, Endpoint string }
	if err := json.NewDecoder(stdout).Decode(&w); err != nil {
		t.Fatal(err)
	}
	page, err := url.Parse(w.Console)
	if err != nil || page.Hostname() != "127.0.0.1" || len(page.Path) < 20 {
		t.Fatalf("the URL of the console is %q: %v", w.Console, err)
	}
	root := *page
	root.Path = "/"
	for address, want := range map[string]string{
		page.String(): "Sign in as an IAM user", root.String(): "404 page not found", w.Endpoint + "/v1/authorize": "response_type must be code",
	} {
		r, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, want %q in:\n%s", address, err, want, text)
		}
	}
}
