package engineer

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

// otherCredentialVariables make AWS tools use other credentials than those of the
// session. The JavaScript SDK, for one, prefers AWS_PROFILE to AWS_ACCESS_KEY_ID.
// Source: AWS SDKs and Tools Reference Guide, "Environment variables list".
var otherCredentialVariables = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", awsfile.OldTokenVariable,
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// sessionVariableNames are the variables that hold a session.
var sessionVariableNames = []string{
	awsfile.KeyIDVariable, awsfile.SecretVariable, awsfile.TokenVariable,
	"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", session.Marker,
}

// regionVariables: the SDKs read the first one, the AWS CLI and boto3 the second one.
var regionVariables = []string{"AWS_REGION", "AWS_DEFAULT_REGION"}

// environmentRegion returns the Region that the environment selects; may be empty.
func (e *machine) environmentRegion() string {
	return cmp.Or(e.Getenv(regionVariables[0]), e.Getenv(regionVariables[1]))
}

// regionOf returns the Region in which to use a session: that of --region, of the
// environment, or of the profile; empty if none is set.
func (s *sessionFlags) regionOf(e *cache.Entry) string {
	return cmp.Or(s.region, s.env.environmentRegion(), e.Region)
}

// childEnviron returns the environment of a child process: the variables of a session,
// no other credentials, and no secrets of forcemfa. The settings of forcemfa stay, so
// that a forcemfa in the child uses the same stores.
func childEnviron(environ []string, variables []assignment, profile string) []string {
	removed := slices.Concat(otherCredentialVariables, sessionVariableNames, secret.Private)
	for _, v := range variables {
		removed = append(removed, v.name)
	}
	out := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(removed, func(r string) bool { return sameVariable(r, name) })
	})
	for _, v := range variables {
		out = append(out, v.name+"="+v.value)
	}
	return append(out, session.Marker+"="+profile)
}

func sameVariable(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

type assignment struct{ name, value string }

// sessionVariables returns a session as environment variables.
func sessionVariables(e *cache.Entry, region string) []assignment {
	ends := e.Expires.UTC().Format(time.RFC3339)
	out := []assignment{
		{awsfile.KeyIDVariable, e.AccessKeyID},
		{awsfile.SecretVariable, e.SecretAccessKey},
		{awsfile.TokenVariable, e.SessionToken},
		{"AWS_CREDENTIAL_EXPIRATION", ends},
		{"AWS_SESSION_EXPIRATION", ends},
	}
	return append(out, regionAssignments(region)...)
}

// profileVariables returns what lets AWS tools renew a session: the name of a profile.
func profileVariables(profile, region string) []assignment {
	return append([]assignment{{"AWS_PROFILE", profile}}, regionAssignments(region)...)
}

func regionAssignments(region string) (out []assignment) {
	if region != "" {
		for _, name := range regionVariables {
			out = append(out, assignment{name, region})
		}
	}
	return out
}

// A shellFormat is the syntax of a shell; unset is empty for a format that has
// assignments only.
type shellFormat struct {
	set   string // with the name and the quoted value
	unset string // with the name
	quote func(string) string
	// cannot reports values that the format cannot hold; nil: none.
	cannot func(string) bool
}

var shellFormats = map[string]shellFormat{
	"env":           {"export %s=%s\n", "unset %s\n", shellWord, nil},
	"env-no-export": {"%s=%s\n", "", shellWord, nil},
	"fish":          {"set -gx %s %s\n", "set -e %s\n", fishWord, nil},
	"powershell":    {"$Env:%s='%s'\n", "$Env:%s=$null\n", powershellText, nil},
	"windows-cmd":   {"set %s=%s\n", "set %s=\n", func(s string) string { return s }, specialInCmd},
}

// text returns commands that set the variables and remove other credentials. A value
// that the format cannot hold is an error, which does not show the value.
func (f shellFormat) text(variables []assignment) (string, error) {
	var b strings.Builder
	for _, v := range variables {
		if !utf8.ValidString(v.value) || strings.ContainsFunc(v.value, unicode.IsControl) || f.cannot != nil && f.cannot(v.value) {
			return "", unwritable(v.name)
		}
		fmt.Fprintf(&b, f.set, v.name, f.quote(v.value))
	}
	if f.unset != "" {
		for _, name := range slices.Concat(sessionVariableNames, otherCredentialVariables) {
			if !slices.ContainsFunc(variables, func(v assignment) bool { return v.name == name }) && name != session.Marker {
				fmt.Fprintf(&b, f.unset, name)
			}
		}
	}
	return b.String(), nil
}

// unwritable is the error for a value that a format cannot hold.
func unwritable(name string) error {
	return fmt.Errorf("the value of %s contains characters that cannot be written in this format: use --format process", name)
}

// specialInCmd reports values that cmd.exe changes or obeys: it has no quotes that are
// not part of the value, and an empty value removes the variable.
// Source: Windows Commands, cmd and set.
func specialInCmd(s string) bool {
	return s != strings.TrimSpace(s) || s == "" || strings.ContainsAny(s, "&|<>^%!\"()")
}

// plainWord reports whether a shell reads a word unchanged without quotes.
func plainWord(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("+/=_.:,@-", c) {
			return false
		}
	}
	return s != ""
}

// shellWord quotes for sh, bash and zsh. zsh replaces =NAME at the start of a value
// and after a colon. Source: zsh manual, "Filename Expansion".
func shellWord(s string) string {
	if plainWord(s) && s[0] != '=' && !strings.Contains(s, ":=") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// fishWord quotes for fish, where a backslash is special within quotes.
func fishWord(s string) string {
	if plainWord(s) {
		return s
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// powershellText escapes for a PowerShell string in single quotes, which each of five
// quotation marks ends. Source: PowerShell, about_Quoting_Rules.
func powershellText(s string) string {
	return strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s)
}
