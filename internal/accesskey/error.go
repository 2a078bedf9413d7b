package accesskey

import "forcemfa/internal/session"

func withNext(err error, next string) error {
	return &session.Problem{Sentence: err.Error(), Next: next, Err: err}
}
