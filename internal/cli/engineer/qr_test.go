package engineer

import (
	"strings"
	"testing"

	"rsc.io/qr"

	"forcemfa/internal/session"
)

const aURI = "otpauth://totp/Amazon%20Web%20Services:bob@111122223333?secret=ABCDEFGHIJKLMNOP234567ABCDEFGHIJKLMNOP234567ABCDEFGHIJKLMNOP2345&issuer=Amazon%20Web%20Services"

// A screen is a terminal with its own default colors: true is light.
type screen struct{ foreground, background bool }

// modules are what a camera sees on the screen, two rows for each line: true is dark.
func (s screen) modules(t *testing.T, drawn string) (rows [][]bool) {
	t.Helper()
	for line := range strings.Lines(drawn) {
		fore, back := s.foreground, s.background
		var upper, lower []bool
		for rest := strings.TrimRight(line, "\n"); rest != ""; {
			if code, after, is := strings.Cut(rest, "m"); is && strings.HasPrefix(rest, "\x1b[") {
				switch rest = after; code {
				case "\x1b[38;5;231;48;5;16":
					fore, back = true, false
				case "\x1b[0":
					fore, back = s.foreground, s.background
				default:
					t.Fatalf("unexpected sequence %q", code)
				}
				continue
			}
			block, size := firstRune(rest)
			rest = rest[size:]
			light := map[rune][2]bool{' ': {back, back}, '█': {fore, fore}, '▀': {fore, back}, '▄': {back, fore}}
			pair, known := light[block]
			if !known {
				t.Fatalf("unexpected character %q", block)
			}
			upper, lower = append(upper, !pair[0]), append(lower, !pair[1])
		}
		rows = append(rows, upper, lower)
	}
	return rows
}

func firstRune(s string) (r rune, size int) {
	for i, c := range s {
		if i > 0 {
			return r, i
		}
		r = c
	}
	return r, len(s)
}

func TestTheQRCodeIsDarkOnLightInEveryTerminal(t *testing.T) {
	want, err := qr.Encode(aURI, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	var drawn strings.Builder
	drawQR(&drawn, aURI)
	for name, s := range map[string]screen{
		"light text on dark": {foreground: true}, "dark text on light": {background: true},
	} {
		rows := s.modules(t, drawn.String())
		margin := (len(rows[0]) - want.Size) / 2
		if margin < 4 {
			t.Fatalf("%s: a quiet zone of %d modules, want 4", name, margin)
		}
		for y, row := range rows {
			for x, dark := range row {
				if inside := y-margin < want.Size && y >= margin; dark != (inside && want.Black(x-margin, y-margin)) && y < want.Size+2*margin {
					t.Fatalf("%s: module %d,%d is dark: %t", name, x-margin, y-margin, dark)
				}
			}
		}
	}
}

func TestTheQRCodeComesWithTheWayWithoutACamera(t *testing.T) {
	var shown strings.Builder
	showQR(&shown, &session.NewDevice{Serial: "arn:aws:iam::111122223333:mfa/bob"})
	if !strings.Contains(shown.String(), "--otpauth") {
		t.Error("the flag --otpauth is not named")
	}
}
