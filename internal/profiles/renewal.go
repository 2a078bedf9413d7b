package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"forcemfa/internal/awsfile"
)

// Renewing returns the profile whose name in AWS_PROFILE gives AWS tools the session of
// a profile and lets them renew it: the profile itself, or a second one that serves its
// key. An error says why tools would use other credentials, none, or would prompt.
func Renewing(files *awsfile.Files, profile string) (string, error) {
	r := renewal{files: files, profile: profile}
	err := r.check(profile)
	if err == nil {
		return profile, nil
	}
	for _, other := range files.Profiles() {
		second := renewal{files: files, profile: other}
		p, unread := files.Profile(other)
		if unread == nil && serves(p.Get(processSetting), profile) && second.check(other) == nil {
			return other, nil
		}
	}
	return "", err
}

// A renewal is how AWS tools read a profile: they know fewer settings than forcemfa.
type renewal struct {
	files   *awsfile.Files
	profile string // the profile of the user
	seen    []string
}

// check returns an error unless AWS tools renew the session of a profile.
func (r *renewal) check(name string) error {
	if err := r.follow(name); err != nil {
		return err
	}
	for _, seen := range r.seen {
		if plain := awsfile.PlainName(seen); plain != seen {
			return withNext(fmt.Errorf("some AWS tools cannot read the name of profile %q: such names consist of letters, digits and %s", seen, awsfile.PlainCharacters),
				fmt.Sprintf("rename it to %s, or leave --renew out", plain))
		}
	}
	return nil
}

// follow returns an error unless a profile leads tools to the credential helper.
func (r *renewal) follow(name string) error {
	p, err := r.files.Profile(name)
	if errors.Is(err, awsfile.ErrNoProfile) {
		return withNext(fmt.Errorf("no profile %s in %s or %s", name, r.files.Config.Path, r.files.Credentials.Path), r.files.DidYouMean(name, "name a profile that is there"))
	}
	if err != nil {
		return err
	}
	if slices.Contains(r.seen, name) {
		return withNext(fmt.Errorf("profiles form a loop: %s", strings.Join(append(r.seen, name), " → ")), "set source_profile of one of them to a profile with an access key")
	}
	r.seen = append(r.seen, name)
	if err := r.included(p); err != nil {
		return err
	}
	if p.Get("role_arn") != "" {
		return r.role(p)
	}
	return r.source(p)
}

// included refuses settings that only forcemfa takes from another profile.
func (r *renewal) included(p awsfile.Profile) error {
	for _, key := range []string{"role_arn", "source_profile", processSetting} {
		s, ok := p.Setting(key)
		if !ok || r.own(p.Name, s) {
			continue
		}
		return withNext(fmt.Errorf("%s: %s of profile %s comes from include_profile, which AWS tools do not read", s.Origin, key, p.Name),
			fmt.Sprintf("copy %s into the profile", key))
	}
	return nil
}

// own reports whether a setting stands in the profile's own sections.
func (r *renewal) own(name string, s awsfile.Setting) bool {
	here := func(other awsfile.Setting) bool { return other.Origin == s.Origin }
	return slices.ContainsFunc(r.files.Config.All(awsfile.ConfigSection(name), s.Key), here) ||
		slices.ContainsFunc(r.files.Credentials.All(name, s.Key), here)
}

// role checks that tools can assume a role again and again without a code.
func (r *renewal) role(p awsfile.Profile) error {
	if s, ok := p.Setting("mfa_serial"); ok {
		return withNext(fmt.Errorf("%s: profile %s has mfa_serial, for which AWS tools prompt for a code themselves", s.Origin, p.Name), r.configure(p.Get("source_profile")))
	}
	s, ok := p.Setting("duration_seconds")
	if n, err := strconv.Atoi(s.Value); ok && err == nil && n > chainedSeconds {
		return withNext(fmt.Errorf("%s: profile %s requests %d seconds, and AWS grants a role that is assumed with a session %d at most", s.Origin, p.Name, n, chainedSeconds),
			"remove duration_seconds, because the role is renewed, or leave --renew out")
	}
	source := p.Get("source_profile")
	if source == "" || source == p.Name {
		return withNext(fmt.Errorf("%s: profile %s is a role and holds the key itself, so AWS tools would use the key without MFA", p.Origin, p.Name),
			fmt.Sprintf("run \"forcemfa import %s\", or leave --renew out", awsfile.Argument(p.Name)))
	}
	return r.follow(source)
}

// source checks that the credential helper is what tools run for the last profile.
func (r *renewal) source(p awsfile.Profile) error {
	if s, ok := p.Setting(awsfile.KeyIDSetting); ok {
		what := "holds an access key, which AWS tools would use without MFA"
		if p.Temporary() {
			what = "holds temporary credentials, which AWS tools cannot renew"
		}
		return withNext(fmt.Errorf("%s: profile %s %s", s.Origin, p.Name, what), r.configure(p.Name))
	}
	s, ok := p.Setting(processSetting)
	if !ok {
		return withNext(fmt.Errorf("%s: profile %s has no credential_process, so AWS tools cannot renew its session", p.Origin, p.Name), r.configure(p.Name))
	}
	if _, helper := awsfile.HelperProfile(s.Value); !helper {
		return withNext(fmt.Errorf("%s: credential_process of profile %s is not %s", s.Origin, p.Name, awsfile.Helper), r.configure(p.Name))
	}
	return nil
}

// configure names the command that makes a profile renewable.
func (r *renewal) configure(source string) string {
	p, err := r.files.Profile(source)
	if err == nil && p.Get(awsfile.KeyIDSetting) != "" {
		return fmt.Sprintf("run \"forcemfa import %s\" and then \"forcemfa configure %[1]s\", or \"forcemfa configure --as %s %[1]s\"", awsfile.Argument(source), awsfile.Word(source+"-mfa"))
	}
	return fmt.Sprintf("run \"forcemfa configure %s\"", awsfile.Argument(source))
}
