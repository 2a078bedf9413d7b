package awsfile

import (
	"errors"
	"fmt"
	"forcemfa/internal/filefault"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Files are the two files together.
type Files struct {
	Config, Credentials *File
}

// Paths are where the files are: AWS_CONFIG_FILE and
// AWS_SHARED_CREDENTIALS_FILE, else config and credentials in .aws of the home
// directory. A leading ~/ is the home directory.
func Paths(env func(string) string, home string) (config, credentials string) {
	place := func(variable, name string) string {
		path := env(variable)
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			return filepath.Join(home, rest)
		}
		if path != "" {
			return path
		}
		return filepath.Join(home, ".aws", name)
	}
	return place("AWS_CONFIG_FILE", "config"), place("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

// Load reads both files. One that is not there is empty; one that cannot be
// read is an error.
func Load(env func(string) string, home string) (*Files, error) {
	config, credentials := Paths(env, home)
	var f Files
	var err error
	if f.Config, err = Read(config); err != nil {
		return nil, err
	}
	if f.Credentials, err = Read(credentials); err != nil {
		return nil, err
	}
	return &f, nil
}

// Opening calls do, which reads both files and the bundle of certificates by itself, and
// returns its error. A pipe in the place of one of them that nobody writes to is an error.
func Opening(config, credentials string, env func(string) string, do func() error) error {
	return filefault.Opening([]string{config, credentials, env("AWS_CA_BUNDLE")}, do)
}

// largest is more than any file of AWS settings holds.
const largest = 16 << 20

// Read reads one file; one that is not there is empty.
func Read(path string) (*File, error) {
	text, err := filefault.Read(path, largest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read AWS settings: %w", err)
	}
	if err := checkEncoding(path, text); err != nil {
		return nil, err
	}
	return Parse(path, text), nil
}

// checkEncoding refuses UTF-16, which no tool of AWS reads.
func checkEncoding(path string, text []byte) error {
	if len(text) >= 2 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		return fmt.Errorf("%s:1: the file is UTF-16; save it as UTF-8", path)
	}
	return nil
}

// ConfigSection is the name of a profile's section in the config file. In the
// credentials file it is the profile's own name.
func ConfigSection(profile string) string {
	if profile == "default" {
		return profile
	}
	return "profile " + profile
}

// ErrNoProfile is a profile that stands in neither file.
var ErrNoProfile = errors.New("no such profile")

// A Profile is what both files say of one name. Where both have a key the
// credentials file wins, as for the aws CLI and the SDKs.
type Profile struct {
	Name     string
	Origin   Origin // of its first section
	settings map[string]Setting
}

// Get is the value of a key; empty when it is not set.
func (p Profile) Get(key string) string { return p.settings[key].Value }

// Setting is a key with its origin.
func (p Profile) Setting(key string) (Setting, bool) {
	s, ok := p.settings[key]
	return s, ok
}

// LongLivedKey reports whether the profile holds an access key that does not
// expire.
func (p Profile) LongLivedKey() bool {
	return p.Get(KeyIDSetting) != "" && p.Get(SecretSetting) != "" && !p.Temporary()
}

// Temporary reports whether the profile holds temporary credentials: a session
// token under either name, or an access key ID that only they have.
func (p Profile) Temporary() bool { return p.Token() != "" || TemporaryID(p.Get(KeyIDSetting)) }

// Token is the session token, under either name; empty if there is none.
func (p Profile) Token() string {
	if token := p.Get(TokenSetting); token != "" {
		return token
	}
	return p.Get(OldTokenSetting)
}

// Profile is the merged view. Settings of the profile that include_profile names
// count where the profile has none of its own, credentials excepted; of that
// one's own include_profile the same.
func (f *Files) Profile(name string) (Profile, error) {
	return f.profile(name, nil)
}

// maxIncludes is deeper than anybody includes.
const maxIncludes = 10

func (f *Files) profile(name string, seen []string) (Profile, error) {
	p := Profile{Name: name, settings: map[string]Setting{}}
	for _, at := range []struct {
		file *File
		name string
	}{{f.Config, "default"}, {f.Config, "profile " + name}, {f.Credentials, name}} {
		if at.name == "default" && name != "default" {
			continue
		}
		p.take(at.file, at.name)
	}
	if p.Origin.Path == "" {
		return Profile{}, fmt.Errorf("%w: %s is in neither %s nor %s", ErrNoProfile, name, f.Config.Path, f.Credentials.Path)
	}
	return f.include(p, append(seen, name))
}

func (p *Profile) take(f *File, section string) {
	s, ok := f.Section(section)
	if !ok {
		return
	}
	if p.Origin.Path == "" {
		p.Origin = s.Origin
	}
	for _, set := range s.Settings {
		p.settings[set.Key] = set
	}
}

func (f *Files) include(p Profile, seen []string) (Profile, error) {
	from, ok := p.settings["include_profile"]
	if !ok {
		return p, nil
	}
	if slices.Contains(seen, from.Value) || len(seen) > maxIncludes {
		return Profile{}, fmt.Errorf("%s: include_profile settings form a loop: %s", from.Origin, strings.Join(append(seen, from.Value), " → "))
	}
	more, err := f.profile(from.Value, seen)
	if err != nil {
		return Profile{}, fmt.Errorf("%s: include_profile: %w", from.Origin, err)
	}
	for key, s := range more.settings {
		if _, own := p.settings[key]; !own && !strings.HasPrefix(key, "aws_") {
			p.settings[key] = s
		}
	}
	return p, nil
}

// Has tells whether the profile stands in one of the files.
func (f *Files) Has(name string) bool {
	_, set := f.Config.Section(ConfigSection(name))
	_, prefixed := f.Config.Section("profile " + name)
	_, keyed := f.Credentials.Section(name)
	return set || prefixed || keyed
}

// Profiles are the names in both files, sorted.
func (f *Files) Profiles() []string {
	var names []string
	for _, s := range f.Config.Sections() {
		if name, ok := profileOf(s.Name); ok {
			names = append(names, name)
		}
	}
	for _, s := range f.Credentials.Sections() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// profileOf is the profile that a section of the config file is about.
func profileOf(section string) (string, bool) {
	if section == "default" {
		return section, true
	}
	return strings.CutPrefix(section, "profile ")
}

// Services is the section that a profile's "services" names: endpoints by
// service. Source: AWS SDKs and Tools Reference Guide, Service-specific
// endpoints.
func (f *Files) Services(p Profile) (Section, bool) {
	return f.Config.Section("services " + p.Get("services"))
}

// Endpoint is the endpoint_url that the files set for a service ("sts", "iam"):
// the one of the profile's services section, else the profile's own.
func (f *Files) Endpoint(p Profile, service string) string {
	if s, ok := f.Services(p); ok {
		if group, ok := s.Get(service); ok {
			for _, sub := range group.Nested {
				if sub.Key == "endpoint_url" {
					return sub.Value
				}
			}
		}
	}
	return p.Get("endpoint_url")
}
