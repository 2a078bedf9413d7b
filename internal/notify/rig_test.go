package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
	"forcemfa/internal/testclients"
)

func TestMain(m *testing.M) {
	os.Exit(testclients.Run(m))
}

// noon is the time of all events.
var noon = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

// A clock advances when a caller sleeps.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{at: noon} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// A peer is a local server with scripted responses, the last of which repeats.
type peer struct {
	*httptest.Server
	answers []answer

	mu    sync.Mutex
	taken []taken
}

type answer struct {
	status     int
	body       string
	retryAfter string
	drop       bool          // the connection, without an answer
	wait       chan struct{} // until closed
}

// taken is a received request.
type taken struct {
	path   string
	header http.Header
	body   string
}

var slackOK = answer{status: 200, body: "ok"}

func newPeer(t *testing.T, answers ...answer) *peer {
	t.Helper()
	p := &peer{answers: answers}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	a := p.answers[min(len(p.taken), len(p.answers)-1)]
	p.taken = append(p.taken, taken{r.URL.RequestURI(), r.Header.Clone(), string(body)})
	p.mu.Unlock()
	if a.wait != nil {
		<-a.wait
	}
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if a.status >= 300 && a.status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (p *peer) requests() []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]taken{}, p.taken...)
}

// answer replaces the scripted responses.
func (p *peer) answer(answers ...answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers, p.taken = answers, nil
}

// open makes a notifier with a fake clock, against servers of this machine.
func open(t *testing.T, c *clock, cfg aws.Config, o notify.Options) *notify.Notifier {
	t.Helper()
	o.Loopback, o.Now, o.Sleep = true, c.now, c.sleep
	n, err := notify.Open(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// users returns messages about this many users of an account.
func users(n int, account string) []notify.Message {
	var all []notify.Message
	for i := range n {
		name := fmt.Sprintf("user%03d", i)
		all = append(all, notify.Message{
			ID: "open-user/" + account + "/user/" + name, Kind: notify.KindFinding, Severity: audit.Medium,
			Account: account, Alias: "acme-dev", Partition: "aws", Subject: "user/" + name,
			ARN: "arn:aws:iam::" + account + ":user/" + name, What: "s3:GetObject is allowed without MFA",
			Remedy: "forcemfa apply", At: noon,
		})
	}
	return all
}

func one() *notify.Summary { return &notify.Summary{Run: "r-1", Messages: users(1, "222222222222")} }

// motoConfig is the config of a client of an empty moto_server.
func motoConfig(t *testing.T) aws.Config {
	t.Helper()
	return configAt(testclients.Moto(t))
}

func configAt(endpoint string) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		BaseEndpoint: &endpoint,
	}
}

// awsPeer is an AWS service with scripted JSON responses.
func awsPeer(t *testing.T, answer func(operation string, in map[string]any) (status int, out any)) aws.Config {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		body, _ := io.ReadAll(r.Body)
		operation := r.URL.Path
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			operation = target[strings.LastIndex(target, ".")+1:]
		}
		if strings.Contains(string(body), "Action=GetCallerIdentity") {
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
				`<Arn>arn:aws-us-gov:sts::999999999999:assumed-role/forcemfa/1</Arn><UserId>A</UserId><Account>999999999999</Account>`+
				`</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`)
			return
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Errorf("%s: %v in %q", operation, err, body)
		}
		status, out := answer(operation, in)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(s.Close)
	return configAt(s.URL)
}
