package impact

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/prose"
	"forcemfa/internal/trail"
)

// A Blind is something that the log cannot show.
type Blind struct {
	What  string `json:"what"`            // data-events, short-log, accounts, days, global-events, active-outside-log, role-sessions, duplicates
	Where string `json:"where,omitempty"` // account, Region or user
	Why   string `json:"why"`
}

func (b *builder) blind(what, where, format string, args ...any) {
	b.report.Blind = append(b.report.Blind, Blind{what, where, fmt.Sprintf(format, args...)})
}

// monthly is how many days a log needs to show a job that runs once a month.
const monthly = 32

// covered adds the extent of the log, and what is missing in it.
func (b *builder) covered(summary trail.Summary) {
	t, r := b.tally, b.report
	all := &days{map[int32]struct{}{}}
	byAccount := map[string]*days{}
	global := map[string]bool{}
	for p, d := range t.coverage {
		all.merge(d)
		if byAccount[p.account] == nil {
			byAccount[p.account] = &days{map[int32]struct{}{}}
		}
		byAccount[p.account].merge(d)
		global[p.account] = global[p.account] || homeRegion(p.region)
	}
	r.Log.Days = len(all.seen)
	if len(all.seen) == 0 {
		b.blind("no-log", "", "no record was read: the report rests on last-used dates alone")
		return
	}
	sorted := slices.Sorted(maps.Keys(all.seen))
	first, last := sorted[0], sorted[len(sorted)-1]
	r.Log.First, r.Log.Last = day(first), day(last)
	if span := int(last-first) + 1; span < monthly {
		b.blind("short-log", "", "the log spans %s: jobs that run once a month may be missing", prose.Count(span, "day"))
	}
	if !t.data {
		b.blind("data-events", "", "no data events: calls on S3 objects, DynamoDB items, Lambda functions and others are not in the log")
	}
	b.missing(byAccount, global, first, last)
	if t.lost {
		b.blind("role-sessions", "", "more than %d role sessions: some were not followed to the user who started them", maxSessions)
	}
	if summary.Unordered {
		b.blind("duplicates", "", "the files are not in CloudTrail's folders: records that were delivered twice far apart are counted twice")
	}
}

// missing adds accounts and days without records.
func (b *builder) missing(byAccount map[string]*days, global map[string]bool, first, last int32) {
	var absent []string
	for _, id := range slices.Sorted(maps.Keys(b.judge.accounts)) {
		a := b.judge.accounts[id]
		if byAccount[id] == nil {
			if a.Read {
				absent = append(absent, id)
			}
			continue
		}
		if !global[id] {
			b.blind("global-events", id, "no records of the Region that holds IAM and sign-in events (us-east-1)")
		}
		var none []string
		for d := first; d <= last; d++ {
			if _, ok := byAccount[id].seen[d]; !ok {
				none = append(none, day(d))
			}
		}
		if len(none) > 0 {
			b.blind("days", id, "no records on %d of %s, the first %s", len(none), prose.Count(int(last-first)+1, "day"), none[0])
		}
	}
	if len(absent) > 0 {
		b.blind("accounts", strings.Join(absent, " "), "the log has no records of these accounts, which were read: %d", len(absent))
	}
}

func homeRegion(region string) bool {
	return region == "us-east-1" || region == "us-gov-west-1" || region == "cn-north-1" || strings.HasSuffix(region, "iso-east-1") || strings.HasSuffix(region, "isob-east-1")
}

func day(n int32) string { return time.Unix(int64(n)*daySeconds, 0).UTC().Format(time.DateOnly) }

// outside adds users whose credentials were used when the log has no call of them.
// CloudTrail delivers within minutes, so an hour later is outside.
// Source: IAM User Guide, "Get credential reports", access_key_1_last_used_date.
func (b *builder) outside() error {
	for name, m := range b.judge.members {
		if !m.known {
			continue
		}
		for _, k := range m.user.Keys {
			if !k.Active || k.Used == nil {
				continue
			}
			u, err := b.user(name)
			if err != nil {
				return err
			}
			if used := k.Used.Unix(); used > u.all.last+3600 {
				b.outsideKey(u, k.ID, used)
			}
		}
	}
	slices.SortFunc(b.report.Blind, func(a, c Blind) int { return strings.Compare(a.What+a.Where+a.Why, c.What+c.Where+c.Why) })
	return nil
}

// outsideKey notes a key that was used later than the log shows.
func (b *builder) outsideKey(u *userBuilder, id string, used int64) {
	u.outside = true
	which := "an access key"
	if id != "" {
		which = "access key " + id
	}
	last := "the log has no call of the user"
	if u.all.count > 0 {
		last = "the last recorded call was at " + stamp(u.all.last)
	}
	b.blind("active-outside-log", u.ARN, "%s was used at %s; %s", which, stamp(used), last)
}
