package command

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"forcemfa/internal/filefault"
)

// An Error ends a verb with an exit status. Err is nil when the verb has
// already printed everything.
type Error struct {
	Status int
	Err    error
	Hint   string // the next step
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Status)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Exit returns an error that ends the verb with a status; nil for StatusOK.
func Exit(status int) error {
	if status == StatusOK {
		return nil
	}
	return &Error{Status: status}
}

// WithHint adds the next step to an error.
func WithHint(err error, hint string) error {
	return &Error{Status: StatusFailed, Err: err, Hint: hint}
}

// Misused is an error in a command line; the hint names the verb's help.
func Misused(c *cobra.Command, err error) error {
	return WithHint(valueError(err), "see "+c.CommandPath()+" --help")
}

// valueError says what a flag takes, where its value is of another type: the error of the
// library names a function of Go.
func valueError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	want := ""
	switch invalid.GetFlag().Value.Type() {
	case "uint", "uint64":
		want = "a whole number from 0"
	case "int", "int64":
		want = "a whole number"
	case "float64":
		want = "a number"
	case "bool":
		want = "true or false"
	case "duration":
		want = "a duration such as 30s or 13h"
	default:
		return err
	}
	var number *strconv.NumError
	if errors.As(err, &number) && errors.Is(number, strconv.ErrRange) {
		want += ", and not as large"
	}
	return fmt.Errorf("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
}

// FileError formats an error of the operating system as "what path: reason",
// with the path once.
func FileError(what string, err error) error { return filefault.Error(what, err) }

// FileReason is an error of the operating system without the path, for messages
// that name the file already.
func FileReason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
