package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The hosts of workflows that start at a webhook request, as suffixes. The connector
// URLs at webhook.office.com are retired.
// Source: Microsoft Teams, "Create incoming webhooks with Workflows for Microsoft
// Teams"; Power Automate, "Changes to HTTP or Teams Webhook trigger flows".
var teamsHosts = []string{
	".api.powerplatform.com", ".logic.azure.com",
	".api.gov.powerplatform.microsoft.us", ".api.high.powerplatform.microsoft.us", ".logic.azure.us",
}

// mostTeams is the maximum size of a message in bytes, with a reserve: Teams refuses
// more than about 28 kB.
// Source: Microsoft Teams, "Limits and specifications", and "Format cards in Microsoft
// Teams".
const mostTeams = 24 << 10

// teamsCards is the maximum number of messages shown in full.
const teamsCards = 15

// A teamsWebhook posts to the workflow of a channel.
type teamsWebhook struct {
	*retrier
	options *Options
	url     *secret
}

func (t *teamsWebhook) Name() string { return "teams" }

// Send posts the summary as one Adaptive Card.
func (t *teamsWebhook) Send(ctx context.Context, d *Summary) error {
	text, err := t.url.read(ctx)
	if err != nil {
		return err
	}
	to, err := t.options.address(text, teamsHosts...)
	if err != nil {
		return fmt.Errorf("%s: %w", t.url.what, err)
	}
	body, err := teamsBody(d)
	if err != nil {
		return err
	}
	return t.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		return jsonRequest(ctx, to.String(), body)
	}, func(a *response) result {
		if v, done := t.commonStatus("Teams", a); done {
			return v
		}
		if a.status >= 200 && a.status < 300 {
			return result{}
		}
		if a.status != http.StatusBadRequest {
			t.url.forget() // deleted or replaced
		}
		return result{err: fmt.Errorf("refused by Teams: %s (HTTP %d); not retried", quote(a.body, to.String(), to.RequestURI(), to.Path, to.RawQuery), a.status)}
	})
}

// The parts of an Adaptive Card.
// Source: Adaptive Cards, schema of version 1.4.
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		ContentType string       `json:"contentType"`
		Content     adaptiveCard `json:"content"`
	}
	adaptiveCard struct {
		Schema  string            `json:"$schema"`
		Type    string            `json:"type"`
		Version string            `json:"version"`
		Body    []any             `json:"body"`
		MSTeams map[string]string `json:"msteams"`
	}
	textBlock struct {
		Type      string `json:"type"`
		Text      string `json:"text"`
		Wrap      bool   `json:"wrap"`
		Size      string `json:"size,omitempty"`
		Weight    string `json:"weight,omitempty"`
		Color     string `json:"color,omitempty"`
		IsSubtle  bool   `json:"isSubtle,omitempty"`
		Separator bool   `json:"separator,omitempty"`
	}
	factSet struct {
		Type  string `json:"type"`
		Facts []fact `json:"facts"`
	}
	fact struct {
		Title string `json:"title"`
		Value string `json:"value"`
	}
)

func teamsBody(d *Summary) ([]byte, error) {
	card := adaptiveCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		MSTeams: map[string]string{"width": "Full"},
		Body:    []any{textBlock{Type: "TextBlock", Text: literal(clip(d.headline(), 300, "…")), Wrap: true, Size: "Large", Weight: "Bolder", Color: teamsColor(d.color())}},
	}
	left, shown := mostTeams, 0
	for _, m := range d.condensed(teamsCards).cards {
		parts := teamsCard(&m)
		size, err := json.Marshal(parts)
		if err != nil {
			return nil, fmt.Errorf("write the message: %w", err)
		}
		if left -= len(size); left < mostTeams/3 && shown > 0 {
			break
		}
		card.Body = append(card.Body, parts...)
		shown++
	}
	if groups := d.condensed(shown).groups; len(groups) > 0 {
		card.Body = append(card.Body, textBlock{Type: "TextBlock", Text: literal(plainGroups(groups, mostTeams/6, d.more())), Wrap: true, Separator: true})
	}
	card.Body = append(card.Body, textBlock{Type: "TextBlock", Text: literal(clip(d.origin(), 200, "…")), Wrap: true, IsSubtle: true, Separator: true})
	body, err := json.Marshal(teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}})
	if err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return body, nil
}

// teamsCard shows one message: its title and facts.
func teamsCard(m *Message) []any {
	remedy := "nothing"
	if m.Remedy != "" {
		remedy = m.Remedy
	}
	return []any{
		textBlock{Type: "TextBlock", Text: literal(clip(m.title(), 200, "…")), Wrap: true, Weight: "Bolder", Color: teamsColor(m.color()), Separator: true},
		factSet{"FactSet", []fact{
			{"Account", literal(clip(m.place(), 150, "…"))},
			{noun(m), literal(clip(m.name(), 150, "…"))},
			{"Severity", string(m.severity())},
			{"What happened", literal(clip(m.What, 1500, ""))},
			{"What to do", literal(clip(remedy, 800, ""))},
		}},
	}
}

// teamsColor is the color of an Adaptive Card.
func teamsColor(color string) string {
	switch color {
	case "red":
		return "Attention"
	case "orange", "yellow":
		return "Warning"
	case "green":
		return "Good"
	}
	return "Default"
}

// literal escapes the Markdown and the date functions of a text block, so that a name
// can make neither links nor formatting.
// Source: Adaptive Cards, "Text features".
var literal = strings.NewReplacer(
	`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "`", "\\`", "{{", "{ { ", "<", "&lt;", ">", "&gt;", "&", "&amp;",
).Replace
