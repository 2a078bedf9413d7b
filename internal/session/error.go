package session

import (
	"errors"

	"forcemfa/internal/secret"
)

// A Problem is why there is no session, in one sentence, and the next step of
// who reads it.
type Problem struct {
	Sentence string
	Next     string
	Err      error // what it comes from; nil: nothing else
}

func (p *Problem) Error() string { return p.Sentence }

func (p *Problem) Unwrap() error { return p.Err }

// errNeedsPerson is behind problems that only somebody with the device can
// solve.
var errNeedsPerson = errors.New("a person with the MFA device is needed")

// needsPerson reports whether an error only shows that nobody was there to enter
// a code or to open a secret store.
func needsPerson(err error) bool {
	var store *secret.Error
	return errors.Is(err, errNeedsPerson) || errors.As(err, &store)
}
