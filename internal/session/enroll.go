package session

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/session/cache"
	"forcemfa/policy/arn"
)

// A NewDevice is a virtual device that nobody has yet. Its seed is in memory
// only, for the authenticator app to take.
type NewDevice struct {
	Serial string
	seed   string
	label  string
}

// URI is the device as authenticator apps read it, seed included. AWS's own QR
// code holds the same. Source: IAM API Reference, VirtualMFADevice.
func (d *NewDevice) URI() string {
	return "otpauth://totp/" + url.PathEscape(d.label) + "?secret=" + d.seed + "&issuer=Amazon%20Web%20Services"
}

// Forget drops the seed.
func (d *NewDevice) Forget() { d.seed = "" }

// Devices are the serial numbers of the person's devices.
func (a *Access) Devices(ctx context.Context) ([]string, error) {
	if err := a.user(); err != nil {
		return nil, err
	}
	return listDevices(ctx, a.IAM(), func(err error) error { return a.manager.Explain(err, a.profile()) })
}

// CodeDevices are the person's devices that show codes: security keys and passkeys show none.
func (a *Access) CodeDevices(ctx context.Context) ([]string, error) {
	all, err := a.Devices(ctx)
	return givingCodes(all), err
}

// MayEnroll returns a problem if a policy keeps this access from enabling a device. It
// asks AWS to enable a device that does not exist: AWS refuses that with AccessDenied
// where the call is not allowed, before a device is created or a code is entered.
// Source: Service Authorization Reference, IAM: the resource of EnableMFADevice is the user.
func (a *Access) MayEnroll(ctx context.Context) error {
	nobody := fmt.Sprintf("arn:%s:iam::%s:mfa/forcemfa-permission-check", a.Partition, a.Account)
	_, err := a.IAM().EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: aws.String(a.Name), SerialNumber: aws.String(nobody),
		AuthenticationCode1: aws.String("000000"), AuthenticationCode2: aws.String("000000"),
	})
	if _, refused := denied(err); refused {
		return a.notEnrolled(err, nobody)
	}
	return nil
}

// maxNames is how many names are tried when nobody chose one.
const maxNames = 9

// CreateDevice creates a virtual device; without a name it is the user's, or
// that and a number where the account has it already.
func (a *Access) CreateDevice(ctx context.Context, name, path string) (*NewDevice, error) {
	wanted := or(name, a.Name)
	for n := 1; ; n++ {
		try := wanted
		if n > 1 {
			try = fmt.Sprintf("%s-%d", wanted, n)
		}
		out, err := a.IAM().CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String(try), Path: orNil(path)})
		var exists *types.EntityAlreadyExistsException
		if errors.As(err, &exists) && name == "" && n < maxNames {
			continue
		}
		if err != nil {
			return nil, a.notEnrolled(err, try)
		}
		return newDevice(out.VirtualMFADevice, try+"@"+a.Account)
	}
}

// newDevice reads the answer that created a device. The seed goes into a QR code and
// onto terminals, so it must be base32.
func newDevice(d *types.VirtualMFADevice, label string) (*NewDevice, error) {
	if d == nil {
		d = &types.VirtualMFADevice{}
	}
	seed := string(d.Base32StringSeed)
	_, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(seed, "="))
	if serial, bad := arn.Parse(aws.ToString(d.SerialNumber)); err != nil || bad != nil || seed == "" || strings.ContainsAny(seed, "\r\n") || serial.Kind() != "mfa" {
		return nil, &Problem{Sentence: "create an MFA device: the response has no serial number or no seed", Next: checkEndpoint}
	}
	return &NewDevice{Serial: *d.SerialNumber, seed: seed, label: label}, nil
}

// notEnrolled explains why there is no new device.
func (a *Access) notEnrolled(err error, name string) error {
	var exists *types.EntityAlreadyExistsException
	var many *types.LimitExceededException
	message, refused := denied(err)
	switch {
	case errors.As(err, &exists):
		return &Problem{Sentence: fmt.Sprintf("an MFA device named %s already exists in the account", name), Next: "choose another --name", Err: err}
	case errors.As(err, &many):
		return &Problem{Sentence: "the user has 8 MFA devices, the most that AWS allows", Next: "remove a device that is no longer used", Err: err}
	case refused && a.Bare:
		return &Problem{
			Sentence: fmt.Sprintf("an access key is not allowed to enroll an MFA device for %s, because a stolen key could enroll another phone (%s)", a.Name, reason(message)),
			Next: fmt.Sprintf("sign in with your password at %s and add the device under Security credentials; without a password, ask an administrator of account %s to run %q, then run this again",
				a.SignInPage(), a.Account, "forcemfa enroll --open "+awsfile.Argument(a.Name)),
			Err: &EnrollmentDenied{err},
		}
	case refused:
		return &Problem{
			Sentence: fmt.Sprintf("%s is not allowed to enroll an MFA device (%s)", a.Name, reason(message)),
			Next:     fmt.Sprintf("add it in the console at %s, or ask an administrator", a.SignInPage()), Err: err,
		}
	}
	return a.manager.Explain(err, a.profile())
}

// EnrollmentDenied is behind the problem of an access key that is not allowed to enroll:
// the console is, and an administrator can open an enrollment window.
type EnrollmentDenied struct{ Err error }

func (e *EnrollmentDenied) Error() string { return e.Err.Error() }

func (e *EnrollmentDenied) Unwrap() error { return e.Err }

func reason(message string) string {
	if strings.Contains(message, explicitDeny) {
		return "a policy denies it"
	}
	return "no policy allows it"
}

// ErrCodes says that AWS did not take two codes for two consecutive ones of
// the device.
var ErrCodes = errors.New("AWS rejected the two codes")

// EnableDevice gives the person a device, by two consecutive codes of it.
func (a *Access) EnableDevice(ctx context.Context, serial, code1, code2 string) error {
	_, err := a.IAM().EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: aws.String(a.Name), SerialNumber: aws.String(serial),
		AuthenticationCode1: aws.String(code1), AuthenticationCode2: aws.String(code2),
	})
	return a.enabled(err, serial)
}

// ResyncDevice tells AWS the time of a device that runs fast or slow.
func (a *Access) ResyncDevice(ctx context.Context, serial, code1, code2 string) error {
	_, err := a.IAM().ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{
		UserName: aws.String(a.Name), SerialNumber: aws.String(serial),
		AuthenticationCode1: aws.String(code1), AuthenticationCode2: aws.String(code2),
	})
	return a.enabled(err, serial)
}

func (a *Access) enabled(err error, serial string) error {
	var wrong *types.InvalidAuthenticationCodeException
	var taken *types.EntityAlreadyExistsException
	var missing *types.NoSuchEntityException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return ErrCodes
	case errors.As(err, &taken):
		return &Problem{Sentence: serial + " is already in use", Next: "name another device, or omit --serial to create one", Err: err}
	case errors.As(err, &missing):
		return &Problem{Sentence: "MFA device " + serial + " does not exist for this user", Next: "check the serial number on the back of the token; AWS accepts only tokens from the vendors that it lists", Err: err}
	}
	return a.notEnrolled(err, serial)
}

// DiscardDevice takes back a device that was created and not enabled. Without
// MFA AWS's own advice is to deny this, so it may well be refused.
func (a *Access) DiscardDevice(ctx context.Context, serial string) error {
	_, err := a.IAM().DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String(serial)})
	return err
}

// NewDeviceUsed notes the codes that enabled a device, so that they are not
// sent for a session.
func (a *Access) NewDeviceUsed(serial, code string) {
	if a.Route == nil {
		return
	}
	a.Route.Serial, a.Route.configured = serial, false
	_ = a.manager.Cache.SetDevice(a.Route.deviceName(), cache.Device{Serial: serial})
	_ = a.manager.Cache.SetDevice(a.Route.codeName(), cache.Device{
		Code: codeHash(a.Route, code), Window: windowOf(a.manager.Now()),
	})
}

// Verify makes the first session with a new device: what enrollment is for. Its
// code is a third one.
func (a *Access) Verify(ctx context.Context, serial string) (*cache.Entry, error) {
	r := *a.Route
	r.Serial = serial
	return a.manager.mfaSession(ctx, &r, Request{Profile: r.Profile, Fresh: true})
}

// TwoCodes gets two consecutive codes of a device that is not known yet, and
// says when the second one comes.
func (m *Manager) TwoCodes(ctx context.Context, serial string) (code1, code2 string, err error) {
	if err := m.Codes.ready(&Route{Profile: ""}); err != nil {
		return "", "", &Problem{Sentence: "enrollment requires two codes, and there is no terminal to prompt for them", Next: "run it in a terminal, or pass the codes with --code-stdin", Err: errNeedsPerson}
	}
	if code1, err = m.newCode(ctx, fmt.Sprintf("Enter the first code of %s: ", serial), ""); err != nil {
		return "", "", err
	}
	wait := untilNext(m.Now())
	switch {
	case m.Codes.Program:
		m.say("waiting %s for the second code", shortly(wait))
		if err := m.sleep(ctx, wait); err != nil {
			return "", "", err
		}
	case m.Codes.Person:
		m.say("the next code comes in %s", shortly(wait))
	}
	code2, err = m.newCode(ctx, "Enter the next code: ", code1)
	return code1, code2, err
}

// newCode asks until there are six digits that are not those of before.
func (m *Manager) newCode(ctx context.Context, prompt, before string) (string, error) {
	for try := 1; ; try++ {
		text, err := m.Codes.Code(ctx, prompt)
		if errors.Is(err, context.Canceled) {
			return "", err
		}
		if err != nil {
			return "", &Problem{Sentence: "no code: " + err.Error(), Next: "run it again and enter the codes that the device shows", Err: err}
		}
		code := strings.Join(strings.Fields(text), "")
		wrong := ""
		switch {
		case !SixDigits(code):
			wrong = "an MFA code has six digits"
		case code == before:
			wrong = "this is the same code"
		default:
			return code, nil
		}
		if !m.Codes.Person || try == maxTries {
			return "", &Problem{Sentence: wrong, Next: "enter two consecutive codes"}
		}
		m.say("%s (the next one comes in %s)", wrong, shortly(untilNext(m.Now())))
	}
}

// UntilNextCode is how long it takes until devices show another code.
func (m *Manager) UntilNextCode() time.Duration { return untilNext(m.Now()) }
