package engineer

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/listing"
	"forcemfa/internal/view"
)

func newSessions(e *machine) *cobra.Command {
	o := sessionsOptions{env: e}
	c := &cobra.Command{
		Use:        "sessions",
		SuggestFor: []string{"list", "ls", "logout", "status"},
		Short:      "List sessions and the time left",
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
	now := o.env.Now()
	list, err := listing.Current(dir, now)
	if err != nil {
		return command.FileError("read the sessions", err)
	}
	if o.output == "json" {
		return listing.JSON(o.env.Stdout, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(o.env.Stderr, listing.None)
		return nil
	}
	return listing.Text(o.env.Stdout, list, now)
}

func newSessionsClear(e *machine) *cobra.Command {
	return &cobra.Command{
		Use:   "clear [PROFILE…]",
		Short: "Remove sessions from this machine",
		Long: `clear removes all sessions from this machine, or those of the given profiles and all
role sessions of the same access key. It also removes what "export --write-profile"
wrote into ~/.aws/credentials.

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
	gone := map[string]bool{} // access key IDs of the sessions
	n, err := dir.Clear(func(s *cache.Entry) bool {
		match := len(profiles) == 0 || keys[s.KeyID] || slices.Contains(profiles, s.Profile)
		if match {
			gone[s.AccessKeyID] = true
		}
		return match
	})
	if err != nil {
		return command.FileError("remove sessions", err)
	}
	written, err := e.clearWritten(func(source, keyID string) bool {
		return len(profiles) == 0 || gone[keyID] || slices.Contains(profiles, source)
	})
	if err != nil {
		return err
	}
	for _, name := range written {
		fmt.Fprintf(e.Stderr, "removed the session in profile %s of ~/.aws/credentials\n", view.Clean(name))
	}
	fmt.Fprintf(e.Stderr, "removed %s\n", view.Count(n, "session"))
	return nil
}

// clearWritten removes the sessions that "export --write-profile" wrote into
// ~/.aws/credentials and that match, and returns the names of their profiles.
func (e *machine) clearWritten(match func(source, keyID string) bool) ([]string, error) {
	files, err := e.awsFiles()
	if err != nil {
		return nil, err
	}
	written := func(f *awsfile.File) (names []string) {
		for _, s := range f.Sections() {
			manager, _ := s.Get(session.ManagerSetting)
			source, _ := s.Get(session.SourceSetting)
			id, _ := s.Get(awsfile.KeyIDSetting)
			if manager.Value == session.ManagerName && match(source.Value, id.Value) {
				names = append(names, s.Name)
			}
		}
		return names
	}
	if len(written(files.Credentials)) == 0 {
		return nil, nil
	}
	var names []string
	err = awsfile.Edit(files.Credentials.Path, func(f *awsfile.File) error {
		names = written(f)
		for _, name := range names {
			f.UnsetAll(name, writtenSettings...)
		}
		return nil
	})
	return names, err
}

// writtenSettings are the settings that "export --write-profile" writes.
var writtenSettings = []string{
	awsfile.KeyIDSetting, awsfile.SecretSetting, awsfile.TokenSetting, "expiration", "region", session.ManagerSetting, session.SourceSetting,
}
