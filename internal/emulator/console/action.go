package console

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/ec2svc"
	"forcemfa/internal/emulator/s3svc"
	"forcemfa/internal/emulator/world"
)

// An action is something that a person can try.
type action struct {
	Name, Label        string
	service, operation string
	input              func(user string) any
}

// actions are those of the page. Only the last changes something.
var actions = []action{
	{"whoami", "Show who I am", "sts", "GetCallerIdentity", func(string) any { return &sts.GetCallerIdentityInput{} }},
	{"devices", "List my MFA devices", "iam", "ListMFADevices", func(user string) any { return &iam.ListMFADevicesInput{UserName: aws.String(user)} }},
	{"users", "List the users", "iam", "ListUsers", func(string) any { return &iam.ListUsersInput{} }},
	{"buckets", "List the buckets", "s3", "ListBuckets", func(string) any { return &s3svc.ListBucketsInput{} }},
	{"instances", "List the servers", "ec2", "DescribeInstances", func(string) any { return &ec2svc.DescribeInstancesInput{} }},
	{"key", "Create an access key for me", "iam", "CreateAccessKey", func(user string) any { return &iam.CreateAccessKeyInput{UserName: aws.String(user)} }},
}

// An attempt is an action that a person tried, with the decision about it.
type attempt struct {
	Label string
	emulator.Decision
	Message string // of AWS; empty: success
}

// Succeeded reports whether the action was performed.
func (a *attempt) Succeeded() bool { return a.Message == "" }

// Denied reports whether a statement refused the action.
func (a *attempt) Denied() bool { return a.Decision.Decision == emulator.ExplicitDeny }

// Unallowed reports whether the action was refused because nothing allows it.
func (a *attempt) Unallowed() bool { return a.Decision.Decision == emulator.ImplicitDeny }

// MFA returns the value of aws:MultiFactorAuthPresent in the request; empty: the key is
// absent, or no policy was asked.
func (a *attempt) MFA() string {
	if a.Context == nil {
		return ""
	}
	present, _ := a.Context.Get("aws:MultiFactorAuthPresent")
	if len(present) == 0 {
		return ""
	}
	return present[0]
}

// perform calls an operation as the caller.
func perform(c *emulator.Cloud, caller world.Caller, label, service, operation string, in any) (any, attempt) {
	out, d, err := c.Explain(caller, service, operation, in)
	a := attempt{Label: label, Decision: d}
	if err != nil {
		a.Message = messageOf(err)
	}
	return out, a
}

// mostTried bounds the attempts that a visit shows.
const mostTried = 20

func (v *visit) add(a attempt) {
	v.tried = append([]attempt{a}, v.tried[:min(len(v.tried), mostTried-1)]...)
}

func (h *handler) try(v *visit, caller world.Caller, r *http.Request) {
	for _, a := range actions {
		if a.Name == r.PostFormValue("action") {
			_, tried := perform(h.cloud, caller, a.Label, a.service, a.operation, a.input(caller.User.Name))
			v.add(tried)
		}
	}
}
