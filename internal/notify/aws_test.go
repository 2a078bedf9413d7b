package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/notify"
)

const motoAccount = "123456789012" // of moto

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestSecretsAreReadOnceFromTheirStore(t *testing.T) {
	cfg := motoConfig(t)
	p, c := newPeer(t, slackOK), newClock()
	url := p.URL + secretPath
	manager, parameters := secretsmanager.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	text := must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("slack"), SecretString: &url}))
	pair := must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("pair"), SecretString: aws.String(`{"url": "` + url + `"}`)}))
	pairs := must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("pairs"), SecretString: aws.String(`{"a": "verysecret", "b": "verysecret"}`)}))
	for name, kind := range map[string]ssmtypes.ParameterType{"/forcemfa/slack": ssmtypes.ParameterTypeSecureString, "/forcemfa/plain": ssmtypes.ParameterTypeString} {
		must[*ssm.PutParameterOutput](t)(parameters.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: &url, Type: kind}))
	}
	for _, row := range []struct{ name, reference, want string }{
		{"secret", *text.ARN, ""},
		{"secret of one key", *pair.ARN, ""},
		{"secret of many keys", *pairs.ARN, "notify slack: read the Slack webhook: get secret " + *pairs.ARN + ": want plain text, or one key with its value"},
		{"parameter", "ssm:/forcemfa/slack", ""},
		{"parameter by ARN", "arn:aws:ssm:eu-west-1:" + motoAccount + ":parameter/forcemfa/slack", ""},
		{"parameter that is not encrypted", "ssm:/forcemfa/plain", "notify slack: read the Slack webhook: get parameter /forcemfa/plain: its type is String; make it a SecureString"},
		{"parameter that is not there", "ssm:/forcemfa/none", "ParameterNotFound"},
		{"secret that is not there", "arn:aws:secretsmanager:eu-west-1:" + motoAccount + ":secret:none-AbCdEf", "ResourceNotFoundException"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p.answer(slackOK)
			n := open(t, c, cfg, notify.Options{SlackWebhook: row.reference, References: true})
			err := n.Send(t.Context(), one())
			if fmt.Sprint(err) != row.want && (row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want))) {
				t.Errorf("error %v\nwant  %s", err, row.want)
			}
			if err != nil && strings.Contains(err.Error(), "verysecret") {
				t.Errorf("the error shows the secret: %v", err)
			}
			if got := len(p.requests()); (got == 1) != (row.want == "") {
				t.Errorf("%d requests to Slack", got)
			}
		})
	}
}

func TestAReplacedSecretIsReadAgainWhenTheOldOneIsRefused(t *testing.T) {
	cfg := motoConfig(t)
	old, next, c := newPeer(t, slackOK), newPeer(t, slackOK), newClock()
	manager := secretsmanager.NewFromConfig(cfg)
	s := must[*secretsmanager.CreateSecretOutput](t)(manager.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("slack"), SecretString: aws.String(old.URL + secretPath)}))
	n := open(t, c, cfg, notify.Options{SlackWebhook: *s.ARN})
	send := func(account string) error {
		return n.Send(t.Context(), &notify.Summary{Messages: users(1, account)})
	}
	if err := send("111111111111"); err != nil {
		t.Fatal(err)
	}
	must[*secretsmanager.PutSecretValueOutput](t)(manager.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: s.ARN, SecretString: aws.String(next.URL + secretPath)}))
	if err := send("222222222222"); err != nil || len(old.requests()) != 2 {
		t.Fatalf("%v; %d requests to the old one, want 2: a secret is read once", err, len(old.requests()))
	}
	old.answer(answer{status: 404, body: "no_service"})
	if err := send("333333333333"); err == nil {
		t.Fatal("the old one was taken")
	}
	if err := send("333333333333"); err != nil || len(next.requests()) != 1 {
		t.Fatalf("%v; %d requests to the new one, want 1", err, len(next.requests()))
	}
}

// newTestQueue makes a queue and gives what arrives in it.
func newTestQueue(t *testing.T, cfg aws.Config, name string) (url, arn string, arrived func() []string) {
	t.Helper()
	client := sqs.NewFromConfig(cfg)
	q := must[*sqs.CreateQueueOutput](t)(client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name}))
	return *q.QueueUrl, "arn:aws:sqs:eu-west-1:" + motoAccount + ":" + name, func() []string {
		var all []string
		for {
			out := must[*sqs.ReceiveMessageOutput](t)(client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 1000}))
			if len(out.Messages) == 0 {
				return all
			}
			for _, m := range out.Messages {
				all = append(all, *m.Body)
			}
		}
	}
}

func TestSNSReceivesTheSummaryAsText(t *testing.T) {
	cfg, c := motoConfig(t), newClock()
	_, queue, arrived := newTestQueue(t, cfg, "mails")
	client := sns.NewFromConfig(cfg)
	topic := must[*sns.CreateTopicOutput](t)(client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("mfa")}))
	must[*sns.SubscribeOutput](t)(client.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue}))
	n := open(t, c, cfg, notify.Options{SNSTopic: *topic.TopicArn})
	alerts := seedAlerts()
	var many []notify.Message
	for i := range 3000 {
		m := users(1, fmt.Sprintf("%012d", i))[0]
		m.What = strings.Repeat("𝔐", 10_000)
		many = append(many, m)
	}
	for _, d := range []*notify.Summary{
		{Run: "r-1", Messages: []notify.Message{alerts["blocked"]}},
		{Run: "r-2", Messages: many},
	} {
		if err := n.Send(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	var got []struct {
		Subject, Message  string
		MessageAttributes map[string]struct{ Value string }
	}
	for _, body := range arrived() {
		got = append(got, struct {
			Subject, Message  string
			MessageAttributes map[string]struct{ Value string }
		}{})
		if err := json.Unmarshal([]byte(body), &got[len(got)-1]); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 {
		t.Fatalf("%d messages arrived, want 2", len(got))
	}
	want := `Could not enforce MFA for bob

[high] Could not enforce MFA for bob
  account: 222222222222 (acme-dev)
  user: bob
  what happened: the quotas GroupsPerUser (10), AttachedPoliciesPerUser (10) and UserPolicySize (2048) are full; nothing was attached
  what to do: make room in one of them: detach a policy that is not needed, then run forcemfa apply

forcemfa, run r-1, 2027-01-31 12:00 UTC
`
	if diff := cmp.Diff(want, got[0].Message); diff != "" || got[0].Subject != "Could not enforce MFA for bob" || got[0].MessageAttributes["severity"].Value != "high" {
		t.Errorf("subject %q, attributes %v\n%s", got[0].Subject, got[0].MessageAttributes, diff)
	}
	if len(got[1].Message) > 256<<10 || !strings.Contains(got[1].Message, "and 6030 more characters") || !strings.Contains(got[1].Message, "by account and rule:\n") {
		t.Errorf("%d bytes: %.300s", len(got[1].Message), got[1].Message)
	}
}

func TestSecurityHubFindingIsUpdatedAndArchivedWhenFixed(t *testing.T) {
	cfg, c := motoConfig(t), newClock()
	n := open(t, c, cfg, notify.Options{SecurityHub: true})
	m := users(1, "222222222222")[0]
	gone := m
	gone.Kind, gone.Severity, gone.What, gone.At = notify.KindFixed, audit.Info, "in the group now", m.At.Add(time.Hour)
	state := func() []string {
		out := must[*securityhub.GetFindingsOutput](t)(securityhub.NewFromConfig(cfg).GetFindings(t.Context(), &securityhub.GetFindingsInput{}))
		var all []string
		for _, f := range out.Findings {
			all = append(all, fmt.Sprint(*f.Id, " ", f.RecordState, " ", f.Compliance.Status, " ", *f.AwsAccountId, " ", *f.ProductArn, " ", *f.Resources[0].Id, " ", *f.Resources[0].Type, " ", *f.UpdatedAt))
		}
		return all
	}
	place := " 123456789012 arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default arn:aws:iam::222222222222:user/user000 AwsIamUser "
	for _, row := range []struct {
		send []notify.Message
		want string
	}{
		{[]notify.Message{m}, "forcemfa/open-user/222222222222/user/user000 ACTIVE FAILED" + place + "2027-01-31T12:00:00.000Z"},
		{[]notify.Message{gone}, "forcemfa/open-user/222222222222/user/user000 ARCHIVED PASSED" + place + "2027-01-31T13:00:00.000Z"},
	} {
		if err := n.Send(t.Context(), &notify.Summary{Messages: row.send}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{row.want}, state()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSecurityHubReceivesBatchesOfAHundredAndRejectionsAreReturned(t *testing.T) {
	held := map[string]bool{}
	sizes := []int{}
	refusing := true
	cfg := awsPeer(t, func(operation string, in map[string]any) (int, any) {
		findings, _ := in["Findings"].([]any)
		sizes = append(sizes, len(findings))
		failed := []map[string]string{}
		for _, f := range findings {
			f := f.(map[string]any)
			for _, key := range []string{"SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Title", "Description", "Resources", "Severity", "Types"} {
				if f[key] == nil {
					t.Errorf("%s: a finding without %s", operation, key)
				}
			}
			if f["AwsAccountId"] != "999999999999" || f["ProductArn"] != "arn:aws-us-gov:securityhub:eu-west-1:999999999999:product/999999999999/default" {
				t.Errorf("a finding of %v in %v", f["AwsAccountId"], f["ProductArn"])
			}
			id := f["Id"].(string)
			if refusing && strings.HasSuffix(id, "7") {
				failed = append(failed, map[string]string{"Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": "not today"})
				continue
			}
			if held[id] {
				t.Errorf("%s was imported twice", id)
			}
			held[id] = true
		}
		return 200, map[string]any{"FailedCount": len(failed), "SuccessCount": len(findings) - len(failed), "FailedFindings": failed}
	})
	n := open(t, newClock(), cfg, notify.Options{SecurityHub: true})
	d := &notify.Summary{Messages: users(250, "222222222222")}
	err := n.Send(t.Context(), d)
	if want := "notify security hub: 25 messages not sent: import finding forcemfa/open-user/222222222222/user/user007: InvalidInput: not today"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	refusing = false
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{100, 100, 50, 25}, sizes); diff != "" || len(held) != 250 {
		t.Errorf("%d findings held\n%s", len(held), diff)
	}
}

func TestFindingsStayWithinTheLengthsOfTheirFormat(t *testing.T) {
	var finding map[string]any
	cfg := awsPeer(t, func(_ string, in map[string]any) (int, any) {
		finding = in["Findings"].([]any)[0].(map[string]any)
		return 200, map[string]any{"FailedCount": 0, "SuccessCount": 1}
	})
	n := open(t, newClock(), cfg, notify.Options{SecurityHub: true})
	long := strings.Repeat("ä long word ", 300)
	m := notify.Message{ID: long, Kind: notify.KindTampering, Severity: audit.Critical, Account: "222222222222", Alias: long, Subject: long, What: long, Remedy: long, ARN: long, At: noon}
	if err := n.Send(t.Context(), &notify.Summary{Messages: []notify.Message{m}}); err != nil {
		t.Fatal(err)
	}
	recommendation := finding["Remediation"].(map[string]any)["Recommendation"].(map[string]any)["Text"].(string)
	resource := finding["Resources"].([]any)[0].(map[string]any)["Id"].(string)
	for _, row := range []struct {
		name, text string
		most       int
	}{
		{"Id", finding["Id"].(string), 512}, {"GeneratorId", finding["GeneratorId"].(string), 512}, {"Title", finding["Title"].(string), 256},
		{"Description", finding["Description"].(string), 1024}, {"Recommendation.Text", recommendation, 512}, {"Resources.Id", resource, 512},
	} {
		if n := len([]rune(row.text)); n == 0 || n > row.most {
			t.Errorf("%s has %d characters, of %d", row.name, n, row.most)
		}
	}
}

func TestOnlyTemporaryFailuresAreSentAgainToTheBus(t *testing.T) {
	put := map[string]int{}
	calls := []int{}
	cfg := awsPeer(t, func(_ string, in map[string]any) (int, any) {
		entries := in["Entries"].([]any)
		calls = append(calls, len(entries))
		var out []map[string]string
		failed := 0
		for i, e := range entries {
			e := e.(map[string]any)
			if e["Source"] != "forcemfa" || e["DetailType"] != "forcemfa message" || e["EventBusName"] != "forcemfa" {
				t.Errorf("entry %v", e)
			}
			if i%3 == 0 && len(calls) < 3 {
				failed++
				out = append(out, map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "slower"})
				continue
			}
			var m notify.Message
			if err := json.Unmarshal([]byte(e["Detail"].(string)), &m); err != nil {
				t.Error(err)
			}
			put[m.ID]++
			out = append(out, map[string]string{"EventId": "1"})
		}
		return 200, map[string]any{"FailedEntryCount": failed, "Entries": out}
	})
	c := newClock()
	n := open(t, c, cfg, notify.Options{Bus: "forcemfa"})
	d := &notify.Summary{Messages: users(23, "222222222222")}
	if err := n.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Messages {
		if put[m.ID] != 1 {
			t.Errorf("%s is on the bus %d times", m.ID, put[m.ID])
		}
	}
	if diff := cmp.Diff([]int{10, 4, 2, 10, 3}, calls); diff != "" || len(c.slept) != 2 {
		t.Errorf("waited %v\n%s", c.slept, diff)
	}
}

func TestEventsRejectedByTheBusAreNamed(t *testing.T) {
	refuse := true
	seen := 0
	cfg := awsPeer(t, func(_ string, in map[string]any) (int, any) {
		var out []map[string]string
		for _, e := range in["Entries"].([]any) {
			if refuse && strings.Contains(e.(map[string]any)["Detail"].(string), "user003") {
				out = append(out, map[string]string{"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "no"})
				continue
			}
			seen++
			out = append(out, map[string]string{"EventId": "1"})
		}
		return 200, map[string]any{"FailedEntryCount": 1, "Entries": out}
	})
	n := open(t, newClock(), cfg, notify.Options{Bus: "forcemfa"})
	d := &notify.Summary{Messages: users(5, "222222222222")}
	err := n.Send(t.Context(), d)
	want := "notify bus: 1 message not sent: put event open-user/222222222222/user/user003 on forcemfa: NotAuthorizedForSourceException: no"
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	refuse = false
	if err := n.Send(t.Context(), d); err != nil || seen != 5 {
		t.Errorf("%v; %d on the bus, want 5", err, seen)
	}
}

func TestLargeMessagesAreSplitIntoCallsWithinTheLimit(t *testing.T) {
	calls := []int{}
	cfg := awsPeer(t, func(_ string, in map[string]any) (int, any) {
		total := 0
		var out []map[string]string
		for _, e := range in["Entries"].([]any) {
			total += len(e.(map[string]any)["Detail"].(string))
			out = append(out, map[string]string{"EventId": "1"})
		}
		if total > 256<<10 {
			t.Errorf("a call of %d bytes", total)
		}
		calls = append(calls, len(out))
		return 200, map[string]any{"FailedEntryCount": 0, "Entries": out}
	})
	n := open(t, newClock(), cfg, notify.Options{Bus: "forcemfa"})
	all := users(12, "222222222222")
	for i := range all {
		all[i].What, all[i].Remedy = strings.Repeat("𝔐", 9000), strings.Repeat("𝔐", 9000)
	}
	if err := n.Send(t.Context(), &notify.Summary{Messages: all}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 4, 4}, calls); diff != "" {
		t.Error(diff)
	}
}

// rig is a bus with its rules, the queue of the summary, and Slack.
type rig struct {
	cfg     aws.Config
	slack   *peer
	clock   *clock
	queue   string
	arrived func() []string // in the queue of what is urgent
	member  *notify.Notifier
	center  *notify.Notifier
}

func newRig(t *testing.T) *rig {
	cfg := motoConfig(t)
	r := &rig{cfg: cfg, slack: newPeer(t, slackOK), clock: newClock()}
	events := eventbridge.NewFromConfig(cfg)
	bus := must[*eventbridge.CreateEventBusOutput](t)(events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("forcemfa")}))
	var later, urgent string
	r.queue, later, _ = newTestQueue(t, cfg, "later")
	_, urgent, r.arrived = newTestQueue(t, cfg, "urgent")
	for name, rule := range map[string][2]string{"summary": {notify.PatternDigest, later}, "urgent": {notify.PatternAtOnce, urgent}} {
		must[*eventbridge.PutRuleOutput](t)(events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &name, EventBusName: aws.String("forcemfa"), EventPattern: &rule[0]}))
		must[*eventbridge.PutTargetsOutput](t)(events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &name, EventBusName: aws.String("forcemfa"),
			Targets: []ebtypes.Target{{Id: aws.String("1"), Arn: &rule[1]}}}))
	}
	r.member = open(t, r.clock, cfg, notify.Options{Bus: *bus.EventBusArn})
	r.center = open(t, r.clock, cfg, notify.Options{SlackWebhook: r.slack.URL + secretPath, Queue: r.queue})
	return r
}

// left is how many messages are in the queue of the summary, seen or not.
func (r *rig) left(t *testing.T) string {
	t.Helper()
	out := must[*sqs.GetQueueAttributesOutput](t)(sqs.NewFromConfig(r.cfg).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &r.queue, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}}))
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

var schedule = []byte(`{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`)

func TestMessagesOfManyAccountsBecomeOneSummaryAndUrgentOnesAreSentAtOnce(t *testing.T) {
	r := newRig(t)
	d := &notify.Summary{Messages: users(3, "222222222222")}
	d.Messages = append(d.Messages, users(2, "333333333333")...)
	d.Messages[2].Severity, d.Messages[2].Kind = audit.Critical, notify.KindTampering
	if err := r.member.Send(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	urgent := r.arrived()
	if len(urgent) != 1 {
		t.Fatalf("%d urgent events, want 1: %v", len(urgent), urgent)
	}
	for range 2 { // at least once
		if err := r.center.Handle(t.Context(), []byte(urgent[0])); err != nil {
			t.Fatal(err)
		}
	}
	first := posted(t, 1, r.slack.requests())
	if want := ":red_circle: Tampering with MFA enforcement: user002"; !strings.Contains(first.whole(), want) {
		t.Errorf("lacks %q:\n%s", want, first.whole())
	}
	for range 2 {
		if err := r.center.Handle(t.Context(), schedule); err != nil {
			t.Fatal(err)
		}
	}
	summary := posted(t, 2, r.slack.requests())
	if want := "forcemfa: 4 messages from 2 accounts"; !strings.Contains(summary.whole(), want) || summary.told() != 4 {
		t.Errorf("reports %d messages, want %q:\n%s", summary.told(), want, summary.whole())
	}
	if got := r.left(t); got != "0+0" {
		t.Errorf("%s messages are still in the queue", got)
	}
}

func TestUnsentSummaryIsSentByTheNextRun(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		body := event(fmt.Sprintf("%012d", i), fmt.Sprintf("%012d", i))
		must[*sqs.SendMessageOutput](t)(sqs.NewFromConfig(r.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &r.queue, MessageBody: &body}))
	}
	r.slack.answer(answer{status: 503})
	if err := r.center.Handle(t.Context(), schedule); err == nil || !strings.Contains(err.Error(), "notify slack: Slack has a server error (HTTP 503)") {
		t.Fatalf("error %v", err)
	}
	if got := r.left(t); got != "12+0" {
		t.Fatalf("%s messages in the queue, want 12+0", got)
	}
	r.slack.answer(slackOK)
	if err := r.center.Handle(t.Context(), schedule); err != nil {
		t.Fatal(err)
	}
	summary := posted(t, 1, r.slack.requests())
	if summary.told() != 12 || r.left(t) != "0+0" {
		t.Errorf("reports %d of 12, and %s are left", summary.told(), r.left(t))
	}
}

func TestKeptMessagesAreSentOnceByTheNextProcess(t *testing.T) {
	r := newRig(t)
	o := notify.Options{SlackWebhook: r.slack.URL + secretPath, Queue: r.queue}
	first, next := open(t, r.clock, r.cfg, o), open(t, r.clock, r.cfg, o)
	var kept []notify.Message
	for _, name := range []string{"ann", "bea"} {
		kept = append(kept, notify.Message{ID: "enforced/" + motoAccount + "/user/" + name, Kind: notify.KindEnforced, Severity: audit.Info,
			Account: motoAccount, Subject: "user/" + name, What: "MFA is enforced for " + name, At: noon})
	}
	for range 2 { // as often as a run fails
		if err := first.Keep(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
	}
	nobody := open(t, r.clock, r.cfg, notify.Options{Queue: r.queue})
	if err := nobody.Catch(t.Context()); err != nil || r.left(t) != "4+0" {
		t.Fatalf("without a channel: %v, and %s are left", err, r.left(t))
	}
	if err := next.Catch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if summary := posted(t, 1, r.slack.requests()); summary.told() != 2 || r.left(t) != "0+0" {
		t.Errorf("reports %d of 2, and %s are left", summary.told(), r.left(t))
	}
}

func TestKeepWithoutAQueueIsAnErrorAndCatchIsNot(t *testing.T) {
	n := open(t, newClock(), aws.Config{}, notify.Options{})
	if err := n.Keep(t.Context(), []notify.Message{{}}); !errors.Is(err, notify.ErrNoQueue) {
		t.Errorf("error %v", err)
	}
	if err := n.Catch(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQueueEntryThatIsNotAMessageStaysAndIsAnError(t *testing.T) {
	r := newRig(t)
	failed := `{"version":"1.0","requestContext":{"condition":"RetriesExhausted"},"requestPayload":` + event("222222222222", "222222222222") + `}`
	for _, body := range []string{"garbage", failed, event("222222222222", "444444444444"), `{"source":"aws.iam"}`} {
		must[*sqs.SendMessageOutput](t)(sqs.NewFromConfig(r.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &r.queue, MessageBody: &body}))
	}
	err := r.center.Handle(t.Context(), schedule)
	if err == nil || strings.Count(err.Error(), "queue entry ") != 2 || strings.Contains(err.Error(), "notify") {
		t.Fatalf("error %v, want two entries named", err)
	}
	summary := posted(t, 1, r.slack.requests())
	if summary.told() != 2 || r.left(t) != "0+2" {
		t.Errorf("reports %d of 2, and %s are left", summary.told(), r.left(t))
	}
	if want := "(reported by account 444444444444)"; strings.Count(summary.whole(), "(reported by account") != 1 || !strings.Contains(summary.whole(), want) {
		t.Errorf("the sending account is not named:\n%s", summary.whole())
	}
}

// event is a message as the bus delivers it.
func event(of, by string) string {
	m := users(1, of)[0]
	m.ID += "/" + by
	detail, _ := json.Marshal(m)
	return fmt.Sprintf(`{"version":"0","source":"forcemfa","detail-type":"forcemfa message","account":%q,"detail":%s}`, by, detail)
}

func TestUnknownPayloadsAreRejected(t *testing.T) {
	p, c := newPeer(t, slackOK), newClock()
	n := open(t, c, aws.Config{}, notify.Options{SlackWebhook: p.URL + secretPath})
	for _, row := range []struct{ payload, want string }{
		{`nonsense`, "read the event: invalid character 'o' in literal null (expecting 'u')"},
		{`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail"}`, `read the event: source "aws.iam" with detail-type "AWS API Call via CloudTrail" is neither a message nor a schedule`},
		{`{"source":"forcemfa","detail-type":"forcemfa message","detail":{"kind":"finding"}}`, "read message: the message has no id"},
		{`{"source":"forcemfa","detail-type":"forcemfa message","detail":{"id":"a","kind":"finding","account":"1"}}`, `read message "a": account "1" is not an account ID`},
		{`{"source":"forcemfa","detail-type":"forcemfa message","detail":{"id":"a","account":"222222222222"}}`, `read message "a": the message has no kind`},
		{`{"source":"forcemfa","detail-type":"other"}`, `read the event: source "forcemfa" with detail-type "other" is not a message`},
		{`{}`, "make a summary: no queue is configured (FORCEMFA_QUEUE)"},
	} {
		if err := n.Handle(t.Context(), []byte(row.payload)); err == nil || err.Error() != row.want {
			t.Errorf("%s: error %v\nwant  %s", row.payload, err, row.want)
		}
	}
	if got := p.requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
	nobody := open(t, c, aws.Config{}, notify.Options{Queue: "https://sqs.eu-west-1.amazonaws.com/111111111111/later"})
	for _, payload := range []string{string(schedule), event("222222222222", "222222222222")} {
		if err := nobody.Handle(t.Context(), []byte(payload)); err == nil || err.Error() != "send notifications: no channel is configured, so the messages stay in the queue" {
			t.Errorf("without a channel: error %v", err)
		}
	}
}
