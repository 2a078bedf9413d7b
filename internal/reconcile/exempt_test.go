package reconcile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/notify"
	"forcemfa/internal/plan"
	"forcemfa/internal/trail"
)

// A name or path can exempt a user like a tag, and is an alert like a tag.
func TestANameOrPathThatExemptsIsAnAlert(t *testing.T) {
	b, err := baseline.Parse("c.yaml", []byte("version: 1\nexemptions:\n- {match: {path: /workloads/*}, owner: a, reason: b}\n- {match: {name: ci-*}, owner: a, reason: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		story string
		do    func(*iam.Client) error
		alert bool
	}{
		{"moved to an exempt path", func(c *iam.Client) error {
			_, err := c.UpdateUser(context.Background(), &iam.UpdateUserInput{UserName: aws.String("bob"), NewPath: aws.String("/workloads/a/")})
			return err
		}, true},
		{"an exempt name", func(c *iam.Client) error {
			_, err := c.UpdateUser(context.Background(), &iam.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("ci-bob")})
			return err
		}, true},
		{"created with an exempt name", func(c *iam.Client) error {
			_, err := c.CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("ci-eve")})
			return err
		}, true},
		{"created otherwise", func(c *iam.Client) error {
			_, err := c.CreateUser(context.Background(), &iam.CreateUserInput{UserName: aws.String("eve")})
			return err
		}, false},
		{"another path", func(c *iam.Client) error {
			_, err := c.UpdateUser(context.Background(), &iam.UpdateUserInput{UserName: aws.String("bob"), NewPath: aws.String("/people/")})
			return err
		}, false},
	} {
		r := newRig(t, 1, nil, person("bob", baseline.GroupName))
		o := r.options(home)
		o.Settings.Baseline = b
		events := r.eventsOf(func() {
			if err := row.do(r.as(home)); err != nil {
				t.Fatal(err)
			}
		})
		if _, err := r.fresh(o, home).Handle(context.Background(), events[0]); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, m := range r.told.messages {
			found = found || m.Kind == notify.KindTampering && m.Severity == audit.High && strings.Contains(m.What, "got a name or path that exempts the user from MFA")
		}
		if found != row.alert {
			t.Errorf("%s: messages %+v", row.story, r.told.messages)
		}
	}
}

// The function's role trusts Lambda, which is no reason to be silent about a change.
func TestANewTrustPolicyOfTheFunctionIsAnAlert(t *testing.T) {
	r := newRig(t, 1, nil, person("bob"))
	events := r.eventsOf(func() {
		if _, err := r.as(home).UpdateAssumeRolePolicy(context.Background(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(executor), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`)}); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := r.function(home).Handle(context.Background(), events[0]); err != nil {
		t.Fatal(err)
	}
	if len(r.told.messages) != 1 || !strings.Contains(r.told.messages[0].What, "the trust policy of the function's role") {
		t.Errorf("messages %+v", r.told.messages)
	}
}

// Nobody may get an enrollment window by creating a user.
func TestTheFunctionOpensNoWindowForANewUser(t *testing.T) {
	a, err := newRig(t, 1, nil, person("bob")).function(home).read(context.Background(), time.Minute)
	if err != nil || a.Input.NoWindowBefore != 24*time.Hour {
		t.Errorf("%v", err)
	}
}

// Only a sign-in that says so had MFA.
func TestASignInThatDoesNotSayMFAIsOneWithout(t *testing.T) {
	for used, without := range map[string]bool{`"MFAUsed":"Yes"`: false, `"MFAUsed":"No"`: true, ``: true, `"MFAUsed":""`: true} {
		e, err := trail.Parse([]byte(`{"detail-type":"AWS Console Sign In via CloudTrail","source":"aws.signin","account":"111111111111","id":"1","time":"2026-11-20T09:00:00Z","region":"us-east-1",` +
			`"detail":{"eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{` + used + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutMFA(&incident{event: e}); got != without {
			t.Errorf("%s: %v", used, got)
		}
	}
}

func TestTheFunctionMakesStepsOfItsAccountOnly(t *testing.T) {
	a, err := newRig(t, 1, nil, person("bob")).function(home).read(context.Background(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for account, may := range map[string]bool{home: true, "999999999999": false} {
		s := plan.NewStep(plan.AddUserToGroup, account, "arn:aws:iam::"+account+":user/bob", baseline.GroupName, plan.State{}, plan.State{Present: true})
		if a.may(&s) != may {
			t.Errorf("%s: %v", account, !may)
		}
	}
}

// A finding is sent again by the next scan; tampering happened once.
func TestOnlyAlertsAreRememberedAsSent(t *testing.T) {
	f := newRig(t, 1, nil, person("bob")).function(home)
	if err := f.newRun("scan", "x").notify(context.Background(), []notify.Message{{ID: "a", Kind: notify.KindFinding}, {ID: "b", Kind: notify.KindTampering}}); err != nil {
		t.Fatal(err)
	}
	if f.sent.has("a") || !f.sent.has("b") {
		t.Error("remembered a finding, or forgot an alert")
	}
}
