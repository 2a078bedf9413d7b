package impact

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/prose"
)

// exemptFor is how long a suggested exemption lasts.
const exemptFor = 90 * 24 * time.Hour

// ownerTags are keys of tags that name who answers for a user, in the order in which they
// are looked for.
var ownerTags = []string{"owner", "owner-email", "contact", "email", "team"}

// Exemptions is a block of a config file that exempts the service accounts who stop
// until a date, so that their keys can be replaced by then. Owners come from
// tags of the users; others are to be filled in.
func (r *Report) Exemptions(now time.Time) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Suggested by forcemfa impact on %s. Each line is a service account whose calls would be denied.\n", now.UTC().Format(time.DateOnly))
	b.WriteString("# Fill in the owners, remove what should stop, and replace the keys by roles before the date.\nexemptions:\n")
	n := 0
	for i := range r.Users {
		u := &r.Users[i]
		if u.Denied == 0 || u.Kind != ServiceAccount && u.Kind != Both || !u.Known {
			continue
		}
		n++
		fmt.Fprintf(&b, "  - match: {arn: %s}\n", strconv.Quote(u.ARN))
		if owner := ownerOfTags(maps.All(u.tags)); owner != "" {
			fmt.Fprintf(&b, "    owner: %s # from a tag of the user\n", strconv.Quote(owner))
		} else {
			fmt.Fprintf(&b, "    owner: owner@example.com # who answers for this key?\n")
		}
		fmt.Fprintf(&b, "    reason: %s\n", strconv.Quote(fmt.Sprintf("%s: %s, last %s, by %s", u.Kind, prose.Count(u.Denied, "call"), u.Last, strings.Join(u.Tools, ", "))))
		fmt.Fprintf(&b, "    expires: %s\n", now.UTC().Add(exemptFor).Format(time.DateOnly))
	}
	if n == 0 {
		return nil
	}
	return []byte(b.String())
}
