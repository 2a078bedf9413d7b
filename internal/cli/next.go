package cli

import (
	"strings"
)

// next is the command of another verb on the same organization: with the flags that
// choose the profile, the config file and the accounts.
func (s *shared) next(verb string) string {
	words := []string{"forcemfa", verb}
	add := func(flag string, values ...string) {
		if value := strings.Join(values, ","); value != "" {
			words = append(words, "--"+flag, quoted(value))
		}
	}
	switch s.sandbox {
	case "":
	case "sample":
		words = append(words, "--sandbox")
	default:
		words = append(words, "--sandbox="+quoted(s.sandbox))
	}
	add("profile", s.profile)
	add("config", s.config)
	add("region", s.region)
	add("role-name", s.roleName)
	add("external-id", s.externalID)
	add("accounts", s.accounts...)
	add("not-accounts", s.notAccounts...)
	add("ou", s.units...)
	add("not-ou", s.notUnits...)
	add("account-tag", s.tags...)
	add("not-account-tag", s.notTags...)
	return strings.Join(words, " ")
}

// quoted is a word as a POSIX shell reads it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,=:@+%", r)
	}
	if strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
