package environ

import (
	"os/exec"
	"strings"
	"testing"
)

// hostile are values that a shell could take for something else.
var hostile = []string{
	"a b", "$HOME", "`id`", "$(id)", "a;id", "a'b", `a"b`, `a\`, `\'`, `a\'b`, "a&id", "a|id", "%PATH%", "!x!", "^", "a>b", "~", "=ls", "x:=ls", "*", "#x", "a #b",
	"‘;id;‘", "’;id;’", "‚", "‛", "'’'", "{a,b}", "-n", "",
}

func one(format, value string) (string, error) {
	f := Formats[format]
	f.unset = ""
	return f.Text([]Assignment{{"V", value}})
}

func TestShellsReadValuesUnchanged(t *testing.T) {
	for _, shell := range []struct{ program, format, print string }{
		{"sh", "env", `printf %s "$V"`}, {"bash", "env", `printf %s "$V"`}, {"zsh", "env", `printf %s "$V"`},
		{"fish", "fish", `printf %s "$V"`}, {"pwsh", "powershell", `[Console]::Out.Write($Env:V)`},
	} {
		if _, err := exec.LookPath(shell.program); err != nil {
			t.Logf("%s is not installed", shell.program)
			continue
		}
		for _, value := range hostile {
			text, err := one(shell.format, value)
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), shell.program, "-c", text+shell.print).CombinedOutput()
			if err != nil || string(out) != value {
				t.Errorf("%s reads %q as %q: %v", shell.program, value, out, err)
			}
		}
	}
}

// PowerShell ends a string in single quotes at each of five quotation marks, unless
// another one follows.
func TestPowerShellStringsEndWhereTheyShould(t *testing.T) {
	const marks = "'‘’‚‛"
	for _, value := range hostile {
		text, err := one("powershell", value)
		if err != nil {
			t.Fatal(err)
		}
		body, isString := strings.CutPrefix(text, "$Env:V='")
		runes := []rune(body)
		var read []rune
		end := 0
		for end < len(runes) {
			if strings.ContainsRune(marks, runes[end]) {
				if end+1 == len(runes) || !strings.ContainsRune(marks, runes[end+1]) {
					break
				}
				end++
			}
			read = append(read, runes[end])
			end++
		}
		if rest := string(runes[end:]); !isString || string(read) != value || rest != "'\n" {
			t.Errorf("%q is written as %q, read as %q, and %q follows", value, text, string(read), rest)
		}
	}
}

func TestCmdRefusesWhatItCannotQuote(t *testing.T) {
	for _, value := range []string{"eu-west-1", "it's $a", "a+/=="} {
		if text, err := one("windows-cmd", value); err != nil || text != "set V="+value+"\n" {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, value := range []string{"", "a&id", "a|id", "%PATH%", "!x!", "^", "a>b", "a<b", `a"b`, "(x", "x)", " a", "a "} {
		if text, err := one("windows-cmd", value); err == nil || text != "" || len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("writes %q as %q: %v", value, text, err)
		}
	}
}

func TestNoFormatWritesControlCharacters(t *testing.T) {
	values := []string{"a\nb", "a\rb", "a\x00b", "a\x1b]0;b", "a\u0085b", "a\xffb"}
	for format := range Formats {
		for _, value := range values {
			if text, err := one(format, value); err == nil || text != "" {
				t.Errorf("%s writes %q as %q", format, value, text)
			}
		}
	}
}
