package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/policy/arn"
)

// settle finds the MFA device of a route, if it is not known: by what is
// remembered of the key, else by asking IAM.
func (m *Manager) settle(ctx context.Context, r *Route) error {
	if r.Serial != "" || r.KeyFrom == KeyFromSignIn {
		return nil
	}
	if r.Serial = m.Cache.Device(r.deviceName()).Serial; r.Serial != "" {
		return nil
	}
	unlock, err := m.lock(ctx, r.lockName())
	if err != nil {
		return err
	}
	defer unlock()
	d := m.Cache.Device(r.deviceName())
	if d.Serial != "" {
		r.Serial = d.Serial
		return nil
	}
	serials, err := m.devices(ctx, r)
	if err != nil {
		return err
	}
	if r.Serial, err = m.choose(ctx, r, serials); err != nil {
		return err
	}
	d.Serial = r.Serial
	return m.note(r.deviceName(), d)
}

// devices are the serial numbers of the user's own devices. ListMFADevices is
// in the enrollment set, so the key alone may ask.
func (m *Manager) devices(ctx context.Context, r *Route) ([]string, error) {
	cfg, err := m.keyConfig(ctx, r)
	if err != nil {
		return nil, err
	}
	return listDevices(ctx, m.iam(r, cfg), func(err error) error { return m.explainListing(err, r) })
}

func listDevices(ctx context.Context, client *iam.Client, explain func(error) error) ([]string, error) {
	var serials []string
	pages := iam.NewListMFADevicesPaginator(client, &iam.ListMFADevicesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(err)
		}
		for _, d := range page.MFADevices {
			serials = append(serials, aws.ToString(d.SerialNumber))
		}
	}
	return serials, nil
}

// choose takes the only device that gives codes, or has the person choose.
func (m *Manager) choose(ctx context.Context, r *Route, serials []string) (string, error) {
	codes := givingCodes(serials)
	switch {
	case len(serials) == 0:
		return "", &Problem{
			Sentence: fmt.Sprintf("the user of profile %s has no MFA device", r.Profile),
			Next:     "run " + command("enroll", r.Base),
		}
	case len(codes) == 0:
		return "", securityKeyProblem(serials[0], r.Base)
	case len(codes) == 1:
		return codes[0], nil
	case m.Choose == nil:
		return "", &Problem{
			Sentence: fmt.Sprintf("the user of profile %s has several MFA devices: %s", r.Profile, strings.Join(codes, ", ")),
			Next:     "choose one with --serial, AWS_MFA_SERIAL or mfa_serial in the profile", Err: errNeedsPerson,
		}
	}
	return m.Choose(ctx, "Which MFA device do you have with you?", codes)
}

// givingCodes leaves out security keys and passkeys.
func givingCodes(serials []string) []string {
	var out []string
	for _, s := range serials {
		if !isSecurityKey(s) {
			out = append(out, s)
		}
	}
	return out
}

// isSecurityKey tells a FIDO device by its ARN: the word is u2f whatever the
// protocol. Source: IAM User Guide, "IAM identifiers".
func isSecurityKey(serial string) bool {
	a, err := arn.Parse(serial)
	return err == nil && a.Kind() == "u2f"
}

func securityKeyProblem(serial, base string) error {
	return &Problem{
		Sentence: fmt.Sprintf("%s is a security key or passkey: STS accepts only codes, so it cannot start an MFA session", serial),
		Next:     "enroll an authenticator app as a second device in the console or with " + command("enroll", base) + `, or use "aws login" of the AWS CLI, which signs in through the browser`,
	}
}

// remember notes the device that gave a code which AWS took.
func (m *Manager) remember(r *Route) {
	d := m.Cache.Device(r.deviceName())
	if d.Serial != r.Serial {
		d.Serial = r.Serial
		_ = m.Cache.SetDevice(r.deviceName(), d)
	}
}

// forget drops a device that was found before and that AWS does not know any
// more.
func (m *Manager) forget(r *Route, err error) {
	if isWrongDevice(err) && !r.configured {
		d := m.Cache.Device(r.deviceName())
		d.Serial = ""
		_ = m.Cache.SetDevice(r.deviceName(), d)
	}
}
