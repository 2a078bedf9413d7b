package baseline

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"forcemfa/policy/arn"
)

// Notify is who is told. The zero value is nobody.
type Notify struct {
	Slack       Slack
	SNS         SNS
	Webhook     Webhook
	SecurityHub bool
	Bus         string // name or ARN of an event bus
}

// Slack is a channel and where what opens it is kept: the URL of an incoming
// webhook, or the token of a bot. Both are secrets and never here.
type Slack struct {
	Webhook string // env:NAME, ssm:/NAME, or the ARN of a secret or parameter
	Token   string // as Webhook; instead of it
	Channel string // of the token; a webhook has its own
}

// SNS is a topic.
type SNS struct {
	Topic string // ARN
}

// Webhook is a server that gets signed requests.
type Webhook struct {
	URL    string // https, or where the URL is kept, as of [Slack]
	Secret string // where the key is kept that requests are signed with, as of [Slack]
}

func (n *Notify) fields() mapping {
	return mapping{fields: []field{
		{"slack", optional, "A Slack channel, by an incoming webhook or by a bot's token.", mapping{fields: []field{
			{"webhook", optional, "Where the webhook's URL is kept: " + secretPlaces + ".", kept("webhook", "URL", &n.Slack.Webhook)},
			{"token", optional, "Where the token of a bot that may chat:write is kept, as of webhook; instead of it.", kept("token", "token", &n.Slack.Token)},
			{"channel", optional, "The channel for the token: its ID or name. A webhook has its own.", sentence{&n.Slack.Channel}},
		}}},
		{"sns", optional, "An SNS topic.", mapping{fields: []field{
			{"topic", optional, "Its ARN.", pattern{to: &n.SNS.Topic, want: "the ARN of an SNS topic", ok: isTopic,
				shape: `^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+`}},
		}}},
		{"webhook", optional, "A server that gets digests as JSON, signed by HMAC-SHA256.", mapping{fields: []field{
			{"url", optional, "An https URL, or where it is kept if it is a secret, as of slack.", hook(&n.Webhook.URL)},
			{"secret", optional, "Where the key is kept by which requests are signed, as of slack.", kept("secret", "key", &n.Webhook.Secret)},
		}}},
		{"security_hub", optional, "Whether findings are imported into Security Hub, in the account and region of the run.", truth{&n.SecurityHub}},
		{"bus", optional, "The name or ARN of an event bus that messages are put on.", pattern{to: &n.Bus, want: "the name or ARN of an event bus", ok: isBus,
			shape: `^(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/.+|[A-Za-z0-9._/-]+)$`}},
	}}
}

// check refuses what no single key says. A webhook beside a token is refused by
// who sends: the environment may have brought one of them.
func (n *Notify) check(at node) error {
	switch {
	case n.Slack.Token != "" && n.Slack.Channel == "":
		return at.errorf("notify: slack: a token without a channel; name the channel that the bot is in")
	case n.Webhook.URL != "" && n.Webhook.Secret == "":
		return at.errorf("notify: webhook: a url without a secret, so nobody could tell our requests from others")
	case n.Webhook.URL == "" && n.Webhook.Secret != "":
		return at.errorf("notify: webhook: a secret without a url")
	}
	return nil
}

// secretPlaces are where a secret may be kept, in words.
const secretPlaces = "env:NAME, ssm:/NAME, or the ARN of a secret or parameter"

// secretPlace is secretPlaces as a regular expression.
const secretPlace = `env:[A-Za-z_][A-Za-z0-9_]*|ssm:/[A-Za-z0-9_./-]+|arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+|arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/.+`

var (
	secretShape  = regexp.MustCompile(`^(` + secretPlace + `)$`)
	webhookShape = regexp.MustCompile(`^(https://[^@\s]+|` + secretPlace + `)$`)
)

// kept is where a secret is kept. Errors never repeat what was written: it may
// be the secret itself.
func kept(key, secret string, to *string) value {
	return word[string]{to: to, shape: secretShape.String(), parse: func(text string) (string, error) {
		if !secretShape.MatchString(text) {
			return "", fmt.Errorf("%s: the %s is a secret and does not belong here; name where it is kept: %s", key, secret, secretPlaces)
		}
		return text, nil
	}}
}

// hook is a URL, or where it is kept. Errors do not repeat it.
func hook(to *string) value {
	return word[string]{to: to, shape: webhookShape.String(), parse: func(text string) (string, error) {
		if u, err := url.Parse(text); webhookShape.MatchString(text) && (!strings.HasPrefix(text, "https:") || err == nil && u.Host != "") {
			return text, nil
		}
		return "", fmt.Errorf("url: want an https URL without a password, or where it is kept: %s", secretPlaces)
	}}
}

func isTopic(s string) bool {
	a, err := arn.Parse(s)
	return err == nil && a.Service == "sns" && a.Region != "" && arn.IsAccountID(a.Account) && a.Resource != ""
}

func isBus(s string) bool {
	if a, err := arn.Parse(s); err == nil {
		return a.Service == "events" && a.Region != "" && arn.IsAccountID(a.Account) && a.Kind() == "event-bus"
	}
	return len(s) <= 256 && strings.Trim(s, entityNameChars+"/") == "" && !strings.ContainsAny(s, "+=,@")
}
