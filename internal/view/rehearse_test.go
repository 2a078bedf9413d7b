package view

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

func TestAFailedRehearsalListsTheUnexpectedOutcomes(t *testing.T) {
	r := Rehearsal{
		Before: audit.Counts{Users: 2, Open: 2}, After: audit.Counts{Users: 2, Enforced: 1, Open: 1},
		Plan:            PlanCounts{Steps: 3, Done: 1, Blocked: 1, Failed: 1},
		AttacksBefore:   AttackCounts{Tried: 2, Succeeded: 2},
		AttacksAfter:    AttackCounts{Tried: 2, Refused: 1, Succeeded: 1},
		ExpectedAccess:  AccessCounts{Tried: 1, Worked: 1},
		AttackScenarios: []AttackScenario{{Title: "read an object", Tried: 2, SucceededBefore: 2, Succeeded: 1}, {Title: "not tried"}},
		AccessScenarios: []AccessScenario{{Title: "enroll", Tried: 1, Worked: 1}, {Title: "not tried"}},
		NotRefused:      []UnexpectedOutcome{{Scenario: "key/s3-read", Account: "111111111111", User: "bob", Target: "b/k", Outcome: "succeeded", Answer: strings.Repeat("x", 200)}},
		Windows:         []OpenWindow{{Account: "111111111111", User: "eve", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}},
		Unread:          []org.Gap{{Account: "222222222222", What: "account", Why: "AccessDenied"}},
		Accounts:        []AccountChange{{ID: "111111111111", Name: "dev", Before: audit.Counts{Users: 2, Open: 2}, After: audit.Counts{Users: 2, Enforced: 1, Open: 1}}},
	}
	var out strings.Builder
	_ = r.Text(&out, Style{})
	for _, want := range []string{
		"dev       2  2 → 1  0 → 1          0        0",
		"Plan: 3 steps, 1 applied, 1 blocked, 1 failed.",
		"    2                 2      1  read an object",
		"succeeded  key/s3-read  111111111111/bob  b/k     " + strings.Repeat("x", 119) + "…",
		"1 enrollment window open until 2027-01-31 00:00 UTC, in which these users may enroll a first device with their access key: 111111111111/eve",
		"222222222222  account  AccessDenied",
		"Failed: MFA is not enforced for 1 user, 1 of 2 attacks were not refused, 0 of 1 expected requests fail.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "not tried") {
		t.Errorf("prints scenarios that were not tried:\n%s", out.String())
	}
}

func TestAPassedRehearsal(t *testing.T) {
	r := Rehearsal{Before: audit.Counts{Open: 1}, AttacksBefore: AttackCounts{Succeeded: 4}, AttacksAfter: AttackCounts{Tried: 5, Refused: 5}, ExpectedAccess: AccessCounts{Tried: 3, Worked: 3}}
	var out strings.Builder
	_ = r.Text(&out, Style{})
	want := "Passed: MFA is enforced for every readable user that is not exempt (1 were open before), all 5 attacks are refused (4 succeeded before), and all 3 expected requests work.\n"
	if !r.Passed() || !strings.HasSuffix(out.String(), want) {
		t.Errorf("passed %v:\n%s", r.Passed(), out.String())
	}
}
