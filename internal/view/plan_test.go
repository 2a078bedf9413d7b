package view

import (
	"strings"
	"testing"

	"forcemfa/internal/plan"
)

func TestAPlanShowsWhatIsMadeChangedTakenAwayAndBlocked(t *testing.T) {
	there := plan.State{Present: true}
	p := &plan.Plan{
		Notes: []string{"no config file"},
		Steps: []plan.Step{
			{Op: plan.CreateGroup, Account: "111111111111", Subject: "group/ForceMFA", Want: there},
			{Op: plan.UpdatePolicy, Account: "111111111111", Subject: "policy/ForceMFA", Expect: there, Want: there},
			{Op: plan.TagUser, Account: "222222222222", Subject: "user/dave", Object: "forcemfa-enrollment", Want: plan.State{Present: true, Value: "2026-11-30"}},
			{Op: plan.RemoveUserFromGroup, Account: "222222222222", Subject: "user/ci", Object: "ForceMFA", Expect: there},
			{Op: plan.AddUserToGroup, Account: "222222222222", Subject: "user/eve", Object: "ForceMFA", Want: there, Blocked: "eve would be locked out", Remedy: "give eve a login profile"},
		},
	}
	var out strings.Builder
	Plan(&out, Style{}, p)
	assertText(t, out.String(), `
note: no config file

111111111111
  + CreateGroup group/ForceMFA
  ~ UpdatePolicy policy/ForceMFA

222222222222
  + TagUser user/dave forcemfa-enrollment = 2026-11-30
  - RemoveUserFromGroup user/ci ForceMFA
  ! AddUserToGroup user/eve ForceMFA
      blocked: eve would be locked out
      remedy: give eve a login profile

Plan: 4 steps in 2 accounts, 1 blocked.
`)
}
