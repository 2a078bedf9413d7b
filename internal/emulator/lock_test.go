package emulator

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/dynamodbsvc"
	"forcemfa/internal/emulator/ec2svc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/logssvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/world"
)

// during returns what a call locks while it is performed, and calls f meanwhile.
func during(t *testing.T, c *Cloud, caller world.Caller, service, name string, in any, f func()) hold {
	t.Helper()
	j, err := c.direct(caller, service, name, in)
	if err != nil {
		t.Fatal(err)
	}
	var held hold
	j.done = func(any) {
		held = *j.hold
		f()
	}
	r := j.record()
	if c.tell(c.perform(&j, &r)); r.Err != nil {
		t.Fatalf("%s: %v", name, r.Err)
	}
	return held
}

func callerOf(t *testing.T, c *Cloud, name string) world.Caller {
	t.Helper()
	caller, err := c.Caller(keyOf(name))
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// While one account changes something, others read and write. With one lock for all, this
// test would never end.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	c := newCloud(t, Options{History: true})
	alice, admin := callerOf(t, c, "alice"), callerOf(t, c, "root-admin")
	during(t, c, alice, "iam", "CreateUser", &iam.CreateUserInput{UserName: aws.String("new")}, func() {
		for _, call := range []struct {
			service, name string
			in            any
		}{
			{"iam", "GetUser", &iam.GetUserInput{UserName: aws.String("root-admin")}},
			{"iam", "CreateUser", &iam.CreateUserInput{UserName: aws.String("new")}},
			{"sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{}},
			{"sts", "GetSessionToken", &sts.GetSessionTokenInput{}},
			{"organizations", "ListAccounts", &organizations.ListAccountsInput{}},
			{"s3", "CreateBucket", &s3svc.BucketInput{Bucket: "made-meanwhile"}},
			{"s3", "PutObject", &s3svc.PutObjectInput{Bucket: "made-meanwhile", Key: "key"}},
			{"s3", "GetObject", &s3svc.GetObjectInput{Bucket: "made-meanwhile", Key: "key"}},
			{"sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: aws.String("queue")}},
			{"sqs", "SendMessage", &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/" + management + "/queue"), MessageBody: aws.String("text")}},
			{"secretsmanager", "CreateSecret", &secretsmanager.CreateSecretInput{Name: aws.String("secret"), SecretString: aws.String("text")}},
			{"events", "PutEvents", &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{Source: aws.String("test"), DetailType: aws.String("test"), Detail: aws.String("{}")}}}},
			{"dynamodb", "ListTables", &dynamodbsvc.ListTablesInput{}},
			{"cloudformation", "DescribeStacks", &cloudformation.DescribeStacksInput{}},
			{"cloudtrail", "LookupEvents", &cloudtrail.LookupEventsInput{}},
			{"lambda", "ListFunctions", &lambdasvc.ListInput{}},
			{"logs", "CreateLogGroup", &logssvc.CreateLogGroupInput{LogGroupName: aws.String("group")}},
		} {
			if _, err := c.Do(admin, call.service, call.name, call.in); err != nil {
				t.Errorf("%s: %v", call.name, err)
			}
		}
	})
}

func TestCallLocksWhatItReaches(t *testing.T) {
	for _, test := range []struct {
		caller, service, name string
		in                    any
		reach                 operation.Reach
		writes                bool
	}{
		{"alice", "iam", "GetUser", &iam.GetUserInput{}, operation.Account, false},
		{"alice", "iam", "CreateGroup", &iam.CreateGroupInput{GroupName: aws.String("g")}, operation.Account, true},
		{"alice", "iam", "CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: aws.String("alias")}, operation.Everything, false},
		{"alice", "sts", "AssumeRole", assumption(member), operation.Account, true},
		{"alice", "s3", "ListBuckets", &s3svc.ListBucketsInput{}, operation.Account, false},
		{"alice", "s3", "PutObject", &s3svc.PutObjectInput{Bucket: world.BucketName(member), Key: "key"}, operation.Account, true},
		{"alice", "cloudtrail", "DescribeTrails", &cloudtrail.DescribeTrailsInput{}, operation.Everything, false},
		{"alice", "cloudtrail", "CreateTrail", &cloudtrail.CreateTrailInput{Name: aws.String("trail")}, operation.Account, true},
		{"root-admin", "cloudtrail", "DescribeTrails", &cloudtrail.DescribeTrailsInput{}, operation.Account, false},
		{"root-admin", "cloudformation", "DescribeOrganizationsAccess", &cloudformation.DescribeOrganizationsAccessInput{}, operation.Account, false},
		{"alice", "cloudformation", "DescribeOrganizationsAccess", &cloudformation.DescribeOrganizationsAccessInput{}, operation.Everything, false},
		{"root-admin", "organizations", "ListRoots", &organizations.ListRootsInput{}, operation.Members, false},
		{"root-admin", "organizations", "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentId: aws.String("r-root"), Name: aws.String("u")}, operation.Everything, false},
	} {
		c := newCloud(t, Options{})
		h := during(t, c, callerOf(t, c, test.caller), test.service, test.name, test.in, func() {})
		if h.reach != test.reach || h.writes != test.writes || (h.cell == nil) != (test.reach == operation.Everything) {
			t.Errorf("%s has reach %d and writes %t, want %d and %t", test.name, h.reach, h.writes, test.reach, test.writes)
		}
	}
}

func assumption(account string) *sts.AssumeRoleInput {
	return &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/Operator"), RoleSessionName: aws.String("session")}
}

// The IDs of an account do not depend on what others do, so that a log of calls of several
// accounts gives the same IDs again.
func TestIDsOfAnAccountDependOnItsCallsAlone(t *testing.T) {
	var ids []string
	for _, busy := range []bool{false, true} {
		c := newCloud(t, Options{})
		in := &iam.CreateUserInput{UserName: aws.String("new")}
		if busy {
			if _, err := c.Do(callerOf(t, c, "root-admin"), "iam", "CreateUser", in); err != nil {
				t.Fatal(err)
			}
		}
		out, err := c.Do(callerOf(t, c, "alice"), "iam", "CreateUser", in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.(*iam.CreateUserOutput).User.UserId)
	}
	if ids[0] != ids[1] {
		t.Errorf("the ID is %s, and %s when another account has created a user", ids[0], ids[1])
	}
}

// A call that names things of another account reaches only what its table says: world
// panics otherwise.
func TestCallsThatNameOtherAccountsStayInTheirReach(t *testing.T) {
	const own, other = "111111111111", "222222222222"
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + other + `:user/dev","arn:aws:iam::` + other + `:role/Admin","` + other + `"]},"Action":"sts:AssumeRole"}}`
	sent := 0
	for _, service := range []string{"iam", "sts", "organizations"} {
		for operation := range services()[service].byName {
			for _, v := range variants(modeled[service](), operation, service != "organizations") {
				input := inAccount(v.input, own, other, trust).(map[string]any)
				if v.refused || cmp.Equal(input, v.input) {
					continue
				}
				w := httptest.NewRecorder()
				New(fresh().Fork(), Options{Clock: func() time.Time { return noon }}).ServeHTTP(w, request(service, operation, input).sign(t))
				sent++
				if w.Code >= 500 {
					t.Errorf("%s:%s %s: %d %s", service, operation, v, w.Code, w.Body)
				}
			}
		}
	}
	if sent < 100 {
		t.Errorf("only %d calls name another account", sent)
	}
}

// Accounts call all services at once, for things of their own and of the other account, and
// compete for the name of a bucket. World panics when a call leaves its reach, and the race
// detector sees what it shares.
func TestServicesSeparateAccounts(t *testing.T) {
	c := newCloud(t, Options{History: true})
	var callers []world.Caller
	for _, name := range []string{"alice", "root-admin"} {
		callers = append(callers, callerOf(t, c, name))
	}
	var wait sync.WaitGroup
	for i, caller := range callers {
		other := callers[1-i].Account
		wait.Go(func() {
			for range 20 {
				for _, owner := range []string{caller.Account, other} {
					for _, call := range callsFor(owner) {
						var api smithy.APIError
						if _, err := c.Do(caller, call.service, call.name, call.in); err != nil && !errors.As(err, &api) {
							t.Errorf("%s of %s: %v", call.name, owner, err)
						}
					}
				}
			}
		})
	}
	wait.Wait()
	owner := ""
	c.View(func(w *world.World) {
		for _, id := range []string{member, management} {
			if w.Account(id).Buckets["wanted"] != nil {
				owner += id
			}
		}
		if owner != w.BucketOwner("wanted") {
			t.Errorf("the bucket is in the accounts %q, and its owner is %q", owner, w.BucketOwner("wanted"))
		}
	})
}

type directCall struct {
	service, name string
	in            any
}

// callsFor are calls for things of an account.
func callsFor(account string) []directCall {
	queue, bus := aws.String("https://sqs.us-east-1.amazonaws.com/"+account+"/queue"), aws.String("arn:aws:events:us-east-1:"+account+":event-bus/bus")
	secret, bucket := aws.String("arn:aws:secretsmanager:us-east-1:"+account+":secret:secret"), world.BucketName(account)
	entry := ebtypes.PutEventsRequestEntry{EventBusName: bus, Source: aws.String("test"), DetailType: aws.String("test"), Detail: aws.String("{}")}
	role := "arn:aws:iam::" + account + ":role/Operator"
	redrive := `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:` + account + `:queue","maxReceiveCount":1}`
	return []directCall{
		{"s3", "CreateBucket", &s3svc.BucketInput{Bucket: "wanted"}},
		{"s3", "PutObject", &s3svc.PutObjectInput{Bucket: "wanted", Key: "key", Body: []byte("body")}},
		{"s3", "GetObject", &s3svc.GetObjectInput{Bucket: "wanted", Key: "key"}},
		{"s3", "DeleteObject", &s3svc.DeleteObjectInput{Bucket: "wanted", Key: "key"}},
		{"s3", "DeleteBucket", &s3svc.BucketInput{Bucket: "wanted"}},
		{"s3", "PutObject", &s3svc.PutObjectInput{Bucket: bucket, Key: "key", Body: []byte("body")}},
		{"s3", "PutBucketPolicy", &s3svc.PolicyInput{Bucket: bucket, Policy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}`}},
		{"s3", "ListObjectsV2", &s3svc.ListObjectsInput{Bucket: bucket}},
		{"sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: aws.String("queue"), Attributes: map[string]string{"RedrivePolicy": redrive}}},
		{"sqs", "SendMessage", &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String("text")}},
		{"sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueUrl: queue}},
		{"secretsmanager", "CreateSecret", &secretsmanager.CreateSecretInput{Name: aws.String("secret"), SecretString: aws.String("text")}},
		{"secretsmanager", "GetSecretValue", &secretsmanager.GetSecretValueInput{SecretId: secret}},
		{"events", "CreateEventBus", &eventbridge.CreateEventBusInput{Name: aws.String("bus")}},
		{"events", "DescribeEventBus", &eventbridge.DescribeEventBusInput{Name: bus}},
		{"events", "PutRule", &eventbridge.PutRuleInput{Name: aws.String("rule"), EventBusName: bus, EventPattern: aws.String(`{"source":["test"]}`)}},
		{"events", "PutTargets", &eventbridge.PutTargetsInput{Rule: aws.String("rule"), EventBusName: bus, Targets: []ebtypes.Target{{Id: aws.String("1"), Arn: bus, RoleArn: &role}}}},
		{"events", "PutEvents", &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entry}}},
		{"lambda", "CreateFunction", &lambdasvc.CreateInput{FunctionName: "function", S3Bucket: bucket, S3Key: "key", Settings: lambdasvc.Settings{Role: role, Timeout: 3, DeadLetter: "arn:aws:sqs:us-east-1:" + account + ":queue"}}},
		{"lambda", "GetFunction", &lambdasvc.FunctionInput{FunctionName: "arn:aws:lambda:us-east-1:" + account + ":function:function"}},
		{"cloudtrail", "CreateTrail", &cloudtrail.CreateTrailInput{Name: aws.String("trail"), S3BucketName: &bucket, IsOrganizationTrail: aws.Bool(true)}},
		{"cloudtrail", "GetTrailStatus", &cloudtrail.GetTrailStatusInput{Name: aws.String("arn:aws:cloudtrail:us-east-1:" + account + ":trail/trail")}},
		{"cloudtrail", "DescribeTrails", &cloudtrail.DescribeTrailsInput{}},
		{"cloudtrail", "LookupEvents", &cloudtrail.LookupEventsInput{}},
		{"cloudformation", "CreateStack", &cloudformation.CreateStackInput{StackName: aws.String("stack"), TemplateBody: aws.String(`{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}`)}},
		{"cloudformation", "DescribeStacks", &cloudformation.DescribeStacksInput{StackName: aws.String("arn:aws:cloudformation:us-east-1:" + account + ":stack/stack/1")}},
		{"cloudformation", "ListStackSets", &cloudformation.ListStackSetsInput{}},
		{"cloudformation", "DescribeStackSet", &cloudformation.DescribeStackSetInput{StackSetName: aws.String("set")}},
		{"monitoring", "DescribeAlarms", &cloudwatchsvc.DescribeAlarmsInput{}},
		{"logs", "CreateLogGroup", &logssvc.CreateLogGroupInput{LogGroupName: aws.String("group")}},
		{"logs", "DescribeLogGroups", &logssvc.DescribeLogGroupsInput{}},
		{"dynamodb", "ListTables", &dynamodbsvc.ListTablesInput{}},
		{"ec2", "DescribeInstances", &ec2svc.DescribeInstancesInput{}},
	}
}

// inAccount names another account, and puts a trust policy in the place of documents.
func inAccount(value any, own, other, trust string) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			out[name] = inAccount(member, own, other, trust)
			if strings.HasSuffix(name, "PolicyDocument") {
				out[name] = trust
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = inAccount(v[i], own, other, trust)
		}
		return out
	case string:
		return strings.ReplaceAll(v, own, other)
	}
	return value
}
