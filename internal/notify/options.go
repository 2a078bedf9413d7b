package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithytime "github.com/aws/smithy-go/time"
)

// Options configure the channels. The zero value has none.
//
// A secret is referenced by the ARN of a Secrets Manager secret, by the ARN of
// an SSM parameter of type SecureString, or as ssm:/NAME; any other text is the
// secret itself.
type Options struct {
	SlackWebhook  string // secret: the URL of an incoming webhook
	SlackToken    string // secret: the token of a bot with chat:write; instead of the webhook
	SlackChannel  string // for the token; a webhook has its own channel
	TeamsWebhook  string // secret: the URL of a workflow
	SNSTopic      string // ARN
	MailIdentity  string // ARN of the identity of SES that sends mail
	MailFrom      string
	MailTo        string // addresses with commas between them
	WebhookURL    string // https, or a secret that contains the URL
	WebhookSecret string // secret: the key that signs the requests to WebhookURL
	Bus           string // name or ARN of an event bus
	SecurityHub   bool
	Queue         string // URL of the SQS queue that [Notifier.Handle] turns into summaries and that keeps undelivered messages

	// References rejects secrets that are given directly: they would be in the
	// environment of a Lambda function, which many users may read.
	References bool
	// Loopback allows http to this machine and another SlackAPI. It is for
	// tests.
	Loopback bool
	SlackAPI string // empty: https://slack.com/api/

	// Budget limits how long one channel may retry; zero: two minutes. The
	// deadline of the context shortens it.
	Budget time.Duration
	// Timeout limits one HTTP request; zero: 15 seconds.
	Timeout time.Duration
	Now     func() time.Time                           // nil: time.Now
	Sleep   func(context.Context, time.Duration) error // nil: sleeps
}

// optionsOf are the options for the channels of a config.
func optionsOf(n *baseline.Notify) Options {
	return Options{
		SlackWebhook: n.Slack.Webhook, SlackToken: n.Slack.Token, SlackChannel: n.Slack.Channel, TeamsWebhook: n.Teams.Webhook,
		SNSTopic: n.SNS.Topic, MailIdentity: n.Mail.Identity, MailFrom: n.Mail.From, MailTo: n.Mail.To,
		WebhookURL: n.Webhook.URL, WebhookSecret: n.Webhook.Secret, Bus: n.Bus, SecurityHub: n.SecurityHub,
	}
}

// OptionsFrom reads the options of a Lambda function from its environment.
// Secrets there are references.
func OptionsFrom(getenv func(string) string) Options {
	var n baseline.Notify
	for _, s := range baseline.ChannelSettings() {
		*s.Of(&n) = getenv(s.Variable)
	}
	n.SecurityHub, _ = strconv.ParseBool(getenv("FORCEMFA_SECURITY_HUB"))
	n.Bus = getenv("FORCEMFA_BUS")
	o := optionsOf(&n)
	o.Queue, o.References = getenv("FORCEMFA_QUEUE"), true
	return o
}

// OptionsOf reads the options from the config file. getenv resolves env:NAME.
func OptionsOf(n baseline.Notify, getenv func(string) string) (Options, error) {
	for _, s := range baseline.ChannelSettings() {
		to := s.Of(&n)
		name, ok := strings.CutPrefix(*to, "env:")
		if !ok {
			continue
		}
		if *to = getenv(name); *to == "" {
			return Options{}, fmt.Errorf("%s: environment variable %s is empty", s.Path(), name)
		}
	}
	return optionsOf(&n), nil
}

// check rejects options that can never work. No error contains a secret.
func (o *Options) check() error {
	switch {
	case o.SlackWebhook != "" && o.SlackToken != "":
		return errors.New("slack: both a webhook and a token are set; set only one, or every message arrives twice")
	case o.SlackToken != "" && o.SlackChannel == "":
		return errors.New("slack: a token needs a channel; name the channel of the bot")
	case o.MailIdentity+o.MailFrom+o.MailTo != "" && (o.MailIdentity == "" || o.MailFrom == "" || o.MailTo == ""):
		return errors.New("mail: identity, sender and recipients are required together")
	case o.WebhookURL != "" && o.WebhookSecret == "":
		return errors.New("webhook: the secret is missing; receivers need it to verify requests")
	case o.WebhookURL == "" && o.WebhookSecret != "":
		return errors.New("webhook: the URL is missing")
	}
	for _, s := range []struct{ what, service, text string }{
		{"SNS topic", "sns", o.SNSTopic}, {"mail identity", "ses", o.MailIdentity}, {"event bus", "events", o.Bus},
	} {
		if s.text == "" || s.service == "events" && !strings.HasPrefix(s.text, "arn:") {
			continue
		}
		if a, err := arn.Parse(s.text); err != nil || a.Service != s.service || a.Region == "" || a.Resource == "" {
			return fmt.Errorf("%s %q: want its ARN, with a region", s.what, s.text)
		}
	}
	if o.SlackAPI != "" && !o.Loopback {
		return errors.New("slack: another Web API endpoint is only for tests")
	}
	return nil
}

// regional returns the config for the Region of an ARN.
func regional(cfg aws.Config, text string) aws.Config {
	c := cfg.Copy()
	if a, err := arn.Parse(text); err == nil && a.Region != "" {
		c.Region = a.Region
	}
	return c
}

// address checks the URL to which a secret would be sent. A host that begins with a dot
// is a suffix. The error does not contain the URL.
func (o *Options) address(text string, hosts ...string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("not an https URL")
	}
	if o.Loopback && u.Scheme == "http" {
		if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() {
			return u, nil
		}
	}
	if u.Scheme != "https" {
		return nil, errors.New("not an https URL")
	}
	for _, h := range hosts {
		name := strings.ToLower(u.Hostname())
		if name == h && u.Port() == "" || strings.HasPrefix(h, ".") && strings.HasSuffix(name, h) && (u.Port() == "" || u.Port() == "443") {
			return u, nil
		}
	}
	if len(hosts) > 0 {
		return nil, fmt.Errorf("not a URL at %s", strings.ReplaceAll(" "+strings.Join(hosts, " or "), " .", " *.")[1:])
	}
	return u, nil
}

// newRetrier returns the retrier for the options.
func (o *Options) newRetrier() *retrier {
	c := &retrier{
		client: &http.Client{
			Timeout:       cmp.Or(o.Timeout, attemptTimeout),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		budget: o.Budget,
		now:    o.Now,
		sleep:  o.Sleep,
		random: rand.Float64,
	}
	if c.budget == 0 {
		c.budget = 2 * time.Minute
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = smithytime.SleepWithContext
	}
	return c
}
