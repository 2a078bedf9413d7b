package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/world"
)

func TestASecretOfAnUnknownAccountIsRefused(t *testing.T) {
	r := newRig(t)
	client := secretsmanager.NewFromConfig(r.config(member))
	id := aws.String("arn:aws:secretsmanager:us-east-1:999999999999:secret:s-abcdef")
	if _, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: id}); codeOf(err) != "AccessDeniedException" {
		t.Errorf("%v", err)
	}
}

func TestStackSetsNeedAnOrganization(t *testing.T) {
	r := newRig(t)
	r.cloud.Update(func(w *world.World) { w.Organization = nil })
	client := cloudformation.NewFromConfig(r.config(member))
	if _, err := client.DescribeStackSet(t.Context(), &cloudformation.DescribeStackSetInput{StackSetName: aws.String("s")}); codeOf(err) != "ValidationError" {
		t.Errorf("%v", err)
	}
}

func TestRefusedTargetsAreNotAdded(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	client := eventbridge.NewFromConfig(r.config(member))
	ok(client.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["app"]}`)}))(t)
	target := func(id, arn string) eventtypes.Target { return eventtypes.Target{Id: &id, Arn: &arn} }
	queue := "arn:aws:sqs:us-east-1:" + member + ":q"
	var six []eventtypes.Target
	for n := range 6 {
		six = append(six, target(fmt.Sprint(n), queue))
	}
	for _, row := range []struct {
		targets []eventtypes.Target
		want    string
	}{
		{six, "LimitExceededException"},
		{[]eventtypes.Target{target("a", queue), target("b", "queue")}, "ValidationException"},
	} {
		if _, err := client.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: row.targets}); codeOf(err) != row.want {
			t.Errorf("%v, want %s", err, row.want)
		}
		if out := ok(client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")}))(t); len(out.Targets) != 0 {
			t.Errorf("%s: the rule has %d targets", row.want, len(out.Targets))
		}
	}
}

func TestAScheduleOfADeletedRuleDoesNothing(t *testing.T) {
	r := newRig(t)
	ok(r.do(member, "events", "PutRule", &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(5 minutes)")}))(t)
	r.wait(time.Second)
	_, fire := r.engine.next()
	r.cloud.Update(func(w *world.World) {
		for _, rule := range world.List[*eventssvc.Rule](w.Account(member)) {
			w.Drop(member, rule.ARN)
		}
	})
	fire(t.Context())
}
