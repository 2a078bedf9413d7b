package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/notify"
)

// signature computes the signature as described in docs/notify.md.
func signature(key string, r taken) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s.%s", r.header.Get("X-Forcemfa-Timestamp"), r.body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestEachWebhookAttemptIsSigned(t *testing.T) {
	p, c := newPeer(t, answer{status: 503, retryAfter: "60"}, answer{status: 201}), newClock()
	n := open(t, c, aws.Config{}, notify.Options{WebhookURL: p.URL + "/mfa?tenant=1", WebhookSecret: "a key"})
	d := one()
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := p.requests()
	if len(got) != 2 {
		t.Fatalf("%d requests, want 2", len(got))
	}
	for i, r := range got {
		if want := strconv.FormatInt(noon.Unix()+int64(60*i), 10); r.header.Get("X-Forcemfa-Timestamp") != want {
			t.Errorf("attempt %d: timestamp %s, want %s", i, r.header.Get("X-Forcemfa-Timestamp"), want)
		}
		if r.header.Get("X-Forcemfa-Signature") != signature("a key", r) || r.path != "/mfa?tenant=1" {
			t.Errorf("attempt %d: %s with signature %s", i, r.path, r.header.Get("X-Forcemfa-Signature"))
		}
	}
	if a, b := got[0].header.Get("X-Forcemfa-Delivery"), got[1].header.Get("X-Forcemfa-Delivery"); a != b || len(a) != 32 {
		t.Errorf("deliveries %q and %q, want one", a, b)
	}
	var sent struct {
		Version, Part, Parts int
		Run                  string
		Messages             []notify.Message
	}
	if err := json.Unmarshal([]byte(got[1].body), &sent); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Messages, sent.Messages); diff != "" || sent.Version != 1 || sent.Part != 1 || sent.Parts != 1 || sent.Run != "r-1" {
		t.Errorf("%+v\n%s", sent, diff)
	}
}

func TestDeliveredWebhookPartsAreNotSentAgain(t *testing.T) {
	p, c := newPeer(t, answer{status: 200}, answer{status: 400, body: "no room for more of a key"}), newClock()
	n := open(t, c, aws.Config{}, notify.Options{WebhookURL: p.URL, WebhookSecret: "a key"})
	d := &notify.Summary{Messages: users(450, "222222222222")}
	err := n.Send(t.Context(), d)
	want := "notify webhook: 250 messages not sent: " + strings.TrimPrefix(p.URL, "http://") + " refuses the message: no room for more of [secret] (HTTP 400); not retried"
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	p.answer(answer{status: 200})
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range p.requests() {
		var sent struct{ Messages []notify.Message }
		if err := json.Unmarshal([]byte(r.body), &sent); err != nil {
			t.Fatal(err)
		}
		for _, m := range sent.Messages {
			seen[m.ID]++
		}
	}
	if len(seen) != 250 || seen[d.Messages[449].ID] != 1 || seen[d.Messages[0].ID] != 0 {
		t.Errorf("%d messages were sent again, want the 250 that were left", len(seen))
	}
}

func TestAMessageIsSentOnceUnlessItHappensAgain(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
	m := users(1, "222222222222")[0]
	fixed, again := m, m
	fixed.Kind, fixed.At = notify.KindFixed, m.At.Add(1)
	again.At = m.At.Add(2)
	for _, d := range [][]notify.Message{{m, m}, {m}, {fixed}, {again}, {fixed, again, m}} {
		if err := n.Send(t.Context(), &notify.Summary{Messages: d}); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.requests(); len(got) != 3 {
		t.Errorf("sent %d times, want 3: open, fixed, open again", len(got))
	}
}

func TestConcurrentSendersSendAMessageOnce(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
	d := one()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := n.Send(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(p.requests()); got != 1 {
		t.Errorf("sent %d times", got)
	}
}

func TestInvalidOptionsAreRejected(t *testing.T) {
	for _, row := range []struct {
		name    string
		options notify.Options
		want    string
	}{
		{"both ways to Slack", notify.Options{SlackWebhook: "ssm:/a", SlackToken: "ssm:/b", SlackChannel: "C1"},
			"notify: slack: both a webhook and a token are set; set only one, or every message arrives twice"},
		{"no channel", notify.Options{SlackToken: "ssm:/b"}, "notify: slack: a token needs a channel; name the channel of the bot"},
		{"not signed", notify.Options{WebhookURL: "https://example.com/"}, "notify: webhook: the secret is missing; receivers need it to verify requests"},
		{"signed nothing", notify.Options{WebhookSecret: "key"}, "notify: webhook: the URL is missing"},
		{"plain text", notify.Options{WebhookURL: "http://example.com/", WebhookSecret: "key"}, "notify: webhook's URL: not an https URL"},
		{"a topic's name", notify.Options{SNSTopic: "alerts"}, `notify: SNS topic "alerts": want its ARN, with a region`},
		{"a sender alone", notify.Options{MailFrom: "a@example.com"}, "notify: mail: identity, sender and recipients are required together"},
		{"a retired connector of Teams", notify.Options{TeamsWebhook: "https://example.webhook.office.com/webhookb2/verysecret"},
			"notify: Teams webhook: not a URL at *.api.powerplatform.com or *.logic.azure.com or *.api.gov.powerplatform.microsoft.us or *.api.high.powerplatform.microsoft.us or *.logic.azure.us"},
		{"a host with the suffix in its name", notify.Options{TeamsWebhook: "https://logic.azure.com.example.com/"},
			"notify: Teams webhook: not a URL at *.api.powerplatform.com or *.logic.azure.com or *.api.gov.powerplatform.microsoft.us or *.api.high.powerplatform.microsoft.us or *.logic.azure.us"},
		{"a rule", notify.Options{Bus: "arn:aws:sqs:eu-west-1:111111111111:a"}, `notify: event bus "arn:aws:sqs:eu-west-1:111111111111:a": want its ARN, with a region`},
		{"a key", notify.Options{SlackToken: "arn:aws:kms:eu-west-1:111111111111:key/a", SlackChannel: "C1"},
			"notify: Slack token: want the ARN of a Secrets Manager secret or of an SSM parameter"},
		{"an unencrypted place", notify.Options{SlackToken: "xoxb-verysecret", SlackChannel: "C1", References: true},
			"notify: Slack token: the secret itself must not be here; give its location: the ARN of a Secrets Manager secret or of an SSM parameter, or ssm:/NAME"},
		{"another Slack", notify.Options{SlackToken: "ssm:/a", SlackChannel: "C1", SlackAPI: "https://example.com/"},
			"notify: slack: another Web API endpoint is only for tests"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := notify.Open(t.Context(), aws.Config{}, row.options); err == nil || err.Error() != row.want {
				t.Errorf("error %v\nwant  %s", err, row.want)
			}
		})
	}
}

func TestOptionsOfALambdaAreReferences(t *testing.T) {
	env := map[string]string{
		"FORCEMFA_SLACK_WEBHOOK_SECRET": "w", "FORCEMFA_SLACK_TOKEN_SECRET": "t", "FORCEMFA_SLACK_CHANNEL": "c", "FORCEMFA_SNS_TOPIC": "s",
		"FORCEMFA_TEAMS_WEBHOOK_SECRET": "m", "FORCEMFA_MAIL_IDENTITY": "i", "FORCEMFA_MAIL_FROM": "f", "FORCEMFA_MAIL_TO": "r",
		"FORCEMFA_WEBHOOK_URL": "u", "FORCEMFA_WEBHOOK_SECRET": "k", "FORCEMFA_BUS": "b", "FORCEMFA_SECURITY_HUB": "true", "FORCEMFA_QUEUE": "q",
	}
	got := notify.OptionsFrom(func(name string) string { return env[name] })
	want := notify.Options{SlackWebhook: "w", SlackToken: "t", SlackChannel: "c", SNSTopic: "s", TeamsWebhook: "m", MailIdentity: "i", MailFrom: "f", MailTo: "r", WebhookURL: "u", WebhookSecret: "k",
		Bus: "b", SecurityHub: true, Queue: "q", References: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	n, err := notify.Open(t.Context(), aws.Config{}, notify.OptionsFrom(func(string) string { return "" }))
	if err != nil || len(n.Channels()) != 0 || n.Send(t.Context(), one()) != nil {
		t.Errorf("without options: %v, %v", n.Channels(), err)
	}
}
