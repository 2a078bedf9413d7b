package session_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/session"
)

func TestLoginRenewsBelowAQuarter(t *testing.T) {
	for _, profile := range []string{"jonas", "prod"} { // prod is a role of jonas
		r := newRig(t)
		r.settings(identity, threeRoles, "jonas")
		login := func(after time.Duration, prompts int) {
			t.Helper()
			r.cloud.Advance(after)
			if _, err := r.manager().Session(t.Context(), session.Request{Profile: profile, Renew: true}); err != nil {
				t.Fatal(err)
			}
			if len(r.asked) != prompts {
				t.Errorf("%s: %d prompts, want %d", profile, len(r.asked), prompts)
			}
		}
		login(0, 1)
		login(8*time.Hour, 1)
		login(2*time.Hour, 2)
		if e := r.session("jonas"); e.Expires.Sub(r.cloud.Now()) < 11*time.Hour {
			t.Errorf("%s: the MFA session expires at %s", profile, e.Expires)
		}
	}
}

func TestSessionsThatEndTooEarlyAreRenewed(t *testing.T) {
	r := newRig(t)
	r.settings(identity, "", "jonas")
	r.session("jonas")
	r.cloud.Advance(11*time.Hour + 50*time.Minute)
	for _, row := range []struct {
		story   string
		req     session.Request
		nobody  bool
		prompts int
	}{
		{"no wish", session.Request{}, false, 1},
		{"nobody to ask", session.Request{MinLeft: 15 * time.Minute}, true, 1},
		{"renewed", session.Request{MinLeft: 15 * time.Minute}, false, 2},
		{"long enough", session.Request{MinLeft: 15 * time.Minute}, false, 2},
		{"not exact: a quarter is enough", session.Request{MinLeft: 13 * time.Hour}, false, 2},
	} {
		m := r.manager()
		if row.nobody {
			m.Codes = session.CodeSource{}
		}
		row.req.Profile = "jonas"
		if _, err := m.Session(t.Context(), row.req); err != nil || len(r.asked) != row.prompts {
			t.Errorf("%s: %v, %d prompts, want %d", row.story, err, len(r.asked), row.prompts)
		}
	}
	if said := strings.Join(r.said, "\n"); strings.Count(said, "was not renewed") != 1 {
		t.Errorf("said %q", said)
	}
}
