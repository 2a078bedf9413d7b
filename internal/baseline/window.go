package baseline

import (
	"strings"
	"time"

	"forcemfa/internal/org"
)

// A Window is the enrollment window, in which users without a console password can
// enroll with an access key: a tag on the user lifts the Deny of enrollment by
// access key until a date.
type Window struct {
	Tag      string   `json:"tag"`
	Days     int      `json:"days"`               // how long a new window stays open
	Networks []string `json:"networks,omitempty"` // CIDR blocks from which a key may enroll; none: everywhere
}

// DeviceByKeyTag marks a user who enrolled a device in an enrollment window, which needs
// only an access key, until a person confirms that the device is the user's. Its value is
// the day on which the window was closed.
const DeviceByKeyTag = "forcemfa-device-by-key"

// DeviceByKey is the value of [DeviceByKeyTag] on a user.
func DeviceByKey(tags []org.Tag) (value string, ok bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, DeviceByKeyTag) {
			return t.Value, true
		}
	}
	return "", false
}

// Value is the tag value of an enrollment window that opens now: its last day, in
// UTC.
func (w Window) Value(now time.Time) string {
	return now.UTC().AddDate(0, 0, w.Days).Format(time.DateOnly)
}

// An OpenWindow is the tag on a user. The policy checks only whether the tag exists;
// later runs remove it after the date.
type OpenWindow struct {
	Tag   string    // as written on the user
	Value string    // as written on the user
	Until time.Time // when it ends; zero: the value is no date
}

// Of finds the enrollment window among the tags of a user. Tag keys are compared
// without case, as in IAM.
func (w Window) Of(tags []org.Tag) (OpenWindow, bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, w.Tag) {
			return OpenWindow{Tag: t.Key, Value: t.Value, Until: windowEnd(t.Value)}, true
		}
	}
	return OpenWindow{}, false
}

// Expired reports whether the enrollment window has ended. A window without a valid
// date has ended.
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
