package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/policy"
)

var everywhere = Place{Partition: "aws", Account: "*", Region: "us-east-1"}

func TestPermissionsOfEveryTaskArePoliciesThatIAMAccepts(t *testing.T) {
	for _, task := range Tasks {
		text, err := Permissions(task, baseline.Default(), everywhere)
		if err != nil {
			t.Errorf("%s: %v", task, err)
			continue
		}
		p, err := policy.Parse(policy.Identity, text)
		if err != nil {
			t.Errorf("%s: %v", task, err)
			continue
		}
		if len(p.Statements) == 0 {
			t.Errorf("%s: no statement", task)
		}
		if strings.Contains(text, "${") {
			t.Errorf("%s: a value of the template is not resolved: %s", task, text)
		}
		if n := policy.Size(text); n > managedPolicySize {
			t.Errorf("%s: %d characters, and IAM accepts %d", task, n, managedPolicySize)
		}
	}
	if _, err := Permissions("everything", baseline.Default(), everywhere); err == nil || !strings.Contains(err.Error(), "audit, apply") {
		t.Errorf("an unknown task: %v", err)
	}
}

// Each call that the package makes is one that deploy is permitted.
func TestDeployIsPermittedEachCallThatItMakes(t *testing.T) {
	text, err := Permissions("deploy", baseline.Default(), everywhere)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`&(cloudformation|cloudtrail|iam|organizations)\.(\w+)Input\{`)
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(source), -1) {
			calls++
			if action := m[1] + ":" + m[2]; !strings.Contains(text, `"`+action+`"`) {
				t.Errorf("%s calls %s: the permissions of deploy lack it", name, action)
			}
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls were found", calls)
	}
}
