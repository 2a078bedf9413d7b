package session_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/session"
)

// A program that never prints a code must not keep the lock of a session: the person at
// the terminal is asked instead.
func TestACommandForCodesThatHangsFallsBackToTheTerminal(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the command is a shell command")
	}
	r := newRig(t)
	r.settings(identity, "[profile jonas]\nmfa_process = sleep 3 & sleep 3\n", "jonas")
	m := r.manager()
	m.ProcessTime = 100 * time.Millisecond
	if _, err := m.Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
		t.Fatal(err)
	}
	if len(r.asked) != 1 || !slices.ContainsFunc(r.said, func(s string) bool { return strings.Contains(s, "printed no code in time (100ms)") }) {
		t.Errorf("asked %q, said %q", r.asked, r.said)
	}
}

func TestACommandForCodesThatHangsIsAnErrorWithoutATerminal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is a shell command")
	}
	r := newRig(t)
	r.settings(identity, "[profile jonas]\nmfa_process = exec sleep 60\n", "jonas")
	m := r.manager()
	m.Codes, m.ProcessTime = session.CodeSource{Default: true}, 100*time.Millisecond
	_, err := m.Session(t.Context(), session.Request{Profile: "jonas"})
	if err == nil || !strings.Contains(err.Error(), "printed no code in time") {
		t.Errorf("error %v", err)
	}
}
