package emulator

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
)

// SecurityKey, given as the code, means that the user used a security key or a
// passkey.
const SecurityKey = "security-key"

// Reasons for refusing a sign-in. AWS reveals less.
var (
	ErrSignIn        = errors.New("the account, user name or password is wrong")
	ErrCodeMissing   = errors.New("the user has an MFA device and must use it")
	ErrNoSuchDevice  = errors.New("the user has no MFA device of this kind")
	ErrResetRequired = errors.New("the password must be changed first") // by [Cloud.ChangePassword]
	ErrExpired       = errors.New("the password has expired, and only an administrator can replace it")
)

// consoleSession is the duration of a console session.
// Source: IAM User Guide, "How IAM users sign in to AWS".
const consoleSession = 12 * time.Hour

// SignIn signs a user in to the console and returns the temporary credentials
// that the console uses to call AWS. A user with an MFA device must use it: code
// is a TOTP code, or [SecurityKey]. For a user without a device, code is empty.
func (c *Cloud) SignIn(account, user, password, code string) (aws.Credentials, error) {
	creds, happened, err := c.trySignIn(account, user, password, code)
	if happened != nil {
		c.log([]*trail.Record{&happened.Detail})
	}
	c.deliver(happened)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("sign in %s of %s: %w", user, account, err)
	}
	return creds, nil
}

func (c *Cloud) trySignIn(account, user, password, code string) (aws.Credentials, *trail.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	creds, err := c.signIn(account, user, password, code)
	happened := c.signedIn(account, user, code, err)
	c.keep(c.records(happened))
	return creds, happened, err
}

func (c *Cloud) signIn(account, name, password, code string) (aws.Credentials, error) {
	a := c.world.Account(account)
	if a == nil {
		return aws.Credentials{}, ErrSignIn
	}
	u := a.Users[world.Fold(name)]
	if u == nil || u.Login == nil || subtle.ConstantTimeCompare([]byte(u.Login.Password), []byte(password)) != 1 {
		return aws.Credentials{}, ErrSignIn
	}
	devices := a.DevicesOf(u.Name)
	if len(devices) > 0 {
		if err := c.presentDevice(devices, code); err != nil {
			return aws.Credentials{}, err
		}
	} else if code != "" {
		return aws.Credentials{}, ErrNoSuchDevice
	}
	if err := c.mustReset(a, u); err != nil {
		return aws.Credentials{}, err
	}
	c.world.Edit(account).Users[world.Fold(name)].Login.Used = c.Now()
	c.generation++
	return c.mint(c.consoleSession(account, u, len(devices) > 0)), nil
}

func (c *Cloud) presentDevice(devices []*world.Device, code string) error {
	if code == "" {
		return ErrCodeMissing
	}
	err := ErrNoSuchDevice
	for _, d := range devices {
		if code == SecurityKey {
			if !d.Kind.GivesCodes() {
				return nil
			}
			continue
		}
		if !d.Kind.GivesCodes() {
			continue
		}
		if err = c.world.VerifyCode(d.Serial, code, c.Now()); err == nil || errors.Is(err, world.ErrUsedCode) {
			return err
		}
	}
	return err
}

// AssumeAs returns a session of a role, for test setups: as if a user had signed
// in through Identity Center, so without MFA. The error means that the role does
// not exist.
func (c *Cloud) AssumeAs(account, role, sessionName string) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.world.Account(account)
	if a == nil || a.Roles[world.Fold(role)] == nil {
		return aws.Credentials{}, fmt.Errorf("assume role %s of %s: no such role", role, account)
	}
	now := c.Now()
	return c.mint(&world.Session{
		Credential: policy.FederatedRole, Present: policy.False, Account: account, Role: world.Fold(role),
		Name: sessionName, Issued: now, Expires: now.Add(consoleSession),
	}), nil
}

// CredentialsOf returns the credentials of a session, for AWS Sign-In, which hands them
// out; ok is false when there is no such session.
func (c *Cloud) CredentialsOf(accessKeyID string) (creds aws.Credentials, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.world.Session(accessKeyID)
	if s == nil {
		return aws.Credentials{}, false
	}
	return credentialsOf(s), true
}

// mint creates the credentials of a session and registers them.
func (c *Cloud) mint(s *world.Session) aws.Credentials {
	s.AccessKeyID, s.Secret, s.Token = c.world.NewID("ASIA"), c.world.NewSecret(), c.world.NewToken()
	c.world.AddSession(s)
	return credentialsOf(s)
}

func credentialsOf(s *world.Session) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret, SessionToken: s.Token,
		Source: "embedded AWS", CanExpire: true, Expires: s.Expires, AccountID: s.Account,
	}
}
