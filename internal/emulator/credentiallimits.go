package emulator

import (
	"strings"

	"forcemfa/policy"
)

// credentialLimit refuses calls that AWS refuses for a kind of credential,
// whatever the policies say: in IAM as if the credential did not exist, in STS
// with a message.
// Source: observed; the User Guide documents the limits, not the errors.
func credentialLimit(cred policy.Credential, action string) *refusal {
	reason, limited := cred.Limit(action)
	if !limited {
		return nil
	}
	service, name, _ := strings.Cut(action, ":")
	switch {
	case service == "iam":
		return refuse(unknownKey, invalidToken)
	case cred == policy.RootKey || cred == policy.RootSession:
		return refuse(denied, "Roles may not be assumed by root accounts.")
	}
	return refuse(denied, "Cannot call %s with session credentials: %s", name, reason)
}
