package rollout

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/rehearse"
)

var (
	update = flag.Bool("update", false, "write the transcript anew")
	whole  = flag.Bool("whole", false, "try every statement of the templates, which takes minutes")
)

// played is the story with some options.
func played(t *testing.T, o Options) *Story {
	t.Helper()
	box, err := rehearse.OpenSandbox("", emulator.Options{Stopped: true})
	if err != nil {
		t.Fatal(err)
	}
	if o.Baseline, err = box.Baseline(); err != nil {
		t.Fatal(err)
	}
	o.Config = sample.Config()
	story, err := Run(t.Context(), box, o)
	if err != nil {
		t.Fatal(err)
	}
	return story
}

func text(t *testing.T, s *Story) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Text(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const transcript = "../../../docs/rollout.md"

// varying are the times, which depend on the order of concurrent calls.
var varying = regexp.MustCompile(`day \d+ \d\d:\d\d:\d\d|[0-9hm.]+s later|[0-9.]+ days`)

// docs/rollout.md has the transcript of the story.
func TestTheDeploymentWorksAsDocumented(t *testing.T) {
	story := played(t, Options{})
	got := text(t, story)
	if !story.Passed() || len(story.Chapters) != len(chapters) {
		t.Fatalf("the deployment does not work:\n%s", got)
	}
	page, err := os.ReadFile(transcript)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), "<!-- transcript: written by go test ./internal/rehearse/rollout -update -->\n```\n")
	want, after, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatalf("%s has no transcript", transcript)
	}
	if *update {
		whole := before + "<!-- transcript: written by go test ./internal/rehearse/rollout -update -->\n```\n" + got + "```\n" + after
		if err := os.WriteFile(transcript, []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(varying.ReplaceAllString(want, "…"), varying.ReplaceAllString(got, "…")); diff != "" {
		t.Errorf("%s (-documented +played):\n%s", transcript, diff)
	}
}

// A killer ends a function at one of its calls.
type killer struct {
	next http.RoundTripper
	left *atomic.Int64 // calls until then
	dead atomic.Bool
}

// RoundTrip implements http.RoundTripper. The SDK does not retry its error.
func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.dead.Load() || k.left.Add(-1) == 0 {
		k.dead.Store(true)
		return nil, &aws.RequestCanceledError{Err: fmt.Errorf("killed")}
	}
	return k.next.RoundTrip(r)
}

// Killed reports whether the function has ended.
func (k *killer) Killed() bool { return k.dead.Load() }

// A function that is killed, wherever that is, only delays the end.
func TestAKilledFunctionOnlyDelaysTheEnd(t *testing.T) {
	points := []int64{3, 61}
	if *whole {
		for n := int64(1); n < 900; n += 37 {
			points = append(points, n)
		}
	}
	for _, point := range points {
		t.Run(fmt.Sprint("call ", point), func(t *testing.T) {
			var left atomic.Int64
			left.Store(point)
			story := played(t, Options{Only: []string{"plan", "deploy", "schedule", "event", "tampering"}, Patience: 15, Transport: func(function string, next http.RoundTripper) http.RoundTripper {
				if function != deploy.FunctionName {
					return next
				}
				return &killer{next: next, left: &left}
			}})
			if left.Load() > 0 {
				t.Fatalf("only %d calls were made", point-left.Load())
			}
			if !story.Passed() {
				t.Errorf("killed at call %d:\n%s", point, text(t, story))
			}
		})
	}
}

// A mutation takes a right away: it changes the action of a statement.
type mutation struct {
	template, sid string
	names         string // must be in the message
}

var mutations = []mutation{
	{deploy.Member, "KeepFailed", "sqs:SendMessage"},
	{deploy.Member, "ReadAccount", "iam:GetAccountAuthorizationDetails"},
	{deploy.Bucket, "StackSetsReadPackage", "s3:GetObject"},
	{deploy.Member, "Join", "iam:AddUserToGroup"},
	{deploy.Member, "ReadUsers", "iam:"},
	{deploy.Member, "Attach", "iam:Attach"},
	{deploy.Member, "Log", "logs:CreateLogStream"},
	{deploy.Member, "Journal", "s3:PutObject"},
	{deploy.Member, "Notify", "events:PutEvents"},
	{deploy.Member, "Window", "iam:TagUser"},
	{deploy.Member, "ReadPolicies", "iam:GetPolicy"},
	{deploy.Member, "ReadGroups", "iam:ListAttachedGroupPolicies"},
	{deploy.Notifier, "KeepUnsent", "sqs:SendMessage"},
	{deploy.Notifier, "Log", "logs:CreateLogStream"},
	{deploy.Bucket, "FunctionsWriteJournals", "s3:PutObject"},
	{deploy.Notifier, "Drain", "sqs:ReceiveMessage"},
	{deploy.Notifier, "ReadSecrets", "secretsmanager:GetSecretValue"},
	{deploy.Notifier, "RulesMaySend", "sqs:SendMessage"},
}

// action is the action of a statement, up to its resource or principal.
var action = regexp.MustCompile(`(?s)Action:.*?(\n\s+(?:Resource|Principal):)`)

func (m *mutation) apply(name string, template []byte) []byte {
	before, statement, found := strings.Cut(string(template), "Sid: "+m.sid+"\n")
	if name != m.template || !found {
		return template
	}
	at := action.FindStringIndex(statement)
	changed := action.ReplaceAllString(statement[at[0]:at[1]], "Action: sts:DecodeAuthorizationMessage$1")
	return []byte(before + "Sid: " + m.sid + "\n" + statement[:at[0]] + changed + statement[at[1]:])
}

// A template without one of its rights fails, with a message that names the right.
func TestAMissingRightIsNamed(t *testing.T) {
	all := mutations
	if !*whole {
		all = all[:3]
	}
	for _, m := range all {
		t.Run(m.template+"/"+m.sid, func(t *testing.T) {
			story := played(t, Options{Template: m.apply})
			last := story.Chapters[len(story.Chapters)-1]
			if why := strings.Join(last.Why, "\n"); last.Passed || !strings.Contains(why, m.names) {
				t.Errorf("part %s passed: %v; the message does not name %s: %s", last.Name, last.Passed, m.names, why)
			}
		})
	}
}

// A template without one of its conditions fails: somebody may do what nobody should.
func TestADroppedConditionIsNamed(t *testing.T) {
	condition := regexp.MustCompile(`(?s)\n( +)Condition:.*?\n( +)- `)
	for _, m := range []mutation{
		{deploy.Member, "Attach", "iam:AttachUserPolicy"},
		{deploy.Member, "Window", "iam:TagUser"},
	} {
		if !*whole && m.sid != "Attach" {
			continue
		}
		t.Run(m.template+"/"+m.sid, func(t *testing.T) {
			dropped := false
			story := played(t, Options{Only: []string{"plan", "deploy", "schedule", "limits"}, Template: func(name string, template []byte) []byte {
				before, statement, found := strings.Cut(string(template), "Sid: "+m.sid+"\n")
				if name != m.template || !found {
					return template
				}
				at := condition.FindStringSubmatchIndex(statement)
				dropped = true
				return []byte(before + "Sid: " + m.sid + "\n" + statement[:at[0]] + statement[at[4]-1:])
			}})
			last := story.Chapters[len(story.Chapters)-1]
			if why := strings.Join(last.Why, "\n"); !dropped || last.Passed || !strings.Contains(why, m.names) {
				t.Errorf("part %s passed: %v; the message does not name %s: %s", last.Name, last.Passed, m.names, why)
			}
		})
	}
}

func TestMessagesThatSlackRefusesAreFound(t *testing.T) {
	for body, good := range map[string]bool{
		`{"text":"a","blocks":[{"type":"header","text":{"type":"plain_text","text":"a"}}]}`:                                  true,
		`{"text":"a","blocks":[{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("a", 151) + `"}}]}`:   false,
		`{"text":"a","blocks":[{"type":"section","fields":[{"type":"mrkdwn","text":"` + strings.Repeat("a", 2001) + `"}]}]}`: false,
		`{"text":"a","blocks":[]}`:                                      false,
		`{"text":"","blocks":[{"type":"divider"}]}`:                     false,
		`{"text":"a","blocks":[{"type":"section","text":{"text":""}}]}`: false,
		`text`: false,
	} {
		if _, err := checkBlocks([]byte(body)); (err == nil) != good {
			t.Errorf("%.80s: %v", body, err)
		}
	}
}
