package session

import "errors"

// CacheRemedy returns the next step after an error of the cache.
func (m *Manager) CacheRemedy(err error) string { return m.cacheRemedy(err) }

// NeedsPerson reports whether only somebody with the MFA device can go on.
func NeedsPerson(err error) bool { return errors.Is(err, errNeedsPerson) }
