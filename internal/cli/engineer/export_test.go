package engineer

import (
	"testing"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session/cache"
)

func TestASectionHoldsWhatItsReadersReadUnchanged(t *testing.T) {
	m := &machine{Env: &command.Env{Getenv: func(string) string { return "" }}}
	ends := time.Date(2026, time.November, 23, 20, 0, 0, 0, time.UTC)
	for _, row := range []struct{ profile, secret, region string }{
		{"bob", "a ;b", ""}, {"bob", " a", ""}, {"bob", "", ""}, {"bob", "a\x1b[2J", ""}, {"bob", `"a"`, ""}, {"bob", "a\n[x]", ""}, {"bob", "'a'", ""}, {"bob", "a", "eu #x"}, {"a]\n[b", "a", ""}, {"a]", "a", ""},
	} {
		o := exportOptions{format: "ini", sessionFlags: sessionFlags{env: m, profile: row.profile}}
		text, err := o.text(&cache.Entry{AccessKeyID: "ASIA", SecretAccessKey: row.secret, SessionToken: "t", Expires: ends, Region: row.region})
		if err == nil || text != "" {
			t.Errorf("ini writes %q: %q", row, text)
		}
	}
	o := exportOptions{format: "ini", sessionFlags: sessionFlags{env: m, profile: "bob"}}
	text, err := o.text(&cache.Entry{AccessKeyID: "ASIA", SecretAccessKey: "a+/=", SessionToken: "t", Expires: ends, Region: "eu-west-1"})
	const want = "[bob]\naws_access_key_id = ASIA\naws_secret_access_key = a+/=\naws_session_token = t\nexpiration = 2026-11-23T20:00:00Z\nregion = eu-west-1\n"
	if err != nil || text != want {
		t.Errorf("ini: %q, %v", text, err)
	}
}
