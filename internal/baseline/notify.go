package baseline

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"forcemfa/policy/arn"
)

// Notify are the destinations of notifications. The zero value is none.
type Notify struct {
	Slack       Slack
	Teams       Teams
	SNS         SNS
	Mail        Mail
	Webhook     Webhook
	SecurityHub bool
	Bus         string // name or ARN of an event bus
}

// Slack is a channel with the reference to its secret: the URL of an incoming
// webhook, or the token of a bot. The secrets themselves are never in the config.
type Slack struct {
	Webhook string // env:NAME, ssm:/NAME, or the ARN of a secret or parameter
	Token   string // as Webhook; instead of it
	Channel string // of the token; a webhook has its own
}

// SNS is a topic.
type SNS struct {
	Topic string // ARN
}

// Teams is a channel with the reference to the URL of the workflow that posts to it, as
// for [Slack].
type Teams struct {
	Webhook string
}

// Mail is e-mail through Amazon SES.
type Mail struct {
	Identity string // ARN of a verified identity
	From     string
	To       string // addresses with commas between them
}

// Webhook is a server that receives signed requests.
type Webhook struct {
	URL    string // https, or the reference to the URL, as for [Slack]
	Secret string // the reference to the key that signs the requests, as for [Slack]
}

func (n *Notify) fields() mapping {
	return mapping{fields: append(n.sections(), []field{
		{"security_hub", optional, "Whether findings are imported into Security Hub, in the account and region of the run.", truth{&n.SecurityHub}},
		{"bus", optional, "The name or ARN of an event bus that messages are put on.", pattern{to: &n.Bus, want: "the name or ARN of an event bus", ok: isBus,
			shape: `^(arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/.+|[A-Za-z0-9._/-]+)$`}},
	}...)}
}

// check validates the keys of the section together. A webhook and a token together
// are refused when a message is sent, because one may come from the environment.
func (n *Notify) check(at node) error {
	switch {
	case n.Slack.Token != "" && n.Slack.Channel == "":
		return at.errorf("notify: slack: token requires channel, the channel of the bot")
	case n.Mail != (Mail{}) && (n.Mail.Identity == "" || n.Mail.From == "" || n.Mail.To == ""):
		return at.errorf("notify: mail: identity, from and to are required together")
	case n.Webhook.URL != "" && n.Webhook.Secret == "":
		return at.errorf("notify: webhook: url requires secret, so that the receiver can verify requests")
	case n.Webhook.URL == "" && n.Webhook.Secret != "":
		return at.errorf("notify: webhook: secret requires url")
	}
	return nil
}

// secretPlaces are where a secret may be kept, in words.
const secretPlaces = "env:NAME, ssm:/NAME, or the ARN of a secret or parameter"

// secretPlace is secretPlaces as a regular expression.
const secretPlace = `env:[A-Za-z_][A-Za-z0-9_]*|ssm:/[A-Za-z0-9_./-]+|arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+|arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/.+`

var (
	secretShape = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(` + secretPlace + `)$`)
	})
	webhookShape = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(https://[^@\s]+|` + secretPlace + `)$`)
	})
)

// kept reads the reference to a secret. Errors never repeat the value, which may be
// the secret itself.
func kept(key, secret string, to *string) value {
	return word[string]{to: to, shape: secretShape().String(), parse: func(text string) (string, error) {
		if !secretShape().MatchString(text) {
			return "", fmt.Errorf("%s: the %s is a secret and must not be in the config file; give a reference: %s", key, secret, secretPlaces)
		}
		return text, nil
	}}
}

// hook reads a URL or the reference to it. Errors do not repeat the value.
func hook(to *string) value {
	return word[string]{to: to, shape: webhookShape().String(), parse: func(text string) (string, error) {
		if u, err := url.Parse(text); webhookShape().MatchString(text) && (!strings.HasPrefix(text, "https:") || err == nil && u.Host != "") {
			return text, nil
		}
		return "", fmt.Errorf("url: want an https URL without a password, or a reference: %s", secretPlaces)
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
