package secret

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/testclients"
)

// A program may print without end, and programs that it starts may keep its stdout open.
func TestOutputOfAProgramIsBounded(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "sh")
	for _, row := range []struct{ script, out, problem string }{
		{"echo code; sleep 60 &", "code\n", ""},
		{"echo code; sleep 60 & exit 3", "", "exit status 3"},
		{"while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done", "", "it printed more than 1048576 bytes"},
		{"true", "", ""},
	} {
		began := time.Now()
		out, err := Output(testclients.Command(t, "sh", "-c", row.script))
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: took %s", row.script, took)
		}
		if row.problem == "" && (err != nil || string(out) != row.out) || row.problem != "" && (err == nil || err.Error() != row.problem) {
			t.Errorf("%s: %q, %v", row.script, out, err)
		}
	}
	exact := limited{size: 4}
	if n, err := exact.Write([]byte("1234")); n != 4 || err != nil || exact.full {
		t.Errorf("as much as there is room for: %d, %v", n, err)
	}
	if _, err := exact.Write([]byte("5")); err == nil || !exact.full {
		t.Errorf("more than there is room for: %v", err)
	}
}

// A password manager that prints messages without end fails with the first of them.
func TestMessagesOfAPasswordManagerAreBounded(t *testing.T) {
	testclients.Need(t, "sh")
	m := newCommand(Config{Dir: t.TempDir(), Command: []string{"sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo the store is locked, says line $i of many lines >&2; i=$((i+1)); done; exit 1", "pass"}})
	_, err := m.read(t.Context(), "keys/bob")
	if err == nil || !strings.Contains(err.Error(), "exit status 1: the store is locked, says line 0 of many lines") {
		t.Error(err)
	}
	talk := limited{size: 4, rest: true}
	if n, err := talk.Write([]byte("12345")); n != 5 || err != nil || talk.text.String() != "1234" {
		t.Errorf("%d, %v, %q", n, err, talk.text.String())
	}
}

func TestAKeyIsOfVisibleASCIICharacters(t *testing.T) {
	for text, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE": true, "!~/+=": true, strings.Repeat("a", maxPlain): true,
		"": false, "a b": false, "a\n": false, "\x1b": false, "\x7f": false, "é": false, strings.Repeat("a", maxPlain+1): false,
	} {
		if Plain(text) != want {
			t.Errorf("Plain(%q) is %v", text, !want)
		}
	}
}
