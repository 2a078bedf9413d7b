package forcemfa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/testdepth"
)

// The terminal of the recording, in characters.
const (
	recordedColumns = 80
	recordedRows    = 28
)

// An event of a recording is a line that appears at a time, in seconds.
type event struct {
	at   float64
	line string
}

// TestRecordingShowsTheOutputOfToday compares the recording of the README, as
// asciicast and as picture, with what the commands print. FORCEMFATEST_UPDATE=1 writes
// both.
func TestRecordingShowsTheOutputOfToday(t *testing.T) {
	testdepth.Need(t)
	events, end := record(t, "audit --sandbox", "rehearse")
	for name, want := range map[string][]byte{
		"docs/pictures/rehearse.cast": asciicast(t, events),
		"docs/pictures/rehearse.svg":  animation(events, end),
	} {
		if os.Getenv("FORCEMFATEST_UPDATE") != "" {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := readFile(t, name); got != string(want) {
			t.Errorf("%s is old; run FORCEMFATEST_UPDATE=1 go test . -run Recording", name)
		}
	}
}

// record runs commands one after the other in this process, and gives each line of their
// output a time at which people can follow.
func record(t *testing.T, commands ...string) (events []event, end float64) {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 28, 14, 2, 0, 0, time.UTC) }
	at := 0.5
	for _, args := range commands {
		var out, errs bytes.Buffer
		cli.Main(context.Background(), &command.Env{
			Args: strings.Fields(args), Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &errs, Columns: recordedColumns, Now: now,
			Getenv: func(name string) string { return map[string]string{"LANG": "C.UTF-8"}[name] },
		})
		if out.Len() == 0 {
			t.Fatalf("%s: nothing on stdout: %s", args, errs.String())
		}
		events = append(events, event{at, "$ forcemfa " + args})
		at += 1.2
		for line := range strings.Lines(out.String()) {
			events = append(events, event{at, strings.TrimRight(line, " \n")})
			at += 0.05
		}
		at += 3
	}
	return events, at + 2
}

// asciicast is the recording in the format of asciinema, version 2.
func asciicast(t *testing.T, events []event) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	header := map[string]any{"version": 2, "width": recordedColumns, "height": recordedRows, "title": "forcemfa: audit and rehearsal of the sample organization"}
	if err := e.Encode(header); err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if err := e.Encode([]any{math.Round(event.at*100) / 100, "o", event.line + "\r\n"}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// animation is the recording as SVG without a script: all lines in a column that moves up
// behind a window, and a cover that moves down over it, a line at a time. Those who ask for
// less motion see the last screen.
func animation(events []event, end float64) []byte {
	const (
		lineHeight, charWidth, border = 17, 7.83, 14
		width                         = recordedColumns*charWidth + 2*border
		height                        = recordedRows*lineHeight + 2*border
	)
	var scroll, cover, text strings.Builder
	for i, event := range events {
		percent := 100 * event.at / end
		fmt.Fprintf(&cover, "%.3f%%{transform:translateY(%dpx)}", percent, (i+1)*lineHeight)
		if top := i + 1 - recordedRows; top > 0 {
			fmt.Fprintf(&scroll, "%.3f%%{transform:translateY(-%dpx)}", percent, top*lineHeight)
		}
		if event.line != "" {
			class := ""
			if strings.HasPrefix(event.line, "$ ") {
				class = ` class="c"`
			}
			fmt.Fprintf(&text, "<text%s x=\"%d\" y=\"%d\">%s</text>\n", class, border, border+i*lineHeight+13, html.EscapeString(event.line))
		}
	}
	last, bottom := len(events)*lineHeight, (len(events)-recordedRows)*lineHeight
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]d" width="%[1]g" height="%[2]d" role="img" aria-label="A terminal: forcemfa audits and rehearses the sample organization">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d7dde4;white-space:pre}
.c{fill:#fff;font-weight:bold}
.s,.v{animation:%.2[3]fs infinite step-end}
.s{animation-name:s;transform:translateY(-%[4]dpx)}
.v{animation-name:v;transform:translateY(%[5]dpx)}
@media (prefers-reduced-motion:reduce){.s,.v{animation:none}}
@keyframes s{0%%{transform:none}%[6]s100%%{transform:translateY(-%[4]dpx)}}
@keyframes v{0%%{transform:none}%[7]s100%%{transform:translateY(%[5]dpx)}}
</style>
<rect width="100%%" height="100%%" rx="8" fill="#14181d"/>
<clipPath id="w"><rect x="0" y="%[8]d" width="%[1]g" height="%[9]d"/></clipPath>
<g clip-path="url(#w)"><g class="s">
%[10]s<rect class="v" x="0" y="%[8]d" width="%[1]g" height="%[11]d" fill="#14181d"/>
</g></g>
</svg>
`, width, height, end, bottom, last, scroll.String(), cover.String(), border, recordedRows*lineHeight, text.String(), last+height)
}

func TestRecordingFitsItsTerminal(t *testing.T) {
	for line := range strings.Lines(readFile(t, "docs/pictures/rehearse.cast")) {
		var e []any
		if json.Unmarshal([]byte(line), &e) != nil {
			continue // the header
		}
		if text := strings.TrimRight(e[2].(string), "\r\n"); utf8.RuneCountInString(text) > recordedColumns {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(text), text)
		}
	}
}
