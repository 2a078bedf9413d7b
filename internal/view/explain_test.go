package view

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

func TestAnExplanationIsPrintedAsText(t *testing.T) {
	used := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	e := Explanation{
		User: audit.User{Name: "bob", ARN: "arn:aws:iam::111111111111:user/bob", Account: "111111111111", AccountName: "dev", State: audit.Open, Console: org.Yes, ActiveKeys: 1,
			MFA: org.No, Assumptions: []string{"forwarded calls are allowed"},
			Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "*", Credential: policy.LongTermKey, AllowedBy: "Admin, statement Everything"}},
		Keys:      []org.AccessKey{{ID: "AKIAEXAMPLE", Active: true, Used: &used, UsedService: "s3", UsedRegion: "eu-west-1"}, {}},
		Stops:     "access key used for s3 on 2026-11-01",
		Documents: []ExplainedDocument{{Layer: "identity", Name: "Admin", Allows: 1, MFA: []string{"S: deny if aws:MultiFactorAuthPresent is false"}, Others: []string{"T: deny always"}}, {Layer: "scp", Name: "P", Unreadable: "AccessDenied"}},
		Roles:     []ReachableRole{{ARN: "role/R", Via: []string{"role/Q"}}},
		Switches:  []DisablingRequest{{What: "detach the policy", Action: "iam:DetachUserPolicy", Resource: "*", As: "role/R", WithoutMFA: true}, {What: "leave the group", Action: "iam:RemoveUserFromGroup", Resource: "*"}},
		Undecided: []string{"role/S"},
		Findings:  []audit.Finding{{Rule: "user-open", What: "bob is open", Remedy: "apply"}},
		Steps:     []plan.Step{{Op: plan.AddUserToGroup, Subject: "user/bob", Object: "ForceMFA", Blocked: "locked out", Remedy: "enroll"}},
	}
	var out strings.Builder
	e.Text(&out, Style{})
	assertText(t, out.String(), `
bob (111111111111 dev) can act without MFA.

  with the access key  read all objects in S3
  request              s3:GetObject without MFA by access key on *
  allowed by           Admin, statement Everything
  not read             resource control policies of other accounts and VPC endpoint policies, which may refuse the request
  access key           AKIAEXAMPLE, last used on 2026-11-01 for s3 in eu-west-1
  access key           (inactive), no use recorded
  password             yes, no use recorded
  MFA device           none
  will stop            access key used for s3 on 2026-11-01

Policies that apply

  identity  Admin (1 allow, 0 deny)
            S: deny if aws:MultiFactorAuthPresent is false
            T: deny always
  scp       P (unreadable: AccessDenied)

Roles that bob can assume without MFA

  role/R through role/Q

How bob can disable the enforcement

  without MFA, as role/R
    detach the policy (iam:DetachUserPolicy)
  with MFA
    leave the group (iam:RemoveUserFromGroup)

Undecided

  role/S

Findings

  user-open: bob is open
    remedy: apply

Steps that would enforce MFA

  AddUserToGroup user/bob ForceMFA
    blocked: locked out
    remedy: enroll

Assumed

  forwarded calls are allowed
`)
}

func TestTheFirstLineOfAnExplanationIsTheState(t *testing.T) {
	report := time.Date(2026, 11, 1, 10, 2, 0, 0, time.UTC)
	for _, c := range []struct {
		user  audit.User
		title string
		more  string // a line below
	}{
		{audit.User{State: audit.Enforced, DeniedBy: []string{"policy ForceMFA, statement Deny"}, Console: org.No}, "MFA is enforced for bob (1 dev).", "denied by   policy ForceMFA, statement Deny"},
		{audit.User{State: audit.Exempt, Exemption: "build server until 2027", Console: org.No}, "bob (1 dev) is exempt: build server until 2027", "password    none"},
		{audit.User{State: audit.Unknown, Why: "a policy could not be read", Console: org.Unknown}, "Whether MFA is enforced for bob (1 dev) could not be decided: a policy could not be read", "access keys  unknown"},
		{audit.User{State: audit.Open, NotExploitable: true, Example: &prove.Counterexample{Action: "s3:GetObject", Resource: "*", Credential: policy.LongTermKey}, NewerThan: &report},
			"MFA is not enforced for bob (1 dev). The example request is not exploitable today, because no policy allows it.", "newer than the credential report of 2026-11-01 10:02 UTC"},
	} {
		c.user.Name, c.user.Account, c.user.AccountName = "bob", "1", "dev"
		e := Explanation{User: c.user}
		var out strings.Builder
		e.Text(&out, Style{})
		if title, rest, _ := strings.Cut(out.String(), "\n"); title != c.title || !strings.Contains(rest, c.more) {
			t.Errorf("%s", out.String())
		}
	}
}
