package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/console"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/signin"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/view"
)

// NewEmulate returns the verb emulate.
func NewEmulate(e *command.Env) *cobra.Command {
	o := emulateOptions{output: "text", clock: clockWall, enforce: enforceOn}
	c := &cobra.Command{
		Use:   "emulate",
		Short: "Serve the embedded AWS on loopback for any AWS client",
		Long: `emulate serves the embedded AWS: IAM, STS, Organizations, and parts of
CloudFormation, CloudTrail, CloudWatch Logs, DynamoDB, EC2, EventBridge, S3,
Secrets Manager and SQS. It verifies signatures, TOTP codes and policies.
Nothing in it is real, including the secrets.

It prints export lines with its endpoint and the access key of the administrator
of the management account. -o json prints one JSON object with the access keys
and MFA devices of every user, the administrator first; --principals writes that
object to a file.

It serves until it is interrupted or the process that started it ends.

With --log-decisions, each request appends one JSON object to a file: the caller,
the decision, the statement and document that decided, and the condition keys.
With --enforce=log, no policy refuses anything: requests that would be refused are
marked in that file, or printed to stderr. Signatures and MFA codes are verified.

With --save, the organization and its IAM are written to a file when emulate ends,
also by SIGTERM. --org reads it back, with the same access keys and devices.

With --trail, CloudTrail's records of every call are written to a folder each second
and at the end: "forcemfa impact FOLDER" reads them. The Event history has the calls too,
and the month of the sample: "forcemfa impact lookup".

With --chaos, requests are throttled, fail, are slow or lose their connection, and
writes to IAM become visible late: the same seed gives the same faults. --fault adds
one fault, --faults a file of them:

  forcemfa emulate --fault down,service=sts --fault throttle,rate=0.2

With --control, a second loopback endpoint moves the clock forward (/clock), which
drives TOTP codes, sessions, schedules, functions and quotas, changes the faults (/faults),
shows the code of an MFA device (/code) and the CloudTrail log (/trail), and goes
back to the first state (/reset). The age of signatures stays on the clock of this
machine, because clients sign with it:

  curl -H "Authorization: Bearer $TOKEN" -d '{"advance":"13h"}' $CONTROL/clock

The functions of a deployment run: make one with "forcemfa deploy apply", the AWS CLI or
Terraform against the endpoint, and the functions of forcemfa in it run on their schedule
and on events, as processes of this program. Moving the clock runs everything that is due
until then. Any other program in a function is not run.

The endpoint also has the sign-in page and the OAuth endpoints of AWS Sign-In, as
"aws login" uses them, for users with a console password.

With --console, a page in the browser shows what MFA changes, in three minutes: sign in
as a user, try a few actions, see which are refused and by which statement, enroll a
device by QR code, sign in with it. Its URL is printed; it contains a secret.`,
		Example: `  forcemfa emulate
  forcemfa emulate --principals principals.json
  forcemfa emulate --listen 127.0.0.1:4566 -o json >world.json
  forcemfa emulate --org snapshot.jsonl
  forcemfa emulate --org state.jsonl --save state.jsonl
  forcemfa emulate --trail logs
  forcemfa emulate --console
  forcemfa emulate --enforce=log --log-decisions decisions.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runEmulate(c.Context(), e, o) },
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` and port; port 0 takes a free one")
	organizationFlags(f, &o.org)
	f.StringVarP(&o.output, "output", "o", o.output, "text or json")
	f.StringVar(&o.principals, "principals", "", "also write the access keys and MFA devices of every user to this `file`, as JSON")
	f.StringVar(&o.clock, "clock", o.clock, "wall: follow the clock of this machine; manual: stand still until --control moves it")
	f.BoolVar(&o.control, "control", false, "serve a control endpoint for clock, faults, MFA codes, CloudTrail log and reset on loopback, and print its URL and token")
	f.BoolVar(&o.console, "console", false, "serve a web page on loopback where a person signs in, is refused, and enrolls an MFA device, and print its URL")
	f.StringVar(&o.decisions, "log-decisions", "", "append the decision about each request to this `file`, one JSON object per line")
	f.StringVar(&o.save, "save", "", "write the organization to this snapshot `file` when emulate ends, and the secrets to FILE.secrets; --org FILE reads both")
	f.StringVar(&o.trail, "trail", "", "write CloudTrail's records of every call to this `folder`, in the layout of a trail's bucket; forcemfa impact reads it")
	o.weather.flags(f)
	f.StringVar(&o.enforce, "enforce", o.enforce, "on: refuse what policies don't allow; log: only log what they don't allow, to --log-decisions or stderr")
	f.BoolVar(&o.outliveParent, "outlive-parent", false, "keep serving when the process that started it ends")
	f.BoolVar(&o.readings.CodeInCallIsNotMFA, "code-in-call-is-not-mfa", false,
		"read AWS's documentation so that a code sent with AssumeRole satisfies the role's trust policy, but no Deny of the caller's own policies")
	f.BoolVar(&o.readings.LoginLosesMFA, "aws-login-without-mfa", false,
		"sessions of aws login are without MFA, which AWS's documentation does not rule out; otherwise they have the MFA of the sign-in")
	_ = f.MarkHidden("code-in-call-is-not-mfa") // only fails for a flag that is not there
	return c
}

type emulateOptions struct {
	listen   string
	org      string
	output   string
	clock    string
	control  bool
	console  bool
	readings operation.Readings

	enforce   string
	decisions string // a file
	save      string // a file
	trail     string // a folder
	weather   weather

	principals    string // a file
	outliveParent bool
}

// The values of --enforce.
const (
	enforceOn  = "on"
	enforceLog = "log"
)

// The values of --clock.
const (
	clockWall   = "wall"
	clockManual = "manual"
)

// served is what emulate prints when it is ready.
type served struct {
	Endpoint   string          `json:"endpoint"`
	Region     string          `json:"region"`
	Accounts   []servedAccount `json:"accounts"`
	Principals *principals     `json:"principals"`
	Control    *servedControl  `json:"control,omitempty"`
	Console    string          `json:"console,omitempty"` // URL
}

// servedControl is the control endpoint.
type servedControl struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

type servedAccount struct {
	ID    string `json:"id"`
	Alias string `json:"alias"`
	Name  string `json:"name"`
}

func runEmulate(ctx context.Context, e *command.Env, o emulateOptions) error {
	if err := command.CheckOutput(o.output); err != nil {
		return err
	}
	if err := checkClock(o); err != nil {
		return err
	}
	if err := checkEnforce(o); err != nil {
		return err
	}
	var ended <-chan struct{}
	if !o.outliveParent {
		ended = parentEnded(ctx)
	}
	box, err := OpenSandbox(o.org, emulator.Options{Clock: e.Now, Stopped: o.clock == clockManual, Readings: o.readings, LogOnly: o.enforce == enforceLog, History: true})
	if err != nil {
		return err
	}
	if err := restore(box, o.org); err != nil {
		return err
	}
	if err := box.LoadHistory(e.Now()); err != nil {
		return err
	}
	if err := o.weather.set(box.Cloud); err != nil {
		return err
	}
	if err := save(box, o.save); err != nil { // a place that cannot be written is known before any work is lost
		return err
	}
	box.CompleteReports()
	decisions, err := logDecisions(e, box.Cloud, o)
	if err != nil {
		return err
	}
	records, err := writeTrail(e, box.Cloud, o.trail)
	if err != nil {
		return errors.Join(err, decisions.Close())
	}
	return errors.Join(serve(ctx, e, o, box, ended), decisions.Close(), records.Close(), save(box, o.save))
}

// serve serves until the program is interrupted or its parent has ended.
func serve(ctx context.Context, e *command.Env, o emulateOptions, box *rehearse.Sandbox, ended <-chan struct{}) error {
	server, err := emulator.Listen(o.listen, signin.NewHandler(box.Cloud, e.Now))
	if err != nil {
		return err
	}
	ready := servedBy(box, server.Endpoint)
	work, err := startWork(ctx, e, box.Cloud)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	defer work.close()
	more, err := o.serveMore(box.Cloud, work.Advance, &ready)
	defer more.close()
	if err != nil {
		return errors.Join(err, server.Close())
	}
	if err := o.savePrincipals(ready); err != nil {
		return errors.Join(err, server.Close())
	}
	if o.output == "json" {
		err = ready.write(e.Stdout)
	} else {
		err = printExports(e, ready, o.principals)
	}
	if err == nil {
		waitForEnd(ctx, e, ended)
	}
	return errors.Join(err, server.Close())
}

// endpoints are those next to that of AWS.
type endpoints []*emulator.Server

func (e endpoints) close() {
	for _, server := range e {
		_ = server.Close() // the program ends
	}
}

// serveMore serves the control endpoint and the console, and adds them to what is printed.
func (o *emulateOptions) serveMore(c *emulator.Cloud, advance func(context.Context, time.Duration) error, ready *served) (more endpoints, err error) {
	if o.control {
		control, err := c.Control("127.0.0.1:0", advance)
		if err != nil {
			return more, err
		}
		more = append(more, control.Server)
		ready.Control = &servedControl{URL: control.Endpoint, Token: control.Token}
	}
	if o.console {
		page, err := console.Listen(c, "127.0.0.1:0")
		if err != nil {
			return more, err
		}
		more = append(more, page.Server)
		ready.Console = page.URL
	}
	return more, nil
}

// savePrincipals writes what -o json prints to the file of --principals. Only its owner
// can read it.
func (o *emulateOptions) savePrincipals(s served) error {
	if o.principals == "" {
		return nil
	}
	if err := command.WriteStream(o.principals, 0o600, s.write); err != nil {
		return fmt.Errorf("--principals: %w", err)
	}
	return nil
}

func checkClock(o emulateOptions) error {
	switch {
	case o.clock != clockWall && o.clock != clockManual:
		return command.WithHint(fmt.Errorf("--clock %q: want wall or manual", o.clock), "see forcemfa emulate --help")
	case o.clock == clockManual && !o.control:
		return command.WithHint(errors.New("--clock manual without --control: nothing could move the clock"), "add --control")
	}
	return nil
}

// waitForEnd returns when the program is interrupted, or when its parent has ended: a
// test that is killed leaves no server behind.
func waitForEnd(ctx context.Context, e *command.Env, ended <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-ended:
		fmt.Fprintln(e.Stderr, "the process that started emulate has ended, and so does emulate")
	}
}

// printExports prints what a shell needs to sign as the administrator: six lines however
// many users there are, and two for --control.
func printExports(e *command.Env, s served, file string) error {
	var out strings.Builder
	fmt.Fprintf(&out, "export AWS_ENDPOINT_URL=%s\nexport AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", s.Endpoint, s.Region, s.Region)
	fmt.Fprintf(&out, "export %s=0\n", command.Variable("rate")) // the embedded AWS has no quotas to share
	if first, count := s.Principals.first(); count > 0 {
		fmt.Fprintf(&out, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", first.AccessKeyID, first.SecretAccessKey)
		fmt.Fprintf(&out, "# these keys are of %s in %s; %s with access keys in %s: %s\n", view.Clean(first.Name), first.Account,
			view.Count(count, "user"), view.Count(len(s.Accounts), "account"), whereListed(file))
	}
	if s.Control != nil {
		fmt.Fprintf(&out, "export CONTROL=%s\nexport TOKEN=%s\n", s.Control.URL, s.Control.Token)
	}
	if _, err := io.WriteString(e.Stdout, out.String()); err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "serving the embedded AWS on %s; Ctrl-C stops it\n", s.Endpoint)
	if s.Console != "" {
		fmt.Fprintf(e.Stderr, "open the console in a browser: %s\n", s.Console)
	}
	return nil
}

func whereListed(file string) string {
	if file == "" {
		return "list them with -o json or --principals FILE"
	}
	return "listed in " + view.Clean(file)
}
