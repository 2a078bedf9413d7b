package session

import "errors"

// NeedsPerson reports whether only somebody with the MFA device can go on.
func NeedsPerson(err error) bool { return errors.Is(err, errNeedsPerson) }
