package engineer

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newCredentialProcess(e *machine) *cobra.Command {
	s := sessionFlags{env: e}
	c := &cobra.Command{
		Use:   "credential-process [PROFILE]",
		Short: "A profile's session for AWS CLI and SDKs",
		Long: `credential-process prints the session of a profile as AWS CLI and SDKs want it from
a credential_process. Where a code is needed it asks at the terminal, and nowhere
else; without a terminal it fails at once and says what to run.

In ~/.aws/config name the small helper, which starts faster and does the same:

  [profile bob-mfa]
  credential_process = forcemfa-credential-process --profile bob

  [profile prod]
  role_arn = arn:aws:iam::111122223333:role/Admin
  source_profile = bob-mfa

"forcemfa configure" writes this. Give the role no mfa_serial: the tools would ask
for a code themselves.

EXIT STATUS
  0  the session is on stdout
  1  there is none; stderr says why, and the next step`,
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
