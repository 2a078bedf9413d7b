package baseline_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestVariablesOverrideTheFile(t *testing.T) {
	b, err := baseline.Parse("c.yaml", []byte("version: 1\nattach: user\nwindow: {days: 3}\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = b.Override(environment(map[string]string{
		"FORCEMFA_ATTACH": "groups", "FORCEMFA_WINDOW_DAYS": "14", "FORCEMFA_POLICY_MAX_SESSION_AGE": "8h",
		"FORCEMFA_POLICY_ALLOW_PASSWORD_CHANGE_BEFORE_MFA": "true", "FORCEMFA_POLICY_CONSOLE_AUTHORIZATION": "on",
		"FORCEMFA_NOTIFY_SLACK_CHANNEL": "#mfa: alerts",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Default()
	want.Name, want.Exemptions = "c.yaml", nil
	want.Attach, want.Window.Days, want.Policy.MaxSessionAge = baseline.AttachGroups, 14, 8*time.Hour
	want.Policy.PasswordChangeBeforeMFA, want.Policy.ConsoleAuthorization = true, document.ConsoleAuthorizationOn
	want.Notify.Slack.Channel = "#mfa: alerts"
	want.Environment = []string{"FORCEMFA_ATTACH", "FORCEMFA_POLICY_ALLOW_PASSWORD_CHANGE_BEFORE_MFA", "FORCEMFA_POLICY_CONSOLE_AUTHORIZATION",
		"FORCEMFA_POLICY_MAX_SESSION_AGE", "FORCEMFA_WINDOW_DAYS", "FORCEMFA_NOTIFY_SLACK_CHANNEL"}
	if d := cmp.Diff(want, b); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTheVariablesOfTheLambdaAreUnderstood(t *testing.T) {
	const url = "https://hooks.example.com/services/T0/B0/verysecret"
	b := baseline.Default()
	err := b.Override(environment(map[string]string{
		"WHITELIST_TAG": " userType : workload, team:a:b ,", "WEBHOOK_URL": url, "SLACK_CHANNEL_NAME": "alerts",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Default()
	want.Exemptions = nil
	for _, tag := range []string{"userType=workload", "team=a:b"} {
		want.Exemptions = append(want.Exemptions, baseline.Exemption{
			Match: baseline.Match{Tag: tag}, Owner: "environment variable WHITELIST_TAG", Reason: "exempt by the environment"})
	}
	want.Notify.Slack = baseline.Slack{Webhook: "env:WEBHOOK_URL", Channel: "alerts"}
	want.Environment = []string{"WHITELIST_TAG", "WEBHOOK_URL", "SLACK_CHANNEL_NAME"}
	if d := cmp.Diff(want, b); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if said := strings.Join(b.Notes(), "\n"); strings.Contains(said, "verysecret") || !strings.Contains(said, "exempt the tag userType=workload, exempt the tag team=a:b") {
		t.Errorf("notes: %s", said)
	}
	if u := serviceUser("WORKLOAD"); b.Exempt(baseline.Place{}, u, time.Time{}) == nil {
		t.Error("the value is compared with case")
	}
	configured, err := baseline.Parse("c.yaml", []byte("version: 1\nexemptions: [{match: {name: a}, owner: b, reason: c}]\n"))
	if err == nil {
		err = configured.Override(environment(map[string]string{"WHITELIST_TAG": "userType:workload"}))
	}
	if err != nil || len(configured.Exemptions) != 2 {
		t.Errorf("with a config file they add up: %v, %v", configured.Exemptions, err)
	}
}

// The force-mfa function removes spaces around keys and values.
func TestSpacesAroundTagsAreIgnored(t *testing.T) {
	workload := &org.User{Name: "workload", Path: "/", ARN: "arn:aws:iam::111111111111:user/workload", Tags: []org.Tag{{Key: "Env", Value: "Bot"}}}
	inner := &org.User{Name: "inner", Path: "/", ARN: "arn:aws:iam::111111111111:user/inner", Tags: []org.Tag{{Key: "cost center", Value: "42 a"}}}
	for _, text := range []string{"Env:Bot", "Env : Bot", " Env :Bot , other: x", "\tenv:  bot\t"} {
		b := baseline.Default()
		err := b.Override(environment(map[string]string{"WHITELIST_TAG": text}))
		if err != nil || b.Exempt(baseline.Place{}, workload, time.Time{}) == nil || b.Exempt(baseline.Place{}, inner, time.Time{}) != nil {
			t.Errorf("WHITELIST_TAG=%q: exemptions %v, error %v", text, b.Exemptions, err)
		}
	}
	for _, tag := range []string{"Env=Bot", "Env = Bot", " env =  b*", "Env = regex:b.t"} {
		b, err := baseline.Parse("c.yaml", fmt.Appendf(nil, "version: 1\nexemptions: [{match: {tag: %q}, owner: b, reason: c}]\n", tag))
		if err != nil || b.Exempt(baseline.Place{}, workload, time.Time{}) == nil || b.Exempt(baseline.Place{}, inner, time.Time{}) != nil {
			t.Errorf("tag %q: error %v", tag, err)
		}
	}
	b := baseline.Default()
	if err := b.Override(environment(map[string]string{"WHITELIST_TAG": "cost center : 42 a"})); err != nil || b.Exempt(baseline.Place{}, inner, time.Time{}) == nil {
		t.Errorf("spaces within a key and a value count: %v", err)
	}
	if err := baseline.Default().Override(environment(map[string]string{"WHITELIST_TAG": " : Bot"})); err == nil {
		t.Error("a tag without a key is accepted")
	}
}

func TestBadVariablesAreRefusedByName(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"FORCEMFA_ATTACH", "everyone", `environment variable FORCEMFA_ATTACH: attach "everyone": want group, groups, user, scp`},
		{"FORCEMFA_WINDOW_DAYS", "0", `environment variable FORCEMFA_WINDOW_DAYS: window days 0: want 1 to 90`},
		{"FORCEMFA_WINDOW_DAYS", "many", `environment variable FORCEMFA_WINDOW_DAYS: days: want a whole number; this is text`},
		{"FORCEMFA_POLICY_ALLOW_PASSWORD_CHANGE_BEFORE_MFA", "maybe",
			`environment variable FORCEMFA_POLICY_ALLOW_PASSWORD_CHANGE_BEFORE_MFA: allow_password_change_before_mfa: want true or false; this is text`},
		{"FORCEMFA_NOTIFY_SLACK_WEBHOOK", "https://hooks.example.com/verysecret",
			`environment variable FORCEMFA_NOTIFY_SLACK_WEBHOOK: webhook: the URL is a secret and must not be in the config file; give a reference: env:NAME, ssm:/NAME, or the ARN of a secret or parameter`},
		{"WHITELIST_TAG", "userType", `environment variable WHITELIST_TAG: "userType": want key:value, and commas between them`},
		{"WHITELIST_TAG", "userType:*", `environment variable WHITELIST_TAG: "userType:*": want a plain key and value; for patterns use exemptions in the config file`},
	} {
		err := baseline.Default().Override(environment(map[string]string{row.name: row.text}))
		if err == nil || err.Error() != row.want {
			t.Errorf("%s=%s: %v\nwant %s", row.name, row.text, err, row.want)
		}
	}
	b, err := baseline.Parse("c.yaml", []byte("version: 1\nwaves: [{name: a, from: 2027-01-31}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Override(environment(map[string]string{"FORCEMFA_ATTACH": "scp"})); err == nil ||
		!strings.HasPrefix(err.Error(), "environment and config file together: waves: ") {
		t.Errorf("what does not go together: %v", err)
	}
}

func TestEveryVariableIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range baseline.Variables() {
		if row := "| `" + v.Name + "` | " + v.About + " |"; !bytes.Contains(page, []byte(row)) {
			t.Errorf("docs/config.md lacks the line\n%s", row)
		}
	}
}

func serviceUser(value string) *org.User {
	return &org.User{Name: "r", Path: "/", ARN: "arn:aws:iam::111111111111:user/r", Tags: []org.Tag{{Key: "usertype", Value: value}}}
}
