package survey_test

import (
	"slices"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
)

// Filters leave accounts out of a survey, and none out of the list of the organization,
// so an account that is filtered did not depart.
func TestTheListOfTheOrganizationIsWholeWhateverIsFiltered(t *testing.T) {
	for _, filter := range []fleet.Options{{}, {Accounts: []string{sample.Legacy}}, {NotAccounts: []string{sample.Legacy}}} {
		s := open(t, options(t, filter))
		if err := s.Audit(t.Context(), new(log)); err != nil {
			t.Fatal(err)
		}
		if len(s.Listed) != 8 || !slices.ContainsFunc(s.Listed, func(l fleet.Listed) bool { return l.Closing }) {
			t.Errorf("listed: %v", s.Listed)
		}
		if n, read := s.UsersRead()[sample.Legacy]; (n > 0) != read || read != (filter.NotAccounts == nil) {
			t.Errorf("with %v: %d users", filter, n)
		}
	}
}

func TestDeparturesAndWhatCouldNotBeReadReachTheAudit(t *testing.T) {
	gone := audit.Departure{Account: "999999999999", Seen: now, Noticed: now}
	missed := org.Gap{Account: sample.Legacy, What: "accounts of earlier runs", Why: "damaged"}
	s := open(t, options(t, fleet.Options{Accounts: []string{sample.Legacy}}))
	s.Departed = []audit.Departure{gone}
	s.Miss(missed)
	got := new(log)
	if err := s.Audit(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	about := func(f audit.Finding) bool { return f.Rule == "account-departed" && f.Account == sample.Legacy }
	if !slices.ContainsFunc(got.findings, about) || !slices.Contains(got.unread, missed) || !slices.Contains(s.Unread, missed) || s.Complete() {
		t.Errorf("findings %d, unread %v and %v", len(got.findings), got.unread, s.Unread)
	}
}
