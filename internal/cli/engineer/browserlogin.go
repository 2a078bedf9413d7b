package engineer

import (
	"context"
	"errors"
	"fmt"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

// checkBrowser refuses flags that do nothing without --browser.
func (o *loginOptions) checkBrowser(given func(flag string) bool) error {
	for _, flag := range []string{"port", "no-open", "wait"} {
		if given(flag) && !o.browser {
			return command.WithHint(fmt.Errorf("--%s is for a sign-in with a browser", flag), "add --browser, or leave it out")
		}
	}
	if o.port < 0 || o.port > 65535 {
		return command.WithHint(fmt.Errorf("--port %d is not the number of a port", o.port), "use a number from 1024 to 65535, or leave it out")
	}
	if o.wait <= 0 {
		return command.WithHint(errors.New("--wait must be longer than zero"), "use a duration such as 10m")
	}
	return nil
}

// runBrowserLogin signs in with a browser.
func runBrowserLogin(ctx context.Context, o *loginOptions) error {
	o.noPicker = true // a profile that signs in with a browser may be new
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	e, err := k.SignIn(ctx, o.request(), session.Browser{Port: o.port, Wait: o.wait, Show: func(link string) error { return o.showSignIn(k.Cache, link) }})
	if err != nil {
		return err
	}
	return o.print(e)
}

// showSignIn opens the address, and prints it for people whose browser is elsewhere.
func (o *loginOptions) showSignIn(dir cache.Dir, link string) error {
	if !o.noOpen {
		if _, err := o.env.open(dir, link, false); err != nil {
			o.talk("no browser was started: %v", err)
		}
	}
	_, err := fmt.Fprintf(o.env.Stderr, "Sign in at this address in a browser of this machine:\n%s\n", link) // also with --quiet
	return err
}
