package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

// readFiles reads both files. A file that cannot be read is a finding and counts
// as empty.
func (e *examination) readFiles() {
	config, credentials := awsfile.Paths(e.Getenv, e.Home)
	e.files = &awsfile.Files{Config: e.readFile(config), Credentials: e.readFile(credentials)}
}

func (e *examination) readFile(path string) *awsfile.File {
	f, err := awsfile.Read(path)
	if err != nil {
		e.add("files", Broken, path, bareError(err), "make it a readable UTF-8 file, or set AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE to another file")
		return awsfile.Parse(path, nil)
	}
	return f
}

// bareError is the error without the path, which the finding shows already.
func bareError(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return "cannot be read: " + path.Err.Error()
	}
	return err.Error()
}

// checkModes checks who can read files with secrets.
func (e *examination) checkModes() {
	if runtime.GOOS == "windows" {
		return
	}
	for _, f := range []*awsfile.File{e.files.Config, e.files.Credentials} {
		info, err := os.Stat(f.Path)
		if err != nil || !f.HoldsSecret() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			e.add("permissions", Risk, f.Path, fmt.Sprintf("other users of this machine can read its secrets (mode %04o)", mode), "chmod 600 "+f.Path)
		}
	}
}

// checkText reports lines that other tools refuse or read differently, and
// secrets in comments.
func (e *examination) checkText() {
	for _, f := range []*awsfile.File{e.files.Config, e.files.Credentials} {
		for _, p := range f.Problems() {
			if p.Refused {
				e.add("syntax", Broken, p.Origin.String(), p.What+": the AWS CLI and boto3 refuse to read the file", "correct that line")
			} else {
				e.add("syntax", Risk, p.Origin.String(), p.What, "write the setting on a line of its own, without a comment or space before it")
			}
		}
		for _, c := range f.SecretComments() {
			e.add("plaintext", Risk, c.String(), "this comment looks like a secret", "delete the line, and delete the access key in the console if it still works")
		}
	}
}

// choose picks the profile whose key is tried: the one named by the options or
// AWS_PROFILE, else default, else the first with a key.
func (e *examination) choose() {
	named := e.options.Profile
	if named == "" {
		named = cache.EnvironmentProfile(e.Getenv)
	}
	if named != "" && !e.files.Has(named) {
		e.add("profile", Broken, named, "this profile is in neither "+e.files.Config.Path+" nor "+e.files.Credentials.Path, e.files.DidYouMean(named, e.otherProfiles()))
		return
	}
	if e.profile = named; named != "" {
		return
	}
	names := append([]string{"default"}, e.files.Profiles()...)
	for _, name := range names {
		if p, err := e.files.Profile(name); err == nil && (p.LongLivedKey() || p.Get(session.StoreSetting) != "") {
			e.profile = name
			return
		}
	}
	if len(e.files.Profiles()) == 0 {
		e.add("profile", Broken, e.files.Config.Path, "there is no profile yet", "run \"forcemfa import PROFILE\" with the access key from the console")
	}
}

func (e *examination) otherProfiles() string {
	how := "set AWS_PROFILE to one of: "
	if e.options.Profile != "" {
		how = "name one of: "
	}
	if names := e.files.Profiles(); len(names) > 0 {
		return how + strings.Join(names, ", ")
	}
	return "run \"forcemfa import PROFILE\" with the access key from the console"
}

// checkProfiles checks each profile and the profiles it refers to.
func (e *examination) checkProfiles() {
	for _, name := range e.files.Profiles() {
		p, err := e.files.Profile(name)
		if err != nil {
			e.add("profile", Broken, name, err.Error(), "correct include_profile")
			continue
		}
		e.checkSource(p)
		e.checkSettings(p)
		e.checkSerial(p)
		e.checkProcess(p)
		e.checkKey(p)
		if s, ok := p.Setting(session.StoreSetting); ok && !slices.Contains([]string{secret.Keyring, secret.File, secret.Pass}, s.Value) {
			e.add("store", Broken, s.Origin.String(), fmt.Sprintf("%s: unknown secret store %q", session.StoreSetting, s.Value), "set it to keyring, file or pass")
		}
	}
}

// checkSettings reports settings that STS refuses, before a code is spent on them, and
// Regions that no tool knows.
func (e *examination) checkSettings(p awsfile.Profile) {
	for _, err := range []error{session.CheckProfile(p), session.CheckRegion(p)} {
		var problem *session.Problem
		if errors.As(err, &problem) {
			where, what, _ := strings.Cut(problem.Sentence, ": ")
			e.add("setting", Broken, where, what, problem.Next)
		}
	}
}

// circle is the path of source_profile from a profile back to itself; empty if
// there is none. A profile that is its own source uses its own key.
func (e *examination) circle(p awsfile.Profile) string {
	way := []string{p.Name}
	for next := p; ; {
		name := next.Get("source_profile")
		if name == "" || next.Get("role_arn") == "" || name == next.Name && next.LongLivedKey() {
			return ""
		}
		if name == p.Name {
			return strings.Join(append(way, name), " → ")
		}
		if slices.Contains(way, name) {
			return "" // another profile's circle
		}
		var err error
		if next, err = e.files.Profile(name); err != nil {
			return ""
		}
		way = append(way, name)
	}
}

// checkSerial checks mfa_serial: with a role_arn it makes each tool prompt, and
// without one the SDKs ignore it.
func (e *examination) checkSerial(p awsfile.Profile) {
	s, ok := p.Setting("mfa_serial")
	if !ok {
		return
	}
	switch {
	case strings.Contains(s.Value, ":u2f/"):
		e.add("device", Broken, s.Origin.String(), "profile "+p.Name+": mfa_serial is a security key, and STS accepts only codes", "add a virtual MFA device: "+run("enroll", e.baseOf(p)))
	case p.Get("role_arn") != "":
		e.add("prompts", Risk, s.Origin.String(), "profile "+p.Name+": mfa_serial in a role profile makes each tool prompt for a code, and Terraform and SDKs cannot prompt", run("configure", e.baseOf(p)))
	case p.LongLivedKey():
		e.add("prompts", Risk, s.Origin.String(), "profile "+p.Name+": SDKs use its key without MFA; they read mfa_serial only with a role_arn", run("import", p.Name)+", then "+run("login", p.Name))
	}
}

// maxSources is longer than any real chain of profiles.
const maxSources = 20

// baseOf is the profile at the end of source_profile.
func (e *examination) baseOf(p awsfile.Profile) string {
	for range maxSources {
		next, err := e.files.Profile(p.Get("source_profile"))
		if err != nil || p.Get("role_arn") == "" && !session.IsAlias(p) {
			break
		}
		p = next
	}
	return p.Name
}

// checkProcess checks that credential_process runs: its program exists and no
// key in the same profile replaces it.
func (e *examination) checkProcess(p awsfile.Profile) {
	s, ok := p.Setting("credential_process")
	if !ok {
		return
	}
	words, err := awsfile.SplitCommand(s.Value)
	if err != nil || len(words) == 0 {
		e.add("process", Broken, s.Origin.String(), "profile "+p.Name+": credential_process is not a command", run("configure", p.Name))
		return
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		next := "install it or add it to PATH"
		if _, own := awsfile.HelperProfile(s.Value); own {
			next = run("configure", p.Name) + ", which writes where forcemfa is now"
		}
		e.add("process", Broken, s.Origin.String(), "profile "+p.Name+": the program of credential_process was not found: "+words[0], next)
	}
	switch {
	case p.Get(session.ManagerSetting) == session.ManagerName && p.Get(awsfile.KeyIDSetting) != "":
		e.add("process", Broken, s.Origin.String(), "profile "+p.Name+": a session from \"forcemfa export --write-profile\" hides credential_process from SDKs, also after it has expired",
			run("sessions clear", cmp.Or(p.Get(session.SourceSetting), p.Name))+", and write to another profile")
	case p.Get(awsfile.KeyIDSetting) != "" && p.Temporary():
		e.add("process", Risk, s.Origin.String(), "profile "+p.Name+": SDKs use the temporary credentials in the file and never run credential_process", "delete the credentials from "+e.files.Credentials.Path)
	case p.Get(awsfile.KeyIDSetting) != "":
		e.add("process", Risk, s.Origin.String(), "profile "+p.Name+": SDKs use the access key in the file and never run credential_process", run("import", p.Name))
	}
}

// findKey takes the key at the end of source_profile from the file or the secret
// store.
func (e *examination) findKey(ctx context.Context) {
	if e.profile == "" {
		return
	}
	p, err := e.files.Profile(e.profile)
	if err != nil {
		e.profile = ""
		return
	}
	base, err := e.files.Profile(e.baseOf(p))
	if err != nil {
		e.profile = ""
		return
	}
	e.profile = base.Name
	if base.LongLivedKey() {
		e.keys = secret.Keys{AccessKeyID: base.Get(awsfile.KeyIDSetting), SecretAccessKey: secret.NewText(base.Get(awsfile.SecretSetting))}
		return
	}
	if base.Get(session.StoreSetting) == "" {
		e.keyless(base)
		e.profile = ""
		return
	}
	if e.keys, err = e.storedKey(ctx, base); err != nil {
		next := run("import", base.Name)
		var failed *secret.Error
		if errors.As(err, &failed) && failed.Next != "" {
			next = failed.Next
		}
		level := Unknown
		if errors.Is(err, secret.ErrNotFound) {
			level = Broken
		}
		e.add("store", level, base.Name, err.Error(), next)
		e.profile = ""
	}
}

func (e *examination) storedKey(ctx context.Context, p awsfile.Profile) (secret.Keys, error) {
	store, err := e.Store(p)
	if err != nil {
		return secret.Keys{}, err
	}
	return store.Get(ctx, p.Name)
}

// keyless reports a profile without a long-lived key. Credentials that are not
// access keys, such as SSO sessions, are not tried.
func (e *examination) keyless(p awsfile.Profile) {
	for _, key := range []string{"credential_process", "sso_session", "sso_start_url", "login_session", "credential_source", "web_identity_token_file"} {
		if p.Get(key) != "" {
			return
		}
	}
	switch {
	case p.Get("role_arn") != "" && p.Get("source_profile") != "":
		// Its chain of sources does not end, which is a finding of its own.
	case p.Temporary() && p.Get(session.ManagerSetting) != session.ManagerName:
		e.add("key", Unknown, p.Origin.String(), "profile "+p.Name+" holds temporary credentials, which cannot start an MFA session and were not tried", "name the profile with the long-lived key")
	case p.Temporary() || p.Get(awsfile.KeyIDSetting) != "" || p.Get(awsfile.SecretSetting) != "":
		// A session that forcemfa wrote, or half a key, which checkKey reports.
	default:
		e.add("profile", Broken, p.Origin.String(), "profile "+p.Name+" has no credentials", run("import", p.Name))
	}
}
