package session

import (
	"bytes"
	"context"
	"encoding/json"
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

// runProcess takes a long-lived key from another program's
// credential_process. Source: AWS SDKs and Tools Reference Guide, "Process
// credential provider".
func (m *Manager) runProcess(ctx context.Context, profile string, words []string) (secret.Keys, error) {
	problem := func(what string) (secret.Keys, error) {
		return secret.Keys{}, &Problem{
			Sentence: fmt.Sprintf("credential_process of profile %s (%s) %s", profile, filepath.Base(words[0]), what),
			Next:     "run it by hand and fix it",
		}
	}
	depth := len(m.Getenv(chainVariable))
	if depth >= maxChain {
		return problem("starts forcemfa again in a loop")
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
		return problem("returns temporary credentials, which cannot start an MFA session")
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
			return "", fmt.Errorf("the command for MFA codes: %w", err)
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
