package engineer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/view"
)

func newSessions(e *machine) *cobra.Command {
	o := sessionsOptions{env: e}
	c := &cobra.Command{
		Use:   "sessions",
		Short: "List sessions and the time left",
		Long: `sessions lists the sessions in the cache and the time left. It shows no secrets and
does not call AWS. "sessions clear" removes them from this machine. In AWS they stay
valid until they expire, unless a policy revokes them.

EXIT STATUS
  0  the sessions are listed, even if there are none
  1  the cache could not be read`,
		Example: `  forcemfa sessions
  forcemfa sessions -o json | jq -r '.[0].seconds_left'
  forcemfa sessions clear bob`,
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return command.CheckOutput(o.output) },
		RunE:    func(*cobra.Command, []string) error { return runSessions(&o) },
	}
	c.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	c.AddCommand(newSessionsClear(e))
	return c
}

type sessionsOptions struct {
	env    *machine
	output string
}

func runSessions(o *sessionsOptions) error {
	dir, err := cache.Default(o.env.Getenv)
	if err != nil {
		return command.WithHint(err, "set HOME or XDG_CACHE_HOME")
	}
	all, err := dir.List()
	if err != nil {
		return command.FileError("read the sessions", err)
	}
	now := o.env.Now()
	list := []listedSession{}
	for _, e := range all {
		if now.Before(e.Expires) {
			list = append(list, sessionView(*e.Entry, now))
		}
	}
	slices.SortFunc(list, func(a, b listedSession) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ARN, b.ARN))
	})
	if o.output == "json" {
		return view.JSON(o.env.Stdout, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(o.env.Stderr, "no sessions")
		return nil
	}
	width := len("PROFILE")
	for _, s := range list {
		width = max(width, len(view.Clean(s.Profile)))
	}
	fmt.Fprintf(o.env.Stdout, "%-*s  %-7s  %-6s  %s\n", width, "PROFILE", "LEFT", "UNTIL", "SESSION")
	for _, s := range list {
		fmt.Fprintf(o.env.Stdout, "%-*s  %-7s  %-6s  %s\n", width, view.Clean(s.Profile), left(s.Expires.Sub(now)),
			s.Expires.Local().Format("15:04"), view.Clean(s.label()))
	}
	return nil
}

func newSessionsClear(e *machine) *cobra.Command {
	return &cobra.Command{
		Use:   "clear [PROFILE…]",
		Short: "Remove sessions from this machine",
		Long: `clear removes all sessions from this machine, or those of the given profiles and all
role sessions of the same access key.

EXIT STATUS
  0  the sessions are removed, even if there were none
  1  a session could not be removed`,
		Example:           "  forcemfa sessions clear\n  forcemfa sessions clear bob",
		ValidArgsFunction: e.completeProfiles,
		RunE:              func(c *cobra.Command, args []string) error { return runSessionsClear(c.Context(), e, args) },
	}
}

func runSessionsClear(ctx context.Context, e *machine, profiles []string) error {
	dir, err := cache.Default(e.Getenv)
	if err != nil {
		return command.WithHint(err, "set HOME or XDG_CACHE_HOME")
	}
	dir.Vault = session.Vaults(ctx, e.keyStore)
	all, err := dir.List()
	if err != nil {
		return command.FileError("read the sessions", err)
	}
	// A role session is worth as much as the MFA session it came from.
	keys := map[string]bool{}
	for _, s := range all {
		if s.Kind == cache.MFASession && slices.Contains(profiles, s.Profile) {
			keys[s.KeyID] = true
		}
	}
	n, err := dir.Clear(func(s *cache.Entry) bool {
		return len(profiles) == 0 || keys[s.KeyID] || slices.Contains(profiles, s.Profile)
	})
	if err != nil {
		return command.FileError("remove sessions", err)
	}
	fmt.Fprintf(e.Stderr, "removed %s\n", view.Count(n, "session"))
	return nil
}
