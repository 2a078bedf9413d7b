package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

var (
	errNoTerminal = errors.New("there is no terminal to prompt at")
	errBackground = errors.New("this process runs in the background, where it cannot prompt at the terminal")
	errNoAnswer   = errors.New("the input ended without an answer")
)

// A prompter prompts at the terminal of this process, even when stdin, stdout and
// stderr are redirected.
//
// After the first secret the echo stays off until release: what a user types while a
// key is derived from a passphrase is the next secret.
type prompter struct {
	mu      sync.Mutex
	restore func() // turns the echo on again; nil while it is on
	ignored func() // ends the handling of job control; nil while there is none
	tty     *os.File
	resumed chan struct{} // the process was stopped and continued
}

// ready returns why this process cannot prompt; nil if it can.
func (p *prompter) ready() error {
	in, out, err := OpenTerminal()
	if err != nil {
		return err
	}
	defer closeBoth(in, out)
	return foreground(in)
}

func (p *prompter) ask(ctx context.Context, question string) (string, error) {
	return p.prompt(ctx, question, true)
}

func (p *prompter) askSecret(ctx context.Context, question string) (string, error) {
	return p.prompt(ctx, question, false)
}

// prompt reads a line; it writes the question again after the process was
// stopped and continued.
func (p *prompter) prompt(ctx context.Context, question string, echo bool) (string, error) {
	in, out, err := OpenTerminal()
	if err != nil {
		return "", err
	}
	defer closeBoth(in, out)
	if err := foreground(in); err != nil {
		return "", err
	}
	if err := p.open(); err != nil {
		return "", err
	}
	secret := !echo
	wasHidden := p.setEcho(echo)
	read := ignoreBackgroundReads()
	fmt.Fprint(out, question)
	answers := readLine(in)
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(out)
			return "", ctx.Err()
		case <-p.resumed:
			if err := foreground(in); err != nil {
				return "", err
			}
			p.setEcho(echo)
			fmt.Fprint(out, "\n"+question)
		case a := <-answers:
			read()
			if secret {
				fmt.Fprintln(out)
			} else if wasHidden {
				p.setEcho(false)
			}
			if a.err != nil && foreground(in) != nil {
				a.err = errBackground
			}
			return a.line, a.err
		}
	}
}

type answer struct {
	line string
	err  error
}

// readLine reads one line in the background. The terminal hands out whole lines, so
// nothing of the next line is lost.
func readLine(in io.Reader) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = errNoAnswer
		}
		answers <- answer{strings.TrimRight(line, "\r\n"), err}
	}()
	return answers
}

// open keeps the terminal open and follows job control until release.
func (p *prompter) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tty != nil {
		return nil
	}
	in, out, err := OpenTerminal()
	if err != nil {
		return err
	}
	if out != in {
		_ = out.Close()
	}
	p.tty, p.resumed = in, make(chan struct{}, 1)
	p.ignored = p.followJobControl()
	return nil
}

// setEcho turns the echo on or off, and reports whether it was off.
func (p *prompter) setEcho(on bool) (wasHidden bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wasHidden = p.restore != nil
	switch {
	case on && wasHidden:
		if foreground(p.tty) == nil { // else the echo was turned on when the process was stopped
			p.restore()
		}
		p.restore = nil
	case !on && p.tty != nil:
		if restore := hideEcho(p.tty); p.restore == nil {
			p.restore = restore
		}
	}
	return wasHidden
}

// suspend turns the echo on for the shell that gets the terminal; resume turns it
// off again if it was off.
func (p *prompter) suspend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.restore != nil {
		p.restore()
	}
}

func (p *prompter) resume() {
	p.mu.Lock()
	if p.restore != nil && foreground(p.tty) == nil {
		hideEcho(p.tty)
	}
	p.mu.Unlock()
	select {
	case p.resumed <- struct{}{}:
	default:
	}
}

// release gives the terminal back as it was before the first prompt.
func (p *prompter) release() {
	p.setEcho(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tty != nil {
		p.ignored()
		_ = p.tty.Close()
		p.tty = nil
	}
}

func closeBoth(in, out *os.File) {
	_ = in.Close()
	if out != in {
		_ = out.Close()
	}
}
