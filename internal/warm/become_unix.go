//go:build unix

package warm

import (
	"os"
	"path"
	"strings"
	"syscall"
)

// find returns the file of a command; not ok: there is none in the absolute directories
// that come first on PATH.
func find(name string) (file string, ok bool) {
	if strings.Contains(name, "/") {
		return name, true
	}
	for dir := range strings.SplitSeq(os.Getenv("PATH"), ":") {
		file = path.Join(dir, name)
		if !path.IsAbs(dir) {
			return "", false
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, true
		}
	}
	return "", false
}

// become replaces this process by a command. It returns only if it could not.
func become(file string, argv, env []string) { _ = syscall.Exec(file, argv, env) }
