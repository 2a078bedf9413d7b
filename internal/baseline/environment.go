package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The variables of the force-mfa Lambda function, which forcemfa also reads, with
// the same meaning.
const (
	whitelistVariable = "WHITELIST_TAG"
	webhookVariable   = "WEBHOOK_URL"
	channelVariable   = "SLACK_CHANNEL_NAME"
)

// A Variable is an environment variable that changes the baseline.
type Variable struct {
	Name  string
	About string
}

// Variables are all environment variables, in the order of the config file.
func Variables() []Variable {
	var all []Variable
	new(configFile).over(defaults()).scalars("FORCEMFA", func(name string, f field) error {
		all = append(all, Variable{Name: name, About: f.about})
		return nil
	})
	return append(all,
		Variable{whitelistVariable, "Exemption tags, as key:value,key:value; compared without case, spaces around keys and values are ignored."},
		Variable{webhookVariable, "The URL of a Slack webhook. The URL is used, and never stored or printed."},
		Variable{channelVariable, "The name of the Slack channel."},
	)
}

// The variables of the function that are no part of the config.
const (
	modeVariable       = "FORCEMFA_MODE"
	configHashVariable = "FORCEMFA_CONFIG_HASH"
)

// SettingsHash identifies the environment of a function, as far as it decides whom the
// function enforces and whether: the mode, the hash of the config file, and every variable
// that changes the baseline except where notifications go. It is SHA-256 in hexadecimal.
func SettingsHash(getenv func(string) string) string {
	names := []string{modeVariable, configHashVariable}
	for _, v := range Variables() {
		if !strings.HasPrefix(v.Name, "FORCEMFA_NOTIFY_") && v.Name != webhookVariable && v.Name != channelVariable {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		if value := getenv(name); value != "" {
			fmt.Fprintf(sum, "%s=%q\n", name, value)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Override changes the baseline by environment variables: FORCEMFA_ and the
// path of a key in the config file, in upper case with _ between its parts, for
// every key that holds one value; and those that [Variables] lists in addition. A
// variable that is empty changes nothing. Errors name the variable.
func (b *Baseline) Override(getenv func(string) string) error {
	file := new(configFile).over(b)
	err := file.scalars("FORCEMFA", func(name string, f field) error {
		text := getenv(name)
		if text == "" {
			return nil
		}
		if err := readVariable(name, f, text); err != nil {
			return err
		}
		b.Environment = append(b.Environment, name)
		return nil
	})
	if err != nil {
		return err
	}
	if err := b.whitelist(getenv(whitelistVariable)); err != nil {
		return err
	}
	b.slack(getenv)
	if err := file.check(node{name: "environment"}); err != nil {
		var where *ConfigError
		if errors.As(err, &where) {
			return errors.New("environment and config file together: " + where.Message)
		}
		return err
	}
	return nil
}

// scalars calls f for every key that holds one value, except the version.
func (m mapping) scalars(path string, f func(name string, f field) error) error {
	for _, of := range m.fields {
		name := path + "_" + strings.ToUpper(of.key)
		switch v := of.value.(type) {
		case mapping:
			if err := v.scalars(name, f); err != nil {
				return err
			}
			continue
		case version:
			continue
		}
		if of.value.schema().Type == "array" {
			continue
		}
		if err := f(name, of); err != nil {
			return err
		}
	}
	return nil
}

// readVariable reads the text of a variable as the config file would.
func readVariable(name string, f field, text string) error {
	if f.value.schema().Type == "string" {
		text = strconv.Quote(text)
	}
	n, err := parseYAML(name, []byte(text))
	if err == nil {
		n.key = f.key
		err = f.value.read(n)
	}
	var where *ConfigError
	if errors.As(err, &where) {
		return fmt.Errorf("environment variable %s: %s", name, where.Message)
	}
	return err
}

// whitelist adds exemptions for the tags of [whitelistVariable]. Without a config
// file they replace the default exemption.
func (b *Baseline) whitelist(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var more []Exemption
	for _, pair := range strings.Split(text, ",") {
		pair = strings.TrimSpace(pair)
		key, value, found := strings.Cut(pair, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		tag := key + "=" + value
		switch {
		case pair == "":
			continue
		case !found || key == "":
			return fmt.Errorf("environment variable %s: %q: want key:value, and commas between them", whitelistVariable, pair)
		case strings.ContainsAny(pair, "*?") || strings.Contains(key, "=") || strings.HasPrefix(value, regexMark):
			return fmt.Errorf("environment variable %s: %q: want a plain key and value; for patterns use exemptions in the config file", whitelistVariable, pair)
		}
		more = append(more, Exemption{
			Match: Match{Tag: tag}, Owner: "environment variable " + whitelistVariable, Reason: "exempt by the environment",
		})
	}
	if b.Name == "" {
		b.Exemptions = nil
	}
	b.Exemptions = append(b.Exemptions, more...)
	b.Environment = append(b.Environment, whitelistVariable)
	return nil
}

// slack stores the reference to the webhook, not its URL.
func (b *Baseline) slack(getenv func(string) string) {
	if getenv(webhookVariable) != "" {
		b.Notify.Slack.Webhook = "env:" + webhookVariable
		b.Environment = append(b.Environment, webhookVariable)
	}
	if channel := getenv(channelVariable); channel != "" {
		b.Notify.Slack.Channel = channel
		b.Environment = append(b.Environment, channelVariable)
	}
}
