package cache

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A Place is where a profile's settings come from: what must be the same for
// a link to hold. It is found without reading a file.
type Place struct {
	Profile     string
	Config      string // path of ~/.aws/config
	Credentials string // path of ~/.aws/credentials
	endpoints   string
	serial      string
	sessions    string // where sessions are to rest
}

// SessionsVariable names the backend of the secret store in which sessions
// rest.
const SessionsVariable = "FORCEMFA_SESSIONS"

// EnvironmentProfile returns the profile that the environment selects; empty if there
// is none. AWS_PROFILE comes first, as in the SDKs for Go and Java; botocore reads
// AWS_DEFAULT_PROFILE first.
func EnvironmentProfile(getenv func(string) string) string {
	if profile := getenv("AWS_PROFILE"); profile != "" {
		return profile
	}
	return getenv("AWS_DEFAULT_PROFILE")
}

// PlaceOf returns the place of a profile. Without one it is that of the environment,
// else that of default.
func PlaceOf(profile string, getenv func(string) string) Place {
	if profile == "" {
		profile = EnvironmentProfile(getenv)
	}
	if profile == "" {
		profile = "default"
	}
	home := getenv("HOME")
	if runtime.GOOS == "windows" {
		home = getenv("USERPROFILE")
	}
	p := Place{
		Profile: profile, Config: getenv("AWS_CONFIG_FILE"), Credentials: getenv("AWS_SHARED_CREDENTIALS_FILE"),
		endpoints: getenv("AWS_ENDPOINT_URL") + " " + getenv("AWS_ENDPOINT_URL_STS") + " " + getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), serial: getenv("AWS_MFA_SERIAL"),
		sessions: getenv(SessionsVariable),
	}
	p.Config = settingsFile(p.Config, home, "config")
	p.Credentials = settingsFile(p.Credentials, home, "credentials")
	return p
}

// settingsFile is where a file of settings is: where the variable says, else
// in .aws of the home directory.
func settingsFile(variable, home, name string) string {
	if rest, ok := strings.CutPrefix(variable, "~/"); ok {
		return join(home, rest)
	}
	if variable != "" {
		return variable
	}
	return join(home, ".aws", name)
}

// LockName is the name of the lock that a call takes which finds nothing.
func (p Place) LockName() string { return p.name() }

func (p Place) name() string {
	return Name("link", p.Profile, p.Config, p.Credentials, p.endpoints, p.serial, p.sessions)
}

// files are what a link depends on.
func (p Place) files() []string { return []string{p.Config, p.Credentials} }

// stamp tells one state of a file from another.
func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "none"
	}
	return strconv.FormatInt(info.ModTime().UnixNano(), 36) + "." + strconv.FormatInt(info.Size(), 36) + "." + identity(info)
}

// Seen is the state of the files that a profile comes from. Take it before
// they are read.
func (p Place) Seen() []string {
	var out []string
	for _, f := range p.files() {
		out = append(out, stamp(f))
	}
	return out
}

// IsRegion reports whether a text can be the name of a Region.
func IsRegion(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// Settings are those of a profile that a warm call needs.
type Settings struct{ Region, Exec string }

// Link notes which entry a profile leads to, and its settings, as long as its
// files are as they were seen.
func (d Dir) Link(p Place, seen []string, entry string, s Settings) error {
	r := record{{"entry", entry}, {"profile", p.Profile}}
	r.put("region", s.Region)
	r.put("exec", s.Exec)
	for _, s := range seen {
		r = append(r, field{"seen", s})
	}
	return d.write(p.name()+linkSuffix, r)
}

// Warm is the session of a profile when there is a fresh one and the profile
// has not been edited since; otherwise ErrCold. Any other error is the vault's.
func (d Dir) Warm(p Place, now time.Time) (*Entry, error) {
	r, err := d.read(p.name() + linkSuffix)
	if err != nil {
		return nil, err
	}
	if r.get("profile") != p.Profile {
		return nil, ErrCold
	}
	i, files := 0, p.files()
	for _, f := range r {
		if f.key != "seen" {
			continue
		}
		if i == len(files) || stamp(files[i]) != f.value {
			return nil, ErrCold
		}
		i++
	}
	if i != len(files) {
		return nil, ErrCold
	}
	e, err := d.look(r.get("entry"))
	if err != nil {
		return nil, err
	}
	if !e.Fresh(now) || e.FromTheFuture(now) {
		return nil, ErrCold
	}
	e.Region, e.Exec = r.get("region"), r.get("exec")
	return d.unseal(r.get("entry"), e)
}

// A Device is what is remembered of a long-lived key: the device that gave
// the last code for it, and that code's hash, so that it is not sent twice.
type Device struct {
	Serial string
	// Code is a hash of the last code that was sent, Window the half minute
	// in which it was.
	Code   string
	Window int64
	// Failed is when somebody who was asked for a code gave none, and Why what
	// came of it: who waited meanwhile does not ask again.
	Failed time.Time
	Why    string
}

// Device is what is remembered under a name; the zero value when nothing is.
func (d Dir) Device(name string) Device {
	r, err := d.read(name + deviceSuffix)
	if err != nil {
		return Device{}
	}
	window, _ := strconv.ParseInt(r.get("window"), 10, 64)
	return Device{Serial: r.get("serial"), Code: r.get("code"), Window: window, Failed: r.getTime("failed"), Why: r.get("why")}
}

// SetDevice remembers.
func (d Dir) SetDevice(name string, v Device) error {
	var r record
	r.put("serial", v.Serial)
	r.put("code", v.Code)
	if v.Window != 0 {
		r.put("window", strconv.FormatInt(v.Window, 10))
	}
	r.putTime("failed", v.Failed)
	r.put("why", v.Why)
	return d.write(name+deviceSuffix, r)
}
