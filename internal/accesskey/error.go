package accesskey

import (
	"errors"
	"fmt"
	"os"

	"forcemfa/internal/session"
)

func withNext(err error, next string) error {
	return &session.Problem{Sentence: err.Error(), Next: next, Err: err}
}

// fileError formats an error of the operating system with the path once.
func fileError(what string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", what, path.Path, path.Err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
