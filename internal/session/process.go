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

	"forcemfa/internal/mfapreset"
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
	cmd.Stderr = os.Stderr
	out, err := secret.Output(cmd)
	if err != nil {
		return problem("failed: " + err.Error())
	}
	var answer struct {
		Version                                    int
		AccessKeyID, SecretAccessKey, SessionToken string
	}
	if json.Unmarshal(out, &answer) != nil || answer.Version != 1 || !secret.Plain(answer.AccessKeyID) || !secret.Plain(answer.SecretAccessKey) {
		// What it printed may hold a secret, so it is not shown.
		return problem("did not print credentials of version 1")
	}
	if answer.SessionToken != "" {
		return problem("returns temporary credentials, which cannot start an MFA session")
	}
	return keysOf(answer.AccessKeyID, answer.SecretAccessKey), nil
}

// errProcessTime is the error of a command for MFA codes that printed no code in time.
var errProcessTime = errors.New("it printed no code in time")

// CommandCodes gets codes from a command, which a shell runs. The command can read
// the terminal and print on stderr, as when a security key must be touched.
func CommandCodes(command, serial string) CodeSource {
	return commandCodes(command, serial, processTime)
}

// processTime is how long a command for MFA codes may take.
func (m *Manager) processTime() time.Duration {
	if m.ProcessTime > 0 {
		return m.ProcessTime
	}
	return processTime
}

func commandCodes(command, serial string, limit time.Duration) CodeSource {
	return CodeSource{Program: true, Command: command, Code: func(ctx context.Context, _ string) (string, error) {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		cmd, err := codeCommand(limited, command, serial)
		if err != nil {
			return "", err
		}
		cmd.Env = append(secret.Withheld(os.Environ()), "AWS_MFA_SERIAL="+serial)
		cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
		out, err := secret.Output(cmd)
		switch {
		case err == nil:
			return string(bytes.TrimSpace(out)), nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case limited.Err() != nil:
			err = fmt.Errorf("%w (%s)", errProcessTime, limit)
		}
		return "", fmt.Errorf("the command for MFA codes: %w", err)
	}}
}

// orPerson takes codes from a person after the command printed none in time.
func (m *Manager) orPerson(program CodeSource, person func(ctx context.Context, prompt string) (string, error)) CodeSource {
	if person == nil {
		return program
	}
	ask := program.Code
	program.Code = func(ctx context.Context, prompt string) (string, error) {
		text, err := ask(ctx, prompt)
		if !errors.Is(err, errProcessTime) {
			return text, err
		}
		m.say("%v; enter the code here", err)
		ask = person
		return ask(ctx, prompt)
	}
	return program
}

// codeCommand is the program of a preset, or a command for a shell.
func codeCommand(ctx context.Context, command, serial string) (*exec.Cmd, error) {
	if !mfapreset.Is(command) {
		return shell(ctx, command), nil
	}
	argv, err := mfapreset.Command(command, serial)
	if err != nil {
		return nil, &Problem{Sentence: err.Error(), Next: "correct mfa_process, or --mfa-process", Err: err}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, &Problem{Sentence: fmt.Sprintf("%s: %s is not installed", command, argv[0]), Next: "install it, or leave out mfa_process and enter the code", Err: err}
	}
	return exec.CommandContext(ctx, path, argv[1:]...), nil
}

func shell(ctx context.Context, command string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd.exe", "/C", command)
	}
	return exec.CommandContext(ctx, "/bin/sh", "-c", command)
}
