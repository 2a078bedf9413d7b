package baseline

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"forcemfa/internal/org"
)

// A Wave is a group of users that is enforced from a date on.
type Wave struct {
	Name    string    `json:"name"`
	Match   Match     `json:"match"`             // empty: everybody
	Percent int       `json:"percent,omitempty"` // of them; zero: all
	From    time.Time `json:"from"`              // the first day, in UTC
}

func (w *Wave) fields() mapping {
	return mapping{fields: []field{
		{"name", required, "The name of the wave in plans.", sentence{&w.Name}},
		{"match", optional, "The users in the wave; the default is all users.", mapping{fields: w.Match.keys(), least: 1}},
		{"percent", optional, "The share of these users. The selection is the same in every run, and a larger share includes a smaller one.",
			number{&w.Percent, "percent", 1, 100}},
		{"from", required, "The first day on which the wave is enforced, in UTC.", day{&w.From}},
	}}
}

// Holds reports whether a user is in the wave.
func (w *Wave) Holds(at Place, u *org.User) bool {
	return w.Match.Matches(at, u) && (w.Percent == 0 || share(u.ARN) < uint64(w.Percent))
}

// share is a number from 0 to 99 for a user. It is derived from the ARN and so the
// same in every run: a share of 20 % includes a share of 10 %.
func share(userARN string) uint64 {
	sum := sha256.Sum256([]byte(userARN))
	return binary.BigEndian.Uint64(sum[:8]) % 100
}

// Scheduled is the wave of a user that has not started; nil when the user can be
// enforced now. The first wave that contains the user decides. A user in no wave
// starts with the last.
func (b *Baseline) Scheduled(at Place, u *org.User, now time.Time) *Wave {
	wave := b.wave(at, u)
	if wave == nil || !now.Before(wave.From) {
		return nil
	}
	return wave
}

func (b *Baseline) wave(at Place, u *org.User) *Wave {
	var last *Wave
	for i := range b.Waves {
		w := &b.Waves[i]
		if w.Holds(at, u) {
			return w
		}
		if last == nil || last.From.Before(w.From) {
			last = w
		}
	}
	if last == nil {
		return nil
	}
	return &Wave{Name: "users in no wave, with " + last.Name, From: last.From}
}
