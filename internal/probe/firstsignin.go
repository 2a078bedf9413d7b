package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/fleet"
	"forcemfa/policy/arn"
)

// signInName is the name of the user who signs in. It has no MFA device.
const signInName = name + "-sign-in"

// A SignIn is what a person needs in order to sign in for a probe. The password is for
// the terminal alone.
type SignIn struct {
	Page, Account, User, Password string
	Try                           int // from 1: after a refusal there is another one
}

// The answers about a first sign-in.
const (
	needsNothing = "nothing"
	needsChange  = "iam:ChangePassword"
	needsBoth    = "iam:ChangePassword and iam:GetAccountPasswordPolicy"
)

// passwordTries are the permissions that the user has in each try, fewest first. The
// answer is the first with which the page accepts a new password.
var passwordTries = []struct{ statement, needs string }{
	{`{"Effect":"Allow","Action":"iam:GetGroup","Resource":"*"}`, needsNothing},
	{`{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*"}`, needsChange},
	{`{"Effect":"Allow","Action":["iam:ChangePassword","iam:GetAccountPasswordPolicy"],"Resource":"*"}`, needsBoth},
}

// changePassword has a person sign in as a user whose password must be changed.
func changePassword(ctx context.Context, s *stand) (string, error) {
	if s.SignIn == nil {
		return "", notMeasured("the sign-in page asks for it, and no API does: add --sign-in")
	}
	if err := s.refuseOpenPolicy(ctx); err != nil {
		return "", err
	}
	partition, _ := arn.LookupPartition(s.partition)
	in := SignIn{Page: cmp.Or(s.SignInPage, partition.SignInPage(s.account)), Account: s.account, User: signInName, Password: "Aa1-" + rand.Text()}
	if in.Page == "" {
		return "", notMeasured("AWS does not document a sign-in page of partition " + s.partition)
	}
	key, err := s.makeSignInUser(ctx, in.Password)
	if err != nil {
		return "", err
	}
	for i, try := range passwordTries {
		if err := s.policyOf(ctx, signInName, key, try.statement); err != nil {
			return "", err
		}
		in.Try = i + 1
		if changed, err := s.changes(ctx, in); err != nil || changed {
			return try.needs, err
		}
	}
	return "", notMeasured("the password was not changed, although the user had both permissions")
}

// refuseOpenPolicy leaves the question open where the account lets every user change the
// password.
func (s *stand) refuseOpenPolicy(ctx context.Context) error {
	out, err := s.admin.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	if err == nil {
		_, err = fleet.Whole(out.PasswordPolicy, "GetAccountPasswordPolicy")
	}
	var none *iamtypes.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		return nil
	case err != nil:
		return err
	case out.PasswordPolicy.AllowUsersToChangePassword:
		return notMeasured("the password policy of the account lets every user change the password: AllowUsersToChangePassword")
	}
	return nil
}

func (s *stand) makeSignInUser(ctx context.Context, password string) (aws.CredentialsProvider, error) {
	if _, err := s.admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(signInName), Path: aws.String(Path)}); err != nil {
		return nil, err
	}
	key, _, err := s.newKey(ctx, signInName)
	if err != nil {
		return nil, err
	}
	_, err = s.admin.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: aws.String(signInName), Password: &password, PasswordResetRequired: true})
	return key, err
}

// How long a person may take for one try, and how often the password is still the old one
// after the person has said that the page refused. IAM is eventually consistent.
const (
	personWithin  = 15 * time.Minute
	seenUnchanged = 10
)

// changes waits until the person has changed the password, or says that the page refused.
func (s *stand) changes(ctx context.Context, in SignIn) (bool, error) {
	asked, stop := context.WithCancel(ctx)
	defer stop()
	said := make(chan error, 1)
	go func() { said <- s.SignIn(asked, in) }()
	refused, seen := false, 0
	for range personWithin / pause {
		out, err := s.admin.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: &in.User})
		if err == nil {
			_, err = fleet.Whole(out.LoginProfile, "GetLoginProfile")
		}
		if err != nil {
			return false, err
		}
		if !out.LoginProfile.PasswordResetRequired {
			if stop(); !refused {
				<-said // the prompt has ended
			}
			return true, nil
		}
		select {
		case err := <-said:
			if err != nil {
				return false, err
			}
			refused = true
		default:
		}
		if refused {
			if seen++; seen == seenUnchanged {
				return false, nil
			}
		}
		if err := s.Pause(ctx, pause); err != nil {
			return false, err
		}
	}
	return false, notMeasured("nobody signed in within " + personWithin.String())
}
