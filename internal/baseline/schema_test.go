package baseline_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"forcemfa/internal/baseline"
)

// everything is a config file with every key.
const everything = `version: 1
attach: group
scope: all
adopt: [/ForceMFA, /team/EnforceMFA]
policy:
  self_service: full
  enrollment: any
  allow_password_change_before_mfa: true
  console_authorization: "on"
  max_session_age: 12h
  fas: deny
window: {tag: enrollment-open, days: 3, networks: ["192.0.2.0/24"]}
waves:
  - name: pilot
    match: {ou: Platform, account: "1111*", tag: "team=platform", name: "a*", path: /, arn: "arn:aws:iam::*:user/*"}
    percent: 10
    from: 2027-01-31
exemptions:
  - match: {tag: "userType=regex:Serv.*", ou: ou-ab12-11111111}
    owner: platform@example.com
    reason: build workloads
    expires: 2027-01-31
break_glass:
  - {match: {account: "111111111111", name: break-glass-1}, owner: ciso@example.com, reason: sealed envelope}
acknowledge: [lockout:222222222222/fiona]
observed: [{answer: binary-on-mfa-key=yes, account: "999999999999", date: 2026-11-29}]
scp: {targets: [r-ab12, ou-ab12-11111111, "111111111111"]}
guard_scp:
  targets: [r-ab12]
  except: ["arn:aws:iam::*:role/Administrator"]
trust: {mfa: true, max_age: 1h}
athena: {price_per_tb: 5.5}
access:
  account: "222222222222"
  groups: [{name: Releasers, members: [jonas]}]
  grants:
    - {group: Releasers, role: Releaser, accounts: ["333333333333"], policies: [ReadOnlyAccess], actions: ["ec2:*"], max_session: 2h}
notify:
  slack: {webhook: "env:HOOK", token: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:slack-AbCdEf", channel: "#mfa"}
  teams: {webhook: "ssm:/forcemfa/teams"}
  mail: {identity: "arn:aws:ses:eu-west-1:111111111111:identity/example.com", from: forcemfa@example.com, to: "secops@example.com, iam@example.com"}
  sns: {topic: "arn:aws:sns:eu-west-1:111111111111:mfa"}
  webhook: {url: "https://hooks.example.com/mfa", secret: "ssm:/forcemfa/webhook-key"}
  security_hub: true
  bus: arn:aws:events:eu-west-1:111111111111:event-bus/forcemfa
`

func schemaOf(t *testing.T) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(baseline.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// complain says where a value does not fit a schema, in the few words of JSON
// Schema that the schema of the config file uses; any other word fails the test.
func complain(t *testing.T, s map[string]any, at string, v any) []string {
	t.Helper()
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, at+": "+fmt.Sprintf(format, args...)) }
	object, _ := v.(map[string]any)
	text, isText := v.(string)
	for word, arg := range s {
		switch word {
		case "$schema", "$id", "title", "description", "default", "examples", "format":
		case "type":
			if !isOf(arg.(string), v) {
				say("%v is no %v", v, arg)
			}
		case "const":
			if fmt.Sprint(arg) != fmt.Sprint(v) {
				say("%v is not %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				say("%v is none of %v", v, arg)
			}
		case "pattern":
			if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
				say("%q does not match %s", text, arg)
			}
		case "minLength":
			if isText && float64(len(text)) < arg.(float64) {
				say("too short")
			}
		case "minimum", "maximum":
			n, ok := number(v)
			if ok && (word == "minimum" && n < arg.(float64) || word == "maximum" && n > arg.(float64)) {
				say("%v is beyond the %s %v", v, word, arg)
			}
		case "minProperties":
			if float64(len(object)) < arg.(float64) {
				say("has too few keys")
			}
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				bad = append(bad, complain(t, arg.(map[string]any), fmt.Sprintf("%s[%d]", at, i), item)...)
			}
		case "required":
			for _, key := range arg.([]any) {
				if _, there := object[key.(string)]; object != nil && !there {
					say("lacks %s", key)
				}
			}
		case "properties":
			for key, of := range arg.(map[string]any) {
				if held, there := object[key]; there {
					bad = append(bad, complain(t, of.(map[string]any), at+"."+key, held)...)
				}
			}
		case "additionalProperties":
			known, _ := s["properties"].(map[string]any)
			for key := range object {
				if _, there := known[key]; !there && arg == false {
					say("unknown key %s", key)
				}
			}
		default:
			t.Fatalf("%s: the schema says %s, which this test does not know", at, word)
		}
	}
	return bad
}

func isOf(kind string, v any) bool {
	switch v.(type) {
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "array"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	}
	if _, fraction := v.(float64); fraction && kind == "number" {
		return true
	}
	_, ok := number(v)
	return ok && (kind == "integer" || kind == "number")
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case uint64:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, n == float64(int64(n))
	}
	return 0, false
}

func check(t *testing.T, text string) []string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return complain(t, schemaOf(t), "", v)
}

func TestTheSchemaTakesWhatParseTakes(t *testing.T) {
	sample, err := os.ReadFile("../emulator/sample/forcemfa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"whole": whole, "everything": everything, "least": "version: 1\n", "the sample's": string(sample)} {
		if _, err := baseline.Parse("c.yaml", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bad := check(t, text); bad != nil {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

func TestTheSchemaRefusesWhatParseRefuses(t *testing.T) {
	for _, text := range []string{
		"{}\n",
		"version: 2\n",
		"version: 1\nexmept: []\n",
		"version: 1\nattach: everyone\n",
		"version: 1\npolicy: {allow_password_change_before_mfa: maybe}\n",
		"version: 1\nwindow: {days: 0}\n",
		"version: 1\nwindow: {tag: \"a/b\"}\n",
		"version: 1\nexemptions:\n- {match: {name: a}, owner: b}\n",
		"version: 1\nexemptions:\n- {match: {}, owner: a, reason: b}\n",
		"version: 1\nexemptions:\n- {match: {account: 111111111111}, owner: a, reason: b}\n",
		"version: 1\nexemptions:\n- {match: {tag: userType}, owner: a, reason: b}\n",
		"version: 1\nexemptions:\n- {match: {name: team/a}, owner: a, reason: b}\n",
		"version: 1\nexemptions:\n- {match: {name: a}, owner: \" \", reason: b}\n",
		"version: 1\nwaves: [{name: a}]\n",
		"version: 1\nwaves: [{name: a, from: 2027-01-31, percent: 101}]\n",
		"version: 1\nscp: {targets: [all]}\n",
		"version: 1\nguard_scp: {targets: [r-ab12]}\n",
		"version: 1\nguard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::1:user/a\"]}\n",
		"version: 1\nnotify: {slack: {webhook: \"https://hooks.example.com/T0/B0/secret\"}}\n",
		"version: 1\nnotify: {slack: {token: xoxb-secret}}\n",
		"version: 1\nnotify: {sns: {topic: mfa}}\n",
		"version: 1\nnotify: {webhook: {url: \"http://hooks.example.com/\", secret: \"env:KEY\"}}\n",
		"version: 1\nnotify: {webhook: {url: \"https://me:secret@hooks.example.com/\", secret: \"env:KEY\"}}\n",
		"version: 1\nnotify: {security_hub: yes please}\n",
		"version: 1\nnotify: {bus: \"arn:aws:events:eu-west-1:111111111111:rule/forcemfa\"}\n",
	} {
		if _, err := baseline.Parse("c.yaml", []byte(text)); err == nil {
			t.Errorf("Parse takes %q", text)
		}
		if bad := check(t, text); bad == nil {
			t.Errorf("the schema takes %q", text)
		}
	}
}

func TestEveryKeyIsDescribedAndInTheTestsConfig(t *testing.T) {
	var v any
	if err := yaml.Unmarshal([]byte(everything), &v); err != nil {
		t.Fatal(err)
	}
	var walk func(at string, s map[string]any, v any)
	walk = func(at string, s map[string]any, v any) {
		if items, ok := s["items"].(map[string]any); ok {
			list, _ := v.([]any)
			if len(list) == 0 {
				t.Errorf("%s: not in the test's config", at)
				return
			}
			walk(at+"[]", items, list[0])
		}
		properties, _ := s["properties"].(map[string]any)
		for key, of := range properties {
			held, there := v.(map[string]any)[key]
			about, _ := of.(map[string]any)["description"].(string)
			if !strings.HasSuffix(about, ".") {
				t.Errorf("%s.%s: description %q", at, key, about)
			}
			if !there && !slices.Contains([]string{".exemptions[].match.", ".break_glass[].match.", ".break_glass[]."}, at+".") {
				t.Errorf("%s.%s: not in the test's config", at, key)
			}
			if there {
				walk(at+"."+key, of.(map[string]any), held)
			}
		}
	}
	walk("", schemaOf(t), v)
	if s := schemaOf(t); s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema %v", s["$schema"])
	}
}
