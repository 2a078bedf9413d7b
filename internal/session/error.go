package session

import "errors"

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
