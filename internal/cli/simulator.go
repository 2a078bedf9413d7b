package cli

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
)

// An opinion is what AWS's policy simulator says of one user without MFA.
type opinion struct {
	user    audit.User
	allowed []string // actions that it would allow
	err     error    // it could not be asked
}

func (o opinion) differs() bool { return len(o.allowed) > 0 }

// A toldOpinion is an opinion as -o json prints it.
type toldOpinion struct {
	ARN     string   `json:"arn"`
	Allowed []string `json:"allowed"`
	Error   string   `json:"error,omitempty"`
}

func told(all []opinion) []toldOpinion {
	out := []toldOpinion{}
	for _, o := range all {
		t := toldOpinion{ARN: o.user.ARN, Allowed: append([]string{}, o.allowed...)}
		if o.err != nil {
			t.Error = o.err.Error()
		}
		out = append(out, t)
	}
	return out
}

// failedOpinion is the status for users that AWS could not be asked about.
func failedOpinion(all []opinion) int {
	for _, o := range all {
		if o.err != nil {
			return command.StatusIncomplete
		}
	}
	return command.StatusOK
}

// simulated are the requests that AWS is asked about: telling ones that no
// enrollment needs.
var simulated = []string{
	"s3:GetObject", "s3:PutObject", "ec2:TerminateInstances", "dynamodb:DeleteTable", "iam:CreateAccessKey",
	"iam:CreateUser", "iam:AttachUserPolicy", "iam:DeactivateMFADevice", "sts:AssumeRole", "sts:GetFederationToken",
	"secretsmanager:GetSecretValue", "kms:Decrypt", "lambda:UpdateFunctionCode",
}

// askAWS asks about every user twice over: with the key as a long-lived
// credential leaves it (absent), and as a session without MFA has it (false).
func (s *survey) askAWS(ctx context.Context, users []audit.User) ([]opinion, error) {
	defer s.progress.Done()
	var out []opinion
	for i, u := range users {
		s.progress.Show("asking AWS about users:", i, len(users))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o := opinion{user: u}
		cfg, _, err := s.fleet.Enter(ctx, u.Account)
		if err == nil {
			o.allowed, err = simulate(ctx, iam.NewFromConfig(cfg), u.ARN)
		}
		o.err = err
		out = append(out, o)
	}
	return out, nil
}

func simulate(ctx context.Context, client *iam.Client, arn string) ([]string, error) {
	var allowed []string
	seen := map[string]bool{}
	for _, keys := range [][]types.ContextEntry{nil, {mfaFalse}} {
		pages := iam.NewSimulatePrincipalPolicyPaginator(client, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &arn, ActionNames: simulated, ContextEntries: keys,
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
				return nil, errors.New("the simulator answered nothing")
			}
		}
	}
	return allowed, nil
}

var mfaFalse = types.ContextEntry{
	ContextKeyName:   aws.String("aws:MultiFactorAuthPresent"),
	ContextKeyType:   types.ContextKeyTypeEnumBoolean,
	ContextKeyValues: []string{"false"},
}
