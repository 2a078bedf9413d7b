package view_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/lint"
)

// One flaw, in a text with characters of several bytes before it.
const flawed = `{
    "Version": "2012-10-17",
    "Id": "schlüssel 🔑",
    "Statement": [
        {"Sid": "Own", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {"Sid": "G", "Effect": "Deny", "NotAction": "sts:GetSessionToken", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
    ]
}`

// at is the byte of a place that a region of SARIF names.
func at(t *testing.T, text string, line, column int) int {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	if line < 1 || line > len(lines) {
		t.Fatalf("line %d of %d", line, len(lines))
	}
	runes := []rune(lines[line-1])
	if column < 1 || column > len(runes)+1 {
		t.Fatalf("column %d of %d", column, len(runes))
	}
	return len(strings.Join(lines[:line-1], "")) + len(string(runes[:column-1]))
}

// A consumer that applies the fix of a result gets a document without the finding,
// and every other byte as it was.
func TestTheFixesOfSARIFCanBeApplied(t *testing.T) {
	report, err := lint.Check(policy.Identity, flawed)
	if err != nil {
		t.Fatal(err)
	}
	var l view.Lint
	l.Add(view.LintDocument{File: "policies/a b.json", Findings: report.Findings, Text: flawed, PolicyKind: report.Kind})
	var out bytes.Buffer
	if err := l.SARIF(&out, "1"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID string
				Fixes  []struct {
					Description     struct{ Text string }
					ArtifactChanges []struct {
						ArtifactLocation struct{ URI string }
						Replacements     []struct {
							DeletedRegion   struct{ StartLine, StartColumn, EndLine, EndColumn int }
							InsertedContent struct{ Text string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	fixed := 0
	for _, result := range log.Runs[0].Results {
		for _, fix := range result.Fixes {
			change := fix.ArtifactChanges[0]
			if change.ArtifactLocation.URI != "policies/a%20b.json" || fix.Description.Text == "" {
				t.Errorf("%s: %+v", result.RuleID, fix)
			}
			text := flawed
			for i := len(change.Replacements) - 1; i >= 0; i-- {
				r := change.Replacements[i]
				text = text[:at(t, flawed, r.DeletedRegion.StartLine, r.DeletedRegion.StartColumn)] + r.InsertedContent.Text +
					text[at(t, flawed, r.DeletedRegion.EndLine, r.DeletedRegion.EndColumn):]
			}
			after, err := lint.Check(policy.Identity, text)
			if err != nil {
				t.Fatalf("%s: %v\n%s", result.RuleID, err, text)
			}
			if lines := strings.Split(flawed, "\n"); !strings.HasPrefix(text, strings.Join(lines[:5], "\n")) {
				t.Errorf("%s: other statements were changed:\n%s", result.RuleID, text)
			}
			for _, f := range after.Findings {
				if f.Code == result.RuleID {
					t.Errorf("%s: the finding is still there:\n%s", result.RuleID, text)
				}
			}
			fixed++
		}
	}
	if fixed < 2 {
		t.Errorf("only %d fixes", fixed)
	}
}
