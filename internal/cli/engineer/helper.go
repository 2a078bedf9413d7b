package engineer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"forcemfa/internal/session"
)

// helperProgram is the program that answers SDKs; see
// cmd/forcemfa-credential-process.
const helperProgram = "forcemfa-credential-process"

// processLine is a credential_process that works in every SDK: botocore splits it
// like a shell without running one, the Go SDK gives it to sh -c or cmd.exe.
// Source: AWS SDKs and Tools Reference Guide, Process credential provider.
func processLine(profile string) string {
	return session.Word(helperPath()) + " --profile " + session.Word(profile)
}

// helperPath is the bare name where PATH leads to it, else where it lies beside
// this program.
func helperPath() string {
	if _, err := exec.LookPath(helperProgram); err == nil {
		return helperProgram
	}
	own, err := os.Executable()
	if err != nil {
		return helperProgram
	}
	name := helperProgram
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Join(filepath.Dir(own), name)
	if _, err := os.Stat(beside); err != nil {
		return helperProgram
	}
	return beside
}

// ownProcess tells whether a credential_process is one of ours.
func ownProcess(line string) bool {
	words, err := session.SplitCommand(line)
	if err != nil || len(words) == 0 {
		return false
	}
	base := strings.TrimSuffix(words[0][strings.LastIndexAny(words[0], `/\`)+1:], ".exe")
	return strings.HasSuffix(base, helperProgram) || base == "forcemfa" && slices.Contains(words, "credential-process")
}

// leadsTo tells whether a credential_process is ours and about that profile.
func leadsTo(line, profile string) bool {
	words, err := session.SplitCommand(line)
	if err != nil || !ownProcess(line) {
		return false
	}
	for i, w := range words {
		if w == "--profile="+profile || w == "--profile" && i+1 < len(words) && words[i+1] == profile {
			return true
		}
	}
	return false
}
