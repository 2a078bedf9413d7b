package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// configs are baselines that give different documents.
var configs = map[string]string{
	"default": "version: 1\n",
	"full":    "version: 1\npolicy: {self_service: full, allow_password_change_before_mfa: true, console_authorization: on, max_session_age: 12h}\n",
	"none":    "version: 1\npolicy: {self_service: none, enrollment: any, fas: deny}\nwindow: {tag: team-window}\n",
}

func render(t *testing.T, name, config, partition string) string {
	t.Helper()
	text, err := Render(name, parsed(t, config), partition)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// cfn-lint follows both branches of every condition, and so covers every variant
// of the parameters. It takes seconds to start, so one run checks all templates.
func TestEveryTemplateOfEveryConfigIsCleanToCfnLint(t *testing.T) {
	t.Parallel()
	templates := map[string]string{}
	for _, name := range Names {
		templates[name+".yaml"] = render(t, name, configs["default"], "aws")
	}
	for _, config := range []string{"full", "none"} {
		templates["member-"+config+".yaml"] = render(t, Member, configs[config], "aws-us-gov")
	}
	if said := lint(t, templates); said != "" {
		t.Error(said)
	}
}

func TestATemplateIsTheSameAsJSON(t *testing.T) {
	for _, name := range Names {
		template := []byte(render(t, name, configs["default"], "aws"))
		text, err := AsJSON(template)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v in %s", name, err, text)
		}
		want, _ := parse(template)
		if got, err := parse(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the JSON has other values than the YAML, or %v", name, err)
		}
	}
}

// variants holds parameter values that make every condition of the member's and
// the notifier's templates true once and false once.
var variants = map[string]map[string]string{
	"bare":  {},
	"alone": {"SlackWebhookParameter": secret, "SlackChannelName": "alerts", "SecurityHub": "true", "Mode": "enforce", "JournalBucket": "journals", "ReservedConcurrency": "1"},
	"alone-all": {
		"SlackTokenSecret": secret, "SNSTopic": topic, "WebhookURL": "https://example.com/hook", "WebhookSecret": secret, "SecretKeyArn": key,
		"AlarmTopic": topic, "S3ObjectVersion": "v1", "SignInForwarding": "true", "PolicyAndGroup": "existing", "Architecture": "x86_64",
	},
	"some": {"Accounts": "111111111111,222222222222", "NotAccounts": "333333333333"},
	"bus":  {"BusArn": "arn:aws:events:us-east-1:222222222222:event-bus/forcemfa", "JournalBucket": "journals", "AlarmTopic": topic, "Mode": "off", "SlackWebhookParameter": secret, "SNSTopic": topic},
}

const (
	secret = "arn:aws:secretsmanager:us-east-1:111111111111:secret:slack-AbCdEf"
	topic  = "arn:aws:sns:us-east-1:111111111111:alarms"
	key    = "arn:aws:kms:us-east-1:111111111111:key/8a2f0c5e-0000-4000-8000-000000000001"
)

// whole returns the values of a variant for a template, including parameters
// without a default.
func whole(name string, variant map[string]string) map[string]string {
	values := map[string]string{}
	for k, v := range variant {
		values[k] = v
	}
	without := []string{"Accounts", "NotAccounts"}
	switch name {
	case Member, Notifier, Central, CentralMap:
		values["S3Bucket"], values["S3Key"] = "code", "code/forcemfa.zip"
	}
	switch name {
	case Notifier:
		values["OrganizationId"] = "o-abcdefghij"
		without = append(without, "Mode", "JournalBucket", "BusArn", "SecurityHub", "ReservedConcurrency", "SignInForwarding", "PolicyAndGroup")
	case Central, CentralMap:
		values["ResultBucket"] = "journals"
		without = []string{"BusArn", "ReservedConcurrency", "SignInForwarding", "PolicyAndGroup"}
	case CentralMember:
		only := map[string]string{"CentralRole": "arn:aws:iam::222222222222:role/forcemfa/ForceMFACentral"}
		for _, of := range []string{"JournalBucket", "PolicyAndGroup"} {
			if value, given := values[of]; given {
				only[of] = value
			}
		}
		return only
	}
	for _, of := range without {
		delete(values, of)
	}
	return values
}

func TestCfnLintSeesABrokenTemplate(t *testing.T) {
	t.Parallel()
	good := render(t, Member, configs["default"], "aws")
	broken := good
	for _, change := range [][2]string{
		{"Runtime: provided.al2023", "Runtime: python3.7"},
		{"{Ref: ReservedConcurrency}, {Ref: \"AWS::NoValue\"}", "{Ref: Reserved}, {Ref: \"AWS::NoValue\"}"},
		{"Action: iam:AddUserToGroup", "Actions: iam:AddUserToGroup"},
	} {
		if !strings.Contains(broken, change[0]) {
			t.Fatalf("the template has no %q to break", change[0])
		}
		broken = strings.Replace(broken, change[0], change[1], 1)
	}
	said := lint(t, map[string]string{"broken.yaml": broken})
	for _, flaw := range []string{"python3.7", "'Reserved'", "'Actions'"} {
		if !strings.Contains(said, flaw) {
			t.Errorf("cfn-lint does not report %s: %s", flaw, said)
		}
	}
}

func TestEveryVariantResolvesAndMakesEveryResourceSomewhere(t *testing.T) {
	for _, name := range Names {
		var seen []string
		template := []byte(render(t, name, configs["default"], "aws"))
		for variant, values := range variants {
			values = whole(name, values)
			switch name {
			case Bucket:
				values = map[string]string{"BucketName": "code", "OrganizationId": "o-abcdefghij"}
			case AuditRole, ApplyRole:
				values = map[string]string{"TrustedPrincipal": "arn:aws:iam::111111111111:root"}
			case Forwarder:
				values = nil
			}
			resources, err := Resolve(template, here, values)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, variant, err)
			}
			for _, r := range resources {
				seen = append(seen, r.ID)
			}
		}
		all, err := parse(template)
		if err != nil {
			t.Fatal(err)
		}
		for id := range object(all["Resources"]) {
			if !slices.Contains(seen, id) {
				t.Errorf("%s: no variant makes %s", name, id)
			}
		}
	}
}

var here = Place{Partition: "aws", Account: "111111111111", Region: "us-east-1"}

// made is one resource of the member's template.
func made(t *testing.T, name, id string, values map[string]string) Resource {
	t.Helper()
	resources, err := Resolve([]byte(render(t, name, configs["default"], "aws")), here, whole(name, values))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("%s makes no %s", name, id)
	return Resource{}
}

func TestThePolicyOfTheStackIsTheBaselines(t *testing.T) {
	for config, text := range configs {
		for _, partition := range []string{"aws", "aws-cn"} {
			b := parsed(t, text)
			resources, err := Resolve([]byte(render(t, Member, text, partition)), Place{partition, "111111111111", arn.HomeRegion(partition)}, whole(Member, nil))
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(resources, func(r Resource) bool { return r.ID == "Policy" })
			got, err := policy.Parse(policy.Identity, canonical(resources[i].Properties["PolicyDocument"]))
			if err != nil {
				t.Fatal(err)
			}
			want, err := policy.Parse(policy.Identity, b.Document(partition))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(want) {
				t.Errorf("%s in %s: %s, want %s", config, partition, got, want)
			}
			if resources[i].Properties["Path"] != baseline.Path || resources[i].Properties["ManagedPolicyName"] != baseline.PolicyName {
				t.Errorf("%s: name %v%v", config, resources[i].Properties["Path"], resources[i].Properties["ManagedPolicyName"])
			}
		}
	}
}

func TestTemplatesAndPoliciesFitTheQuotas(t *testing.T) {
	for config, text := range configs {
		for _, name := range Names {
			if n := len(render(t, name, text, "aws-us-gov")); n > inlineLimit {
				t.Errorf("%s of %s has %d bytes", name, config, n)
			}
		}
		if n := policy.Size(parsed(t, text).Document("aws-us-gov")); n > managedPolicySize {
			t.Errorf("%s: the policy has %d characters", config, n)
		}
	}
	for variant, values := range variants {
		for _, name := range []string{Member, Notifier, Central, CentralMap, CentralMember} {
			text, err := RolePolicy(name, parsed(t, configs["default"]), here, whole(name, values))
			if err != nil {
				t.Fatal(err)
			}
			if n := policy.Size(text); n > 10240 { // of a role's inline policies: IAM User Guide, "IAM and STS quotas"
				t.Errorf("%s, %s: the role's policy has %d characters", name, variant, n)
			}
		}
	}
	if n := len(pattern()); n > 2048 { // EventBridge User Guide, "EventBridge quotas"
		t.Errorf("the event pattern has %d characters", n)
	}
}

func TestTemplatesAvoidFeaturesThatStackSetsReject(t *testing.T) {
	for _, name := range Names {
		whole, err := parse([]byte(render(t, name, configs["default"], "aws")))
		if err != nil {
			t.Fatal(err)
		}
		if whole["Transform"] != nil {
			t.Errorf("%s has a transform", name)
		}
		for id, r := range object(whole["Resources"]) {
			if kind := text(object(r)["Type"]); kind == "AWS::CloudFormation::Stack" || kind == "AWS::CloudFormation::Macro" {
				t.Errorf("%s: %s is a %s", name, id, kind)
			}
		}
	}
}

func TestWithABusOnlyTheNotifierReadsSecrets(t *testing.T) {
	for name, reads := range map[string]bool{"bus": false, "alone": true, "alone-all": true, "bare": false} {
		text, err := RolePolicy(Member, parsed(t, configs["default"]), here, whole(Member, variants[name]))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text, "secretsmanager:") || strings.Contains(text, "kms:"); got != reads {
			t.Errorf("%s: reads secrets: %v", name, got)
		}
		variables := object(object(made(t, Member, "Function", variants[name]).Properties["Environment"])["Variables"])
		if got := text2(variables, "FORCEMFA_SLACK_WEBHOOK_SECRET")+text2(variables, "FORCEMFA_SLACK_TOKEN_SECRET") != ""; got != reads {
			t.Errorf("%s: its environment names a secret: %v", name, got)
		}
	}
	text, err := RolePolicy(Notifier, parsed(t, configs["default"]), here, whole(Notifier, variants["alone"]))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, `"Resource":["`+secret+`"]`) {
		t.Errorf("the notifier may not read its secret: %s", text)
	}
}

func text2(m map[string]any, name string) string { return text(m[name]) }

func TestUrgentMessagesGoToTheFunctionAndTheRestToTheQueue(t *testing.T) {
	target := func(id string) string {
		targets := made(t, Notifier, id, nil).Properties["Targets"].([]any)
		return text(object(targets[0])["Arn"])
	}
	got := map[string]string{"UrgentRule": target("UrgentRule"), "DigestRule": target("DigestRule"), "DigestSchedule": target("DigestSchedule")}
	want := map[string]string{
		"UrgentRule":     "arn:aws:lambda:us-east-1:111111111111:function:forcemfa-notifier",
		"DigestRule":     "arn:aws:sqs:us-east-1:111111111111:Queue",
		"DigestSchedule": "arn:aws:lambda:us-east-1:111111111111:function:forcemfa-digest",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	function := made(t, Notifier, "Function", nil)
	if got := text(object(function.Properties["DeadLetterConfig"])["TargetArn"]); got != want["DigestRule"] {
		t.Errorf("what cannot be sent at once goes to %s, and not into the next digest", got)
	}
}

func TestTheEventRuleIsMadeInTheHomeRegionAlone(t *testing.T) {
	for region, want := range map[string]bool{"us-east-1": true, "eu-central-1": false} {
		resources, err := Resolve([]byte(render(t, Member, configs["default"], "aws")), Place{"aws", "111111111111", region}, whole(Member, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(resources, func(r Resource) bool { return r.ID == "EventRule" }); got != want {
			t.Errorf("%s: an event rule: %v", region, got)
		}
	}
	for _, partition := range arn.PartitionIDs() {
		if _, err := Resolve([]byte(render(t, Member, configs["default"], partition)), Place{partition, "111111111111", arn.HomeRegion(partition)}, whole(Member, nil)); err != nil {
			t.Errorf("%s: %v", partition, err)
		}
	}
}

func TestTheBucketIsPrivateAndVersionedAndItsPolicyIsForTheOrganization(t *testing.T) {
	resolved := func(organization string) map[string]Resource {
		out := map[string]Resource{}
		resources, err := Resolve([]byte(render(t, Bucket, configs["default"], "aws")), here, map[string]string{"BucketName": "code", "OrganizationId": organization})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resources {
			out[r.ID] = r
		}
		return out
	}
	bucket := resolved("o-abcdefghij")["Bucket"].Properties
	want := `[{"Status":"Enabled"},{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true},{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}]`
	if got := canonical([]any{bucket["VersioningConfiguration"], bucket["PublicAccessBlockConfiguration"], bucket["OwnershipControls"]}); got != want {
		t.Errorf("bucket %s", got)
	}
	text := canonical(resolved("o-abcdefghij")["BucketPolicy"].Properties["PolicyDocument"])
	d, err := policy.Parse(policy.Resource, text)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(action, key, organization, role, tls, ifNoneMatch string) policy.Verdict {
		c := new(policy.Context)
		for name, value := range map[string]string{"s3:if-none-match": ifNoneMatch, "aws:PrincipalOrgID": organization, "aws:PrincipalArn": role, "aws:SecureTransport": tls, "aws:PrincipalAccount": "222222222222"} {
			if value != "" {
				c.Set(name, value)
			}
		}
		all, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		if err != nil {
			t.Fatal(err)
		}
		set := policy.Set{Identity: []policy.Source{{Name: "administrator", Document: all}}}
		return set.Decide(&policy.Request{
			Principal: policy.Principal{Kind: policy.RoleSession, Account: "222222222222", ARN: "arn:aws:sts::222222222222:assumed-role/x/y", Issuer: role},
			Action:    action, Resource: "arn:aws:s3:::code/" + key, ResourceAccount: "111111111111", Context: c, Policies: []policy.Source{{Name: "bucket policy", Document: d}},
		}).Verdict
	}
	const (
		function = "arn:aws:iam::222222222222:role/forcemfa/ForceMFAFunction"
		admin    = "arn:aws:iam::222222222222:role/Admin"
		stackSet = "arn:aws:iam::222222222222:role/stacksets-exec-0123456789abcdef"
		manual   = "arn:aws:iam::222222222222:role/AWSCloudFormationStackSetExecutionRole"
	)
	for _, row := range []struct {
		action, key, organization, role, tls, ifNoneMatch string
		want                                              policy.Verdict
	}{
		{"s3:GetObject", "code/forcemfa.zip", "o-abcdefghij", stackSet, "true", "", policy.Allowed},
		{"s3:GetObject", "code/forcemfa.zip", "o-abcdefghij", manual, "true", "", policy.Allowed},
		{"s3:GetObject", "code/forcemfa.zip", "o-abcdefghij", admin, "true", "", policy.ImplicitDenied},
		{"s3:GetObject", "code/forcemfa.zip", "o-abcdefghij", function, "true", "", policy.ImplicitDenied},
		{"s3:GetObject", "code/forcemfa.zip", "o-other00000", stackSet, "true", "", policy.ImplicitDenied},
		{"s3:GetObject", "code/forcemfa.zip", "o-abcdefghij", stackSet, "false", "", policy.ExplicitDenied},
		{"s3:PutObject", "code/forcemfa.zip", "o-abcdefghij", stackSet, "true", "", policy.ImplicitDenied},
		{"s3:PutObject", "journal/222222222222/run/1", "o-abcdefghij", function, "true", "*", policy.Allowed},
		{"s3:PutObject", "journal/222222222222/run/1", "o-abcdefghij", function, "true", "", policy.ExplicitDenied},
		{"s3:PutObject", "journal/333333333333/run/1", "o-abcdefghij", function, "true", "*", policy.ImplicitDenied},
		{"s3:PutObject", "journal/222222222222/run/1", "o-abcdefghij", admin, "true", "*", policy.ExplicitDenied},
		{"s3:GetObject", "journal/222222222222/run/1", "o-abcdefghij", function, "true", "", policy.ImplicitDenied},
		{"s3:DeleteObject", "journal/222222222222/run/1", "o-abcdefghij", function, "true", "", policy.ExplicitDenied},
		{"s3:DeleteObjectVersion", "journal/222222222222/run/1", "o-abcdefghij", admin, "true", "", policy.ExplicitDenied},
	} {
		if got := ask(row.action, row.key, row.organization, row.role, row.tls, row.ifNoneMatch); got != row.want {
			t.Errorf("%s %s by %s of %s, TLS %s, If-None-Match %q: %v, want %v", row.action, row.key, row.role, row.organization, row.tls, row.ifNoneMatch, got, row.want)
		}
	}
	if text := canonical(resolved("")["BucketPolicy"].Properties["PolicyDocument"]); strings.Contains(text, `"Allow"`) {
		t.Errorf("without an organization others may read: %s", text)
	}
}

func TestBadValuesAreRefusedAsCloudFormationWould(t *testing.T) {
	template := []byte(render(t, Member, configs["default"], "aws"))
	for _, row := range []struct{ name, value, want string }{
		{"Mode", "on", "parameter Mode: want one of report, enforce, off"},
		{"SlackWebhookParameter", "https://hooks.slack.com/services/T/B/x", "parameter SlackWebhookParameter: the value is not valid: ARN of the secret"},
		{"ReservedConcurrency", "11", "parameter ReservedConcurrency: want 10 or less"},
		{"ReservedConcurrency", "many", "parameter ReservedConcurrency: want a number"},
		{"ConfigHash", "abc", "parameter ConfigHash: the value is not valid"},
		{"Modus", "report", "parameter Modus: the template has no such parameter"},
		{"S3Key", "", "parameter S3Key: want 1 characters or more"},
	} {
		values := whole(Member, map[string]string{})
		values[row.name] = row.value
		_, err := Resolve(template, here, values)
		if err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s=%s: %v, want %s", row.name, row.value, err, row.want)
		}
		if row.value != "" && err != nil && strings.Contains(err.Error(), "hooks.slack.com") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
	if _, err := Resolve(template, here, nil); err == nil || err.Error() != "parameter S3Bucket: no value" {
		t.Errorf("without values: %v", err)
	}
}

func TestTheEmbeddedPatternIsJSON(t *testing.T) {
	var v map[string]any
	if err := json.Unmarshal([]byte(pattern()), &v); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("templates/*.yaml")
	if err != nil || len(files) != len(Names) {
		t.Errorf("templates %v, names %v: %v", files, Names, err)
	}
}

func FuzzResolve(f *testing.F) {
	for _, name := range Names {
		text, err := os.ReadFile("templates/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"Resources":{"A":{"Type":"T","Properties":{"Fn::If":["C",1,2]}}},"Conditions":{"C":{"Condition":"C"}}}`)
	f.Fuzz(func(t *testing.T, template string) {
		resources, err := Resolve([]byte(template), here, nil)
		if err == nil {
			_ = fmt.Sprint(resources)
		}
	})
}
