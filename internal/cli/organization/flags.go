// Package organization is the organization that a verb works on: the flags that choose it,
// the accounts and their wanted state, what was read of them, and a run that changes
// them.
package organization

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/rehearse"
)

// Flags are the flags of every verb that works on an organization.
type Flags struct {
	command.Output
	Invoked command.Invocation

	Config      string
	Profile     string
	Region      string
	RoleName    string
	ExternalID  string
	Accounts    []string
	NotAccounts []string
	Units       []string
	NotUnits    []string
	Tags        []string
	NotTags     []string
	Duration    time.Duration
	Concurrency int
	Rate        float64 // as fleet.Options.Rate
	Sandbox     string
	History     bool // the sandbox has the sample's month in its Event history
	NoNotify    bool // send no summary of the run
	Loopback    bool // notification channels on this machine without TLS, for tests
	Strict      bool
	Adopt       []string // policies that are adopted, in addition to those of the config

	box *rehearse.Sandbox // of Sandbox, once it is open
}

// Filtered reports whether the flags leave accounts out.
func (s *Flags) Filtered() bool {
	return len(s.Accounts)+len(s.NotAccounts)+len(s.Units)+len(s.NotUnits)+len(s.Tags)+len(s.NotTags) > 0
}

func (s *Flags) Add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.Config, "config", "", "config `file` (default forcemfa.yaml)")
	f.StringVar(&s.Profile, "profile", "", "AWS `profile` of the management account or a delegated administrator")
	f.StringVar(&s.Region, "region", "", "AWS Region for STS (default: of the profile, or of the partition)")
	f.StringVar(&s.RoleName, "role-name", "", "role to assume in member accounts (default OrganizationAccountAccessRole)")
	f.StringVar(&s.ExternalID, "external-id", "", "external ID for that role")
	f.DurationVar(&s.Duration, "session-duration", 0, "duration of the sessions of that role (default 1h)")
	f.StringSliceVar(&s.Accounts, "accounts", nil, "only these account `IDs`")
	f.StringSliceVar(&s.NotAccounts, "not-accounts", nil, "all accounts except these `IDs`")
	f.StringSliceVar(&s.Units, "ou", nil, "only accounts under these organizational units, by `ID` or name")
	f.StringSliceVar(&s.NotUnits, "not-ou", nil, "all accounts except those under these organizational units, by `ID` or name")
	f.StringSliceVar(&s.Tags, "account-tag", nil, "only accounts with one of these tags, as `KEY=VALUE` or KEY")
	f.StringSliceVar(&s.NotTags, "not-account-tag", nil, "all accounts except those with one of these tags, as `KEY=VALUE` or KEY")
	f.StringSliceVar(&s.Adopt, "adopt", nil, "take over this existing policy as the forcemfa policy, by `PATH` and name, as /ForceMFA")
	f.IntVar(&s.Concurrency, "concurrency", 0, "accounts to work on at the same time (default 20)")
	f.Float64Var(&s.Rate, "rate", 0, "requests per second to each service of an account, 0 for no limit (default 20, for STS 100, for Organizations its quotas)")
	f.StringVar(&s.Sandbox, "sandbox", "", "work on the embedded AWS: the sample organization, or a snapshot `file` (--sandbox=FILE)")
	f.Lookup("sandbox").NoOptDefVal = rehearse.Sample
	f.BoolVar(&s.Strict, "strict", false, "suspended and closed accounts make the result incomplete (status 4); otherwise they are skipped")
	s.AddFlags(c)
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		s.Invoked = command.InvocationOf(c)
		if err := s.FromEnvironment(c); err != nil {
			return err
		}
		if c.Flags().Changed("concurrency") && s.Concurrency < 1 {
			return command.Misused(c, fmt.Errorf("--concurrency %d: want 1 or more", s.Concurrency))
		}
		if c.Flags().Changed("rate") {
			if !(s.Rate >= 0 && s.Rate <= maxRate) { // also refuses NaN
				return command.Misused(c, fmt.Errorf("--rate %v: want 0 to %d", s.Rate, maxRate))
			}
			if s.Rate == 0 {
				s.Rate = unlimited
			}
		}
		return command.CheckOutput(s.Format)
	}
}

const (
	unlimited = -1     // as fleet.Options.Rate
	maxRate   = 10_000 // more than any service of AWS takes from an account
)

// FromEnvironment fills flags that were not given.
func (s *Flags) FromEnvironment(c *cobra.Command) error {
	for _, flag := range command.Variables {
		text := s.Env.Getenv(command.Variable(flag))
		if text == "" || c.Flags().Changed(flag) {
			continue
		}
		if err := c.Flags().Set(flag, text); err != nil {
			return fmt.Errorf("environment variable %s: %q is no value of --%s", command.Variable(flag), text, flag)
		}
	}
	return nil
}

// ReadBaseline reads --config, else ./forcemfa.yaml if it exists, else takes the
// stand-in: the sample's own config in its sandbox, or the default.
func (s *Flags) ReadBaseline(standIn func() (*baseline.Baseline, error)) (*baseline.Baseline, error) {
	file := s.Config
	if s.Sandbox == "" {
		file = command.ConfigFile(file)
	}
	b, err := s.Env.Baseline(file, standIn)
	if err != nil {
		return nil, err
	}
	for _, name := range s.Adopt {
		if _, err := baseline.ParseAdopt(name); err != nil {
			return nil, command.WithHint(err, "--adopt takes the path and name of a policy, as /ForceMFA")
		}
		if !slices.Contains(b.Adopt, name) {
			b.Adopt = append(b.Adopt, name)
		}
	}
	return b, nil
}
