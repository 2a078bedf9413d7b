package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/cli/command"
)

// A run of the program in this process, with an environment.
type session struct {
	environ []string
	stdout  interface{ Write([]byte) (int, error) }
}

func (s session) run(args ...string) (status int, stderr string) {
	var errs bytes.Buffer
	e := &command.Env{
		Args: args, Stdin: bytes.NewReader(nil), Stdout: s.stdout, Stderr: &errs, Now: time.Now,
		Environ: func() []string { return s.environ },
		Getenv: func(name string) string {
			for _, setting := range s.environ {
				if value, ok := strings.CutPrefix(setting, name+"="); ok {
					return value
				}
			}
			return ""
		},
	}
	if e.Stdout == nil {
		e.Stdout = &bytes.Buffer{}
	}
	return Main(context.Background(), e), errs.String()
}

func TestTypingMistakesAreRefusedWithASuggestion(t *testing.T) {
	for _, row := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{nil, []string{"audti"}, "\ndid you mean: audit\n"},
		{nil, []string{"assume", "prod"}, "\ndid you mean: exec\n"},
		{[]string{"FORCEMFA_ACOUNTS=1"}, []string{"audit", "--sandbox"}, "unknown environment variable FORCEMFA_ACOUNTS\nhint: did you mean FORCEMFA_ACCOUNTS?"},
		{[]string{"FORCEMFA_ACOUNTS=1"}, []string{"rehearse"}, "unknown environment variable FORCEMFA_ACOUNTS"},
		{[]string{"FORCEMFA_SOMETHING_ELSE=1"}, []string{"plan", "--sandbox"}, "unknown environment variable FORCEMFA_SOMETHING_ELSE\nhint: unset it"},
		{nil, []string{"diff", "a"}, "1 argument given: write forcemfa diff EARLIER LATER\nhint: see forcemfa diff --help"},
		{nil, []string{"audit", "--sandbox", "x"}, "1 argument given: write forcemfa audit"},
		{nil, []string{"audit", "--sandbox", "--group-by", "severity"}, `--group-by "severity": want account, rule, user`},
	} {
		status, stderr := session{environ: row.environ}.run(row.args...)
		if status != command.StatusFailed || !strings.Contains(stderr, row.want) {
			t.Errorf("%v %v: exit %d, no %q in\n%s", row.environ, row.args, status, row.want, stderr)
		}
	}
	if status, stderr := (session{environ: []string{"FORCEMFA_ACCOUNTS=888888888888"}}).run("verify", "--sandbox"); status != command.StatusOK {
		t.Errorf("a known variable: exit %d\n%s", status, stderr)
	}
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, args := range [][]string{
		{"verify", "--sandbox", "--accounts", "888888888888"}, {"audit", "--sandbox", "--exit-zero", "-o", "json"}, {"plan", "--sandbox"},
		{"explain", "--sandbox", "xenia"}, {"version"}, {"schema"}, {"--help"}, {"--version"},
	} {
		status, stderr := session{stdout: full{}}.run(args...)
		if status != command.StatusFailed || !strings.Contains(stderr, "forcemfa: write to stdout: no space left on device\nhint: ") {
			t.Errorf("%v: exit %d\n%s", args, status, stderr)
		}
	}
}

func TestASuspendedAccountChangesNoExitStatus(t *testing.T) {
	for _, row := range []struct {
		args []string
		want int
	}{
		{[]string{"verify", "--sandbox", "--accounts", "888888888888,777777777777"}, command.StatusOK},
		{[]string{"verify", "--sandbox", "--accounts", "888888888888,777777777777", "--strict"}, command.StatusIncomplete},
		{[]string{"verify", "--sandbox", "--accounts", "888888888888,666666666666"}, command.StatusIncomplete},
		{[]string{"verify", "--sandbox"}, command.StatusFound},
		{[]string{"audit", "--sandbox"}, command.StatusFound},
		{[]string{"audit", "--sandbox", "--accounts", "666666666666"}, command.StatusIncomplete},
	} {
		if status, stderr := (session{}).run(row.args...); status != row.want {
			t.Errorf("%v: exit %d, want %d\n%s", row.args, status, row.want, stderr)
		}
	}
}

func TestStatusesAreOrdered(t *testing.T) {
	order := []int{command.StatusFailed, command.StatusGuarded, command.StatusFound, command.StatusIncomplete, command.StatusChanges}
	for i, worse := range order {
		for _, better := range order[i:] {
			if got := command.Worst(better, worse, command.StatusOK); got != worse {
				t.Errorf("%d and %d: exit %d", worse, better, got)
			}
		}
	}
}

func TestALocaleWithoutUTF8PrintsASCII(t *testing.T) {
	for environ, ascii := range map[string]bool{"LANG=C": true, "LC_ALL=POSIX": true, "LANG=en_US.UTF-8": false, "NOTHING=1": false} {
		var out bytes.Buffer
		session{environ: []string{environ}, stdout: &out}.run("audit", "--sandbox", "--all", "--exit-zero", "--accounts", "888888888888")
		if got := strings.IndexFunc(out.String(), func(r rune) bool { return r > '~' }) < 0; got != ascii || out.Len() == 0 {
			t.Errorf("%s: only ASCII %v, want %v\n%s", environ, got, ascii, out.String())
		}
	}
}
