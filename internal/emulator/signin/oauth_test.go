package signin

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// The MFA state of the console session decides, in both steps.
func TestMFAOfTheConsoleSessionDecides(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	if code, page := r.program().signIn(staging, "petra"); code != "" || !strings.Contains(page, "policy/forcemfa/ForceMFA") || !strings.Contains(page, "signin:AuthorizeOAuth2Access") {
		t.Errorf("petra has no MFA, and gets the code %q:\n%s", code, page)
	}
	if code, page := r.program().signIn(legacy, "nina"); code != "" || !strings.Contains(page, "SignInLocalDevelopmentAccess") {
		t.Errorf("nothing allows nina to use aws login, and she gets the code %q:\n%s", code, page)
	}
	for user, want := range map[string]bool{"frank": false, "admin": true} {
		p := r.program()
		out := p.login(legacy, user)
		caller, err := r.cloud.Caller(out.AccessToken.AccessKeyID)
		if err != nil {
			t.Fatal(err)
		}
		_, d, err := r.cloud.Explain(caller, "sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if present, _ := d.Context.Get("aws:MultiFactorAuthPresent"); len(present) != 1 || (present[0] == "true") != want {
			t.Errorf("%s: aws:MultiFactorAuthPresent is %v, want %v", user, present, want)
		}
	}
}

// AWS implies that the session keeps MFA, and does not say so.
func TestSessionMayLoseMFA(t *testing.T) {
	t.Parallel()
	for _, loses := range []bool{false, true} {
		r := newRig(t, operation.Readings{LoginLosesMFA: loses})
		p := r.program()
		_, file := p.save(p.login(identity, "jonas"), time.Now().Add(time.Minute))
		if err := r.listBuckets(file); (err != nil) != loses || loses && !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("loses MFA %v: %v", loses, err)
		}
	}
}

func TestWrongAuthorizationRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	for name, change := range map[string]func(*program){
		"unknown client":         func(p *program) { p.client = "arn:aws:signin:::devtools/other" },
		"plain challenge":        func(p *program) { p.method = "plain" },
		"no state":               func(p *program) { p.state = "" },
		"foreign redirect":       func(p *program) { p.redirect = "http://attacker.example/oauth/callback" },
		"name that may be moved": func(p *program) { p.redirect = "http://localhost.attacker.example:1/oauth/callback" },
		"other path":             func(p *program) { p.redirect = "http://127.0.0.1:1/steal" },
		"https":                  func(p *program) { p.redirect = "https://127.0.0.1:1/oauth/callback" },
		"remote to a program":    func(p *program) { p.client = crossDevice },
	} {
		p := r.program()
		change(p)
		if code, page := p.signIn(legacy, "frank"); code != "" || !strings.Contains(page, "is not valid") {
			t.Errorf("%s: code %q\n%s", name, code, page)
		}
	}
}

func TestCodesAreForOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	for name, change := range map[string]change{
		"wrong verifier": {body: map[string]string{"codeVerifier": strings.Repeat("a", 43)}},
		"other redirect": {body: map[string]string{"redirectUri": "http://127.0.0.1:2/oauth/callback"}},
		"other client":   {body: map[string]string{"clientId": crossDevice}},
		"other code":     {body: map[string]string{"code": "guess"}},
	} {
		p := r.program()
		code, _ := p.signIn(legacy, "frank")
		if _, failed := p.redeem(code, change); !strings.HasPrefix(failed, "401 AUTHCODE_EXPIRED") {
			t.Errorf("%s: %q", name, failed)
		}
	}
	p := r.program()
	code, _ := p.signIn(legacy, "frank")
	if _, failed := p.redeem(code, change{}); failed != "" {
		t.Error(failed)
	}
	if _, failed := p.redeem(code, change{}); !strings.HasPrefix(failed, "401 AUTHCODE_EXPIRED") {
		t.Errorf("second use: %q", failed)
	}
	code, _ = p.signIn(legacy, "frank")
	r.cloud.Advance(11 * time.Minute)
	if _, failed := p.redeem(code, change{}); !strings.HasPrefix(failed, "401 AUTHCODE_EXPIRED") {
		t.Errorf("after 11 minutes: %q", failed)
	}
}

func TestProofsOfPossession(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	out := p.login(legacy, "frank")
	same := map[string]any{"jti": "once"}
	if _, failed := p.renew(out.RefreshToken, change{claims: same}); failed != "" {
		t.Fatal(failed)
	}
	for name, change := range map[string]change{
		"no proof":     {header: func(h http.Header) { h.Del("DPoP") }},
		"two proofs":   {header: func(h http.Header) { h.Add("DPoP", h.Get("DPoP")) }},
		"no JWT":       {header: func(h http.Header) { h.Set("DPoP", "x") }},
		"other bytes":  {header: func(h http.Header) { h.Set("DPoP", h.Get("DPoP")[:len(h.Get("DPoP"))-8]+"AAAAAAAA") }},
		"same proof":   {claims: same},
		"other method": {claims: map[string]any{"htm": "GET"}},
		"other URL":    {claims: map[string]any{"htu": "https://us-east-1.signin.aws.amazon.com/v1/token"}},
		"other path":   {claims: map[string]any{"htu": r.endpoint + "/v1/authorize"}},
		"old":          {claims: map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}},
		"future":       {claims: map[string]any{"iat": time.Now().Add(time.Hour).Unix()}},
		"other key":    {key: r.program().key},
	} {
		if _, failed := p.renew(out.RefreshToken, change); !strings.HasPrefix(failed, "400 INVALID_REQUEST") {
			t.Errorf("%s: %q", name, failed)
		}
	}
	if _, failed := p.renew("guess", change{}); !strings.HasPrefix(failed, "401 TOKEN_EXPIRED") {
		t.Errorf("unknown token: %q", failed)
	}
	if _, failed := p.ask(map[string]string{"grantType": "password"}, change{}); !strings.HasPrefix(failed, "400 INVALID_REQUEST") {
		t.Errorf("other grant: %q", failed)
	}
}

func TestRefreshing(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	first := p.login(legacy, "frank")
	if first.TokenType != "aws_sigv4" || first.ExpiresIn != 900 || subjectOf(t, first.IDToken) != "arn:aws:iam::"+legacy+":user/frank" {
		t.Errorf("the first answer is %+v", first)
	}
	second, _ := p.renew(first.RefreshToken, change{})
	r.cloud.Advance(time.Minute)
	again, _ := p.renew(first.RefreshToken, change{})
	if second.AccessToken != again.AccessToken || again.RefreshToken != second.RefreshToken || again.ExpiresIn != 840 || again.IDToken != "" {
		t.Errorf("the same refresh token gives %+v and %+v", second, again)
	}
	third, _ := p.renew(second.RefreshToken, change{})
	if third.AccessToken == second.AccessToken {
		t.Error("another refresh token gives the same session")
	}
	r.cloud.Advance(11*time.Hour + 50*time.Minute)
	last, failed := p.renew(third.RefreshToken, change{})
	if failed != "" || last.ExpiresIn != 9*60 {
		t.Errorf("at the end of the console session: %+v %s", last, failed)
	}
	r.cloud.Advance(10 * time.Minute)
	if _, failed := p.renew(last.RefreshToken, change{}); !strings.HasPrefix(failed, "401 TOKEN_EXPIRED") {
		t.Errorf("after 12 hours: %q", failed)
	}
}

// Programs that start together refresh the same file, and get one session.
func TestProgramsThatRefreshTogetherGetOneSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	token := p.login(legacy, "frank").RefreshToken
	keys := make(chan string)
	for range 20 {
		go func() {
			got := "nothing"
			defer func() { keys <- got }() // also when the request ends the test
			out, failed := p.renew(token, change{})
			if got = failed; failed == "" {
				got = out.AccessToken.AccessKeyID + " " + out.RefreshToken
			}
		}()
	}
	first := <-keys
	for range 19 {
		if next := <-keys; next != first || !strings.HasPrefix(next, "ASIA") {
			t.Errorf("one gets %s, another %s", first, next)
		}
	}
}

// The token endpoint also reads a form.
func TestTokenRequestsMayBeForms(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	code, _ := p.signIn(legacy, "frank")
	form := url.Values{"client_id": {p.client}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.redirect}, "code_verifier": {p.verifier}}
	q, err := http.NewRequest("POST", r.endpoint+"/v1/token", strings.NewReader(form.Encode()))
	if err == nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("DPoP", p.proof(change{}))
	}
	if status, text, _ := r.send(q, err); status != http.StatusOK || !strings.Contains(text, `"tokenType":"aws_sigv4"`) {
		t.Errorf("status %d: %s", status, text)
	}
}

func TestRefreshingEndsWithPasswordAndPermission(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	frank, founder := r.program(), r.program()
	tokenOfFrank, tokenOfFounder := frank.login(legacy, "frank").RefreshToken, founder.login(acquired, "founder").RefreshToken
	r.cloud.Advance(time.Minute)
	r.cloud.Update(func(w *world.World) {
		w.Edit(legacy).Users["frank"].Login.Replace("another password", r.cloud.Now())
		u := w.Edit(acquired).Users["founder"]
		u.Attached, u.Groups = nil, map[string]bool{}
	})
	if _, failed := frank.renew(tokenOfFrank, change{}); !strings.HasPrefix(failed, "403 USER_CREDENTIALS_CHANGED") {
		t.Errorf("after a change of the password: %q", failed)
	}
	if _, failed := founder.renew(tokenOfFounder, change{}); !strings.HasPrefix(failed, "403 INSUFFICIENT_PERMISSIONS") {
		t.Errorf("without permission: %q", failed)
	}
}

// Other requests reach AWS. Its trail has the calls of Sign-In, without secrets.
func TestRestOfTheEndpointIsAWS(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	out := p.login(legacy, "frank")
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(r.endpoint), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: out.AccessToken.AccessKeyID, SecretAccessKey: out.AccessToken.SecretAccessKey, SessionToken: out.AccessToken.SessionToken}, nil
	})}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != "arn:aws:iam::"+legacy+":user/frank" {
		t.Errorf("the session is of %v: %v", who, err)
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("acme-slashes")})
	if err == nil {
		_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme-slashes"), Key: aws.String("a//b"), Body: strings.NewReader("x")})
	}
	if err != nil {
		t.Errorf("an object with two slashes: %v", err)
	}
	var log []byte
	history, err := cloudtrail.NewFromConfig(cfg).LookupEvents(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range history.Events {
		log = append(log, *e.CloudTrailEvent...)
	}
	for _, want := range []string{`"ConsoleLogin"`, `"AuthorizeOAuth2Access"`, `"CreateOAuth2Token"`} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("the Event history has no %s", want)
		}
	}
	for _, secret := range []string{out.AccessToken.SecretAccessKey, out.AccessToken.SessionToken, out.RefreshToken} {
		if bytes.Contains(log, []byte(secret)) {
			t.Error("the Event history contains a secret")
		}
	}
}
