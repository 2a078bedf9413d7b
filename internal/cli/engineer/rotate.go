package engineer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

func newRotate(e *machine) *cobra.Command {
	o := rotateOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "rotate [PROFILE]",
		Short: "A new access key in place of the old one, under MFA",
		Long: `rotate gives a profile's user a new access key, with one code or none where there is
a session. It first checks that there is room (AWS allows two keys) and that the new
key can be kept; keeps it where the old one is, in ~/.aws/credentials or the secret
store; proves it; and only then makes the old key inactive. What fails on the way is
undone. The present session goes on.

The old key is not deleted, so that what still uses it can be found. Delete it later
with --delete.

EXIT STATUS
  0  done
  1  not done; what there was is as it was, unless the hint says otherwise`,
		Example: `  forcemfa rotate bob
  forcemfa rotate bob --delete AKIAIOSFODNN7EXAMPLE`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			return runRotate(c.Context(), &o)
		},
	}
	o.add(c)
	c.Flags().StringVar(&o.delete, "delete", "", "delete this inactive `key ID` instead")
	return c
}

type rotateOptions struct {
	sessionFlags
	delete string
}

func runRotate(ctx context.Context, o *rotateOptions) error {
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	own, err := k.Own(ctx, o.request(), nil) // another session has no key to replace
	if err != nil {
		return err
	}
	var holder session.Holder
	if o.delete == "" {
		if holder, err = o.env.holderOf(own.Route); err != nil {
			return err
		}
	}
	with, err := own.WithMFA(ctx, o.request())
	if err != nil {
		return err
	}
	if o.delete != "" {
		if err := with.DeleteKey(ctx, o.delete); err != nil {
			return err
		}
		o.say("deleted %s", o.delete)
		return nil
	}
	newID, oldID, err := with.Rotate(ctx, holder)
	if err != nil {
		return err
	}
	o.say("%s has the new key %s; %s is inactive", own.Route.Base, newID, oldID)
	o.say("when nothing misses it: forcemfa rotate %s --delete %s", own.Route.Base, oldID)
	return nil
}

// holderOf is where the key of a route rests, when forcemfa can write there.
func (e *machine) holderOf(r *session.Route) (session.Holder, error) {
	switch r.KeyFrom {
	case session.KeyInFile:
		return e.fileHolder(r)
	case session.KeyInStore:
		files, err := e.awsFiles()
		if err != nil {
			return nil, err
		}
		p, err := files.Profile(r.Base)
		if err != nil {
			return nil, err
		}
		store, err := e.keyStoreOf(p)
		return &storeHolder{store, r.Base}, err
	}
	return nil, command.WithHint(fmt.Errorf("the key comes from the %s, where forcemfa cannot put a new one", r.KeyFrom),
		`move it into the secret store first: "forcemfa import"`)
}

// A fileHolder is a profile in one of the AWS files.
type fileHolder struct{ path, section string }

func (e *machine) fileHolder(r *session.Route) (*fileHolder, error) {
	files, err := e.awsFiles()
	if err != nil {
		return nil, err
	}
	p, err := files.Profile(r.Base)
	if err != nil {
		return nil, err
	}
	h := &fileHolder{files.Credentials.Path, r.Base}
	if s, ok := p.Setting(awsfile.SecretSetting); ok && s.Origin.Path == files.Config.Path {
		h = &fileHolder{files.Config.Path, awsfile.ConfigSection(r.Base)}
	}
	return h, nil
}

// Ready tries whether a file can be put beside the one to be replaced.
func (h *fileHolder) Ready(context.Context) error {
	real, err := filepath.EvalSymlinks(h.path)
	if err != nil {
		return command.FileError("keep the new key", err)
	}
	f, err := os.CreateTemp(filepath.Dir(real), ".forcemfa-")
	if err != nil {
		return command.WithHint(command.FileError("keep the new key", err), "make the directory writable; nothing was changed")
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

// Keep changes both settings in one step.
func (h *fileHolder) Keep(_ context.Context, keys secret.Keys) error {
	err := awsfile.Edit(h.path, func(f *awsfile.File) error {
		return errors.Join(
			f.Set(h.section, awsfile.KeyIDSetting, keys.AccessKeyID),
			f.Set(h.section, awsfile.SecretSetting, keys.SecretAccessKey.Reveal()))
	})
	if err != nil {
		return err
	}
	f, err := awsfile.Read(h.path)
	if err != nil {
		return err
	}
	s, _ := f.Section(h.section)
	id, _ := s.Get(awsfile.KeyIDSetting)
	text, _ := s.Get(awsfile.SecretSetting)
	if id.Value != keys.AccessKeyID || text.Value != keys.SecretAccessKey.Reveal() {
		return fmt.Errorf("%s does not hold what was written", h.path)
	}
	return nil
}

// A storeHolder is a secret store.
type storeHolder struct {
	store   secret.Store
	profile string
}

const storeProbe = "forcemfa-rotate-probe"

// Ready writes something and takes it back: a store can be read-only or
// locked.
func (h *storeHolder) Ready(ctx context.Context) error {
	if err := h.store.SetText(ctx, storeProbe, secret.NewText("probe")); err != nil {
		return err
	}
	return h.store.DeleteText(ctx, storeProbe)
}

func (h *storeHolder) Keep(ctx context.Context, keys secret.Keys) error {
	if err := h.store.Set(ctx, h.profile, keys); err != nil {
		return err
	}
	back, err := h.store.Get(ctx, h.profile)
	if err == nil && (back.AccessKeyID != keys.AccessKeyID || back.SecretAccessKey.Reveal() != keys.SecretAccessKey.Reveal()) {
		err = fmt.Errorf("the %s store does not hold what was written", h.store.Backend())
	}
	return err
}

// otherCredentials are those that the AWS CLI would take: a session of
// "aws login", for one.
func (s *sessionFlags) otherCredentials(ctx context.Context) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if s.profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.profile))
	}
	if s.region != "" {
		options = append(options, config.WithRegion(s.region))
	}
	cfg, err := command.LoadConfig(ctx, options...)
	if err == nil && cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	return cfg, err
}
