package view

import "testing"

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 steps", 1: "1 step", 2: "2 steps"} {
		if got := Count(n, "step"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, row := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"über alles", 5, "über…"},
		{"x", 0, "…"},
	} {
		if got := Clip(row.text, row.limit); got != row.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", row.text, row.limit, got, row.want)
		}
	}
}
