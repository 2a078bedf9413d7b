package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// The condition keys on MFA.
const (
	mfaPresent = "aws:MultiFactorAuthPresent"
	mfaAge     = "aws:MultiFactorAuthAge"
)

// SecureTrust is a trust policy by which accounts and users come in with MFA
// alone, and, unless maxAge is zero, no longer than that after the code. It is
// the text itself when it is so already.
//
// Only statements by which they come in are touched. Services, federated
// principals, roles and all other conditions stay as they are written: a
// statement that has both is split. Roles are not asked, because a role session
// does not say reliably whether MFA was used. The error says why a statement
// needs a person.
// Source: IAM User Guide, "AWS global condition context keys",
// aws:MultiFactorAuthPresent.
func SecureTrust(text string, maxAge time.Duration) (string, error) {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return "", err
	}
	todo := map[int]bool{}
	for _, w := range audit.Ways(d) {
		if w.WithoutMFA || maxAge > 0 && !w.Aged {
			todo[w.Statement] = true
		}
	}
	if len(todo) == 0 {
		return text, nil
	}
	secured, err := editStatements(text, func(i int, statement jsonText) ([]jsonText, error) {
		if !todo[i] {
			return []jsonText{statement}, nil
		}
		return secureStatement(statement, maxAge)
	})
	if err != nil {
		return "", err
	}
	return secured, checkSecured(secured)
}

// checkSecured reads what was written: people come in with MFA, and with MFA
// alone.
func checkSecured(text string) error {
	d, err := policy.Parse(policy.Trust, text)
	if err != nil {
		return fmt.Errorf("the edited policy: %w", err)
	}
	for _, w := range audit.Ways(d) {
		if w.WithoutMFA || !w.WithMFA {
			return fmt.Errorf("statement %d asks that MFA is not used, or cannot be told", w.Statement+1)
		}
	}
	return nil
}

// A jsonText is a value of a policy as it is written.
type jsonText = json.RawMessage

// A property is a key of a JSON object with the text of its value.
type property struct {
	key   string
	value jsonText
}

// An object is a JSON object in the order in which it is written.
type object []property

func readObject(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("want a JSON object")
	}
	var o object
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value jsonText
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		o = append(o, property{key.(string), value}) // the decoder gives nothing else as a key
	}
	return o, nil
}

// text is the object without white space between its members, whose values are
// as they were.
func (o object) text() jsonText {
	out := []byte("{")
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted(m.key)...), ':'), m.value...)
	}
	return append(out, '}')
}

func (o object) get(key string) jsonText {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// with is the object with a member put in place, or at its end; without one
// when value is nil.
func (o object) with(key string, value jsonText) object {
	changed := slices.Clone(o)
	i := slices.IndexFunc(changed, func(m property) bool { return m.key == key })
	switch {
	case i < 0 && value == nil:
		return changed
	case i < 0:
		return append(changed, property{key, value})
	case value == nil:
		return slices.Delete(changed, i, i+1)
	}
	changed[i].value = value
	return changed
}

func quoted(s string) jsonText { return marshalled(s) }

func marshalled(v any) jsonText {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("plan: " + err.Error()) // strings always marshal
	}
	return bytes.TrimSpace(out.Bytes())
}

// texts are the members of a list, or the one value that stands for it; the
// values are strings, or booleans as people write them in conditions.
func texts(value jsonText) ([]string, error) {
	var many []any
	if json.Unmarshal(value, &many) != nil {
		var one any
		if err := json.Unmarshal(value, &one); err != nil {
			return nil, err
		}
		many = []any{one}
	}
	var all []string
	for _, v := range many {
		all = append(all, fmt.Sprint(v))
	}
	return all, nil
}

// list is one value by itself, and several in brackets.
func list(values []string) jsonText {
	if len(values) == 1 {
		return quoted(values[0])
	}
	return marshalled(values)
}

// editStatements puts what edit gives in place of each statement of a policy.
// What is between statements is written anew.
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

// secureStatement is the statement that people come in by, with conditions on
// MFA, after the one for everybody else in it, if there is anybody.
func secureStatement(text jsonText, maxAge time.Duration) ([]jsonText, error) {
	s, err := readObject(text)
	if err != nil {
		return nil, err
	}
	people, rest, err := split(s)
	if err != nil {
		return nil, err
	}
	condition, err := askMFA(people.get("Condition"), maxAge)
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

// split takes people out of a statement. rest is nil when nobody else is in
// it.
func split(s object) (people, rest object, err error) {
	if s.get("Principal") == nil {
		return nil, nil, errors.New("it says NotPrincipal")
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
	asked := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !canHaveMFA(v) })
	others := slices.DeleteFunc(slices.Clone(values), canHaveMFA)
	if len(others) == 0 && len(principal) == 1 {
		if slices.Contains(asked, "*") {
			return splitActions(s, s.get("Principal"))
		}
		return s, nil, nil
	}
	left := principal.with("AWS", nil)
	if len(others) > 0 {
		left = principal.with("AWS", list(others))
	}
	return s.with("Principal", object{{"AWS", list(asked)}}.text()), s.with("Principal", left.text()), nil
}

// canHaveMFA tells whether a principal is everybody, an account or a user.
func canHaveMFA(principal string) bool {
	a, ok := arn.Split(principal)
	return principal == "*" || arn.IsAccountID(principal) ||
		ok && a.Service == "iam" && (a.Resource == "root" || a.Kind() == "user")
}

// Of all that a trust policy can allow, people come in by the first; the second
// are how federated principals do, and the third go with either.
// Source: AWS STS API Reference; IAM User Guide, "Pass session tags in AWS STS".
var (
	peopleActions    = []string{"sts:AssumeRole"}
	federatedActions = []string{"sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}
	companionActions = []string{"sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession"}
)

// splitActions splits a statement for everybody: federated principals are among
// them, and come in by other actions.
func splitActions(s object, principal jsonText) (people, rest object, err error) {
	if s.get("Action") == nil {
		return nil, nil, errors.New("it is for everybody and says NotAction")
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

// askMFA adds to a Condition element that MFA was used, and mends conditions
// that look as if they asked for it and hold without.
func askMFA(text jsonText, maxAge time.Duration) (jsonText, error) {
	var condition object
	if text != nil {
		var err error
		if condition, err = readObject(text); err != nil {
			return nil, err
		}
	}
	aged, asked := false, false
	var kept object
	for _, operator := range condition {
		keys, err := readObject(operator.value)
		if err != nil {
			return nil, err
		}
		var left object
		for _, key := range keys {
			values, err := texts(key.value)
			if err != nil {
				return nil, err
			}
			if weak(operator.key, key.key, values) {
				continue
			}
			aged = aged || strings.EqualFold(key.key, mfaAge)
			asked = asked || operator.key == "Bool" && strings.EqualFold(key.key, mfaPresent)
			left = append(left, key)
		}
		switch {
		case len(left) == len(keys):
			kept = append(kept, operator)
		case len(left) > 0:
			kept = append(kept, property{operator.key, left.text()})
		}
	}
	if !asked {
		kept = kept.put("Bool", mfaPresent, "true")
	}
	if maxAge > 0 && !aged {
		kept = kept.put("NumericLessThan", mfaAge, strconv.Itoa(int(maxAge/time.Second)))
	}
	return kept.text(), nil
}

// put adds a key to an operator of a Condition element.
func (o object) put(operator, key, value string) object {
	keys, err := readObject(o.get(operator))
	if err != nil {
		keys = nil // there is no such operator yet
	}
	return o.with(operator, keys.with(key, quoted(value)).text())
}

// weak tells whether a condition says that MFA was used and holds also when
// nothing says so: the plain one that takes its place says the same and more.
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
