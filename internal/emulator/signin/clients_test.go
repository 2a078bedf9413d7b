package signin

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/chromedp/chromedp"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/testbrowser"
	"forcemfa/internal/testclients"
)

// listBuckets calls S3 with the session in a file, as a program in Go does.
func (r *rig) listBuckets(file string) error {
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(r.endpoint)}
	cfg.Credentials = aws.NewCredentialsCache(logincreds.New(signin.NewFromConfig(cfg), file))
	_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(r.t.Context(), nil)
	return err
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// jonas is an administrator whose boundary denies every request without MFA.
func TestSDKForGoUsesAndRefreshesTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	out := p.login(identity, "jonas")
	_, file := p.save(out, time.Now().Add(10*time.Minute))
	if err := r.listBuckets(file); err != nil {
		t.Error(err)
	}
	if !strings.Contains(fileText(t, file), out.AccessToken.AccessKeyID) {
		t.Error("the session was refreshed before it expired")
	}
	r.cloud.Advance(20 * time.Minute)
	if err := r.listBuckets(file); err == nil || !strings.Contains(err.Error(), "ExpiredToken") {
		t.Errorf("after 20 minutes: %v", err)
	}
	_, file = p.save(out, time.Now().Add(-time.Minute))
	if err := r.listBuckets(file); err != nil {
		t.Error(err)
	}
	if text := fileText(t, file); strings.Contains(text, out.AccessToken.AccessKeyID) || strings.Contains(text, out.RefreshToken) {
		t.Error("the session was not refreshed")
	}
	r.cloud.Advance(12 * time.Hour)
	if err := r.listBuckets(file); err == nil || !strings.Contains(err.Error(), "ExpiredToken") {
		t.Errorf("after 12 hours, with credentials that are young by the client's clock: %v", err)
	}
	_, file = p.save(out, time.Now().Add(-time.Minute))
	if err := r.listBuckets(file); err == nil || !strings.Contains(err.Error(), "login session has expired") {
		t.Errorf("after 12 hours: %v", err)
	}
}

// withBotocore is a program that uses a profile, like the scripts of an engineer.
const withBotocore = `
import botocore.credentials, botocore.session
if botocore.credentials.EC is None:  # awscrt is not installed
    import ec
    botocore.credentials.EC = ec.EC
s = botocore.session.Session(profile="dev")
client = s.create_client("s3")
client.list_buckets()
print(s.get_credentials().method)
`

func TestBotocoreUsesAndRefreshesTheSession(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "botocore", "cryptography")
	usesAndRefreshes(t, "login\n", "python3", "-c", withBotocore)
}

// withJavaScript prints the type of the credentials and calls nothing: the provider
// reads the session, and refreshes it where it has expired.
const withJavaScript = `
require("@aws-sdk/credential-provider-login").fromLoginCredentials({ profile: "dev" })()
  .then(c => console.log(c.accessKeyId.slice(0, 4)), e => { console.error(e); process.exit(1) })
`

func TestSDKForJavaScriptUsesAndRefreshesTheSession(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "node", "@aws-sdk/credential-provider-login")
	usesAndRefreshes(t, "ASIA\n", "node", "--no-warnings", "-e", withJavaScript)
}

// usesAndRefreshes runs a program with a young and with an expired session. It must leave
// the first as it is, and renew the other.
func usesAndRefreshes(t *testing.T, prints, name string, args ...string) {
	t.Helper()
	r := newRig(t, operation.Readings{})
	p := r.program()
	out := p.login(identity, "jonas")
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for what, expires := range map[string]time.Time{"young": time.Now().Add(10 * time.Minute), "expired": time.Now().Add(-time.Minute)} {
		home, file := p.save(out, expires)
		cmd := testclients.Command(t, name, args...)
		cmd.Env = append(testclients.Environment(), "HOME="+home, "AWS_ENDPOINT_URL="+r.endpoint, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
			"PYTHONPATH="+here, "PYTHONDONTWRITEBYTECODE=1", "NODE_PATH="+testclients.NodeModules())
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil || output.String() != prints {
			t.Errorf("%s: %v: %s", what, err, output.String())
		}
		if kept := strings.Contains(fileText(t, file), out.AccessToken.AccessKeyID); kept != (what == "young") {
			t.Errorf("%s: the file keeps the credentials: %v", what, kept)
		}
		if err := r.listBuckets(file); err != nil {
			t.Errorf("%s: with the session that the program leaves: %v", what, err)
		}
	}
}

// A person signs in with the form, and the browser brings the code to the program.
func TestBrowserBringsTheCodeToTheProgram(t *testing.T) {
	r := newRig(t, operation.Readings{})
	p := r.program()
	got := make(chan url.Values, 1)
	callback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/oauth/callback" {
			got <- q.URL.Query()
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>done</title><link rel="icon" href="data:,"><p id="done">done`))
	}))
	defer callback.Close()
	p.redirect = callback.URL + "/oauth/callback"
	b := testbrowser.Open(t, 1280)
	b.URL = r.endpoint + "/v1/authorize"
	b.Allowed = func(asked string) bool {
		return strings.HasPrefix(asked, b.URL) || strings.HasPrefix(asked, p.redirect+"?") || asked == "data:,"
	}
	b.Do(chromedp.Navigate(b.URL + "?" + p.query().Encode()))
	b.Accessible("password")
	password, code := r.password(identity, "jonas")
	b.Keys("acme-identity\tjonas\t" + password + "\r")
	b.Until(`document.getElementById("code") !== null`)
	b.Accessible("code")
	b.Keys(code + "\r")
	b.Until(`document.getElementById("done") !== null`)
	query := <-got
	if query.Get("state") != p.state {
		t.Errorf("the state is %q", query.Get("state"))
	}
	if _, failed := p.redeem(query.Get("code"), change{}); failed != "" {
		t.Error(failed)
	}
}

// `aws login --remote`: the page shows a code to copy.
func TestRemoteProgramGetsTheCodeByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, operation.Readings{})
	p := r.program()
	p.client, p.redirect = crossDevice, r.endpoint+confirmation
	code, page := p.signIn(identity, "jonas")
	if code == "" {
		t.Fatal(page)
	}
	q, err := http.NewRequest("GET", p.redirect+"?"+url.Values{"code": {code}, "state": {p.state}}.Encode(), nil)
	_, page, _ = r.send(q, err)
	if !strings.Contains(page, `id="authorization-code"`) {
		t.Errorf("no code on the page:\n%s", page)
	}
	if _, failed := p.redeem(code, change{}); failed != "" {
		t.Error(failed)
	}
}
