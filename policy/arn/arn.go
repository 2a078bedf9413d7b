// Package arn handles ARNs, account IDs and partitions as values: parse, match,
// look up.
package arn

import (
	"fmt"
	"strings"
)

// An ARN is an Amazon Resource Name in its six parts.
// Source: IAM User Guide, "IAM identifiers".
type ARN struct {
	Partition string // an ID of [PartitionIDs]
	Service   string // iam, sts, s3…
	Region    string // empty for global services
	Account   string // 12 digits, "aws" for AWS-managed policies, or empty
	Resource  string // everything after the fifth colon; may contain colons and slashes
}

// Parse splits s into its six parts. It does not check whether a service accepts
// them.
func Parse(s string) (ARN, error) {
	a, ok := Split(s)
	if !ok {
		return ARN{}, fmt.Errorf("%q is not an ARN: want arn:partition:service:region:account:resource", s)
	}
	return a, nil
}

// Split is Parse without the error. It allocates nothing.
func Split(s string) (a ARN, ok bool) {
	if !strings.HasPrefix(s, "arn:") {
		return ARN{}, false
	}
	s = s[len("arn:"):]
	for _, part := range [...]*string{&a.Partition, &a.Service, &a.Region, &a.Account} {
		i := strings.IndexByte(s, ':')
		if i < 0 {
			return ARN{}, false
		}
		*part, s = s[:i], s[i+1:]
	}
	a.Resource = s
	return a, true
}

// String returns the ARN as AWS prints it.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// IAM returns the ARN of an IAM entity. Kind is user, group, role, policy, mfa,
// instance-profile…; path begins and ends with a slash.
func IAM(partition, account, kind, path, name string) string {
	return "arn:" + partition + ":iam::" + account + ":" + kind + path + name
}

// Name returns the last segment of the resource part: the name of a user, role,
// group, policy or device without its path.
func (a ARN) Name() string {
	return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
}

// Kind returns the first segment of the resource part, such as user in
// user/team/bob; empty without a slash.
func (a ARN) Kind() string {
	kind, _, found := strings.Cut(a.Resource, "/")
	if !found {
		return ""
	}
	return kind
}

// IsAccountID reports whether s is a 12-digit account ID.
func IsAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
