package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everywhere are the programs that every machine with coreutils has, and that the tests build.
var everywhere = []string{"forcemfa", "cat", "chmod", "cut", "env", "head", "rm", "tail", "true", "$HELPER"}

var scriptCommand = regexp.MustCompile(`^((?:\[[^]]+\] )*)[!?]? ?(?:exec|status [0-9]+) (\S+)`)

// A script that starts a client names it with needs, or in the line's condition:
// otherwise it fails where the client is not installed.
func TestScriptsNameTheClientsTheyStart(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	below, _ := filepath.Glob("testdata/*/*.txtar") // an error is one of the pattern
	for _, name := range append(scripts, below...) {
		var needed []string
		for line := range strings.Lines(read(t, name)) {
			if clients, ok := strings.CutPrefix(line, "needs "); ok {
				needed = append(needed, strings.Fields(clients)...)
			}
			m := scriptCommand.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			program := strings.Replace(m[2], "$AWSCLI2", "awscli2", 1)
			if !slices.Contains(slices.Concat(everywhere, needed), program) && !strings.Contains(m[1], "[client:"+program+"]") {
				t.Errorf("%s starts %s without naming it: %s", name, program, line)
			}
		}
	}
}
