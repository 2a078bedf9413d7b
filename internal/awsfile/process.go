package awsfile

import (
	"errors"
	"runtime"
	"slices"
	"strings"
)

// Helper is the program that a credential_process of forcemfa names.
const Helper = "forcemfa-credential-process"

// HelperProfile returns the profile that a credential_process serves, if the
// command is [Helper] or "forcemfa credential-process". The profile is empty if
// the command names none.
func HelperProfile(command string) (profile string, ok bool) {
	words, err := SplitCommand(command)
	if err != nil || len(words) == 0 {
		return "", false
	}
	// Both separators: a config file may have been written on Windows.
	name := strings.TrimSuffix(words[0][strings.LastIndexAny(words[0], `/\`)+1:], ".exe")
	args := words[1:]
	switch verb := slices.Index(args, "credential-process"); {
	// A suffix: without quotes a backslash of a Windows path is lost.
	case strings.HasSuffix(name, Helper):
	case name == "forcemfa" && verb >= 0:
		args = args[verb+1:]
	default:
		return "", false
	}
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--profile="); ok {
			return v, true
		}
		if a == "--profile" && i+1 < len(args) {
			return args[i+1], true
		}
		if !strings.HasPrefix(a, "-") {
			return a, true
		}
	}
	return "", true
}

// SplitCommand splits a command line as botocore does with the value of
// credential_process, in the way of a POSIX shell without expansions: words
// between spaces, single quotes, double quotes with \" and \\, backslashes.
func SplitCommand(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	escaped := false
	for _, c := range s {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed, or a backslash ends it")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// Argument is [Word] for a positional argument of a command of forcemfa: -- before a
// name that begins with a dash, so that it is not read as a flag. It must be last.
func Argument(s string) string {
	if strings.HasPrefix(s, "-") {
		return "-- " + Word(s)
	}
	return Word(s)
}

// Word quotes an argument of a command line, where it must, so that shells and
// [SplitCommand] understand it.
func Word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plainInCommand(r) }) {
		return s
	}
	if runtime.GOOS == "windows" {
		return `"` + s + `"`
	}
	// No quotes: the Go SDK takes a pair around the whole value away.
	var escaped strings.Builder
	for _, r := range s {
		if !plainInCommand(r) {
			escaped.WriteByte('\\')
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}

func plainInCommand(r rune) bool {
	return r > '~' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,", r)
}
