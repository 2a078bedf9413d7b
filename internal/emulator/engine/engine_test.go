package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/logssvc"
	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/world"
)

// template is a function with a queue for failed events, and a rule for new users. %s are
// the policy of its role and the schedule.
const template = `
Parameters:
  Key: {Type: String, Default: a.zip, AllowedPattern: "^[a-z.]+$"}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
      Policies: [{PolicyName: own, PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: [%s], Resource: "*"}]}}]
  Failed: {Type: "AWS::SQS::Queue"}
  FailedPolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [{Ref: Failed}]
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: "sqs:SendMessage", Resource: {"Fn::GetAtt": [Failed, Arn]}}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Timeout: 10
      Role: {"Fn::GetAtt": [Role, Arn]}
      Code: {S3Bucket: code, S3Key: {Ref: Key}}
      DeadLetterConfig: {TargetArn: {"Fn::GetAtt": [Failed, Arn]}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: new-users
      EventPattern: {source: [aws.iam], detail: {eventName: [CreateUser]}}
      State: ENABLED
      Targets: [{Id: function, Arn: {"Fn::GetAtt": [Function, Arn]}, DeadLetterConfig: {Arn: {"Fn::GetAtt": [Failed, Arn]}}}]
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: {Ref: Function}, Action: "lambda:InvokeFunction", Principal: events.amazonaws.com, SourceArn: {"Fn::GetAtt": [Rule, Arn]}}
  Daily:
    Type: AWS::Events::Rule
    Properties: {Name: daily, ScheduleExpression: "%s", State: ENABLED, Targets: [{Id: function, Arn: {"Fn::GetAtt": [Function, Arn]}}]}
Outputs:
  Queue: {Value: {"Fn::GetAtt": [Failed, QueueName]}}
`

const rights = `"sqs:SendMessage", "logs:CreateLogStream", "logs:PutLogEvents"`

func (r *rig) deploy(account, text string) (id string) {
	r.t.Helper()
	client := cloudformation.NewFromConfig(r.config(account))
	id = *ok(client.CreateStack(r.t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("one"), TemplateBody: &text, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	}))(r.t).StackId
	r.wait(time.Minute)
	return id
}

func (r *rig) status(account, stack string) string {
	r.t.Helper()
	client := cloudformation.NewFromConfig(r.config(account))
	out, err := client.DescribeStacks(r.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return codeOf(err)
	}
	return string(out.Stacks[0].StackStatus)
}

func (r *rig) newUser(account, name string) {
	r.t.Helper()
	ok(iam.NewFromConfig(r.config(account)).CreateUser(r.t.Context(), &iam.CreateUserInput{UserName: &name}))(r.t)
}

// failedEvents returns how many messages the queue of the stack has.
func (r *rig) failedEvents(account string) int {
	r.t.Helper()
	client := sqs.NewFromConfig(r.config(account))
	urls := ok(client.ListQueues(r.t.Context(), &sqs.ListQueuesInput{}))(r.t).QueueUrls
	out := ok(client.ReceiveMessage(r.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &urls[0], MaxNumberOfMessages: 10}))(r.t)
	return len(out.Messages)
}

func TestAnEventInvokesTheFunctionOfItsRule(t *testing.T) {
	r := newRig(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	r.newUser(member, "eve")
	r.newUser(management, "mallory") // has no rule
	r.wait(time.Second)
	if len(r.seen) != 1 || r.seen[0].Account != member || !strings.Contains(string(r.seen[0].Payload), `"eve"`) {
		t.Fatalf("%d invocations, problems %v", len(r.seen), r.engine.Problems())
	}
	if r.wait(25 * time.Hour); len(r.seen) != 1 {
		t.Errorf("%d invocations: the schedule has no permission", len(r.seen))
	}
	if problems := r.engine.Problems(); len(problems) != 1 || !strings.Contains(problems[0].What, "lambda:InvokeFunction") {
		t.Errorf("problems %v", problems)
	}
}

// Source: Lambda Developer Guide, "Asynchronous invocation".
func TestAFailedEventIsTriedThreeTimesAndKept(t *testing.T) {
	r := newRig(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	r.fail = errors.New("exit status 1")
	r.newUser(member, "eve")
	for _, want := range []struct {
		after time.Duration
		seen  int
	}{{time.Second, 1}, {time.Minute, 2}, {2 * time.Minute, 3}, {time.Hour, 3}} {
		if r.wait(want.after); len(r.seen) != want.seen {
			t.Errorf("after another %s: %d invocations, want %d", want.after, len(r.seen), want.seen)
		}
	}
	if n := r.failedEvents(member); n != 1 {
		t.Errorf("%d events in the dead-letter queue", n)
	}
}

func TestAnEventWaitsForAFunctionThatWasStopped(t *testing.T) {
	r := newRig(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	ok(r.do(member, "lambda", "PutFunctionConcurrency", &lambdasvc.ConcurrencyInput{FunctionName: "worker"}))(t)
	r.newUser(member, "eve")
	if r.wait(time.Hour); len(r.seen) != 0 {
		t.Errorf("%d invocations", len(r.seen))
	}
	ok(r.do(member, "lambda", "DeleteFunctionConcurrency", &lambdasvc.FunctionInput{FunctionName: "worker"}))(t)
	if r.wait(10 * time.Minute); len(r.seen) != 1 {
		t.Errorf("%d invocations after it", len(r.seen))
	}
}

func TestWithoutTrailThereIsNoEvent(t *testing.T) {
	r := newRig(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	client := cloudtrail.NewFromConfig(r.config(management))
	ctx := t.Context()
	ok(client.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: aws.String("all")}))(t)
	if status := ok(client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String("all")}))(t); *status.IsLogging {
		t.Error("it logs")
	}
	r.newUser(member, "eve")
	if r.wait(time.Minute); len(r.seen) != 0 {
		t.Errorf("%d invocations", len(r.seen))
	}
	ok(client.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}))(t)
	seen := cloudtrail.NewFromConfig(r.config(member))
	trails := ok(seen.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{}))(t).TrailList
	if len(trails) != 1 || !*trails[0].IsOrganizationTrail {
		t.Errorf("the member sees %v", trails)
	}
	if out := ok(seen.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: trails[0].TrailARN}))(t); len(out.EventSelectors) != 1 {
		t.Errorf("selectors %v", out)
	}
	if _, err := seen.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: trails[0].TrailARN}); codeOf(err) != "TrailNotFoundException" {
		t.Errorf("the member deletes it: %v", err)
	}
	ok(seen.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("own"), S3BucketName: aws.String("code")}))(t)
	ok(seen.PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: aws.String("own"), EventSelectors: []cttypes.EventSelector{{ReadWriteType: cttypes.ReadWriteTypeAll}}}))(t)
}

func TestAStackThatLacksARightIsRolledBack(t *testing.T) {
	r := newRig(t)
	id := r.deploy(member, fmt.Sprintf(template, `"logs:PutLogEvents"`, "rate(1 day)"))
	if got := r.status(member, "one"); got != "ROLLBACK_COMPLETE" {
		t.Fatalf("status %s", got)
	}
	client := cloudformation.NewFromConfig(r.config(member))
	events := ok(client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &id}))(t).StackEvents
	named := slices.ContainsFunc(events, func(e cfntypes.StackEvent) bool {
		return *e.LogicalResourceId == "Function" && e.ResourceStatus == "CREATE_FAILED" && strings.Contains(*e.ResourceStatusReason, "sqs:SendMessage")
	})
	if !named {
		t.Error("no event names the missing right")
	}
	r.cloud.View(func(w *world.World) {
		if a := w.Account(member); a.Roles["worker"] != nil {
			t.Error("the role is left")
		}
	})
}

func TestStackFromCreationToDeletion(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := cloudformation.NewFromConfig(r.config(member))
	text := fmt.Sprintf(template, rights, "rate(1 day)")
	id := r.deploy(member, text)
	if out := ok(client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("one")}))(t).Stacks[0]; out.StackStatus != "CREATE_COMPLETE" || len(out.Outputs) != 1 {
		t.Fatalf("%s %v", out.StackStatus, out.Outputs)
	}
	if got := *ok(client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &id}))(t).TemplateBody; got != text {
		t.Error("another template")
	}
	same := &cloudformation.UpdateStackInput{StackName: &id, UsePreviousTemplate: aws.Bool(true), Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam}}
	if _, err := client.UpdateStack(ctx, same); codeOf(err) != "ValidationError" || !strings.Contains(err.Error(), "No updates") {
		t.Errorf("the same again: %v", err)
	}
	same.Parameters = []cfntypes.Parameter{{ParameterKey: aws.String("Key"), ParameterValue: aws.String("b.zip")}}
	ok(client.UpdateStack(ctx, same))(t)
	if got := r.status(member, "one"); got != "UPDATE_IN_PROGRESS" {
		t.Errorf("status %s", got)
	}
	r.wait(time.Minute)
	set := ok(client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{StackName: &id, ChangeSetName: aws.String("cs"), TemplateBody: &text, Capabilities: same.Capabilities}))(t)
	changes := ok(client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &id, ChangeSetName: set.Id}))(t).Changes
	if len(changes) != 1 || *changes[0].ResourceChange.LogicalResourceId != "Function" || *changes[0].ResourceChange.Details[0].Target.Name != "Code" {
		t.Errorf("changes %+v", changes)
	}
	ok(client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &id, ChangeSetName: set.Id}))(t)
	r.wait(time.Minute)
	set = ok(client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{StackName: &id, ChangeSetName: aws.String("none"), TemplateBody: &text, Capabilities: same.Capabilities}))(t)
	if out := ok(client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &id, ChangeSetName: set.Id}))(t); out.Status != "FAILED" || !strings.Contains(*out.StatusReason, "didn't contain changes") {
		t.Errorf("%s %s", out.Status, *out.StatusReason)
	}
	ok(client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &id, ChangeSetName: set.Id}))(t)
	if n := len(ok(client.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: &id}))(t).StackResourceSummaries); n != 7 {
		t.Errorf("%d resources", n)
	}
	ok(client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id}))(t)
	r.wait(time.Minute)
	if got := r.status(member, "one"); got != "ValidationError" {
		t.Errorf("after its deletion: %s", got)
	}
	if left := ok(client.ListStacks(ctx, &cloudformation.ListStacksInput{StackStatusFilter: []cfntypes.StackStatus{"DELETE_COMPLETE"}}))(t); len(left.StackSummaries) != 1 {
		t.Errorf("deleted stacks %v", left.StackSummaries)
	}
	r.cloud.View(func(w *world.World) {
		for key, item := range w.Account(member).Items {
			switch item.(type) {
			case *lambdasvc.Function, *cloudwatchsvc.Alarm, *logssvc.Group:
				t.Errorf("%s is left", key)
			}
		}
	})
}

// Source: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and
// resources with drift detection".
func TestDriftOfAStackIsDetected(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := cloudformation.NewFromConfig(r.config(member))
	id := r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	detect := func() (*cloudformation.DescribeStackDriftDetectionStatusOutput, map[string]string) {
		t.Helper()
		run := ok(client.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{StackName: &id}))(t).StackDriftDetectionId
		in := &cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: run}
		if out := ok(client.DescribeStackDriftDetectionStatus(ctx, in))(t); out.DetectionStatus != cfntypes.StackDriftDetectionStatusDetectionInProgress {
			t.Errorf("at once: %s", out.DetectionStatus)
		}
		r.wait(time.Minute)
		found := map[string]string{}
		for _, d := range ok(client.DescribeStackResourceDrifts(ctx, &cloudformation.DescribeStackResourceDriftsInput{
			StackName: &id, StackResourceDriftStatusFilters: []cfntypes.StackResourceDriftStatus{"MODIFIED", "DELETED"},
		}))(t).StackResourceDrifts {
			text := string(d.StackResourceDriftStatus)
			for _, p := range d.PropertyDifferences {
				text += " " + *p.PropertyPath + " " + *p.ExpectedValue + "→" + *p.ActualValue
			}
			found[*d.LogicalResourceId] = text
		}
		return ok(client.DescribeStackDriftDetectionStatus(ctx, in))(t), found
	}
	if out, found := detect(); out.StackDriftStatus != cfntypes.StackDriftStatusInSync || *out.DriftedStackResourceCount != 0 || len(found) > 0 {
		t.Errorf("a new stack: %s, %v", out.StackDriftStatus, found)
	}
	events := eventbridge.NewFromConfig(r.config(member))
	ok(events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("new-users")}))(t)
	ok(events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("daily"), Ids: []string{"function"}}))(t)
	ok(events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("daily")}))(t)
	ok(iam.NewFromConfig(r.config(member)).DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("own")}))(t)
	out, found := detect()
	if out.StackDriftStatus != cfntypes.StackDriftStatusDrifted || *out.DriftedStackResourceCount != 3 ||
		found["Rule"] != "MODIFIED /State ENABLED→DISABLED" || found["Daily"] != "DELETED" || !strings.HasPrefix(found["Role"], "MODIFIED /Policies ") {
		t.Errorf("%s, %v", out.StackDriftStatus, found)
	}
}

func TestStackSetsFollowAccounts(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := cloudformation.NewFromConfig(r.config(management))
	name := aws.String("set")
	text := fmt.Sprintf(template, rights, "rate(1 day)")
	capable := []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam}
	ok(client.ActivateOrganizationsAccess(ctx, &cloudformation.ActivateOrganizationsAccessInput{}))(t)
	if out := ok(client.DescribeOrganizationsAccess(ctx, &cloudformation.DescribeOrganizationsAccessInput{}))(t); out.Status != "ENABLED" {
		t.Errorf("access %s", out.Status)
	}
	ok(client.CreateStackSet(ctx, &cloudformation.CreateStackSetInput{
		StackSetName: name, TemplateBody: &text, Capabilities: capable, PermissionModel: cfntypes.PermissionModelsServiceManaged,
		AutoDeployment: &cfntypes.AutoDeployment{Enabled: aws.Bool(true), RetainStacksOnAccountRemoval: aws.Bool(false)},
	}))(t)
	op := ok(client.CreateStackInstances(ctx, &cloudformation.CreateStackInstancesInput{
		StackSetName: name, Regions: []string{region}, DeploymentTargets: &cfntypes.DeploymentTargets{OrganizationalUnitIds: []string{"ou-root-aaaaaaaa"}},
	}))(t).OperationId
	if out := ok(client.DescribeStackSetOperation(ctx, &cloudformation.DescribeStackSetOperationInput{StackSetName: name, OperationId: op}))(t); out.StackSetOperation.Status != "RUNNING" {
		t.Errorf("at first %s", out.StackSetOperation.Status)
	}
	r.wait(time.Minute)
	results := ok(client.ListStackSetOperationResults(ctx, &cloudformation.ListStackSetOperationResultsInput{StackSetName: name, OperationId: op}))(t).Summaries
	if len(results) != 1 || *results[0].Account != member || results[0].Status != "SUCCEEDED" {
		t.Fatalf("results %+v", results)
	}
	orgs := organizations.NewFromConfig(r.config(management))
	made := ok(orgs.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("new"), Email: aws.String("new@example.com")}))(t).CreateAccountStatus
	id := *ok(orgs.DescribeCreateAccountStatus(ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: made.Id}))(t).CreateAccountStatus.AccountId
	move := func(from, to string) {
		t.Helper()
		ok(orgs.MoveAccount(ctx, &organizations.MoveAccountInput{AccountId: &id, SourceParentId: &from, DestinationParentId: &to}))(t)
		r.wait(3 * time.Minute)
	}
	accounts := func() (ids []string) {
		for _, i := range ok(client.ListStackInstances(ctx, &cloudformation.ListStackInstancesInput{StackSetName: name}))(t).Summaries {
			ids = append(ids, *i.Account+" "+string(i.Status))
		}
		return ids
	}
	if r.wait(3 * time.Minute); len(accounts()) != 1 {
		t.Errorf("below the root: %v", accounts())
	}
	if move(rootID, "ou-root-aaaaaaaa"); len(accounts()) != 2 || !slices.Contains(accounts(), id+" CURRENT") {
		t.Errorf("in the unit: %v", accounts())
	}
	if move("ou-root-aaaaaaaa", "ou-root-bbbbbbbb"); len(accounts()) != 1 {
		t.Errorf("after it left: %v", accounts())
	}
	ok(client.UpdateStackSet(ctx, &cloudformation.UpdateStackSetInput{StackSetName: name, UsePreviousTemplate: aws.Bool(true), Capabilities: capable,
		Parameters: []cfntypes.Parameter{{ParameterKey: aws.String("Key"), ParameterValue: aws.String("b.zip")}}}))(t)
	if set := ok(client.DescribeStackSet(ctx, &cloudformation.DescribeStackSetInput{StackSetName: name}))(t).StackSet; *set.Parameters[0].ParameterValue != "b.zip" || !*set.AutoDeployment.Enabled {
		t.Errorf("set %+v", set)
	}
	if _, err := client.DeleteStackSet(ctx, &cloudformation.DeleteStackSetInput{StackSetName: name}); codeOf(err) != "StackSetNotEmptyException" {
		t.Errorf("delete a set with instances: %v", err)
	}
	ok(client.DeleteStackInstances(ctx, &cloudformation.DeleteStackInstancesInput{
		StackSetName: name, Regions: []string{region}, RetainStacks: aws.Bool(false), DeploymentTargets: &cfntypes.DeploymentTargets{OrganizationalUnitIds: []string{rootID}},
	}))(t)
	ok(client.DeleteStackSet(ctx, &cloudformation.DeleteStackSetInput{StackSetName: name}))(t)
	if sets := ok(client.ListStackSets(ctx, &cloudformation.ListStackSetsInput{}))(t).Summaries; len(sets) != 0 {
		t.Errorf("sets %v", sets)
	}
	r.cloud.View(func(w *world.World) {
		if n := len(w.Account(member).Roles); n != 1 {
			t.Errorf("%d roles are left", n)
		}
	})
}

func TestEventsCrossAccountsByThePolicyOfTheBus(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	owner, sender := eventbridge.NewFromConfig(r.config(management)), eventbridge.NewFromConfig(r.config(member))
	queues := sqs.NewFromConfig(r.config(management))
	bus := *ok(owner.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("alerts")}))(t).EventBusArn
	entry := []eventtypes.PutEventsRequestEntry{{EventBusName: &bus, Source: aws.String("app"), DetailType: aws.String("alert"), Detail: aws.String(`{"n":1}`)}}
	if _, err := sender.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entry}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("without a policy: %v", err)
	}
	ok(owner.PutPermission(ctx, &eventbridge.PutPermissionInput{EventBusName: aws.String("alerts"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"` + bus + `","Condition":{"StringEquals":{"events:source":"app","aws:PrincipalOrgID":"o-abcdefghij"}}}]}`)}))(t)
	url := ok(queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")}))(t).QueueUrl
	attributes := ok(queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []sqstypes.QueueAttributeName{"All"}}))(t).Attributes
	rule := ok(owner.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts"), EventPattern: aws.String(`{"source":["app"]}`)}))(t).RuleArn
	ok(owner.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), EventBusName: aws.String("alerts"), Targets: []eventtypes.Target{{Id: aws.String("q"), Arn: aws.String(attributes["QueueArn"])}}}))(t)
	receive := func() []sqstypes.Message {
		t.Helper()
		ok(sender.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entry}))(t)
		r.wait(time.Second)
		return ok(queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10}))(t).Messages
	}
	if got := receive(); len(got) != 0 || len(r.engine.Problems()) != 1 {
		t.Errorf("without a policy of the queue: %d messages", len(got))
	}
	ok(queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
		attributes["QueueArn"] + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + *rule + `"}}}]}`}}))(t)
	got := receive()
	if len(got) != 1 || !strings.Contains(*got[0].Body, `"account":"`+member+`"`) {
		t.Fatalf("messages %+v", got)
	}
	ok(queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 5}))(t)
	ok(queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle}))(t)
	ok(owner.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts")}))(t)
	if got := receive(); len(got) != 0 {
		t.Errorf("a disabled rule sends %d", len(got))
	}
	ok(owner.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts")}))(t)
	if out := ok(owner.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts")}))(t); out.State != "ENABLED" {
		t.Errorf("rule %s", out.State)
	}
	if out := ok(owner.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: aws.String("alerts")}))(t); len(out.Rules) != 1 {
		t.Errorf("rules %v", out.Rules)
	}
	if out := ok(owner.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r"), EventBusName: aws.String("alerts")}))(t); len(out.Targets) != 1 {
		t.Errorf("targets %v", out.Targets)
	}
	if _, err := owner.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts")}); codeOf(err) != "ValidationException" {
		t.Errorf("delete a rule with a target: %v", err)
	}
	ok(owner.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), EventBusName: aws.String("alerts"), Ids: []string{"q"}}))(t)
	ok(owner.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r"), EventBusName: aws.String("alerts")}))(t)
	if out := ok(owner.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("alerts")}))(t); out.Policy == nil {
		t.Error("the bus has no policy")
	}
	if out := ok(owner.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{}))(t); len(out.EventBuses) != 2 {
		t.Errorf("buses %v", out.EventBuses)
	}
	ok(owner.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("alerts")}))(t)
	if out := ok(queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")}))(t); *out.QueueUrl != *url {
		t.Errorf("URL %s", *out.QueueUrl)
	}
	ok(queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url}))(t)
}

// Source: SQS Developer Guide, "Using dead-letter queues".
func TestAMessageThatIsReceivedTooOftenMoves(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := sqs.NewFromConfig(r.config(member))
	dead := ok(client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")}))(t).QueueUrl
	url := ok(client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{
		"VisibilityTimeout": "60", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:` + member + `:dead","maxReceiveCount":2}`,
	}}))(t).QueueUrl
	ok(client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")}))(t)
	receive := func(from *string) []sqstypes.Message {
		t.Helper()
		return ok(client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: from}))(t).Messages
	}
	first := receive(url)
	if len(first) != 1 || len(receive(url)) != 0 {
		t.Fatal("a received message is not hidden")
	}
	ok(client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: first[0].ReceiptHandle}}}))(t)
	if len(receive(url)) != 1 {
		t.Fatal("it does not return at once")
	}
	r.wait(2 * time.Minute)
	if len(receive(url)) != 0 {
		t.Error("it is received a third time")
	}
	moved := receive(dead)
	if len(moved) != 1 {
		t.Fatal("it is not in the dead-letter queue")
	}
	out := ok(client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: dead, Entries: []sqstypes.DeleteMessageBatchRequestEntry{{Id: aws.String("a"), ReceiptHandle: moved[0].ReceiptHandle}}}))(t)
	if len(out.Successful) != 1 {
		t.Errorf("deleted %v", out)
	}
}

func TestSecretsAreReadByTheirARN(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := secretsmanager.NewFromConfig(r.config(member))
	made := ok(client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("s"), SecretString: aws.String("one")}))(t)
	ok(client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("two")}))(t)
	if got := *ok(client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN}))(t).SecretString; got != "two" {
		t.Errorf("value %s", got)
	}
	other := secretsmanager.NewFromConfig(r.config(management))
	if _, err := other.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("another account: %v", err)
	}
	ok(client.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: made.ARN, ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + management + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`)}))(t)
	ok(other.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN}))(t)
	if out := ok(client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("s")}))(t); *out.ARN != *made.ARN {
		t.Errorf("described %s", *out.ARN)
	}
	ok(client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: made.ARN}))(t)
	if out := ok(client.ListSecrets(ctx, &secretsmanager.ListSecretsInput{}))(t); len(out.SecretList) != 0 {
		t.Errorf("left %v", out.SecretList)
	}
}

func TestAlarmsChangeTheirState(t *testing.T) {
	r := newRig(t)
	ok(r.do(member, "monitoring", "PutMetricAlarm", &cloudwatchsvc.PutMetricAlarmInput{Alarm: cloudwatchsvc.Alarm{
		AlarmName: "errors", Namespace: "AWS/Lambda", MetricName: "Errors", Dimensions: map[string]string{"FunctionName": "worker"}, Statistic: "Sum", ComparisonOperator: "GreaterThanOrEqualToThreshold",
		TreatMissingData: "notBreaching", Period: 300, EvaluationPeriods: 1, Threshold: 1,
	}}))(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	r.wait(10 * time.Minute)
	r.fail = errors.New("exit status 1")
	r.newUser(member, "eve")
	r.wait(time.Hour)
	var states []string
	for _, t := range r.engine.Transitions() {
		states = append(states, t.To)
	}
	if !slices.Equal(states, []string{"OK", "ALARM", "OK"}) {
		t.Errorf("states %v", states)
	}
	out := ok(r.do(member, "monitoring", "DescribeAlarms", &cloudwatchsvc.DescribeAlarmsInput{}))(t).(*cloudwatchsvc.DescribeAlarmsOutput)
	if len(out.MetricAlarms) != 1 || *out.MetricAlarms[0].StateValue != "OK" {
		t.Errorf("alarms %+v", out)
	}
	ok(r.do(member, "monitoring", "DeleteAlarms", &cloudwatchsvc.DeleteAlarmsInput{AlarmNames: []string{"errors"}}))(t)
}

func TestFunctionsLogsAndBucketsWithoutAStack(t *testing.T) {
	r := newRig(t)
	r.deploy(member, fmt.Sprintf(template, rights, "rate(1 day)"))
	lambda := func(operation string, in any) *lambdasvc.Output {
		t.Helper()
		return ok(r.do(member, "lambda", operation, in))(t).(*lambdasvc.Output)
	}
	f := lambda("GetFunction", &lambdasvc.FunctionInput{FunctionName: "worker"}).Function
	own := f.Settings
	own.DeadLetter = ""
	lambda("CreateFunction", &lambdasvc.CreateInput{FunctionName: "other", Settings: own, S3Bucket: "code", S3Key: "a.zip"})
	lambda("UpdateFunctionCode", &lambdasvc.CodeInput{FunctionName: "other", S3Bucket: "code", S3Key: "b.zip"})
	own.Timeout = 30
	lambda("UpdateFunctionConfiguration", &lambdasvc.SettingsInput{FunctionName: "other", Settings: own})
	lambda("PutFunctionEventInvokeConfig", &lambdasvc.EventInput{FunctionName: "other", MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60})
	lambda("AddPermission", &lambdasvc.PermissionInput{FunctionName: "other", StatementId: "s", Action: "lambda:InvokeFunction", Principal: management})
	lambda("RemovePermission", &lambdasvc.RemovalInput{FunctionName: "other", StatementId: "s"})
	if n := len(lambda("ListFunctions", &lambdasvc.ListInput{}).Functions); n != 2 {
		t.Errorf("%d functions", n)
	}
	lambda("DeleteFunction", &lambdasvc.FunctionInput{FunctionName: "other"})
	own.Role = "arn:aws:iam::" + member + ":role/admin"
	if _, err := r.do(member, "lambda", "CreateFunction", &lambdasvc.CreateInput{FunctionName: "third", Settings: own, S3Bucket: "code", S3Key: "a.zip"}); codeOf(err) != "InvalidParameterValueException" {
		t.Errorf("a role that does not trust Lambda: %v", err)
	}
	group, days := aws.String("g"), int32(30)
	ok(r.do(member, "logs", "CreateLogGroup", &logssvc.CreateLogGroupInput{LogGroupName: group}))(t)
	ok(r.do(member, "logs", "PutRetentionPolicy", &logssvc.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: &days}))(t)
	if out := ok(r.do(member, "logs", "DescribeLogGroups", &logssvc.DescribeLogGroupsInput{}))(t).(*logssvc.DescribeLogGroupsOutput); len(out.LogGroups) != 1 || *out.LogGroups[0].RetentionInDays != 30 {
		t.Errorf("groups %+v", out)
	}
	ok(r.do(member, "logs", "DeleteLogGroup", &logssvc.DeleteLogGroupInput{LogGroupName: group}))(t)
	ok(r.do(member, "s3", "CreateBucket", &s3svc.BucketInput{Bucket: "own-bucket"}))(t)
	if _, err := r.do(management, "s3", "CreateBucket", &s3svc.BucketInput{Bucket: "own-bucket"}); codeOf(err) != "BucketAlreadyExists" {
		t.Errorf("the same name: %v", err)
	}
	ok(r.do(member, "s3", "PutBucketPolicy", &s3svc.PolicyInput{Bucket: "own-bucket", Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`}))(t)
	ok(r.do(member, "s3", "DeleteBucketPolicy", &s3svc.BucketInput{Bucket: "own-bucket"}))(t)
	ok(r.do(member, "s3", "DeleteObject", &s3svc.DeleteObjectInput{Bucket: "own-bucket", Key: "none"}))(t)
	ok(r.do(member, "s3", "DeleteBucket", &s3svc.BucketInput{Bucket: "own-bucket"}))(t)
}

// A request without a required member is refused, whatever the client.
func TestRequiredMembersAreChecked(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	cfg := r.config(member)
	for _, row := range []struct {
		service, target, body, want string
	}{
		{"events", "AWSEvents.PutTargets", `{"Rule":"r","Targets":[{}]}`, "ValidationException"},
		{"events", "AWSEvents.CreateEventBus", `{}`, "ValidationException"},
		{"secretsmanager", "secretsmanager.CreateSecret", `{}`, "ValidationException"},
		{"sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/222222222222/q"}`, "MissingParameter"},
		{"cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.GetTrailStatus", `{}`, "ValidationException"},
	} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+row.service+".us-east-1.amazonaws.com/", strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", row.target)
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
		creds := ok(cfg.Credentials.Retrieve(ctx))(t)
		sum := sha256.Sum256([]byte(row.body))
		if err := v4.NewSigner().SignHTTP(ctx, creds, request, hex.EncodeToString(sum[:]), row.service, region, time.Now()); err != nil {
			t.Fatal(err)
		}
		answer, err := r.cloud.Transport().RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(text), row.want) {
			t.Errorf("%s %s: %d %s, want %s", row.target, row.body, answer.StatusCode, text, row.want)
		}
	}
}
