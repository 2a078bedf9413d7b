package engineer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/profiles"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/view"
)

func newImport(e *machine) *cobra.Command {
	o := importOptions{env: e}
	c := &cobra.Command{
		Use:   "import [PROFILE]",
		Short: "Move a long-lived access key out of plain text into the secret store",
		Long: `import takes an access key out of ~/.aws/credentials (or the environment, a CSV file
of the console, or a prompt) into the secret store: the keyring of the system, a
file encrypted with a passphrase, or a password manager.

Nothing is lost: the key leaves the file only after it was read back from the
store and AWS took the copy. Every other byte of the file stays. The profile then
gets a credential_process, so that aws CLI, SDKs and Terraform go on working, with
a session that has MFA.

EXIT STATUS
  0  the key is in the store
  1  it is not, or not taken out of the file; nothing is lost, and the hint is the next step`,
		Example: `  forcemfa import alice --backup ~/credentials.bak
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
	f.StringVar(&o.csv, "csv", "", "take the key from this `file`, as downloaded from the console")
	f.BoolVar(&o.fromEnv, "env", false, "take the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	f.BoolVar(&o.prompt, "prompt", false, "ask for the key")
	f.StringVar(&o.user, "user", "", "the user's `name`, if the CSV file has several")
	f.StringVar(&o.backend, "backend", "", "keyring, file or pass; by default "+secret.BackendVariable+", or what this machine has")
	f.StringVar(&o.backup, "backup", "", "first copy the file that the key is taken out of to this `file`")
	f.BoolVar(&o.keep, "keep", false, "leave the key in the file too")
	f.BoolVar(&o.noProcess, "no-credential-process", false, "do not give the profile a credential_process")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.StringVar(&o.region, "region", "", "`region` in which STS is called")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	c.MarkFlagsMutuallyExclusive("csv", "env", "prompt")
	c.MarkFlagsMutuallyExclusive("keep", "backup")
	_ = c.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions([]string{secret.Keyring, secret.File, secret.Pass}, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(*cobra.Command, []string) error { return command.CheckOutput(o.output) }
	return c
}

type importOptions struct {
	env             *machine
	profile         string
	csv             string
	fromEnv, prompt bool
	user            string
	backend, backup string
	keep, noProcess bool
	yes             bool
	region, output  string
}

// profileArgument is the profile that a verb is about: the argument,
// AWS_PROFILE, else default.
func profileArgument(e *machine, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	if p := e.Getenv("AWS_PROFILE"); p != "" {
		return p
	}
	return "default"
}

// imported is what import did, as --output json prints it.
type imported struct {
	Profile     string `json:"profile"`
	AccessKeyID string `json:"access_key_id"`
	Account     string `json:"account"`
	User        string `json:"user"`
	Backend     string `json:"backend"`
	Stored      bool   `json:"stored"` // false: the store had it already
	RemovedFrom string `json:"removed_from,omitempty"`
	StillIn     string `json:"still_in,omitempty"`
	Backup      string `json:"backup,omitempty"`
	Config      string `json:"config,omitempty"` // the file whose profile was changed
}

func runImport(ctx context.Context, o *importOptions) error {
	files, err := o.env.awsFiles()
	if err != nil {
		return err
	}
	if p, err := files.Profile(o.profile); err == nil && p.Get("role_arn") != "" {
		s, _ := p.Setting("role_arn")
		return command.WithHint(fmt.Errorf("%s: profile %s is a role, and SDKs ignore a credential_process beside a role_arn", s.Origin, o.profile),
			"give the key a profile of its own and name that as source_profile of "+o.profile)
	}
	store, err := o.env.keyStore(o.backend)
	if err != nil {
		return err
	}
	if o.backup != "" {
		if err := absent(o.backup); err != nil {
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
	r := imported{Profile: o.profile, AccessKeyID: found.keys.AccessKeyID, Backend: store.Backend()}
	if err := o.move(ctx, files, found, have, store, &r); err != nil {
		return err
	}
	return o.report(&r, found)
}

// move stores, proves and only then removes.
func (o *importOptions) move(ctx context.Context, files *awsfile.Files, found *foundKeys, have secret.Keys, store secret.Store, r *imported) error {
	who, err := o.settings(files).Identify(ctx, found.keys)
	if err != nil {
		return session.ExplainKey(fmt.Errorf("try the key: %w", err))
	}
	found.keys.Account, found.keys.User = who.Account, who.User
	r.Account, r.User = who.Account, who.User
	if !sameKey(have, found.keys) {
		found.keys.Created = o.env.Now()
		if err := store.Set(ctx, o.profile, found.keys); err != nil {
			return err
		}
		r.Stored = true
	}
	if err := o.prove(ctx, files, found, store); err != nil {
		return command.WithHint(fmt.Errorf("%w; the key was left where it was", err), "mend the store, then run import again")
	}
	if err := o.mark(files, store.Backend(), r); err != nil {
		return err
	}
	return o.clean(found, r)
}

func (o *importOptions) settings(files *awsfile.Files) session.KeySettings {
	return session.KeySettings{Files: files, Getenv: o.env.Getenv, Profile: o.profile, Region: o.region}
}

func sameKey(a, b secret.Keys) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey
}

// prove reads the key back, which no store keeps in memory, and has AWS take the
// copy.
func (o *importOptions) prove(ctx context.Context, files *awsfile.Files, found *foundKeys, store secret.Store) error {
	copied, err := store.Get(ctx, o.profile)
	if err != nil {
		return fmt.Errorf("read the stored key back: %w", err)
	}
	if !sameKey(copied, found.keys) {
		return fmt.Errorf("the %s store gives back another key than it was given", store.Backend())
	}
	if _, err := o.settings(files).Identify(ctx, copied); err != nil {
		return fmt.Errorf("try the stored key: %w", err)
	}
	return nil
}

// mark writes into the profile where its key is, before the key leaves the file:
// a run that is killed in between leaves a profile that works.
func (o *importOptions) mark(files *awsfile.Files, backend string, r *imported) error {
	section := awsfile.ConfigSection(o.profile)
	changed := false
	err := awsfile.Edit(files.Config.Path, func(f *awsfile.File) error {
		before := f.Bytes()
		if err := f.Set(section, session.StoreSetting, backend); err != nil {
			return err
		}
		if !o.noProcess {
			if err := profiles.SetProcess(f, o.profile, profiles.ProcessLine(helperPath(), o.profile)); err != nil {
				return err
			}
		}
		changed = !bytes.Equal(before, f.Bytes())
		return nil
	})
	if err != nil {
		return command.WithHint(err, "the key is in the store and was left where it was; mend the file, then run import again")
	}
	if changed {
		r.Config = files.Config.Path
	}
	return nil
}

// clean takes the key out of the file, if it still is the one that was stored.
func (o *importOptions) clean(found *foundKeys, r *imported) error {
	if o.keep || found.path == "" {
		r.StillIn = found.rest
		if o.keep {
			r.StillIn = found.path
		}
		return nil
	}
	if o.backup != "" {
		if err := backUp(found.path, o.backup); err != nil {
			return command.WithHint(err, "the key is in the store and still in "+found.path+"; name another --backup file, then run import again")
		}
		r.Backup = o.backup
	}
	err := awsfile.Edit(found.path, func(f *awsfile.File) error {
		if err := found.unchanged(f); err != nil {
			return err
		}
		f.Unset(found.section, awsfile.KeyIDSetting)
		f.Unset(found.section, awsfile.SecretSetting)
		return nil
	})
	if err != nil {
		return command.WithHint(err, "the key is in the store and still in "+found.path+"; mend the file, then run import again")
	}
	r.RemovedFrom = found.path
	return nil
}

func (o *importOptions) report(r *imported, found *foundKeys) error {
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
		say("backup with the key in plain text: %s; delete it when all works", r.Backup)
	}
	if r.StillIn != "" {
		say("still in plain text: %s", r.StillIn)
	}
	for _, c := range found.comments {
		say("%s: a comment that looks like a secret access key stays; delete it if it is one", c)
	}
	if r.User == "root" {
		say("this is a key of the root user, which no policy can hold back: delete it in the console")
	}
	say("next: forcemfa login %s", view.Clean(r.Profile))
	return nil
}

// agree asks everything at once, before anything is done.
func (o *importOptions) agree(ctx context.Context, found *foundKeys, have secret.Keys, backend string) error {
	if o.yes {
		return nil
	}
	if have.AccessKeyID != "" && !sameKey(have, found.keys) {
		question := fmt.Sprintf("The %s store holds access key %s for %s. Replace it with %s? [y/N] ", backend, have.AccessKeyID, o.profile, found.keys.AccessKeyID)
		if err := o.env.Agree(ctx, question, "give --yes to replace it"); err != nil {
			return err
		}
	}
	if found.path == "" || o.keep {
		return nil
	}
	question := fmt.Sprintf("Move access key %s of profile %s from %s to the %s store? [y/N] ", found.keys.AccessKeyID, o.profile, found.path, backend)
	if err := o.env.Agree(ctx, question, "give --yes to move the key, or --keep to leave it in the file too"); err != nil {
		return err
	}
	if o.backup == "" {
		return o.offerBackup(ctx, found)
	}
	return nil
}

func (o *importOptions) offerBackup(ctx context.Context, found *foundKeys) error {
	path := found.path + ".before-forcemfa"
	if absent(path) != nil {
		return nil
	}
	answer, err := o.env.Ask(ctx, fmt.Sprintf("Keep a copy as it is now in %s? It would hold the key in plain text. [y/N] ", path))
	if err != nil {
		return err
	}
	if command.IsYes(answer) {
		o.backup = path
	}
	return nil
}

// absent is an error for a file that is there.
func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return command.WithHint(fmt.Errorf("backup to %s: the file is there already", path), "name a file that is not")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return command.FileError("backup to", err)
	}
	return nil
}

// backUp copies a file to a new one that only its owner can read.
func backUp(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return command.FileError("backup of", err)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return command.FileError("backup to", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return command.FileError("backup to", err)
	}
	return nil
}
