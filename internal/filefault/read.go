package filefault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"forcemfa/internal/bounded"
)

// patience is how long a named pipe in the place of a file may wait for the program that
// writes to it, and pipeTime how long that program may take to write all of it.
var patience, pipeTime = time.Second, time.Minute

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
	text, err := bounded.ReadAll(f, most)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &fs.PathError{Op: "read", Path: path, Err: errPipe}
	case errors.Is(err, bounded.ErrTooLarge):
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

// OpenRegular opens a regular file. Anything else, such as a pipe, a device or a directory,
// is an error at once. The file is opened first and looked at then, because another one
// could take its name in between.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // to open a pipe would wait
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("is not a regular file")}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}
