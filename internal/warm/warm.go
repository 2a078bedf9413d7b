// Package warm answers "forcemfa exec PROFILE -- COMMAND" and "forcemfa export PROFILE"
// from the cache before the rest of the program initializes. Most of the time of these
// calls went into tables of the SDK that they never read. Whatever is not answered here
// runs as if this package did not exist, with the same result.
//
// The next package to initialize is the first by import path of those whose imports have.
// This one comes before all libraries that take time, as long as what it imports does: not
// path/filepath and os/exec, for example. Source: The Go Programming Language Specification,
// "Package initialization".
package warm

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

func init() {
	switch c, ok := parse(os.Args); {
	case !ok || !plain(os.Environ()):
	case c.command != nil:
		run(c)
	default:
		print(c)
	}
}

// settings begin the variables of forcemfa that change neither the answer nor what is to
// be done with it, apart from those that the cache looks at.
var settings = []string{"FORCEMFA=", cache.SessionsVariable + "=", environ.Code + "=", "FORCEMFA_SECRET_", "FORCEMFA_PASS_", "FORCEMFA_CONFIG=", "FORCEMFA_RATE=", "FORCEMFA_SIGNIN_ENDPOINT="}

// plain reports whether an environment has only variables of forcemfa that are known here.
func plain(env []string) bool {
	for _, pair := range env {
		known := !strings.HasPrefix(pair, "FORCEMFA") || strings.HasSuffix(pair, "=")
		if !known && !slices.ContainsFunc(settings, func(s string) bool { return strings.HasPrefix(pair, s) }) {
			return false
		}
	}
	return true
}

// A call is a command line that can be answered here.
type call struct {
	profile string
	command []string // of exec; nil: export
	format  string   // of export
	use     bool     // of export
}

// parse reads a command line; not ok: there is more in it than a profile and a command,
// or a profile and a format.
func parse(args []string) (c call, ok bool) {
	if len(args) < 3 {
		return call{}, false
	}
	switch args = args[1:]; args[0] {
	case "exec":
		ok = len(args) > 3 && isName(args[1]) && args[2] == "--"
		if ok {
			c = call{profile: args[1], command: args[3:]}
		}
		return c, ok
	case "export":
		return parseExport(args[1:])
	}
	return call{}, false
}

func parseExport(args []string) (c call, ok bool) {
	c.format = "process"
	for len(args) > 0 {
		switch {
		case args[0] == "--use":
			c.use, args = true, args[1:]
		case args[0] == "--shell" && len(args) > 1 && isNumber(args[1]):
			args = args[2:]
		case args[0] == "--format" && len(args) > 1:
			c.format, args = args[1], args[2:]
		case isName(args[0]) && c.profile == "":
			c.profile, args = args[0], args[1:]
		default:
			return call{}, false
		}
	}
	return c, c.profile != ""
}

func isName(arg string) bool { return arg != "" && arg[0] != '-' }

func isNumber(arg string) bool {
	_, err := strconv.Atoi(arg)
	return err == nil
}

// session returns the session of a profile, if one lasts long enough to be handed out
// without a remark, and its variables.
func session(profile string, now time.Time) (*cache.Entry, []environ.Assignment, bool) {
	dir, err := cache.Default(os.Getenv)
	if err != nil {
		return nil, nil, false
	}
	e, err := dir.Warm(cache.PlaceOf(profile, os.Getenv), now)
	if err != nil || e.Exec == cache.ExecProfile || !e.Lasts(now, cache.UsualMinLeft) {
		return nil, nil, false
	}
	region := environ.Region(os.Getenv)
	if region == "" {
		region = e.Region
	}
	return e, e.Variables(region), true
}

// run becomes the command of exec, or returns.
func run(c call) {
	path, ok := find(c.command[0])
	if !ok {
		return
	}
	if _, variables, ok := session(c.profile, time.Now()); ok {
		become(path, c.command, environ.Child(os.Environ(), variables, c.profile))
	}
}

// print writes the session and ends the program, or returns.
func print(c call) {
	e, variables, ok := session(c.profile, time.Now())
	if !ok {
		return
	}
	if c.use {
		variables = append(variables, environ.Assign(environ.Marker, c.profile))
	}
	text := e.ProcessJSON()
	if c.format != "process" {
		format, known := environ.Formats[c.format]
		if !known {
			return
		}
		var err error
		if text, err = format.Text(variables); err != nil {
			return
		}
	}
	n, err := os.Stdout.WriteString(text)
	switch {
	case err == nil:
		os.Exit(0)
	case n > 0: // otherwise the rest of the program tries, and says why it cannot
		os.Stderr.WriteString("forcemfa: write to stdout: " + strings.TrimPrefix(err.Error(), "write /dev/stdout: ") + "\n")
		os.Exit(1)
	}
}
