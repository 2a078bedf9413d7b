package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/signin"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

// A signInRig is AWS Sign-In of the embedded AWS on a socket, and a person without an access
// key, who drives the page by HTTP.
type signInRig struct {
	t     *testing.T
	cloud *emulator.Cloud
	m     *session.Manager
	told  []string

	browsers sync.WaitGroup

	mu      sync.Mutex
	off     time.Duration
	between func(string) // sees each redirect before the browser follows it
}

const signInAccount = "111111111111"

func newSignInRig(t *testing.T, config string) *signInRig {
	t.Helper()
	w, err := sample.World()
	if err != nil {
		t.Fatal(err)
	}
	r := &signInRig{t: t}
	r.cloud = emulator.New(w, emulator.Options{Clock: r.now, Readings: operation.Readings{}})
	s, err := emulator.Listen("127.0.0.1:0", signin.NewHandler(r.cloud, r.now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	t.Cleanup(r.browsers.Wait)
	home := t.TempDir()
	file := filepath.Join(home, ".aws", "config")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": home, "AWS_ENDPOINT_URL": s.Endpoint, "AWS_REGION": "us-east-1"}
	r.m = &session.Manager{
		Cache: cache.Dir{Path: filepath.Join(home, "cache")}, Getenv: func(k string) string { return env[k] }, Home: home, Now: r.now, HTTP: http.DefaultClient,
		Say: func(format string, a ...any) { r.told = append(r.told, fmt.Sprintf(format, a...)) },
	}
	return r
}

func (r *signInRig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.off)
}

func (r *signInRig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off += d
}

var signInAttempt = regexp.MustCompile(`name="attempt" value="(\w+)"`)

// person signs a user in at the address, as a browser does, and returns the last page.
func (r *signInRig) person(user string) func(string) error {
	return func(link string) error {
		r.browsers.Go(func() {
			if page, status := r.browse(link, user); status != http.StatusOK {
				r.t.Logf("the browser ends at %d: %s", status, page)
			}
		})
		return nil
	}
}

func (r *signInRig) browse(link, user string) (string, int) {
	var password, code string
	r.cloud.View(func(w *world.World) {
		a := w.Account(signInAccount)
		password = a.Users[world.Fold(user)].Login.Password
		for _, d := range a.DevicesOf(user) {
			code = world.CodeAt(d.Seed, r.cloud.Now())
		}
	})
	at, err := url.Parse(link)
	if err != nil {
		r.t.Error(err)
		return "", 0
	}
	client := &http.Client{CheckRedirect: func(q *http.Request, _ []*http.Request) error {
		if r.between != nil {
			r.between(q.URL.String())
		}
		return nil
	}}
	form := at.Query()
	form.Set("account", signInAccount)
	form.Set("user", user)
	form.Set("password", password)
	for range 2 {
		answer, err := client.PostForm("http://"+at.Host+"/v1/authorize", form)
		if err != nil {
			return err.Error(), 0
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		next := signInAttempt.FindSubmatch(text)
		if next == nil {
			return string(text), answer.StatusCode
		}
		form = at.Query()
		form.Set("attempt", string(next[1]))
		form.Set("code", code)
	}
	return "", 0
}

const signInProfiles = "[profile people]\nregion = us-east-1\n[profile prod]\nrole_arn = arn:aws:iam::111111111111:role/Administrator\nsource_profile = people\n"

// A person without a key signs in once. Sessions come from the cache, and are renewed
// without the person.
func TestASignInWithABrowserServesProfilesWithoutAKey(t *testing.T) {
	t.Parallel()
	r := newSignInRig(t, signInProfiles)
	if _, err := r.m.Session(t.Context(), session.Request{Profile: "people"}); err == nil {
		t.Fatal("there is a session before anybody signed in")
	}
	e, err := r.m.SignIn(t.Context(), session.Request{Profile: "people"}, session.Browser{Show: r.person("admin")})
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != cache.SignInSession || e.ARN != "arn:aws:iam::111111111111:user/admin" || e.Account != signInAccount {
		t.Errorf("%+v", e)
	}
	again, err := r.m.Session(t.Context(), session.Request{Profile: "people"})
	if err != nil || again.AccessKeyID != e.AccessKeyID {
		t.Errorf("%v, another session: %+v", err, again)
	}
	role, err := r.m.Session(t.Context(), session.Request{Profile: "prod"})
	if err != nil || role.Kind != cache.RoleSession || !strings.Contains(role.ARN, "Administrator") {
		t.Errorf("%v: %+v", err, role)
	}
	r.advance(11 * time.Minute)
	renewed, err := r.m.Session(t.Context(), session.Request{Profile: "people"})
	if err != nil || renewed.AccessKeyID == e.AccessKeyID || renewed.ARN != e.ARN {
		t.Errorf("%v: not renewed: %+v", err, renewed)
	}
	r.advance(12 * time.Hour)
	_, err = r.m.Session(t.Context(), session.Request{Profile: "people"})
	if err == nil || !strings.Contains(err.Error(), "has ended") || !session.NeedsPerson(err) {
		t.Errorf("after the sign-in: %v", err)
	}
}

// The refresh token and the key of the proofs rest where the session does: in a file that
// only its owner reads.
func TestASignInIsKeptForItsOwner(t *testing.T) {
	t.Parallel()
	r := newSignInRig(t, "")
	if _, err := r.m.SignIn(t.Context(), session.Request{Profile: "new"}, session.Browser{Show: r.person("admin")}); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(r.m.Cache.Path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(filepath.Join(r.m.Cache.Path, f.Name()))
		if strings.Contains(string(text), "refresh_token ") {
			found = true
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", f.Name(), info.Mode())
			}
		}
	}
	if !found {
		t.Error("no file has a refresh token")
	}
}

// Twenty callers at once renew a session once, each with a session that works.
func TestManyCallersRenewASignInOnce(t *testing.T) {
	t.Parallel()
	r := newSignInRig(t, "")
	if _, err := r.m.SignIn(t.Context(), session.Request{Profile: "new"}, session.Browser{Show: r.person("admin")}); err != nil {
		t.Fatal(err)
	}
	r.advance(11 * time.Minute)
	var wait sync.WaitGroup
	keys := make([]string, 20)
	for i := range keys {
		wait.Go(func() {
			if e, err := r.m.Session(t.Context(), session.Request{Profile: "new"}); err != nil {
				t.Error(err)
			} else {
				keys[i] = e.AccessKeyID
			}
		})
	}
	wait.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Errorf("different sessions: %v", keys)
			break
		}
	}
}

// What a page of the browser sends to the port, and what AWS refuses, gives no session.
func TestABrowserThatDoesNotSignInGivesNoSession(t *testing.T) {
	t.Parallel()
	get := func(t *testing.T, address string) int {
		answer, err := http.Get(address)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	redirectOf := func(link string) (string, url.Values) {
		u, _ := url.Parse(link)
		return u.Query().Get("redirect_uri"), u.Query()
	}
	for name, row := range map[string]struct {
		show func(*testing.T, *signInRig, string) error
		wait time.Duration
		why  string // canceled: after the answer to the browser
	}{
		"another state": {func(t *testing.T, _ *signInRig, link string) error {
			to, _ := redirectOf(link)
			if status := get(t, to+"?code=x&state=other"); status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
			return nil
		}, 0, "canceled"},
		"another path": {func(t *testing.T, _ *signInRig, link string) error {
			to, q := redirectOf(link)
			if status := get(t, strings.TrimSuffix(to, "callback")+"?code=x&state="+q.Get("state")); status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
			return nil
		}, 0, "canceled"},
		"denied": {func(t *testing.T, _ *signInRig, link string) error {
			to, q := redirectOf(link)
			get(t, to+"?error=access_denied&error_description=not+you&state="+q.Get("state"))
			return nil
		}, 0, "the sign-in was refused: access_denied: not you"},
		"no code": {func(t *testing.T, _ *signInRig, link string) error {
			to, q := redirectOf(link)
			get(t, to+"?state="+q.Get("state"))
			return nil
		}, 0, "without a code"},
		"a guessed code": {func(t *testing.T, _ *signInRig, link string) error {
			to, q := redirectOf(link)
			get(t, to+"?code=guess&state="+q.Get("state"))
			return nil
		}, 0, "has ended"},
		"a code of another verifier": {func(t *testing.T, r *signInRig, link string) error {
			u, _ := url.Parse(link)
			q := u.Query()
			q.Set("code_challenge", strings.Repeat("A", 43)) // an attacker began this sign-in
			u.RawQuery = q.Encode()
			return r.person("admin")(u.String())
		}, 0, "has ended"},
		"nobody": {func(*testing.T, *signInRig, string) error { return nil }, 50 * time.Millisecond, "nobody signed in within 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSignInRig(t, "")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			show := func(link string) error {
				r.browsers.Go(func() {
					_ = row.show(t, r, link)
					if row.why == "canceled" {
						stop()
					}
				})
				return nil
			}
			_, err := r.m.SignIn(ctx, session.Request{Profile: "new"}, session.Browser{Show: show, Wait: row.wait})
			if err == nil || !strings.Contains(err.Error(), row.why) {
				t.Errorf("%v, want %q", err, row.why)
			}
			if _, err := r.m.Session(t.Context(), session.Request{Profile: "new"}); err == nil {
				t.Error("there is a session")
			}
		})
	}
}

func TestASignInThatIsInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newSignInRig(t, "")
	ctx, stop := context.WithCancel(t.Context())
	var address string
	_, err := r.m.SignIn(ctx, session.Request{Profile: "new"}, session.Browser{Show: func(link string) error {
		u, _ := url.Parse(link)
		back, _ := url.Parse(u.Query().Get("redirect_uri"))
		address = back.Host
		stop()
		return nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("the port is still open")
	}
}

func TestABusyPortAndAProfileWithAKeyAreRefused(t *testing.T) {
	t.Parallel()
	r := newSignInRig(t, "[profile keyed]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n[profile long]\nrole_arn = arn:aws:iam::111111111111:role/Administrator\nsource_profile = people\nduration_seconds = 7200\n")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	shown := func(string) error { t.Error("the address was shown"); return nil }
	for profile, row := range map[string]struct {
		port int
		why  string
	}{
		"new":   {busy.Addr().(*net.TCPAddr).Port, "in use by another program"},
		"keyed": {0, "profile keyed has an access key"},
		"long":  {0, "requests 2h0m0s, which takes a code"},
	} {
		_, err := r.m.SignIn(t.Context(), session.Request{Profile: profile}, session.Browser{Show: shown, Port: row.port})
		if err == nil || !strings.Contains(err.Error(), row.why) {
			t.Errorf("%s: %v", profile, err)
		}
	}
}
