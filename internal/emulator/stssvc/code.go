package stssvc

import (
	"errors"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// AWS's exact messages: clients look for them.
const (
	wrongCode    = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	wrongDevice  = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	halfOfAnMFA  = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "
	noSuchCaller = "MultiFactorAuthentication failed, unable to validate MFA code.  Only a user has MFA devices."
)

// authenticate checks the MFA code of a call and spends it. It reports whether
// there was one. Security keys are refused: they provide no codes.
// Source: IAM User Guide, "AWS multi-factor authentication in IAM".
func authenticate(c *operation.Call, serial, code *string) (bool, error) {
	switch {
	case serial == nil && code == nil:
		return false, nil
	case serial == nil || code == nil:
		return false, denied(halfOfAnMFA)
	}
	owner, err := deviceOwner(c)
	if err != nil {
		return false, err
	}
	account, device := c.World.Device(*serial)
	if device == nil || account != c.Caller.Account || device.User != owner || !device.Kind.GivesCodes() {
		return false, denied(wrongDevice)
	}
	switch err := c.World.VerifyCode(*serial, *code, c.Now); {
	case err == nil:
		return true, nil
	case errors.Is(err, world.ErrNoDevice):
		return false, denied(wrongDevice)
	default:
		return false, denied(wrongCode)
	}
}

// deviceOwner returns the user whose devices the caller may use.
func deviceOwner(c *operation.Call) (string, error) {
	switch c.Caller.Principal.Kind {
	case policy.IAMUser:
		return world.Fold(c.Caller.User.Name), nil
	case policy.RootUser:
		return world.RootUser, nil
	}
	return "", denied(noSuchCaller)
}
