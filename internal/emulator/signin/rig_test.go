package signin

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testbrowser"
)

func TestMain(m *testing.M) { os.Exit(testbrowser.Run(m)) }

const legacy, identity, staging, acquired = "111111111111", "222222222222", "444444444444", "666666666666"

// A rig is a cloud with AWS Sign-In on a socket.
type rig struct {
	t        *testing.T
	cloud    *emulator.Cloud
	endpoint string
}

func newRig(t *testing.T, readings operation.Readings) *rig {
	t.Helper()
	w, err := sample.World()
	if err != nil {
		t.Fatal(err)
	}
	c := emulator.New(w, emulator.Options{Stopped: true, Readings: readings, History: true})
	s, err := emulator.Listen("127.0.0.1:0", NewHandler(c, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &rig{t, c, s.Endpoint}
}

// password returns the password of a user, and the code of the device, if any.
func (r *rig) password(account, user string) (password, code string) {
	r.cloud.View(func(w *world.World) {
		a := w.Account(account)
		password = a.Users[world.Fold(user)].Login.Password
		for _, d := range a.DevicesOf(user) {
			code = world.CodeAt(d.Seed, r.cloud.Now())
		}
	})
	return password, code
}

// A program signs a user in as `aws login` does: authorization code with PKCE, and DPoP.
type program struct {
	*rig
	key              *ecdsa.PrivateKey
	client, redirect string
	verifier, state  string
	method           string
}

func (r *rig) program() *program {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	return &program{rig: r, key: key, client: sameDevice, redirect: "http://127.0.0.1:1/oauth/callback", verifier: rand.Text() + rand.Text(), state: rand.Text(), method: "SHA-256"}
}

func (p *program) query() url.Values {
	sum := sha256.Sum256([]byte(p.verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {p.client}, "state": {p.state}, "code_challenge_method": {p.method}, "scope": {"openid"},
		"redirect_uri": {p.redirect}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// get and post return the status, the text and the address that an answer redirects to.
func (r *rig) send(q *http.Request, err error) (int, string, string) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := noRedirects.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := io.ReadAll(a.Body)
	if err = errors.Join(err, a.Body.Close()); err != nil {
		r.t.Fatal(err)
	}
	return a.StatusCode, string(text), a.Header.Get("Location")
}

var attemptField = regexp.MustCompile(`name="attempt" value="(\w+)"`)

// signIn fills in the forms, and returns the authorization code; page is the last page
// when there is none.
func (p *program) signIn(account, user string) (code, page string) {
	p.t.Helper()
	q, err := http.NewRequest("GET", p.endpoint+"/v1/authorize?"+p.query().Encode(), nil)
	if status, page, _ := p.send(q, err); status != http.StatusOK {
		return "", content(page)
	}
	form := p.query()
	password, device := p.password(account, user)
	form.Set("account", account)
	form.Set("user", user)
	form.Set("password", password)
	to := ""
	for range 2 {
		q, err := http.NewRequest("POST", p.endpoint+"/v1/authorize", strings.NewReader(form.Encode()))
		if err == nil {
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		_, page, to = p.send(q, err)
		next := attemptField.FindStringSubmatch(page)
		if next == nil {
			break
		}
		form = p.query()
		form.Set("attempt", next[1])
		form.Set("code", device)
	}
	if to == "" {
		return "", content(page)
	}
	back, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, p.redirect+"?") || back.Query().Get("state") != p.state {
		p.t.Fatalf("redirected to %s: %v", to, err)
	}
	return back.Query().Get("code"), ""
}

// content returns what a page shows.
func content(page string) string {
	_, page, _ = strings.Cut(page, "<main")
	return page
}

// A change changes a request for a token, or the claims of its proof.
type change struct {
	body   map[string]string
	claims map[string]any
	header func(http.Header)
	key    *ecdsa.PrivateKey
}

func (p *program) proof(c change) string {
	p.t.Helper()
	key := p.key
	if c.key != nil {
		key = c.key
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		p.t.Fatal(err)
	}
	claims := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": p.endpoint + "/v1/token", "iat": time.Now().Unix()}
	for name, value := range c.claims {
		claims[name] = value
	}
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		p.t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return compact
}

// ask sends a request for a token. The answer is an error when its status is not 200.
func (p *program) ask(body map[string]string, c change) (*tokens, string) {
	p.t.Helper()
	sent := map[string]string{"clientId": p.client}
	for _, m := range []map[string]string{body, c.body} {
		for name, value := range m {
			sent[name] = value
		}
	}
	text, err := json.Marshal(sent)
	if err != nil {
		p.t.Fatal(err)
	}
	q, err := http.NewRequest("POST", p.endpoint+"/v1/token", bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("DPoP", p.proof(c))
	if c.header != nil {
		c.header(q.Header)
	}
	status, answer, _ := p.send(q, nil)
	if status != http.StatusOK {
		var e tokenError
		if err := json.Unmarshal([]byte(answer), &e); err != nil {
			p.t.Fatalf("%s: %v", answer, err)
		}
		return nil, fmt.Sprintf("%d %s %s", status, e.Code, e.Message)
	}
	var out tokens
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		p.t.Fatal(err)
	}
	return &out, ""
}

func (p *program) redeem(code string, c change) (*tokens, string) {
	p.t.Helper()
	return p.ask(map[string]string{"grantType": "authorization_code", "code": code, "redirectUri": p.redirect, "codeVerifier": p.verifier}, c)
}

func (p *program) renew(token string, c change) (*tokens, string) {
	p.t.Helper()
	return p.ask(map[string]string{"grantType": "refresh_token", "refreshToken": token}, c)
}

// login signs a user in, and returns the first tokens.
func (p *program) login(account, user string) *tokens {
	p.t.Helper()
	code, page := p.signIn(account, user)
	if code == "" {
		p.t.Fatalf("no code for %s:\n%s", user, page)
	}
	out, failed := p.redeem(code, change{})
	if failed != "" {
		p.t.Fatal(failed)
	}
	return out
}

// save writes the files that `aws login` writes: the profile dev and the session. It
// returns the home directory and the file of the session.
// Source: botocore 1.43.11, credentials.py, LoginCredentialFetcher.
func (p *program) save(out *tokens, expires time.Time) (home, file string) {
	p.t.Helper()
	home = p.t.TempDir()
	subject := subjectOf(p.t, out.IDToken)
	der, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"accessToken": map[string]string{
			"accessKeyId": out.AccessToken.AccessKeyID, "secretAccessKey": out.AccessToken.SecretAccessKey, "sessionToken": out.AccessToken.SessionToken,
			"accountId": strings.Split(subject, ":")[4], "expiresAt": expires.UTC().Format("2006-01-02T15:04:05Z"),
		},
		"tokenType": out.TokenType, "clientId": p.client, "refreshToken": out.RefreshToken, "idToken": out.IDToken,
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(subject))
	file = filepath.Join(home, ".aws", "login", "cache", hex.EncodeToString(sum[:])+".json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	for name, content := range map[string]string{file: string(text), filepath.Join(home, ".aws", "config"): "[profile dev]\nlogin_session = " + subject + "\nregion = us-east-1\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return home, file
}

// subjectOf returns the subject of an ID token, as the AWS CLI reads it.
func subjectOf(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Sub string }
	if err = errors.Join(err, json.Unmarshal(payload, &claims)); err != nil {
		t.Fatal(err)
	}
	return claims.Sub
}
