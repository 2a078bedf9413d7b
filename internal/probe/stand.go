package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/pquerna/otp/hotp"

	"forcemfa/internal/fleet"
)

// A stand is the user, the devices and the role of a probe.
type stand struct {
	Options
	admin     *iam.Client
	key       aws.CredentialsProvider
	devices   []*device
	role      string // ARN
	account   string
	partition string
	marks     int

	second   string    // access key ID, which leaves traces in CloudTrail
	inactive time.Time // when it was used for the first time since it is inactive
}

// make makes user, key, devices and role.
func (s *stand) make(ctx context.Context) error {
	_, err := s.admin.CreateUser(ctx, &iam.CreateUserInput{
		UserName: aws.String(name), Path: aws.String(Path), Tags: []iamtypes.Tag{{Key: aws.String(tagKey), Value: aws.String(tagValue)}},
	})
	if err != nil {
		return err
	}
	if s.key, _, err = s.newKey(ctx, name); err != nil {
		return err
	}
	for i := range 2 {
		if err := s.enroll(ctx, fmt.Sprintf("%s-%d", name, i+1)); err != nil {
			return err
		}
	}
	user := s.devices[0].serial // arn:aws:iam::111122223333:mfa/…
	parts := strings.SplitN(user, ":", 6)
	if len(parts) != 6 {
		return fmt.Errorf("the serial number %q of a device is no ARN", user)
	}
	s.partition, s.account = parts[1], parts[4]
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:` + parts[1] + `:iam::` + parts[4] + `:root"},"Action":"sts:AssumeRole"}]}`
	role, err := s.admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(name), Path: aws.String(Path), AssumeRolePolicyDocument: &trust})
	if err == nil {
		_, err = fleet.Whole(role.Role, "CreateRole")
	}
	if err != nil {
		return err
	}
	s.role = aws.ToString(role.Role.Arn)
	return nil
}

func (s *stand) enroll(ctx context.Context, device string) error {
	made, err := s.admin.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &device, Path: aws.String(Path)})
	if err == nil {
		_, err = fleet.Whole(made.VirtualMFADevice, "CreateVirtualMFADevice")
	}
	if err != nil {
		return err
	}
	d := newDevice(&s.Options, aws.ToString(made.VirtualMFADevice.SerialNumber), string(made.VirtualMFADevice.Base32StringSeed))
	first, err := d.code(ctx)
	if err != nil {
		return err
	}
	second, err := d.code(ctx)
	if err != nil {
		return err
	}
	_, err = s.admin.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: aws.String(name), SerialNumber: &d.serial, AuthenticationCode1: &first, AuthenticationCode2: &second,
	})
	s.devices = append(s.devices, d)
	return err
}

// A device is a virtual MFA device.
type device struct {
	*Options
	serial, seed string
	last         int64 // the step of the last code
}

func newDevice(o *Options, serial, seed string) *device {
	return &device{Options: o, serial: serial, seed: seed}
}

// step is how long a code is valid. Source: RFC 6238.
const step = 30 * time.Second

// code is a code that was not used before. It waits for the next one if necessary, because
// AWS accepts each code once.
func (d *device) code(ctx context.Context) (string, error) {
	now := d.Now()
	at := now.Unix() / int64(step/time.Second)
	if at <= d.last {
		at = d.last + 1
		if err := d.Wait(ctx, time.Unix(at*int64(step/time.Second), 0).Sub(now)); err != nil {
			return "", err
		}
	}
	d.last = at
	return hotp.GenerateCode(d.seed, uint64(at))
}

// next is the device whose last code is the older one.
func (s *stand) next() *device {
	if s.devices[0].last <= s.devices[1].last {
		return s.devices[0]
	}
	return s.devices[1]
}

func (s *stand) config(with aws.CredentialsProvider) aws.Config {
	cfg := s.Config.Copy()
	cfg.Credentials = with
	return cfg
}

// session is a GetSessionToken session of the user, with a code or without.
func (s *stand) session(ctx context.Context, mfa bool) (aws.CredentialsProvider, error) {
	in := new(sts.GetSessionTokenInput)
	if mfa {
		d := s.next()
		code, err := d.code(ctx)
		if err != nil {
			return nil, err
		}
		in.SerialNumber, in.TokenCode = &d.serial, &code
	}
	out, err := sts.NewFromConfig(s.config(s.key)).GetSessionToken(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.provider(out.Credentials, out.ResultMetadata)
}

// assume assumes the role, with a code in the call or without. A nil provider without an
// error means that the call was denied.
func (s *stand) assume(ctx context.Context, with aws.CredentialsProvider, code bool) (aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleInput{RoleArn: &s.role, RoleSessionName: aws.String(name)}
	if code {
		d := s.next()
		text, err := d.code(ctx)
		if err != nil {
			return nil, err
		}
		in.SerialNumber, in.TokenCode = &d.serial, &text
	}
	out, err := sts.NewFromConfig(s.config(with)).AssumeRole(ctx, in)
	if err != nil {
		if _, err := allowed(err); err != nil {
			return nil, err
		}
		return nil, nil
	}
	return s.provider(out.Credentials, out.ResultMetadata)
}

// newKey creates an access key of a user.
func (s *stand) newKey(ctx context.Context, user string) (key aws.CredentialsProvider, id string, err error) {
	made, err := s.admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		return nil, "", err
	}
	k, err := fleet.Whole(made.AccessKey, "CreateAccessKey")
	if err == nil {
		err = fleet.CheckKey(k.AccessKeyId, k.SecretAccessKey)
	}
	if err != nil {
		return nil, "", err
	}
	return credentials.NewStaticCredentialsProvider(*k.AccessKeyId, *k.SecretAccessKey, ""), *k.AccessKeyId, nil
}

func (s *stand) provider(c *ststypes.Credentials, answer middleware.Metadata) (aws.CredentialsProvider, error) {
	session, err := fleet.Credentials(c, s.Now(), answer)
	if err != nil {
		return nil, err
	}
	return credentials.StaticCredentialsProvider{Value: session}, nil
}

// getGroup reports whether a call for a group that does not exist is allowed.
func (s *stand) getGroup(ctx context.Context, with aws.CredentialsProvider, group string) (bool, error) {
	_, err := iam.NewFromConfig(s.config(with)).GetGroup(ctx, &iam.GetGroupInput{GroupName: &group})
	return allowed(err)
}

// allowed says whether a call was allowed by its error: nil, or that something does not
// exist. Any error except a denial is returned.
func allowed(err error) (bool, error) {
	var missing *iamtypes.NoSuchEntityException
	var api smithy.APIError
	switch {
	case err == nil || errors.As(err, &missing):
		return true, nil
	case errors.As(err, &api) && (api.ErrorCode() == "AccessDenied" || api.ErrorCode() == "AccessDeniedException"):
		return false, nil
	}
	return false, err
}

// The policy of a question has a statement in addition that allows GetGroup on a mark of
// its own, which shows that the policy is in force. IAM is eventually consistent.
func (s *stand) document(statements string) (document, mark string) {
	s.marks++
	mark = fmt.Sprintf("%s-mark-%d", name, s.marks)
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetGroup","Resource":"arn:*:iam::*:group/` + mark + `"},` + statements + `]}`, mark
}

// userPolicy gives the user a policy and waits until it is in force for its access key.
func (s *stand) userPolicy(ctx context.Context, statements string) error {
	return s.policyOf(ctx, name, s.key, statements)
}

func (s *stand) policyOf(ctx context.Context, user string, key aws.CredentialsProvider, statements string) error {
	document, mark := s.document(statements)
	_, err := s.admin.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String(name), PolicyDocument: &document})
	if err != nil {
		return err
	}
	return s.inForce(ctx, func() (aws.CredentialsProvider, error) { return key, nil }, mark)
}

// rolePolicy gives the role a policy, and waits until it is in force for sessions that
// start makes.
func (s *stand) rolePolicy(ctx context.Context, statements string, start func() (aws.CredentialsProvider, error)) (aws.CredentialsProvider, error) {
	document, mark := s.document(statements)
	_, err := s.admin.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(name), PolicyName: aws.String(name), PolicyDocument: &document})
	if err != nil {
		return nil, err
	}
	session, err := start()
	if err == nil && session == nil {
		err = errors.New("the role could not be assumed")
	}
	if err != nil {
		return nil, err
	}
	return session, s.inForce(ctx, func() (aws.CredentialsProvider, error) { return session, nil }, mark)
}

// A policy is in force if it was seen this many times in a row.
const (
	seenInARow = 3
	tries      = 60
	pause      = time.Second
)

func (s *stand) inForce(ctx context.Context, with func() (aws.CredentialsProvider, error), mark string) error {
	seen := 0
	for range tries {
		caller, err := with()
		if err != nil {
			return err
		}
		ok, err := s.getGroup(ctx, caller, mark)
		var api smithy.APIError
		if err != nil && !(errors.As(err, &api) && api.ErrorCode() == "InvalidClientTokenId") { // a new key
			return err
		}
		if seen++; !ok {
			seen = 0
		}
		if seen == seenInARow {
			return nil
		}
		if err := s.Wait(ctx, pause); err != nil {
			return err
		}
	}
	return fmt.Errorf("a policy was not in force after %d tries", tries)
}
