package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/org"
)

// seenSample is the sample organization as read by a run with a role in every
// account except the invited and the closed one.
func seenSample(t *testing.T) (*org.Header, []*org.Account, *baseline.Baseline) {
	t.Helper()
	b, err := baseline.Parse("forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	h, list := sample.Organization()
	var accounts []*org.Account
	for _, a := range list {
		if a.ID == sample.Acquired || a.ID == sample.Closed {
			a = org.Account{ID: a.ID, Name: a.Name, State: a.State}
		}
		a.Report = now.Add(-time.Hour)
		accounts = append(accounts, &a)
	}
	return &h, accounts, b
}

func TestStatesOfTheSampleOrganization(t *testing.T) {
	h, accounts, b := seenSample(t)
	got, counts := run(t, h, b, accounts...)
	// Everybody else is open.
	want := map[string]audit.State{
		"111111111111/break-glass-1": audit.Exempt, "111111111111/break-glass-2": audit.Exempt, "111111111111/ci-deploy": audit.Exempt,
		"111111111111/scanner": audit.Exempt, "111111111111/ses-smtp": audit.Exempt,
		"222222222222/deepak": audit.Enforced, "222222222222/emma": audit.Enforced, "222222222222/jonas": audit.Enforced,
		"222222222222/portal": audit.Exempt, "222222222222/terraform": audit.Exempt,
		"333333333333/selenium": audit.Exempt, "444444444444/loadtest": audit.Exempt,
		"555555555555/backup": audit.Exempt, "555555555555/break-glass-prod": audit.Exempt,
		"888888888888/xenia": audit.Enforced, "888888888888/yusuf": audit.Enforced,
	}
	states := map[string]audit.State{}
	for _, u := range got.users {
		who := u.Account + "/" + u.Name
		if u.State != audit.Open {
			states[who] = u.State
		}
		if u.State == audit.Open && (u.Example == nil || u.NotExploitable != (who == "111111111111/oscar")) {
			t.Errorf("%s: example %v, not exploitable %v", who, u.Example, u.NotExploitable)
		}
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(audit.Counts{Users: 67, Enforced: 5, Exempt: 11, Open: 51}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestDocumentsEnforceEveryUserOfTheSample(t *testing.T) {
	for name, document := range map[string]func(*baseline.Baseline) string{
		"whole":  func(b *baseline.Baseline) string { return b.Document("aws") },
		"denies": func(b *baseline.Baseline) string { return b.DenyDocument("aws") },
	} {
		h, accounts, b := seenSample(t)
		for _, a := range accounts {
			for i := range a.Users {
				a.Users[i].Inline = append(a.Users[i].Inline, org.InlinePolicy{Name: baseline.InlinePolicyName, Document: document(b)})
			}
		}
		got, _ := run(t, h, b, accounts...)
		for _, u := range got.users {
			if u.State != audit.Enforced && u.State != audit.Exempt {
				t.Errorf("%s: %s/%s is %s: %v %s", name, u.Account, u.Name, u.State, u.Example, u.Why)
			}
		}
	}
}

func TestSampleShowsTheRules(t *testing.T) {
	h, accounts, b := seenSample(t)
	got, _ := run(t, h, b, accounts...)
	have := map[string]bool{}
	for _, f := range got.findings {
		have[f.Rule] = true
	}
	// Rules that the sample cannot show: unreadable or old data, windows opened by a
	// run, a guard SCP, own policies of roles that depend on MFA, and findings of deploy plan.
	elsewhere := map[string]bool{"user-unknown": true, "role-trust-unknown": true, "role-policy-mfa": true, "report-missing": true, "report-stale": true, "guard-bypass": true, "exempt-credentials": true, "outside-organization": true, "account-departed": true, "device-by-key": true,
		"window-open": true, "window-expired": true, "no-trail": true, "deployment-drift": true}
	var missing []string
	for _, r := range audit.Rules {
		if !have[r.Name] && !elsewhere[r.Name] {
			missing = append(missing, r.Name)
		}
	}
	if missing != nil {
		t.Error(fmt.Sprint("no finding of ", missing))
	}
}
