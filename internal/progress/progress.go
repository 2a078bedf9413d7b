// Package progress shows how far a long piece of work is.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Line shows how far a long piece of work is, on a terminal by rewriting
// one line, elsewhere by a line now and then. A nil Line shows nothing.
type Line struct {
	w    io.Writer
	form Form
	now  func() time.Time

	mu    sync.Mutex
	made  time.Time
	shown time.Time
	dirty bool

	// The piece of the work that was shown last, when it was first shown and how
	// much was done then.
	what  string
	begun time.Time
	had   int
}

// A Form is how progress is written.
type Form int

// The forms of progress.
const (
	Log      Form = iota // a line every ten seconds
	Terminal             // one line, which is rewritten
	JSON                 // a [Record] a line, every second
)

// pace is the least time between two lines.
var pace = map[Form]time.Duration{
	Log: 10 * time.Second, Terminal: 100 * time.Millisecond, JSON: time.Second,
}

// A Record is a line of progress for machines.
type Record struct {
	Time  time.Time `json:"time"`
	What  string    `json:"what"`
	Done  int       `json:"done"`
	Total int       `json:"total,omitempty"` // 0: not known
	// SecondsLeft is an estimate from the rate so far; nil: none yet.
	SecondsLeft *int `json:"seconds_left,omitempty"`
}

// New writes to w in a form.
func New(w io.Writer, form Form, now func() time.Time) *Line {
	return &Line{w: w, form: form, now: now, made: now()}
}

// Show says that done of total are done, or of nobody knows how many when total
// is zero. Calls that come faster than a person reads are dropped; it is safe for
// concurrent use.
func (p *Line) Show(what string, done, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now, least := p.now(), pace[p.form]
	if p.what != what {
		p.what, p.begun, p.had = what, now, done
	}
	if now.Sub(p.made) < least || now.Sub(p.shown) < least {
		return
	}
	p.shown = now
	rate, rest := left(done-p.had, total-p.had, now.Sub(p.begun))
	if p.form == JSON {
		p.record(Record{Time: now.UTC(), What: strings.TrimSuffix(what, ":"), Done: done, Total: total}, rate, rest)
		return
	}
	line := fmt.Sprintf("%s %d", what, done)
	if total > 0 {
		line += fmt.Sprintf(" of %d", total)
	}
	if rate > 0 {
		line += fmt.Sprintf(", %.0f/s, about %s left", rate, rest)
	}
	if p.form == Log {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.dirty = true
}

func (p *Line) record(r Record, rate float64, rest time.Duration) {
	if rate > 0 {
		seconds := int(rest.Seconds())
		r.SecondsLeft = &seconds
	}
	_ = json.NewEncoder(p.w).Encode(struct {
		Progress Record `json:"progress"`
	}{r})
}

// Done takes the line away.
func (p *Line) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// Over is a writer to the same terminal, which takes the line away before it
// writes to w.
func (p *Line) Over(w io.Writer) io.Writer { return over{p, w} }

type over struct {
	progress *Line
	w        io.Writer
}

func (o over) Write(text []byte) (int, error) {
	o.progress.mu.Lock()
	defer o.progress.mu.Unlock()
	o.progress.clear()
	return o.w.Write(text)
}

func (p *Line) clear() {
	if p.dirty {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.dirty = false
	}
}

// left is how many a second are done and how long the rest takes; zero: not known.
func left(done, total int, elapsed time.Duration) (rate float64, rest time.Duration) {
	if done <= 0 || done >= total || elapsed < time.Second {
		return 0, 0
	}
	rate = float64(done) / elapsed.Seconds()
	return rate, (time.Duration(float64(total-done)/rate) * time.Second).Round(time.Second)
}
