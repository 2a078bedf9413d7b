package view

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// stream is an audit of two accounts, one of which could not be read whole.
func stream(s AuditSink) error {
	s.User(audit.User{Account: "111111111111", Name: "bob", State: audit.Open, MFA: org.No, Console: org.Yes, ActiveKeys: 2,
		Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Credential: policy.LongTermKey}})
	s.User(audit.User{Account: "111111111111", Name: "eve", State: audit.Enforced, MFA: org.Yes, Console: org.No})
	s.Finding(audit.Finding{ID: "no-group/111111111111/user/bob", Rule: "no-group", Severity: audit.Low, Account: "111111111111", Subject: "user/bob", What: "bob is in no group"})
	s.Finding(audit.Finding{ID: "user-open/111111111111/user/bob", Rule: "user-open", Severity: audit.High, Account: "111111111111", Subject: "user/bob", What: "bob is open"})
	s.Finding(audit.Finding{ID: "root-no-mfa/111111111111/root", Rule: "root-no-mfa", Severity: audit.Critical, Account: "111111111111", Subject: "root", What: "root\x1b[2J has no device"})
	s.Account(audit.Account{ID: "111111111111", Name: "legacy", Counts: audit.Counts{Users: 2, Enforced: 1, Open: 1}})
	s.Gap(org.Gap{Account: "222222222222", What: "users", Why: "AccessDenied"})
	s.Account(audit.Account{ID: "222222222222", Counts: audit.Counts{Users: 1, Unknown: 1}})
	return s.Close(audit.Counts{Users: 3, Enforced: 1, Open: 1, Unknown: 1})
}

func TestAPersonSeesWhatIsOpenWorstFirstAndWhatCouldNotBeRead(t *testing.T) {
	var out strings.Builder
	if err := stream(NewAuditText(&out, Style{})); err != nil {
		t.Fatal(err)
	}
	assertText(t, out.String(), `
111111111111 (legacy)
  user      state  device  console  keys  why
──────────────────────────────────────────────────────────────────────────────────────────────────────
  user/bob  open   none    yes         2  s3:GetObject without MFA by access key on arn:aws:s3:::b/k

  severity  rule         subject   what
───────────────────────────────────────────────────────────
  critical  root-no-mfa  root      root?[2J has no device
  low       no-group     user/bob  bob is in no group

     account  name    users  enforced  exempt  open  unknown
──────────────────────────────────────────────────────────────
111111111111  legacy      2         1       0     1        0
222222222222              1         0       0     0        1
──────────────────────────────────────────────────────────────
       total              3         1       0     1        1
could not read 222222222222: users: AccessDenied
`)
}

func TestAllUsersArePrintedOnRequest(t *testing.T) {
	var out strings.Builder
	all := NewAuditText(&out, Style{})
	all.All = true
	if err := stream(all); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "user/eve  enforced") {
		t.Errorf("no eve in\n%s", out.String())
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
		Summary       audit.Counts
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
		"root-no-mfa/111111111111/root", "222222222222"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if len(got.Assumptions) != 1 || got.Proofs != (proofCounts{3, 2}) || len(got.SecondOpinion) != 1 || len(got.Unread) != 1 || got.Summary != (audit.Counts{Users: 3, Enforced: 1, Open: 1, Unknown: 1}) {
		t.Errorf("the rest: %+v", got)
	}
}

func TestNothingReadIsStillJSON(t *testing.T) {
	var out strings.Builder
	if err := NewAuditJSON(&out).Close(audit.Counts{}); err != nil || !json.Valid([]byte(out.String())) {
		t.Errorf("%v, %q", err, out.String())
	}
}
