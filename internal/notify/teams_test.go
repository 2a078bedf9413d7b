package notify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/notify"
)

// A cardElement is an element of an Adaptive Card.
type cardElement struct {
	Type, Text, Color string
	Wrap              bool
	Facts             []struct{ Title, Value string }
}

// elements are those of the only card in a message for Teams.
func elements(t *testing.T, body string) []cardElement {
	t.Helper()
	var m struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Schema  string `json:"$schema"`
				Type    string
				Version string
				Body    []cardElement
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if m.Type != "message" || len(m.Attachments) != 1 || m.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		t.Fatalf("not a message with one Adaptive Card: %s", body)
	}
	card := m.Attachments[0].Content
	if card.Type != "AdaptiveCard" || card.Version != "1.4" || card.Schema != "http://adaptivecards.io/schemas/adaptive-card.json" {
		t.Errorf("card %+v", card)
	}
	return card.Body
}

func TestTeamsGetsAnAdaptiveCard(t *testing.T) {
	p, c := newPeer(t, answer{status: 429, retryAfter: "3"}, answer{status: 202}), newClock()
	n := open(t, c, aws.Config{}, notify.Options{TeamsWebhook: p.URL + secretPath})
	d := one()
	d.Messages[0].What = "[click](https://example.com) *now* {{{DATE(2026)}} <at>x</at>"
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(p.taken) != 2 || len(c.slept) != 1 {
		t.Fatalf("%d requests after %v", len(p.taken), c.slept)
	}
	var texts []string
	facts := map[string]string{}
	for _, e := range elements(t, p.taken[1].body) {
		if e.Text != "" {
			texts = append(texts, e.Text)
			if !e.Wrap {
				t.Errorf("%q does not wrap", e.Text)
			}
		}
		for _, f := range e.Facts {
			facts[f.Title] = f.Value
		}
	}
	if len(texts) != 3 || !strings.HasPrefix(texts[0], "Not as configured: user000") {
		t.Errorf("texts %q", texts)
	}
	if facts["Account"] != `222222222222 \(acme-dev\)` || facts["User"] != "user000" || facts["What to do"] != "forcemfa apply" {
		t.Errorf("facts %v", facts)
	}
	if got, want := facts["What happened"], `\[click\]\(https://example.com\) \*now\* { { {DATE\(2026\)}} &lt;at&gt;x&lt;/at&gt;`; got != want {
		t.Errorf("what happened: %s, want %s", got, want)
	}
}

func TestTeamsMessageHasALimitedSize(t *testing.T) {
	p := newPeer(t, answer{status: 202})
	n := open(t, newClock(), aws.Config{}, notify.Options{TeamsWebhook: p.URL + secretPath})
	d := &notify.Summary{Messages: users(3000, "222222222222")}
	for i := range d.Messages {
		d.Messages[i].What, d.Messages[i].Remedy = strings.Repeat("(long) ", 900), strings.Repeat("\u00fc", 5000)
	}
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	body := p.taken[0].body
	if len(p.taken) != 1 || len(body) > 28<<10 {
		t.Errorf("%d requests, the first of %d bytes", len(p.taken), len(body))
	}
	if !strings.Contains(body, "x open-user") {
		t.Error("the other messages are not counted")
	}
}

func TestTeamsRefusalShowsNoSecret(t *testing.T) {
	p := newPeer(t, answer{status: 404, body: "no workflow at " + secretPath})
	n := open(t, newClock(), aws.Config{}, notify.Options{TeamsWebhook: p.URL + secretPath})
	err := n.Send(t.Context(), one())
	if err == nil || strings.Contains(err.Error(), "verysecret") || !strings.Contains(err.Error(), "refused by Teams: no workflow at [secret] (HTTP 404); not retried") {
		t.Errorf("error %v", err)
	}
}

func TestMailIsSentThroughSES(t *testing.T) {
	p := newPeer(t, answer{status: 503}, answer{status: 200, body: `{"MessageId":"1"}`})
	n := open(t, newClock(), configAt(p.URL), notify.Options{
		MailIdentity: "arn:aws:ses:eu-central-1:111111111111:identity/example.com", MailFrom: "forcemfa@example.com", MailTo: "a@example.com, b@example.com",
	})
	if err := n.Send(t.Context(), one()); err != nil {
		t.Fatal(err)
	}
	r := p.taken[len(p.taken)-1]
	if r.path != "/v2/email/outbound-emails" || !strings.Contains(r.header.Get("Authorization"), "/eu-central-1/ses/aws4_request") {
		t.Errorf("%s, %s", r.path, r.header.Get("Authorization"))
	}
	var sent struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses []string }
		Content          struct {
			Simple struct {
				Subject struct{ Data, Charset string }
				Body    struct {
					Text struct{ Data, Charset string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(r.body), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.FromEmailAddress != "forcemfa@example.com" || strings.Join(sent.Destination.ToAddresses, " ") != "a@example.com b@example.com" {
		t.Errorf("from %s to %q", sent.FromEmailAddress, sent.Destination.ToAddresses)
	}
	if s := sent.Content.Simple; !strings.HasPrefix(s.Subject.Data, "Not as configured: user000") || !strings.Contains(s.Body.Text.Data, "what to do: forcemfa apply") || s.Body.Text.Charset != "UTF-8" {
		t.Errorf("content %+v", s)
	}
}

func TestRefusedMailIsAnError(t *testing.T) {
	p := newPeer(t, answer{status: 400, body: `{"message":"Email address is not verified."}`})
	n := open(t, newClock(), configAt(p.URL), notify.Options{
		MailIdentity: "arn:aws:ses:eu-central-1:111111111111:identity/example.com", MailFrom: "forcemfa@example.com", MailTo: "a@example.com",
	})
	err := n.Send(t.Context(), one())
	if err == nil || !strings.Contains(err.Error(), "notify mail: refused by SES") || !strings.Contains(err.Error(), "Email address is not verified.") || len(p.taken) != 1 {
		t.Errorf("error %v after %d requests", err, len(p.taken))
	}
}
