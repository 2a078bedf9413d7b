package baseline

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"forcemfa/internal/org"
)

// A Wave is a part of the organization that is enforced from a date on.
type Wave struct {
	Name    string    `json:"name"`
	Match   Match     `json:"match"`             // empty: everybody
	Percent int       `json:"percent,omitempty"` // of them; zero: all
	From    time.Time `json:"from"`              // the first day, in UTC
}

func (w *Wave) fields() mapping {
	return mapping{fields: []field{
		{"name", required, "What the plan calls it.", sentence{&w.Name}},
		{"match", optional, "Who is in it; without it, everybody.", mapping{fields: w.Match.keys(), least: 1}},
		{"percent", optional, "How many of them: a share that stays the same from run to run, and holds those of every smaller share.",
			number{&w.Percent, "percent", 1, 100}},
		{"from", required, "The first day on which they are enforced, in UTC.", day{&w.From}},
	}}
}

// Holds tells whether a user is in the wave.
func (w *Wave) Holds(at Place, u *org.User) bool {
	return w.Match.Matches(at, u) && (w.Percent == 0 || share(u.ARN) < uint64(w.Percent))
}

// share is where a user stands between 0 and 99: the same in every run, since
// it comes from the ARN, so that a share of 20 % holds all of one of 10 %.
func share(userARN string) uint64 {
	sum := sha256.Sum256([]byte(userARN))
	return binary.BigEndian.Uint64(sum[:8]) % 100
}

// Scheduled is the wave for whose day a user waits; nil when the user may be
// enforced. The first wave that holds the user decides. Who is in none comes
// with the last day of all.
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
	return &Wave{Name: "the rest, with " + last.Name, From: last.From}
}
