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
func notificationParameters() []string {
	var names []string
	for _, s := range baseline.ChannelSettings() {
		names = append(names, s.Parameter)
	}
	return append(names, "SecretKeyArn")
}

// values returns the parameters of the member's template and those for
// notifications. Given values come first, then the config file, then the
// deployed values, then the defaults of the template.
func (d *Deployment) values(deployed map[string]string, bucket string) (member, notifier map[string]string, err error) {
	if member, err = d.filled(Member, deployed, bucket); err != nil {
		return nil, nil, err
	}
	notifier = d.split(member)
	return member, notifier, nil
}

// filled returns the parameters of a template with a function.
func (d *Deployment) filled(name string, deployed map[string]string, bucket string) (map[string]string, error) {
	template, err := d.render(name)
	if err != nil {
		return nil, err
	}
	whole, err := parse(template)
	if err != nil {
		return nil, err
	}
	declared := object(whole["Parameters"])
	values := map[string]string{}
	for name := range declared {
		values[name] = text(object(declared[name])["Default"])
		if old, ok := deployed[name]; ok {
			values[name] = old
		}
	}
	if len(deployed) == 0 && d.o.Baseline.Name != "" {
		values["WhitelistTag"] = "" // the config file lists the exemptions
	}
	configured, err := notified(&d.o.Baseline.Notify)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, configured)
	for name, value := range d.o.Parameters {
		if declared[name] == nil {
			return nil, fmt.Errorf("parameter %s: the template has no such parameter, only %s", name, strings.Join(slices.Sorted(maps.Keys(declared)), ", "))
		}
		values[name] = value
	}
	values["S3Bucket"], values["S3Key"], values["S3ObjectVersion"] = bucket, d.o.Package.Key(), ""
	values["Architecture"], values["ConfigHash"] = d.o.Package.Architecture, d.o.Package.ConfigHash
	environment := map[string]string{"FORCEMFA_MODE": values["Mode"], "FORCEMFA_CONFIG_HASH": values["ConfigHash"], "WHITELIST_TAG": values["WhitelistTag"]}
	values["SettingsHash"] = baseline.SettingsHash(func(name string) string { return environment[name] })
	if _, given := d.o.Parameters["JournalBucket"]; !given {
		values["JournalBucket"] = bucket
	}
	if name != Member {
		values["ResultBucket"] = bucket
		if values["Accounts"], values["NotAccounts"], err = d.scanned(); err != nil {
			return nil, err
		}
	}
	_, err = Resolve(template, Place{d.partition, d.caller, d.home}, values)
	return values, err
}

// split moves the parameters for notifications out of the member's values when
// the organization has a notifier.
func (d *Deployment) split(member map[string]string) map[string]string {
	notifier := map[string]string{}
	if d.organization() == "" {
		return notifier
	}
	for _, name := range notificationParameters() {
		notifier[name] = member[name]
		member[name] = ""
	}
	return notifier
}

// notified returns the parameters from the config file's notify section.
func notified(n *baseline.Notify) (map[string]string, error) {
	values := map[string]string{}
	for _, s := range baseline.ChannelSettings() {
		value := *s.Of(n)
		switch {
		case value == "":
			continue
		case s.Secret:
			if a, err := arn.Parse(value); err != nil || a.Service != "secretsmanager" && a.Service != "ssm" {
				return nil, fmt.Errorf("%s: functions read secrets from Secrets Manager or SSM: use the ARN of one", s.Path())
			}
		case s.Parameter == "WebhookURL" && !strings.HasPrefix(value, "https://"):
			continue // a reference, which the function does not read
		}
		values[s.Parameter] = value
	}
	if n.SecurityHub {
		values["SecurityHub"] = "true"
	}
	return values, nil
}
