package plan

import (
	"fmt"
	"regexp"
	"sync"

	"forcemfa/policy/arn"
)

// subjects is the resource type that each Op changes: the first word in the
// resource of the subject's ARN.
var subjects = map[Op]string{
	CreatePolicy: "policy", UpdatePolicy: "policy", RestorePolicy: "policy", DeletePolicy: "policy",
	CreateGroup: "group", DeleteGroup: "group", AttachGroupPolicy: "group", DetachGroupPolicy: "group",
	AddUserToGroup: "user", RemoveUserFromGroup: "user", AttachUserPolicy: "user", DetachUserPolicy: "user",
	CreateSCP: "policy", UpdateSCP: "policy", AttachSCP: "policy", DetachSCP: "policy", DeleteSCP: "policy",
	PutGroupPolicy: "group", DeleteGroupPolicy: "group",
	CreateRole: "role", DeleteRole: "role", AttachRolePolicy: "role", DetachRolePolicy: "role",
	PutRolePolicy: "role", DeleteRolePolicy: "role", UpdateTrust: "role", UpdateEntranceTrust: "role",
	PutUserPolicy: "user", DeleteUserPolicy: "user", TagUser: "user", UntagUser: "user",
	DeactivateKey: "user", ActivateKey: "user", DeleteKey: "user", RestoreKey: "user",
}

// An iamResource is the resource of an IAM ARN: type, path and name.
// Source: IAM API Reference, the patterns of UserName, GroupName, RoleName, PolicyName
// and Path.
var iamResource = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]+/([!-~]*/)?[\w+=,.@-]{1,128}$`)
})

// Check returns the field of a step from an untrusted source that contradicts the
// others, with the error: an unknown operation, a subject of another account or of the
// wrong type, a name that IAM does not allow, an ID that is not the step's.
func (s *Step) Check() (field string, err error) {
	kind, known := subjects[s.Op]
	if !known {
		return "op", fmt.Errorf("unknown operation %q", s.Op)
	}
	if !arn.IsAccountID(s.Account) {
		return "account", fmt.Errorf("%q is not an account ID of 12 digits", s.Account)
	}
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return "subject", err
	}
	if _, known := arn.LookupPartition(a.Partition); !known {
		return "subject", fmt.Errorf("unknown partition %q in %q", a.Partition, s.Subject)
	}
	service := "iam"
	if s.OfOrganization() {
		service = "organizations"
	}
	if a.Service != service || a.Account != s.Account || a.Kind() != kind {
		return "subject", fmt.Errorf("%q is not a %s of account %s", s.Subject, kind, s.Account)
	}
	if service == "iam" && !iamResource().MatchString(a.Resource) {
		return "subject", fmt.Errorf("%q is not an ARN with a path and a name that IAM allows", s.Subject)
	}
	if id := stepID(s.Op, s.Account, s.Subject, s.Object); s.ID != id {
		return "id", fmt.Errorf("%q does not match the step: want %q", s.ID, id)
	}
	return "", nil
}
