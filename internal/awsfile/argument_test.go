package awsfile

import "testing"

func TestArgumentsThatBeginWithADashComeAfterTwo(t *testing.T) {
	for in, want := range map[string]string{"bob": "bob", "-bob": "-- -bob", "--force": "-- --force", "a-b": "a-b", "default": "default"} {
		if got := Argument(in); got != want {
			t.Errorf("Argument(%q) = %q, want %q", in, got, want)
		}
	}
}
