package engineer

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"forcemfa/internal/accesskey"
	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
)

func newRotate(e *machine) *cobra.Command {
	o := rotateOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "rotate [PROFILE]",
		Short: "Replace an access key, with MFA",
		Long: `rotate replaces the access key of a profile's user, with an MFA session or one code. It
checks first that the user has only one key (AWS allows two) and that the new key can be
stored. It stores the new key in place of the old one, in ~/.aws/credentials or the
secret store, tests it, and only then makes the old key inactive. If a step fails,
rotate undoes the previous ones. The current session stays valid. If rotate was killed, the
next rotate completes it, and deletes a new key whose secret was lost and that was never used.

rotate does not delete the old key, so that you can find programs that still use it.
Delete it later with --delete.

EXIT STATUS
  0  the key is replaced or deleted
  1  an error stopped it; nothing has changed, unless the hint says otherwise`,
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
	c.Flags().StringVar(&o.delete, "delete", "", "delete the inactive key with this `id` instead")
	return c
}

type rotateOptions struct {
	sessionFlags
	delete string
}

func runRotate(ctx context.Context, o *rotateOptions) error {
	if o.delete != "" && !accesskey.IsID(o.delete) {
		return command.WithHint(fmt.Errorf("--delete %q: not an access key ID", o.delete), "the ID begins with AKIA and has 20 letters and digits")
	}
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
	o.say("when nothing uses it any more, run \"forcemfa rotate --delete %s %s\"", oldID, awsfile.Argument(own.Route.Base))
	return nil
}

// holderOf is where the key of a route rests, when forcemfa can write there.
func (e *machine) holderOf(r *session.Route) (session.Holder, error) {
	switch r.KeyFrom {
	case session.KeyInFile, session.KeyInStore:
		files, err := e.awsFiles()
		if err != nil {
			return nil, err
		}
		p, err := files.Profile(r.Base)
		if err != nil {
			return nil, err
		}
		if r.KeyFrom == session.KeyInFile {
			return accesskey.InFile(files, p), nil
		}
		store, err := e.keyStoreOf(p)
		if err != nil {
			return nil, err
		}
		return accesskey.InStore(store, r.Base), nil
	}
	return nil, command.WithHint(fmt.Errorf("the key comes from the %s, where forcemfa cannot store a new one", r.KeyFrom),
		fmt.Sprintf("move it into the secret store first: run \"forcemfa import %s\"", awsfile.Argument(r.Base)))
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
