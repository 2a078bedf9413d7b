package engineer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"forcemfa/internal/accesskey"
	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/profiles"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/view"
)

func newImport(e *machine) *cobra.Command {
	o := importOptions{env: e}
	c := &cobra.Command{
		Use:        "import [PROFILE]",
		SuggestFor: []string{"add"},
		Short:      "Move a long-lived access key out of plain text into the secret store",
		Long: `import moves an access key from ~/.aws/credentials (or the environment, a CSV file of
the console, or a prompt) into the secret store: the keyring of the system, a file
encrypted with a passphrase, or a password manager.

import removes the key from the file only after it has read it back from the store and
AWS has accepted it. All other bytes of the file stay unchanged. The profile gets a
credential_process, so that the AWS CLI, SDKs and Terraform continue to work, now with
an MFA session.

--from aws-vault reads the key of a profile from aws-vault: from its encrypted files, with
their passphrase (AWS_VAULT_FILE_PASSPHRASE or a prompt), else by running aws-vault, which
opens its keyring. --from granted reads the encrypted files of granted. The key stays in
these tools; remove it there once everything works. --from aws-mfa moves the key out of
the section PROFILE-long-term, and removes the session that aws-mfa wrote into the
section PROFILE. awsume keeps keys in ~/.aws/credentials, as without --from.

EXIT STATUS
  0  the key is in the store
  1  the key was not stored, or is still in the file; the hint is the next step`,
		Example: `  forcemfa import alice --backup ~/credentials.bak
  forcemfa import alice --from aws-vault
  forcemfa import alice --from aws-mfa
  forcemfa import alice --csv ~/Downloads/alice_accessKeys.csv
  FORCEMFA_SECRET_BACKEND=file forcemfa import`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: e.completeProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = profileArgument(e, args)
			return runImport(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.csv, "csv", "", "read the key from this CSV `file` of the console")
	f.BoolVar(&o.fromEnv, "env", false, "read the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	f.StringVar(&o.from, "from", "", "read the key from another `tool`: "+strings.Join(otherTools, ", "))
	f.BoolVar(&o.prompt, "prompt", false, "prompt for the key")
	f.StringVar(&o.user, "user", "", "`name` of the user, if the CSV file has several")
	f.StringVar(&o.backend, "backend", "", "keyring, file or pass (default: "+secret.BackendVariable+", else the keyring if there is one)")
	f.StringVar(&o.backup, "backup", "", "first copy the file with the key to this `file`")
	f.BoolVar(&o.keep, "keep", false, "keep the key in the file as well")
	f.BoolVar(&o.noProcess, "no-credential-process", false, "do not add a credential_process to the profile")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not prompt for confirmation")
	f.StringVar(&o.region, "region", "", "`region` in which to call STS")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	c.MarkFlagsMutuallyExclusive("csv", "env", "prompt", "from")
	_ = c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(otherTools, cobra.ShellCompDirectiveNoFileComp))
	c.MarkFlagsMutuallyExclusive("keep", "backup")
	_ = c.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions([]string{secret.Keyring, secret.File, secret.Pass}, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(*cobra.Command, []string) error {
		if o.from != "" {
			if err := command.OneOf("from", o.from, otherTools...); err != nil {
				return err
			}
		}
		return command.CheckOutput(o.output)
	}
	return c
}

// The values of --from.
const (
	fromAWSVault = "aws-vault"
	fromGranted  = "granted"
	fromAWSume   = "awsume"
	fromAWSMFA   = "aws-mfa"
)

var otherTools = []string{fromAWSVault, fromGranted, fromAWSume, fromAWSMFA}

type importOptions struct {
	env             *machine
	profile         string
	csv, from       string
	fromEnv, prompt bool
	user            string
	backend, backup string
	keep, noProcess bool
	yes             bool
	region, output  string
	continues       bool // setup goes on: there is no next command
}

// profileArgument returns the profile that a verb is about: the argument, that of
// the environment, else default.
func profileArgument(e *machine, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return cmp.Or(cache.EnvironmentProfile(e.Getenv), "default")
}

func runImport(ctx context.Context, o *importOptions) error {
	files, err := o.env.awsFiles()
	if err != nil {
		return err
	}
	if err := accesskey.CheckProfile(files, o.profile); err != nil {
		return err
	}
	if err := o.confirmName(ctx, files); err != nil {
		return err
	}
	store, err := o.env.keyStore(o.backend)
	if err != nil {
		return err
	}
	if o.backup != "" {
		if err := accesskey.CheckBackup(o.backup); err != nil {
			return err
		}
	}
	found, err := o.find(ctx, files)
	if err != nil {
		return err
	}
	have, err := store.Get(ctx, o.profile)
	if err != nil && !errors.Is(err, secret.ErrNotFound) {
		return err
	}
	if err := o.agree(ctx, found, have, store.Backend()); err != nil {
		return err
	}
	move := accesskey.Move{
		Settings: session.KeySettings{Files: files, Getenv: o.env.Getenv, Profile: o.profile, Region: o.region},
		Store:    store, Now: o.env.Now, Keep: o.keep, Backup: o.backup,
	}
	if !o.noProcess {
		move.Process = profiles.ProcessLine(helper(), o.profile)
	}
	r, err := move.Run(ctx, found, have)
	if err != nil {
		return err
	}
	return o.report(&r, found)
}

// confirmName asks before a key is stored under a new name that looks like a mistyped one.
func (o *importOptions) confirmName(ctx context.Context, files *awsfile.Files) error {
	near := files.Nearest(o.profile)
	if o.yes || o.from != "" || near == "" || files.Has(o.profile) || !o.env.CanAsk() {
		return nil
	}
	question := fmt.Sprintf("There is no profile %s; did you mean %s? Store a key under the new name %s? [y/N] ", o.profile, near, o.profile)
	return o.env.Agree(ctx, question, "")
}

// find takes the key from where the flags say, else from the profile, else from
// a prompt.
func (o *importOptions) find(ctx context.Context, files *awsfile.Files) (*accesskey.Found, error) {
	var found *accesskey.Found
	var err error
	switch {
	case o.csv != "":
		found, err = accesskey.FromCSV(o.csv, o.user)
	case o.from != "":
		found, err = o.fromTool(ctx, files)
	case o.fromEnv:
		found, err = accesskey.FromEnvironment(o.env.Getenv)
	case o.prompt:
		found, err = o.fromPrompt(ctx)
	default:
		found, err = accesskey.FromFiles(files, o.profile)
		if errors.Is(err, accesskey.ErrNoKey) && o.env.CanAsk() {
			found, err = o.fromPrompt(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return found, accesskey.Check(found.Keys)
}

// fromTool takes the key from where another tool keeps it.
func (o *importOptions) fromTool(ctx context.Context, files *awsfile.Files) (*accesskey.Found, error) {
	var ask func(context.Context, string) (string, error)
	if o.env.CanAsk() {
		ask = o.env.AskSecret
	}
	switch o.from {
	case fromAWSVault:
		return accesskey.FromAWSVault(ctx, accesskey.AWSVault{Getenv: o.env.Getenv, Home: o.env.home(), Ask: ask}, o.profile)
	case fromGranted:
		return accesskey.FromGranted(ctx, accesskey.Granted{Home: o.env.home(), Ask: ask}, o.profile)
	case fromAWSMFA:
		return accesskey.FromAWSMFA(files, o.profile)
	default: // awsume uses the profiles of the AWS files
		return accesskey.FromFiles(files, o.profile)
	}
}

func (o *importOptions) fromPrompt(ctx context.Context) (*accesskey.Found, error) {
	const otherwise = "run it on a terminal, or give --csv or --env"
	if !o.env.CanAsk() {
		return nil, command.WithHint(errors.New("there is no terminal to prompt at"), otherwise)
	}
	id, err := o.env.Ask(ctx, fmt.Sprintf("Access key ID of %s: ", o.profile))
	if err != nil {
		return nil, command.WithHint(err, otherwise)
	}
	found := &accesskey.Found{Keys: secret.Keys{AccessKeyID: strings.TrimSpace(id)}}
	if !accesskey.IsID(found.Keys.AccessKeyID) {
		return found, accesskey.Check(found.Keys)
	}
	text, err := o.env.AskSecret(ctx, "Secret access key (it is not shown): ")
	if err != nil {
		return nil, command.WithHint(err, otherwise)
	}
	found.Keys.SecretAccessKey = secret.NewText(strings.TrimSpace(text))
	return found, nil
}

func (o *importOptions) report(r *accesskey.Moved, found *accesskey.Found) error {
	if o.output == "json" {
		return view.JSON(o.env.Stdout, r)
	}
	verb := "stored"
	if !r.Stored {
		verb = "already stored"
	}
	say := func(format string, args ...any) { fmt.Fprintf(o.env.Stderr, format+"\n", args...) }
	say("access key %s of user %s in account %s: %s in the %s store as %s", r.AccessKeyID, view.Clean(r.User), r.Account, verb, r.Backend, view.Clean(r.Profile))
	if r.RemovedFrom != "" {
		say("removed from %s", r.RemovedFrom)
	}
	if r.Backup != "" {
		say("backup with the key in plain text: %s; delete it once everything works", r.Backup)
	}
	if r.StillIn != "" {
		where := "still in plain text"
		if o.from != "" {
			where = "also still in"
		}
		say("%s: %s", where, r.StillIn)
	}
	for _, c := range found.Comments {
		say("%s: a comment looks like a secret access key and was not removed; delete it if it is one", c)
	}
	if r.User == "root" {
		say("this key belongs to the root user, which no policy can restrict: delete it in the console")
	}
	if !o.continues {
		say("next: forcemfa configure %s", view.Clean(awsfile.Argument(r.Profile)))
	}
	return nil
}

// agree asks everything at once, before anything is done.
func (o *importOptions) agree(ctx context.Context, found *accesskey.Found, have secret.Keys, backend string) error {
	if o.yes {
		return nil
	}
	if have.AccessKeyID != "" && !accesskey.Same(have, found.Keys) {
		question := fmt.Sprintf("The %s store holds access key %s for %s. Replace it with %s? [y/N] ", backend, have.AccessKeyID, o.profile, found.Keys.AccessKeyID)
		if err := o.env.Agree(ctx, question, "use --yes to replace it"); err != nil {
			return err
		}
	}
	if found.Path == "" || o.keep {
		return nil
	}
	question := fmt.Sprintf("Move access key %s of profile %s from %s to the %s store? [y/N] ", found.Keys.AccessKeyID, o.profile, found.Path, backend)
	if err := o.env.Agree(ctx, question, "use --yes to move the key, or --keep to leave it in the file as well"); err != nil {
		return err
	}
	if o.backup == "" {
		return o.offerBackup(ctx, found)
	}
	return nil
}

func (o *importOptions) offerBackup(ctx context.Context, found *accesskey.Found) error {
	path := found.Path + ".before-forcemfa"
	if accesskey.CheckBackup(path) != nil {
		return nil
	}
	answer, err := o.env.Ask(ctx, fmt.Sprintf("Keep a backup in %s? It contains the key in plain text. [y/N] ", path))
	if err != nil {
		return err
	}
	if command.IsYes(answer) {
		o.backup = path
	}
	return nil
}
