package filefault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// patience is how long a named pipe in the place of a file may wait for the program that
// writes to it, and pipeTime how long that program may take to write all of it.
var patience, pipeTime = 5 * time.Second, time.Minute

// errPipe is a named pipe that nobody writes to.
var errPipe = errors.New("is a pipe, and no program writes to it")

// Read returns the content of a file of at most this many bytes. A larger file, or a
// device that never ends, is an error before it fills the memory, and a pipe that nobody
// writes to is one after [patience].
func Read(path string, most int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &fs.PathError{Op: "read", Path: path, Err: errPipe}
	case err == nil && int64(len(text)) > most:
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", most)}
	}
	return text, err
}

func open(path string) (*os.File, error) {
	var f *os.File
	err := Opening([]string{path}, func() (err error) {
		f, err = os.Open(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	if isPipe(path) {
		_ = f.SetReadDeadline(time.Now().Add(pipeTime)) // macOS has none for a pipe
	}
	return f, nil
}

// Opening calls do, which opens these files, and returns its error. When one of them is a
// named pipe that no program writes to, it returns an error after [patience], and do
// stays behind.
func Opening(paths []string, do func() error) error {
	i := slices.IndexFunc(paths, isPipe)
	if i < 0 {
		return do()
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return &fs.PathError{Op: "open", Path: paths[i], Err: errPipe}
	}
}

func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}
