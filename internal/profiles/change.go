// Package profiles plans and undoes changes of AWS profiles that let the AWS CLI
// and SDKs use an MFA session without a prompt. A change is data until Write.
package profiles

import (
	"bytes"
	"cmp"
	"errors"

	"github.com/rogpeppe/go-internal/diff"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/filefault"
)

// A Change is a planned edit of the config file.
type Change struct {
	Path  string   // of the config file
	Notes []string // problems that the edit cannot fix
	// NoRegion: no region is known for the profiles.
	NoRegion bool

	before, after *awsfile.File
	edit          func(*awsfile.File) error
}

// Undo returns the change that removes everything that earlier changes wrote,
// and restores the lines that they took out of use.
func Undo(files *awsfile.Files) (*Change, error) {
	return newChange(files.Config, removeAll, []string{})
}

func removeAll(f *awsfile.File) error {
	if _, err := f.RemoveBlock(); err != nil {
		return err
	}
	f.Restore()
	return nil
}

func newChange(before *awsfile.File, edit func(*awsfile.File) error, notes []string) (*Change, error) {
	after := awsfile.Parse(before.Path, before.Bytes())
	if err := edit(after); err != nil {
		return nil, err
	}
	return &Change{Path: before.Path, Notes: notes, before: before, after: after, edit: edit}, nil
}

// Needed reports whether the change makes a difference.
func (c *Change) Needed() bool { return !bytes.Equal(c.before.Bytes(), c.after.Bytes()) }

// Diff returns the change as a unified diff without secrets; empty if there is
// no difference.
func (c *Change) Diff() string {
	return string(diff.Diff(c.Path, c.before.Redacted(), c.Path+" (new)", c.after.Redacted()))
}

// DiffFrom returns the difference from an earlier text of the file to what the change
// will leave, without secrets.
func (c *Change) DiffFrom(earlier *awsfile.File) string {
	return string(diff.Diff(c.Path, earlier.Redacted(), c.Path+" (new)", c.after.Redacted()))
}

// SameResult reports whether two changes leave the same text.
func (c *Change) SameResult(other *Change) bool {
	return bytes.Equal(c.after.Bytes(), other.after.Bytes())
}

// Write makes the change, unless the file has changed since it was planned.
func (c *Change) Write() error {
	err := awsfile.Edit(c.Path, func(f *awsfile.File) error {
		if !bytes.Equal(f.Bytes(), c.before.Bytes()) {
			return errors.New("another program changed the file meanwhile; nothing was written")
		}
		return c.edit(f)
	})
	if err != nil {
		return withNext(err, cmp.Or(filefault.Next(err, ""), "run it again"))
	}
	return nil
}

// An Error is a problem and the next step.
type Error struct {
	Err  error
	Next string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func withNext(err error, next string) error { return &Error{Err: err, Next: next} }
