// Package listing prints the sessions of the cache: text for people, JSON for programs. No
// secret is in it, and it needs no SDK, so that warm calls use it.
package listing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"forcemfa/internal/prose"
	"forcemfa/internal/session/cache"
)

// A Session is a session as JSON shows it.
type Session struct {
	Profile     string    `json:"profile"`
	Kind        string    `json:"kind"` // mfa, role, direct or sign-in
	ARN         string    `json:"arn,omitempty"`
	Account     string    `json:"account,omitempty"`
	Serial      string    `json:"serial"`
	AccessKeyID string    `json:"access_key_id"`
	Expires     time.Time `json:"expires"`
	SecondsLeft int       `json:"seconds_left"`
}

// Of returns what is shown of a session.
func Of(e cache.Entry, now time.Time) Session {
	return Session{
		Profile: e.Profile, Kind: e.Kind, ARN: e.ARN, Account: e.Account, Serial: e.Serial,
		AccessKeyID: e.AccessKeyID, Expires: e.Expires.UTC(), SecondsLeft: max(0, int(e.Expires.Sub(now).Seconds())),
	}
}

// Current returns the sessions in the cache that have not expired, by profile.
func Current(dir cache.Dir, now time.Time) ([]Session, error) {
	all, err := dir.List()
	list := []Session{}
	for _, e := range all {
		if now.Before(e.Expires) {
			list = append(list, Of(*e.Entry, now))
		}
	}
	slices.SortFunc(list, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ARN, b.ARN))
	})
	return list, err
}

// JSON writes a session, or several, as the other verbs write JSON.
func JSON(w io.Writer, sessions any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sessions)
}

// None is the message to people if there are no sessions.
const None = "no sessions"

// Text writes sessions as a table.
func Text(w io.Writer, list []Session, now time.Time) error {
	width := len("PROFILE")
	for _, s := range list {
		width = max(width, utf8.RuneCountInString(s.Profile))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s  %-7s  %-6s  %s\n", width, "PROFILE", "LEFT", "UNTIL", "SESSION")
	for _, s := range list {
		fmt.Fprintf(&b, "%-*s  %-7s  %-6s  %s\n", width, prose.Clean(s.Profile), Left(s.Expires.Sub(now)), s.Expires.Local().Format("15:04"), prose.Clean(s.Label()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Label names a session for people.
func (s Session) Label() string {
	if s.ARN != "" {
		return s.ARN
	}
	return "MFA by " + s.Serial
}

// Left says how long something lasts, in hours and minutes.
func Left(d time.Duration) string {
	switch d = d.Truncate(time.Minute); {
	case d <= 0:
		return "over"
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
