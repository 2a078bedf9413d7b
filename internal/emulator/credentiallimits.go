package emulator

import (
	"strings"

	"forcemfa/policy"
)

// barred refuses what AWS refuses to a kind of credential whatever policies
// say: in IAM as if the credential did not exist, in STS in words.
// Source: what is observed; the User Guide tells the limits, not the errors.
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
