package command

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

// Variables are the flags that an environment variable gives where they are
// not on the command line: FORCEMFA_ and the name, in upper case with _.
var Variables = []string{"config", "profile", "region", "role-name", "external-id", "session-duration", "accounts", "not-accounts", "ou", "not-ou",
	"account-tag", "not-account-tag", "concurrency", "rate"}

// SignInVariable names another federation endpoint than AWS's own.
const SignInVariable = "FORCEMFA_SIGNIN_ENDPOINT"

// NoticeVariable is how exec and use show that a session is about to end.
const NoticeVariable = environ.Notice

// Variable is the name of the environment variable that gives a flag its value.
func Variable(flag string) string {
	return "FORCEMFA_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// CheckVariables refuses environment variables that begin with FORCEMFA_ and that no verb
// reads: a typing mistake would leave accounts in or out without a word.
func (e *Env) CheckVariables() error {
	known := []string{
		secret.BackendVariable, secret.FileVariable, secret.PassphraseVariable, secret.WorkVariable, secret.CommandVariable, secret.PrefixVariable,
		secret.CodeVariable, secret.SigningVariable, cache.SessionsVariable, SignInVariable, NoticeVariable, "FORCEMFA_CHAIN",
	}
	for _, flag := range Variables {
		known = append(known, Variable(flag))
	}
	for _, v := range baseline.Variables() {
		known = append(known, v.Name)
	}
	for _, setting := range e.ChildEnviron() {
		name, _, _ := strings.Cut(setting, "=")
		if !strings.HasPrefix(name, "FORCEMFA_") || slices.Contains(known, name) {
			continue
		}
		hint := "unset it; docs/config.md lists all variables"
		if near := nearest(name, known); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return WithHint(fmt.Errorf("unknown environment variable %s", name), hint)
	}
	return nil
}

// nearest is the word that differs from a name by at most two letters; empty: none.
func nearest(name string, words []string) string {
	best, least := "", 3
	for _, word := range words {
		if d := distance(name, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace to get from one word to
// the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
