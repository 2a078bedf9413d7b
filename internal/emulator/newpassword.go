package emulator

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
)

// A PasswordChange is what a user enters on the sign-in page who must set a new password.
type PasswordChange struct {
	Account, User string
	Old, New      string
	Code          string // that the page accepted in this sign-in; empty: none
}

// ChangePassword sets the new password of a user for whom [Cloud.SignIn] returned
// ErrResetRequired, and signs the user in. The page calls iam:ChangePassword for the user,
// and iam:GetAccountPasswordPolicy before it if the readings say so. The decision is that
// of the call which was refused.
// Source: IAM User Guide, "Permit IAM users to change their own passwords".
func (c *Cloud) ChangePassword(p PasswordChange) (aws.Credentials, Decision, error) {
	creds, d, err := c.changePassword(p)
	if err != nil {
		return aws.Credentials{}, d, fmt.Errorf("change the password of %s of %s: %w", p.User, p.Account, err)
	}
	return creds, d, nil
}

func (c *Cloud) changePassword(p PasswordChange) (aws.Credentials, Decision, error) {
	session, err := c.halfSignedIn(p)
	if err != nil {
		return aws.Credentials{}, Decision{}, err
	}
	caller, err := c.Caller(session.AccessKeyID)
	if err != nil {
		return aws.Credentials{}, Decision{}, err
	}
	if c.readings.NewPasswordNeedsPolicy {
		_, d, err := c.Explain(caller, "iam", "GetAccountPasswordPolicy", &iam.GetAccountPasswordPolicyInput{})
		if err != nil && d.Refused() {
			return aws.Credentials{}, d, err
		}
	}
	_, d, err := c.Explain(caller, "iam", "ChangePassword", &iam.ChangePasswordInput{OldPassword: &p.Old, NewPassword: &p.New})
	if err != nil {
		return aws.Credentials{}, d, err
	}
	c.deliver(c.signedInWith(p))
	return session, d, nil
}

// halfSignedIn returns the session of a user whose password is correct and must be
// changed.
func (c *Cloud) halfSignedIn(p PasswordChange) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.world.Account(p.Account)
	if a == nil {
		return aws.Credentials{}, ErrSignIn
	}
	u := a.Users[world.Fold(p.User)]
	if u == nil || u.Login == nil || subtle.ConstantTimeCompare([]byte(u.Login.Password), []byte(p.Old)) != 1 {
		return aws.Credentials{}, ErrSignIn
	}
	if err := c.mustReset(a, u); !errors.Is(err, ErrResetRequired) {
		return aws.Credentials{}, ErrSignIn
	}
	devices := a.DevicesOf(u.Name)
	if len(devices) > 0 && p.Code == "" {
		return aws.Credentials{}, ErrCodeMissing
	}
	return c.mint(c.consoleSession(p.Account, u, len(devices) > 0)), nil
}

// mustReset returns why the user cannot sign in with the password; nil: the user can.
func (c *Cloud) mustReset(a *world.Account, u *world.User) error {
	if at := a.PasswordPolicy.Expires(u.Login); !at.IsZero() && !c.Now().Before(at) {
		if a.PasswordPolicy.HardExpiry {
			return ErrExpired
		}
		return ErrResetRequired
	}
	if u.Login.ResetRequired {
		return ErrResetRequired
	}
	return nil
}

// consoleSession is a new session of the console.
func (c *Cloud) consoleSession(account string, u *world.User, mfa bool) *world.Session {
	now := c.Now()
	s := &world.Session{
		Credential: policy.ConsolePassword, Present: policy.False, Account: account, User: world.Fold(u.Name),
		Issued: now, Expires: now.Add(consoleSession),
	}
	if mfa {
		s.Credential, s.Present, s.MFAAt = policy.ConsoleMFA, policy.True, now
	}
	return s
}

// signedInWith records the sign-in with a new password.
func (c *Cloud) signedInWith(p PasswordChange) *trail.Event {
	c.mu.Lock()
	c.world.Edit(p.Account).Users[world.Fold(p.User)].Login.Used = c.Now()
	c.generation++
	happened := c.signedIn(p.Account, p.User, p.Code, nil)
	c.keep(c.records(happened))
	c.mu.Unlock()
	if happened != nil {
		c.log([]*trail.Record{&happened.Detail})
	}
	return happened
}
