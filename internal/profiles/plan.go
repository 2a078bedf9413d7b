package profiles

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/policy/arn"
)

// Options say which profiles to write.
type Options struct {
	Profile string   // profile with the long-lived key
	As      string   // second profile for the session; empty: Profile itself
	Roles   []string // NAME=ARN: role profiles to add or change
	Region  string   // region of the profiles that are written; empty: that of the key's profile
	// Fallback is the region of profiles whose key's profile has none; may be empty.
	Fallback string
	Helper   string // path of the credential helper or of forcemfa; empty: not installed
	// Gone reports whether a program, by name or path, is not there; nil: none is looked for.
	// A credential_process of forcemfa that names such a program gets Helper.
	Gone func(program string) bool
	// SignIn: Profile gets its credentials from "aws login", which writes login_session. It
	// may be new, and has no other credentials.
	SignIn bool
}

// A plan is how profiles lead to one MFA session: source has the
// credential_process, roles have source as their source_profile. An SDK ignores
// credential_process in a profile that has a role_arn, so one profile cannot be
// both.
type plan struct {
	files  *awsfile.Files
	base   string // profile with the key
	source string // base, or the second profile
	region string // --region: replaces another region in the profiles
	usual  string // for profiles without a region; empty: unknown
	helper string
	gone   func(program string) bool
	signIn bool // source has the login_session that "aws login" writes
	roles  []roleProfile
	serial string // mfa_serial of the roles, for the source
}

type roleProfile struct {
	name, arn string // arn is empty for a profile that already has its role_arn
}

// Plan returns the change of the config file that makes a profile and its role
// profiles work with MFA.
func Plan(files *awsfile.Files, o Options) (*Change, error) {
	p, err := newPlan(files, o)
	if err != nil {
		return nil, err
	}
	c, err := newChange(files.Config, p.write, p.notes())
	if err != nil {
		return nil, err
	}
	c.NoRegion = p.usual == ""
	return c, nil
}

func newPlan(files *awsfile.Files, o Options) (*plan, error) {
	pl := &plan{files: files, base: o.Profile, source: o.Profile, region: o.Region, helper: o.Helper, gone: o.Gone, signIn: o.SignIn}
	if o.As != "" {
		pl.source = o.As
	}
	if !pl.signIn {
		if err := pl.checkBase(o.As); err != nil {
			return nil, err
		}
	}
	for _, given := range o.Roles {
		role, err := parseRole(given)
		if err != nil {
			return nil, err
		}
		if role.name == pl.base || role.name == pl.source {
			return nil, fmt.Errorf("--role %s: the profile of a role cannot be its own source", given)
		}
		pl.roles = append(pl.roles, role)
	}
	pl.usual = cmp.Or(o.Region, pl.regionOf(pl.base), pl.regionOf(pl.source), o.Fallback, pl.regionOf("default"))
	return pl, pl.existing()
}

// regionOf returns the region setting of a profile; empty if it has none.
func (pl *plan) regionOf(profile string) string {
	p, err := pl.files.Profile(profile)
	if err != nil {
		return ""
	}
	return p.Get("region")
}

// regionFor returns the region to write into a profile; empty if it keeps its own.
// Each profile needs one: SDKs do not take the region of a source_profile or of
// the default profile.
func (pl *plan) regionFor(profile string) []awsfile.Setting {
	region := pl.usual
	if pl.regionOf(profile) != "" {
		region = pl.region
	}
	if region == "" {
		return nil
	}
	return []awsfile.Setting{{Key: "region", Value: region}}
}

func parseRole(given string) (roleProfile, error) {
	name, text, ok := strings.Cut(given, "=")
	a, err := arn.Parse(text)
	if !ok || name == "" || err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return roleProfile{}, fmt.Errorf("--role %q: want NAME=ARN with the ARN of an IAM role", given)
	}
	return roleProfile{name, text}, nil
}

// checkBase returns an error if SDKs would still use the key itself: they prefer a
// key in a file to a credential_process.
func (pl *plan) checkBase(as string) error {
	p, err := pl.files.Profile(pl.base)
	if errors.Is(err, awsfile.ErrNoProfile) {
		return withNext(err, pl.files.DidYouMean(pl.base, fmt.Sprintf("run \"forcemfa import %s\" first, or name a profile that is there", awsfile.Argument(pl.base))))
	}
	if err != nil {
		return err
	}
	if s, ok := p.Setting("role_arn"); ok {
		return withNext(fmt.Errorf("%s: profile %s is a role", s.Origin, pl.base), "name the profile with the key; its roles are found")
	}
	for _, key := range []string{"sso_session", "sso_account_id", "web_identity_token_file", "login_session", "credential_source"} {
		if s, ok := p.Setting(key); ok && p.Get(awsfile.KeyIDSetting) == "" && p.Get(processSetting) == "" {
			return withNext(fmt.Errorf("%s: profile %s has %s and no access key, so forcemfa has no session for it", s.Origin, pl.base, key), "name the profile of an access key")
		}
	}
	if as == pl.base {
		return fmt.Errorf("--as %s: want another name than PROFILE", as)
	}
	if s, ok := p.Setting(awsfile.KeyIDSetting); ok && as == "" {
		return withNext(fmt.Errorf("%s: profile %s holds an access key, which SDKs take before a credential_process", s.Origin, pl.base),
			fmt.Sprintf("run \"forcemfa import %s\" first, or give --as %s for a second profile", awsfile.Argument(pl.base), awsfile.Word(pl.base+"-mfa")))
	}
	if as == "" {
		return nil
	}
	if second, err := pl.files.Profile(as); err == nil && (second.Get(awsfile.KeyIDSetting) != "" || second.Get("role_arn") != "") {
		return withNext(fmt.Errorf("%s: profile %s is in use already", second.Origin, as), "give --as another name")
	}
	return nil
}

// existing adds the role profiles that lead to the base or the source.
func (pl *plan) existing() error {
	for _, name := range pl.files.Profiles() {
		p, err := pl.files.Profile(name)
		if err != nil {
			return err
		}
		source := p.Get("source_profile")
		if p.Get("role_arn") == "" || source == name || source != pl.base && source != pl.source {
			continue
		}
		if !slices.ContainsFunc(pl.roles, func(r roleProfile) bool { return r.name == name }) {
			pl.roles = append(pl.roles, roleProfile{name: name})
		}
		if s := p.Get("mfa_serial"); s != "" && pl.serial == "" {
			pl.serial = s
		}
	}
	return nil
}

// write adds the settings to the config file.
func (pl *plan) write(f *awsfile.File) error {
	source := pl.regionFor(pl.source)
	if !pl.signIn {
		source = slices.Insert(source, 0, awsfile.Setting{Key: processSetting, Value: ProcessLine(pl.helper, pl.base)})
	}
	if p, err := pl.files.Profile(pl.source); !pl.signIn && pl.serial != "" && (err != nil || p.Get("mfa_serial") == "") {
		source = append(source, awsfile.Setting{Key: "mfa_serial", Value: pl.serial})
	}
	if err := pl.profile(f, pl.source, source); err != nil {
		return err
	}
	for _, r := range pl.roles {
		settings := []awsfile.Setting{{Key: "source_profile", Value: pl.source}}
		if r.arn != "" {
			settings = slices.Insert(settings, 0, awsfile.Setting{Key: "role_arn", Value: r.arn})
			settings = append(settings, pl.regionFor(r.name)...)
		} else if pl.regionOf(r.name) == "" {
			settings = append(settings, pl.regionFor(r.name)...)
		}
		if err := pl.profile(f, r.name, settings); err != nil {
			return err
		}
		f.Suppress(awsfile.ConfigSection(r.name), "mfa_serial")
	}
	return nil
}

// profile writes the settings of a profile: into the forcemfa block if the profile
// is new or already there, else as marked lines in the user's own section.
func (pl *plan) profile(f *awsfile.File, name string, settings []awsfile.Setting) error {
	section := awsfile.ConfigSection(name)
	have, exists := f.Section(section)
	if !exists && len(settings) > 0 {
		return f.AddSection(section, settings)
	}
	managed, err := f.InBlock(section)
	if err != nil {
		return err
	}
	for _, s := range settings {
		now, ok := have.Get(s.Key)
		switch {
		case ok && now.Value == s.Value:
		case ok && s.Key == processSetting && serves(now.Value, pl.base):
			if pl.moved(now.Value) {
				err = f.Set(section, s.Key, s.Value)
			}
		case managed:
			err = f.Set(section, s.Key, s.Value)
		default:
			err = f.Override(section, s.Key, s.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moved reports whether the program of a command is not there, and another one is.
func (pl *plan) moved(command string) bool {
	words, err := awsfile.SplitCommand(command)
	return err == nil && len(words) > 0 && pl.helper != "" && pl.gone != nil && pl.gone(words[0])
}

// chainedSeconds is the most that AWS allows a role that is assumed with a session.
// Source: IAM User Guide, "Methods to assume a role" (role chaining).
const chainedSeconds = 3600

// notes returns the problems that no edit can fix.
func (pl *plan) notes() []string {
	notes := []string{}
	if pl.helper == "" && !pl.signIn {
		notes = append(notes, awsfile.Helper+" is neither next to forcemfa nor in PATH: install it, or no tool will get credentials")
	}
	if pl.usual == "" {
		notes = append(notes, fmt.Sprintf("no region is known for profile %s: give --region, or most AWS tools ask for one", pl.source))
	}
	for _, r := range pl.roles {
		p, err := pl.files.Profile(r.name)
		if err != nil {
			continue
		}
		s, ok := p.Setting("duration_seconds")
		if n, err := strconv.Atoi(s.Value); ok && err == nil && n > chainedSeconds {
			notes = append(notes, fmt.Sprintf("%s: profile %s requests %s seconds, and a role assumed with an MFA session ends after %d: AWS refuses more; lower it, or run \"forcemfa exec %s\"", s.Origin, r.name, s.Value, chainedSeconds, awsfile.Argument(r.name)))
		}
	}
	return notes
}
