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

// SecurityKey, given for a code, says that the user touched a security key or
// used a passkey.
const SecurityKey = "security-key"

// Why a sign-in is refused. AWS tells a person less.
var (
	ErrSignIn        = errors.New("the account, user name or password is wrong")
	ErrCodeMissing   = errors.New("the user has an MFA device and must use it")
	ErrNoSuchDevice  = errors.New("the user has no MFA device of this kind")
	ErrResetRequired = errors.New("the password must be changed first")
)

// consoleSession is how long a console session lasts.
// Source: IAM User Guide, "How IAM users sign in to AWS".
const consoleSession = 12 * time.Hour

// SignIn signs a user in to the console and gives the temporary credentials
// with which the console then calls AWS. A user with an MFA device must use one:
// code is a TOTP code, or [SecurityKey]. code is empty for a user without.
func (c *Cloud) SignIn(account, user, password, code string) (aws.Credentials, error) {
	creds, happened, err := c.trySignIn(account, user, password, code)
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
	return creds, c.signedIn(account, user, code, err), err
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
	if u.Login.ResetRequired {
		return aws.Credentials{}, ErrResetRequired
	}
	now := c.Now()
	c.world.Edit(account).Users[world.Fold(name)].Login.Used = now
	c.sets = nil
	s := &world.Session{
		Credential: policy.ConsolePassword, Present: policy.False, Account: account, User: world.Fold(name),
		Issued: now, Expires: now.Add(consoleSession),
	}
	if len(devices) > 0 {
		s.Credential, s.Present, s.MFAAt = policy.ConsoleMFA, policy.True, now
	}
	return c.mint(s), nil
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

// AssumeAs gives a session of a role, for set-up: as if somebody had come in by
// Identity Center, so without MFA. The error says that there is no such role.
func (c *Cloud) AssumeAs(account, role, sessionName string) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.world.Account(account)
	if a == nil || a.Roles[world.Fold(role)] == nil {
		return aws.Credentials{}, fmt.Errorf("assume role %s of %s: there is none", role, account)
	}
	now := c.Now()
	return c.mint(&world.Session{
		Credential: policy.FederatedRole, Present: policy.False, Account: account, Role: world.Fold(role),
		Name: sessionName, Issued: now, Expires: now.Add(consoleSession),
	}), nil
}

// mint gives a session its credentials and makes it known.
func (c *Cloud) mint(s *world.Session) aws.Credentials {
	s.AccessKeyID, s.Secret, s.Token = c.world.NewID("ASIA"), c.world.NewSecret(), c.world.NewToken()
	c.world.AddSession(s)
	return aws.Credentials{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.Secret, SessionToken: s.Token,
		Source: "embedded AWS", CanExpire: true, Expires: s.Expires, AccountID: s.Account,
	}
}
