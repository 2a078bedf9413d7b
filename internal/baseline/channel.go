package baseline

import (
	"regexp"
	"strings"
	"sync"

	"forcemfa/policy/arn"
)

// A ChannelSetting is one value of a notification channel. The config file with its
// schema, the options of package notify, the parameters, environment and role
// statements of the templates, and the tests of the documentation are made from the
// same table, [ChannelSettings].
type ChannelSetting struct {
	Section, Key string // in notify: of the config file
	Parameter    string // of the templates
	Variable     string // of the functions
	Secret       bool   // the value is a reference to a secret that the function reads
	Action       string // what the function may do with the value, which is an ARN; empty: nothing
	Pattern      string // of the parameter; empty: any text
	About        string // of the parameter

	help  string // of the key
	read  func(*Notify) value
	value func(*Notify) *string
}

// Of is where a [Notify] has the value.
func (s *ChannelSetting) Of(n *Notify) *string { return s.value(n) }

// Path is the setting as errors name it.
func (s *ChannelSetting) Path() string { return "notify: " + s.Section + ": " + s.Key }

// The patterns of parameters.
const (
	secretPattern = `^(arn:[a-z-]+:(secretsmanager|ssm):.+)?$`
	topicShape    = `arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+`
	identityShape = `arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+`
	addressShape  = `[^@\s,]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+`
	severalShape  = addressShape + `( *, *` + addressShape + `)*`
)

// channelSections are the sections of the channels, in the order of the config file.
var channelSections = []struct{ name, about string }{
	{"slack", "A Slack channel, with an incoming webhook or a bot token."},
	{"teams", "A Microsoft Teams channel, with the webhook of a workflow."},
	{"sns", "An SNS topic."},
	{"mail", "E-mail through Amazon SES."},
	{"webhook", "A server that receives messages as JSON, signed with HMAC-SHA256."},
}

// ChannelSettings are the settings of all channels with a section of their own. Security
// Hub and the event bus are single values of the config, and other parts of the
// templates.
func ChannelSettings() []ChannelSetting {
	return []ChannelSetting{
		{Section: "slack", Key: "webhook", Parameter: "SlackWebhookParameter", Variable: "FORCEMFA_SLACK_WEBHOOK_SECRET", Secret: true, Pattern: secretPattern,
			About: "ARN of the secret or parameter with the URL of the Slack webhook.",
			help:  "The reference to the webhook URL: " + secretPlaces + ".",
			read:  func(n *Notify) value { return kept("webhook", "URL", &n.Slack.Webhook) }, value: func(n *Notify) *string { return &n.Slack.Webhook }},
		{Section: "slack", Key: "token", Parameter: "SlackTokenSecret", Variable: "FORCEMFA_SLACK_TOKEN_SECRET", Secret: true, Pattern: secretPattern,
			About: "ARN of the secret or parameter with a Slack token, instead of a webhook.",
			help:  "The reference to the token of a bot with the scope chat:write, in the same format. Use it instead of webhook.",
			read:  func(n *Notify) value { return kept("token", "token", &n.Slack.Token) }, value: func(n *Notify) *string { return &n.Slack.Token }},
		{Section: "slack", Key: "channel", Parameter: "SlackChannelName", Variable: "FORCEMFA_SLACK_CHANNEL",
			About: "Name of the Slack channel where you want alerts; needed with a token.",
			help:  "The ID or name of the channel for the token. A webhook already has a channel.",
			read:  func(n *Notify) value { return sentence{&n.Slack.Channel} }, value: func(n *Notify) *string { return &n.Slack.Channel }},
		{Section: "teams", Key: "webhook", Parameter: "TeamsWebhookSecret", Variable: "FORCEMFA_TEAMS_WEBHOOK_SECRET", Secret: true, Pattern: secretPattern,
			About: "ARN of the secret or parameter with the URL of the Teams workflow.",
			help:  "The reference to the URL of a workflow that posts to the channel when a webhook request is received, in the format of slack.",
			read:  func(n *Notify) value { return kept("webhook", "URL", &n.Teams.Webhook) }, value: func(n *Notify) *string { return &n.Teams.Webhook }},
		{Section: "sns", Key: "topic", Parameter: "SNSTopic", Variable: "FORCEMFA_SNS_TOPIC", Action: "sns:Publish", Pattern: `^(` + topicShape + `)?$`,
			About: "ARN of an SNS topic that receives the notifications.",
			help:  "The ARN of the topic.",
			read: func(n *Notify) value {
				return pattern{to: &n.SNS.Topic, want: "the ARN of an SNS topic", ok: isTopic, shape: `^` + topicShape}
			}, value: func(n *Notify) *string { return &n.SNS.Topic }},
		{Section: "mail", Key: "identity", Parameter: "MailIdentity", Variable: "FORCEMFA_MAIL_IDENTITY", Action: "ses:SendEmail", Pattern: `^(` + identityShape + `)?$`,
			About: "ARN of the verified identity of Amazon SES that sends e-mail.",
			help:  "The ARN of a verified identity of Amazon SES, which sends the messages in its Region.",
			read: func(n *Notify) value {
				return pattern{to: &n.Mail.Identity, want: "the ARN of an identity of Amazon SES", ok: isIdentity, shape: `^` + identityShape + `$`}
			}, value: func(n *Notify) *string { return &n.Mail.Identity }},
		{Section: "mail", Key: "from", Parameter: "MailFrom", Variable: "FORCEMFA_MAIL_FROM", Pattern: `^(` + addressShape + `)?$`,
			About: "Sender of the e-mail, an address of the identity.",
			help:  "The sender, an address of the identity.",
			read: func(n *Notify) value {
				return pattern{to: &n.Mail.From, want: "an e-mail address", ok: isAddress, shape: `^` + addressShape + `$`}
			}, value: func(n *Notify) *string { return &n.Mail.From }},
		{Section: "mail", Key: "to", Parameter: "MailTo", Variable: "FORCEMFA_MAIL_TO", Pattern: `^(` + severalShape + `)?$`,
			About: "Recipients of the e-mail, with commas between them.",
			help:  "The recipients, with commas between them.",
			read: func(n *Notify) value {
				return pattern{to: &n.Mail.To, want: "e-mail addresses with commas between them", ok: areAddresses, shape: `^` + severalShape + `$`}
			}, value: func(n *Notify) *string { return &n.Mail.To }},
		{Section: "webhook", Key: "url", Parameter: "WebhookURL", Variable: "FORCEMFA_WEBHOOK_URL", Pattern: `^(https://.+)?$`,
			About: "URL that receives the notifications as signed JSON.",
			help:  "An https URL, or the reference to it if it is a secret, in the format of slack.",
			read:  func(n *Notify) value { return hook(&n.Webhook.URL) }, value: func(n *Notify) *string { return &n.Webhook.URL }},
		{Section: "webhook", Key: "secret", Parameter: "WebhookSecret", Variable: "FORCEMFA_WEBHOOK_SECRET", Secret: true, Pattern: secretPattern,
			About: "ARN of the secret or parameter with the key for the signature.",
			help:  "The reference to the key that signs the requests, in the format of slack.",
			read:  func(n *Notify) value { return kept("secret", "key", &n.Webhook.Secret) }, value: func(n *Notify) *string { return &n.Webhook.Secret }},
	}
}

// sections are the fields of the config for the channels with a section.
func (n *Notify) sections() []field {
	var all []field
	for _, section := range channelSections {
		var keys []field
		for _, s := range ChannelSettings() {
			if s.Section == section.name {
				keys = append(keys, field{s.Key, optional, s.help, s.read(n)})
			}
		}
		all = append(all, field{section.name, optional, section.about, mapping{fields: keys}})
	}
	return all
}

var severalAddresses = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^` + severalShape + `$`) })

func areAddresses(s string) bool { return severalAddresses().MatchString(s) }

func isAddress(s string) bool { return areAddresses(s) && !strings.Contains(s, ",") }

func isIdentity(s string) bool {
	a, err := arn.Parse(s)
	return err == nil && a.Service == "ses" && a.Region != "" && arn.IsAccountID(a.Account) && a.Kind() == "identity" && a.Name() != ""
}
