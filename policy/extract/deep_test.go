package extract_test

import (
	"fmt"
	"strings"
	"testing"

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
		} else if strings.HasPrefix(name, "flow") && !strings.Contains(err.Error(), "nested deeper") {
			t.Errorf("%s: the parser was asked: %v", name, err) // it takes time that grows with the square of the depth
		}
	}
}
