package notify_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
)

// secretPath is the secret part of a webhook.
const secretPath = "/services/T0SECRET/B0SECRET/verysecret"

func TestSlackWebhookHandlesEveryResponse(t *testing.T) {
	for _, row := range []struct {
		name     string
		answers  []answer
		requests int
		slept    []time.Duration // nil: not looked at
		want     string          // of the error; empty: none
	}{
		{"ok", []answer{slackOK}, 1, []time.Duration{}, ""},
		{"asked to wait", []answer{{status: 429, retryAfter: "7"}, slackOK}, 2, []time.Duration{7 * time.Second}, ""},
		{"asked to wait twice", []answer{{status: 429, retryAfter: "30"}, {status: 429, retryAfter: "1"}, slackOK}, 3,
			[]time.Duration{30 * time.Second, time.Second}, ""},
		{"asked to wait, not how long", []answer{{status: 429}, slackOK}, 2, nil, ""},
		{"asked to wait for no time", []answer{{status: 429, retryAfter: "0"}, slackOK}, 2, []time.Duration{time.Second}, ""},
		{"asked to wait for nonsense", []answer{{status: 429, retryAfter: "soon"}, slackOK}, 2, nil, ""},
		{"asked to wait for longer than it may", []answer{{status: 429, retryAfter: "3600"}}, 1, []time.Duration{},
			"notify slack: Slack limits the request rate (HTTP 429) (attempt 1; no time for another)"},
		{"bad payload", []answer{{status: 400, body: "invalid_payload"}}, 1, []time.Duration{},
			"notify slack: refused by Slack: invalid_payload (HTTP 400); not retried"},
		{"archived channel", []answer{{status: 410, body: "channel_is_archived"}}, 1, []time.Duration{},
			"notify slack: refused by Slack: channel_is_archived (HTTP 410); not retried"},
		{"not what Slack says", []answer{{status: 200, body: "<html>sign in</html>"}}, 1, []time.Duration{},
			"notify slack: refused by Slack: <html>sign in</html> (HTTP 200); not retried"},
		{"points elsewhere", []answer{{status: 302}}, 1, []time.Duration{},
			"notify slack: Slack redirects (HTTP 302), and redirects are not followed"},
		{"broken for a while", []answer{{status: 500}, {status: 503, retryAfter: "2"}, slackOK}, 3, nil, ""},
		{"connection lost", []answer{{drop: true}, slackOK}, 2, nil, ""},
		{"repeats the secret", []answer{{status: 403, body: "no " + secretPath}}, 1, []time.Duration{},
			"notify slack: refused by Slack: no [secret] (HTTP 403); not retried"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, c := newPeer(t, row.answers...), newClock()
			n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
			err := n.Send(t.Context(), one())
			if got := fmt.Sprint(err); err == nil && row.want != "" || err != nil && got != row.want {
				t.Errorf("error %v\nwant  %s", err, row.want)
			}
			if got := p.requests(); len(got) != row.requests {
				t.Errorf("%d requests, want %d", len(got), row.requests)
			}
			if row.slept != nil && !cmp.Equal(append([]time.Duration{}, c.slept...), row.slept) {
				t.Errorf("waited %v, want %v", c.slept, row.slept)
			}
		})
	}
}

func TestSlackTimeoutIsRetried(t *testing.T) {
	stuck := make(chan struct{})
	p, c := newPeer(t, answer{status: 200, wait: stuck}, slackOK), newClock()
	t.Cleanup(func() { close(stuck) }) // before the server's own clean-up waits for it
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath, Timeout: 50 * time.Millisecond})
	if err := n.Send(t.Context(), one()); err != nil {
		t.Fatal(err)
	}
	if got := len(p.requests()); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

func TestSlackOutageLosesAndDuplicatesNothing(t *testing.T) {
	down, up, c := newPeer(t, answer{status: 503}), newPeer(t, answer{status: 204}), newClock()
	n := open(t, c, aws.Config{}, notify.Options{
		SlackWebhook: down.URL + secretPath, WebhookURL: up.URL + "/mfa", WebhookSecret: "key",
	})
	d := &notify.Summary{Messages: users(3, "222222222222")}
	runs := 0
	for ; c.now().Before(noon.Add(time.Hour)); runs++ { // the queue brings it back every ten minutes
		err := n.Send(t.Context(), d)
		if err == nil || !strings.Contains(err.Error(), "notify slack: Slack has a server error (HTTP 503) (attempt ") || strings.Contains(err.Error(), "webhook:") {
			t.Fatalf("run %d: %v", runs, err)
		}
		_ = c.sleep(t.Context(), 10*time.Minute)
	}
	if runs < 4 || len(down.requests()) < 2*runs {
		t.Errorf("%d runs and %d requests to Slack", runs, len(down.requests()))
	}
	down.answer(slackOK)
	for range 3 {
		if err := n.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(down.requests()); got != 1 {
		t.Errorf("Slack got it %d times after the outage, want once", got)
	}
	if got := len(up.requests()); got != 1 {
		t.Errorf("the webhook got it %d times, want once", got)
	}
}

func TestDelaysGrowAndStayWithinTheBudget(t *testing.T) {
	p, c := newPeer(t, answer{status: 500}), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath, Budget: 10 * time.Minute})
	if err := n.Send(t.Context(), one()); err == nil {
		t.Fatal("no error")
	}
	var sum time.Duration
	for i, d := range c.slept {
		sum += d
		if most := min(time.Second<<min(i, 10), 30*time.Second); d < 0 || d > most {
			t.Errorf("delay %d: %s, want at most %s", i, d, most)
		}
	}
	if sum > 10*time.Minute || sum < 9*time.Minute {
		t.Errorf("waited %s of 10m", sum)
	}
}

func TestErrorsNeverShowTheWebhook(t *testing.T) {
	p := newPeer(t, slackOK)
	dead := p.URL
	p.Close()
	c := newClock()
	for _, url := range []string{dead + secretPath, dead + "/?key=verysecret"} {
		n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: url, WebhookURL: url, WebhookSecret: "verysecretkey"})
		err := n.Send(t.Context(), one())
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("error %v, want two refused connections", err)
		}
		if strings.Contains(err.Error(), "verysecret") || strings.Contains(err.Error(), "T0SECRET") {
			t.Errorf("error shows the secret: %v", err)
		}
	}
	for _, bad := range []string{
		"http://hooks.slack.com/services/verysecret", "https://hooks.example.com/services/verysecret", "verysecret",
		"https://me:verysecret@hooks.slack.com/", "https://hooks.slack.com:8443/verysecret", "arn:verysecret", "https://hooks.slack.com.example.com/verysecret",
		"http://192.0.2.1/verysecret", "https://hooks.slack.com/%zzverysecret",
	} {
		_, err := notify.Open(t.Context(), aws.Config{}, notify.Options{SlackWebhook: bad, Loopback: true})
		if err == nil || strings.Contains(err.Error(), "verysecret") {
			t.Errorf("%s: error %v", bad, err)
		}
	}
	if _, err := notify.Open(t.Context(), aws.Config{}, notify.Options{SlackWebhook: dead + secretPath}); err == nil {
		t.Error("http to this machine passes without the option for tests")
	}
	for _, good := range []string{"https://hooks.slack.com/services/a", "https://hooks.slack-gov.com/services/a"} {
		if _, err := notify.Open(t.Context(), aws.Config{}, notify.Options{SlackWebhook: good}); err != nil {
			t.Error(err)
		}
	}
}

func TestSlackBotHandlesEveryResponse(t *testing.T) {
	for _, row := range []struct {
		name     string
		answers  []answer
		requests int
		want     string
	}{
		{"ok", []answer{{status: 200, body: `{"ok":true}`}}, 1, ""},
		{"too fast", []answer{{status: 429, retryAfter: "3", body: `{"ok":false,"error":"ratelimited"}`}, {status: 200, body: `{"ok":true}`}}, 2, ""},
		{"too fast, in words", []answer{{status: 200, body: `{"ok":false,"error":"ratelimited"}`}, {status: 200, body: `{"ok":true}`}}, 2, ""},
		{"inner error", []answer{{status: 200, body: `{"ok":false,"error":"internal_error"}`}, {status: 200, body: `{"ok":true}`}}, 2, ""},
		{"not invited", []answer{{status: 200, body: `{"ok":false,"error":"not_in_channel"}`}}, 1,
			"notify slack: refused by Slack: not_in_channel; not retried: invite the bot to the channel"},
		{"bad blocks", []answer{{status: 200, body: `{"ok":false,"error":"invalid_blocks"}`}}, 1,
			"notify slack: refused by Slack: invalid_blocks; not retried"},
		{"repeats the token", []answer{{status: 200, body: `{"ok":false,"error":"bad xoxb-verysecret"}`}}, 1,
			"notify slack: refused by Slack: bad [secret]; not retried"},
		{"no JSON", []answer{{status: 200, body: `ok`}}, 1, "notify slack: the response of Slack is not JSON (HTTP 200): ok"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, c := newPeer(t, row.answers...), newClock()
			n := open(t, c, aws.Config{}, notify.Options{SlackToken: "xoxb-verysecret", SlackChannel: "C042", SlackAPI: p.URL + "/api/"})
			err := n.Send(t.Context(), one())
			if got := fmt.Sprint(err); err == nil && row.want != "" || err != nil && got != row.want {
				t.Errorf("error %v\nwant  %s", err, row.want)
			}
			got := p.requests()
			if len(got) != row.requests {
				t.Fatalf("%d requests, want %d", len(got), row.requests)
			}
			var sent struct{ Channel string }
			if err := json.Unmarshal([]byte(got[0].body), &sent); err != nil || sent.Channel != "C042" ||
				got[0].path != "/api/chat.postMessage" || got[0].header.Get("Authorization") != "Bearer xoxb-verysecret" {
				t.Errorf("request %+v: %v", got[0], err)
			}
		})
	}
}

// seedAlerts are the two alerts of the Lambda that forcemfa replaces, with its
// corrective actions.
func seedAlerts() map[string]notify.Message {
	bob := notify.Message{
		Account: "222222222222", Alias: "acme-dev", Partition: "aws", Subject: "user/bob",
		ARN: "arn:aws:iam::222222222222:user/bob", At: noon,
	}
	enforced, workaround, blocked := bob, bob, bob
	enforced.ID, enforced.Kind, enforced.Severity = "enforced/222222222222/user/bob", notify.KindEnforced, audit.Info
	enforced.What = "bob is in the group ForceMFA now; without MFA nothing but enrolling is allowed"
	workaround.ID, workaround.Kind, workaround.Severity = "workaround/222222222222/user/bob", notify.KindWorkaround, audit.Medium
	workaround.What = "the quota GroupsPerUser (10) is full, so the policy ForceMFA was attached to bob directly; MFA is enforced"
	workaround.Remedy = "take bob out of a group that is not needed"
	blocked.ID, blocked.Kind, blocked.Severity = "blocked/222222222222/user/bob", notify.KindBlocked, audit.High
	blocked.What = "the quotas GroupsPerUser (10), AttachedPoliciesPerUser (10) and UserPolicySize (2048) are full; nothing was attached"
	blocked.Remedy = "make room in one of them: detach a policy that is not needed, then run forcemfa apply"
	return map[string]notify.Message{"enforced": enforced, "workaround": workaround, "blocked": blocked}
}

func TestSeedAlertsAsSlackMessages(t *testing.T) {
	for name, m := range seedAlerts() {
		t.Run(name, func(t *testing.T) {
			p, c := newPeer(t, slackOK), newClock()
			n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
			if err := n.Send(t.Context(), &notify.Summary{Run: "2027-01-31T12-00-00Z", ConfigHash: strings.Repeat("ab", 32), Messages: []notify.Message{m}}); err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal([]byte(p.requests()[0].body), &got); err != nil {
				t.Fatal(err)
			}
			golden := "testdata/slack-" + name + ".json"
			if os.Getenv("FORCEMFATEST_UPDATE") != "" {
				text, _ := json.MarshalIndent(got, "", "  ")
				_ = os.WriteFile(golden, append(text, '\n'), 0o644)
			}
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
