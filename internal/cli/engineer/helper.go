package engineer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"forcemfa/internal/awsfile"
)

// helperPath is the bare name of the credential helper if it is in PATH, else its
// path beside this program; empty if it is in neither place.
func helperPath() string {
	if _, err := exec.LookPath(awsfile.Helper); err == nil {
		return awsfile.Helper
	}
	own, err := os.Executable()
	if err != nil {
		return ""
	}
	name := awsfile.Helper
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Join(filepath.Dir(own), name)
	if _, err := os.Stat(beside); err != nil {
		return ""
	}
	return beside
}
