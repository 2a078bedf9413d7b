package baseline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
)

const whole = `# what we want
version: 1
attach: user
policy:
  self_service: full
  enrollment: any
  allow_password_change_before_mfa: true
  console_authorization: "on"
  max_session_age: 12h
  fas: deny
window: {tag: enrollment-open, days: 3, networks: ["192.0.2.0/24", "2001:db8::/32"]}
exemptions:
  - match: {tag: "userType=Service"}   # compared without case
    owner: platform@example.com
    reason: build workloads
    expires: 2027-01-31
  - match:
      path: /workloads/*
      arn: "arn:aws:iam::*:user/workloads/*"
    owner: security@example.com
    reason: |
      signs with a key
break_glass:
  - {match: {account: "111111111111", name: break-glass-1}, owner: ciso@example.com, reason: sealed envelope}
acknowledge:
  - lockout:222222222222/fiona
  - lockout:222222222222/fiona
  - trust:OrganizationAccountAccessRole
`

func TestParseReadsEverything(t *testing.T) {
	got, err := baseline.Parse("forcemfa.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := &baseline.Baseline{
		Name:   "forcemfa.yaml",
		Attach: baseline.AttachUser,
		Scope:  baseline.ScopeAll,
		Policy: document.Policy{
			SelfService:             document.SelfServiceFull,
			Enrollment:              document.EnrollmentAny,
			PasswordChangeBeforeMFA: true,
			ConsoleAuthorization:    document.ConsoleAuthorizationOn,
			MaxSessionAge:           12 * time.Hour,
			FAS:                     document.FASDeny,
		},
		Athena: baseline.Athena{PricePerTB: 5},
		Window: baseline.Window{Tag: "enrollment-open", Days: 3, Networks: []string{"192.0.2.0/24", "2001:db8::/32"}},
		Exemptions: []baseline.Exemption{
			{
				Match: baseline.Match{Tag: "userType=Service"}, Owner: "platform@example.com", Reason: "build workloads",
				Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Line: 13,
			},
			{
				Match: baseline.Match{Path: "/workloads/*", ARN: "arn:aws:iam::*:user/workloads/*"},
				Owner: "security@example.com", Reason: "signs with a key\n", Line: 17,
			},
			{
				Match: baseline.Match{Account: "111111111111", Name: "break-glass-1"},
				Owner: "ciso@example.com", Reason: "sealed envelope", BreakGlass: true, Line: 24,
			},
		},
		Acknowledge: []baseline.Acknowledgement{
			{Guard: baseline.GuardLockout, Account: "222222222222", Name: "fiona"},
			{Guard: baseline.GuardTrust, Name: "OrganizationAccountAccessRole"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEmptyConfigExemptsNobody(t *testing.T) {
	got, err := baseline.Parse("c.yaml", []byte("version: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Default()
	want.Name, want.Exemptions = "c.yaml", nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	exemption := func(lines ...string) string {
		return "version: 1\nexemptions:\n  - " + strings.Join(lines, "\n    ") + "\n"
	}
	for _, row := range []struct{ name, text, want string }{
		{"empty file", "", `1:1: the file is empty; it begins with version: 1`},
		{"comments alone", "# nothing\n", `1:1: the file is empty; it begins with version: 1`},
		{"no version", "attach: group\n", `1:1: version is missing`},
		{"another version", "version: 2\n", `1:10: version 2 is not known: this program reads version 1`},
		{"version as text", "version: \"1\"\n", `1:10: version: want a whole number; this is text`},
		{"a list", "- version: 1\n", `1:1: want a mapping with version, attach, scope, adopt, policy, window, waves, exemptions, break_glass, acknowledge, observed, scp, guard_scp, trust, access, athena, notify; this is a list`},
		{"unknown key", "version: 1\nexmept: []\n",
			`2:1: unknown key exmept; allowed are version, attach, scope, adopt, policy, window, waves, exemptions, break_glass, acknowledge, observed, scp, guard_scp, trust, access, athena, notify`},
		{"unknown key inside", "version: 1\npolicy:\n  fas: allow\n  mfa: yes\n",
			`4:3: policy: unknown key mfa; allowed are self_service, enrollment, allow_password_change_before_mfa, console_authorization, max_session_age, fas`},
		{"key twice", "version: 1\nattach: user\nattach: group\n", `3:1: mapping key "attach" already defined at [2:1]`},
		{"key is no text", "version: 1\n2: 3\n", `2:1: a key is a number; allowed are version, attach, scope, adopt, policy, window, waves, exemptions, break_glass, acknowledge, observed, scp, guard_scp, trust, access, athena, notify`},
		{"no YAML", "version: [1\n", `1:10: sequence end token ']' not found`},
		{"two documents", "version: 1\n---\nversion: 1\n", `3:1: a second document; a config file has one`},
		{"anchor", "version: 1\nexemptions: &all []\n", `2:13: exemptions: want a list; this is an anchor or alias, which a config file does not have`},
		{"tag", "version: !!int 1\n", `1:10: version: want a whole number; this is a YAML tag, which a config file does not have`},
		{"wrong word", "version: 1\nattach: everyone\n", `2:9: attach "everyone": want group, groups, user, scp`},
		{"nothing for a word", "version: 1\nattach:\n", `2:9: attach: want group, groups, user, scp; this is nothing`},
		{"on is no text in YAML 1.1 but is here", "version: 1\npolicy: {console_authorization: true}\n",
			`2:33: policy.console_authorization: want auto, on, off; this is true or false`},
		{"text for a truth", "version: 1\npolicy: {allow_password_change_before_mfa: maybe}\n",
			`2:44: policy.allow_password_change_before_mfa: want true or false; this is text`},
		{"age too long", "version: 1\npolicy: {max_session_age: 37h}\n",
			`2:27: policy.max_session_age: want none or a duration of 15m to 36h in whole seconds, such as 12h; this is "37h"`},
		{"age too short", "version: 1\npolicy: {max_session_age: 14m59s}\n",
			`2:27: policy.max_session_age: want none or a duration of 15m to 36h in whole seconds, such as 12h; this is "14m59s"`},
		{"age without unit", "version: 1\npolicy: {max_session_age: 43200}\n",
			`2:27: policy.max_session_age: want none or a duration of 15m to 36h in whole seconds, such as 12h`},
		{"window without days", "version: 1\nwindow: {days: 0}\n", `2:16: window.days: window days 0: want 1 to 90`},
		{"window tag that breaks a condition key", "version: 1\nwindow: {tag: \"a/b\"}\n",
			`2:15: window.tag: window tag "a/b": want 1 to 128 letters, digits or _+=,.@-`},
		{"window from an address", "version: 1\nwindow: {networks: [\"192.0.2.1\"]}\n",
			`2:21: window.networks[0]: window network "192.0.2.1": want a CIDR block without host bits, as 192.0.2.0/24, and not all addresses`},
		{"window from a network with host bits", "version: 1\nwindow: {networks: [\"192.0.2.1/24\"]}\n",
			`2:21: window.networks[0]: window network "192.0.2.1/24": want a CIDR block without host bits, as 192.0.2.0/24, and not all addresses`},
		{"window from everywhere", "version: 1\nwindow: {networks: [\"0.0.0.0/0\"]}\n",
			`2:21: window.networks[0]: window network "0.0.0.0/0": want a CIDR block without host bits, as 192.0.2.0/24, and not all addresses`},
		{"exemption without match", exemption("owner: a", "reason: b"), `3:5: exemptions[0]: match is missing`},
		{"exemption without owner", exemption("match: {name: a}", "reason: b"), `3:5: exemptions[0]: owner is missing`},
		{"exemption without reason", exemption("match: {name: a}", "owner: b"), `3:5: exemptions[0]: reason is missing`},
		{"empty reason", exemption("match: {name: a}", "owner: b", "reason: \" \""), `5:13: exemptions[0].reason: reason is empty`},
		{"owner that is nobody", exemption("match: {name: a}", "owner: nobody yet", "reason: b"), `4:12: exemptions[0].owner: owner "nobody yet": name a person, a team or an e-mail address`},
		{"owner without a letter", exemption("match: {name: a}", "owner: \"?\"", "reason: b"), `4:12: exemptions[0].owner: owner "?": name a person, a team or an e-mail address`},
		{"empty match", exemption("match: {}", "owner: a", "reason: b"),
			`3:12: exemptions[0].match: match would exempt everybody; give one or more of tag, name, path, arn, account, ou`},
		{"match of everybody", exemption("match: {name: \"*\", account: \"**\"}", "owner: a", "reason: b"),
			`3:13: exemptions[0].match: match would exempt everybody; give one or more of tag, name, path, arn, account, ou`},
		{"account as a number", exemption("match: {account: 111111111111}", "owner: a", "reason: b"),
			`3:22: exemptions[0].match.account: want an account ID of 12 digits in quotes, or a glob; this is a number`},
		{"short account", exemption("match: {account: \"11111111111\"}", "owner: a", "reason: b"),
			`3:22: exemptions[0].match.account: account "11111111111": want an account ID of 12 digits in quotes, or a glob`},
		{"tag without value", exemption("match: {tag: userType}", "owner: a", "reason: b"), `3:18: exemptions[0].match.tag: tag "userType": want key=value or key=regex:…`},
		{"tag with a regular expression for its key", exemption("match: {tag: \"regex:user.*=Service\"}", "owner: a", "reason: b"),
			`3:18: exemptions[0].match.tag: tag "regex:user.*=Service": want key=value or key=regex:…`},
		{"path without slashes", exemption("match: {path: workloads}", "owner: a", "reason: b"),
			`3:19: exemptions[0].match.path: path "workloads": want a path that begins and ends with a slash, or a glob`},
		{"path without its end", exemption("match: {path: /workloads}", "owner: a", "reason: b"),
			`3:19: exemptions[0].match.path: path "/workloads": want a path that begins and ends with a slash, or a glob`},
		{"arn of a role", exemption("match: {arn: \"arn:aws:iam::111111111111:role/a\"}", "owner: a", "reason: b"),
			`3:18: exemptions[0].match.arn: arn "arn:aws:iam::111111111111:role/a": want the ARN of a user, or a glob`},
		{"name with a slash", exemption("match: {name: team/a}", "owner: a", "reason: b"), `3:19: exemptions[0].match.name: name "team/a": want the name of a user`},
		{"bad date", exemption("match: {name: a}", "owner: b", "reason: c", "expires: 2027-02-30"),
			`6:14: exemptions[0].expires: expires "2027-02-30": want a date such as 2027-01-31`},
		{"date and time", exemption("match: {name: a}", "owner: b", "reason: c", "expires: 2027-01-31T00:00:00Z"),
			`6:14: exemptions[0].expires: expires "2027-01-31T00:00:00Z": want a date such as 2027-01-31`},
		{"break-glass without name", "version: 1\nbreak_glass:\n  - {match: {account: \"111111111111\"}, owner: a, reason: b}\n",
			`3:6: break_glass[0]: match must contain name or arn`},
		{"observed answer to no question", "version: 1\nobserved: [{answer: mfa=yes, account: '999999999999', date: 2026-11-29}]\n",
			`2:21: observed[0].answer: observed answer "mfa=yes": unknown question "mfa"; the questions are binary-on-mfa-key, single-on-many, notresource-without-value`},
		{"observed answer of neither kind", "version: 1\nobserved: [{answer: single-on-many=both, account: '999999999999', date: 2026-11-29}]\n",
			`2:21: observed[0].answer: observed answer "single-on-many=both": want single-on-many=yes or single-on-many=no`},
		{"observed answers that differ", "version: 1\nobserved:\n  - {answer: single-on-many=yes, account: '999999999999', date: 2026-11-29}\n  - {answer: single-on-many=no, account: '999999999999', date: 2026-11-29}\n",
			`1:1: observed: observed answer "single-on-many=no": single-on-many is there twice`},
		{"acknowledgement without guard", "version: 1\nacknowledge: [fiona]\n",
			`2:15: acknowledge[0]: acknowledgement "fiona": want guard:NAME or guard:ACCOUNT/NAME`},
		{"acknowledgement of no guard", "version: 1\nacknowledge: [\"mfa:fiona\"]\n",
			`2:15: acknowledge[0]: acknowledgement "mfa:fiona": unknown guard "mfa"; the guards are lockout, trust, breaks-workload, break-glass, cli-lockout, caller, last-administrator`},
		{"acknowledgement of no account", "version: 1\nacknowledge: [\"trust:prod/Admin\"]\n",
			`2:15: acknowledge[0]: acknowledgement "trust:prod/Admin": "prod" is not an account ID of 12 digits`},
		{"departure of no account", "version: 1\nacknowledge: [\"account-departed:111111111111/x\"]\n",
			`2:15: acknowledge[0]: acknowledgement "account-departed:111111111111/x": want account-departed:ACCOUNT, with an account ID of 12 digits`},
		{"acknowledgement of nobody", "version: 1\nacknowledge: [\"trust:\"]\n", `2:15: acknowledge[0]: acknowledgement "trust:": "" is not the name of a user or role`},
		{"a price that is no number", "version: 1\nathena: {price_per_tb: five}\n", `2:24: athena.price_per_tb: want a number; this is text`},
		{"a negative price", "version: 1\nathena: {price_per_tb: -1.5}\n", `2:24: athena.price_per_tb: -1.5: want 0 to 1000`},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, err := baseline.Parse("c.yaml", []byte(row.text))
			var where *baseline.ConfigError
			if !errors.As(err, &where) {
				t.Fatalf("got %+v and error %v, want a ConfigError", b, err)
			}
			if diff := cmp.Diff("c.yaml:"+row.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotesSayWhichDefaultsHold(t *testing.T) {
	const auto = "console_authorization is auto: signin:AuthorizeOAuth2Access and signin:CreateOAuth2Token" +
		" are denied before MFA; set it to on if AWS Sign-In evaluates them in your organization"
	configured, err := baseline.Parse("c.yaml", []byte("version: 1\npolicy: {console_authorization: \"off\", enrollment: any}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		b    *baseline.Baseline
		want []string
	}{
		{baseline.Default(), []string{"no config file: attach through the group ForceMFA, every account and user, exempt the tag userType=Service", auto}},
		{configured, []string{"enrollment is any: with the stolen access key of a user without a device, a thief can enroll a device"}},
	} {
		if diff := cmp.Diff(row.want, row.b.Notes()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Whatever the text is, Parse ends, and what it accepts can be used.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("version: 1\n"))
	f.Add([]byte("version: 1\nexemptions: [{match: {name: \"a*b?c\"}, owner: a, reason: b}]\n"))
	f.Add([]byte("version: 1\npolicy: &x {fas: allow}\nwindow: *x\n"))
	f.Add([]byte("? [a]\n: b\n"))
	u := &org.User{Name: "alice", Path: "/", ARN: "arn:aws:iam::111111111111:user/alice", Tags: []org.Tag{{Key: "userType", Value: "x"}}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := baseline.Parse("c.yaml", text)
		if err != nil {
			var where *baseline.ConfigError
			if !errors.As(err, &where) || where.Line < 1 || where.Column < 1 || where.Message == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		b.Exempt(baseline.Place{Account: "111111111111"}, u, now)
		again, err := baseline.Parse("other.yaml", text)
		if err != nil || again.Hash() != b.Hash() {
			t.Fatalf("the same text gives another hash, error %v", err)
		}
	})
}

func TestADeepConfigIsRefusedInTime(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": "version: 1\nwaves: " + strings.Repeat("[", 40_000),
		"entries":  "version: 1\nwaves: \n  " + strings.Repeat("- ", 40_000),
		"anchors":  "version: 1\nwaves: " + strings.Repeat("&a ", 40_000),
	} {
		start := time.Now()
		_, err := baseline.Parse("forcemfa.yaml", []byte(text))
		var at *baseline.ConfigError
		if !errors.As(err, &at) || at.Line < 2 || !strings.Contains(at.Message, "nested deeper than") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

// The price of a scan enforces nothing, so it is not part of the hash.
func TestThePriceOfAScanIsASetting(t *testing.T) {
	for text, want := range map[string]float64{"": 5, "athena: {price_per_tb: 6}\n": 6, "athena: {price_per_tb: 5.75}\n": 5.75} {
		b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+text))
		if err != nil || b.Athena.PricePerTB != want {
			t.Errorf("%q: %+v, %v", text, b, err)
			continue
		}
		plain, err := baseline.Parse("c.yaml", []byte("version: 1\n"))
		if err != nil || b.Hash() != plain.Hash() {
			t.Errorf("%q changes the hash, %v", text, err)
		}
	}
}
