package forcemfa_test

import (
	"encoding/json"
	"testing"
)

// Each example config is read without an error, and plans something on the sample.
func TestEveryExampleConfigIsPlanned(t *testing.T) {
	files := glob(t, "examples/config/*.yaml")
	if len(files) < 3 {
		t.Fatalf("only %d examples", len(files))
	}
	for _, file := range files {
		status, stdout := run(t, "plan", "--sandbox", "-q", "-o", "json", "--config", file)
		var out struct {
			Plan struct{ Steps []json.RawMessage }
		}
		if err := json.Unmarshal([]byte(stdout), &out); err != nil {
			t.Errorf("%s: status %d, %v\n%.500s", file, status, err, stdout)
			continue
		}
		// The sample has an account that cannot be entered: status 4.
		if status != 4 || len(out.Plan.Steps) < 10 {
			t.Errorf("%s: status %d, %d steps", file, status, len(out.Plan.Steps))
		}
	}
}
