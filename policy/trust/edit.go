package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// The condition keys on MFA.
const (
	mfaPresent = "aws:MultiFactorAuthPresent"
	mfaAge     = "aws:MultiFactorAuthAge"
)

// RequireMFA returns a trust policy that lets accounts and users assume the
// role with MFA only and, unless maxAge is zero, only so long after the code
// was entered. A policy that does so already is returned unchanged.
//
// Only statements for accounts and users are edited. Services, federated
// principals, roles and all other conditions stay as they are written: a
// statement that has both is split. Roles are left out because a role session
// does not reliably say whether MFA was used. The error says why a statement
// has to be edited by hand.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent.
func RequireMFA(text string, maxAge time.Duration) (string, error) {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return "", err
	}
	todo := map[int]bool{}
	for _, g := range Grants(d) {
		if g.WithoutMFA || g.Undecided || maxAge > 0 && !g.Aged {
			todo[g.Index] = true
		}
	}
	if len(todo) == 0 {
		return text, nil
	}
	edited, err := editStatements(text, func(i int, statement jsonText) ([]jsonText, error) {
		if !todo[i] {
			return []jsonText{statement}, nil
		}
		return requireMFA(statement, maxAge)
	})
	if err != nil {
		return "", err
	}
	return edited, verify(edited)
}

// verify reads the edited policy: accounts and users can assume the role with
// MFA, and only with MFA.
func verify(text string) error {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return fmt.Errorf("the edited policy: %w", err)
	}
	for _, g := range Grants(d) {
		if g.WithoutMFA || g.Undecided || !g.WithMFA {
			return fmt.Errorf("statement %d requires that MFA is not used, or its conditions cannot be decided", g.Index+1)
		}
	}
	return nil
}

// AllowAccount is a statement that lets users of an account assume the role
// with MFA and, unless maxAge is zero, only so long after the code was entered.
func AllowAccount(partition, account string, maxAge time.Duration) string {
	condition, err := mfaCondition(nil, maxAge)
	if err != nil {
		panic("trust: " + err.Error()) // there is no text to misread
	}
	return string(object{
		{"Sid", quoted("AllowIdentityAccountWithMFA")}, {"Effect", quoted("Allow")},
		{"Principal", object{{"AWS", quoted("arn:" + partition + ":iam::" + account + ":root")}}.text()},
		{"Action", quoted("sts:AssumeRole")}, {"Condition", condition},
	}.text())
}

// Document is a trust policy with one statement.
func Document(statement string) string {
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

// Append is a trust policy with a statement added at its end.
func Append(text, statement string) (string, error) {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return "", err
	}
	return editStatements(text, func(i int, s jsonText) ([]jsonText, error) {
		if i == len(d.Statements)-1 {
			return []jsonText{s, jsonText(statement)}, nil
		}
		return []jsonText{s}, nil
	})
}

// editStatements replaces each statement of a policy with the result of edit.
// White space between statements is not kept.
func editStatements(text string, edit func(int, jsonText) ([]jsonText, error)) (string, error) {
	document, err := readObject([]byte(text))
	if err != nil {
		return "", err
	}
	statements := document.get("Statement")
	var each []jsonText
	many := json.Unmarshal(statements, &each) == nil
	if !many {
		each = []jsonText{statements}
	}
	var edited []jsonText
	for i, s := range each {
		more, err := edit(i, s)
		if err != nil {
			return "", fmt.Errorf("statement %d: %w", i+1, err)
		}
		edited = append(edited, more...)
	}
	value := edited[0]
	if many || len(edited) > 1 {
		value = append(append([]byte("["), bytes.Join(rawBytes(edited), []byte(","))...), ']')
	}
	return string(document.with("Statement", value).text()), nil
}

func rawBytes(all []jsonText) [][]byte {
	out := make([][]byte, len(all))
	for i := range all {
		out[i] = all[i]
	}
	return out
}

// requireMFA is a statement with conditions on MFA for its accounts and users,
// after a statement for its other principals, if it has any.
func requireMFA(text jsonText, maxAge time.Duration) ([]jsonText, error) {
	s, err := readObject(text)
	if err != nil {
		return nil, err
	}
	people, rest, err := split(s)
	if err != nil {
		return nil, err
	}
	condition, err := mfaCondition(people.get("Condition"), maxAge)
	if err != nil {
		return nil, err
	}
	people = people.with("Condition", condition)
	if rest == nil {
		return []jsonText{people.text()}, nil
	}
	if sid := people.get("Sid"); sid != nil {
		var id string
		if err := json.Unmarshal(sid, &id); err != nil {
			return nil, err
		}
		people = people.with("Sid", quoted(id+"WithMFA"))
	}
	return []jsonText{rest.text(), people.text()}, nil
}

// split separates accounts and users from the other principals of a statement.
// rest is nil when there are no others.
func split(s object) (people, rest object, err error) {
	if s.get("Principal") == nil {
		return nil, nil, errors.New("it uses NotPrincipal")
	}
	var everybody string
	if json.Unmarshal(s.get("Principal"), &everybody) == nil {
		return splitActions(s, s.get("Principal"))
	}
	principal, err := readObject(s.get("Principal"))
	if err != nil {
		return nil, nil, err
	}
	values, err := texts(principal.get("AWS"))
	if err != nil {
		return nil, nil, err
	}
	withMFA := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !canHaveMFA(v) })
	others := slices.DeleteFunc(slices.Clone(values), canHaveMFA)
	if len(others) == 0 && len(principal) == 1 {
		if slices.Contains(withMFA, "*") {
			return splitActions(s, s.get("Principal"))
		}
		return s, nil, nil
	}
	left := principal.with("AWS", nil)
	if len(others) > 0 {
		left = principal.with("AWS", list(others))
	}
	return s.with("Principal", object{{"AWS", list(withMFA)}}.text()), s.with("Principal", left.text()), nil
}

// canHaveMFA reports whether a principal is everybody, an account or a user.
func canHaveMFA(principal string) bool {
	a, ok := arn.Split(principal)
	return principal == "*" || arn.IsAccountID(principal) ||
		ok && a.Service == "iam" && (a.Resource == "root" || a.Kind() == "user")
}

// The actions that a trust policy can allow: accounts and users call the first,
// federated principals the second, and the third come with either.
// Source: AWS STS API Reference; IAM User Guide, "Pass session tags in AWS STS".
var (
	peopleActions    = []string{"sts:AssumeRole"}
	federatedActions = []string{"sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}
	companionActions = []string{"sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession"}
)

// splitActions splits a statement for everybody by action, because "everybody"
// includes federated principals, which call other actions.
func splitActions(s object, principal jsonText) (people, rest object, err error) {
	if s.get("Action") == nil {
		return nil, nil, errors.New("it is for everybody and uses NotAction")
	}
	patterns, err := texts(s.get("Action"))
	if err != nil {
		return nil, nil, err
	}
	matched := func(actions []string) []string {
		var out []string
		for _, action := range actions {
			if slices.ContainsFunc(patterns, func(p string) bool {
				g := arn.Compile(strings.ToLower(p))
				return g.MatchFold(action)
			}) {
				out = append(out, action)
			}
		}
		return out
	}
	federated := matched(federatedActions)
	if len(federated) == 0 {
		return s, nil, nil
	}
	companions := matched(companionActions)
	people = s.with("Principal", principal).with("Action", list(append(matched(peopleActions), companions...)))
	return people, s.with("Action", list(append(federated, companions...))), nil
}

// mfaCondition adds to a Condition element that MFA was used, and removes
// conditions that seem to require MFA but are also true without it.
func mfaCondition(text jsonText, maxAge time.Duration) (jsonText, error) {
	var condition object
	if text != nil {
		var err error
		if condition, err = readObject(text); err != nil {
			return nil, err
		}
	}
	aged, present := false, false
	var kept object
	for _, operator := range condition {
		keys, err := readObject(operator.value)
		if err != nil {
			return nil, err
		}
		left, err := withoutWeak(operator.key, keys)
		if err != nil {
			return nil, err
		}
		for _, key := range left {
			aged = aged || strings.EqualFold(key.key, mfaAge)
			present = present || operator.key == "Bool" && strings.EqualFold(key.key, mfaPresent)
		}
		switch {
		case len(left) == len(keys):
			kept = append(kept, operator)
		case len(left) > 0:
			kept = append(kept, property{operator.key, left.text()})
		}
	}
	if !present {
		kept = kept.withCondition("Bool", mfaPresent, "true")
	}
	if maxAge > 0 && !aged {
		kept = kept.withCondition("NumericLessThan", mfaAge, strconv.Itoa(int(maxAge/time.Second)))
	}
	return kept.text(), nil
}

// withoutWeak removes the weak conditions of an operator.
func withoutWeak(operator string, keys object) (object, error) {
	var left object
	for _, key := range keys {
		values, err := texts(key.value)
		if err != nil {
			return nil, err
		}
		if !weak(operator, key.key, values) {
			left = append(left, key)
		}
	}
	return left, nil
}

// weak reports whether a condition says that MFA was used and is also true for
// requests without the MFA key. The plain Bool that replaces it says more.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent.
func weak(operator, key string, values []string) bool {
	if !strings.EqualFold(key, mfaPresent) || len(values) == 0 {
		return false
	}
	all := func(want string) bool {
		return !slices.ContainsFunc(values, func(v string) bool { return !strings.EqualFold(v, want) })
	}
	return operator == "Null" && all("false") || strings.HasSuffix(operator, "IfExists") && !strings.Contains(operator, "Not") && all("true")
}
