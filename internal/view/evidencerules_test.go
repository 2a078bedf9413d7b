package view_test

import (
	"bytes"
	"strings"
	"testing"

	"forcemfa/internal/evidence"
	"forcemfa/internal/view"
)

// Nobody reads a pack as judged by a rule that it was not judged by.
func TestRulesThatAPackLeavesOutAreNamed(t *testing.T) {
	text := func(rules evidence.RuleDifference) string {
		var out bytes.Buffer
		view.Evidence(&out, view.Style{}, &evidence.Report{Manifest: &evidence.Manifest{}, Rules: rules}, "signed")
		return out.String()
	}
	if got := text(evidence.RuleDifference{Listed: true}); strings.Contains(got, "rule") {
		t.Errorf("the same rules:\n%s", got)
	}
	all := text(evidence.RuleDifference{
		NotApplied: []evidence.RuleCount{{Rule: "no-group", Findings: 3}, {Rule: "user-open"}},
		NotChecked: []evidence.RuleCount{{Rule: "of-tomorrow", Findings: 1}},
	})
	for _, want := range []string{
		"leave out 2 rules of this version, which would add 3 findings: no-group, user-open.",
		"does not have 1 rule of the pack, and did not check 1 finding: of-tomorrow.",
		"The pack does not list its rules",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}
