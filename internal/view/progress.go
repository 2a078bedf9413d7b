package view

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Progress shows how far a long piece of work is, on a terminal by rewriting
// one line, elsewhere by a line now and then. A nil Progress shows nothing.
type Progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

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

// NewProgress writes to w, which is a terminal or not.
func NewProgress(w io.Writer, terminal bool, now func() time.Time) *Progress {
	return &Progress{w: w, terminal: terminal, now: now, made: now()}
}

const (
	terminalPace = 100 * time.Millisecond
	logPace      = 10 * time.Second
)

// Show says that done of total are done, or of nobody knows how many when total
// is zero. Calls that come faster than a person reads are dropped; it is safe for
// concurrent use.
func (p *Progress) Show(what string, done, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now, pace := p.now(), logPace
	if p.terminal {
		pace = terminalPace
	}
	if p.what != what {
		p.what, p.begun, p.had = what, now, done
	}
	if now.Sub(p.made) < pace || now.Sub(p.shown) < pace {
		return
	}
	p.shown = now
	line := fmt.Sprintf("%s %d", what, done)
	if total > 0 {
		line += fmt.Sprintf(" of %d%s", total, left(done-p.had, total-p.had, now.Sub(p.begun)))
	}
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.dirty = true
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

// left is how fast the work goes and how long the rest takes.
func left(done, total int, elapsed time.Duration) string {
	if done == 0 || done >= total || elapsed < time.Second {
		return ""
	}
	rate := float64(done) / elapsed.Seconds()
	return fmt.Sprintf(", %.0f/s, about %s left", rate, (time.Duration(float64(total-done)/rate) * time.Second).Round(time.Second))
}
