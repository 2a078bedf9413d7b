package iamsvc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"forcemfa/internal/emulator/operation"
)

// A rule is the constraint of a member of any input.
type rule struct {
	min, max int // characters; max 0: no limit
	pattern  *operation.Pattern
	name     bool // a name, for which IAM has its own message
	values   []string
}

func whole(pattern string) *operation.Pattern { return operation.NewPattern("^(?:" + pattern + ")$") }

var (
	names        = whole(`[\w+=,.@-]+`)
	words        = whole(`\w+`)
	latin        = whole(`[\x09\x0A\x0D\x{20}-\x{FF}]+`)
	statusRule   = rule{values: []string{"Active", "Inactive", "Expired"}}
	documentRule = rule{min: 1, max: 131072, pattern: latin}
	passwordRule = rule{min: 1, max: 128, pattern: latin}
	codeRule     = rule{min: 6, max: 6, pattern: whole(`\d+`)}
)

// rules lists the constraints of IAM's API model by the Go name of the member. A
// constraint for one operation is under operation.member.
var rules = map[string]rule{
	"AccessKeyId":                 {min: 16, max: 128, pattern: words},
	"AccountAlias":                {min: 3, max: 63, pattern: whole(`[a-z0-9](?:-?[a-z0-9])+`)},
	"AssignmentStatus":            {values: []string{"", "Assigned", "Unassigned", "Any"}},
	"AssumeRolePolicyDocument":    documentRule,
	"AuthenticationCode1":         codeRule,
	"AuthenticationCode2":         codeRule,
	"CallerArn":                   {min: 1, max: 2048},
	"CertificateBody":             {min: 1, max: 16384, pattern: latin},
	"CertificateId":               {min: 21, max: 128, pattern: words},
	"Description":                 {max: 1000, pattern: whole(`[\x09\x0A\x0D\x{20}-\x{7E}\x{A1}-\x{FF}]*`)},
	"Encoding":                    {values: []string{"SSH", "PEM"}},
	"EntityFilter":                {values: []string{"", "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}},
	"GroupName":                   {min: 1, max: 128, pattern: names, name: true},
	"Marker":                      {min: 1, max: 1024, pattern: whole(`[\x{20}-\x{FF}]+`)},
	"NewGroupName":                {min: 1, max: 128, pattern: names, name: true},
	"NewPassword":                 passwordRule,
	"NewPath":                     pathRule,
	"NewUserName":                 {min: 1, max: 64, pattern: names, name: true},
	"OldPassword":                 passwordRule,
	"Password":                    passwordRule,
	"Path":                        pathRule,
	"PathPrefix":                  {min: 1, max: 512, pattern: whole(`/[\x21-\x7F]*`)},
	"PermissionsBoundary":         {min: 20, max: 2048},
	"PolicyArn":                   {min: 20, max: 2048},
	"PolicyDocument":              documentRule,
	"PolicyName":                  {min: 1, max: 128, pattern: names, name: true},
	"PolicySourceArn":             {min: 20, max: 2048},
	"PolicyUsageFilter":           {values: []string{"", "PermissionsPolicy", "PermissionsBoundary"}},
	"RoleName":                    {min: 1, max: 64, pattern: names, name: true},
	"Scope":                       {values: []string{"", "All", "AWS", "Local"}},
	"SerialNumber":                {min: 9, max: 256, pattern: whole(`[\w+=/:,.@-]+`)},
	"ServiceSpecificCredentialId": {min: 20, max: 128, pattern: words},
	"SSHPublicKeyBody":            {min: 1, max: 16384, pattern: latin},
	"SSHPublicKeyId":              {min: 20, max: 128, pattern: words},
	"Status":                      statusRule,
	"UserName":                    {min: 1, max: 128, pattern: names, name: true},
	"VersionId":                   {pattern: whole(`v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?`)},
	"VirtualMFADeviceName":        {min: 1, max: 226, pattern: names, name: true},
	"CreateUser.UserName":         {min: 1, max: 64, pattern: names, name: true},
	"CreatePolicy.Path":           {min: 1, max: 512, pattern: whole(`(?:/[A-Za-z0-9.,+@=_-]+)*/`)},
}

var pathRule = rule{min: 1, max: 512, pattern: whole(`/|/[\x21-\x7E]+/`)}

// numbers lists the limits of numeric members.
var numbers = map[string][2]int64{
	"MaxItems":                {1, 1000},
	"MaxSessionDuration":      {3600, 43200},
	"CredentialAgeDays":       {1, 36600},
	"MinimumPasswordLength":   {6, 128},
	"MaxPasswordAge":          {1, 1095},
	"PasswordReusePrevention": {1, 24},
}

// validate checks every member that is present.
func validate(in input) error {
	t := in.v.Type()
	for i := range t.NumField() {
		if err := validateMember(in, t.Field(i).Name); err != nil {
			return err
		}
	}
	return validateTags(in)
}

func validateMember(in input, member string) error {
	r, ok := rules[strings.TrimSuffix(in.v.Type().Name(), "Input")+"."+member]
	if !ok {
		r, ok = rules[member]
	}
	if text, present := in.text(member); ok && present {
		return r.check(member, text)
	}
	f := in.v.FieldByName(member)
	if limits, ok := numbers[member]; ok && f.Kind() == reflect.Pointer && !f.IsNil() {
		return checkNumber(member, f.Elem().Int(), limits)
	}
	return nil
}

func checkNumber(member string, n int64, limits [2]int64) error {
	subject := fmt.Sprintf("Value '%d'", n)
	if n < limits[0] {
		return constraint(subject, member, "Member must have value greater than or equal to %d", limits[0])
	}
	if n > limits[1] {
		return constraint(subject, member, "Member must have value less than or equal to %d", limits[1])
	}
	return nil
}

// check never includes the value of a password or code in its error.
func (r rule) check(member, text string) error {
	length := utf8.RuneCountInString(text)
	switch {
	case length < r.min:
		return constraint("Value", member, "Member must have length greater than or equal to %d", r.min)
	case r.max > 0 && length > r.max:
		return constraint("Value", member, "Member must have length less than or equal to %d", r.max)
	case r.values != nil && !slices.Contains(r.values, text):
		return constraint("Value '"+text+"'", member, "Member must satisfy enum value set: [%s]", strings.TrimPrefix(strings.Join(r.values, ", "), ", "))
	case r.pattern == nil || r.pattern.MatchString(text):
		return nil
	case r.name:
		return validationError("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", wireName(member))
	}
	return constraint("Value", member, "Member must satisfy regular expression pattern: %s", r.pattern)
}

func constraint(subject, member, format string, args ...any) error {
	return validationError("1 validation error detected: %s at '%s' failed to satisfy constraint: %s", subject, wireName(member), fmt.Sprintf(format, args...))
}

// wireName returns a member's name in AWS's messages.
func wireName(member string) string { return strings.ToLower(member[:1]) + member[1:] }

var (
	tagKey   = rule{min: 1, max: 128, pattern: whole(`[\p{L}\p{Z}\p{N}_.:/=+\-@]+`)}
	tagValue = rule{max: 256, pattern: whole(`[\p{L}\p{Z}\p{N}_.:/=+\-@]*`)}
)

const maxTagsInCall = 50

func validateTags(in input) error {
	if len(in.tags()) > maxTagsInCall {
		return constraint("Value", "Tags", "Member must have length less than or equal to %d", maxTagsInCall)
	}
	for i, t := range in.tags() {
		member := fmt.Sprintf("tags.%d.member", i+1)
		if t.Key == nil || t.Value == nil {
			return constraint("Value", member, "Member must not be null")
		}
		if err := tagKey.check(member+".key", *t.Key); err != nil {
			return err
		}
		if err := tagValue.check(member+".value", *t.Value); err != nil {
			return err
		}
	}
	for i, k := range in.tagKeys() {
		if err := tagKey.check(fmt.Sprintf("tagKeys.%d.member", i+1), k); err != nil {
			return err
		}
	}
	return nil
}
