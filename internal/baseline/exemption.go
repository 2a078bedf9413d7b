package baseline

import (
	"time"

	"forcemfa/internal/org"
)

// An Exemption excludes users from ForceMFA.
type Exemption struct {
	Match      Match     `json:"match"`
	Owner      string    `json:"owner"`
	Reason     string    `json:"reason"`
	Expires    time.Time `json:"expires,omitzero"` // the last day, in UTC; zero: no end
	BreakGlass bool      `json:"break_glass,omitempty"`
	Line       int       `json:"-"` // in the config file; 0 without one
}

// Exempt is the first unexpired exemption that matches a user, in the order of the
// file; nil when there is none.
func (b *Baseline) Exempt(at Place, u *org.User, now time.Time) *Exemption {
	for i := range b.Exemptions {
		e := &b.Exemptions[i]
		if !e.Expired(now) && e.Match.Matches(at, u) {
			return e
		}
	}
	return nil
}

// Lapsed are the expired exemptions that match a user.
func (b *Baseline) Lapsed(at Place, u *org.User, now time.Time) []*Exemption {
	var lapsed []*Exemption
	for i := range b.Exemptions {
		e := &b.Exemptions[i]
		if e.Expired(now) && e.Match.Matches(at, u) {
			lapsed = append(lapsed, e)
		}
	}
	return lapsed
}

// Expired reports whether the last day is over.
func (e *Exemption) Expired(now time.Time) bool {
	return !e.Expires.IsZero() && !now.Before(e.Expires.AddDate(0, 0, 1))
}

// String is the match, the owner, the reason and the last day.
func (e *Exemption) String() string {
	kind := "exemption"
	if e.BreakGlass {
		kind = "break-glass"
	}
	s := kind + " " + e.Match.String() + ", owner " + e.Owner + ": " + e.Reason
	if !e.Expires.IsZero() {
		s += ", until " + e.Expires.Format(time.DateOnly)
	}
	return s
}
