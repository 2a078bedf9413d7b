package world

import (
	"slices"
	"time"

	"forcemfa/internal/org"
)

// assumedMaxAge is the age in days at which passwords of a snapshot expire, which does
// not have it. The time of the last change follows from it.
const assumedMaxAge = 90

// loadPasswordPolicy returns a policy for an account whose passwords expire; nil when
// none does.
func loadPasswordPolicy(from *org.Account) *PasswordPolicy {
	if !slices.ContainsFunc(from.Users, func(u org.User) bool { return u.PasswordExpires != nil }) {
		return nil
	}
	return &PasswordPolicy{
		MinimumLength: 8, Symbols: true, Numbers: true, Uppercase: true, Lowercase: true, UsersMayChange: true,
		MaxAge: assumedMaxAge, HardExpiry: from.HardExpiry == org.Yes,
	}
}

// mostEarlier is how many passwords a policy can forbid to use again.
// Source: IAM API Reference, UpdateAccountPasswordPolicy, PasswordReusePrevention.
const mostEarlier = 24

// Replace sets a new password and keeps the earlier ones.
func (l *Login) Replace(password string, now time.Time) {
	l.Earlier = append([]string{l.Password}, l.Earlier...)
	l.Earlier = slices.Clip(l.Earlier[:min(len(l.Earlier), mostEarlier)])
	l.Password, l.Changed = password, now
}

// Expires returns when the password of a login expires; zero: never.
func (p *PasswordPolicy) Expires(l *Login) time.Time {
	if p == nil || p.MaxAge == 0 {
		return time.Time{}
	}
	return l.Changed.AddDate(0, 0, int(p.MaxAge))
}
