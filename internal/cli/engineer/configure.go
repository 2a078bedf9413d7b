package engineer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/profiles"
	"forcemfa/internal/view"
)

func newConfigure(e *machine) *cobra.Command {
	o := configureOptions{env: e}
	c := &cobra.Command{
		Use:   "configure [PROFILE]",
		Short: "Write AWS profiles that work with MFA and without prompts",
		Long: `configure changes ~/.aws/config so that the AWS CLI, boto3, Terraform and all SDKs work
with MFA and without prompts. It adds a credential_process to the profile, sets the
profile as source_profile of its role profiles, and removes mfa_serial from them,
because mfa_serial makes each tool prompt for a code. Profiles without a region get one.

configure shows the change and prompts for confirmation. It marks the settings that it
adds and keeps the settings that it replaces as comments. --remove restores the file.

EXIT STATUS
  0  the profiles are up to date, or --dry-run showed the change
  1  nothing was changed; the hint is the next step`,
		Example: `  forcemfa configure alice
  forcemfa configure alice --role admin=arn:aws:iam::222222222222:role/Administrator
  forcemfa configure alice --as alice-mfa --dry-run
  forcemfa configure --remove`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: e.completeProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = profileArgument(e, args)
			return runConfigure(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.as, "as", "", "add this second `profile` for the session and leave PROFILE unchanged")
	f.StringArrayVar(&o.roles, "role", nil, "add or change the profile of a role: `NAME=ARN`, repeatable")
	f.StringVar(&o.region, "region", "", "`region` of the profiles (default: that of PROFILE, of AWS_REGION, of the default profile)")
	f.BoolVar(&o.remove, "remove", false, "remove everything that configure wrote")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the change without making it")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not prompt for confirmation")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	for _, other := range []string{"as", "role", "region"} {
		c.MarkFlagsMutuallyExclusive("remove", other)
	}
	_ = c.RegisterFlagCompletionFunc("as", cobra.NoFileCompletions)
	c.PreRunE = func(*cobra.Command, []string) error { return command.CheckOutput(o.output) }
	return c
}

type configureOptions struct {
	env                 *machine
	profile, as         string
	roles               []string
	region              string
	remove, dryRun, yes bool
	output              string
	continues           bool // setup goes on: there is no next command
}

// configured is what configure did, as --output json prints it.
type configured struct {
	File    string   `json:"file"`
	Changed bool     `json:"changed"`
	Diff    string   `json:"diff"`
	Notes   []string `json:"notes"`
}

func runConfigure(ctx context.Context, o *configureOptions) error {
	files, err := o.env.awsFiles()
	if err != nil {
		return err
	}
	planned, err := o.plan(files)
	if err != nil {
		return err
	}
	r := configured{File: planned.Path, Diff: planned.Diff(), Notes: planned.Notes}
	if planned.Needed() && !o.dryRun {
		if err := o.change(ctx, planned, &r); err != nil {
			return err
		}
	}
	return o.report(&r, planned.Needed())
}

func (o *configureOptions) plan(files *awsfile.Files) (*profiles.Change, error) {
	if o.remove {
		return profiles.Undo(files)
	}
	return profiles.Plan(files, profiles.Options{Profile: o.profile, As: o.as, Roles: o.roles, Region: o.region, Fallback: o.env.environmentRegion(), Helper: helper(), Gone: gone})
}

// change shows and asks, then does what was shown or nothing.
func (o *configureOptions) change(ctx context.Context, planned *profiles.Change, r *configured) error {
	if !o.yes {
		fmt.Fprint(o.env.Stderr, cleanLines(r.Diff))
		if err := o.env.Agree(ctx, "Change "+r.File+" like this? [y/N] ", "use --yes to change it, or --dry-run to only show the change"); err != nil {
			return err
		}
	}
	if err := planned.Write(); err != nil {
		return err
	}
	r.Changed = true
	return nil
}

// cleanLines keeps control characters of the file from the terminal.
func cleanLines(text string) string {
	var b bytes.Buffer
	for line := range bytes.Lines([]byte(text)) {
		b.WriteString(view.Clean(string(bytes.TrimRight(line, "\r\n"))))
		b.WriteByte('\n')
	}
	return b.String()
}

func (o *configureOptions) report(r *configured, differs bool) error {
	if o.output == "json" {
		return view.JSON(o.env.Stdout, r)
	}
	if o.dryRun {
		fmt.Fprint(o.env.Stdout, cleanLines(r.Diff))
	}
	switch {
	case r.Changed:
		fmt.Fprintf(o.env.Stderr, "changed %s\n", r.File)
	case !differs:
		fmt.Fprintf(o.env.Stderr, "%s is up to date\n", r.File)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(o.env.Stderr, "note: %s\n", view.Clean(n))
	}
	if !o.dryRun && !o.remove && !o.continues {
		fmt.Fprintf(o.env.Stderr, "next: forcemfa login %s\n", view.Clean(awsfile.Argument(o.profile)))
	}
	return nil
}
