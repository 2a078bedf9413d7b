package cli

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/smithy-go/logging"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
	"forcemfa/policy/arn"
)

// A target is what a verb works on: the accounts, and their wanted state.
type target struct {
	*shared
	fleet    *fleet.Fleet
	baseline *baseline.Baseline

	checkProofs bool // see survey.Options
}

// open reads config and credentials. It makes no request.
func (s *shared) open(ctx context.Context) (*target, error) {
	standIn := func() (*baseline.Baseline, error) { return baseline.Default(), nil }
	load := s.awsConfig
	if s.sandbox != "" {
		s.rate = unlimited
		box, err := offline.OpenSandbox(s.sandbox, emulator.Options{Clock: s.Env.Now})
		if err != nil {
			return nil, err
		}
		box.CompleteReports(ctx)
		standIn = box.Baseline
		load = func(context.Context) (aws.Config, error) { return box.Config, nil }
	}
	b, err := s.readBaseline(standIn)
	if err != nil {
		return nil, err
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, err
	}
	return s.target(cfg, b)
}

func (s *shared) target(cfg aws.Config, b *baseline.Baseline) (*target, error) {
	if cfg.Region != "" && !arn.IsRegion(cfg.Region) {
		return nil, command.WithHint(fmt.Errorf("unknown Region %q", cfg.Region), "name a Region as us-east-1 or eu-central-1 in --region, AWS_REGION or the profile")
	}
	f, err := fleet.New(cfg, fleet.Options{
		RoleName:    s.roleName,
		ExternalID:  s.externalID,
		Duration:    s.duration,
		Concurrency: s.concurrency,
		Rate:        s.rate,
		Accounts:    s.accounts,
		NotAccounts: s.notAccounts,
		OUs:         s.units,
		NotOUs:      s.notUnits,
		Tags:        s.tags,
		NotTags:     s.notTags,
		Now:         s.Env.Now,
	})
	if err != nil {
		return nil, err
	}
	return &target{shared: s, fleet: f, baseline: b}, nil
}

// awsConfig takes credentials and region from where the AWS CLI takes them. A
// profile whose role asks for a code gets it from the person at the terminal.
func (s *shared) awsConfig(ctx context.Context) (aws.Config, error) {
	ask := func() (string, error) { return s.Env.Ask(ctx, "MFA code: ") }
	options := []func(*config.LoadOptions) error{
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.TokenProvider = ask }),
		config.WithLogger(logging.Nop{}), // what matters comes back as an error
	}
	if s.profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.profile))
	}
	if s.region != "" {
		options = append(options, config.WithRegion(s.region))
	}
	cfg, err := command.LoadConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, command.WithHint(fmt.Errorf("load AWS config: %w", err), command.ProfileHint(s.profile))
	}
	return cfg, nil
}
