package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/policy/arn"
)

// notificationParameters lists the parameters for notifications: of the notifier
// in an organization, of the member for a single account.
var notificationParameters = []string{
	"SlackWebhookParameter", "SlackTokenSecret", "SlackChannelName", "SNSTopic", "WebhookURL", "WebhookSecret", "SecretKeyArn",
}

// values returns the parameters of the member's template and those for
// notifications. Given values come first, then the config file, then the
// deployed values, then the defaults of the template.
func (d *Deployment) values(deployed map[string]string, bucket string) (member, notifier map[string]string, err error) {
	template, err := d.render(Member)
	if err != nil {
		return nil, nil, err
	}
	whole, err := parse(template)
	if err != nil {
		return nil, nil, err
	}
	declared := object(whole["Parameters"])
	member = map[string]string{}
	for name := range declared {
		member[name] = text(object(declared[name])["Default"])
		if old, ok := deployed[name]; ok {
			member[name] = old
		}
	}
	if len(deployed) == 0 && d.o.Baseline.Name != "" {
		member["WhitelistTag"] = "" // the config file lists the exemptions
	}
	configured, err := notified(&d.o.Baseline.Notify)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(member, configured)
	for name, value := range d.o.Parameters {
		if declared[name] == nil {
			return nil, nil, fmt.Errorf("parameter %s: the template has no such parameter, only %s", name, strings.Join(slices.Sorted(maps.Keys(declared)), ", "))
		}
		member[name] = value
	}
	member["S3Bucket"], member["S3Key"], member["S3ObjectVersion"] = bucket, d.o.Package.Key(), ""
	member["Architecture"], member["ConfigHash"] = d.o.Package.Architecture, d.o.Package.ConfigHash
	environment := map[string]string{"FORCEMFA_MODE": member["Mode"], "FORCEMFA_CONFIG_HASH": member["ConfigHash"], "WHITELIST_TAG": member["WhitelistTag"]}
	member["SettingsHash"] = baseline.SettingsHash(func(name string) string { return environment[name] })
	if _, given := d.o.Parameters["JournalBucket"]; !given {
		member["JournalBucket"] = bucket
	}
	if _, err := Resolve(template, Place{d.partition, d.caller, d.home}, member); err != nil {
		return nil, nil, err
	}
	notifier = d.split(member)
	return member, notifier, nil
}

// split moves the parameters for notifications out of the member's values when
// the organization has a notifier.
func (d *Deployment) split(member map[string]string) map[string]string {
	notifier := map[string]string{}
	if d.organization() == "" {
		return notifier
	}
	for _, name := range notificationParameters {
		notifier[name] = member[name]
		member[name] = ""
	}
	return notifier
}

// notified returns the parameters from the config file's notify section.
func notified(n *baseline.Notify) (map[string]string, error) {
	values := map[string]string{}
	for _, s := range []struct{ path, reference, parameter string }{
		{"notify.slack.webhook", n.Slack.Webhook, "SlackWebhookParameter"},
		{"notify.slack.token", n.Slack.Token, "SlackTokenSecret"},
		{"notify.webhook.secret", n.Webhook.Secret, "WebhookSecret"},
	} {
		if s.reference == "" {
			continue
		}
		if a, err := arn.Parse(s.reference); err != nil || a.Service != "secretsmanager" && a.Service != "ssm" {
			return nil, fmt.Errorf("%s: functions read secrets from Secrets Manager or SSM: use the ARN of one", s.path)
		}
		values[s.parameter] = s.reference
	}
	for parameter, value := range map[string]string{
		"SlackChannelName": n.Slack.Channel, "SNSTopic": n.SNS.Topic, "WebhookURL": httpsOnly(n.Webhook.URL),
	} {
		if value != "" {
			values[parameter] = value
		}
	}
	if n.SecurityHub {
		values["SecurityHub"] = "true"
	}
	return values, nil
}

// httpsOnly leaves out a reference to a URL: see [notified].
func httpsOnly(reference string) string {
	if strings.HasPrefix(reference, "https://") {
		return reference
	}
	return ""
}
