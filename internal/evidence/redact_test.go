package evidence_test

import (
	"strings"
	"testing"

	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/evidence"
)

var redactionKey = []byte(strings.Repeat("k", 32))

// Nothing of a redacted pack names a user or has the value of a tag, and all that remains
// is proved anew.
func TestARedactedPackNamesNobody(t *testing.T) {
	pack := written(t, evidence.Redact(sampleInput(t), redactionKey))
	r, err := check(pack)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := check(samplePack(t))
	if err != nil {
		t.Fatal(err)
	}
	left := r.Manifest.Redaction.Users
	if left == 0 || r.Manifest.Users.Users+left != whole.Manifest.Users.Users || r.Manifest.Users.Enforced == 0 || r.Manifest.Users.Exempt == 0 {
		t.Errorf("%d left out, %+v of %+v", left, r.Manifest.Users, whole.Manifest.Users)
	}
	_, accounts := sample.Organization()
	for _, e := range takeApart(t, pack).entries {
		text := string(e.text)
		for _, a := range accounts {
			for _, u := range a.Users {
				if strings.Contains(text, "user/"+u.Name+`"`) || strings.Contains(text, `"`+u.Name+`"`) || strings.Contains(text, "mfa/"+u.Name) {
					t.Errorf("%s names %s", e.name, u.Name)
				}
				for _, tag := range u.Tags {
					if len(tag.Value) > 4 && strings.Contains(text, `"value":"`+tag.Value+`"`) {
						t.Errorf("%s has the value %s of a tag", e.name, tag.Value)
					}
				}
			}
		}
		for _, name := range []string{"platform@example.com", "192.0.2."} {
			if strings.Contains(text, name) {
				t.Errorf("%s has %s", e.name, name)
			}
		}
	}
}

func TestPseudonymsDependOnTheKeyAlone(t *testing.T) {
	names := func(key string) string {
		return string(takeApart(t, written(t, evidence.Redact(sampleInput(t), []byte(key)))).at("users.jsonl").text)
	}
	one := names(string(redactionKey))
	if one != names(string(redactionKey)) || one == names(strings.Repeat("x", 32)) {
		t.Error("the same key gives other names, or another key the same")
	}
}
