package organization

import (
	"strings"
)

// Next is the command of another verb on the same organization: with the flags that
// choose the profile, the config file and the accounts.
func (s *Flags) Next(verb string) string {
	words := []string{"forcemfa", verb}
	add := func(flag string, values ...string) {
		if value := strings.Join(values, ","); value != "" {
			words = append(words, "--"+flag, Quoted(value))
		}
	}
	switch s.Sandbox {
	case "":
	case "sample":
		words = append(words, "--sandbox")
	default:
		words = append(words, "--sandbox="+Quoted(s.Sandbox))
	}
	add("profile", s.Profile)
	add("config", s.Config)
	add("region", s.Region)
	add("role-name", s.RoleName)
	add("external-id", s.ExternalID)
	add("accounts", s.Accounts...)
	add("not-accounts", s.NotAccounts...)
	add("ou", s.Units...)
	add("not-ou", s.NotUnits...)
	add("account-tag", s.Tags...)
	add("not-account-tag", s.NotTags...)
	return strings.Join(words, " ")
}

// Quoted is a word as a POSIX shell reads it.
func Quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,=:@+%", r)
	}
	if strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
