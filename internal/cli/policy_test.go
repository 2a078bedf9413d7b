package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/policy"
)

func TestPolicyPrintsTheDocumentAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, kind := range []string{"policy", "inline", "scp", "guard"} {
		status, stdout, stderr := verb("policy", "--kind", kind)
		var document struct{ Statement []map[string]any }
		if err := json.Unmarshal([]byte(stdout), &document); status != command.StatusOK || err != nil || len(document.Statement) == 0 {
			t.Fatalf("%s: exit %d, %v\n%s%s", kind, status, err, stdout, stderr)
		}
		if !strings.Contains(stderr, " of ") {
			t.Errorf("%s: no size on stderr: %q", kind, stderr)
		}
		_, stdout, _ = verb("policy", "--kind", kind, "-o", "json")
		var printed struct {
			Document    json.RawMessage
			Size, Quota int
		}
		if err := json.Unmarshal([]byte(stdout), &printed); err != nil || printed.Size != policy.Size(string(printed.Document)) || printed.Size == 0 || printed.Quota < printed.Size {
			t.Errorf("%s: %v, size %d of %d", kind, err, printed.Size, printed.Quota)
		}
	}
	_, stdout, _ := verb("policy", "-q")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(stdout)); err != nil || compact.String() != baseline.Default().Document("aws") {
		t.Errorf("not the document that a plan attaches: %v\n%s", err, stdout)
	}
}
