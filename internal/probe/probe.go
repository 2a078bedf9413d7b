// Package probe measures how AWS behaves where its documentation leaves a doubt: with a
// user, two virtual MFA devices and a role that it makes in an empty account and removes
// again.
//
// A question is asked with a policy whose effect differs between the possible answers, and
// with a call that changes nothing: GetGroup of a group that does not exist fails with
// NoSuchEntity if it is allowed, and with AccessDenied if it is denied.
package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
)

// Path is the IAM path of everything that a probe makes. A probe removes everything under
// it, before and after.
const Path = "/forcemfa-probe/"

// name is the name of the user, the role and their policies.
const name = "forcemfa-probe"

// Options configure a probe.
type Options struct {
	Config aws.Config // of an administrator of the empty account
	Now    func() time.Time
	// Wait waits until something is in force, or for the next code of a device.
	Wait func(context.Context, time.Duration) error
	// Show is called with each question before it is asked; nil: never.
	Show func(question string)
	// SignIn asks a person to sign in to the console and to set a new password. It returns
	// when the person says that the page has refused, or when its context ends: then the page
	// accepted. nil: there is no person, and the question about it is not measured.
	SignIn func(context.Context, SignIn) error
	// SignInPage is the address of the sign-in page; empty: that of AWS for the account.
	SignInPage string
	// Pause is like Wait, and waits for the person.
	Pause func(context.Context, time.Duration) error
}

// An Answer is what was observed about one question.
type Answer struct {
	ID         string `json:"id"`
	Question   string `json:"question"`
	Documented string `json:"documented"`
	Assumed    string `json:"assumed"`            // by forcemfa
	Observed   string `json:"observed,omitempty"` // empty: not measured
	Why        string `json:"why,omitempty"`      // it was not measured
}

// A NotEmptyError reports that an account has users that no probe made.
type NotEmptyError struct{ Users []string }

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("the account has users: %s; a probe runs only in an empty test account", strings.Join(e.Users, ", "))
}

// Run asks all questions. Everything that it made is removed when it returns, also after
// the context has ended; the error says what could not be removed. The answers that were
// measured until then are returned in any case.
func Run(ctx context.Context, o Options) (answers []Answer, err error) {
	if o.Show == nil {
		o.Show = func(string) {}
	}
	s := &stand{Options: o, admin: iam.NewFromConfig(o.Config)}
	if err := s.refuseUsers(ctx); err != nil {
		return nil, err
	}
	if err := s.remove(ctx); err != nil {
		return nil, err
	}
	defer func() {
		after, stop := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
		defer stop()
		if failed := s.remove(after); failed != nil {
			err = errors.Join(err, fmt.Errorf("%w; run the probe again to remove what is left under %s", failed, Path))
		}
	}()
	if err := s.make(ctx); err != nil {
		return nil, err
	}
	if err := s.leaveTraces(ctx); err != nil {
		return nil, err
	}
	for _, q := range questions {
		a := q.Answer
		o.Show(a.Question)
		var refused smithy.APIError
		var open notMeasured
		switch a.Observed, err = q.ask(ctx, s); {
		case errors.As(err, &refused) && ctx.Err() == nil: // the next question has another policy
			a.Observed, a.Why, err = "", refused.ErrorCode()+": "+refused.ErrorMessage(), nil
		case errors.As(err, &open):
			a.Observed, a.Why, err = "", string(open), nil
		case err != nil:
			return answers, fmt.Errorf("%s: %w", a.ID, err)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// removeWithin is how long removing may take: CloudFormation deletes a stack in half a
// minute.
const removeWithin = 4 * time.Minute

// refuseUsers refuses an account with users of anybody else.
func (s *stand) refuseUsers(ctx context.Context) error {
	var others []string
	for pages := iam.NewListUsersPaginator(s.admin, &iam.ListUsersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the users: %w", err)
		}
		for _, u := range page.Users {
			if aws.ToString(u.Path) != Path && len(others) < 3 {
				others = append(others, aws.ToString(u.UserName))
			}
		}
	}
	if len(others) > 0 {
		return &NotEmptyError{others}
	}
	return nil
}

// A Call is an operation that a probe uses.
type Call struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	For       string `json:"for"`
}

// Calls lists every operation of a probe, with a person who signs in or without. None of
// them costs anything.
func Calls(signIn bool) []Call {
	if signIn {
		return slices.Concat(calls, signInCalls)
	}
	return calls
}

// signInCalls are those of the question about a first sign-in.
var signInCalls = []Call{
	{"iam", "GetAccountPasswordPolicy", "see whether it lets every user change the password"},
	{"iam", "CreateLoginProfile", "give the user " + Path + signInName + " a password that must be changed"},
	{"iam", "GetLoginProfile", "see whether the person has changed it"},
}

var calls = []Call{
	{"iam", "ListUsers", "refuse an account that is not empty; find leftovers"},
	{"iam", "ListRoles", "find leftovers"},
	{"iam", "ListVirtualMFADevices", "find leftovers"},
	{"iam", "CreateUser", "make the user " + Path + name + "; with --sign-in, another one without a device"},
	{"iam", "CreateAccessKey", "make their access keys"},
	{"iam", "UpdateAccessKey", "make the second key inactive"},
	{"sts", "GetCallerIdentity", "leave a trace with the second key, active and inactive"},
	{"iam", "CreateVirtualMFADevice", "make two virtual MFA devices"},
	{"iam", "EnableMFADevice", "enable them for the user"},
	{"iam", "CreateRole", "make the role " + Path + name + ", which the account itself can assume"},
	{"iam", "PutUserPolicy", "give the user the policy of a question"},
	{"iam", "PutRolePolicy", "give the role the policy of a question"},
	{"iam", "GetGroup", "ask, as the user or the role: the group does not exist"},
	{"iam", "TagUser", "ask, as the user: the tagged user does not exist"},
	{"sts", "GetSessionToken", "start a session with and without MFA"},
	{"sts", "AssumeRole", "assume the role with and without a code"},
	{"cloudformation", "CreateStack", "make a stack of two groups, as the user"},
	{"iam", "CreateGroup", "make these groups under " + Path + ", by CloudFormation"},
	{"cloudformation", "DescribeStacks", "wait for the stack"},
	{"cloudformation", "DescribeStackEvents", "find out which group was made"},
	{"cloudtrail", "LookupEvents", "find the traces of the second key"},
	{"cloudformation", "DeleteStack", "remove the stack"},
	{"iam", "DeleteGroup", "remove the groups, by CloudFormation"},
	{"iam", "ListAccessKeys", "remove the user"},
	{"iam", "DeleteAccessKey", "remove the user"},
	{"iam", "ListMFADevices", "remove the user"},
	{"iam", "DeactivateMFADevice", "remove the user"},
	{"iam", "DeleteVirtualMFADevice", "remove the devices"},
	{"iam", "DeleteLoginProfile", "remove the user"},
	{"iam", "ListUserPolicies", "remove the user"},
	{"iam", "DeleteUserPolicy", "remove the user"},
	{"iam", "DeleteUser", "remove the user"},
	{"iam", "ListRolePolicies", "remove the role"},
	{"iam", "DeleteRolePolicy", "remove the role"},
	{"iam", "DeleteRole", "remove the role"},
}
