package audit

import (
	"fmt"
	"time"

	"forcemfa/internal/baseline"
)

// A Departure is an account that an earlier run listed in the organization, and that is
// not in it any more.
type Departure struct {
	Account, Name string
	Seen          time.Time // when a run listed it last
	Users         int       // when a run read it last
	Read          time.Time // zero: no run read it
	Noticed       time.Time // by the first run that did not find it
}

// departureReported is how long a departure is a finding.
const departureReported = 90 * 24 * time.Hour

// departures adds a finding of the management account for each account that left the
// organization. A time in the future, from a clock that was wrong, ends no finding.
func (r *report) departures() {
	if !r.account.Management {
		return
	}
	for _, d := range r.auditor.Departed {
		if r.auditor.now.Sub(d.Noticed) > departureReported || r.auditor.baseline.Acknowledged(baseline.DepartedAccount, "", d.Account) {
			continue
		}
		f := r.add("account-departed", "account/"+d.Account, "the account %s is not in the organization any more, so no service control policy affects it; it was listed last at %s, and %s",
			d.label(), d.Seen.UTC().Format(time.RFC3339), d.usersThen())
		f.Remedy = fmt.Sprintf("find out who removed the account, and invite it again; if it was intended, add %s:%s to acknowledge in the config file", baseline.DepartedAccount, d.Account)
	}
}

func (d *Departure) label() string {
	if d.Name == "" {
		return d.Account
	}
	return d.Account + " (" + d.Name + ")"
}

func (d *Departure) usersThen() string {
	if d.Read.IsZero() {
		return "its users were never read"
	}
	return fmt.Sprintf("its users were read last at %s: %d", d.Read.UTC().Format(time.RFC3339), d.Users)
}
