package impact

import (
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
