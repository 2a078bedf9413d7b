// Command forcemfa-credential-process gives AWS tools the session of a profile.
// It is what credential_process in ~/.aws/config names:
//
//	credential_process = forcemfa-credential-process --profile bob
//
// It reads the session from the cache and prints it. When there is none that
// can be handed out, it hands over to "forcemfa credential-process", found
// beside itself or on PATH, which can make one. It links no SDK, because AWS
// tools start it for every process of theirs.
package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"forcemfa/internal/session/cache"
)

func main() {
	if profile, ok := profileOf(os.Args[1:]); ok && warm(profile) {
		return
	}
	os.Stderr.WriteString("forcemfa-credential-process: " + handOver() + "\n")
	os.Exit(1)
}

// profileOf reads the command line; not ok: there is more in it than a profile.
func profileOf(args []string) (profile string, ok bool) {
	for len(args) > 0 {
		value, isFlag := strings.CutPrefix(args[0], "--profile")
		switch {
		case isFlag && value == "" && len(args) > 1:
			profile, args = args[1], args[2:]
		case isFlag && len(value) > 1 && value[0] == '=':
			profile, args = value[1:], args[1:]
		default:
			return "", false
		}
	}
	return profile, true
}

// warm prints the session of a profile, if there is one.
func warm(profile string) bool {
	dir, err := cache.Default(os.Getenv)
	if err != nil {
		return false
	}
	e, err := dir.Warm(cache.PlaceOf(profile, os.Getenv), time.Now())
	if err != nil {
		return false
	}
	if _, err := os.Stdout.WriteString(e.ProcessJSON()); err != nil {
		os.Stderr.WriteString("forcemfa-credential-process: write the session: " + err.Error() + "\n")
		os.Exit(1)
	}
	return true
}

// handOver becomes forcemfa, and returns only to say why it could not.
func handOver() string {
	program := findForcemfa()
	if program == "" {
		return "there is no session for this profile, and forcemfa, which could start one, is neither next to this program nor on PATH: install forcemfa"
	}
	args := append([]string{program, "credential-process"}, os.Args[1:]...)
	return "run " + program + ": " + become(program, args).Error()
}

// findForcemfa looks beside this program, then on PATH. Relative directories
// on PATH do not count: a working directory must not say who gets to ask for
// codes.
func findForcemfa() string {
	name := "forcemfa" + executableSuffix
	var places []string
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		places = append(places, filepath.Dir(self))
	}
	for _, dir := range append(places, filepath.SplitList(os.Getenv("PATH"))...) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && !info.IsDir() && executable(info.Mode()) {
			return path
		}
	}
	return ""
}
