package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// clientOf is the client that a program of a script belongs to.
var clientOf = map[string][]string{
	"aws": {"aws"}, "python3": {"python3", "boto3", "botocore"}, "terraform": {"terraform"},
	"zsh": {"zsh"}, "fish": {"fish"}, "strace": {"strace"}, "tmux": {"tmux"},
}

var scriptCommand = regexp.MustCompile(`^((?:\[[^]]+\] )*)[!?]? ?(?:exec|status [0-9]+) (\S+)`)

// A script that starts a client names it with needs, or in the line's condition:
// otherwise it fails where the client is not installed.
func TestScriptsNameTheClientsTheyStart(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, name := range scripts {
		var needed []string
		for line := range strings.Lines(read(t, name)) {
			if clients, ok := strings.CutPrefix(line, "needs "); ok {
				needed = append(needed, strings.Fields(clients)...)
			}
			m := scriptCommand.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			named := func(client string) bool {
				return slices.Contains(needed, client) || strings.Contains(m[1], "[client:"+client+"]")
			}
			if clients := clientOf[m[2]]; clients != nil && !slices.ContainsFunc(clients, named) {
				t.Errorf("%s starts %s without naming it: %s", name, m[2], line)
			}
		}
	}
}
