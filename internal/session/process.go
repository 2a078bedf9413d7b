package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"forcemfa/internal/secret"
)

// chainVariable counts how deep credential processes start each other.
const (
	chainVariable = "FORCEMFA_CHAIN"
	maxChain      = 4
	processTime   = time.Minute
)

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

// ourTarget is the profile that a credential_process of ours serves.
func ourTarget(words []string) (profile string, ours bool) {
	// Both separators: a config file may have been written on Windows.
	name := strings.TrimSuffix(words[0][strings.LastIndexAny(words[0], `/\`)+1:], ".exe")
	args := words[1:]
	switch {
	case name == "forcemfa-credential-process":
	case name == "forcemfa" && len(args) > 0 && args[0] == "credential-process":
		args = args[1:]
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

// runProcess takes a long-lived key from another program's
// credential_process. Source: AWS SDKs and Tools Reference Guide, "Process
// credential provider".
func (k *Keeper) runProcess(ctx context.Context, profile string, words []string) (secret.Keys, error) {
	problem := func(what string) (secret.Keys, error) {
		return secret.Keys{}, &Problem{
			Sentence: fmt.Sprintf("credential_process of profile %s (%s) %s", profile, filepath.Base(words[0]), what),
			Next:     "run it by hand and mend it",
		}
	}
	depth := len(k.Getenv(chainVariable))
	if depth >= maxChain {
		return problem("leads back to forcemfa again and again")
	}
	ctx, cancel := context.WithTimeout(ctx, processTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(secret.Withheld(os.Environ()), chainVariable+"="+strings.Repeat("+", depth+1))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return problem("failed: " + err.Error())
	}
	var answer struct {
		Version                                    int
		AccessKeyID, SecretAccessKey, SessionToken string
	}
	if json.Unmarshal(out.Bytes(), &answer) != nil || answer.Version != 1 || answer.AccessKeyID == "" || answer.SecretAccessKey == "" {
		// What it printed may hold a secret, so it is not shown.
		return problem("did not print credentials of version 1")
	}
	if answer.SessionToken != "" {
		return problem("gives temporary credentials, from which AWS makes no MFA session")
	}
	return keysOf(answer.AccessKeyID, answer.SecretAccessKey), nil
}

// CommandCodes gets codes from a command, which a shell runs: it reads the
// terminal and says what it likes on stderr, as when a key wants to be touched.
func CommandCodes(command, serial string) CodeSource {
	return CodeSource{Program: true, Command: command, Code: func(ctx context.Context, _ string) (string, error) {
		cmd := shell(ctx, command)
		cmd.Env = append(secret.Withheld(os.Environ()), "AWS_MFA_SERIAL="+serial)
		cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("the command that gives codes: %w", err)
		}
		return string(bytes.TrimSpace(out)), nil
	}}
}

func shell(ctx context.Context, command string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd.exe", "/C", command)
	}
	return exec.CommandContext(ctx, "/bin/sh", "-c", command)
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
