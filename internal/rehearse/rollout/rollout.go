// Package rollout plays the deployment on the embedded AWS: the Lambda is deployed to
// every account of the sample organization, enforces MFA on a schedule and on events,
// sends notifications, is tampered with, updated, rolled back and removed.
package rollout

import (
	"context"
	"os/exec"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"forcemfa/internal/baseline"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/engine"
	"forcemfa/internal/fleet"
	"forcemfa/internal/rehearse"
)

// Options configure a rollout.
type Options struct {
	Baseline *baseline.Baseline
	Config   []byte // the config file of the baseline; nil: none
	// Progress is called with the title of each part before it is played; nil: never.
	Progress func(title string)
	// Program returns the command of a function, which calls [ServeFunction].
	Program func() *exec.Cmd
	// The following fields are for tests. Their zero values play the story as it is.

	// Started is called with the ARN of a function and every process of it that starts; nil:
	// never.
	Started func(function string, pid int)
	// Observe is called with every call of the embedded AWS; nil: never.
	Observe func(emulator.Record)
	// Template changes a template before it is deployed; nil: not.
	Template func(name string, text []byte) []byte
	// Only are the names of the parts to play; none: all.
	Only []string
	// Patience multiplies the time that a change may take to be repaired.
	Patience int
}

// A stage holds everything that the chapters of the story share.
type stage struct {
	Options
	box    *rehearse.Sandbox
	engine *engine.Engine
	procs  *Functions
	slack  *receiver
	secret string // ARN of the secret with the URL of the webhook
	fleet  *fleet.Fleet
	story  *Story
	except []string // accounts that cannot have a stack
	joined string   // the account that joined in the story
	closed []string // accounts that cannot be entered
}

// Run plays the story in a sandbox of the sample organization, which it changes. The
// error means that it could not be played; a chapter that failed is in the story.
func Run(ctx context.Context, box *rehearse.Sandbox, o Options) (*Story, error) {
	s := &stage{Options: o, box: box}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	defer s.close()
	for i := range chapters {
		if len(o.Only) > 0 && !slices.Contains(o.Only, chapters[i].name) {
			continue
		}
		if !s.play(ctx, &chapters[i]) {
			break
		}
	}
	s.story.Ended = box.Cloud.Now()
	return s.story, ctx.Err()
}

// prepare begins the story at 8:00 on the next day, hours before the schedule, and adds
// what an organization has before the deployment: a trail, trusted access of StackSets, and
// a secret with the URL of a Slack webhook.
func (s *stage) prepare(ctx context.Context) error {
	now := s.box.Cloud.Now()
	s.box.Cloud.Advance(now.Truncate(24 * time.Hour).Add(32 * time.Hour).Sub(now))
	s.story = &Story{Began: s.box.Cloud.Now()}
	s.procs = NewFunctions(s.box.Cloud, s.Program, s.Started)
	var err error
	if s.engine, err = engine.New(s.box.Cloud, s.procs); err != nil {
		return err
	}
	s.box.Cloud.OnCall(s.observe)
	if s.slack, err = receive(); err != nil {
		return err
	}
	s.box.PrepareDeployment()
	if s.fleet, err = s.newFleet(); err != nil {
		return err
	}
	cfg, err := s.enter(ctx, s.box.Home)
	if err != nil {
		return err
	}
	out, err := secretsmanager.NewFromConfig(cfg).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("slack-webhook"), SecretString: &s.slack.url})
	if err != nil {
		return err
	}
	s.secret = *out.ARN
	return nil
}

// reportTime is longer than a credential report takes in the embedded AWS.
const reportTime = 10 * time.Second

// observe lets a credential report become ready at once: a function polls it by the clock
// of this machine.
func (s *stage) observe(r emulator.Record) {
	if r.Operation == "GenerateCredentialReport" {
		s.box.Cloud.Advance(reportTime)
	}
	s.engine.Watch(r)
	if s.Observe != nil {
		s.Observe(r)
	}
}

func (s *stage) close() {
	s.procs.Close()
	s.slack.close()
	s.engine.Close()
	s.box.Cloud.OnCall(nil)
}

// wait lets the embedded AWS work for some time.
func (s *stage) wait(ctx context.Context, d time.Duration) error {
	return s.engine.Run(ctx, s.box.Cloud.Now().Add(d))
}

// sleep moves the clock: nothing else happens in the meantime.
func (s *stage) sleep(ctx context.Context, d time.Duration) error {
	s.box.Cloud.Advance(d)
	return ctx.Err()
}

// enter returns the config of an administrator of an account.
func (s *stage) enter(ctx context.Context, account string) (aws.Config, error) {
	cfg, _, err := s.fleet.Enter(ctx, account)
	return cfg, err
}

// open opens the deployment.
func (s *stage) open(ctx context.Context, parameters map[string]string) (*deploy.Deployment, error) {
	config := s.Config
	if config == nil {
		config = []byte("version: 1\n")
	}
	pkg, err := deploy.Pack(deploy.Placeholder(deploy.ARM64), config, deploy.ARM64)
	if err != nil {
		return nil, err
	}
	f, err := fleet.New(s.box.Config, fleet.Options{Rate: -1, Now: s.box.Cloud.Now, NotAccounts: s.except})
	if err != nil {
		return nil, err
	}
	return deploy.Open(ctx, f, deploy.Options{
		Baseline: s.Baseline, Package: pkg, Parameters: parameters, Except: s.except, Template: s.Template, Now: s.box.Cloud.Now, Sleep: s.wait,
	})
}
