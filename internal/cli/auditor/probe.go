package auditor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/cli/offline"
	"forcemfa/internal/cli/organization"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/probe"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/view"
	"forcemfa/policy"
)

// NewProbeAWS returns the verb probe-aws.
func NewProbeAWS(e *command.Env) *cobra.Command {
	o := probeOptions{Flags: organization.Flags{Output: command.Output{Env: e}}}
	c := &cobra.Command{
		Use:   "probe-aws",
		Short: "Measure undocumented behavior of AWS in an empty test account",
		Long: `probe-aws measures how AWS behaves where its documentation leaves a doubt: whether a code
sent with AssumeRole satisfies a Deny, whether role sessions keep the MFA flag, how
operators treat MFA keys and keys with several values, whether forwarded calls keep the
MFA flag, what CloudTrail records, and more. It prints for each
question what is documented, what forcemfa assumes, and what was observed.

It runs in an empty test account: it makes a user with two access keys and two virtual
MFA devices, a role, and a stack with two groups, all under the path /forcemfa-probe/, and removes
them at the end, also after Ctrl-C. An account with other users is refused. It takes up
to 40 minutes, because each MFA code works once and CloudTrail shows events late, and
costs nothing. --dry-run lists every call.

What a first sign-in needs in order to change the password is only asked by the sign-in
page. With --sign-in, the probe makes a user with a password that must be changed, and
prompts you to sign in as this user in a browser, up to three times. The password is
shown on the terminal only.

--learn FILE writes the observed answers that verdicts can rely on, as a section of the
config. With it in forcemfa.yaml, audit, verify, explain, plan and evidence decide what
is unknown without it, and name each observed answer among their assumptions. If AWS
behaves other than forcemfa assumes, nothing is written and the exit status is 3.
` + command.StatusHelp,
		Example: `  forcemfa probe-aws --dry-run
  forcemfa probe-aws --profile empty-test-account
  forcemfa probe-aws --profile empty-test-account --learn observed.yaml
  cat observed.yaml >> forcemfa.yaml
  forcemfa probe-aws --profile empty-test-account --sign-in
  forcemfa probe-aws --sandbox -o json`,
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.Format) },
		RunE:    func(c *cobra.Command, _ []string) error { return runProbe(c.Context(), &o) },
	}
	f := c.Flags()
	f.StringVar(&o.Profile, "profile", "", "AWS `profile` of an administrator of the test account")
	f.StringVar(&o.Region, "region", "", "AWS Region for STS and CloudFormation (default: of the profile)")
	f.BoolVar(&o.sandbox, "sandbox", false, "work on an empty account of the embedded AWS")
	f.BoolVar(&o.dryRun, "dry-run", false, "list every call, and make none")
	f.BoolVar(&o.signIn, "sign-in", false, "have a person sign in to the console, to measure what a first sign-in needs")
	f.BoolVar(&o.yes, "yes", false, "don't ask for the name of the account")
	f.StringVar(&o.learn, "learn", "", "write the answers that verdicts can rely on to this `file`, as a section of the config")
	f.StringSliceVar(&o.observed, "interpret", nil, "in the sandbox, how AWS behaves where its documentation is open, as `QUESTION=yes` or QUESTION=no")
	f.BoolVar(&o.readings.CodeInCallIsNotMFA, "code-in-call-is-not-mfa", false, "in the sandbox, a code sent with AssumeRole satisfies no Deny")
	f.BoolVar(&o.readings.RolesKeepMFA, "roles-keep-mfa", false, "in the sandbox, role sessions keep the MFA flag")
	f.BoolVar(&o.readings.NewPasswordNeedsPolicy, "new-password-needs-policy", false, "in the sandbox, a first sign-in needs iam:GetAccountPasswordPolicy too")
	_ = f.MarkHidden("interpret")
	_ = f.MarkHidden("new-password-needs-policy")
	_ = f.MarkHidden("code-in-call-is-not-mfa")
	f.BoolVar(&o.readings.ForwardingLosesMFA, "forwarding-loses-mfa", false, "in the sandbox, calls that a service forwards are without MFA")
	_ = f.MarkHidden("roles-keep-mfa")
	_ = f.MarkHidden("forwarding-loses-mfa")
	o.AddFlags(c)
	return c
}

type probeOptions struct {
	organization.Flags
	sandbox  bool
	dryRun   bool
	yes      bool
	signIn   bool
	learn    string
	observed []string
	readings operation.Readings
	cloud    *emulator.Cloud // of the sandbox
}

// probed is the result of a probe in JSON.
type probed struct {
	Account string         `json:"account"`
	Time    time.Time      `json:"time"`
	Version string         `json:"version"`
	Answers []probe.Answer `json:"answers"`
}

func runProbe(ctx context.Context, o *probeOptions) error {
	if o.dryRun {
		return o.listCalls()
	}
	if _, err := os.Lstat(o.learn); o.learn != "" && err == nil {
		return command.WithHint(fmt.Errorf("%s exists", o.learn), "name a new file for --learn, then append it to the config")
	}
	var err error
	if o.readings.Observed, err = policy.ParseObserved(o.observed); err != nil {
		return err
	}
	if err := o.Env.WhyNotAsk(); o.signIn && err != nil {
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("ask somebody to sign in: %w", err), Hint: "run it on a terminal, or without --sign-in"}
	}
	options, err := o.options(ctx)
	if err != nil {
		return err
	}
	if o.signIn {
		closePage, err := o.askPerson(&options)
		if err != nil {
			return err
		}
		defer closePage()
	}
	caller, err := sts.NewFromConfig(options.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("find out the account: %w", err)
	}
	account := aws.ToString(caller.Account)
	if err := o.confirm(ctx, options.Config, account); err != nil {
		return err
	}
	options.Show = func(question string) { o.Remark("%s", question) }
	// The time that a program has after Ctrl-C may be too short to remove everything.
	defer command.Survive(command.EndSignals())()
	answers, err := probe.Run(ctx, options)
	var users *probe.NotEmptyError
	if errors.As(err, &users) {
		return &command.Error{Status: command.StatusGuarded, Err: err, Hint: "use an account that was made for this, without users"}
	}
	if err != nil {
		return err
	}
	if err := o.show(account, answers); err != nil {
		return err
	}
	return o.learned(account, answers)
}

func (o *probeOptions) show(account string, answers []probe.Answer) error {
	if o.JSON() {
		return view.JSON(o.Stdout(), probed{account, o.Env.Now().UTC(), offline.Build().Version, answers})
	}
	return o.PrintData(func(w io.Writer) error { o.print(w, answers); return nil })
}

// learned writes what verdicts can rely on. An answer that contradicts forcemfa makes the
// whole worthless.
func (o *probeOptions) learned(account string, answers []probe.Answer) error {
	for _, a := range probe.Contradicted(answers) {
		return &command.Error{Status: command.StatusFound, Hint: "rely on no proof in this organization, and report the answer to the project",
			Err: fmt.Errorf("%s: AWS answered %s, and every verdict of forcemfa assumes %s", a.ID, a.Observed, a.Assumed)}
	}
	if o.learn == "" {
		return nil
	}
	section := probe.Section(answers, account, o.Env.Now())
	if section == "" {
		return &command.Error{Status: command.StatusIncomplete, Err: errors.New("no question was answered that verdicts can rely on; " + o.learn + " was not written")}
	}
	if err := command.WriteFile(o.learn, []byte(section), 0o644); err != nil {
		return err
	}
	o.Remark("%s holds the observed answers: append it to %s", o.learn, command.DefaultConfig)
	return nil
}

// options are those of the real AWS, whose clock is waited for, or of the sandbox, whose
// clock moves.
func (o *probeOptions) options(ctx context.Context) (probe.Options, error) {
	if !o.sandbox {
		cfg, err := o.AWSConfig(ctx)
		return probe.Options{Config: cfg, Now: o.Env.Now, Wait: wait}, err
	}
	box, err := rehearse.EmptySandbox(o.Env.Now, o.readings)
	if err != nil {
		return probe.Options{}, err
	}
	o.cloud = box.Cloud
	return probe.Options{Config: box.Config, Now: box.Cloud.Now, Wait: func(ctx context.Context, d time.Duration) error {
		box.Cloud.Advance(d)
		return ctx.Err()
	}}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// confirm asks for the alias of the account, or its ID.
func (o *probeOptions) confirm(ctx context.Context, cfg aws.Config, account string) error {
	if o.yes || o.sandbox {
		return nil
	}
	alias := ""
	if out, err := iam.NewFromConfig(cfg).ListAccountAliases(ctx, &iam.ListAccountAliasesInput{}); err == nil && len(out.AccountAliases) > 0 {
		alias = out.AccountAliases[0]
	}
	name := alias
	if name == "" {
		name = account
	}
	answer, err := o.Env.Ask(ctx, fmt.Sprintf("To confirm, type the name of the test account (%s): ", name))
	switch {
	case err != nil:
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("ask for confirmation: %w", err), Hint: "run it on a terminal, or add --yes"}
	case answer != account && (alias == "" || answer != alias):
		return &command.Error{Status: command.StatusGuarded, Err: fmt.Errorf("%q is neither %s nor its alias: nothing was changed", answer, account), Hint: "check the profile, then type " + name}
	}
	return nil
}

func (o *probeOptions) listCalls() error {
	if o.JSON() {
		return view.JSON(o.Stdout(), probe.Calls(o.signIn))
	}
	var rows [][]string
	for _, c := range probe.Calls(o.signIn) {
		rows = append(rows, []string{c.Service + ":" + c.Operation, c.For})
	}
	o.Style().Table(o.Stdout(), []string{"CALL", "FOR"}, rows, nil)
	return nil
}

func (o *probeOptions) print(w io.Writer, answers []probe.Answer) {
	var rows [][]string
	for _, a := range answers {
		observed := a.Observed
		if observed == "" {
			observed = "not measured: " + a.Why
		}
		rows = append(rows, []string{a.ID, a.Documented, a.Assumed, view.Clean(observed)})
	}
	o.Style().Table(w, []string{"QUESTION", "DOCUMENTED", "ASSUMED BY FORCEMFA", "OBSERVED"}, rows, nil)
	fmt.Fprintln(w)
	for _, a := range answers {
		o.Style().Lines(w, a.ID+": "+a.Question)
	}
}
