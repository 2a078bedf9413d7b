package view

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/org"
)

func printed(s Style, header []string, rows [][]string, total []string) string {
	var out strings.Builder
	s.Table(&out, header, rows, total)
	return out.String()
}

func assertText(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestNumbersStandToTheRightAndTheTotalApart(t *testing.T) {
	got := printed(Style{}, []string{"account", "users"}, [][]string{{"dev", "7"}, {"prod", "120"}}, []string{"total", "127"})
	assertText(t, got, `
account  users
────────────────
dev          7
prod       120
────────────────
total      127
`)
}

func TestTheLastColumnIsWrappedToTheTerminal(t *testing.T) {
	rows := [][]string{{"user/bob", "s3:GetObject without MFA by access key on arn:aws:s3:::example-bucket/example"}, {"user/eve", "short"}}
	assertText(t, printed(Style{Width: 56}, []string{"user", "why"}, rows, nil), `
user      why
────────────────────────────────────────────────────────
user/bob  s3:GetObject without MFA by access key on
          arn:aws:s3:::example-bucket/example
user/eve  short
`)
	assertText(t, printed(Style{Width: 44}, []string{"user", "why"}, rows, nil), `
user
──────────
user/bob
    s3:GetObject without MFA by access key
    on arn:aws:s3:::example-bucket/example
user/eve
    short
`)
	for _, line := range strings.Split(printed(Style{}, []string{"user", "why"}, rows, nil), "\n") {
		if strings.HasPrefix(line, "user/bob") && !strings.HasSuffix(line, "example-bucket/example") {
			t.Errorf("wrapped for nobody: %q", line)
		}
	}
}

func TestColoursTakeNoRoom(t *testing.T) {
	style := Style{Color: true, Width: 40}
	plain := printed(style, []string{"state", "why"}, [][]string{{"open", "eight words that do not fit on one line here"}}, nil)
	painted := printed(style, []string{"state", "why"}, [][]string{{style.Paint(text.Fg256Color(196), "open"), "eight words that do not fit on one line here"}}, nil)
	if got := text.StripEscape(painted); got != plain || painted == plain {
		t.Errorf("without its colours:\n%s\nwant:\n%s", got, plain)
	}
}

func TestTextOfOthersCannotMoveTheCursor(t *testing.T) {
	for in, want := range map[string]string{
		"plain äöü 日本":                       "plain äöü 日本",
		"\x1b[2Jcleared":                     "?[2Jcleared",
		"a\rb\nc\td\x7f":                     "a?b?c?d?",
		"\u009b31mred":                       "?31mred",
		"evil\u202eexe.gpj":                  "evil?exe.gpj",
		"isolate\u2066\u2069":                "isolate??",
		"left\u200eright\u200f":              "left?right?",
		"z\u200be\u200cr\u200do\u2060\ufeff": "z?e?r?o??",
		"soft\u00adhyphen\u061c":             "soft?hyphen?",
		"line\u2028and\u2029":                "line?and?",
		"tag\U000e0041":                      "tag?",
		"filler\u3164\u115f\u034f":           "filler???",
		"heart\ufe0f":                        "heart?",
		"a ##[set-output name=x;]1":          "a #?[set-output name=x;]1",
		"##vso[task.setvariable ###[add":     "#?vso[task.setvariable ##?[add",
		"::add-mask::x":                      "?:add-mask?:x",
		"to ::set-output name=x::1":          "to ?:set-output name=x?:1",
		"::1 ::ffff:192.0.2.1 ## [ a::b::c":  "::1 ::ffff:192.0.2.1 ## [ a::b::c",
		"arn:aws:iam::aws:policy/A arn:::b:": "arn:aws:iam::aws:policy/A arn:::b:",
		"e\u0301 кириллица ไทย":              "e\u0301 кириллица ไทย",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// A cell stands below its header also where the terminal is too narrow for the last cell,
// and the header is wider than every cell.
func TestCellsStandBelowTheirHeadersInANarrowTerminal(t *testing.T) {
	var out strings.Builder
	Style{Width: 50}.Table(&out, []string{"time (UTC)", "enforced", "critical", "unknown", "the note"}, [][]string{{"2026", "5", "60", "0", "incomplete and with more words"}}, nil)
	lines := strings.Split(out.String(), "\n")
	if len(lines) < 4 || strings.Index(lines[0], "critical") != strings.Index(lines[2], "60") || strings.TrimSpace(lines[3]) != "incomplete and with more words" {
		t.Errorf("\n%s", out.String())
	}
}

// A word that would be cut next to the other cells goes below them, where it can be
// copied whole.
func TestAnARNIsNotCutNextToOtherCells(t *testing.T) {
	const role, session = "arn:aws:iam::666666666666:role/OrganizationAccountAccessRole", "arn:aws:sts::111111111111:assumed-role/ForceMFAAdministrator/forcemfa"
	gap := org.Gap{Account: "666666666666", What: "assume OrganizationAccountAccessRole", Why: "AccessDenied: User: " + session + " is not authorized to perform: sts:AssumeRole on resource: " + role}
	for _, width := range []int{80, 100, 120, 160} {
		var out strings.Builder
		Unread(&out, Style{Width: width}, []org.Gap{gap})
		for _, whole := range []string{role, session} {
			if !strings.Contains(out.String(), whole) {
				t.Errorf("%d columns: %s is cut:\n%s", width, whole, out.String())
			}
		}
		for line := range strings.Lines(out.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns: a line has %d: %q", width, n, line)
			}
		}
		table := printed(Style{Width: width}, []string{"account", "what", "reason"}, [][]string{{gap.Account, gap.What, gap.Why}}, nil)
		if !strings.Contains(table, session) {
			t.Errorf("%d columns: the table cuts %s:\n%s", width, session, table)
		}
	}
}
