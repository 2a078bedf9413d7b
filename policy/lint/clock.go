package lint

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
)

// ofClock reports whether a key is the time of the request, which nobody can choose.
func ofClock(key string) bool {
	return strings.EqualFold(key, "aws:CurrentTime") || strings.EqualFold(key, "aws:EpochTime")
}

// instants returns times in their order at which conditions on the clock hold or not:
// the usual time of requests, and those around the values that are later.
func instants(on []policy.Condition) []time.Time {
	out := []time.Time{noon}
	for _, c := range on {
		for _, v := range c.Values[:min(len(c.Values), mostValues)] {
			if at, ok := instant(v); ok {
				out = append(out, at.Add(-time.Second), at, at.Add(time.Second))
			}
		}
	}
	out = slices.DeleteFunc(out, func(at time.Time) bool { return at.Before(noon) })
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// instant reads a date of a condition, or a number of seconds since 1970.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators", Date.
func instant(v string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, v); err == nil {
			return at.UTC(), true
		}
	}
	seconds, err := strconv.ParseInt(v, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// clockText is a time as the value of a key.
func clockText(key string, at time.Time) string {
	if strings.EqualFold(key, "aws:EpochTime") {
		return strconv.FormatInt(at.Unix(), 10)
	}
	return at.Format(time.RFC3339)
}

// at returns a copy of the situation at another time.
func (at situation) at(t time.Time) *situation {
	return at.having("aws:CurrentTime", []string{clockText("aws:CurrentTime", t)}).having("aws:EpochTime", []string{clockText("aws:EpochTime", t)})
}

// expiring reports a guard whose conditions on the clock hold at some times only.
func (in *inspection) expiring(i int, on []policy.Condition, probe *situation) {
	times := instants(on)
	refused := make([]bool, len(times))
	var open *situation
	for n, t := range times {
		at := probe.at(t)
		refused[n] = in.refused(at)
		if open == nil && in.passes(at) {
			open = at
		}
	}
	if open == nil {
		return
	}
	f := in.add("E-10", i, "the Deny applies only %s (%s): at other times a request without MFA passes", spans(times, refused), conditionText(on))
	f.Example = in.example(open, true, true)
	f.Fix = in.withoutKey(i, on[0].Key)
}

// spans says from when until when something holds, of times in their order.
func spans(times []time.Time, holds []bool) string {
	var parts []string
	for n := 0; n < len(times); n++ {
		if !holds[n] {
			continue
		}
		var span []string
		if n > 0 {
			span = append(span, "from "+times[n].Format(time.RFC3339))
		}
		for n+1 < len(times) && holds[n+1] {
			n++
		}
		if n+1 < len(times) {
			span = append(span, "until "+times[n].Format(time.RFC3339))
		}
		parts = append(parts, strings.Join(span, " "))
	}
	return strings.Join(parts, " and ")
}
