package engineer

import (
	"fmt"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/profiles"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

// A renewal is whether a command gets the name of the profile instead of the session, so
// that AWS tools renew it with credential_process.
type renewal struct {
	*sessionFlags
	on    bool
	given bool // --renew or --renew=false
	// setting: without the flag, forcemfa_exec of the profile decides.
	setting bool
}

func (r *renewal) add(c *cobra.Command) {
	c.Flags().BoolVar(&r.on, "renew", false, "set AWS_PROFILE instead of the session, so that AWS tools renew it")
	c.MarkFlagsMutuallyExclusive("renew", "serial")
}

// check refuses a profile that AWS tools cannot renew, before a code is prompted for.
func (r *renewal) check(k *session.Manager) error {
	if r.given || !r.setting {
		return r.possible(r.given && r.on)
	}
	k.Resolved = func(route *session.Route) error { return r.possible(route.Exec == session.ExecProfile) }
	return nil
}

func (r *renewal) possible(wanted bool) error {
	if !wanted {
		return nil
	}
	_, err := r.profileForTools()
	return err
}

// profileForTools returns the profile for AWS_PROFILE.
func (r *renewal) profileForTools() (string, error) {
	if r.usesEnvironment() {
		return "", command.WithHint(fmt.Errorf("the key comes from the environment, and AWS tools can renew only the session of a profile"), "name a profile, or leave --renew out")
	}
	files, err := r.env.awsFiles()
	if err != nil {
		return "", err
	}
	return profiles.Renewing(files, r.profileName())
}

// renews reports whether AWS tools renew a session themselves.
func (r *renewal) renews(e *cache.Entry) bool {
	if r.given {
		return r.on
	}
	return r.on || r.setting && e.Exec == session.ExecProfile
}

// variables returns the environment variables of a session: the session itself, or the
// profile by which AWS tools renew it.
func (r *renewal) variables(e *cache.Entry) ([]environ.Assignment, error) {
	if !r.renews(e) {
		return e.Variables(r.regionOf(e)), nil
	}
	profile, err := r.profileForTools()
	if err != nil {
		return nil, err
	}
	return environ.Profile(profile, r.regionOf(e)), nil
}
