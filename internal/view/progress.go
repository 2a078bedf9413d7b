package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Progress shows how far a long piece of work is, on a terminal by rewriting
// one line, elsewhere by a line now and then. A nil Progress shows nothing.
type Progress struct {
	w    io.Writer
	form ProgressForm
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

// A ProgressForm is how progress is written.
type ProgressForm int

// The forms of progress.
const (
	ProgressLog      ProgressForm = iota // a line every ten seconds
	ProgressTerminal                     // one line, which is rewritten
	ProgressJSON                         // a [ProgressRecord] a line, every second
)

// progressPace is the least time between two lines.
var progressPace = map[ProgressForm]time.Duration{
	ProgressLog: 10 * time.Second, ProgressTerminal: 100 * time.Millisecond, ProgressJSON: time.Second,
}

// A ProgressRecord is a line of progress for machines.
type ProgressRecord struct {
	Time  time.Time `json:"time"`
	What  string    `json:"what"`
	Done  int       `json:"done"`
	Total int       `json:"total,omitempty"` // 0: not known
	// SecondsLeft is an estimate from the rate so far; nil: none yet.
	SecondsLeft *int `json:"seconds_left,omitempty"`
}

// NewProgress writes to w in a form.
func NewProgress(w io.Writer, form ProgressForm, now func() time.Time) *Progress {
	return &Progress{w: w, form: form, now: now, made: now()}
}

// Show says that done of total are done, or of nobody knows how many when total
// is zero. Calls that come faster than a person reads are dropped; it is safe for
// concurrent use.
func (p *Progress) Show(what string, done, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now, pace := p.now(), progressPace[p.form]
	if p.what != what {
		p.what, p.begun, p.had = what, now, done
	}
	if now.Sub(p.made) < pace || now.Sub(p.shown) < pace {
		return
	}
	p.shown = now
	rate, rest := left(done-p.had, total-p.had, now.Sub(p.begun))
	if p.form == ProgressJSON {
		p.record(ProgressRecord{Time: now.UTC(), What: strings.TrimSuffix(what, ":"), Done: done, Total: total}, rate, rest)
		return
	}
	line := fmt.Sprintf("%s %d", what, done)
	if total > 0 {
		line += fmt.Sprintf(" of %d", total)
	}
	if rate > 0 {
		line += fmt.Sprintf(", %.0f/s, about %s left", rate, rest)
	}
	if p.form == ProgressLog {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.dirty = true
}

func (p *Progress) record(r ProgressRecord, rate float64, rest time.Duration) {
	if rate > 0 {
		seconds := int(rest.Seconds())
		r.SecondsLeft = &seconds
	}
	_ = json.NewEncoder(p.w).Encode(struct {
		Progress ProgressRecord `json:"progress"`
	}{r})
}

// Done takes the line away.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// Over is a writer to the same terminal, which takes the line away before it
// writes to w.
func (p *Progress) Over(w io.Writer) io.Writer { return over{p, w} }

type over struct {
	progress *Progress
	w        io.Writer
}

func (o over) Write(text []byte) (int, error) {
	o.progress.mu.Lock()
	defer o.progress.mu.Unlock()
	o.progress.clear()
	return o.w.Write(text)
}

func (p *Progress) clear() {
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
