package impact

import (
	"time"

	"forcemfa/internal/trail"
)

// A place is an account's Region.
type place struct{ account, region string }

// days are the days on which a place has records.
type days struct{ seen map[int32]struct{} }

func (d *days) merge(o *days) {
	for day := range o.seen {
		d.seen[day] = struct{}{}
	}
}

func (t *Tally) coveredDays(p place) *days {
	d := t.coverage[p]
	if d == nil {
		d = &days{map[int32]struct{}{}}
		t.coverage[p] = d
	}
	return d
}

// Covered notes that every management event of a Region was read from the first day to
// the last, so that a day without records is a day without calls.
func (t *Tally) Covered(account, region string, first, last time.Time) {
	seen := t.coveredDays(place{account, region}).seen
	for day := first.Unix() / daySeconds; day <= last.Unix()/daySeconds; day++ {
		seen[int32(day)] = struct{}{}
	}
}

// Incomplete notes that role sessions were left out.
func (t *Tally) Incomplete() { t.lost = true }

// cover notes that the log has records of an account, Region and day.
func (t *Tally) cover(c *trail.Call) {
	if c.Category == "Data" {
		t.data = true
	}
	account := c.Account
	if account == "" {
		account = c.Caller.Account
	}
	t.coveredDays(place{account, c.Region}).seen[int32(c.Time/daySeconds)] = struct{}{}
}
