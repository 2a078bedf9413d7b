package engineer

import (
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
)

// readFiles takes a file that cannot be read for an empty one, and says so.
func (d *doctor) readFiles() {
	config, credentials := awsfile.Paths(d.env.Getenv, d.env.home())
	d.files = &awsfile.Files{Config: d.readFile(config), Credentials: d.readFile(credentials)}
}

func (d *doctor) readFile(path string) *awsfile.File {
	f, err := awsfile.Read(path)
	if err != nil {
		d.add("files", levelBroken, path, bareError(err), "make it a readable UTF-8 file, or name another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE")
		return awsfile.Parse(path, nil)
	}
	return f
}

// bareError leaves out the path, which stands before it.
func bareError(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return "cannot be read: " + path.Err.Error()
	}
	return err.Error()
}

// checkModes looks at who may read files with secrets.
func (d *doctor) checkModes() {
	if runtime.GOOS == "windows" {
		return
	}
	for _, f := range []*awsfile.File{d.files.Config, d.files.Credentials} {
		info, err := os.Stat(f.Path)
		if err != nil || !f.HoldsSecret() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			d.add("permissions", levelRisk, f.Path, fmt.Sprintf("others on this machine may read its secrets (mode %04o)", mode), "chmod 600 "+f.Path)
		}
	}
}

// checkText tells what other tools read in another way, or not at all.
func (d *doctor) checkText() {
	for _, f := range []*awsfile.File{d.files.Config, d.files.Credentials} {
		for _, p := range f.Problems() {
			if p.Refused {
				d.add("syntax", levelBroken, p.Origin.String(), p.What+": the aws CLI and boto3 refuse the whole file", "mend that line")
			} else {
				d.add("syntax", levelRisk, p.Origin.String(), p.What, "give the setting a line of its own, without a comment or space before it")
			}
		}
		for _, c := range f.SecretComments() {
			d.add("plaintext", levelRisk, c.String(), "a comment that looks like a secret", "delete the line, and the access key in the console if it still works")
		}
	}
}

// choose picks the profile whose key is tried: the one that is named, else
// default, else the first with a key.
func (d *doctor) choose(args []string) {
	named := d.env.Getenv("AWS_PROFILE")
	if len(args) > 0 {
		named = args[0]
	}
	if named != "" && !d.files.Has(named) {
		d.add("profile", levelBroken, named, "this profile is in neither "+d.files.Config.Path+" nor "+d.files.Credentials.Path, d.otherProfiles(len(args) > 0))
		return
	}
	if d.profile = named; named != "" {
		return
	}
	names := append([]string{"default"}, d.files.Profiles()...)
	for _, name := range names {
		if p, err := d.files.Profile(name); err == nil && (p.LongLivedKey() || p.Get(session.StoreSetting) != "") {
			d.profile = name
			return
		}
	}
	if len(d.files.Profiles()) == 0 {
		d.add("profile", levelBroken, d.files.Config.Path, "there is no profile yet", "run \"forcemfa import PROFILE\" with the access key from the console")
	}
}

func (d *doctor) otherProfiles(argument bool) string {
	how := "set AWS_PROFILE to one of: "
	if argument {
		how = "name one of: "
	}
	if names := d.files.Profiles(); len(names) > 0 {
		return how + strings.Join(names, ", ")
	}
	return "run \"forcemfa import PROFILE\" with the access key from the console"
}

// checkProfiles looks at each profile and where it leads.
func (d *doctor) checkProfiles() {
	for _, name := range d.files.Profiles() {
		p, err := d.files.Profile(name)
		if err != nil {
			d.add("profile", levelBroken, name, err.Error(), "correct include_profile")
			continue
		}
		d.checkSource(p)
		d.checkSerial(p)
		d.checkProcess(p)
		if s, ok := p.Setting(awsfile.SecretSetting); ok && p.LongLivedKey() {
			d.add("plaintext", levelRisk, s.Origin.String(), "profile "+name+": a long-lived key rests in plain text", "run \"forcemfa import "+awsfile.Word(name)+"\"")
		}
		if s, ok := p.Setting(session.StoreSetting); ok && !slices.Contains([]string{secret.Keyring, secret.File, secret.Pass}, s.Value) {
			d.add("store", levelBroken, s.Origin.String(), fmt.Sprintf("%s: %q is no secret store", session.StoreSetting, s.Value), "write keyring, file or pass")
		}
	}
}

// checkSource follows source_profile to its end.
func (d *doctor) checkSource(p awsfile.Profile) {
	role, ok := p.Setting("role_arn")
	if !ok {
		return
	}
	if s, ok := p.Setting("credential_process"); ok {
		d.add("profile", levelBroken, s.Origin.String(), "profile "+p.Name+": SDKs ignore credential_process beside a role_arn", "give the credential_process a profile of its own and name it as source_profile: forcemfa configure does")
	}
	source, ok := p.Setting("source_profile")
	if !ok {
		if p.Get("credential_source") == "" && p.Get("web_identity_token_file") == "" && !p.LongLivedKey() {
			d.add("profile", levelBroken, role.Origin.String(), "profile "+p.Name+" has a role_arn and nothing to assume it with", "add source_profile = NAME, the profile with the key")
		}
		return
	}
	if !d.files.Has(source.Value) {
		d.add("profile", levelBroken, source.Origin.String(), "profile "+p.Name+": its source_profile "+source.Value+" is in neither file", "name a profile that is there")
		return
	}
	if circle := d.circle(p); circle != "" {
		d.add("profile", levelBroken, source.Origin.String(), "source_profile goes round in a circle: "+circle, "let one of them name a profile with a key")
	}
}

// circle is the way from a profile back to itself; empty when there is none. A
// profile that is its own source uses the key it has.
func (d *doctor) circle(p awsfile.Profile) string {
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
		if next, err = d.files.Profile(name); err != nil {
			return ""
		}
		way = append(way, name)
	}
}

// checkSerial looks at mfa_serial: on a role each tool asks for a code itself, or
// cannot; without a role the SDKs do not look at it at all.
func (d *doctor) checkSerial(p awsfile.Profile) {
	s, ok := p.Setting("mfa_serial")
	if !ok {
		return
	}
	switch {
	case strings.Contains(s.Value, ":u2f/"):
		d.add("device", levelBroken, s.Origin.String(), "profile "+p.Name+": a security key gives no codes, and STS takes nothing else", "add a virtual device: forcemfa enroll")
	case p.Get("role_arn") != "":
		d.add("prompts", levelRisk, s.Origin.String(), "profile "+p.Name+": with mfa_serial on a role each tool asks for a code of its own, and Terraform and SDKs cannot", "run \"forcemfa configure "+awsfile.Word(d.baseOf(p))+"\"")
	case p.LongLivedKey():
		d.add("prompts", levelRisk, s.Origin.String(), "profile "+p.Name+": SDKs use its key without MFA; they read mfa_serial with a role only", "run \"forcemfa import "+awsfile.Word(p.Name)+"\", then \"forcemfa login "+awsfile.Word(p.Name)+"\"")
	}
}

// maxSources is more than anybody chains.
const maxSources = 20

// baseOf is the profile at the end of source_profile.
func (d *doctor) baseOf(p awsfile.Profile) string {
	for range maxSources {
		next, err := d.files.Profile(p.Get("source_profile"))
		if err != nil || p.Get("role_arn") == "" {
			break
		}
		p = next
	}
	return p.Name
}

// checkProcess looks whether the program of a credential_process is there.
func (d *doctor) checkProcess(p awsfile.Profile) {
	s, ok := p.Setting("credential_process")
	if !ok {
		return
	}
	words, err := awsfile.SplitCommand(s.Value)
	if err != nil || len(words) == 0 {
		d.add("process", levelBroken, s.Origin.String(), "profile "+p.Name+": credential_process is no command", "run \"forcemfa configure "+awsfile.Word(p.Name)+"\"")
		return
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		d.add("process", levelBroken, s.Origin.String(), "profile "+p.Name+": the program of credential_process is not found: "+words[0], "install it or put it into PATH")
	}
	if p.Get(awsfile.KeyIDSetting) != "" {
		d.add("process", levelRisk, s.Origin.String(), "profile "+p.Name+": SDKs take the access key in the file and never run credential_process", "run \"forcemfa import "+awsfile.Word(p.Name)+"\"")
	}
}

// checkEnvironment looks for what overrides every profile.
func (d *doctor) checkEnvironment() {
	e := d.env
	if e.Getenv(awsfile.KeyIDVariable) == "" {
		return
	}
	if e.Getenv(awsfile.TokenVariable) == "" {
		d.add("environment", levelRisk, awsfile.KeyIDVariable, "a long-lived key in the environment goes before every profile, without MFA", "unset "+awsfile.KeyIDVariable+" "+awsfile.SecretVariable+"; keep it with \"forcemfa import PROFILE --env\"")
	} else if e.Getenv("AWS_PROFILE") != "" {
		d.add("environment", levelRisk, awsfile.KeyIDVariable, "a session in the environment goes before AWS_PROFILE in most tools", "unset "+awsfile.KeyIDVariable+" "+awsfile.SecretVariable+" "+awsfile.TokenVariable)
	}
}

// findKey takes the key at the end of source_profile, from the file or the store.
func (d *doctor) findKey(ctx context.Context) {
	if d.profile == "" {
		return
	}
	p, err := d.files.Profile(d.profile)
	if err != nil {
		d.profile = ""
		return
	}
	base, err := d.files.Profile(d.baseOf(p))
	if err != nil {
		d.profile = ""
		return
	}
	d.profile = base.Name
	if base.LongLivedKey() {
		d.keys = secret.Keys{AccessKeyID: base.Get(awsfile.KeyIDSetting), SecretAccessKey: secret.NewText(base.Get(awsfile.SecretSetting))}
		return
	}
	if base.Get(session.StoreSetting) == "" {
		d.keyless(base)
		return
	}
	if d.keys, err = d.storedKey(ctx, base); err != nil {
		next := storeHint(err)
		if next == "" {
			next = "run \"forcemfa import " + awsfile.Word(base.Name) + "\""
		}
		level := levelUnknown
		if errors.Is(err, secret.ErrNotFound) {
			level = levelBroken
		}
		d.add("store", level, base.Name, err.Error(), next)
		d.profile = ""
	}
}

func (d *doctor) storedKey(ctx context.Context, p awsfile.Profile) (secret.Keys, error) {
	store, err := d.env.keyStoreOf(p)
	if err != nil {
		return secret.Keys{}, err
	}
	return store.Get(ctx, p.Name)
}

// keyless is a profile that gets its credentials in a way that is not ours to
// try.
func (d *doctor) keyless(p awsfile.Profile) {
	for _, key := range []string{"credential_process", "sso_session", "sso_start_url", "login_session", "credential_source", "web_identity_token_file", awsfile.TokenSetting} {
		if p.Get(key) != "" {
			d.profile = ""
			return
		}
	}
	d.add("profile", levelBroken, p.Origin.String(), "profile "+p.Name+" has no credentials", "run \"forcemfa import "+awsfile.Word(p.Name)+"\"")
	d.profile = ""
}
