package survey_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/rehearse"
)

// A sandbox of a snapshot reports what the snapshot holds: the roles by which the sandbox
// is entered are in no finding and in no account that is read.
func TestASandboxReportsOnlyWhatItsFileHolds(t *testing.T) {
	const home, member = "111111111111", "222222222222"
	header := org.Header{Format: org.Format, Taken: now, Partition: "aws", Organization: &org.Organization{ID: "o-a1b2c3d4e5", ManagementAccount: home, FeatureSet: "ALL"}, Units: []org.Unit{{ID: "r-fix0", Name: "Root"}}, Accounts: 2}
	account := func(id string) *org.Account {
		return &org.Account{ID: id, Name: "a" + id, Partition: "aws", State: "ACTIVE", Unit: "r-fix0", Management: id == home, Read: true, Report: now}
	}
	name := filepath.Join(t.TempDir(), "file.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	err = org.Write(file, header, func(yield func(*org.Account, error) bool) {
		_ = yield(account(home), nil) && yield(account(member), nil)
	})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	box, err := rehearse.OpenSandbox(name, emulator.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	box.CompleteReports()
	o := optionsOf(t, box, fleet.Options{})
	o.Account = func(a *org.Account) {
		if len(a.Roles) > 0 {
			t.Errorf("account %s has the role %s", a.ID, a.Roles[0].Name)
		}
	}
	s := open(t, o)
	var l log
	if err := s.Audit(t.Context(), &l); err != nil {
		t.Fatal(err)
	}
	if s.Totals.AccountsRead != 2 {
		t.Errorf("%d accounts read, want 2; unread %v", s.Totals.AccountsRead, s.Unread)
	}
	for _, f := range l.findings {
		if strings.Contains(f.Subject+f.What, "ForceMFAAdministrator") || strings.Contains(f.Subject+f.What, "OrganizationAccountAccessRole") {
			t.Errorf("finding %+v", f)
		}
	}
}
