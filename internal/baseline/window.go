package baseline

import (
	"strings"
	"time"

	"forcemfa/internal/org"
)

// A Window lets users who have no console password enroll by access key: a tag
// on the user that lifts the Deny of enrollment by key until a date.
type Window struct {
	Tag  string `json:"tag"`
	Days int    `json:"days"` // how long a new window stays open
}

// Value is the tag value of a window that opens now: the last day on which it
// is open, in UTC.
func (w Window) Value(now time.Time) string {
	return now.UTC().AddDate(0, 0, w.Days).Format(time.DateOnly)
}

// An OpenWindow is the tag as it stands on a user. The policy looks only at
// whether the tag is there: the date is kept by later runs.
type OpenWindow struct {
	Tag   string    // as written on the user
	Value string    // as written on the user
	Until time.Time // when it ends; zero: the value is no date
}

// Of finds the window among the tags of a user. Tag keys compare without case,
// as IAM does.
func (w Window) Of(tags []org.Tag) (OpenWindow, bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, w.Tag) {
			return OpenWindow{Tag: t.Key, Value: t.Value, Until: windowEnd(t.Value)}, true
		}
	}
	return OpenWindow{}, false
}

// Expired tells whether the window should be closed by now. One without a
// readable date should have been closed at once.
func (o OpenWindow) Expired(now time.Time) bool {
	return !now.Before(o.Until)
}

// windowEnd reads an RFC 3339 date or date-time; a date ends with its day in UTC.
func windowEnd(value string) time.Time {
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return day.AddDate(0, 0, 1)
	}
	end, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}
	}
	return end.UTC()
}
