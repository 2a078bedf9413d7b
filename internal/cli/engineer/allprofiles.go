package engineer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session/environ"
	"forcemfa/internal/view"
)

// A profileRun is one of many runs of a command.
type profileRun struct {
	profile string
	environ []string
	status  int
	failure string // why there was no session or no process; empty: the command ran
}

// runAll runs a command with the sessions of many profiles. It gets all sessions first,
// so that no prompt stands between the lines of the commands.
func runAll(ctx context.Context, o *execOptions, argv []string) error {
	if len(argv) == 0 {
		return command.WithHint(errors.New("--all-profiles needs a command"), `write it after --: "forcemfa exec --all-profiles -- aws sts get-caller-identity"`)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return notRun(argv[0], err)
	}
	names, err := o.matching()
	if err != nil {
		return err
	}
	var runs []*profileRun
	for _, name := range names {
		run, err := o.prepare(ctx, name)
		if err != nil {
			return err
		}
		if run != nil {
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		return command.WithHint(errors.New("no profile of an access key or of its roles was found"), "check the pattern of --match, and the profiles in ~/.aws/config")
	}
	o.env.ReleaseTerminal()
	o.each(ctx, runs, path, argv)
	return o.summary(ctx, runs)
}

// matching returns the profiles that --match selects. A profile that is only another
// name for the session of a second one is left out.
func (o *execOptions) matching() ([]string, error) {
	if _, err := path.Match(o.match, ""); err != nil {
		return nil, command.WithHint(fmt.Errorf("--match %s: %w", o.match, err), "use * for any characters, such as --match 'prod-*'")
	}
	files, err := o.env.awsFiles()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range files.Profiles() {
		if ok, _ := path.Match(o.match, name); !ok {
			continue
		}
		p, err := files.Profile(name)
		if err != nil {
			return nil, err
		}
		target, helper := awsfile.HelperProfile(p.Get("credential_process"))
		if helper && target != "" && target != name && files.Has(target) && p.Get("role_arn") == "" {
			if ok, _ := path.Match(o.match, target); ok {
				continue
			}
		}
		names = append(names, name)
	}
	return names, nil
}

// prepare gets the session of a profile; nil if the profile is none of forcemfa's.
func (o *execOptions) prepare(ctx context.Context, name string) (*profileRun, error) {
	one := *o
	one.profile = name
	one.renew.sessionFlags = &one.sessionFlags
	k, err := one.manager(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := k.Route(ctx, one.request()); err != nil {
		o.say("skipped %s: %v", name, err)
		return nil, nil
	}
	_, variables, err := one.session(ctx, k)
	if ctx.Err() != nil {
		return nil, err
	}
	run := &profileRun{profile: name}
	if err != nil {
		run.status, run.failure = command.StatusFailed, err.Error()
		return run, nil
	}
	run.environ = environ.Child(o.env.ChildEnviron(), variables, name)
	return run, nil
}

// each runs the commands, --parallel at once.
func (o *execOptions) each(ctx context.Context, runs []*profileRun, path string, argv []string) {
	var output sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, max(1, o.parallel))
	for _, run := range runs {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if run.failure == "" {
				o.one(ctx, run, &output, path, argv)
			}
		})
	}
	wait.Wait()
}

func (o *execOptions) one(ctx context.Context, run *profileRun, output *sync.Mutex, path string, argv []string) {
	if err := ctx.Err(); err != nil {
		run.status, run.failure = command.StatusFailed, "not started"
		return
	}
	stdout := &prefixed{to: o.env.ChildStdout(), prefix: run.profile + ": ", lock: output}
	stderr := &prefixed{to: o.env.Stderr, prefix: run.profile + ": ", lock: output}
	c := exec.CommandContext(ctx, path, argv[1:]...)
	c.Args[0] = argv[0]
	c.Env, c.Stdout, c.Stderr = run.environ, stdout, stderr
	// Ctrl-C reaches the command through the terminal; it decides how to end.
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	stdout.end()
	stderr.end()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		run.status = ended.ExitCode()
	case err != nil:
		run.status, run.failure = command.StatusFailed, err.Error()
	}
}

// summary reports the profiles whose command failed. The status is the highest one.
func (o *execOptions) summary(ctx context.Context, runs []*profileRun) error {
	status, failed := 0, 0
	for _, run := range runs {
		switch {
		case run.failure != "":
			o.say("%s: %s", run.profile, run.failure)
		case run.status != 0:
			o.say("%s: exit status %d", run.profile, run.status)
		}
		if status = max(status, run.status); run.status != 0 {
			failed++
		}
	}
	o.say("the command succeeded for %d of %s", len(runs)-failed, view.Count(len(runs), "profile"))
	if err := ctx.Err(); err != nil {
		return err
	}
	return command.Exit(status)
}

// A prefixed writes whole lines with a prefix, so that the lines of several commands
// do not mix.
type prefixed struct {
	to     io.Writer
	prefix string
	lock   *sync.Mutex
	rest   []byte
}

func (p *prefixed) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	i := bytes.LastIndexByte(p.rest, '\n')
	if i < 0 {
		return len(text), nil
	}
	lines := p.rest[:i+1]
	p.rest = bytes.Clone(p.rest[i+1:])
	return len(text), p.lines(lines)
}

// end writes a last line without a line break.
func (p *prefixed) end() {
	if len(p.rest) > 0 {
		_ = p.lines(append(p.rest, '\n'))
		p.rest = nil
	}
}

func (p *prefixed) lines(text []byte) error {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		b.WriteString(p.prefix)
		b.Write(line)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	_, err := p.to.Write(b.Bytes())
	return err
}

// addMany adds the flags for many profiles.
func (o *execOptions) addMany(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.all, "all-profiles", false, "run the command once for each profile of an access key or a role")
	f.StringVar(&o.match, "match", "*", "with --all-profiles: only profiles whose names match this `pattern`")
	f.IntVar(&o.parallel, "parallel", 1, "with --all-profiles: run `n` commands at once")
	for _, other := range []string{"profile", "role-arn", "source", "nested"} {
		c.MarkFlagsMutuallyExclusive("all-profiles", other)
	}
}

// checkMany reports flags that fit only together.
func (o *execOptions) checkMany(c *cobra.Command) error {
	for _, pair := range [][2]string{{"match", "all-profiles"}, {"parallel", "all-profiles"}, {"source", "role-arn"}} {
		if flag, needs := pair[0], pair[1]; c.Flags().Changed(flag) && !c.Flags().Changed(needs) {
			return command.WithHint(fmt.Errorf("--%s is for --%s", flag, needs), "add --"+needs+", or leave --"+flag+" out")
		}
	}
	if o.parallel < 1 {
		return command.WithHint(fmt.Errorf("--parallel %d: not a number of commands", o.parallel), "use a number from 1")
	}
	return nil
}

// markerOf is what FORCEMFA is set to: the profile, or the role of --role-arn.
func (o *execOptions) markerOf(profile string) string {
	if o.roleARN == "" {
		return profile
	}
	parts := strings.SplitN(o.roleARN, ":", 6)
	return parts[5][strings.LastIndexByte(parts[5], '/')+1:] + "@" + parts[4]
}
