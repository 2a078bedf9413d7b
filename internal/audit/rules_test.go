package audit_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
)

var update = flag.Bool("update", false, "write docs/rules.md")

func TestDocumentationListsTheRules(t *testing.T) {
	const page = "../../docs/rules.md"
	if *update {
		if err := os.WriteFile(page, []byte(audit.Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(audit.Markdown(), string(got)); diff != "" {
		t.Errorf("docs/rules.md is old; run go test ./internal/audit -run Documentation -update (-want +got):\n%s", diff)
	}
}

func TestRulesAreComplete(t *testing.T) {
	order := []audit.Severity{audit.Critical, audit.High, audit.Medium, audit.Low, audit.Info}
	seen := map[string]bool{}
	for _, r := range audit.Rules {
		if seen[r.Name] || r.Name == "" || r.Means == "" || r.Remedy == "" {
			t.Errorf("%+v", r)
		}
		seen[r.Name] = true
		if len(r.Severities) == 0 || !slices.IsSortedFunc(r.Severities, func(a, b audit.Severity) int { return slices.Index(order, a) - slices.Index(order, b) }) {
			t.Errorf("%s: severities %v", r.Name, r.Severities)
		}
		for _, ref := range r.Refs {
			if framework, id, found := strings.Cut(ref, ":"); !found || framework == "" || id == "" {
				t.Errorf("%s: %q is no framework:id", r.Name, ref)
			}
		}
	}
}
