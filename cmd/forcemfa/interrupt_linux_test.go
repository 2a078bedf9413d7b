package main

import (
	"strings"
	"testing"
)

// Ctrl-C at a prompt ends the program as the shell expects, whichever verb prompts.
func TestCtrlCAtAPromptIsAnInterruption(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, "111111111111/alice", "")
	for _, args := range [][]string{
		{"login", "alice"}, {"exec", "alice", "--", "true"}, {"export", "alice"}, {"credential-process", "--profile", "alice"},
	} {
		term := n.inTerminal(append([]string{"forcemfa"}, args...)...)
		term.Expect("Enter MFA code for ")
		term.Type("\x03")
		term.Expect("forcemfa: interrupted")
		if status := term.Wait(); status != 130 || !term.Echoes() || strings.Contains(term.Shown(), "context") {
			t.Errorf("%s: status %d:\n%s", args[0], status, term.Shown())
		}
	}
}
