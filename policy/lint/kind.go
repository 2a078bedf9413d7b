package lint

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A NotPolicyError says that a text is not a policy document, whether it is JSON
// or not.
type NotPolicyError struct{ Why string }

func (e *NotPolicyError) Error() string { return "not a policy document: " + e.Why }

// Guess returns the kind of a policy by its elements: with principals and
// without resources it is a role's trust policy, or a resource policy if it has no
// actions of STS, as of a repository; with both a resource policy; without principals an identity policy. A service control policy looks like an
// identity policy, so its kind must be given. The error is a [NotPolicyError],
// or the *policy.SyntaxError of a policy with broken JSON.
func Guess(text string) (policy.Kind, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &top); err != nil {
		return guessBroken(text)
	}
	statement, ok := top["Statement"]
	if !ok {
		return 0, notPolicy(top)
	}
	var statements []map[string]json.RawMessage
	if json.Unmarshal(statement, &statements) != nil {
		statements = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(statement, &statements[0]) != nil {
			return policy.Identity, nil // Parse reports the error
		}
	}
	principal, resource, assume, only := false, false, false, true
	for _, st := range statements {
		assume, only = assume || mayAssume(st["Action"]), only && onlyAssumes(st["Action"])
		principal = principal || st["Principal"] != nil || st["NotPrincipal"] != nil
		resource = resource || st["Resource"] != nil || st["NotResource"] != nil
	}
	switch {
	case principal && (!resource && assume || only):
		return policy.Trust, nil
	case principal:
		return policy.Resource, nil
	}
	return policy.Identity, nil
}

// onlyAssumes reports whether an Action element has nothing but actions that assume a
// role, which only trust policies allow.
func onlyAssumes(action json.RawMessage) bool {
	list := actionsOf(action)
	return len(list) > 0 && !slices.ContainsFunc(list, func(a string) bool { return !strings.HasPrefix(strings.ToLower(a), "sts:assumerole") })
}

// actionsOf returns the elements of an Action element; none if it is not one.
func actionsOf(action json.RawMessage) (list []string) {
	var one string
	if json.Unmarshal(action, &list) == nil {
		return list
	}
	if json.Unmarshal(action, &one) != nil {
		return nil
	}
	return []string{one}
}

// mayAssume reports whether an Action element has actions of STS, or is not one.
func mayAssume(action json.RawMessage) bool {
	list := actionsOf(action)
	return len(list) == 0 || slices.ContainsFunc(list, func(a string) bool {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		return service == "sts" || strings.ContainsAny(service, "*?")
	})
}

// guessBroken handles a text that is not a JSON object: a broken policy, or
// something else.
func guessBroken(text string) (policy.Kind, error) {
	if strings.Contains(text, `"Statement"`) || strings.Contains(text, `"Effect"`) {
		_, err := policy.Parse(policy.Resource, text)
		if err != nil {
			return 0, suggest(err)
		}
	}
	var any json.RawMessage
	if json.Unmarshal([]byte(text), &any) == nil {
		return 0, &NotPolicyError{"JSON, but not an object with a Statement"}
	}
	return 0, &NotPolicyError{"not JSON; a policy document is an object with Version and Statement"}
}

// notPolicy describes an object without Statement.
func notPolicy(top map[string]json.RawMessage) error {
	has := func(names ...string) bool {
		for _, n := range names {
			if top[n] == nil {
				return false
			}
		}
		return true
	}
	switch {
	case has("Effect"):
		return &NotPolicyError{`only a statement: wrap it in {"Version": "2012-10-17", "Statement": [ … ]}`}
	case has("Resources"), has("AWSTemplateFormatVersion"):
		return &NotPolicyError{"a CloudFormation template without policy documents"}
	case has("PolicyVersion"):
		return &NotPolicyError{"the output of get-policy-version: extract the document with --query PolicyVersion.Document"}
	case has("Role"):
		return &NotPolicyError{"the output of get-role: extract the document with --query Role.AssumeRolePolicyDocument"}
	case has("PolicyDocument"):
		return &NotPolicyError{"a response that contains a document: extract it with --query PolicyDocument"}
	case has("Policy"):
		return &NotPolicyError{"an object with a Policy that has no Statement"}
	}
	for name := range top {
		if strings.EqualFold(name, "Statement") {
			return &NotPolicyError{"element " + name + ": write Statement"}
		}
	}
	return &NotPolicyError{"an object without Statement"}
}

// suggest adds the probably intended operator to the error about an unknown one.
func suggest(err error) error {
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	const unknown = "unknown condition operator "
	name, found := strings.CutPrefix(syntax.Message, unknown)
	if !found {
		return err
	}
	name = strings.Trim(name, `"`)
	if meant := nearest(name, operatorNames()); meant != "" {
		return &policy.SyntaxError{Line: syntax.Line, Column: syntax.Column, Message: syntax.Message + ": did you mean " + meant + "?"}
	}
	return err
}

// operatorNames returns the condition operators, with and without IfExists.
func operatorNames() []string {
	names := []string{"Null"}
	for _, o := range []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"} {
		names = append(names, o, o+"IfExists")
	}
	return names
}
