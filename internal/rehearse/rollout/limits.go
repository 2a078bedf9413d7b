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
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/view"
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
	s.say(c, "%s with the role of a function, with that of an administrator of a member account and in the management account, all refused: other policies and tags, other journals, the package, the bus", view.Count(len(attempts), "attempt"))
	return nil
}

func refusedByPolicy(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
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
