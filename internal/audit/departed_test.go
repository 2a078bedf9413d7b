package audit_test

import (
	"slices"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

func TestADepartedAccountIsAFindingOfTheManagementAccount(t *testing.T) {
	const gone = "444444444444"
	departed := audit.Departure{Account: gone, Name: "dev", Seen: now.AddDate(0, 0, -3), Users: 12, Read: now.AddDate(0, 0, -4), Noticed: now.AddDate(0, 0, -1)}
	what := "high: the account " + gone + " (dev) is not in the organization any more, so no service control policy affects it; it was listed last at " +
		departed.Seen.Format(time.RFC3339) + ", and its users were read last at " + departed.Read.Format(time.RFC3339) + ": 12"
	for _, row := range []struct {
		name, config string
		change       func(*audit.Departure, *org.Account)
		want         string
	}{
		{"new", "", func(*audit.Departure, *org.Account) {}, what},
		{"in another account", "", func(_ *audit.Departure, a *org.Account) { a.Management = false }, ""},
		{"the management account is not read", "", func(_ *audit.Departure, a *org.Account) { a.Read = false }, what},
		{"after 90 days", "", func(d *audit.Departure, _ *org.Account) { d.Noticed = now.AddDate(0, 0, -90) }, what},
		{"after more than 90 days", "", func(d *audit.Departure, _ *org.Account) { d.Noticed = now.AddDate(0, 0, -90).Add(-time.Second) }, ""},
		{"noticed by a clock that was ahead", "", func(d *audit.Departure, _ *org.Account) { d.Noticed = now.AddDate(50, 0, 0) }, what},
		{"acknowledged", `acknowledge: ["account-departed:` + gone + `"]`, func(*audit.Departure, *org.Account) {}, ""},
		{"another account is acknowledged", `acknowledge: ["account-departed:555555555555"]`, func(*audit.Departure, *org.Account) {}, what},
		{"never read, without a name", "", func(d *audit.Departure, _ *org.Account) { d.Name, d.Users, d.Read = "", 0, time.Time{} },
			"high: the account " + gone + " is not in the organization any more, so no service control policy affects it; it was listed last at " +
				departed.Seen.Format(time.RFC3339) + ", and its users were never read"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, d := quiet(t), departed
			a.Management = true
			row.change(&d, a)
			auditor := audit.New(&org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1", ManagementAccount: a.ID}}, configOf(t, row.config), now)
			auditor.Departed = []audit.Departure{d}
			var got recording
			auditor.Account(a, &got)
			only(t, found(&got, "account-departed"), row.want)
			if i := slices.IndexFunc(got.findings, func(f audit.Finding) bool { return f.Rule == "account-departed" }); i >= 0 && got.findings[i].ID != "account-departed/"+a.ID+"/account/"+gone {
				t.Errorf("ID %s", got.findings[i].ID)
			}
		})
	}
}
