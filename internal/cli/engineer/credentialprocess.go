package engineer

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newCredentialProcess(e *machine) *cobra.Command {
	s := sessionFlags{env: e, noPicker: true}
	c := &cobra.Command{
		Use:   "credential-process [PROFILE]",
		Short: "Print a profile's session for the AWS CLI and SDKs",
		Long: `credential-process prints the session of a profile in the format that the AWS CLI and
SDKs expect from a credential_process. It prompts for an MFA code only at the terminal.
Without a terminal, it fails at once and prints the command to run.

In ~/.aws/config, use the helper program, which does the same and starts faster:

  [profile bob-mfa]
  credential_process = forcemfa-credential-process --profile bob

  [profile prod]
  role_arn = arn:aws:iam::111122223333:role/Admin
  source_profile = bob-mfa

"forcemfa configure" writes these profiles. Don't set mfa_serial in the role profile,
because the tools would then prompt for a code themselves.

EXIT STATUS
  0  the session is on stdout
  1  there is no session; stderr shows the reason and the next step`,
		Example: `  forcemfa credential-process bob
  forcemfa-credential-process --profile bob`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.named(args); err != nil {
				return err
			}
			return runCredentialProcess(c.Context(), &s)
		},
	}
	s.add(c)
	return c
}

func runCredentialProcess(ctx context.Context, s *sessionFlags) error {
	k, err := s.manager(ctx)
	if err != nil {
		return err
	}
	e, err := k.Session(ctx, s.request())
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.env.Stdout, e.ProcessJSON())
	return err
}
