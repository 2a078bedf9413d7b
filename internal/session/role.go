package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/policy/arn"
)

// A Role is a role as a profile asks for it.
type Role struct {
	Profile        string
	ARN            string
	Duration       time.Duration // zero: an hour
	Capped         time.Duration // what was asked for, where AWS grants an hour only
	ExternalID     string
	SessionName    string
	SourceIdentity string
	Policy         string   // session policy, a JSON document
	PolicyARNs     []string // managed policies as session policies
	Tags           [][2]string
	Transitive     []string
	Region         string
}

// Durations of role sessions. Source: STS API Reference, AssumeRole.
const longestRole = 12 * time.Hour

// roleOf reads the settings of a profile with a role_arn.
func roleOf(p awsfile.Profile, env func(string) string) (Role, error) {
	r := Role{
		Profile: p.Name, ARN: p.Get("role_arn"), ExternalID: p.Get("external_id"),
		SessionName: or(p.Get("role_session_name"), ownName(env)), SourceIdentity: p.Get("source_identity"),
		Policy: p.Get("session_policy"), PolicyARNs: list(p.Get("session_policy_arns")),
		Transitive: list(p.Get("transitive_session_tags")), Region: p.Get("region"),
	}
	a, err := arn.Parse(r.ARN)
	if err != nil || a.Service != "iam" || a.Kind() != "role" || !arn.IsAccountID(a.Account) || a.Name() == "" {
		return Role{}, settingProblem(p, "role_arn", "is not the ARN of a role", "write it as arn:aws:iam::123456789012:role/NAME")
	}
	if text := p.Get("duration_seconds"); text != "" {
		r.Duration = seconds(text)
		if r.Duration < shortestSession || r.Duration > longestRole {
			return Role{}, settingProblem(p, "duration_seconds", "is not from 900 to 43200", "correct it; the role's MaxSessionDuration is the other limit")
		}
	}
	for _, pair := range list(p.Get("session_tags")) {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || strings.TrimSpace(key) == "" {
			return Role{}, settingProblem(p, "session_tags", "is not a list of key=value", "write it as team=web,cost=42")
		}
		r.Tags = append(r.Tags, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return r, checkRole(p, r)
}

// givenRole adds a role that is in no profile.
func (f *follower) givenRole(text string) error {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" || a.Kind() != "role" || !arn.IsAccountID(a.Account) || a.Name() == "" {
		return &Problem{Sentence: fmt.Sprintf("--role-arn %s is not the ARN of a role", text), Next: "write it as arn:aws:iam::123456789012:role/NAME"}
	}
	f.route.Roles = append(f.route.Roles, Role{ARN: text, SessionName: ownName(f.manager.Getenv)})
	return nil
}

// setOwnDuration sets how long the session at the end of the route lasts; zero: as the
// profile says.
func (r *Route) setOwnDuration(d time.Duration) error {
	last := len(r.Roles) - 1
	switch {
	case d == 0:
		return nil
	case last < 0:
		r.duration = d
		return nil
	case d < shortestSession || d > longestRole:
		return &Problem{Sentence: fmt.Sprintf("--duration is %s, but a role session lasts from 15 minutes to 12 hours", d), Next: "use a duration such as 1h; the role's MaxSessionDuration is the other limit"}
	}
	r.Roles[last].Duration = d
	return nil
}

// settingProblem names the file and line of a setting.
func settingProblem(p awsfile.Profile, key, is, next string) error {
	s, _ := p.Setting(key)
	return &Problem{Sentence: fmt.Sprintf("%s: %s of profile %s %s: %s", s.Origin, key, p.Name, is, s.Value), Next: next}
}

// seconds reads a number of seconds; zero when it is none.
func seconds(text string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 || n > 1<<24 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// list splits at commas.
func list(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// ownName is a session name for who sits here: CloudTrail shows it.
func ownName(env func(string) string) string {
	for _, variable := range []string{"USER", "LOGNAME", "USERNAME"} {
		if name := sessionName(env(variable)); len(name) >= 2 {
			return name
		}
	}
	return "forcemfa"
}

// sessionName leaves of a name what AWS takes: [\w+=,.@-], 2 to 64 of them.
// Source: STS API Reference, AssumeRole, RoleSessionName.
func sessionName(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case b.Len() == 64:
			return b.String()
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("_+=,.@-", c):
			b.WriteRune(c)
		}
	}
	return b.String()
}

// parts tell this role session from others of the same source.
func (r Role) parts() []string {
	parts := []string{r.ARN, r.ExternalID, r.SessionName, r.SourceIdentity, r.Duration.String(), r.Policy, strings.Join(r.PolicyARNs, ","), strings.Join(r.Transitive, ",")}
	for _, t := range r.Tags {
		parts = append(parts, t[0], t[1])
	}
	return append(parts, "end")
}

// source names where the role is requested.
func (r Role) source() string {
	if r.Profile == "" {
		return "--role-arn"
	}
	return "profile " + r.Profile
}

// direct says that the role is assumed by the key itself, with a code: AWS
// gives sessions of more than an hour to nobody who comes from a session.
// Source: STS API Reference, AssumeRole, DurationSeconds.
func (r Role) direct(i int) bool { return i == 0 && r.Duration > time.Hour }

// capChains cuts what is further down a chain to the hour that AWS grants.
func (r *Route) capChains() error {
	for i := range r.Roles {
		if role := &r.Roles[i]; i > 0 && role.Duration > time.Hour {
			role.Capped, role.Duration = role.Duration, time.Hour
		}
	}
	return nil
}

// Remarks are what a person should know of a route and might wonder about.
func (r *Route) Remarks() []string {
	var out []string
	for i, role := range r.Roles {
		switch {
		case role.Capped > 0:
			out = append(out, fmt.Sprintf("%s requests %s, but a role assumed from another role lasts an hour at most; forcemfa renews it without a code", role.source(), role.Capped))
		case role.direct(i):
			out = append(out, fmt.Sprintf("%s requests %s: for more than an hour, AWS requires a separate code for this role", role.source(), role.Duration))
		}
	}
	return out
}
