package engineer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hint can be pasted: a name that begins with a dash is not read as a flag.
func TestHintsPutDashesBeforeNamesThatBeginWithOne(t *testing.T) {
	const name = "-force"
	for _, args := range [][]string{{"login", "--", name}, {"export", "--", name}, {"rotate", "--", name}} {
		e, _, errs := day(t, args...)
		path := filepath.Join(e.Getenv("HOME"), ".aws", "config")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("[profile "+name+"]\nregion = eu-west-1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		status := run(t.Context(), e)
		if text := errs.String(); status == 0 || strings.Contains(text, "forcemfa import "+name) || !strings.Contains(text, "forcemfa import -- "+name) {
			t.Errorf("%s: status %d\n%s", args[0], status, text)
		}
	}
}

// What AWS and files say reaches the terminal without characters that hide text.
func TestMessagesShowNoCharactersWithoutWidth(t *testing.T) {
	e, _, errs := day(t, "login", "b\u200bob\u202e\u2066")
	if status := run(t.Context(), e); status == 0 || strings.ContainsAny(errs.String(), "\u200b\u202e\u2066") {
		t.Errorf("status %d\n%q", status, errs.String())
	}
}
