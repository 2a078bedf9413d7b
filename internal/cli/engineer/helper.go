package engineer

import (
	"forcemfa/internal/awsfile"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// processLine is a credential_process that works in every SDK: botocore splits it
// like a shell without running one, the Go SDK gives it to sh -c or cmd.exe.
// Source: AWS SDKs and Tools Reference Guide, Process credential provider.
func processLine(profile string) string {
	return awsfile.Word(helperPath()) + " --profile " + awsfile.Word(profile)
}

// helperPath is the bare name where PATH leads to it, else where it lies beside
// this program.
func helperPath() string {
	if _, err := exec.LookPath(awsfile.Helper); err == nil {
		return awsfile.Helper
	}
	own, err := os.Executable()
	if err != nil {
		return awsfile.Helper
	}
	name := awsfile.Helper
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Join(filepath.Dir(own), name)
	if _, err := os.Stat(beside); err != nil {
		return awsfile.Helper
	}
	return beside
}
