package stssvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A rootTask is a task that a root session can do in a member account.
type rootTask struct {
	feature string // of centralized root access
	actions string
}

const auditRoot = `"iam:GetAccessKeyLastUsed","iam:GetAccountSummary","iam:GetLoginProfile","iam:GetUser","iam:ListAccessKeys","iam:ListMFADevices","iam:ListSigningCertificates"`

// rootTasks are the task policies of AssumeRoot, with the actions that the task consists
// of. AWS's own documents may allow more.
// Source: IAM User Guide, "Perform a privileged task on an AWS Organizations member
// account".
var rootTasks = map[string]rootTask{
	"IAMAuditRootUserCredentials":  {world.RootCredentials, auditRoot},
	"IAMCreateRootUserPassword":    {world.RootCredentials, `"iam:CreateLoginProfile","iam:GetLoginProfile"`},
	"IAMDeleteRootUserCredentials": {world.RootCredentials, auditRoot + `,"iam:DeactivateMFADevice","iam:DeleteAccessKey","iam:DeleteLoginProfile","iam:DeleteSigningCertificate"`},
	"S3UnlockBucketPolicy":         {world.RootSessions, `"s3:DeleteBucketPolicy","s3:GetBucketPolicy","s3:ListAllMyBuckets","s3:PutBucketPolicy"`},
	"SQSUnlockQueuePolicy":         {world.RootSessions, `"sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListQueues","sqs:SetQueueAttributes"`},
}

// Source: STS API Reference, AssumeRoot, DurationSeconds.
const rootSession = 900

// taskOf returns the task of a task policy.
func taskOf(c *operation.Call, in *sts.AssumeRootInput) (rootTask, error) {
	prefix := "arn:" + c.World.Partition + ":iam::aws:policy/root-task/"
	name, ok := strings.CutPrefix(aws.ToString(in.TaskPolicyArn.Arn), prefix)
	task, known := rootTasks[name]
	if !ok || !known {
		return rootTask{}, invalid("The task policy %s does not exist", aws.ToString(in.TaskPolicyArn.Arn))
	}
	return task, nil
}

// target returns the account of TargetPrincipal: its ID, or the ARN of its root user.
func target(in *sts.AssumeRootInput) string {
	if named, err := arn.Parse(*in.TargetPrincipal); err == nil {
		return named.Account
	}
	return *in.TargetPrincipal
}

// assumeRootAsks needs the permission of the caller's account alone.
// Source: IAM User Guide, "Centralize root access for member accounts".
func assumeRootAsks(c *operation.Call, in *sts.AssumeRootInput) ([]operation.Ask, error) {
	if err := validate(in); err != nil {
		return nil, err
	}
	if _, err := taskOf(c, in); err != nil {
		return nil, err
	}
	return []operation.Ask{{
		Action: "sts:AssumeRoot", Resource: "arn:" + c.World.Partition + ":iam::" + target(in) + ":root",
		Context: func(x *policy.Context) { x.Set("sts:TaskPolicyArn", *in.TaskPolicyArn.Arn) },
	}}, nil
}

func assumeRoot(c *operation.Call, in *sts.AssumeRootInput) (*sts.AssumeRootOutput, error) {
	task, err := taskOf(c, in)
	if err != nil {
		return nil, err
	}
	account := target(in)
	if !mayAssumeRoot(c, account, task) {
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRoot on resource: arn:%s:iam::%s:root", c.Caller.Principal.ARN, c.World.Partition, account)
	}
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + task.actions + `],"Resource":"*"}]}`
	s := world.Session{
		Account: account, Credential: policy.RootSession, Present: policy.False,
		Policies: []policy.Source{c.World.Parse("task policy "+*in.TaskPolicyArn.Arn, policy.Session, document)},
	}
	out := &sts.AssumeRootOutput{}
	if from := c.Caller.Session; from != nil && from.SourceIdentity != "" {
		s.SourceIdentity, out.SourceIdentity = from.SourceIdentity, aws.String(from.SourceIdentity)
	}
	seconds := int32(rootSession)
	if in.DurationSeconds != nil && *in.DurationSeconds > 0 {
		seconds = *in.DurationSeconds
	}
	out.Credentials = issue(c, s, time.Duration(seconds)*time.Second, nil)
	return out, nil
}

// mayAssumeRoot reports whether the caller's account manages root access, the task is
// enabled, and the other account is a member.
func mayAssumeRoot(c *operation.Call, account string, task rootTask) bool {
	o, a := c.World.Organization, c.World.Account(account)
	if o == nil || a == nil || a.Unit == "" || c.World.IsManagement(account) || !slices.Contains(o.RootFeatures, task.feature) {
		return false
	}
	return c.World.IsManagement(c.Caller.Account) || o.Delegates(c.Caller.Account, "iam.amazonaws.com")
}

func decodeAuthorizationMessageAsks(_ *operation.Call, in *sts.DecodeAuthorizationMessageInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "sts:DecodeAuthorizationMessage", Resource: "*"}}, validate(in)
}

// decodeAuthorizationMessage refuses every message: no operation here answers with an
// encoded one.
func decodeAuthorizationMessage(*operation.Call, *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	return nil, &types.InvalidAuthorizationMessageException{Message: aws.String("Message is not valid")}
}
