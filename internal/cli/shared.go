package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/rehearse"
)

// shared are the flags of every verb that works on an organization.
type shared struct {
	command.Output

	config      string
	profile     string
	region      string
	roleName    string
	externalID  string
	accounts    []string
	notAccounts []string
	units       []string
	notUnits    []string
	tags        []string
	notTags     []string
	duration    time.Duration
	concurrency int
	rate        float64 // as fleet.Options.Rate
	sandbox     string
	noNotify    bool // send no summary of the run
	loopback    bool // notification channels on this machine without TLS, for tests
	strict      bool
}

// filtered reports whether the flags leave accounts out.
func (s *shared) filtered() bool {
	return len(s.accounts)+len(s.notAccounts)+len(s.units)+len(s.notUnits)+len(s.tags)+len(s.notTags) > 0
}

func (s *shared) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.config, "config", "", "config `file` (default forcemfa.yaml)")
	f.StringVar(&s.profile, "profile", "", "AWS `profile` of the management account or a delegated administrator")
	f.StringVar(&s.region, "region", "", "AWS Region for STS (default: of the profile, or of the partition)")
	f.StringVar(&s.roleName, "role-name", "", "role to assume in member accounts (default OrganizationAccountAccessRole)")
	f.StringVar(&s.externalID, "external-id", "", "external ID for that role")
	f.DurationVar(&s.duration, "session-duration", 0, "duration of the sessions of that role (default 1h)")
	f.StringSliceVar(&s.accounts, "accounts", nil, "only these account `IDs`")
	f.StringSliceVar(&s.notAccounts, "not-accounts", nil, "all accounts except these `IDs`")
	f.StringSliceVar(&s.units, "ou", nil, "only accounts under these organizational units, by `ID` or name")
	f.StringSliceVar(&s.notUnits, "not-ou", nil, "all accounts except those under these organizational units, by `ID` or name")
	f.StringSliceVar(&s.tags, "account-tag", nil, "only accounts with one of these tags, as `KEY=VALUE` or KEY")
	f.StringSliceVar(&s.notTags, "not-account-tag", nil, "all accounts except those with one of these tags, as `KEY=VALUE` or KEY")
	f.IntVar(&s.concurrency, "concurrency", 0, "accounts to work on at the same time (default 20)")
	f.Float64Var(&s.rate, "rate", 0, "requests per second to each service of an account, 0 for no limit (default 20, for STS 100, for Organizations its quotas)")
	f.StringVar(&s.sandbox, "sandbox", "", "work on the embedded AWS: the sample organization, or a snapshot `file` (--sandbox=FILE)")
	f.Lookup("sandbox").NoOptDefVal = rehearse.Sample
	f.BoolVar(&s.strict, "strict", false, "suspended and closed accounts make the result incomplete (status 4); otherwise they are skipped")
	s.AddFlags(c)
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if err := s.fromEnvironment(c); err != nil {
			return err
		}
		if c.Flags().Changed("concurrency") && s.concurrency < 1 {
			return command.Misused(c, fmt.Errorf("--concurrency %d: want 1 or more", s.concurrency))
		}
		if c.Flags().Changed("rate") {
			if !(s.rate >= 0 && s.rate <= maxRate) { // also refuses NaN
				return command.Misused(c, fmt.Errorf("--rate %v: want 0 to %d", s.rate, maxRate))
			}
			if s.rate == 0 {
				s.rate = unlimited
			}
		}
		return command.CheckOutput(s.Format)
	}
}

const (
	unlimited = -1     // as fleet.Options.Rate
	maxRate   = 10_000 // more than any service of AWS takes from an account
)

// fromEnvironment fills flags that were not given.
func (s *shared) fromEnvironment(c *cobra.Command) error {
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

// readBaseline reads --config, else ./forcemfa.yaml if it exists, else takes the
// stand-in: the sample's own config in its sandbox, or the default.
func (s *shared) readBaseline(standIn func() (*baseline.Baseline, error)) (*baseline.Baseline, error) {
	file := s.config
	if s.sandbox == "" {
		file = command.ConfigFile(file)
	}
	return s.Env.Baseline(file, standIn)
}
