package auditor

import (
	"context"
	"fmt"

	"forcemfa/internal/emulator/console"
	"forcemfa/internal/probe"
)

// askPerson has the probe ask the person at the terminal. In the sandbox, the page is on
// loopback until the returned function is called.
func (o *probeOptions) askPerson(options *probe.Options) (closePage func(), err error) {
	closePage = func() {}
	if o.sandbox {
		page, err := console.Listen(o.cloud, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		options.SignInPage, closePage = page.URL, func() { _ = page.Close() } // the program ends
	}
	options.Pause, options.SignIn = wait, o.prompt
	return closePage, nil
}

// prompt shows the password at the terminal, which no log contains.
func (o *probeOptions) prompt(ctx context.Context, in probe.SignIn) error {
	question := fmt.Sprintf(`
Sign in to the console in a private browser window, and set any new password:

  address    %s
  account    %s
  user name  %s
  password   %s

`, in.Page, in.Account, in.User, in.Password)
	if in.Try > 1 {
		question = "\nThe user has one permission more. Sign in again in the same way, with the same password, and set a new one.\n"
	}
	_, err := o.Env.Ask(ctx, question+"The probe continues when the new password is set. Press Enter only if the page refuses it: ")
	return err
}
