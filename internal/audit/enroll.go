package audit

import (
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// cannotEnroll says why a user without a device cannot enroll one today; empty when
// the user can, or when that is not decided. A console session can enroll a passkey
// with iam:EnableMFADevice alone; an access key only a virtual device.
// Source: IAM User Guide, "Assign MFA devices in the AWS CLI or AWS API" and
// "Assign a passkey or security key in the AWS Management Console".
func (a *Auditor) cannotEnroll(s *prove.Subject, account *org.Account, u *org.User) string {
	device := "arn:" + account.Partition + ":iam::" + account.ID + ":mfa/" + u.Name
	var reason string
	for _, way := range []struct {
		credential policy.Credential
		has        bool
		actions    [][2]string
	}{
		{policy.ConsolePassword, u.Password != org.No, [][2]string{{"iam:EnableMFADevice", u.ARN}}},
		{policy.LongTermKey, u.ActiveKeys() > 0, [][2]string{{"iam:CreateVirtualMFADevice", device}, {"iam:EnableMFADevice", u.ARN}}},
	} {
		if !way.has {
			continue
		}
		refused := ""
		for _, at := range way.actions {
			outcome, d, _ := a.prover.Possible(*s, []policy.Credential{way.credential}, at[0], at[1])
			if refused = refusal(outcome, d, at[0]); refused != "" {
				break
			}
		}
		if refused == "" {
			return ""
		}
		if reason == "" {
			reason = refused
		}
	}
	return reason
}

// refusal says why a request is not possible; empty when it is, or when that is not
// known.
func refusal(o prove.Outcome, d policy.Decision, action string) string {
	if o != prove.Enforced {
		return ""
	}
	return prove.Obstacle(d, action)
}
