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
		User: audit.User{ARN: "arn:aws:iam::111111111111:user/bob", Account: "111111111111", AccountName: "dev", State: audit.Open, Console: org.Yes, ActiveKeys: 1,
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
	e.Text(&out)
	assertText(t, out.String(), `
arn:aws:iam::111111111111:user/bob in 111111111111 (dev)
  state: open: s3:GetObject without MFA by access key on * (device none, console yes, active keys 1)
  assumed: forwarded calls are allowed
  allowed by: Admin, statement Everything
  access key AKIAEXAMPLE: last used on 2026-11-01 for s3 in eu-west-1
  access key (inactive): no use recorded
  stops working without MFA: access key used for s3 on 2026-11-01
  policies that apply:
    identity  Admin (1 allow, 0 deny)
              S: deny if aws:MultiFactorAuthPresent is false
              T: deny always
    scp       P: unreadable: AccessDenied
  can assume without MFA: role/R through role/Q
  can disable enforcement WITHOUT MFA as role/R: detach the policy (iam:DetachUserPolicy on *)
  can disable enforcement with MFA: leave the group (iam:RemoveUserFromGroup on *)
  undecided: role/S
  user-open: bob is open
    remedy: apply
  steps that would enforce MFA:
    AddUserToGroup user/bob ForceMFA
      blocked: locked out
      remedy: enroll

`)
}
