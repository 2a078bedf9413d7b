// Package simulator asks AWS's policy simulator for a second opinion: which requests
// without MFA does it allow a user?
package simulator

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/audit"
	"forcemfa/internal/fleet"
)

// An Opinion is the simulator's answer for one user.
type Opinion struct {
	ARN     string
	Allowed []string // actions that it would allow without MFA
	Err     error    // the simulator could not be asked
}

// Actions are the actions that are simulated: common targets of an attack, none of
// which is needed for enrollment.
var Actions = []string{
	"s3:GetObject", "s3:PutObject", "ec2:TerminateInstances", "dynamodb:DeleteTable", "iam:CreateAccessKey",
	"iam:CreateUser", "iam:AttachUserPolicy", "iam:DeactivateMFADevice", "sts:AssumeRole", "sts:GetFederationToken",
	"secretsmanager:GetSecretValue", "kms:Decrypt", "lambda:UpdateFunctionCode",
}

// Ask asks about each user in its account and calls progress before each. A user that
// cannot be simulated has an opinion with the error. The error of Ask is the context's.
func Ask(ctx context.Context, f *fleet.Fleet, users []audit.User, progress func(done, total int)) ([]Opinion, error) {
	var out []Opinion
	for i, u := range users {
		progress(i, len(users))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o := Opinion{ARN: u.ARN}
		cfg, _, err := f.Enter(ctx, u.Account)
		if err == nil {
			o.Allowed, err = Simulate(ctx, iam.NewFromConfig(cfg), u.ARN)
		}
		o.Err = err
		out = append(out, o)
	}
	return out, nil
}

// Simulate returns the actions that the simulator allows a user without MFA. It
// simulates each twice: without aws:MultiFactorAuthPresent, as in a request with an
// access key, and with false, as in a session without MFA.
func Simulate(ctx context.Context, client iam.SimulatePrincipalPolicyAPIClient, userARN string) ([]string, error) {
	var allowed []string
	seen := map[string]bool{}
	for _, keys := range [][]types.ContextEntry{nil, {withoutMFA}} {
		pages := iam.NewSimulatePrincipalPolicyPaginator(client, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &userARN, ActionNames: Actions, ContextEntries: keys,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, r := range page.EvaluationResults {
				action := aws.ToString(r.EvalActionName)
				if r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed && !seen[action] {
					seen[action] = true
					allowed = append(allowed, action)
				}
			}
			if len(page.EvaluationResults) == 0 && !page.IsTruncated {
				return nil, errors.New("the policy simulator returned no results")
			}
		}
	}
	return allowed, nil
}

var withoutMFA = types.ContextEntry{
	ContextKeyName:   aws.String("aws:MultiFactorAuthPresent"),
	ContextKeyType:   types.ContextKeyTypeEnumBoolean,
	ContextKeyValues: []string{"false"},
}
