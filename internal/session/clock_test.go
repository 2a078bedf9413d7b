package session_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/session"
)

func TestSessionsNameAWrongClock(t *testing.T) {
	for _, row := range []struct {
		ahead   time.Duration
		said    string // "": nothing
		refused bool
	}{
		{0, "", false},
		{4 * time.Minute, "", false},
		{-4 * time.Minute, "", false},
		{20 * time.Minute, "this machine's clock is 20m0s ahead of AWS's", false},
		{-3 * time.Hour, "this machine's clock is 3h0m0s behind AWS's", false},
		{13 * time.Hour, "this machine's clock is 13h0m0s ahead of AWS's", true},
	} {
		r := newRig(t)
		r.settings(identity, threeRoles, "jonas")
		wrong := func() *session.Manager {
			m := r.manager()
			m.Now = func() time.Time { return r.cloud.Now().Add(row.ahead) }
			return m
		}
		if row.refused {
			if p := r.refused(wrong(), session.Request{Profile: "jonas"}); !strings.Contains(p.Sentence, row.said) {
				t.Errorf("%s: %s", row.ahead, p.Sentence)
			}
			// With the right clock, the session of the wrong one is used.
			r.session("jonas")
		} else {
			for range 2 { // a new session, and one of the cache
				r.said = nil
				if _, err := wrong().Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
					t.Fatalf("%s: %v", row.ahead, err)
				}
				if said := strings.Join(r.said, " "); row.ahead <= 0 && !strings.Contains(said, row.said) || row.said == "" && said != "" {
					t.Errorf("%s: said %q", row.ahead, said)
				}
			}
		}
		if len(r.asked) != 1 {
			t.Errorf("%s: %d codes", row.ahead, len(r.asked))
		}
	}
}
