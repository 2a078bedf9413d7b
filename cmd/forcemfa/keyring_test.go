//go:build keyring

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTheSecretServiceKeepsKeysAndSessions talks to a gnome-keyring-daemon on a
// bus of its own, with a keyring of its own; both must be installed.
func TestTheSecretServiceKeepsKeysAndSessions(t *testing.T) {
	t.Parallel()
	scripts := scenarios(setup)
	scripts.Dir = "testdata/keyring"
	testscript.Run(t, scripts)
}
