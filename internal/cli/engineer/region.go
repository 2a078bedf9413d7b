package engineer

import (
	"cmp"

	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

// environmentRegion returns the Region that the environment selects; may be empty.
func (e *machine) environmentRegion() string { return environ.Region(e.Getenv) }

// regionOf returns the Region in which to use a session: that of --region, of the
// environment, or of the profile; empty if none is set.
func (s *sessionFlags) regionOf(e *cache.Entry) string {
	return cmp.Or(s.region, s.env.environmentRegion(), e.Region)
}
