package session_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/session"
)

// edited changes the answers of AWS on their way.
type edited struct {
	next http.RoundTripper
	edit func(string) string
}

func (e edited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := e.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	changed := e.edit(string(text))
	answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	answer.Header.Del("Content-Length")
	return answer, nil
}

// element replaces an XML element, with its content, wherever it stands.
func element(name, with string) func(string) string {
	return func(text string) string {
		before, rest, found := strings.Cut(text, "<"+name+">")
		_, after, closed := strings.Cut(rest, "</"+name+">")
		if !found || !closed {
			return text
		}
		return before + with + after
	}
}

// badAnswers are answers of STS without usable credentials.
var badAnswers = map[string]func(string) string{
	"no credentials":     element("Credentials", ""),
	"empty secret":       element("SecretAccessKey", "<SecretAccessKey></SecretAccessKey>"),
	"control characters": element("SessionToken", "<SessionToken>x&#10;aws_access_key_id = AKIAEVIL</SessionToken>"),
	"commands":           element("AccessKeyId", "<AccessKeyId>';touch${IFS}x;'</AccessKeyId>"),
	"no expiration":      element("Expiration", ""),
	"absurd expiration":  element("Expiration", "<Expiration>9999-12-31T23:59:59Z</Expiration>"),
	"expired":            element("Expiration", "<Expiration>1970-01-01T00:00:00Z</Expiration>"),
}

// Every way to a session refuses such an answer, and stores nothing of it.
func TestUnusableCredentialsOfSTSBecomeOneError(t *testing.T) {
	const long = "[profile long]\nrole_arn = arn:aws:iam::333333333333:role/Long\nsource_profile = jonas\nduration_seconds = 7200\n"
	for about, edit := range badAnswers {
		for _, row := range []struct{ profile, operation string }{
			{"jonas", "GetSessionToken"}, {"dev", "AssumeRole"}, {"long", "AssumeRole"},
		} {
			r := newRig(t)
			r.settings(identity, threeRoles+long, "jonas")
			r.cloud.Update(func(w *world.World) {
				roles := w.Edit("333333333333").Roles
				long := *roles[world.Fold("PrivilegedActionsRole")]
				long.Name, long.ID, long.MaxSession = "Long", w.NewID("AROA"), 12*time.Hour
				roles["long"] = &long
			})
			r.http = &http.Client{Transport: edited{r.cloud.Transport(), func(text string) string {
				if !strings.Contains(text, row.operation+"Response") {
					return text
				}
				return edit(text)
			}}}
			p := r.refused(r.manager(), session.Request{Profile: row.profile})
			if !strings.HasPrefix(p.Sentence, "the response has no usable credentials: ") {
				t.Errorf("%s, %s: %s", row.profile, about, p.Sentence)
			}
			if n := r.count(row.operation); n != 1 {
				t.Errorf("%s, %s: %d requests", row.profile, about, n)
			}
			_ = filepath.WalkDir(r.home, func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					if text, _ := os.ReadFile(path); strings.Contains(string(text), "EVIL") || strings.Contains(string(text), "IFS") || strings.Contains(string(text), `"9999`) {
						t.Errorf("%s, %s: %s holds the answer", row.profile, about, path)
					}
				}
				return nil
			})
		}
	}
}
