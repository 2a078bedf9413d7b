package extract_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"forcemfa/policy/extract"
)

func TestDeepNestingIsRefused(t *testing.T) {
	var indented strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&indented, "%sa:\n", strings.Repeat(" ", i))
	}
	for name, text := range map[string]string{
		"flow sequences": "a: " + strings.Repeat("[", 20_000), "flow maps": "a: " + strings.Repeat("{a: ", 20_000),
		"sequences": strings.Repeat("- ", 20_000), "indented maps": indented.String(), "JSON": strings.Repeat(`{"a":`, 50_000), "tags": "a: " + strings.Repeat("!Sub ", 20_000),
		"keys": strings.Repeat("? ", 20_000), "anchors": strings.Repeat("&a ", 20_000),
	} {
		if _, err := extract.Documents([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), "nested deeper") || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAliasesThatRepeatTooMuchAreRefused(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x]\n")
	for i := range 30 {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	start := time.Now()
	_, err := extract.Documents([]byte(laughs.String()))
	if err == nil || !strings.Contains(err.Error(), "aliases of the file repeat more than 100000 values") || !strings.Contains(err.Error(), "line ") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
