package engineer

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/policy/arn"
)

// A wiring is how profiles lead to one MFA session: source has the
// credential_process, roles have source as their source_profile. An SDK ignores
// credential_process in a profile that has a role_arn, so they cannot be one.
type wiring struct {
	files  *awsfile.Files
	base   string // whose key it is
	source string // base, or the second profile beside it
	region string
	roles  []wiredRole
	serial string // of the roles' mfa_serial, for the source
}

type wiredRole struct {
	profile, arn string // arn is empty for a role profile that has its own
}

func newWiring(o *configureOptions, files *awsfile.Files) (*wiring, error) {
	w := &wiring{files: files, base: o.profile, source: o.profile, region: o.region}
	if o.as != "" {
		w.source = o.as
	}
	if err := w.checkBase(o.as); err != nil {
		return nil, err
	}
	for _, given := range o.roles {
		role, err := parseRole(given)
		if err != nil {
			return nil, err
		}
		if role.profile == w.base || role.profile == w.source {
			return nil, fmt.Errorf("--role %s: the profile of a role cannot be its own source", given)
		}
		w.roles = append(w.roles, role)
	}
	return w, w.existing()
}

func parseRole(given string) (wiredRole, error) {
	name, text, ok := strings.Cut(given, "=")
	a, err := arn.Parse(text)
	if !ok || name == "" || err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return wiredRole{}, fmt.Errorf("--role %q: want NAME=ARN with the ARN of an IAM role", given)
	}
	return wiredRole{name, text}, nil
}

// checkBase is an error where SDKs would go on using the key itself: they prefer
// a key in a file to a credential_process.
func (w *wiring) checkBase(as string) error {
	p, err := w.files.Profile(w.base)
	if errors.Is(err, awsfile.ErrNoProfile) {
		return command.WithHint(err, fmt.Sprintf("run \"forcemfa import %s\" first, or name a profile that is there", awsfile.Word(w.base)))
	}
	if err != nil {
		return err
	}
	if s, ok := p.Setting("role_arn"); ok {
		return command.WithHint(fmt.Errorf("%s: profile %s is a role", s.Origin, w.base), "name the profile with the key; its roles are found")
	}
	if as == w.base {
		return fmt.Errorf("--as %s: want another name than PROFILE", as)
	}
	if s, ok := p.Setting(awsfile.KeyIDSetting); ok && as == "" {
		return command.WithHint(fmt.Errorf("%s: profile %s holds an access key, which SDKs take before a credential_process", s.Origin, w.base),
			fmt.Sprintf("run \"forcemfa import %s\" first, or give --as %s-mfa for a second profile", awsfile.Word(w.base), awsfile.Word(w.base)))
	}
	if as == "" {
		return nil
	}
	if second, err := w.files.Profile(as); err == nil && (second.Get(awsfile.KeyIDSetting) != "" || second.Get("role_arn") != "") {
		return command.WithHint(fmt.Errorf("%s: profile %s is in use already", second.Origin, as), "give --as another name")
	}
	return nil
}

// existing adds the role profiles that lead to the base or the source.
func (w *wiring) existing() error {
	for _, name := range w.files.Profiles() {
		p, err := w.files.Profile(name)
		if err != nil {
			return err
		}
		source := p.Get("source_profile")
		if p.Get("role_arn") == "" || source == name || source != w.base && source != w.source {
			continue
		}
		if !slices.ContainsFunc(w.roles, func(r wiredRole) bool { return r.profile == name }) {
			w.roles = append(w.roles, wiredRole{profile: name})
		}
		if s := p.Get("mfa_serial"); s != "" && w.serial == "" {
			w.serial = s
		}
	}
	return nil
}

// write makes the change in the config file.
func (w *wiring) write(f *awsfile.File) error {
	source := []awsfile.Setting{{Key: "credential_process", Value: processLine(w.base)}}
	if w.region != "" {
		source = append(source, awsfile.Setting{Key: "region", Value: w.region})
	}
	if p, err := w.files.Profile(w.source); w.serial != "" && (err != nil || p.Get("mfa_serial") == "") {
		source = append(source, awsfile.Setting{Key: "mfa_serial", Value: w.serial})
	}
	if err := w.profile(f, w.source, source); err != nil {
		return err
	}
	for _, r := range w.roles {
		settings := []awsfile.Setting{{Key: "source_profile", Value: w.source}}
		if r.arn != "" {
			settings = slices.Insert(settings, 0, awsfile.Setting{Key: "role_arn", Value: r.arn})
			if w.region != "" {
				settings = append(settings, awsfile.Setting{Key: "region", Value: w.region})
			}
		}
		if err := w.profile(f, r.profile, settings); err != nil {
			return err
		}
		f.Suppress(awsfile.ConfigSection(r.profile), "mfa_serial")
	}
	return nil
}

// profile gives a profile its settings: in our block where it is new or in there
// already, else as marked lines in the section of the person.
func (w *wiring) profile(f *awsfile.File, name string, settings []awsfile.Setting) error {
	section := awsfile.ConfigSection(name)
	have, exists := f.Section(section)
	if !exists {
		return f.AddSection(section, settings)
	}
	ours, err := f.InBlock(section)
	if err != nil {
		return err
	}
	for _, s := range settings {
		now, ok := have.Get(s.Key)
		switch {
		case ok && (now.Value == s.Value || s.Key == "credential_process" && serves(now.Value, w.base)):
		case ours:
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

// chainedSeconds is the most that AWS allows a role that is assumed with a session.
// Source: IAM User Guide, "Methods to assume a role" (role chaining).
const chainedSeconds = 3600

// notes are what the person should know and no edit can mend.
func (w *wiring) notes() []string {
	notes := []string{}
	if _, err := exec.LookPath(awsfile.Helper); err != nil && helperPath() == awsfile.Helper {
		notes = append(notes, awsfile.Helper+" is not in PATH: install it, or no tool will get credentials")
	}
	for _, r := range w.roles {
		p, err := w.files.Profile(r.profile)
		if err != nil {
			continue
		}
		s, ok := p.Setting("duration_seconds")
		if n, err := strconv.Atoi(s.Value); ok && err == nil && n > chainedSeconds {
			notes = append(notes, fmt.Sprintf("%s: profile %s wants %s seconds, and a role assumed with an MFA session ends after %d: AWS refuses more; lower it, or use forcemfa exec %s", s.Origin, r.profile, s.Value, chainedSeconds, r.profile))
		}
	}
	return notes
}

// serves reports whether a credential_process is forcemfa's and for that profile.
func serves(command, profile string) bool {
	name, ok := awsfile.HelperProfile(command)
	return ok && name == profile
}
