package engineer

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/profiles"
)

// helper is the program for the credential_process of a profile: the credential helper
// beside this program or in PATH, else this program itself. The path is absolute, because
// programs that are started from a desktop have another PATH than a shell. It is empty
// when there is none.
func helper() string {
	own, err := os.Executable()
	if err != nil {
		own = ""
	}
	return chooseHelper(own)
}

// chooseHelper is the helper for a program with this path; empty: unknown.
func chooseHelper(own string) string {
	name := awsfile.Helper
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if own != "" {
		if beside, err := exec.LookPath(filepath.Join(filepath.Dir(own), name)); err == nil {
			return beside
		}
	}
	if found, err := exec.LookPath(name); err == nil {
		if absolute, err := filepath.Abs(found); err == nil {
			return absolute
		}
	}
	if _, ours := awsfile.HelperProfile(profiles.ProcessLine(own, "")); !ours {
		return "" // the program was renamed, and nothing would recognize it
	}
	return own
}

// gone reports whether a program is neither a file nor in PATH.
func gone(program string) bool {
	_, err := exec.LookPath(program)
	return err != nil
}
