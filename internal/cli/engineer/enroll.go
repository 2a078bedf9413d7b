package engineer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/session"
)

func newEnroll(e *machine) *cobra.Command {
	o := enrollOptions{sessionFlags: sessionFlags{env: e}}
	c := &cobra.Command{
		Use:   "enroll [PROFILE]",
		Short: "Enroll an MFA device with a QR code in the terminal",
		Long: `enroll creates a virtual MFA device for the user of a profile, shows its QR code in
the terminal for your authenticator app, prompts for two consecutive codes, enables the
device and tests it with a first session. The seed is shown once and stored nowhere.

enroll works before MFA is enforced, while an enrollment window is open, with the
session of "aws login", and, for a second device, with a session from the first one.
Once MFA is enforced, an access key alone is not allowed to enroll, because a stolen key
could. enroll then prints where to sign in.

SECOND DEVICE    Enroll one: AWS allows 8, and losing one of two does not lock you out.
SECURITY KEYS    Enroll security keys and passkeys in the console. They show no codes
                 for the command line, so enroll an authenticator app too.
LOST PHONE       An administrator deactivates it (aws iam deactivate-mfa-device) and, if
                 you have no console password, runs forcemfa enroll --open USER.
WRONG CLOCK      Synchronize a hardware token with --resync --serial SERIAL.

CODES ON STDIN   --code-stdin reads two consecutive codes of the new device, a line each,
                 and the next one for a first session, if there is one. For a second
                 device, a code of a present device comes first, unless there is a session.

Administrators use --open USER and --close USER to set and remove the tag that allows a
user without a password to enroll with an access key for a few days. --confirm USER
removes the finding about a device that was added this way: ask the person first
whether the device is theirs.

EXIT STATUS
  0  the device is enabled
  1  an error stopped it; the hint is the next step`,
		Example: `  forcemfa enroll bob
  forcemfa enroll bob --name bobs-tablet          # a second device
  forcemfa enroll bob --serial GAHT12345678       # a hardware token
  forcemfa enroll --open dave --profile admin
  forcemfa enroll --confirm dave --profile admin`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.named(args); err != nil {
				return err
			}
			return runEnroll(c.Context(), &o)
		},
	}
	o.add(c)
	f := c.Flags()
	f.StringVar(&o.name, "name", "", "`name` of the new device (default the user's name)")
	f.StringVar(&o.path, "path", "", "`path` of the new device, such as /phones/")
	f.BoolVar(&o.otpauth, "otpauth", false, "print an otpauth:// URI, which includes the seed, instead of a QR code")
	f.BoolVar(&o.resync, "resync", false, "synchronize the clock of the device --serial with AWS")
	f.StringVar(&o.open, "open", "", "allow this `user` to enroll with an access key for a few days")
	f.StringVar(&o.close, "close", "", "close the enrollment window of this `user`")
	f.StringVar(&o.confirm, "confirm", "", "confirm that the device of this `user`, added with an access key, is theirs")
	f.IntVar(&o.days, "days", 0, "with --open: number of days (default from the config, 2)")
	f.StringVar(&o.config, "config", "", "with --open and --close: config `file` (default forcemfa.yaml)")
	f.BoolVar(&o.noVerify, "no-verify", false, "do not start a first session with the new device")
	c.MarkFlagsMutuallyExclusive("open", "close", "confirm", "resync", "name")
	c.MarkFlagsMutuallyExclusive("serial", "name")
	return c
}

type enrollOptions struct {
	sessionFlags
	name, path string
	otpauth    bool
	resync     bool
	noVerify   bool
	open       string
	close      string
	confirm    string
	days       int
	config     string
}

func runEnroll(ctx context.Context, o *enrollOptions) error {
	if o.open != "" || o.close != "" || o.confirm != "" {
		return runWindow(ctx, o)
	}
	if err := session.CheckDeviceName(o.name, o.path); err != nil {
		return err
	}
	if o.serial != "" {
		if err := session.CheckSerial(o.serial); err != nil {
			return err
		}
	}
	device := o.serial
	o.serial = "" // the device to enroll is not the one to make sessions with
	k, err := o.manager(ctx)
	if err != nil {
		return err
	}
	own, err := k.Own(ctx, o.request(), o.otherCredentials)
	if err != nil {
		return err
	}
	have, err := own.Devices(ctx)
	if err != nil {
		return err
	}
	if o.codeStdin {
		o.say("%s", o.codesOnStdin(len(have) > 0))
	}
	if o.resync {
		return o.resynchronize(ctx, k, own, device)
	}
	access, err := o.standing(ctx, own, have)
	if err != nil {
		return err
	}
	if err := access.MayEnroll(ctx); err != nil {
		return err
	}
	if device != "" {
		_, err = o.enable(ctx, k, own, access, device)
	} else {
		err = o.enroll(ctx, k, own, access)
	}
	if err == nil && own.Bare {
		o.say("next: %s", nextAfterEnroll(own.Route))
	}
	return err
}

// nextAfterEnroll is the command that follows on the way to profiles with MFA.
func nextAfterEnroll(r *session.Route) string {
	verb := "configure"
	if r.KeyFrom == session.KeyInFile || r.KeyFrom == session.KeyInEnvironment {
		verb = "import"
	}
	return "forcemfa " + verb + " " + awsfile.Argument(cmp.Or(r.Base, "default"))
}

// codesOnStdin says which codes --code-stdin reads, one on each line.
func (o *enrollOptions) codesOnStdin(second bool) string {
	switch {
	case o.resync:
		return "reading 2 codes from stdin: two consecutive ones of the device"
	case second:
		return "reading 3 codes from stdin: one of a present device (none if there is a session), then two consecutive ones of the new device"
	case o.noVerify:
		return "reading 2 codes from stdin: two consecutive ones of the new device"
	}
	return "reading 2 or 3 codes from stdin: two consecutive ones of the new device, and the next one for a first session"
}

// standing is the credentials that may enroll: with a device in place AWS wants
// MFA for the next. Source: AWS-2023-001.
func (o *enrollOptions) standing(ctx context.Context, own *session.Access, have []string) (*session.Access, error) {
	if len(have) == 0 || !own.Bare {
		return own, nil
	}
	o.say("%s already has %s; enter a code of this device to enroll another (if it is lost, an administrator must deactivate it)", own.Name, strings.Join(have, ", "))
	return own.WithMFA(ctx, o.request())
}

// enroll makes a virtual device, or leaves none behind.
func (o *enrollOptions) enroll(ctx context.Context, k *session.Manager, own, access *session.Access) error {
	show, done, err := o.screen()
	if err != nil {
		return err
	}
	defer done()
	d, err := access.CreateDevice(ctx, o.name, o.path)
	if err != nil {
		return err
	}
	defer d.Forget()
	show(d)
	enabled, err := o.enable(ctx, k, own, access, d.Serial)
	if !enabled {
		if gone := access.DiscardDevice(context.WithoutCancel(ctx), d.Serial); gone != nil {
			return command.WithHint(err, fmt.Sprintf("the unfinished device %s remains: delete it in the console, or ask an administrator", d.Serial))
		}
	}
	return err
}

// screen is where the QR code is shown: the terminal, or with --otpauth the
// text on stdout. Where there is neither, nothing is created.
func (o *enrollOptions) screen() (show func(*session.NewDevice), done func(), err error) {
	if o.otpauth {
		return func(d *session.NewDevice) { fmt.Fprintln(o.env.Stdout, d.URI()) }, func() {}, nil
	}
	in, out, err := command.OpenTerminal()
	if err != nil {
		return nil, nil, command.WithHint(errors.New("the QR code needs a terminal"), "run it in a terminal, or use --otpauth to print the seed on stdout")
	}
	return func(d *session.NewDevice) { showQR(out, d) }, func() { _ = in.Close() }, nil
}

// maxEnables is how often two codes are asked for.
const maxEnables = 3

// enable enables a device and proves it; it may be enabled even when an error
// follows.
func (o *enrollOptions) enable(ctx context.Context, k *session.Manager, own, access *session.Access, serial string) (enabled bool, err error) {
	code, err := o.codesFor(ctx, k, serial, access.EnableDevice)
	if err != nil {
		return false, err
	}
	own.NewDeviceUsed(serial, code)
	o.say("%s is now an MFA device of %s", serial, own.Name)
	if !own.Bare || o.noVerify {
		o.say("existing console sessions do not have MFA: sign out and sign in again")
		return true, nil
	}
	o.say("the first session requires one more code; it comes in %s", k.UntilNextCode().Round(time.Second))
	e, err := own.Verify(ctx, serial)
	if o.codeStdin && errors.Is(err, io.EOF) {
		o.say("there was no third code on stdin, so there is no session yet; run \"forcemfa login %s\"", awsfile.Argument(own.Route.Profile))
		return true, nil
	}
	if err != nil {
		return true, command.WithHint(fmt.Errorf("the device is enabled, but the first session failed: %w", err), fmt.Sprintf("run \"forcemfa login %s\"", awsfile.Argument(own.Route.Profile)))
	}
	o.say("the device works: profile %s has an MFA session until %s", own.Route.Profile, e.Expires.Local().Format("Mon 15:04"))
	o.say("enroll a second device too: run \"forcemfa enroll --name %s %s\"", awsfile.Word(own.Name+"-2"), awsfile.Argument(own.Route.Base))
	return true, nil
}

// codesFor gives AWS two codes of a device, and gives the person another try.
// It returns the second code.
func (o *enrollOptions) codesFor(ctx context.Context, k *session.Manager, serial string, use func(ctx context.Context, serial, code1, code2 string) error) (string, error) {
	for try := 1; ; try++ {
		code1, code2, err := k.TwoCodes(ctx, serial)
		if err != nil {
			return "", err
		}
		err = use(ctx, serial, code1, code2)
		switch {
		case err == nil:
			return code2, nil
		case !errors.Is(err, session.ErrCodes):
			return "", err
		case !k.Codes.Person || try == maxEnables:
			return "", command.WithHint(fmt.Errorf("%s: %w", serial, err), "enter two consecutive codes of the device; if AWS rejects them too, check the clock of the device")
		}
		o.say("AWS rejected the two codes; enter two consecutive codes")
	}
}

func (o *enrollOptions) resynchronize(ctx context.Context, k *session.Manager, own *session.Access, serial string) error {
	if serial == "" {
		return command.WithHint(errors.New("--resync requires a device"), "name it with --serial")
	}
	code, err := o.codesFor(ctx, k, serial, own.ResyncDevice)
	if err != nil {
		return err
	}
	own.NewDeviceUsed(serial, code)
	o.say("%s is synchronized with AWS", serial)
	return nil
}
