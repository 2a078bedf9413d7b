package access

import (
	"net/url"
	"strings"

	"forcemfa/policy/arn"
)

// switchLink is the page of the console that switches to a role, empty for an
// unknown partition. The name of a role goes with its path.
// Source: IAM User Guide, "Switch from a user to an IAM role (console)".
func switchLink(partition, account, roleARN, label string) string {
	p, known := arn.LookupPartition(partition)
	if !known {
		return ""
	}
	name := roleARN
	if a, err := arn.Parse(roleARN); err == nil {
		name = strings.TrimPrefix(a.Resource, "role/")
	}
	query := url.Values{"roleName": {name}, "account": {account}, "displayName": {label}}
	return "https://" + p.SignInHost + "/switchrole?" + query.Encode()
}
