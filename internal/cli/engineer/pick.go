package engineer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/picker"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/listing"
	"forcemfa/internal/view"
	"forcemfa/policy/arn"
)

// pickProfile has the person pick a profile if none is given and there is a terminal. A
// profile named default is used without a question, as the AWS CLI does, except by verbs for
// people: scripts rely on it.
func (s *sessionFlags) pickProfile(ctx context.Context, dir cache.Dir) error {
	e := s.env
	if s.profile != "" || s.noPicker || s.codeStdin || cache.EnvironmentProfile(e.Getenv) != "" || e.Getenv(awsfile.KeyIDVariable) != "" || !e.CanAsk() {
		return nil
	}
	files, err := e.awsFiles()
	if err != nil {
		return err
	}
	profiles := usableProfiles(files)
	if len(profiles) == 0 || files.Has("default") && (!s.interactive || len(profiles) == 1) {
		return nil
	}
	if len(profiles) == 1 {
		s.profile = profiles[0].Name
		s.talk("using profile %s", s.profile)
		return nil
	}
	s.profile, err = e.pick(ctx, "Profile:", profiles, dir)
	return err
}

// usableProfiles are those that lead to an access key: of a user, or of a role.
func usableProfiles(files *awsfile.Files) []awsfile.Profile {
	var out []awsfile.Profile
	for _, name := range files.Profiles() {
		p, err := files.Profile(name)
		if err != nil {
			continue
		}
		_, own := awsfile.HelperProfile(p.Get("credential_process"))
		role := p.Get("role_arn") != "" && p.Get("source_profile") != ""
		if own || role || p.LongLivedKey() || p.Get(session.StoreSetting) != "" {
			out = append(out, p)
		}
	}
	return out
}

// pick shows profiles, the most recently used first, with the time that their sessions last.
func (e *machine) pick(ctx context.Context, title string, profiles []awsfile.Profile, dir cache.Dir) (string, error) {
	profiles, items := e.profileItems(profiles, dir)
	in, out, err := command.OpenTerminal()
	if err != nil || e.Getenv("TERM") == "dumb" {
		names := make([]string, len(items))
		for i, item := range items {
			names[i] = item.Name
		}
		name, err := e.Choose(ctx, title, names)
		if err != nil {
			return "", err
		}
		return profiles[slices.Index(names, name)].Name, nil
	}
	defer in.Close()
	defer out.Close()
	i, err := picker.Pick(ctx, in, out, title, items)
	if errors.Is(err, picker.ErrInterrupted) {
		end := &command.Interrupted{Signal: os.Interrupt}
		return "", &command.Error{Status: end.Status(), Err: end, Hint: "name a profile, or set AWS_PROFILE"}
	}
	if err != nil {
		return "", command.WithHint(err, "name a profile, or set AWS_PROFILE")
	}
	return profiles[i].Name, nil
}

// profileItems sorts profiles, and returns them with their items.
func (e *machine) profileItems(profiles []awsfile.Profile, dir cache.Dir) ([]awsfile.Profile, []picker.Item) {
	latest := latestSessions(dir)
	profiles = slices.SortedStableFunc(slices.Values(profiles), func(a, b awsfile.Profile) int {
		return latest[b.Name].Issued.Compare(latest[a.Name].Issued)
	})
	items := make([]picker.Item, len(profiles))
	for i, p := range profiles {
		remains := ""
		if d := latest[p.Name].Expires.Sub(e.Now()); d >= time.Minute {
			remains = listing.Left(d)
		}
		items[i] = picker.Item{Name: view.Clean(p.Name), Columns: []string{remains, view.Clean(describe(p))}}
	}
	return profiles, items
}

// latestSessions are the newest sessions in the cache, by profile. Those that have expired
// stay for a day, and show what was used.
func latestSessions(dir cache.Dir) map[string]cache.Entry {
	latest := map[string]cache.Entry{}
	all, _ := dir.List() // the order of a list is worth no error
	for _, named := range all {
		if named.Issued.After(latest[named.Profile].Issued) {
			latest[named.Profile] = *named.Entry
		}
	}
	return latest
}

// describe says what a profile leads to.
func describe(p awsfile.Profile) string {
	if text := p.Get("role_arn"); text != "" {
		if role, err := arn.Parse(text); err == nil {
			return fmt.Sprintf("role %s in %s", role.Name(), role.Account)
		}
		return text
	}
	if store := p.Get(session.StoreSetting); store != "" {
		return "access key in the " + store + " store"
	}
	if p.LongLivedKey() {
		return "access key in a file"
	}
	return cmp.Or(p.Get("credential_process"), "access key")
}
