// Package warm answers "forcemfa exec PROFILE -- COMMAND", "forcemfa export PROFILE" and
// "forcemfa sessions", also with their commonest flags, from the cache before the rest of
// the program initializes. Most of the time of these
// calls went into tables of the SDK that they never read. Whatever is not answered here
// runs as if this package did not exist, with the same result.
//
// The next package to initialize is the first by import path of those whose imports have.
// This one comes before all libraries that take time, as long as what it imports does: not
// path/filepath and os/exec, for example. Source: The Go Programming Language Specification,
// "Package initialization".
package warm

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
	"forcemfa/internal/session/listing"
)

func init() {
	switch c, ok := parse(os.Args); {
	case !ok || !plain(os.Environ()):
	case c.verb == "exec":
		run(c)
	case c.verb == "export":
		print(c)
	default:
		list(c)
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
	verb    string // exec, export or sessions
	profile string // empty: that of the environment
	region  string // of --region; may be empty
	command []string
	format  string // of export and sessions
	use     bool   // of export
}

// parse reads a command line; not ok: there is more in it than is known here.
func parse(args []string) (c call, ok bool) {
	if len(args) < 2 {
		return call{}, false
	}
	c.verb, args = args[1], args[2:]
	switch c.verb {
	case "exec":
		return c, c.parseExec(args)
	case "export":
		c.format = "process"
		return c, c.parseExport(args)
	case "sessions":
		c.format = "text"
		if len(args) == 2 && (args[0] == "-o" || args[0] == "--output") {
			c.format, args = args[1], nil
		}
		return c, len(args) == 0 && (c.format == "text" || c.format == "json")
	}
	return call{}, false
}

// parseExec reads the arguments of exec: flags, the profile, flags, and from -- or the first
// other word on the command.
func (c *call) parseExec(args []string) bool {
	first := false // the profile is the first argument
	for len(args) > 0 {
		taken := c.flag(args)
		switch {
		case taken > 0:
			args = args[taken:]
		case args[0] == "--":
			c.command = args[1:]
			return len(c.command) > 0 && (c.profile != "" || inEnvironment())
		case !isName(args[0]):
			return false
		case c.profile == "":
			c.profile, args, first = args[0], args[1:], true
		default:
			c.command = args
			return first // after --profile, a command needs --
		}
	}
	return false
}

func (c *call) parseExport(args []string) bool {
	for len(args) > 0 {
		taken := c.flag(args)
		switch {
		case taken > 0:
			args = args[taken:]
		case args[0] == "--use":
			c.use, args = true, args[1:]
		case args[0] == "--shell" && len(args) > 1 && isNumber(args[1]):
			args = args[2:]
		case args[0] == "--format" && len(args) > 1:
			c.format, args = args[1], args[2:]
		case isName(args[0]) && c.profile == "":
			c.profile, args = args[0], args[1:]
		default:
			return false
		}
	}
	return c.profile != "" || inEnvironment()
}

// flag takes a flag of exec and export off the arguments, and returns how many it took.
// Without a remark to print, -q changes nothing; a Region does not select another session.
func (c *call) flag(args []string) int {
	switch args[0] {
	case "-q", "--quiet":
		return 1
	case "--region":
		if len(args) > 1 && cache.IsRegion(args[1]) {
			c.region = args[1]
			return 2
		}
	case "--profile":
		if len(args) > 1 && isName(args[1]) && c.profile == "" {
			c.profile = args[1]
			return 2
		}
	}
	return 0
}

// inEnvironment reports whether the environment selects the profile of a call without one,
// and no key, and no session of exec and use that refuses such a call.
func inEnvironment() bool {
	return cache.EnvironmentProfile(os.Getenv) != "" && os.Getenv(environ.KeyID) == "" && os.Getenv(environ.Marker) == ""
}

func isName(arg string) bool { return arg != "" && arg[0] != '-' }

func isNumber(arg string) bool {
	_, err := strconv.Atoi(arg)
	return err == nil
}

// session returns the session of a profile, if one lasts long enough to be handed out
// without a remark, and its variables.
func session(c call, now time.Time) (e *cache.Entry, variables []environ.Assignment, profile string, ok bool) {
	dir, err := cache.Default(os.Getenv)
	if err != nil {
		return nil, nil, "", false
	}
	place := cache.PlaceOf(c.profile, os.Getenv)
	e, err = dir.Warm(place, now)
	if err != nil || e.Exec == cache.ExecProfile || !e.Lasts(now, cache.UsualMinLeft) {
		return nil, nil, "", false
	}
	region := cmp.Or(c.region, environ.Region(os.Getenv), e.Region)
	return e, e.Variables(region), place.Profile, true
}

// run becomes the command of exec, or returns.
func run(c call) {
	path, ok := find(c.command[0])
	if !ok {
		return
	}
	if _, variables, profile, ok := session(c, time.Now()); ok {
		become(path, c.command, environ.Child(os.Environ(), variables, profile))
	}
}

// print writes the session and ends the program, or returns.
func print(c call) {
	e, variables, profile, ok := session(c, time.Now())
	if !ok {
		return
	}
	if c.use {
		variables = append(variables, environ.Assign(environ.Marker, profile))
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
	finish(text)
}

// list writes the sessions of the cache and ends the program, or returns.
func list(c call) {
	dir, err := cache.Default(os.Getenv)
	if err != nil {
		return
	}
	now := time.Now()
	sessions, err := listing.Current(dir, now)
	if err != nil || len(sessions) == 0 {
		return
	}
	var text strings.Builder
	if c.format == "json" {
		err = listing.JSON(&text, sessions)
	} else {
		err = listing.Text(&text, sessions, now)
	}
	if err == nil {
		finish(text.String())
	}
}

// finish writes a text and ends the program. If nothing could be written, it returns: the
// rest of the program tries again, and says why it cannot.
func finish(text string) {
	n, err := os.Stdout.WriteString(text)
	switch {
	case err == nil:
		os.Exit(0)
	case n > 0:
		os.Stderr.WriteString("forcemfa: write to stdout: " + strings.TrimPrefix(err.Error(), "write /dev/stdout: ") + "\n")
		os.Exit(1)
	}
}
