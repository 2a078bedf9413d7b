package engineer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
	"forcemfa/internal/session/listing"
)

func newExport(e *machine) *cobra.Command {
	o := exportOptions{sessionFlags: sessionFlags{env: e}}
	o.renew = renewal{sessionFlags: &o.sessionFlags}
	c := &cobra.Command{
		Use:        "export [PROFILE]",
		SuggestFor: []string{"env"},
		Short:      "Print a profile's session, or write it into a profile",
		Long: `export prints the session of a profile in one of the formats of "aws configure
export-credentials" (process, env, env-no-export, powershell, windows-cmd, fish), or
as ini, a section of ~/.aws/credentials.

The formats of shells set AWS_REGION and AWS_DEFAULT_REGION to the same Region: that of
--region, of the environment, or of the profile. They also remove variables that select
other credentials, such as AWS_PROFILE. env-no-export has assignments only, so that
"docker run --env-file" can read it.

With --renew, the formats of shells set AWS_PROFILE and the Region instead of the
session, so that AWS tools renew the session themselves ("forcemfa exec --help").
"forcemfa use" takes this flag, too.

With --write-profile NAME, export writes the session into ~/.aws/credentials and prints
nothing, for tools that read only that file. It marks the profile as managed by
forcemfa, and "sessions clear" removes it. export never overwrites a profile with a
long-lived key or another source of credentials, such as credential_process, and
overwrites temporary credentials of another tool only with --replace. All other bytes of the file stay unchanged.

EXIT STATUS
  0  the session is printed or written
  1  there is no session, or the profile must not be overwritten`,
		Example: `  eval "$(forcemfa export bob --format env)"
  forcemfa export bob --format fish | source
  forcemfa export bob --write-profile bob-mfa`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			o.exact, o.renew.given, o.renew.setting = c.Flags().Changed("min-left"), c.Flags().Changed("renew"), o.use
			return runExport(c.Context(), &o)
		},
	}
	o.add(c)
	o.addMinLeft(c)
	o.renew.add(c)
	f := c.Flags()
	f.StringVar(&o.format, "format", "process", strings.Join(exportFormats, ", "))
	f.StringVar(&o.write, "write-profile", "", "write the session into this `profile` of ~/.aws/credentials")
	f.BoolVar(&o.replace, "replace", false, "with --write-profile: overwrite temporary credentials of another tool")
	f.BoolVar(&o.use, "use", false, "also set FORCEMFA, as the shell function does")
	f.IntVar(&o.shell, "shell", 0, "with --use: the process of the shell, for FORCEMFA_NOTICE")
	_, _ = f.MarkHidden("use"), f.MarkHidden("shell")
	c.MarkFlagsMutuallyExclusive("renew", "write-profile")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(exportFormats, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(*cobra.Command, []string) error { return o.checkFormat() }
	return c
}

type exportOptions struct {
	sessionFlags
	format  string
	write   string
	replace bool
	use     bool
	shell   int
	renew   renewal
}

var exportFormats = []string{"process", "env", "env-no-export", "powershell", "windows-cmd", "fish", "ini"}

func (o *exportOptions) checkFormat() error {
	if err := command.OneOf("format", o.format, exportFormats...); err != nil {
		return err
	}
	if _, shell := environ.Formats[o.format]; o.renew.on && !shell {
		return command.WithHint(fmt.Errorf("--renew sets variables, which --format %s does not have", o.format), "use the format of a shell, such as --format env")
	}
	return nil
}

func runExport(ctx context.Context, o *exportOptions) error {
	if o.write != "" {
		// What must not be written costs no code.
		if err := o.mayWrite(); err != nil {
			return err
		}
	}
	notice, err := o.env.notice()
	if err != nil {
		return err
	}
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	if err := o.renew.check(k); err != nil {
		return err
	}
	e, err := k.Session(ctx, o.request())
	if err != nil {
		return err
	}
	if err := o.checkLeft(e); err != nil {
		return err
	}
	if o.write != "" {
		return o.writeProfile(e)
	}
	text, err := o.text(e)
	if err != nil {
		return err
	}
	if err := o.env.remind(notice, o.profileName(), o.renew.end(e), o.shell); err != nil {
		return err
	}
	_, err = io.WriteString(o.env.Stdout, text)
	return err
}

// text returns a session in the format of --format.
func (o *exportOptions) text(e *cache.Entry) (string, error) {
	switch o.format {
	case "process":
		return e.ProcessJSON(), nil
	case "ini":
		return o.section(e)
	}
	variables, err := o.renew.variables(e)
	if err != nil {
		return "", err
	}
	if o.use {
		variables = append(variables, environ.Assign(environ.Marker, o.profileName()))
	}
	return environ.Formats[o.format].Text(variables)
}

// section returns a session as a section of ~/.aws/credentials. SDKs remove quotes
// around a value, and not all of them do.
func (o *exportOptions) section(e *cache.Entry) (string, error) {
	f := awsfile.Parse("", nil)
	for _, s := range o.settings(e) {
		if strings.ContainsFunc(s.Value, unicode.IsControl) || strings.HasPrefix(s.Value, `"`) || strings.HasPrefix(s.Value, "'") {
			return "", environ.Unwritable(s.Name)
		}
		if err := f.Set(o.profileName(), s.Name, s.Value); err != nil {
			return "", err
		}
	}
	return string(f.Bytes()), nil
}

// settings returns a session as settings of a profile. expiration is RFC 3339,
// which starship reads. The Region is the profile's: a file is read in other
// environments too.
func (o *exportOptions) settings(e *cache.Entry) []environ.Assignment {
	out := []environ.Assignment{
		environ.Assign(awsfile.KeyIDSetting, e.AccessKeyID),
		environ.Assign(awsfile.SecretSetting, e.SecretAccessKey),
		environ.Assign(awsfile.TokenSetting, e.SessionToken),
		environ.Assign("expiration", e.Expires.UTC().Format(time.RFC3339)),
	}
	if region := cmp.Or(o.region, e.Region); region != "" {
		out = append(out, environ.Assign("region", region))
	}
	return out
}

// otherSources are settings by which a profile gets credentials. SDKs prefer a
// session in ~/.aws/credentials to some of them and ignore it for others.
var otherSources = []string{
	"credential_process", "role_arn", "sso_session", "sso_account_id", "web_identity_token_file", "login_session", "credential_source", session.StoreSetting,
}

// refuseShadow refuses a profile that gets its credentials in another way: once
// the session has expired, AWS tools would still take it, and fail.
func (o *exportOptions) refuseShadow(f *awsfile.File, section string) error {
	s, _ := f.Section(section)
	for _, key := range otherSources {
		if other, ok := s.Get(key); ok && other.Value != "" {
			return command.WithHint(fmt.Errorf("%s: profile %s has %s, and the session would hide it from AWS tools", other.Origin, o.write, key),
				fmt.Sprintf("use the profile as it is, or write to a new profile, such as --write-profile %s", awsfile.Word(o.write+"-session")))
		}
	}
	return nil
}

// mayWrite refuses what would destroy or hide credentials.
func (o *exportOptions) mayWrite() error {
	files, err := o.env.awsFiles()
	if err != nil {
		return err
	}
	if err := o.refuse(files.Credentials, o.write); err != nil {
		return err
	}
	if err := o.refuseShadow(files.Credentials, o.write); err != nil {
		return err
	}
	if err := o.refuseShadow(files.Config, awsfile.ConfigSection(o.write)); err != nil {
		return err
	}
	return o.refuse(files.Config, awsfile.ConfigSection(o.write))
}

func (o *exportOptions) refuse(f *awsfile.File, section string) error {
	s, there := f.Section(section)
	value := func(key string) string {
		v, _ := s.Get(key)
		return v.Value
	}
	id, there2 := s.Get(awsfile.KeyIDSetting)
	switch {
	case !there || !there2 || id.Value == "":
		return nil
	case value(awsfile.TokenSetting) == "" && value(awsfile.OldTokenSetting) == "" && !awsfile.TemporaryID(id.Value):
		return command.WithHint(fmt.Errorf("%s: profile %s holds a long-lived key, which the session would overwrite", id.Origin, o.write),
			fmt.Sprintf("write to another profile, such as --write-profile %s", awsfile.Word(o.write+"-mfa")))
	case value(session.ManagerSetting) != session.ManagerName && !o.replace:
		owner := value(session.ManagerSetting)
		if owner == "" {
			owner = "another tool or by hand"
		}
		return command.WithHint(fmt.Errorf("%s: profile %s was written by %s", id.Origin, o.write, owner), "write to another profile, or use --replace to overwrite it")
	}
	return nil
}

// writeProfile writes the session, after another look at what is there: the
// file is locked now.
func (o *exportOptions) writeProfile(e *cache.Entry) error {
	_, path := awsfile.Paths(o.env.Getenv, o.env.home())
	settings := append(o.settings(e),
		environ.Assign(session.ManagerSetting, session.ManagerName), environ.Assign(session.SourceSetting, o.profileName()))
	err := awsfile.Edit(path, func(f *awsfile.File) error {
		if err := o.refuse(f, o.write); err != nil {
			return err
		}
		if err := o.refuseShadow(f, o.write); err != nil {
			return err
		}
		var err error
		for _, s := range settings {
			err = errors.Join(err, f.Set(o.write, s.Name, s.Value))
		}
		f.Unset(o.write, awsfile.OldTokenSetting)
		return err
	})
	if err != nil {
		return err
	}
	o.say("profile %s of %s holds the session until %s (%s)", o.write, path, e.Expires.Local().Format("Mon 15:04"), listing.Left(e.Expires.Sub(o.env.Now())))
	return nil
}
