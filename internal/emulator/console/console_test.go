package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/testbrowser"
)

func TestMain(m *testing.M) { os.Exit(testbrowser.Run(m)) }

// newSample returns the sample organization on a clock that stands still.
func newSample(t *testing.T) *emulator.Cloud {
	t.Helper()
	w, err := sample.World()
	if err != nil {
		t.Fatal(err)
	}
	return emulator.New(w, emulator.Options{Stopped: true})
}

// A client is a browser without a screen.
type client struct {
	t       *testing.T
	handler http.Handler
	cookie  *http.Cookie
}

func newClient(t *testing.T, c *emulator.Cloud) *client {
	return &client{t: t, handler: newHandler(c, "/secret/")}
}

// do sends a request to a page of the console, with changes, and follows a redirect.
func (c *client) do(method, path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8000/secret/"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	for _, set := range w.Result().Cookies() {
		if c.cookie = set; set.MaxAge < 0 {
			c.cookie = nil
		}
	}
	if to, _, _ := strings.Cut(w.Header().Get("Location"), "#"); to != "" {
		return c.do("GET", strings.TrimPrefix(to, "/secret/"), nil, nil)
	}
	return w
}

// post sends a form and returns the page that follows.
func (c *client) post(path string, fields ...string) string {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.do("POST", path, form, nil).Body.String()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

const staging, legacy = "444444444444", "111111111111"

// The page of each proposal shows what it says.
func TestProposedPeopleShowTheDifference(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	page := newClient(t, c).do("GET", "", nil, nil).Body.String()
	wants(t, page, "?account="+legacy+"&amp;user=frank", "?account="+staging+"&amp;user=petra", "?account="+legacy+"&amp;user=admin", "Everybody with a password (46)", "3 of the 6 actions here require MFA.")
	for _, row := range []struct{ account, user, action, want string }{
		{legacy, "frank", "users", "Allowed"}, {legacy, "frank", "key", "Allowed"},
		{staging, "petra", "buckets", "Refused"}, {staging, "petra", "key", "Refused"}, {staging, "petra", "devices", "Allowed"},
	} {
		b := newClient(t, c.Fork())
		wants(t, b.post("sign-in", "account", row.account, "user", row.user, "password", passwordOf(c, row.account, row.user)), "<b>without MFA</b>")
		page := b.post("try", "action", row.action)
		if _, after, _ := strings.Cut(page, `class="verdict`); !strings.Contains(after[:min(len(after), 40)], row.want) {
			t.Errorf("%s tries %s: want %s in:\n%s", row.user, row.action, row.want, page)
		}
	}
	b := newClient(t, c)
	page = b.post("sign-in", "account", "acme-legacy", "user", "ADMIN", "password", passwordOf(c, legacy, "admin"))
	wants(t, page, "Multi-factor authentication")
	if strings.Contains(page, passwordOf(c, legacy, "admin")) {
		t.Error("the page of the second step contains the password")
	}
}

// What docs/console.md says about forcemfa apply.
func TestAppliedPlanRefusesTheStolenPassword(t *testing.T) {
	t.Parallel()
	box, err := rehearse.OpenSandbox("", emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := newClient(t, box.Cloud)
	b.post("sign-in", "account", legacy, "user", "frank", "password", passwordOf(box.Cloud, legacy, "frank"))
	if page := b.post("try", "action", "users"); strings.Contains(page, "Refused") {
		t.Fatal("frank is refused before")
	}
	if _, err := rehearse.Run(t.Context(), box, rehearse.Options{Baseline: baseline.Default(), Now: box.Cloud.Now, Sample: 1}); err != nil {
		t.Fatal(err)
	}
	wants(t, b.post("try", "action", "users"), "Refused", "ForceMFA")
}

func TestRefusalNamesTheStatement(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	b := newClient(t, c)
	b.post("sign-in", "account", staging, "user", "petra", "password", passwordOf(c, staging, "petra"))
	wants(t, b.post("try", "action", "buckets"), "Denied by statement <code class=\"statement\">", "policy arn:aws:iam::"+staging+":policy/forcemfa/ForceMFA",
		"aws:MultiFactorAuthPresent</code> is <code>false", "&#34;Effect&#34;: &#34;Deny&#34;", "AccessDenied: User: arn:aws:iam::"+staging+":user/petra is not authorized")
}

func TestMistakesAtSignIn(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	b := newClient(t, c)
	wants(t, b.post("sign-in", "account", staging, "user", "petra", "password", "guess"), "The account, the user name or the password is wrong.")
	wants(t, b.post("sign-in", "account", "nowhere", "user", "petra", "password", "guess"), "The account, the user name or the password is wrong.")
	wants(t, b.post("sign-in", "account", legacy, "user", "lars", "password", passwordOf(c, legacy, "lars")), "The password of lars must be changed", "Set a new password")
	wants(t, b.post("sign-in", "attempt", "unknown", "code", "123456"), "This sign-in has ended.")
	page := b.post("sign-in", "account", legacy, "user", "admin", "password", passwordOf(c, legacy, "admin"))
	_, attempt, _ := strings.Cut(page, `name="attempt" value="`)
	attempt, _, _ = strings.Cut(attempt, `"`)
	wants(t, b.post("sign-in", "attempt", attempt, "code", "12"), "The code is wrong.", "Multi-factor authentication")
	wants(t, b.post("sign-in", "attempt", attempt, "key", "yes"), "no MFA device of this kind")
	_, code, _ := strings.Cut(page, `class="now">`)
	wants(t, b.post("sign-in", "attempt", attempt, "code", code[:3]+" "+code[3:6]), "<b>with MFA</b>")
	b.post("sign-out")
	wants(t, b.post("sign-in", "attempt", attempt, "code", code[:6]), "This sign-in has ended.")
	b.post("sign-in", "account", legacy, "user", "admin", "password", passwordOf(c, legacy, "admin"))
}

func TestPasskeyIsASimulationThatSaysSo(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	b := newClient(t, c)
	page := b.post("sign-in", "account", "222222222222", "user", "farid", "password", passwordOf(c, "222222222222", "farid"))
	wants(t, page, "The embedded AWS simulates it")
	_, attempt, _ := strings.Cut(page, `name="attempt" value="`)
	attempt, _, _ = strings.Cut(attempt, `"`)
	wants(t, b.post("sign-in", "attempt", attempt, "key", "yes"), "<b>with MFA</b>")
}

// The device of a user that exists already gets a number; the session ends with the user.
func TestDeviceNamesAndEndedSessions(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	b := newClient(t, c)
	b.post("sign-in", "account", staging, "user", "petra", "password", passwordOf(c, staging, "petra"))
	wants(t, b.post("enroll"), "data:image/png;base64,")
	b.post("enroll")
	c.View(func(w *world.World) {
		for _, name := range []string{"petra", "petra-2"} {
			if w.Account(staging).Devices["arn:aws:iam::"+staging+":mfa/"+name] == nil {
				t.Errorf("no device %s", name)
			}
		}
	})
	wants(t, b.post("enable", "code1", "000000", "code2", "111111"), `id="problem">InvalidAuthenticationCode`)
	c.Advance(13 * time.Hour)
	wants(t, b.do("GET", "", nil, nil).Body.String(), "Sign in as an IAM user")
	wants(t, b.post("try", "action", "users"), "Sign in as an IAM user")
}

// Another web page, another host name and another path get nothing.
func TestConsoleIsForItsOwnPagesOnly(t *testing.T) {
	t.Parallel()
	c := newSample(t)
	b := newClient(t, c)
	b.post("sign-in", "account", staging, "user", "petra", "password", passwordOf(c, staging, "petra"))
	for name, row := range map[string]struct {
		method string
		status int
		change func(*http.Request)
	}{
		"another origin":    {"POST", http.StatusForbidden, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:9000") }},
		"another site":      {"POST", http.StatusForbidden, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"another host name": {"GET", http.StatusForbidden, func(r *http.Request) { r.Host = "attacker.example:8000" }},
		"without secret":    {"GET", http.StatusNotFound, func(r *http.Request) { r.URL.Path = "/" }},
		"wrong method":      {"GET", http.StatusMethodNotAllowed, func(r *http.Request) { r.URL.Path = "/secret/try" }},
	} {
		if w := b.do(row.method, "", url.Values{"action": {"users"}}, row.change); w.Code != row.status {
			t.Errorf("%s: status %d, want %d", name, w.Code, row.status)
		}
	}
	if _, err := Listen(c, "0.0.0.0:0"); err == nil {
		t.Error("the console is served to other machines")
	}
	w := b.do("GET", "", nil, nil)
	wants(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'", "form-action 'self'", "frame-ancestors 'none'")
}
