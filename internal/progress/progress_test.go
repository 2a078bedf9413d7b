package progress

import (
	"io"
	"strings"
	"testing"
	"time"
)

// show calls Show every 50 ms and gives what was printed.
func show(form Form, calls int, after func(*Line, io.Writer)) string {
	var out strings.Builder
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := New(&out, form, func() time.Time { return now })
	for i := range calls {
		p.Show("accounts read:", i, calls)
		now = now.Add(50 * time.Millisecond)
	}
	after(p, &out)
	return out.String()
}

func TestATerminalSeesOneLineThatGoesAway(t *testing.T) {
	got := show(Terminal, 41, func(p *Line, _ io.Writer) { p.Done(); p.Done() })
	if strings.Contains(got, "\n") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("printed %q", got)
	}
	if n := strings.Count(got, "accounts read:"); n != 20 {
		t.Errorf("%d lines in 2 s, want one each 100 ms", n)
	}
	if want := "accounts read: 40 of 41, 20/s, about 0s left"; !strings.Contains(got, want) {
		t.Errorf("printed %q, want %q in it", got, want)
	}
}

func TestALogSeesALineNowAndThen(t *testing.T) {
	got := show(Log, 401, func(p *Line, _ io.Writer) { p.Done() })
	want := "accounts read: 200 of 401, 20/s, about 10s left\naccounts read: 400 of 401, 20/s, about 0s left\n"
	if got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestAMachineReadsAnObjectALine(t *testing.T) {
	got := show(JSON, 61, func(p *Line, _ io.Writer) { p.Done() })
	want := `{"progress":{"time":"2026-11-22T12:00:01Z","what":"accounts read","done":20,"total":61,"seconds_left":2}}
{"progress":{"time":"2026-11-22T12:00:02Z","what":"accounts read","done":40,"total":61,"seconds_left":1}}
{"progress":{"time":"2026-11-22T12:00:03Z","what":"accounts read","done":60,"total":61,"seconds_left":0}}
`
	if got != want {
		t.Errorf("printed %s, want %s", got, want)
	}
}

func TestTheTimeLeftIsThatOfThePieceOfWork(t *testing.T) {
	var out strings.Builder
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := New(&out, Log, func() time.Time { return now })
	for calls := 0; calls < 40; calls += 20 { // a minute of listing
		now = now.Add(30 * time.Second)
		p.Show("requests:", calls, 0)
	}
	for done := 1; done <= 31; done += 10 { // then ten accounts every ten seconds
		p.Show("accounts read:", done, 101)
		now = now.Add(10 * time.Second)
	}
	want := "requests: 0\nrequests: 20\naccounts read: 11 of 101, 1/s, about 1m30s left\naccounts read: 21 of 101, 1/s, about 1m20s left\naccounts read: 31 of 101, 1/s, about 1m10s left\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestTheLineMakesRoomForOtherOutput(t *testing.T) {
	got := show(Terminal, 4, func(p *Line, w io.Writer) {
		over := p.Over(w)
		_, _ = io.WriteString(over, "first\n")
		_, _ = io.WriteString(over, "second\n")
	})
	if want := "\r\x1b[Kaccounts read: 2 of 4\r\x1b[Kfirst\nsecond\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestNoProgressIsQuiet(t *testing.T) {
	var p *Line
	p.Show("accounts read:", 1, 2)
	p.Done()
}
