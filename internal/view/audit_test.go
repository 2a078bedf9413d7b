package view

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// stream is an audit of two accounts, one of which could not be read whole.
func stream(s AuditSink) error {
	s.User(audit.User{Account: "111111111111", Name: "bob", State: audit.Open, MFA: org.No, Console: org.Yes, ActiveKeys: 2,
		Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Credential: policy.LongTermKey}})
	s.User(audit.User{Account: "111111111111", Name: "eve", State: audit.Enforced, MFA: org.Yes, NewerThan: new(time.Date(2026, 11, 1, 10, 2, 0, 0, time.UTC))})
	s.Finding(audit.Finding{ID: "no-group/111111111111/user/bob", Rule: "no-group", Severity: audit.Low, Account: "111111111111", Subject: "user/bob", What: "bob is in no group"})
	s.Finding(audit.Finding{ID: "user-open/111111111111/user/bob", Rule: "user-open", Severity: audit.High, Account: "111111111111", Subject: "user/bob", What: "bob is open"})
	s.Finding(audit.Finding{ID: "root-no-mfa/111111111111/root", Rule: "root-no-mfa", Severity: audit.Critical, Account: "111111111111", Subject: "root", What: "root\x1b[2J has no device"})
	s.Account(audit.Account{ID: "111111111111", Name: "legacy", Read: true, Counts: audit.Counts{Users: 2, Enforced: 1, Open: 1}})
	s.Gap(org.Gap{Account: "222222222222", What: "users", Why: "AccessDenied"})
	s.Account(audit.Account{ID: "222222222222"})
	s.Account(audit.Account{ID: "333333333333", Name: "old", Skipped: "the account is closed"})
	return s.Close(Conclusion{
		Head: run.Head{Organization: "o-1"},
		End: run.End{Failing: 3, Totals: audit.Totals{
			Counts: audit.Counts{Users: 2, Enforced: 1, Open: 1, NewerThanReport: 1}, AccountsRead: 1, AccountsUnread: 1, AccountsSkipped: 1,
			Findings: map[audit.Severity]int{audit.Critical: 1, audit.High: 1, audit.Low: 1},
		}},
		Next: func(verb string) string { return "forcemfa " + verb + " --profile acme" },
	})
}

func TestAPersonSeesWhatIsOpenWorstFirstAndWhatCouldNotBeRead(t *testing.T) {
	var out strings.Builder
	if err := stream(NewAuditText(&out, Style{})); err != nil {
		t.Fatal(err)
	}
	assertText(t, out.String(), `
o-1, 1 of 3 accounts

  can act without MFA  1 of 2 users  in 1 account
  exempt               0
  enforced             1
  keys not read        1 user        newer than the credential report
  not read             1 account     see below
  skipped              1 account     suspended or closed

  resource control policies of other accounts and VPC endpoint policies were not read; they may refuse an example request

  findings: critical 1, high 1, low 1

Findings, worst first

  critical  root-no-mfa  root      111111111111  root?[2J has no device
  high      user-open    user/bob  111111111111  bob is open
  low       no-group     user/bob  111111111111  bob is in no group

Findings by rule (--group-by rule lists them)

  critical  1 × root-no-mfa
  high      1 × user-open
  low       1 × no-group

Not read

  222222222222  users  AccessDenied

Skipped

  333333333333  account  the account is closed

1 user can act without MFA.
Next: forcemfa plan --profile acme
`)
}

func TestAllUsersArePrintedOnRequest(t *testing.T) {
	var out strings.Builder
	all := NewAuditText(&out, Style{})
	all.All = true
	if err := stream(all); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`user/eve  enforced  yes +\? +\?`).MatchString(out.String()) {
		t.Errorf("no eve, or with a password or keys that nobody read, in\n%s", out.String())
	}
}

func TestJSONHasTheStreamAndTheVerification(t *testing.T) {
	var out strings.Builder
	sink := NewAuditJSON(&out)
	sink.Verified(Verification{Assumptions: []string{"x"}, Accepted: 3, AnyAction: 2, Opinions: []Opinion{{ARN: "a", Allowed: []string{}}}})
	if err := stream(sink); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Accounts []struct {
			ID         string
			UserStates []struct{ Name, State string } `json:"user_states"`
			Findings   []struct{ ID string }
		}
		Unread        []org.Gap
		Assumptions   []string
		Proofs        proofCounts `json:"proof_certificates"`
		SecondOpinion []Opinion   `json:"second_opinion"`
		Summary       audit.Totals
		Skipped       []org.Gap
		NotRead       []string `json:"not_read"`
		Complete      *bool
		Findings      int
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	var seen []string
	for _, a := range got.Accounts {
		seen = append(seen, a.ID)
		for _, u := range a.UserStates {
			seen = append(seen, u.Name+" "+u.State)
		}
		for _, f := range a.Findings {
			seen = append(seen, f.ID)
		}
	}
	want := []string{"111111111111", "bob open", "eve enforced", "no-group/111111111111/user/bob", "user-open/111111111111/user/bob",
		"root-no-mfa/111111111111/root", "222222222222", "333333333333"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if len(got.Assumptions) != 1 || got.Proofs != (proofCounts{3, 2}) || len(got.SecondOpinion) != 1 || len(got.Unread) != 1 || got.Summary.Counts != (audit.Counts{Users: 2, Enforced: 1, Open: 1, NewerThanReport: 1}) ||
		got.Summary.AccountsUnread != 1 || len(got.Skipped) != 1 || len(got.NotRead) != 2 || got.Complete == nil || *got.Complete || got.Findings != 3 {
		t.Errorf("the rest: %+v", got)
	}
}

func TestNothingReadIsStillJSON(t *testing.T) {
	var out strings.Builder
	if err := NewAuditJSON(&out).Close(Conclusion{}); err != nil || !json.Valid([]byte(out.String())) || strings.Contains(out.String(), "not_read") {
		t.Errorf("%v, %q", err, out.String())
	}
}
