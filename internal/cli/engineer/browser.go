package engineer

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/environ"
)

// Schemes of Firefox extensions that open a link in a container.
// Sources: the extensions "Open external links in a container" and "Granted".
var containerSchemes = []string{"ext+container", "ext+granted-containers"}

// containerLink returns a link that opens another one in a container of Firefox.
func containerLink(scheme, name, link string) string {
	return scheme + ":name=" + url.QueryEscape(name) + "&url=" + url.QueryEscape(link)
}

// page returns a page that leads to a link. A browser gets the name of its file, because
// other users can read arguments.
func page(link string) string {
	link = html.EscapeString(link)
	return `<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
		`<meta http-equiv="refresh" content="0;url=` + link + `"><title>AWS console</title><a href="` + link + `">Sign in to the AWS console</a>` + "\n"
}

// open shows a link in the browser of the user and returns the file that holds it.
func (e *machine) open(dir cache.Dir, link string, firefox bool) (string, error) {
	argv, err := browser(e.Getenv("BROWSER"), firefox)
	if err != nil {
		return "", err
	}
	path, err := dir.WritePage(page(link), e.Now())
	if err != nil {
		return "", command.FileError("write a page for the browser", err)
	}
	i := slices.IndexFunc(argv, func(word string) bool { return strings.Contains(word, "%s") })
	if i < 0 {
		argv, i = append(argv, "%s"), len(argv)
	}
	argv[i] = strings.ReplaceAll(argv[i], "%s", path)
	return path, e.start(argv)
}

// browser returns the command that opens a file: that of BROWSER, or of the system.
// Source: freedesktop.org, "BROWSER" of xdg-open: programs between colons, %s for the page.
func browser(variable string, firefox bool) ([]string, error) {
	candidates := [][]string{{"xdg-open"}, {"wslview"}, {"sensible-browser"}, {"x-www-browser"}}
	switch {
	case runtime.GOOS == "darwin" && firefox:
		candidates = [][]string{{"open", "-a", "Firefox"}}
	case runtime.GOOS == "darwin":
		candidates = [][]string{{"open"}}
	case runtime.GOOS == "windows" && !firefox:
		candidates = [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}
	case firefox:
		candidates = [][]string{{"firefox"}, {"firefox-esr"}}
	}
	if variable != "" {
		candidates = nil
		for text := range strings.SplitSeq(variable, listSeparator()) {
			if words, err := awsfile.SplitCommand(text); err == nil && len(words) > 0 {
				candidates = append(candidates, words)
			}
		}
	}
	for _, argv := range candidates {
		if _, err := exec.LookPath(argv[0]); err == nil {
			return argv, nil
		}
	}
	return nil, command.WithHint(errors.New("no browser was found"), "set BROWSER to the program of your browser, or open the link yourself: leave --open out")
}

func listSeparator() string {
	if runtime.GOOS == "windows" {
		return ";"
	}
	return ":"
}

// earlyFailure is how long a browser may take to report that it cannot start; a browser
// that runs on is not waited for.
const earlyFailure = 3 * time.Second

// start starts a browser that outlives this program.
func (e *machine) start(argv []string) error {
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = withoutSession(e.ChildEnviron())
	detach(c)
	if err := c.Start(); err != nil {
		return notRun(argv[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return command.WithHint(fmt.Errorf("%s did not open the page: %w", argv[0], err), "set BROWSER to another program, or open the link yourself: leave --open out")
		}
	case <-time.After(earlyFailure):
	}
	return nil
}

// withoutSession is the environment of a program that needs neither a session nor the
// secrets of forcemfa.
func withoutSession(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(slices.Concat(environ.SessionNames, environ.Private), func(r string) bool { return environ.Same(r, name) })
	})
}
