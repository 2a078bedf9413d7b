package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
	"forcemfa/policy/arn"
)

// A Route is the way from a long-lived key to the session of a profile.
type Route struct {
	Profile string
	// Base is the profile that holds the key; KeyFrom says where it holds it.
	Base    string
	KeyFrom KeyPlace
	// Key is the long-lived key. Its secret is empty until a call must be signed
	// with it: the ID is enough to find a session, and opening a secret store may
	// require a passphrase.
	Key secret.Keys
	// Serial is the MFA device; empty until it is found.
	Serial string
	// Roles are assumed one after the other, from the key's MFA session on.
	Roles []Role

	Region         string // where its user works; empty: nobody says
	ownRegion      string // what the profile itself says
	MFAProcess     string // command that prints codes, as the profile says
	Exec           string // ExecSetting of the profile
	duration       time.Duration
	stsRegion      string
	stsEndpoint    string
	iamEndpoint    string
	signInEndpoint string
	fips           aws.FIPSEndpointState
	dualStack      aws.DualStackEndpointState
	caBundle       string          // ca_bundle of the profile
	configured     bool            // the serial was said, not found
	special        bool            // flags ask for another session than the profile
	sessionStore   string          // the backend of the secret store for sessions; empty: files
	keyProfile     awsfile.Profile // the profile with the key
	keyProcess     []string        // the program that prints the key, for KeyFromProcess
}

// A KeyPlace is where a long-lived key rests.
type KeyPlace string

// The places of keys.
const (
	KeyInEnvironment KeyPlace = "environment"
	KeyInFile        KeyPlace = "file"
	KeyInStore       KeyPlace = "store"
	KeyFromProcess   KeyPlace = "process"
	KeyFromSignIn    KeyPlace = "sign-in" // there is no key: a person signs in with a browser
)

// Route finds the way to the session of a profile. It reads files and stores,
// and calls nobody.
func (m *Manager) Route(ctx context.Context, req Request) (*Route, error) {
	r := &Route{Profile: req.Profile, special: req.special()}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	f := &follower{manager: m, files: files, route: r, browser: req.browser}
	if req.RoleARN != "" {
		if err := f.givenRole(req.RoleARN); err != nil {
			return nil, err
		}
	}
	if m.usesEnvironment(req) {
		err = f.environment()
	} else {
		r.Profile = m.place(req.Profile).Profile
		err = f.follow(ctx, r.Profile)
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(r.Roles)
	f.settings(req)
	if err := r.setOwnDuration(req.OwnDuration); err != nil {
		return nil, err
	}
	return r, r.check(req)
}

// A follower follows profiles from one to its source.
type follower struct {
	manager *Manager
	files   *awsfile.Files
	route   *Route
	passed  []awsfile.Profile // nearest first
	seen    []string
	browser bool // a person signs in now
}

// follow goes on to a profile: as a role from another, or as the one that has
// the key.
func (f *follower) follow(ctx context.Context, name string) error {
	if slices.Contains(f.seen, name) {
		return &Problem{
			Sentence: "profiles form a loop: " + strings.Join(append(f.seen, name), " → "),
			Next:     "set source_profile of one of them to a profile with an access key",
		}
	}
	f.seen = append(f.seen, name)
	p, err := f.files.Profile(name)
	if errors.Is(err, awsfile.ErrNoProfile) {
		if f.signsIn(awsfile.Profile{Name: name}) {
			return nil
		}
		return f.unknown(name)
	}
	if err != nil {
		return err
	}
	if err := CheckProfile(p); err != nil {
		return err
	}
	f.passed = append(f.passed, p)
	if p.Get("role_arn") != "" {
		return f.role(ctx, p)
	}
	return f.base(ctx, p)
}

// role notes the role of a profile and goes on to its source.
func (f *follower) role(ctx context.Context, p awsfile.Profile) error {
	role, err := roleOf(p, f.manager.Getenv)
	if err != nil {
		return err
	}
	f.route.Roles = append(f.route.Roles, role)
	source := p.Get("source_profile")
	switch {
	case source == p.Name || source == "" && p.LongLivedKey():
		return f.base(ctx, p)
	case source != "":
		return f.follow(ctx, source)
	case p.Get("credential_source") != "":
		return &Problem{
			Sentence: fmt.Sprintf("profile %s takes its credentials from %s, which has no MFA device", p.Name, p.Get("credential_source")),
			Next:     "use it with the AWS CLI directly, or give it a source_profile with an IAM user's key",
		}
	case p.Get("web_identity_token_file") != "":
		return f.keyless(p)
	}
	return &Problem{
		Sentence: fmt.Sprintf("profile %s has a role_arn and no source_profile", p.Name),
		Next:     fmt.Sprintf("add source_profile = PROFILE to [%s] of %s, naming the profile with your key", awsfile.ConfigSection(p.Name), f.files.Config.Path),
	}
}

// base takes the key that a profile has.
func (f *follower) base(ctx context.Context, p awsfile.Profile) error {
	switch {
	case p.LongLivedKey():
		f.take(p, KeyInFile, keysOf(p.Get(awsfile.KeyIDSetting), p.Get(awsfile.SecretSetting)))
		return nil
	case p.Temporary():
		return f.temporary(ctx, p)
	}
	if command := p.Get("credential_process"); command != "" {
		return f.process(ctx, p, command)
	}
	if IsAlias(p) {
		return f.follow(ctx, p.Get("source_profile"))
	}
	return f.stored(ctx, p, f.keyless(p))
}

// IsAlias reports whether a profile is another name of its source_profile, with a Region of
// its own, for example: it has neither a role nor credentials. aws-vault knows such
// profiles, and AWS tools do not.
func IsAlias(p awsfile.Profile) bool {
	own := []string{
		"role_arn", awsfile.KeyIDSetting, awsfile.SecretSetting, awsfile.TokenSetting, StoreSetting, "credential_process",
		"credential_source", "sso_session", "sso_account_id", "web_identity_token_file", "login_session",
	}
	return p.Get("source_profile") != "" && !slices.ContainsFunc(own, func(key string) bool { return p.Get(key) != "" })
}

// temporary handles a profile that holds a session: one of another tool, or one
// written by export --write-profile.
func (f *follower) temporary(ctx context.Context, p awsfile.Profile) error {
	source := p.Get(SourceSetting)
	if source == "" || source == p.Name {
		return f.stored(ctx, p, &Problem{
			Sentence: fmt.Sprintf("profile %s holds temporary credentials, which cannot start an MFA session", p.Name),
			Next:     "name the profile that holds the long-lived key instead",
		})
	}
	return f.follow(ctx, source)
}

// process follows a credential_process: the helper of forcemfa leads to the
// profile that it names, and other programs are run.
func (f *follower) process(ctx context.Context, p awsfile.Profile, command string) error {
	words, err := awsfile.SplitCommand(command)
	if err != nil || len(words) == 0 {
		return &Problem{
			Sentence: fmt.Sprintf("credential_process of profile %s cannot be read: %v", p.Name, err),
			Next:     "fix the quotes in " + f.files.Config.Path,
		}
	}
	if target, ours := awsfile.HelperProfile(command); ours {
		if target == p.Name || target == "" {
			return f.stored(ctx, p, f.keyless(p))
		}
		return f.follow(ctx, target)
	}
	if id, err := f.manager.storedID(ctx, p); err != nil || id != "" {
		f.take(p, KeyInStore, secret.Keys{AccessKeyID: id})
		return err
	}
	f.route.keyProcess = words
	f.take(p, KeyFromProcess, secret.Keys{AccessKeyID: f.manager.Cache.KeyID(processName(p.Name, words))})
	if f.route.Key.AccessKeyID != "" {
		return nil
	}
	return f.manager.loadKey(ctx, f.route)
}

// stored uses the key in the profile's store; the error is otherwise if there is
// none.
func (f *follower) stored(ctx context.Context, p awsfile.Profile, otherwise error) error {
	id, err := f.manager.storedID(ctx, p)
	switch {
	case err != nil:
		return err
	case id == "" && f.signsIn(p):
		return nil
	case id == "":
		return otherwise
	}
	f.take(p, KeyInStore, secret.Keys{AccessKeyID: id})
	return nil
}

func keysOf(id, text string) secret.Keys {
	return secret.Keys{AccessKeyID: id, SecretAccessKey: secret.NewText(text)}
}

func (f *follower) take(p awsfile.Profile, from KeyPlace, key secret.Keys) {
	f.route.Base, f.route.keyProfile, f.route.KeyFrom, f.route.Key = p.Name, p, from, key
}

func (f *follower) unknown(name string) error {
	what := fmt.Sprintf("no profile %s in %s or %s", name, f.files.Config.Path, f.files.Credentials.Path)
	next := "run " + command("import", name) + " to store a key under this name"
	if n := len(f.passed); n > 0 {
		what = fmt.Sprintf("profile %s leads to profile %s, and there is %s", f.passed[n-1].Name, name, what)
		next = "correct profile " + f.passed[n-1].Name + ", or " + next
	}
	next = f.files.DidYouMean(name, next)
	if known := f.files.Profiles(); len(known) > 0 {
		next += "; existing profiles: " + strings.Join(known, ", ")
	}
	return &Problem{Sentence: what, Next: next}
}

// keyless says why a profile without a key cannot be served.
func (f *follower) keyless(p awsfile.Profile) error {
	for _, other := range []struct{ setting, is string }{
		{"sso_session", "signs in with IAM Identity Center, which has its own MFA"},
		{"sso_account_id", "signs in with IAM Identity Center, which has its own MFA"},
		{"web_identity_token_file", "signs in with a web identity, which has no AWS MFA device"},
		{"login_session", `holds a session of "aws login", where MFA is part of the sign-in`},
	} {
		if p.Get(other.setting) != "" {
			return &Problem{
				Sentence: fmt.Sprintf("profile %s %s: forcemfa creates sessions for access keys of IAM users", p.Name, other.is),
				Next:     "use it with the AWS CLI directly",
			}
		}
	}
	for _, half := range [][2]string{{awsfile.KeyIDSetting, awsfile.SecretSetting}, {awsfile.SecretSetting, awsfile.KeyIDSetting}} {
		if s, _ := p.Setting(half[0]); s.Value != "" && p.Get(half[1]) == "" {
			return &Problem{
				Sentence: fmt.Sprintf("%s: profile %s has %s, but no %s", s.Origin, p.Name, half[0], half[1]),
				Next:     fmt.Sprintf("add it, or delete the line and run %s", command("import", p.Name)),
			}
		}
	}
	return &Problem{
		Sentence: fmt.Sprintf("profile %s has no access key in %s, %s or the secret store", p.Name, f.files.Credentials.Path, f.files.Config.Path),
		Next:     "run " + command("import", p.Name),
	}
}

// environment takes the key from the environment.
func (f *follower) environment() error {
	env := f.manager.Getenv
	if env(awsfile.TokenVariable) != "" || env(awsfile.OldTokenVariable) != "" || awsfile.TemporaryID(env(awsfile.KeyIDVariable)) {
		next := "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the session token, or name a profile"
		if env(Marker) != "" {
			next = "leave the shell of " + env(Marker) + " first, or name a profile"
		}
		return &Problem{Sentence: "the environment holds temporary credentials, which cannot start an MFA session", Next: next}
	}
	if env(awsfile.SecretVariable) == "" {
		return &Problem{Sentence: "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not", Next: "set both, or name a profile"}
	}
	f.route.Profile = "environment"
	f.take(awsfile.Profile{}, KeyInEnvironment, keysOf(env(awsfile.KeyIDVariable), env(awsfile.SecretVariable)))
	return nil
}

// Marker is the variable that a child of exec can see where it is by.
const Marker = environ.Marker

// settings fills in what does not depend on the key: serial, regions,
// endpoints, durations.
func (f *follower) settings(req Request) {
	r, env := f.route, f.manager.Getenv
	first := func(key string) string {
		for _, p := range f.passed {
			if v := p.Get(key); v != "" {
				return v
			}
		}
		return ""
	}
	r.Serial = or(req.Serial, env("AWS_MFA_SERIAL"), first("mfa_serial"))
	r.configured = r.Serial != ""
	if r.sessionStore = or(env(cache.SessionsVariable), first(SessionsSetting)); r.sessionStore == inFiles {
		r.sessionStore = ""
	}
	r.MFAProcess = first("mfa_process")
	r.Exec = first(ExecSetting)
	r.ownRegion = first("region")
	r.Region = or(req.Region, env("AWS_REGION"), env("AWS_DEFAULT_REGION"), r.ownRegion)
	r.stsRegion = or(r.Region, arn.HomeRegion(r.partition()))
	r.caBundle = first("ca_bundle")
	r.fips, r.dualStack = f.endpointOptions()
	r.stsEndpoint = f.endpoint("sts", "AWS_ENDPOINT_URL_STS")
	r.iamEndpoint = f.endpoint("iam", "AWS_ENDPOINT_URL_IAM")
	r.signInEndpoint = f.endpoint("signin", "AWS_ENDPOINT_URL_SIGNIN")
	if r.KeyFrom == KeyFromSignIn {
		r.Serial, r.configured = "", false // any device of the user signs in
	}
	r.duration = req.Duration
	if n := len(f.passed); r.duration == 0 && n > 0 && f.passed[n-1].Get("role_arn") == "" {
		r.duration = seconds(f.passed[n-1].Get("duration_seconds"))
	}
	if r.duration == 0 {
		r.duration = 12 * time.Hour
	}
}

// endpoint follows the order of the AWS SDKs and Tools Reference Guide,
// "Service-specific endpoints".
func (f *follower) endpoint(service, variable string) string {
	env := f.manager.Getenv
	if f.enabled("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
		return ""
	}
	if url := or(env(variable), env("AWS_ENDPOINT_URL")); url != "" {
		return url
	}
	for _, p := range f.passed {
		if url := f.files.Endpoint(p, service); url != "" {
			return url
		}
	}
	return ""
}

// enabled reports whether a switch is on: in the environment, else in the first
// profile of the route that sets it.
func (f *follower) enabled(variable, setting string) bool {
	value := f.manager.Getenv(variable)
	for _, p := range f.passed {
		value = or(value, p.Get(setting))
	}
	return strings.EqualFold(value, "true")
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// partition is that of the ARNs on the route.
func (r *Route) partition() string {
	for _, role := range r.Roles {
		if a, err := arn.Parse(role.ARN); err == nil {
			return a.Partition
		}
	}
	if a, err := arn.Parse(r.Serial); err == nil {
		return a.Partition
	}
	return "aws"
}

// Durations of MFA sessions. Source: STS API Reference, GetSessionToken.
const (
	shortestSession = 15 * time.Minute
	longestSession  = 36 * time.Hour
)

// check finds what AWS would refuse, before anybody is asked for a code.
func (r *Route) check(req Request) error {
	if r.duration < shortestSession || r.duration > longestSession {
		what := "--duration"
		if req.Duration == 0 && req.OwnDuration == 0 {
			what = "duration_seconds of profile " + r.Base
		}
		return &Problem{
			Sentence: fmt.Sprintf("%s is %s, but an MFA session lasts from 15 minutes to 36 hours", what, r.duration),
			Next:     "use a duration such as 12h",
		}
	}
	if !cache.IsRegion(r.stsRegion) {
		return &Problem{Sentence: fmt.Sprintf("%q is not the name of a Region", r.stsRegion), Next: "set region in the profile, or AWS_REGION, to one such as eu-west-1"}
	}
	if err := r.checkDevice(); err != nil {
		return err
	}
	if err := r.checkSessionStore(); err != nil {
		return err
	}
	if r.KeyFrom == KeyFromSignIn && len(r.Roles) > 0 && r.Roles[0].direct(0) {
		return &Problem{
			Sentence: fmt.Sprintf("%s requests %s, which takes a code, and profile %s has no access key to send one with", r.Roles[0].source(), r.Roles[0].Duration, r.Base),
			Next:     "set duration_seconds to 3600 or less; the session is renewed by itself",
		}
	}
	return r.capChains()
}

// name is the name in the cache of a step of the route; of -1 the MFA session.
func (r *Route) name(i int) string {
	if i < 0 {
		return cache.Name("mfa", r.stsEndpoint, r.Key.AccessKeyID, r.Serial)
	}
	parts := []string{"role", r.stsEndpoint, r.Key.AccessKeyID, r.Serial}
	for _, role := range r.Roles[:i+1] {
		parts = append(parts, role.parts()...)
	}
	return cache.Name(parts...)
}

func (r *Route) lockName() string   { return cache.Name("lock", r.stsEndpoint, r.Key.AccessKeyID) }
func (r *Route) deviceName() string { return cache.Name("device", r.stsEndpoint, r.Key.AccessKeyID) }

// codeName is the name in the cache of the last code of a device. It is the same for
// all keys of the user: AWS accepts a code once, whichever key signs.
func (r *Route) codeName() string { return cache.Name("code", r.stsEndpoint, r.Serial) }

// login is the command that makes the MFA session of a route.
func (r *Route) login() string {
	if r.special && len(r.Roles) > 0 && r.Roles[0].direct(0) {
		return "this command" // login starts a session for the profile, not for this role
	}
	if r.KeyFrom == KeyInEnvironment {
		return command("login", "")
	}
	return command("login", r.Profile)
}

// command returns a forcemfa command to type, in quotes; profile may be empty.
func command(verb, profile string) string {
	if profile != "" {
		verb += " " + awsfile.Argument(profile)
	}
	return `"forcemfa ` + verb + `"`
}
