package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// A stack set is as configured only with template, parameters and automatic deployment
// that keeps the stacks of accounts that leave.
func TestAStackSetThatDiffersInOnePartIsUpdated(t *testing.T) {
	for name, row := range map[string]struct {
		state setState
		auto  string
		same  bool
	}{
		"all the same":      {setState{template: []byte("Resources: {}"), values: map[string]string{"A": "1"}}, "<Enabled>true</Enabled><RetainStacksOnAccountRemoval>true</RetainStacksOnAccountRemoval>", true},
		"no automation":     {setState{template: []byte("Resources: {}"), values: map[string]string{"A": "1"}}, "<Enabled>false</Enabled><RetainStacksOnAccountRemoval>true</RetainStacksOnAccountRemoval>", false},
		"stacks are lost":   {setState{template: []byte("Resources: {}"), values: map[string]string{"A": "1"}}, "<Enabled>true</Enabled><RetainStacksOnAccountRemoval>false</RetainStacksOnAccountRemoval>", false},
		"another parameter": {setState{template: []byte("Resources: {}"), values: map[string]string{"A": "2"}}, "<Enabled>true</Enabled><RetainStacksOnAccountRemoval>true</RetainStacksOnAccountRemoval>", false},
		"another template":  {setState{template: []byte("Resources: {B: {}}"), values: map[string]string{"A": "1"}}, "<Enabled>true</Enabled><RetainStacksOnAccountRemoval>true</RetainStacksOnAccountRemoval>", false},
	} {
		set, _ := scripted(map[string][]string{"DescribeStackSet": {"<StackSet><TemplateBody>" + string(row.state.template) + "</TemplateBody><Parameters><member><ParameterKey>A</ParameterKey><ParameterValue>" +
			row.state.values["A"] + "</ParameterValue></member></Parameters><AutoDeployment>" + row.auto + "</AutoDeployment></StackSet>"}})
		set.values = map[string]string{"A": "1"}
		if state, err := set.describe(t.Context()); err != nil || set.same(state) != row.same {
			t.Errorf("%s: %+v, %v", name, state, err)
		}
	}
}

func TestAStoppedOperationIsAnError(t *testing.T) {
	for status, failed := range map[string]bool{"SUCCEEDED": false, "FAILED": false, "STOPPED": true, "STOPPING": true} {
		set, _ := scripted(map[string][]string{"DescribeStackSetOperation": {operation(status)}, "ListStackSetOperationResults": {""}})
		if err := set.follow(t.Context(), "op", Done, func(Outcome) {}); (err != nil) != failed {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// A stack that was not deleted still runs its function.
func TestStacksThatAreLeftAreAnError(t *testing.T) {
	set, _ := scripted(map[string][]string{
		"DeleteStackInstances": {"<OperationId>op</OperationId>"}, "DescribeStackSetOperation": {operation("SUCCEEDED")}, "ListStackSetOperationResults": {""},
		"ListStackInstances": {"<Summaries><member><Account>222222222222</Account><Region>us-east-1</Region><StatusReason>in use</StatusReason></member></Summaries>"},
	})
	err := set.empty(t.Context(), &setState{instances: []Instance{{Account: "222222222222", Region: "us-east-1"}}}, func(Outcome) {})
	if err == nil || err.Error() != "delete stack set forcemfa: 1 of its stacks still exist, the first in account 222222222222: in use" {
		t.Error(err)
	}
}

func TestFailedStacksAreThoseThatCannotBeUpdated(t *testing.T) {
	var failed []types.StackStatus
	for _, status := range types.StackStatus("").Values() {
		if state := (&stackState{status: status}); state.failed() {
			failed = append(failed, status)
		}
	}
	slices.Sort(failed)
	if diff := cmp.Diff([]types.StackStatus{"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}, failed); diff != "" {
		t.Error(diff)
	}
}

// One name is one stack: several, or none without an error, are not an answer of AWS.
func TestAnAnswerWithOtherThanOneStackIsAnError(t *testing.T) {
	member := strings.TrimSuffix(strings.TrimPrefix(described("CREATE_COMPLETE", ""), "<Stacks>"), "</Stacks>")
	for n, good := range []bool{false, true, false} {
		one, _ := aStack(map[string][]string{"DescribeStacks": {"<Stacks>" + strings.Repeat(member, n) + "</Stacks>"}})
		if state, err := one.describe(t.Context(), "forcemfa"); (err == nil) != good {
			t.Errorf("%d stacks: %+v, %v", n, state, err)
		}
	}
}

func TestAChangeSetThatCannotBeReadIsDeleted(t *testing.T) {
	one, s := aStack(map[string][]string{
		"CreateChangeSet": {"<Id>cs</Id>"}, "DeleteChangeSet": {""}, "DescribeChangeSet": {"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"},
	})
	if _, err := one.propose(t.Context(), types.ChangeSetTypeUpdate, "x"); err == nil || len(s.asks("DeleteChangeSet")) != 1 {
		t.Errorf("%v, %d deleted", err, len(s.asks("DeleteChangeSet")))
	}
}

// An answer that contains nothing says neither that something is there nor that it is not.
func TestAnswersThatContainNothingAreErrors(t *testing.T) {
	set, _ := scripted(map[string][]string{"DescribeStackSet": {""}, "DescribeStackSetOperation": {""}})
	if state, err := set.describe(t.Context()); err == nil {
		t.Errorf("a stack set: %+v", state)
	}
	if err := set.follow(t.Context(), "op", Done, func(Outcome) {}); err == nil {
		t.Error("an operation ended")
	}
	s := &script{answers: map[string][]string{"GetPolicy": {"", "<Policy><DefaultVersionId>v1</DefaultVersionId></Policy>"}, "GetPolicyVersion": {""}}}
	client := iam.NewFromConfig(aws.Config{
		Region: "us-east-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
	s.answers["GetGroup"], s.answers["ListPolicies"] = []string{""}, []string{""}
	if there, err := hasGroup(t.Context(), client); err == nil {
		t.Errorf("a group: %v", there)
	}
	if taken, err := namesTaken(t.Context(), client); err == nil {
		t.Errorf("names: %v", taken)
	}
	for path, ours := range map[string]bool{"/forcemfa/": true, "/": false} {
		s.answers["GetGroup"] = []string{"<Group><Path>" + path + "</Path><Arn>arn</Arn></Group>"}
		if there, err := hasGroup(t.Context(), client); err != nil || there != ours {
			t.Errorf("a group under %s: %v, %v", path, there, err)
		}
	}
	for range 2 {
		if text, there, err := managedPolicy(t.Context(), client, "arn:aws:iam::111111111111:policy/forcemfa/ForceMFA"); err == nil {
			t.Errorf("a policy: %q, %v", text, there)
		}
	}
}

// canned answers JSON and REST calls by the last part of their target or their method.
type canned struct {
	answers map[string]string
	headers []http.Header
}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	c.headers = append(c.headers, r.Header)
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	name := r.Method
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name = target[strings.LastIndexByte(target, '.')+1:]
	}
	text, known := c.answers[name]
	status := http.StatusOK
	if !known {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
}

func (c *canned) config() aws.Config {
	return aws.Config{Region: "us-east-1", HTTPClient: c, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

// Another account can have made a bucket of the same name.
func TestThePackageGoesOnlyToABucketOfTheAccount(t *testing.T) {
	c := &canned{answers: map[string]string{"PUT": ""}}
	u := &upload{client: s3.NewFromConfig(c.config()), bucket: "b", owner: "111111111111", pkg: &Package{Zip: []byte("x"), Hash: strings.Repeat("0", 64), Architecture: ARM64}}
	if err := u.apply(t.Context(), func(Outcome) {}); err != nil || len(c.headers) != 2 {
		t.Fatalf("%v, %d calls", err, len(c.headers))
	}
	for _, h := range c.headers {
		if h.Get("X-Amz-Expected-Bucket-Owner") != "111111111111" {
			t.Errorf("owner %q", h.Get("X-Amz-Expected-Bucket-Owner"))
		}
	}
}

func TestATrailThatLosesEventsOfIAMIsNoTrail(t *testing.T) {
	const all = `{"EventSelectors":[{"IncludeManagementEvents":true,"ReadWriteType":"All"}]}`
	trail := func(region string, multi, global string) string {
		return `{"trailList":[{"TrailARN":"t","HomeRegion":"` + region + `","IsMultiRegionTrail":` + multi + `,"IncludeGlobalServiceEvents":` + global + `}]}`
	}
	for name, row := range map[string]struct{ trail, status, selectors, want string }{
		"every event":          {trail("eu-west-1", "true", "true"), `{"IsLogging":true}`, all, Logged},
		"this Region":          {trail("us-east-1", "false", "true"), `{"IsLogging":true}`, all, Logged},
		"another Region":       {trail("eu-west-1", "false", "true"), `{"IsLogging":true}`, all, NoTrail},
		"no global services":   {trail("us-east-1", "true", "false"), `{"IsLogging":true}`, all, NoTrail},
		"stopped":              {trail("us-east-1", "true", "true"), `{"IsLogging":false}`, all, NoTrail},
		"an empty status":      {trail("us-east-1", "true", "true"), `{}`, all, NoTrail},
		"reads only":           {trail("us-east-1", "true", "true"), `{"IsLogging":true}`, `{"EventSelectors":[{"IncludeManagementEvents":true,"ReadWriteType":"ReadOnly"}]}`, NoTrail},
		"selectors not listed": {trail("us-east-1", "true", "true"), `{"IsLogging":true}`, `{}`, NoTrail},
	} {
		c := &canned{answers: map[string]string{"DescribeTrails": row.trail, "GetTrailStatus": row.status, "GetEventSelectors": row.selectors}}
		if got := coverageOf(t.Context(), c.config()); got.State != row.want {
			t.Errorf("%s: %+v, want %s", name, got, row.want)
		}
	}
}

func TestValuesOfTheFunction(t *testing.T) {
	d := &Deployment{partition: "aws", caller: "111111111111", home: "us-east-1", o: Options{
		Baseline: parsed(t, configs["default"]), Package: testPackage(t, configs["default"]), Parameters: map[string]string{"WhitelistTag": "team:ops", "Mode": "enforce"},
	}, found: &fleet.Discovery{}}
	member, notifier, err := d.values(nil, "bucket")
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.SettingsHash(func(name string) string {
		return map[string]string{"FORCEMFA_MODE": "enforce", "FORCEMFA_CONFIG_HASH": d.o.Package.ConfigHash, "WHITELIST_TAG": "team:ops"}[name]
	})
	if member["SettingsHash"] != want || len(notifier) != 0 {
		t.Errorf("hash %s, want %s; notifier %v", member["SettingsHash"], want, notifier)
	}
	d.found.Header.Organization = &org.Organization{ID: "o-1"}
	d.o.Baseline.Notify.SecurityHub = true
	d.o.Parameters["SlackWebhookParameter"] = secret
	member, notifier, err = d.values(nil, "bucket")
	if err != nil || member["SlackWebhookParameter"] != "" || notifier["SlackWebhookParameter"] != secret {
		t.Errorf("in an organization: %v, member %q, notifier %q", err, member["SlackWebhookParameter"], notifier["SlackWebhookParameter"])
	}
	n := baseline.Notify{}
	if values, err := notified(&n); err != nil || len(values) != 0 {
		t.Errorf("no channel: %v, %v", values, err)
	}
	n.SecurityHub = true
	for _, webhook := range []string{"https://hooks.slack.com/services/T/B/x", "arn:aws:s3:::bucket/webhook", "ssm:/webhook"} {
		n.Slack.Webhook = webhook
		if values, err := notified(&n); err == nil {
			t.Errorf("%s: %v", webhook, values)
		}
	}
}

func TestCentralScansWhatWasSelected(t *testing.T) {
	accounts := []*org.Account{{ID: "111111111111", State: "ACTIVE"}, {ID: "222222222222", State: "SUSPENDED"}, {ID: "333333333333", State: "ACTIVE"}}
	for name, row := range map[string]struct {
		o         Options
		only, not string
	}{
		"all":      {Options{}, "", ""},
		"except":   {Options{Except: []string{"333333333333"}}, "", "333333333333"},
		"accounts": {Options{Accounts: []string{"111111111111"}, Except: []string{"333333333333"}}, "111111111111", ""},
		"units":    {Options{Units: []string{"ou-1"}}, "111111111111,333333333333", ""},
		"narrowed": {Options{Narrowed: true}, "111111111111,333333333333", ""},
	} {
		d := &Deployment{o: row.o, found: &fleet.Discovery{Accounts: accounts}}
		if only, not, err := d.scanned(); err != nil || only != row.only || not != row.not {
			t.Errorf("%s: only %q, not %q, %v", name, only, not, err)
		}
	}
}

func TestStackSetsSelectAccounts(t *testing.T) {
	for name, row := range map[string]struct {
		o    Options
		want filter
	}{
		"all":      {Options{}, filter{}},
		"accounts": {Options{Accounts: []string{"222222222222"}}, filter{types.AccountFilterTypeIntersection, []string{"222222222222"}}},
		"narrowed": {Options{Narrowed: true}, filter{types.AccountFilterTypeIntersection, []string{"222222222222"}}},
		"except":   {Options{Except: []string{"333333333333"}}, filter{types.AccountFilterTypeDifference, []string{"333333333333"}}},
	} {
		row.o.Baseline = parsed(t, configs["default"])
		d := &Deployment{o: row.o, partition: "aws", found: &fleet.Discovery{Accounts: []*org.Account{{ID: "222222222222", State: "ACTIVE"}}, Header: org.Header{Units: []org.Unit{{ID: "r-1"}}}}}
		set := &stackSet{}
		if err := d.addStackSets(set, &setState{}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, set.filter, cmp.AllowUnexported(filter{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOtherAccountsActAsADelegatedAdministrator(t *testing.T) {
	d := &Deployment{caller: "222222222222", found: &fleet.Discovery{Header: org.Header{Organization: &org.Organization{ManagementAccount: "111111111111"}}}}
	var access *AccessError
	if err := d.trusted(context.Background()); !errors.As(err, &access) || d.callAs != types.CallAsDelegatedAdmin {
		t.Errorf("%v, as %s", err, d.callAs)
	}
}

func TestADriftDetectionThatFailsIsNotInSync(t *testing.T) {
	s := &script{answers: map[string][]string{"DescribeStackDriftDetectionStatus": {"<DetectionStatus>DETECTION_FAILED</DetectionStatus><DetectionStatusReason>no permission</DetectionStatusReason>" +
		"<StackDriftStatus>IN_SYNC</StackDriftStatus>"}}}
	c := &driftCheck{client: s.client(), place: here, name: "forcemfa", id: "id", running: "d"}
	if c.look(t.Context()); c.gap == nil || c.gap.Why != "no permission" || c.running != "" {
		t.Errorf("gap %v, running %q", c.gap, c.running)
	}
	s.answers["DetectStackDrift"] = []string{"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"}
	c = &driftCheck{client: s.client(), place: here, name: "forcemfa", id: "id"}
	if c.start(t.Context()); c.gap == nil || !strings.Contains(c.gap.Why, "AccessDenied") || c.running != "" {
		t.Errorf("not started: gap %v, running %q", c.gap, c.running)
	}
	got := differences([]types.PropertyDifference{
		{PropertyPath: aws.String("/Environment/Variables/A"), ActualValue: aws.String("off"), ExpectedValue: aws.String("enforce"), DifferenceType: types.DifferenceTypeNotEqual},
		{PropertyPath: aws.String("/Tags"), ActualValue: aws.String("x"), DifferenceType: types.DifferenceTypeAdd},
		{PropertyPath: aws.String("/Role"), ExpectedValue: aws.String("y"), DifferenceType: types.DifferenceTypeRemove},
		{PropertyPath: aws.String("/Code"), ActualValue: aws.String(strings.Repeat("x", 99)), DifferenceType: types.DifferenceTypeNotEqual},
	})
	if want := "Environment.Variables.A is off, deployed enforce; Tags was added: x; Role was removed, deployed y; Code differs"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// What changed is shown once for many accounts with the same drift.
func TestDriftOfManyAccountsSaysWhatChanged(t *testing.T) {
	var p Plan
	for _, id := range []string{"111111111111", "222222222222", "333333333333", "444444444444"} {
		p.Findings = append(p.Findings, finding(driftRule, &accountState{account: &org.Account{ID: id}}, "stack/forcemfa", "the rule was disabled"))
	}
	var out strings.Builder
	if err := p.Text(&out, view.Style{Width: 160}); err != nil || strings.Count(out.String(), "the rule was disabled") != 1 {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestTheBootstrapIsFoundAmongOtherFiles(t *testing.T) {
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	for _, name := range []string{"README", bootstrapName} {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, "this is "+name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := Unpack(text.Bytes()); err != nil || string(got) != "this is bootstrap" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnUnknownNameInATemplateIsAnError(t *testing.T) {
	for _, property := range []string{`{"Fn::Sub": "${Nothing}"}`, `{Ref: Nothing}`} {
		if got, err := Resolve([]byte("Resources: {A: {Type: T, Properties: {P: "+property+"}}}"), here, nil); err == nil {
			t.Errorf("%s: %v", property, got)
		}
	}
}

// A part that fails says what AWS said, without request IDs and attempts.
func TestAFailedPartQuotesAWS(t *testing.T) {
	one, _ := aStack(map[string][]string{"DescribeStacks": {"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"}})
	d := &Deployment{parts: []part{one}, clock: clock{time.Now, quickly}, o: Options{Baseline: parsed(t, configs["default"])}}
	var got []string
	if err := d.Apply(t.Context(), func(o Outcome) { got = append(got, string(o.Status)+" "+o.Why) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"failed describe stack forcemfa in 111111111111 us-east-1: AccessDenied: no"}, got); diff != "" {
		t.Error(diff)
	}
}
