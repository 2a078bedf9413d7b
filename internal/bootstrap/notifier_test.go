package bootstrap

import (
	"io"
	"log/slog"
	"slices"
	"testing"
)

// Every channel of the config file is open in the functions.
func TestFunctionsOpenEveryChannel(t *testing.T) {
	const account = ":us-east-1:111122223333:"
	env := map[string]string{
		"AWS_REGION":                    "us-east-1",
		"FORCEMFA_SLACK_WEBHOOK_SECRET": "arn:aws:secretsmanager" + account + "secret:slack-AbCdEf",
		"FORCEMFA_TEAMS_WEBHOOK_SECRET": "arn:aws:secretsmanager" + account + "secret:teams-AbCdEf",
		"FORCEMFA_SNS_TOPIC":            "arn:aws:sns" + account + "mfa",
		"FORCEMFA_MAIL_IDENTITY":        "arn:aws:ses" + account + "identity/example.com",
		"FORCEMFA_MAIL_FROM":            "forcemfa@example.com",
		"FORCEMFA_MAIL_TO":              "secops@example.com",
		"FORCEMFA_WEBHOOK_URL":          "https://hooks.example.com/mfa",
		"FORCEMFA_WEBHOOK_SECRET":       "arn:aws:secretsmanager" + account + "secret:key-AbCdEf",
		"FORCEMFA_SECURITY_HUB":         "true",
		"FORCEMFA_BUS":                  "arn:aws:events" + account + "event-bus/forcemfa",
	}
	e := &Environment{Getenv: func(name string) string { return env[name] }, Out: io.Discard}
	n, err := newNotifier(t.Context(), e, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"slack", "teams", "mail", "sns", "webhook", "security hub", "bus"}
	if got := n.open.Channels(); !slices.Equal(got, want) {
		t.Errorf("channels %q, want %q", got, want)
	}
}
