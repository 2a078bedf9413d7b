package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/signinsvc"
	"forcemfa/internal/emulator/webpage"
)

//go:embed authorize.html
var authorizeText string

var authorizePage = webpage.New(authorizeText)

// The clients of the OAuth endpoints: `aws login`, and `aws login --remote`.
// Source: API model of AWS Sign-In, ClientId.
const (
	sameDevice  = "arn:aws:signin:::devtools/same-device"
	crossDevice = "arn:aws:signin:::devtools/cross-device"
)

// confirmation is the path of the page on which a remote client's code is shown.
const confirmation = "/v1/sessions/confirmation"

// codeLasts is how long an authorization code can be redeemed. AWS does not publish it.
const codeLasts = 10 * time.Minute

// A server serves the OAuth 2.0 endpoints of AWS Sign-In, as `aws login` uses them.
type server struct {
	cloud *emulator.Cloud
	form  *Form
	now   func() time.Time // of clients

	mu     sync.Mutex
	codes  map[string]code     // by the authorization code
	grants map[string]*grant   // by the refresh token
	proofs map[string]struct{} // identifiers of DPoP proofs
	old    map[string]struct{} // the same, of the time before
	turned time.Time           // when proofs were last moved to old
	signer idSigner
}

// A code is an authorization code. It can be redeemed once.
type code struct {
	request
	session string // access key ID of the console session
	expires time.Time
}

// NewHandler serves the sign-in page and the OAuth 2.0 endpoints of AWS Sign-In for the
// users of a cloud, and leaves every other request to the cloud. now is the clock of the
// clients, by which their proofs are dated.
func NewHandler(c *emulator.Cloud, now func() time.Time) http.Handler {
	s := &server{
		cloud: c, form: NewForm(c), now: now,
		codes: map[string]code{}, grants: map[string]*grant{}, proofs: map[string]struct{}{}, old: map[string]struct{}{},
	}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /v1/authorize", s.show)
	pages.HandleFunc("POST /v1/authorize", s.submit)
	pages.HandleFunc("GET "+confirmation, s.confirm)
	protected := webpage.Protect(pages)
	// Not a ServeMux, which redirects paths such as those of S3 objects a//b.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/authorize" || r.URL.Path == confirmation:
			protected.ServeHTTP(w, r)
		case r.URL.Path == "/v1/token" && r.Method == http.MethodPost:
			s.token(w, r)
		default:
			c.ServeHTTP(w, r)
		}
	})
}

// A request is a request for an authorization code.
// Source: AWS Sign-In API Reference, AuthorizeOAuth2Access.
type request struct{ client, redirect, state, challenge, method, scope, response string }

// fields are the names of its parameters.
func (q *request) fields() map[string]string {
	return map[string]string{
		"client_id": q.client, "redirect_uri": q.redirect, "state": q.state, "code_challenge": q.challenge, "code_challenge_method": q.method,
		"scope": q.scope, "response_type": q.response,
	}
}

func requestOf(v url.Values) request {
	return request{v.Get("client_id"), v.Get("redirect_uri"), v.Get("state"), v.Get("code_challenge"), v.Get("code_challenge_method"), v.Get("scope"), v.Get("response_type")}
}

var challengeForm = operation.NewPattern(`^[A-Za-z0-9._~-]{43,128}$`)

// check returns which parameter is wrong; empty: none. host is that of the endpoint.
func (q *request) check(host string) string {
	switch {
	case q.response != "code":
		return "response_type must be code"
	case q.client != sameDevice && q.client != crossDevice:
		return "client_id must be " + sameDevice + " or " + crossDevice
	case q.method != "SHA-256" && q.method != "S256": // the first is AWS's name, the second that of RFC 7636
		return "code_challenge_method must be SHA-256"
	case !challengeForm.MatchString(q.challenge):
		return "code_challenge must have 43 to 128 characters of the alphabet of RFC 7636"
	case q.scope != "openid":
		return "scope must be openid"
	case q.state == "" || len(q.state) > 128:
		return "state must have 1 to 128 characters"
	case !q.redirectable(host):
		return "redirect_uri must be http://127.0.0.1:PORT/oauth/callback, or " + confirmation + " of this endpoint for the remote client"
	}
	return ""
}

// redirectable reports whether the code may be sent to the address: of a program on this
// machine, or of the page that shows it.
func (q *request) redirectable(host string) bool {
	u, err := url.Parse(q.redirect)
	switch {
	case err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return false
	case q.client == crossDevice:
		return u.Host == host && u.Path == confirmation
	}
	return net.ParseIP(u.Hostname()) != nil && webpage.Loopback(u.Host) && u.Path == "/oauth/callback"
}

// asked returns the request, or writes the page that says what is wrong.
func (s *server) asked(w http.ResponseWriter, r *http.Request, v url.Values) (q request, ok bool) {
	q = requestOf(v)
	if why := q.check(r.Host); why != "" {
		s.fail(w, http.StatusBadRequest, outcome{Problem: "The request of the program is not valid: " + why + "."})
		return q, false
	}
	return q, true
}

// An outcome is why no code was granted, or the code.
type outcome struct {
	Problem  string
	Decision *emulator.Decision
	Code     string // instead: a code for another machine
}

func (s *server) fail(w http.ResponseWriter, status int, o outcome) {
	authorizePage.Write(w, status, webpage.View{Title: "Sign in", Data: o})
}

func (s *server) use(q request) Use {
	target, _ := url.Parse(q.redirect) // checked
	purpose := "for the AWS CLI and the programs that use its session on this computer"
	if q.client == crossDevice {
		purpose = "for the AWS CLI on another computer"
	}
	return Use{Action: "/v1/authorize", Hidden: q.fields(), Targets: []string{"http://" + target.Host}, Purpose: purpose}
}

func (s *server) show(w http.ResponseWriter, r *http.Request) {
	if q, ok := s.asked(w, r, r.URL.Query()); ok {
		s.form.Show(w, s.use(q))
	}
}

// submit signs the user in, and sends the program a code if the policies allow it.
func (s *server) submit(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, http.StatusBadRequest, outcome{Problem: "The form cannot be read."})
		return
	}
	q, ok := s.asked(w, r, r.PostForm)
	if !ok {
		return
	}
	who := s.form.Submit(w, r, s.use(q))
	if who == nil {
		return
	}
	caller, err := s.cloud.Caller(who.AccessKeyID)
	if err != nil {
		s.fail(w, http.StatusForbidden, outcome{Problem: err.Error()})
		return
	}
	in := &signinsvc.AuthorizeInput{Client: signinsvc.Client{Remote: q.client == crossDevice}}
	if _, d, err := s.cloud.Explain(caller, "signin", "AuthorizeOAuth2Access", in); err != nil {
		s.fail(w, http.StatusForbidden, outcome{Problem: "AWS refuses " + who.User + " a session for programs.", Decision: &d})
		return
	}
	values := url.Values{"code": {s.newCode(q, who.AccessKeyID)}, "state": {q.state}}
	http.Redirect(w, r, q.redirect+"?"+values.Encode(), http.StatusFound)
}

// mostCodes bounds the codes that are not redeemed.
const mostCodes = 1000

func (s *server) newCode(q request, session string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cloud.Now()
	for text, c := range s.codes {
		if !now.Before(c.expires) || len(s.codes) >= mostCodes {
			delete(s.codes, text)
		}
	}
	text := rand.Text()
	s.codes[text] = code{q, session, now.Add(codeLasts)}
	return text
}

// redeem returns the code that a client may use. It is spent, also when the rest of the
// request is wrong.
func (s *server) redeem(text, client, redirect, verifier string) (code, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes[text]
	delete(s.codes, text)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	return c, ok && s.cloud.Now().Before(c.expires) && c.client == client && c.redirect == redirect &&
		subtle.ConstantTimeCompare([]byte(strings.TrimRight(c.challenge, "=")), []byte(challenge)) == 1
}

// confirm shows the code for a program on another machine.
func (s *server) confirm(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	text := url.Values{"state": {q.Get("state")}, "code": {q.Get("code")}}.Encode()
	authorizePage.Write(w, http.StatusOK, webpage.View{Title: "Authorization code", Data: outcome{Code: base64.StdEncoding.EncodeToString([]byte(text))}})
}
