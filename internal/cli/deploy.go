package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/baseline"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/deploy"
	"forcemfa/internal/filefault"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

func newDeploy(e *command.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy the Lambda that keeps every account enforced",
		Long: `deploy puts a function into every existing and new account that keeps IAM users
behind MFA: with a stack set in the accounts of the organization, and with a stack
in the management account, which stack sets never reach. docs/deploy.md shows it in
ten lines.`,
		Example: `  forcemfa deploy template > member.yaml
  forcemfa deploy plan
  forcemfa deploy apply --mode enforce`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newDeployPlan(e, false), newDeployApply(e, false), newDeployTemplate(e), newDeployPackage(e), newDeployCentral(e))
	return c
}

func newDeployTemplate(e *command.Env) *cobra.Command {
	o := templateOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "template [NAME]",
		Short: "Print a CloudFormation template",
		Long: `deploy template prints a template to deploy with other tools:

  member      policy, group, function, schedule and event rule of one account (default)
  notifier    event bus and notifier of the security account
  forwarder   sends the console sign-ins of a Region to the home Region of IAM
  bucket      with the package for the organization and the journals
  audit-role  allows forcemfa to audit an invited account
  apply-role  allows forcemfa to enforce MFA in an invited account

  central         function of the security account that enters every account
                  (deploy central)
  central-map     the same with a Step Functions Distributed Map
  central-member  policy, group and the role for that function of one account

The policy is that of the config file. The command makes no request.
` + command.StatusHelp,
		Example: `  forcemfa deploy template > member.yaml
  forcemfa deploy template audit-role -o json
  forcemfa deploy template --partition aws-us-gov`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: deploy.Names,
		RunE:      func(_ *cobra.Command, args []string) error { return runDeployTemplate(&o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.Config, "config", "", "config `file` (default forcemfa.yaml)")
	f.StringVarP(&o.Format, "output", "o", "yaml", "yaml or json")
	f.StringVar(&o.partition, "partition", "aws", strings.Join(arn.PartitionIDs(), ", "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"yaml", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

type templateOptions struct {
	organization.Flags
	partition string
}

func runDeployTemplate(o *templateOptions, args []string) error {
	if err := command.OneOf("output", o.Format, "yaml", "json", "text"); err != nil {
		return err
	}
	if !slices.Contains(arn.PartitionIDs(), o.partition) {
		return fmt.Errorf("--partition %q: want one of %s", o.partition, strings.Join(arn.PartitionIDs(), ", "))
	}
	name := deploy.Member
	if len(args) == 1 {
		name = args[0]
	}
	b, err := o.ReadBaseline(func() (*baseline.Baseline, error) { return baseline.Default(), nil })
	if err != nil {
		return err
	}
	text, err := deploy.Render(name, b, o.partition)
	if err != nil {
		return err
	}
	if o.JSON() {
		if text, err = deploy.AsJSON(text); err != nil {
			return err
		}
	}
	if _, err := o.Stdout().Write(text); err != nil {
		return fmt.Errorf("print the template: %w", err)
	}
	return nil
}

// packing are the flags that say what is in the package.
type packing struct {
	bootstrap    string
	architecture string
}

func (p *packing) add(c *cobra.Command) {
	c.Flags().StringVar(&p.bootstrap, "bootstrap", "", "`file` with the program of the function, or a zip with it (default: forcemfa-lambda-ARCH.zip next to forcemfa, or built from the source tree)")
	c.Flags().StringVar(&p.architecture, "arch", deploy.ARM64, "arm64 or x86_64")
	_ = c.RegisterFlagCompletionFunc("arch", cobra.FixedCompletions([]string{deploy.ARM64, deploy.X86}, cobra.ShellCompDirectiveNoFileComp))
}

// withoutConfig is the config file of a package where there is none: the tag
// that exempts comes from the template's parameter then.
const withoutConfig = "version: 1\n"

// pack makes the package of the config file and the bootstrap, and gives the
// baseline that the function will have. In a sandbox, which starts no function, a
// placeholder stands for the bootstrap unless one is given.
func (p *packing) pack(ctx context.Context, s *organization.Flags, box *rehearse.Sandbox) (*deploy.Package, *baseline.Baseline, error) {
	if len(s.Adopt) > 0 {
		return nil, nil, command.WithHint(errors.New("--adopt does not reach the functions, which read the config file"), "add adopt: ["+strings.Join(s.Adopt, ", ")+"] to the config file")
	}
	standIn := func() (*baseline.Baseline, error) { return baseline.Default(), nil }
	if box != nil {
		standIn = box.Baseline
	}
	b, err := s.ReadBaseline(standIn)
	if err != nil {
		return nil, nil, err
	}
	if changed := slices.DeleteFunc(slices.Clone(b.Environment), func(name string) bool { return !strings.HasPrefix(name, "FORCEMFA_") }); len(changed) > 0 {
		return nil, nil, &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("the environment overrides the config file (%s), and is not deployed with the function", strings.Join(changed, ", ")), Hint: "put it into the config file"}
	}
	config := []byte(withoutConfig)
	if text := box.ConfigFile(b.Name); text != nil {
		config = text
	} else if b.Name != "" {
		if config, err = command.ReadConfig(b.Name); err != nil {
			return nil, nil, command.FileError("read config", err)
		}
	}
	var program []byte
	if box != nil && p.bootstrap == "" {
		program = deploy.Placeholder(p.architecture)
	} else if program, err = p.program(ctx); err != nil {
		return nil, nil, err
	}
	pkg, err := deploy.Pack(program, config, p.architecture)
	if err != nil {
		return nil, nil, command.WithHint(err, "--bootstrap requires the program cmd/forcemfa-lambda, built for linux/arm64 or, with --arch x86_64, linux/amd64")
	}
	return pkg, b, nil
}

// mostBootstrap is how large a package of Lambda is, unpacked.
// Source: AWS Lambda Developer Guide, "Lambda quotas".
const mostBootstrap = 250 << 20

// program is the bootstrap: of --bootstrap, of the archive next to this program, or built
// from the source tree.
func (p *packing) program(ctx context.Context) ([]byte, error) {
	if err := command.OneOf("arch", p.architecture, deploy.ARM64, deploy.X86); err != nil {
		return nil, err
	}
	if p.bootstrap != "" {
		text, err := filefault.Read(p.bootstrap, mostBootstrap)
		if err != nil {
			return nil, command.FileError("read bootstrap", err)
		}
		program, err := deploy.Unpack(text)
		if err != nil {
			return nil, fmt.Errorf("read bootstrap %s: %w", p.bootstrap, err)
		}
		return program, nil
	}
	if self, err := os.Executable(); err == nil {
		if program, _, err := deploy.Beside(filepath.Dir(self), p.architecture); program != nil || err != nil {
			return program, err
		}
	}
	if !deploy.InSourceTree(".") {
		return nil, command.WithHint(fmt.Errorf("the program of the function for %s is missing", p.architecture),
			"put forcemfa-lambda-"+p.architecture+".zip of the release next to forcemfa, give it as --bootstrap FILE, or run the command in the source tree")
	}
	program, err := deploy.Build(ctx, ".", p.architecture)
	if err != nil {
		return nil, command.WithHint(err, "building it requires Go; or give --bootstrap FILE")
	}
	return program, nil
}

func newDeployPackage(e *command.Env) *cobra.Command {
	o := packageOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "package",
		Short: "Create the zip file of the function",
		Long: `deploy package creates the zip file with the program and the config file. The same
program and the same config file give the same bytes. deploy apply does this by
itself; use deploy package to upload the file with other tools.
` + command.StatusHelp,
		Example: `  forcemfa deploy package --out forcemfa.zip
  forcemfa deploy package --out forcemfa.zip --bootstrap build/bootstrap --arch x86_64`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDeployPackage(c.Context(), &o) },
	}
	f := c.Flags()
	f.StringVar(&o.Config, "config", "", "config `file` (default forcemfa.yaml)")
	f.StringVarP(&o.Format, "output", "o", "text", "text or json")
	f.StringVar(&o.out, "out", "forcemfa.zip", "the `file` to write")
	o.packing.add(c)
	c.PreRunE = func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) }
	return c
}

type packageOptions struct {
	organization.Flags
	packing
	out string
}

func runDeployPackage(ctx context.Context, o *packageOptions) error {
	pkg, _, err := o.pack(ctx, &o.Flags, nil)
	if err != nil {
		return err
	}
	if err := command.WriteFile(o.out, pkg.Zip, 0o644); err != nil {
		return err
	}
	if o.JSON() {
		return view.JSON(o.Stdout(), struct {
			File         string `json:"file"`
			Bytes        int    `json:"bytes"`
			SHA256       string `json:"sha256"`
			ConfigHash   string `json:"config_hash"`
			Key          string `json:"key"`
			Architecture string `json:"architecture"`
		}{o.out, len(pkg.Zip), pkg.Hash, pkg.ConfigHash, pkg.Key(), pkg.Architecture})
	}
	_, err = fmt.Fprintf(o.Stdout(), "%s: %d bytes, SHA-256 %s\nConfigHash: %s\nS3Key, as deploy apply would name it: %s\n", o.out, len(pkg.Zip), pkg.Hash, pkg.ConfigHash, pkg.Key())
	return err
}

// deployOptions are the flags of plan and apply.
type deployOptions struct {
	organization.Flags
	packing
	central      bool
	form         string
	mode         string
	slackWebhook string
	slackChannel string
	parameters   []string
	notifier     string
	signIns      []string
	stack        string
	bucket       string
	pace         deploy.Pace
	remove       bool
	empty        func(flag string) bool // reports whether a flag was given without a value
}

func (o *deployOptions) add(c *cobra.Command) {
	o.Flags.Add(c)
	o.packing.add(c)
	f := c.Flags()
	_ = f.MarkHidden("adopt") // pack refuses it
	o.empty = func(flag string) bool {
		given := f.Lookup(flag)
		return given != nil && given.Changed && given.Value.String() == ""
	}
	f.StringVar(&o.mode, "mode", "", "report, enforce or off (default as deployed; report at first)")
	f.StringVar(&o.slackWebhook, "slack-webhook", "", "`ARN` of the secret that holds the URL of the Slack webhook")
	f.StringVar(&o.slackChannel, "slack-channel", "", "name of the Slack channel")
	f.StringArrayVar(&o.parameters, "parameter", nil, "any other parameter of the templates: `NAME=VALUE`")
	if o.central {
		f.StringVar(&o.form, "form", "", "function: one function scans all accounts; map: a Step Functions Distributed Map (default as deployed; function at first)")
		_ = c.RegisterFlagCompletionFunc("form", cobra.FixedCompletions([]string{deploy.FormFunction, deploy.FormMap}, cobra.ShellCompDirectiveNoFileComp))
	} else {
		f.StringVar(&o.notifier, "notifier-account", "", "`ID` of the account that sends notifications (default: the account of the secret)")
		f.StringSliceVar(&o.signIns, "sign-in-regions", nil, "`Regions` whose console sign-ins are forwarded to the home Region")
	}
	f.StringVar(&o.stack, "stack-name", "forcemfa", "name of stacks and stack set")
	f.StringVar(&o.bucket, "bucket", "", "name of the bucket for the package (default forcemfa-ACCOUNT-REGION)")
	f.IntVar(&o.pace.MaxConcurrent, "max-concurrent", 25, "`percent` of the accounts that CloudFormation processes at once")
	f.IntVar(&o.pace.FailureTolerance, "failure-tolerance", 10, "`percent` of the accounts that may fail before CloudFormation stops")
}

// deployment opens what is to be deployed.
func (o *deployOptions) deployment(ctx context.Context) (*deploy.Deployment, *organization.Target, error) {
	values, err := o.values()
	if err != nil {
		return nil, nil, err
	}
	t, err := o.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	var pkg *deploy.Package
	if o.remove {
		pkg = &deploy.Package{Architecture: o.architecture, Hash: strings.Repeat("0", 64)} // nothing is uploaded
	} else if pkg, _, err = o.pack(ctx, &o.Flags, t.Box); err != nil {
		return nil, nil, err
	}
	now, sleep := o.Env.Now, (func(context.Context, time.Duration) error)(nil)
	if t.Box != nil {
		t.Box.PrepareDeployment()
		now, sleep = t.Box.Cloud.Now, t.Box.Pass
	}
	site, err := deploy.Open(ctx, t.Fleet, deploy.Options{
		Baseline: t.Baseline, Package: pkg, Parameters: values, Notifier: o.notifier, Regions: o.signIns,
		Units: o.Units, Accounts: o.Accounts, Except: o.NotAccounts, Narrowed: len(o.NotUnits)+len(o.Tags)+len(o.NotTags) > 0, Central: o.central, Form: o.form, Stack: o.stack, Bucket: o.bucket, Pace: o.pace, Now: now, Sleep: sleep,
	})
	var access *deploy.AccessError
	if errors.As(err, &access) {
		err = command.WithHint(err, access.Remedy)
	}
	return site, t, err
}

// values are the parameters that were given.
func (o *deployOptions) values() (map[string]string, error) {
	values := map[string]string{}
	for _, given := range o.parameters {
		name, value, ok := strings.Cut(given, "=")
		if !ok || name == "" {
			return nil, errors.New("--parameter requires NAME=VALUE") // not repeated: it may be a secret
		}
		values[name] = value
	}
	for _, given := range []struct{ flag, parameter, value string }{
		{"mode", "Mode", o.mode}, {"slack-webhook", "SlackWebhookParameter", o.slackWebhook}, {"slack-channel", "SlackChannelName", o.slackChannel},
	} {
		switch {
		case given.value != "":
			values[given.parameter] = given.value
		case o.empty(given.flag): // a variable of the shell that is not set
			return nil, command.WithHint(fmt.Errorf("--%s is empty", given.flag),
				fmt.Sprintf("leave it out to keep the deployed value, or give --parameter %s= for the empty one", given.parameter))
		}
	}
	if tags := o.Env.Getenv("WHITELIST_TAG"); tags != "" && values["WhitelistTag"] == "" {
		values["WhitelistTag"] = tags
	}
	return values, nil
}

// newDeployPlan is deploy plan or, with one function for all accounts, deploy central plan.
func newDeployPlan(e *command.Env, central bool) *cobra.Command {
	o := deployPlanOptions{deployOptions: deployOptions{Flags: organization.Flags{Output: command.Output{Env: e}}, central: central}}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would be deployed, and which accounts detect changes at once",
		Long: `deploy plan shows what deploy apply would do: stacks, the stack set, the resources
that change, and accounts whose policy somebody edited. For each account it shows
whether a trail logs write management events; without one EventBridge receives no
events, and only the daily scheduled scan detects changes. CloudFormation compares
each stack with its account: a rule, function, role or alarm that somebody changed
or deleted is a finding with the next command. deploy plan changes nothing: the
change set that it creates in CloudFormation is deleted again.

A parameter that is not given keeps its deployed value.
` + command.StatusHelp,
		Example: `  forcemfa deploy plan
  forcemfa deploy plan --slack-webhook arn:aws:secretsmanager:us-east-1:111122223333:secret:slack-AbCdEf
  forcemfa deploy plan --ou Workloads --detailed-exitcode`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDeployPlan(c.Context(), &o) },
	}
	o.add(c)
	c.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 when something would change")
	return c
}

type deployPlanOptions struct {
	deployOptions
	detailed bool
}

func runDeployPlan(ctx context.Context, o *deployPlanOptions) error {
	site, _, err := o.deployment(ctx)
	if err != nil {
		return err
	}
	p, err := site.Plan(ctx)
	if err != nil {
		return err
	}
	if o.JSON() {
		err = view.JSON(o.Stdout(), p)
	} else {
		err = p.Text(o.Stdout(), o.Style())
	}
	if err != nil {
		return err
	}
	changes, incomplete := command.StatusOK, command.StatusOK
	if o.detailed && p.Changes() > 0 {
		changes = command.StatusChanges
	}
	if len(p.Unread) > 0 {
		incomplete = command.StatusIncomplete
	}
	return command.Exit(command.Worst(incomplete, changes))
}
