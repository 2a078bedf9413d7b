package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

func TestBootstrapIsFoundNextToTheProgram(t *testing.T) {
	dir := t.TempDir()
	if program, _, err := Beside(dir, ARM64); program != nil || err != nil {
		t.Errorf("without an archive: %d bytes, error %v", len(program), err)
	}
	pkg := testPackage(t, "version: 1\n") // the zip of a deployment has a bootstrap too
	for _, row := range []struct{ name, architecture string }{{"forcemfa-lambda.zip", ARM64}, {"forcemfa-lambda-x86_64.zip", X86}} {
		name := filepath.Join(dir, row.name)
		if err := os.WriteFile(name, pkg.Zip, 0o600); err != nil {
			t.Fatal(err)
		}
		program, from, err := Beside(dir, row.architecture)
		if err != nil || from != name || !bytes.Equal(program, testProgram()) {
			t.Errorf("%s: %d bytes from %s, error %v", row.name, len(program), from, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "forcemfa-lambda-arm64.zip"), []byte("PK\x03\x04damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Beside(dir, ARM64); err == nil || !strings.Contains(err.Error(), "forcemfa-lambda-arm64.zip: zip: ") {
		t.Errorf("a damaged archive: error %v", err)
	}
	if InSourceTree(dir) || !InSourceTree(".") {
		t.Error("the source tree is not recognized")
	}
}

func TestAccountsWithoutATrailShareALine(t *testing.T) {
	var p Plan
	for _, id := range []string{"111111111111", "222222222222", "333333333333", "444444444444"} {
		p.Trails = append(p.Trails, TrailCoverage{Account: id, State: NoTrail, Why: "there is no trail"})
		p.Findings = append(p.Findings, finding("no-trail", &accountState{account: &org.Account{ID: id}}, "account", "no trail"))
	}
	p.Trails = append(p.Trails, TrailCoverage{Account: "555555555555", Name: "log", State: Logged, Trail: "all"})
	p.Findings = append(p.Findings, audit.Finding{ID: "policy-name-collision/555555555555/policy/ForceMFA", Rule: "policy-name-collision", Severity: audit.Medium, What: "taken"})
	var out strings.Builder
	if err := p.Text(&out, view.Style{Width: 160}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"4 accounts: 111111111111, 222222222222, 333333333333, 444444444444", "no-trail in 4 accounts: 111111111111, 222222222222, 333333333333, 444444444444\n",
		"medium policy-name-collision/555555555555/policy/ForceMFA\n  taken\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Count(text, "by the scheduled scan") != 1 {
		t.Errorf("a line for each account:\n%s", text)
	}
}
