package plan

import (
	"net/url"
	"strings"

	"forcemfa/policy/arn"
)

// consoles are where people sign in, by partition.
// Source: AWS General Reference, "AWS Sign-In endpoints and quotas".
var consoles = map[string]string{
	"aws-cn":     "https://signin.amazonaws.cn",
	"aws-us-gov": "https://signin.amazonaws-us-gov.com",
}

// switchLink is the page of the console that switches to a role. The name of a
// role goes with its path.
// Source: IAM User Guide, "Switch from a user to an IAM role (console)".
func switchLink(partition, account, roleARN, label string) string {
	home := consoles[partition]
	if home == "" {
		home = "https://signin.aws.amazon.com"
	}
	name := roleARN
	if a, err := arn.Parse(roleARN); err == nil {
		name = strings.TrimPrefix(a.Resource, "role/")
	}
	query := url.Values{"roleName": {name}, "account": {account}, "displayName": {label}}
	return home + "/switchrole?" + query.Encode()
}
