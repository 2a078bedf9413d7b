// Package filefault explains errors of the file system: what is wrong with the
// disk, the directory or the file, and the next step.
package filefault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Next returns the next step after an error of reading or writing below a path:
// empty for an error that is not about space, permissions or the kind of a file.
// Without a path it is that of the error.
func Next(err error, path string) string {
	if path == "" {
		path = pathOf(err)
	}
	if path == "" {
		path = "the directory"
	}
	switch {
	case err == nil:
		return ""
	case caused(err, full):
		return "free space on the file system of " + path + ", or raise your quota there, and run it again"
	case caused(err, readOnly):
		return "the file system of " + path + " is read-only: make it writable, or use another directory"
	case errors.Is(err, fs.ErrPermission):
		return "give your user access to " + path + ", or use another directory"
	case caused(err, []syscall.Errno{syscall.ENOTDIR}):
		return "a file is in the place of a directory of " + path + ": rename it, or use another directory"
	case caused(err, []syscall.Errno{syscall.EISDIR}):
		return "a directory is in the place of the file " + path + ": give the path of a file"
	case errors.Is(err, errPipe):
		return "start the program that writes to the pipe, or put a file in its place"
	}
	return ""
}

// Error formats an error of the operating system as "what path: reason", with the
// path once.
func Error(what string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", what, path.Path, path.Err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func pathOf(err error) string {
	var file *fs.PathError
	if errors.As(err, &file) {
		return file.Path
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.New
	}
	return ""
}

// caused reports whether an error is one of these of the system. Some libraries
// only keep the text of the cause, at the end of theirs.
func caused(err error, errnos []syscall.Errno) bool {
	for _, errno := range errnos {
		if errors.Is(err, errno) || strings.HasSuffix(err.Error(), ": "+errno.Error()) {
			return true
		}
	}
	return false
}
