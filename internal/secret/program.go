package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	// MaxOutput is how much a program may print on stdout.
	MaxOutput = 1 << 20
	// lingering is how long Output waits for programs that the program started in the
	// background, such as an agent, and that keep its stdout open.
	lingering = time.Second
)

// Output runs a program and returns what it printed on stdout. A program that prints more
// than [MaxOutput] is an error that doesn't show it, because it may hold a secret. Programs
// that it started in the background don't keep Output from returning.
func Output(c *exec.Cmd) ([]byte, error) {
	out := limited{size: MaxOutput}
	c.Stdout, c.WaitDelay = &out, lingering
	err := c.Run()
	switch {
	case out.full:
		return nil, fmt.Errorf("it printed more than %d bytes", MaxOutput)
	case errors.Is(err, exec.ErrWaitDelay) && c.ProcessState.Success():
		err = nil
	}
	return out.text.Bytes(), err
}

// errFull ends the copying of what a program prints.
var errFull = errors.New("too much output")

// limited keeps what is written to it, up to a size.
type limited struct {
	text bytes.Buffer
	size int
	full bool
	rest bool // what is more than size is dropped, and is no error
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.size - l.text.Len(); len(p) > room {
		l.full = true
		if l.rest {
			l.text.Write(p[:room])
			return len(p), nil
		}
		return 0, errFull
	}
	return l.text.Write(p)
}

// maxPlain is far more than an access key ID or a secret access key has.
// Source: IAM API Reference, AccessKey: an ID of at most 128 characters.
const maxPlain = 256

// Plain reports whether a text from a program or a file can be the ID or the secret of an
// access key: not empty, not too long, and of visible ASCII characters.
func Plain(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxPlain
}
