// Package environ makes the environment of programs that use a session: its variables,
// for a child process or in the syntax of a shell, without those that select other
// credentials.
package environ

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Variables that hold an access key or a session.
const (
	KeyID  = "AWS_ACCESS_KEY_ID"
	Secret = "AWS_SECRET_ACCESS_KEY"
	Token  = "AWS_SESSION_TOKEN"
	// OldToken is the name of boto, which the AWS CLI and boto3 still read.
	OldToken = "AWS_SECURITY_TOKEN"
)

// Marker is the variable from which a child of exec knows the profile.
const Marker = "FORCEMFA"

// Variables of forcemfa that hold secrets.
const (
	Passphrase = "FORCEMFA_SECRET_PASSPHRASE" // opens the encrypted file
	Code       = "FORCEMFA_CODE"              // one MFA code, for scripts without a terminal or a pipe
	Signing    = "FORCEMFA_SIGNING_PASSWORD"  // opens the key that signs evidence packs
)

// Notice is the variable that asks for a notice before a session ends.
const Notice = "FORCEMFA_NOTICE"

// Private lists the variables of forcemfa that hold secrets. A child process of
// exec must not inherit them. Settings that only name a store are not in it.
var Private = []string{Passphrase, Code, Signing}

// otherCredentialVariables make AWS tools use other credentials than those of the
// session. The JavaScript SDK, for one, prefers AWS_PROFILE to AWS_ACCESS_KEY_ID.
// Source: AWS SDKs and Tools Reference Guide, "Environment variables list".
var otherCredentialVariables = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", OldToken,
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// SessionNames are the variables that hold a session.
var SessionNames = []string{
	KeyID, Secret, Token,
	"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", Marker,
}

// regionVariables: the SDKs read the first one, the AWS CLI and boto3 the second one.
var regionVariables = []string{"AWS_REGION", "AWS_DEFAULT_REGION"}

// Region returns the Region that an environment selects; may be empty.
func Region(getenv func(string) string) string {
	return cmp.Or(getenv(regionVariables[0]), getenv(regionVariables[1]))
}

// Child returns the environment of a child process: the variables of a session,
// no other credentials, and no secrets of forcemfa. The settings of forcemfa stay, so
// that a forcemfa in the child uses the same stores.
func Child(environ []string, variables []Assignment, profile string) []string {
	removed := slices.Concat(otherCredentialVariables, SessionNames, Private)
	for _, v := range variables {
		removed = append(removed, v.Name)
	}
	out := slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(removed, func(r string) bool { return Same(r, name) })
	})
	for _, v := range variables {
		out = append(out, v.Name+"="+v.Value)
	}
	return append(out, Marker+"="+profile)
}

// Same reports whether two names are those of the same variable.
func Same(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// An Assignment gives a variable a value.
type Assignment struct{ Name, Value string }

// Assign returns an assignment.
func Assign(name, value string) Assignment { return Assignment{name, value} }

// Session returns a session as environment variables.
func Session(keyID, secret, token string, expires time.Time, region string) []Assignment {
	ends := expires.UTC().Format(time.RFC3339)
	out := []Assignment{
		{KeyID, keyID},
		{Secret, secret},
		{Token, token},
		{"AWS_CREDENTIAL_EXPIRATION", ends},
		{"AWS_SESSION_EXPIRATION", ends},
	}
	return append(out, regionAssignments(region)...)
}

// Profile returns what lets AWS tools renew a session: the name of a profile.
func Profile(profile, region string) []Assignment {
	return append([]Assignment{{"AWS_PROFILE", profile}}, regionAssignments(region)...)
}

func regionAssignments(region string) (out []Assignment) {
	if region != "" {
		for _, name := range regionVariables {
			out = append(out, Assignment{name, region})
		}
	}
	return out
}

// A Format is the syntax of a shell; unset is empty for a format that has
// assignments only.
type Format struct {
	set   string // with the name and the quoted value
	unset string // with the name
	quote func(string) string
	// cannot reports values that the format cannot hold; nil: none.
	cannot func(string) bool
}

// Formats are the formats by their names.
var Formats = map[string]Format{
	"env":           {"export %s=%s\n", "unset %s\n", shellWord, nil},
	"env-no-export": {"%s=%s\n", "", shellWord, nil},
	"fish":          {"set -gx %s %s\n", "set -e %s\n", fishWord, nil},
	"powershell":    {"$Env:%s='%s'\n", "$Env:%s=$null\n", powershellText, nil},
	"windows-cmd":   {"set %s=%s\n", "set %s=\n", func(s string) string { return s }, specialInCmd},
}

// Text returns commands that set the variables and remove other credentials. A value
// that the format cannot hold is an error, which does not show the value.
func (f Format) Text(variables []Assignment) (string, error) {
	var b strings.Builder
	for _, v := range variables {
		if !utf8.ValidString(v.Value) || strings.ContainsFunc(v.Value, unicode.IsControl) || f.cannot != nil && f.cannot(v.Value) {
			return "", Unwritable(v.Name)
		}
		fmt.Fprintf(&b, f.set, v.Name, f.quote(v.Value))
	}
	if f.unset != "" {
		for _, name := range slices.Concat(SessionNames, otherCredentialVariables) {
			if !slices.ContainsFunc(variables, func(v Assignment) bool { return v.Name == name }) && name != Marker {
				fmt.Fprintf(&b, f.unset, name)
			}
		}
	}
	return b.String(), nil
}

// Unwritable is the error for a value that a format cannot hold.
func Unwritable(name string) error {
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
