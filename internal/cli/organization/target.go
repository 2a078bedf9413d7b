package organization

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go/logging"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/filefault"
	"forcemfa/internal/fleet"
	"forcemfa/internal/rehearse"
	"forcemfa/policy/arn"
)

// A Target is what a verb works on: the accounts, and their wanted state.
type Target struct {
	*Flags
	Fleet    *fleet.Fleet
	Baseline *baseline.Baseline

	CheckProofs, LongTerm bool // see survey.Options

	// Box is the sandbox of --sandbox; nil: the target is AWS.
	Box *rehearse.Sandbox
}

// Open reads config and credentials. It makes no request.
func (s *Flags) Open(ctx context.Context) (*Target, error) {
	standIn := func() (*baseline.Baseline, error) { return baseline.Default(), nil }
	load := s.AWSConfig
	if s.Sandbox != "" {
		s.Rate = unlimited
		if err := s.openBox(ctx); err != nil {
			return nil, err
		}
		standIn = s.box.Baseline
		load = func(context.Context) (aws.Config, error) { return s.box.Config, nil }
	}
	b, err := s.ReadBaseline(standIn)
	if err != nil {
		return nil, err
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, err
	}
	return s.target(cfg, b)
}

// openBox opens the sandbox, once for a command.
func (s *Flags) openBox(ctx context.Context) error {
	if s.box != nil {
		return nil
	}
	box, err := offline.OpenSandbox(s.Sandbox, emulator.Options{Clock: s.Env.Now})
	if err == nil && s.History {
		err = box.LoadHistory(s.Env.Now())
	}
	if err != nil {
		return err
	}
	box.CompleteReports()
	s.box = box
	return nil
}

func (s *Flags) target(cfg aws.Config, b *baseline.Baseline) (*Target, error) {
	// A sandbox has a Region of its own; a mistyped --region is a mistake there too.
	for _, region := range []string{s.Region, cfg.Region} {
		if region != "" && !arn.IsRegion(region) {
			return nil, command.WithHint(fmt.Errorf("unknown Region %q", region), "name a Region as us-east-1 or eu-central-1 in --region, AWS_REGION or the profile")
		}
	}
	f, err := fleet.New(cfg, fleet.Options{
		RoleName:    s.RoleName,
		ExternalID:  s.ExternalID,
		Duration:    s.Duration,
		Concurrency: s.Concurrency,
		Rate:        s.Rate,
		Accounts:    s.Accounts,
		NotAccounts: s.NotAccounts,
		OUs:         s.Units,
		NotOUs:      s.NotUnits,
		Tags:        s.Tags,
		NotTags:     s.NotTags,
		Now:         s.Env.Now,
	})
	if err != nil {
		return nil, err
	}
	return &Target{Flags: s, Fleet: f, Baseline: b, Box: s.box}, nil
}

// AWSConfig takes credentials and region from where the AWS CLI takes them. A
// profile whose role asks for a code gets it from the person at the terminal.
func (s *Flags) AWSConfig(ctx context.Context) (aws.Config, error) {
	ask := func() (string, error) { return s.Env.Ask(ctx, "MFA code: ") }
	options := []func(*config.LoadOptions) error{
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.TokenProvider = ask }),
		config.WithLogger(logging.Nop{}), // what matters comes back as an error
	}
	if s.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.Profile))
	}
	if s.Region != "" {
		options = append(options, config.WithRegion(s.Region))
	}
	cfg, err := command.LoadConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, command.WithHint(fmt.Errorf("load AWS config: %w", err), cmp.Or(filefault.Next(err, ""), command.ProfileHint(s.Profile)))
	}
	return cfg, nil
}

// Home is the account whose name confirms a rollback: the management account,
// or the caller's own where the organization cannot be seen.
func (t *Target) Home(ctx context.Context) (id, alias string, err error) {
	caller, err := t.Fleet.Identify(ctx)
	if err != nil {
		return "", "", fmt.Errorf("find out the account: %w", err)
	}
	cfg, _, err := t.Fleet.Enter(ctx, caller.Account)
	if err != nil {
		return "", "", err
	}
	id = caller.Account
	if out, err := organizations.NewFromConfig(cfg).DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{}); err == nil && out.Organization != nil {
		id = aws.ToString(out.Organization.MasterAccountId)
	}
	if cfg, _, err = t.Fleet.Enter(ctx, id); err != nil {
		return id, "", nil // its ID confirms as well
	}
	out, err := iam.NewFromConfig(cfg).ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if err != nil || len(out.AccountAliases) == 0 {
		return id, "", nil
	}
	return id, out.AccountAliases[0], nil
}
