package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// deliver subscribes the functions of all accounts to the events that the rule selects.
func (r *rig) deliver() {
	r.t.Helper()
	cancel, err := r.cloud.Subscribe(Pattern, func(e trail.Event) {
		payload, err := e.JSON()
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := r.function(e.Account).Handle(context.Background(), payload); err != nil {
			r.t.Errorf("%s in %s: %v", e.Detail.EventName, e.Account, err)
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(cancel)
}

func TestANewUserIsEnforcedAndReported(t *testing.T) {
	r := newRig(t, 17, nil, person("ann", "ForceMFA"))
	account := accountIDs(17)[16]
	r.deliver()
	client := r.as(account)
	if _, err := client.CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("bob")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]audit.State{"ann": audit.Enforced, "bob": audit.Enforced}, r.states(account)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	want := []string{"enforced info user/bob: MFA is enforced for bob through the group ForceMFA"}
	if diff := cmp.Diff(want, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, m := range r.told.messages {
		if m.Account != account || m.Alias != "acme-127" || m.ARN != "arn:aws:iam::"+account+":user/bob" {
			t.Errorf("the message is about %s (%s), %s", m.Account, m.Alias, m.ARN)
		}
	}
	if strings.Contains(r.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log has errors:\n%s", r.log)
	}
}

func TestReportModeOnlyReports(t *testing.T) {
	r := newRig(t, 1, nil, person("ann"))
	before := r.digest()
	o := r.options(home)
	o.Mode = Report
	if _, err := r.fresh(o, home).Handle(context.Background(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if r.digest() != before {
		t.Error("something was changed")
	}
	want := []string{"finding high user/ann: MFA is not enforced for ann; AddUserToGroup would enforce it"}
	if diff := cmp.Diff(want, r.told.lines()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestOffDoesNothing(t *testing.T) {
	r := newRig(t, 1, nil, person("ann"))
	o := r.options(home)
	o.Mode = Off
	calls := 0
	r.cloud.OnCall(func(emulator.Record) { calls++ })
	if _, err := r.fresh(o, home).Handle(context.Background(), []byte(`{}`)); err != nil || calls != 0 || len(r.told.messages) > 0 {
		t.Errorf("error %v, %d calls, told %v", err, calls, r.told.lines())
	}
}

// The function changes nothing when the config file is missing or invalid, differs from
// the deployed one, or needs something that a member account cannot read.
func TestAnUnreadableOrDifferentConfigIsAProblem(t *testing.T) {
	const good = "version: 1\n"
	sum := sha256.Sum256([]byte(good))
	hash := hex.EncodeToString(sum[:])
	none := func(string) string { return "" }
	for _, row := range []struct {
		name, text, want string
		getenv           func(string) string
		problem          string // part of it; empty: none
	}{
		{"as deployed", good, hash, none, ""},
		{"no hash told", good, "", none, ""},
		{"another one", good, "0123", none, "differs from the deployed one"},
		{"missing", "", "", none, "cannot be read"},
		{"broken", "version: 1\nattach: nobody\n", "", none, "forcemfa.yaml:2"},
		{"a unit", "version: 1\nexemptions:\n  - {match: {ou: Workloads}, owner: a@b.c, reason: x}\n", "", none, "organizational unit"},
		{"a variable that is wrong", good, hash, func(name string) string {
			if name == "WHITELIST_TAG" {
				return "userType"
			}
			return ""
		}, "WHITELIST_TAG"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := fstest.MapFS{}
			if row.text != "" {
				dir[ConfigName] = &fstest.MapFile{Data: []byte(row.text)}
			}
			s := ReadSettings(dir, row.want, row.getenv)
			if s.Baseline == nil || (s.Problem != "") != (row.problem != "") || !strings.Contains(s.Problem, row.problem) {
				t.Errorf("problem %q, want %q", s.Problem, row.problem)
			}
			f, err := New(aws.Config{}, Options{Mode: Enforce, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]Mode{true: Report, false: Enforce}[row.problem != ""]; f.mode() != want {
				t.Errorf("mode %s, want %s", f.mode(), want)
			}
		})
	}
}

func TestAScanCountsInCloudWatchsFormat(t *testing.T) {
	exempt := person("workload")
	exempt.Tags = []org.Tag{{Key: "userType", Value: "Service"}}
	r := newRig(t, 1, nil, person("ann", "ForceMFA"), person("bea"), exempt)
	r.scan(home)
	var line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
		Users, Enforced, Exempt, Open, Unknown, StepsLeft, ConfigProblem, ScanFailed float64
		LastSuccessAge                                                               *float64
	}
	if err := json.Unmarshal(r.metrics.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, r.metrics)
	}
	if got, want := [5]float64{line.Users, line.Enforced, line.Exempt, line.Open, line.Unknown}, [5]float64{3, 2, 1, 0, 0}; got != want {
		t.Errorf("users, enforced, exempt, open, unknown: %v, want %v", got, want)
	}
	if line.LastSuccessAge == nil || *line.LastSuccessAge != 0 || line.AWS.Timestamp == 0 {
		t.Errorf("age of last success %v at %d", line.LastSuccessAge, line.AWS.Timestamp)
	}
	said := map[string]any{}
	if err := json.Unmarshal(r.metrics.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	for _, m := range line.AWS.CloudWatchMetrics[0].Metrics {
		if _, ok := said[m.Name].(float64); !ok || m.Unit == "" {
			t.Errorf("metric %s of unit %q has no value", m.Name, m.Unit)
		}
	}
}

// The instance lives on between invocations, so its calls add up.
func TestTheLogCountsTheCallsOfEachInvocation(t *testing.T) {
	r := newRig(t, 1, nil, person("ann", "ForceMFA"))
	made := 0
	r.cloud.OnCall(func(call emulator.Record) {
		if call.Caller.Role != nil && call.Caller.Role.Name == executor {
			made++
		}
		if call.Operation == "GenerateCredentialReport" {
			r.cloud.Advance(10 * time.Second)
		}
	})
	for n := range 3 {
		made = 0
		r.log.Reset()
		r.scan(home)
		var logged float64
		for line := range strings.Lines(r.log.String()) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(err)
			}
			if entry["msg"] == "done" {
				logged = entry["calls"].(float64)
			}
		}
		if made == 0 || logged != float64(made) {
			t.Errorf("invocation %d: %v calls in the log, %d made", n+1, logged, made)
		}
	}
}

// An enrollment window is a weakness until it closes.
func TestAnOpenedWindowIsReportedUntilItIsClosed(t *testing.T) {
	key := person("key")
	key.Devices, key.MFA, key.Password, key.Keys = nil, org.No, org.No, []org.AccessKey{{Slot: 1, Active: true}}
	r := newRig(t, 1, nil, person("ann", "ForceMFA"), key)
	r.scan(home)
	opened := 0
	for _, m := range r.told.messages {
		if !strings.Contains(m.What, "may enroll an MFA device with an access key") {
			continue
		}
		opened++
		if m.Kind != notify.KindWindow || m.Rule() != "window-open" {
			t.Errorf("the window is reported as %s with the ID %s", m.Kind, m.ID)
		}
	}
	if opened != 1 {
		t.Fatalf("%d messages about the window: %v", opened, r.told.lines())
	}
	opens := r.told.messages
	r.told.messages = nil
	r.cloud.Advance(30 * 24 * time.Hour)
	r.functions = map[string]*Function{} // its session has expired
	r.scan(home)
	for _, m := range r.told.messages {
		if strings.Contains(m.What, "window of key is closed") && m.Kind == notify.KindFixed &&
			slices.ContainsFunc(opens, func(o notify.Message) bool { return o.ID == m.ID }) {
			return
		}
	}
	t.Errorf("the closed window does not resolve its finding: %v", r.told.lines())
}

// An instance without a successful scan must not report one.
func TestAFailedScanOfAFreshInstanceClaimsNoSuccess(t *testing.T) {
	r := newRig(t, 1, nil, person("ann"))
	f := r.function(home)
	if err := f.identify(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.cloud.Update(func(w *world.World) { w.Edit(home).Roles[executor].Inline = map[string]string{} })
	if _, err := f.Handle(context.Background(), []byte(`{}`)); err == nil {
		t.Fatal("the account could be read")
	}
	var line map[string]any
	if err := json.Unmarshal(r.metrics.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if _, claimed := line["LastSuccessAge"]; claimed || line["ScanFailed"] != 1.0 {
		t.Errorf("metrics %v", line)
	}
}

func TestEveryLogLineHasTheConfigHash(t *testing.T) {
	r := newRig(t, 1, nil, person("ann"))
	r.scan(home)
	for _, line := range strings.Split(strings.TrimSpace(r.log.String()), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if fields["config"] != "abc123" {
			t.Errorf("the line does not say by which config: %s", line)
		}
	}
}

// With a config problem the function changes nothing, whatever its mode, and each
// scan says why in a message with the same ID.
func TestAConfigProblemIsReportedByEveryScan(t *testing.T) {
	const why = "the config file forcemfa.yaml differs from the deployed one: its hash is 1, not 2"
	problem := notify.Message{
		ID: "config/" + home + "/account", Kind: notify.KindUnread, Severity: audit.High, Subject: "account",
		What: "the function only reports and changes nothing: " + why, Remedy: "run forcemfa deploy apply, which packages the config file again",
		Account: home, // its name is not read yet
	}
	for _, row := range []struct {
		name, problem string
		mode          Mode
		want          []notify.Message // of two scans
		state         audit.State      // of bea, who is in no group before
		remedy        string           // the beginning of the remedy of the finding about bea
	}{
		{name: "no problem", mode: Enforce, state: audit.Enforced},
		{name: "no problem in report mode", mode: Report, state: audit.Open, remedy: "set the mode to enforce"},
		{name: "a problem", problem: why, mode: Enforce, want: []notify.Message{problem, problem}, state: audit.Open, remedy: "run forcemfa deploy apply"},
		{name: "a problem in report mode", problem: why, mode: Report, want: []notify.Message{problem, problem}, state: audit.Open, remedy: "set the mode to enforce"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, 1, nil, person("bea"))
			o := r.options(home)
			o.Settings.Problem, o.Mode = row.problem, row.mode
			r.functions[home] = r.fresh(o, home)
			r.scan(home)
			r.scan(home)
			for _, m := range r.told.messages {
				if m.Kind == notify.KindFinding && (row.remedy == "" || !strings.HasPrefix(m.Remedy, row.remedy)) {
					t.Errorf("remedy %q, want %q", m.Remedy, row.remedy)
				}
			}
			got := slices.DeleteFunc(r.told.messages, func(m notify.Message) bool { return m.Kind != notify.KindUnread })
			ignoreTime := cmpopts.IgnoreFields(notify.Message{}, "At")
			if d := cmp.Diff(row.want, got, ignoreTime, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
			if state := r.states(home)["bea"]; state != row.state {
				t.Errorf("bea is %s, want %s", state, row.state)
			}
		})
	}
}

// A changed environment overrides nothing, and does not turn the function off.
func TestAnEnvironmentOtherThanTheDeployedOneIsAProblem(t *testing.T) {
	dir := fstest.MapFS{ConfigName: &fstest.MapFile{Data: []byte("version: 1\n")}}
	deployed := map[string]string{"FORCEMFA_MODE": "enforce", "WHITELIST_TAG": "userType:Service"}
	hash := baseline.SettingsHash(func(name string) string { return deployed[name] })
	for _, row := range []struct {
		name    string
		change  map[string]string
		mode    Mode
		want    Mode
		problem bool
	}{
		{"as deployed", nil, Enforce, Enforce, false},
		{"off", map[string]string{"FORCEMFA_MODE": "off"}, Off, Report, true},
		{"report", map[string]string{"FORCEMFA_MODE": "report"}, Report, Report, true},
		{"another exempt tag", map[string]string{"WHITELIST_TAG": "team:red"}, Enforce, Report, true},
		{"no exempt tag", map[string]string{"WHITELIST_TAG": ""}, Enforce, Report, true},
		{"another scope", map[string]string{"FORCEMFA_SCOPE": "without-device"}, Enforce, Report, true},
		{"another hash of the config", map[string]string{"FORCEMFA_CONFIG_HASH": "0123"}, Enforce, Report, true},
		{"another channel", map[string]string{"WEBHOOK_URL": "https://example.com", "FORCEMFA_NOTIFY_SLACK_CHANNEL": "#x"}, Enforce, Enforce, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			getenv := func(name string) string {
				if value, ok := row.change[name]; ok {
					return value
				}
				if name == SettingsVariable {
					return hash
				}
				return deployed[name]
			}
			s := ReadSettings(dir, "", getenv)
			if (s.Problem != "") != row.problem || s.Changed != row.problem {
				t.Errorf("problem %q", s.Problem)
			}
			if exemptions := len(s.Baseline.Exemptions); row.problem && exemptions > 0 {
				t.Errorf("%d exemptions of the environment are in force", exemptions)
			}
			f, err := New(aws.Config{}, Options{Mode: row.mode, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			if f.mode() != row.want {
				t.Errorf("mode %s, want %s", f.mode(), row.want)
			}
		})
	}
}
