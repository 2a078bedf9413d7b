package collect

import (
	"testing"

	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
)

// BenchmarkCollect reports the calls that one account of a thousand users
// costs, with full pages: calls/account. The budget is one a thousand
// entities, one a thousand virtual devices, eight more, and one for each user
// with another kind of device; policies of AWS are read once a run and
// reported beside it, as are the calls for the organization.
func BenchmarkCollect(b *testing.B) {
	h, accounts := company()
	crowd(accounts[1], 995)
	s := newStand(b, h, accounts, emulator.Options{})
	var ofMember, ofAWS, ofOrganization int
	for b.Loop() {
		s.cloud.ResetCounts()
		_, stream, err := Run(b.Context(), s.fleet(b, fleet.Options{Accounts: []string{member}}), Options{})
		if err != nil {
			b.Fatal(err)
		}
		collected(b, stream)
		ofMember, ofAWS, ofOrganization = 0, 0, 0
		for _, c := range s.cloud.Counts() {
			switch {
			case c.Service == "organizations" || c.Operation == "GetCallerIdentity":
				ofOrganization += c.Calls
			case c.Operation == "GetPolicyVersion":
				ofAWS += 2 * c.Calls // each with its GetPolicy, which is no call for our own policy
				ofMember -= c.Calls
			case c.Operation == "GetCredentialReport":
				ofMember++ // polling is not counted
			default:
				ofMember += c.Calls
			}
		}
	}
	a := accounts[1]
	entities := len(a.Users) + len(a.Groups) + len(a.Roles) + len(a.Policies)
	virtual, others := 0, 0
	for _, u := range a.Users {
		for _, d := range u.Devices {
			if d.Kind == "virtual" {
				virtual++
			} else {
				others++
			}
		}
	}
	budget := pages(entities) + pages(virtual) + 8 + others
	if ofMember > budget {
		b.Errorf("%d calls for the account, the budget is %d", ofMember, budget)
	}
	b.ReportMetric(float64(ofMember), "calls/account")
	b.ReportMetric(float64(budget), "budget/account")
	b.ReportMetric(float64(ofAWS), "managed/run")
	b.ReportMetric(float64(ofOrganization), "organization/run")
}

func pages(n int) int { return (n + pageSize - 1) / pageSize }
