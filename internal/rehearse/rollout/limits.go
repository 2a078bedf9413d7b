package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/sqssvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/view"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An attempt is something that the conditions of the templates must refuse.
type attempt struct {
	what string
	try  func() error
}

// playLimits tries what an attacker could with the role of a function, or with the
// administrator's role of an account, against the journals, the package and the bus.
func playLimits(ctx context.Context, s *stage, c *Chapter) error {
	function, err := s.box.Cloud.AssumeAs(home, deploy.FunctionRole, "attacker")
	if err != nil {
		return err
	}
	asFunction := s.box.Cloud.Config(credentials.StaticCredentialsProvider{Value: function}, s.box.Config.Region)
	asMember, err := s.enter(ctx, home)
	if err != nil {
		return err
	}
	asHome, err := s.enter(ctx, s.box.Home)
	if err != nil {
		return err
	}
	attempts := append(s.attemptsOnIAM(ctx, iam.NewFromConfig(asFunction)), s.attemptsOnBucket(ctx, asFunction, asMember, asHome)...)
	attempts = append(attempts, s.attemptOnBus(ctx, eventbridge.NewFromConfig(asMember)))
	if err := mayMark(ctx, iam.NewFromConfig(asMember), function.AccountID); err != nil {
		return err
	}
	if err := s.queuesTakeUndelivered(); err != nil {
		return err
	}
	attempts = append(attempts, s.attemptsOnQueues()...)
	var worked []string
	for _, a := range attempts {
		switch err := a.try(); {
		case err == nil:
			worked = append(worked, a.what)
		case !refusedByPolicy(err):
			return fmt.Errorf("%s: %w", a.what, err)
		}
	}
	if len(worked) > 0 {
		return fmt.Errorf("not refused: %s", strings.Join(worked, "; "))
	}
	s.say(c, "%s with the role of a function, with that of an administrator of a member account and in the management account, all refused: other policies and tags, other journals, the package, the bus, the queues", view.Count(len(attempts), "attempt"))
	return nil
}

func refusedByPolicy(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") || errors.Is(err, errRefused)
}

func (s *stage) attemptsOnIAM(ctx context.Context, client *iam.Client) []attempt {
	admin, group, other := aws.String("arn:aws:iam::aws:policy/AdministratorAccess"), aws.String(baseline.GroupName), aws.String(hired)
	return []attempt{
		{"the function attaches AdministratorAccess to a user (iam:AttachUserPolicy, condition iam:PolicyARN)", func() error {
			_, err := client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: other, PolicyArn: admin})
			return err
		}},
		{"the function attaches AdministratorAccess to the group (iam:AttachGroupPolicy, condition iam:PolicyARN)", func() error {
			_, err := client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: group, PolicyArn: admin})
			return err
		}},
		{"the function sets the tag of an exemption (iam:TagUser, condition aws:TagKeys)", func() error {
			_, err := client.TagUser(ctx, &iam.TagUserInput{UserName: other, Tags: []iamtypes.Tag{{Key: aws.String("userType"), Value: aws.String("Service")}}})
			return err
		}},
		{"the function writes a policy document (iam:PutUserPolicy)", func() error {
			_, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: other, PolicyName: aws.String("own"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[]}`)})
			return err
		}},
	}
}

func (s *stage) attemptsOnBucket(ctx context.Context, function, member, management aws.Config) []attempt {
	place := s.journals(home)
	bucket, code := &place.Bucket, s.code()
	put := func(cfg aws.Config, key string, fresh *string) error {
		_, err := s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("{}"), IfNoneMatch: fresh})
		return err
	}
	return []attempt{
		{"the function writes a journal of another account (s3:PutObject)", func() error { return put(function, "journal/"+sample.Prod+"/forged", aws.String("*")) }},
		{"the function overwrites a journal (s3:PutObject, condition s3:if-none-match)", func() error { return put(function, place.Prefix+"/forged", nil) }},
		{"an administrator of the management account forges a journal (s3:PutObject, condition aws:PrincipalArn)", func() error { return put(management, place.Prefix+"/forged", aws.String("*")) }},
		{"an administrator of the management account deletes a journal (s3:DeleteObject)", func() error {
			_, err := s3.NewFromConfig(management).DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(place.Prefix + "/any")})
			return err
		}},
		{"an administrator of a member account reads the package (s3:GetObject, condition aws:PrincipalArn)", func() error {
			_, err := s3.NewFromConfig(member).GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &code})
			return err
		}},
	}
}

// code returns the key of the package.
func (s *stage) code() (key string) {
	bucket := s.journals(home).Bucket
	s.box.Cloud.View(func(w *world.World) {
		for name := range w.Account(s.box.Home).Buckets[bucket].Objects {
			if strings.HasPrefix(name, "code/") {
				key = name
			}
		}
	})
	return key
}

func (s *stage) attemptOnBus(ctx context.Context, client *eventbridge.Client) attempt {
	bus := s.function(home).Environment["FORCEMFA_BUS"]
	return attempt{"an administrator of a member account sends a notification in the name of forcemfa (events:PutEvents, condition aws:PrincipalArn)", func() error {
		_, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
			EventBusName: &bus, Source: aws.String("forcemfa"), DetailType: aws.String("forcemfa message"), Detail: aws.String(`{}`),
		}}})
		return err
	}}
}

// mayMark returns why the function could not mark a user who enrolled a device with an
// access key, which nobody in the story does.
func mayMark(ctx context.Context, client *iam.Client, account string) error {
	role := "arn:aws:iam::" + account + ":role" + baseline.Path + deploy.FunctionRole
	out, err := client.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &role, ActionNames: []string{"iam:TagUser"}, ResourceArns: []string{"arn:aws:iam::" + account + ":user/any"},
		ContextEntries: []iamtypes.ContextEntry{{ContextKeyName: aws.String("aws:TagKeys"), ContextKeyType: iamtypes.ContextKeyTypeEnumStringList, ContextKeyValues: []string{baseline.DeviceByKeyTag}}},
	})
	if err == nil && out.EvaluationResults[0].EvalDecision != iamtypes.PolicyEvaluationDecisionTypeAllowed {
		err = fmt.Errorf("the function may not mark a user with %s (iam:TagUser)", baseline.DeviceByKeyTag)
	}
	return err
}

var errRefused = errors.New("refused by the policy of the queue")

// sends reports what EventBridge may not do: send to a queue for a rule.
func sends(w *world.World, q *sqssvc.Queue, account, rule string) error {
	owner, err := arn.Parse(q.ARN)
	if err != nil {
		return err
	}
	return operation.ServiceCall{
		Service: "events.amazonaws.com", Action: "sqs:SendMessage", Resource: q.ARN, Owner: owner.Account, Kind: policy.Resource, Document: q.Policy(), SourceARN: rule, SourceAccount: account,
	}.Check(w)
}

// queuesTakeUndelivered returns why a rule could not keep an event that it cannot deliver.
func (s *stage) queuesTakeUndelivered() (why error) {
	s.box.Cloud.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			for _, rule := range world.List[*eventssvc.Rule](w.Account(id)) {
				for _, t := range rule.Targets {
					if t.DeadLetterConfig == nil {
						continue
					}
					q, ok := world.Find[*sqssvc.Queue](w.Account(id), aws.ToString(t.DeadLetterConfig.Arn))
					if !ok {
						why = fmt.Errorf("the dead-letter queue of rule %s does not exist", rule.ARN)
					} else if err := sends(w, q, id, rule.ARN); err != nil {
						why = err
					}
				}
			}
		}
	})
	return why
}

// attemptsOnQueues are the deliveries of a rule of somebody else.
func (s *stage) attemptsOnQueues() (attempts []attempt) {
	rule := "arn:aws:events:" + s.box.Config.Region + ":" + home + ":rule/other"
	s.box.Cloud.View(func(w *world.World) {
		for _, account := range []string{home, s.box.Home} {
			for _, q := range world.List[*sqssvc.Queue](w.Account(account)) {
				attempts = append(attempts, attempt{"a rule of somebody else sends to the queue " + q.Name + " (sqs:SendMessage, condition aws:SourceArn)", func() error {
					var err error
					s.box.Cloud.View(func(w *world.World) {
						if sends(w, q, home, rule) != nil {
							err = errRefused
						}
					})
					return err
				}})
			}
		}
	})
	return attempts
}
