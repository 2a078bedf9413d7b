package baseline_test

import (
	"testing"

	"forcemfa/internal/baseline"
)

func TestHashTellsBaselinesApart(t *testing.T) {
	seen := map[string]string{}
	for _, config := range []string{
		"", "policy: {self_service: full}", "policy: {self_service: none}", "policy: {enrollment: any}",
		"policy: {allow_password_change_before_mfa: true}", "policy: {console_authorization: on}",
		"policy: {max_session_age: 1h}", "policy: {fas: deny}", "attach: user", "window: {days: 3}",
	} {
		b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+config))
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[b.Hash()]; ok {
			t.Errorf("%q and %q have the same hash", config, before)
		}
		seen[b.Hash()] = config
	}
	renamed := baseline.Default()
	renamed.Name = "other.yaml"
	if renamed.Hash() != baseline.Default().Hash() {
		t.Error("the name of the file changes the hash")
	}
}
