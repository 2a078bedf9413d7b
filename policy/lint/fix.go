package lint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"forcemfa/policy"
)

// A Fix is the correction of one finding, statement by statement.
type Fix struct {
	Version string   `json:"version,omitempty"` // the new version of the document, when it changes
	Changes []Change `json:"changes"`
}

// A Change is one statement of a [Fix].
type Change struct {
	// Statement is its index in the original document; indexes from the number
	// of statements on are new statements.
	Statement int             `json:"statement"`
	Text      json.RawMessage `json:"text,omitempty"` // empty: delete the statement
}

// Apply returns the corrected document, indented.
func (f *Fix) Apply(kind policy.Kind, text string) (string, error) {
	doc, err := policy.Parse(kind, text)
	if err != nil {
		return "", fmt.Errorf("apply fix: %w", err)
	}
	var statements []json.RawMessage
	for i := range doc.Statements {
		statements = append(statements, json.RawMessage(statementText(&doc.Statements[i])))
	}
	for _, c := range f.Changes {
		if c.Statement < len(doc.Statements) {
			statements[c.Statement] = c.Text
		} else {
			statements = append(statements, c.Text)
		}
	}
	statements = slices.DeleteFunc(statements, func(s json.RawMessage) bool { return len(s) == 0 })
	out := struct {
		Version   string
		ID        string `json:"Id,omitempty"`
		Statement []json.RawMessage
	}{cmp.Or(f.Version, doc.Version), doc.ID, statements}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return "", fmt.Errorf("apply fix: %w", err)
	}
	return b.String(), nil
}

// deletes reports whether the fix deletes a statement, after which the others have
// other indexes.
func (f *Fix) deletes() bool {
	return slices.ContainsFunc(f.Changes, func(c Change) bool { return len(c.Text) == 0 })
}

// between returns the fix that makes one document of another that has the same
// statements first, changed or not.
func between(kind policy.Kind, before, after string) *Fix {
	f := &Fix{}
	from, err := policy.Parse(kind, before)
	to, err2 := policy.Parse(kind, after)
	if err != nil || err2 != nil {
		return nil
	}
	if to.Version != from.Version {
		f.Version = to.Version
	}
	for i := range to.Statements {
		text := statementText(&to.Statements[i])
		if i >= len(from.Statements) || text != statementText(&from.Statements[i]) {
			f.Changes = append(f.Changes, Change{i, json.RawMessage(text)})
		}
	}
	return f
}

// replace returns the fix that changes one statement.
func (in *inspection) replace(i int, edit func(*policy.Statement)) *Fix {
	return new(Fix).edit(in, i, edit)
}

// edit adds the change of a statement.
func (f *Fix) edit(in *inspection, i int, edit func(*policy.Statement)) *Fix {
	st := in.doc.Statements[i]
	st.Conditions = slices.Clone(st.Conditions)
	edit(&st)
	if in.refusesRoles(&st) {
		st.Conditions = slices.DeleteFunc(st.Conditions, func(c policy.Condition) bool {
			return c.Operator == usersOnly.Operator && strings.EqualFold(c.Key, usersOnly.Key)
		})
		st.Conditions = append(st.Conditions, usersOnly)
	}
	f.Changes = append(f.Changes, Change{i, json.RawMessage(statementText(&st))})
	return f
}

// refusesRoles reports whether a Deny without MFA, of a control policy or a resource
// policy, applies to sessions of roles. They carry no MFA, so a correction leaves
// them out.
func (in *inspection) refusesRoles(st *policy.Statement) bool {
	control := in.kind == policy.SCP || in.kind == policy.RCP || in.kind == policy.Resource
	if !control || st.Effect != policy.Deny || len(mfaConditions(st)) == 0 || st.Principals != nil && !st.Principals.Everyone {
		return false
	}
	source := in.compose(in.doc.Version, *st)
	if source.Document == nil {
		return false
	}
	alone := inspection{kind: in.kind, doc: source.Document}
	alone.prepare()
	return slices.ContainsFunc(alone.scope(0, alone.roleSession()), func(at *situation) bool { return alone.applies(source, at) })
}

// append adds a new statement.
func (f *Fix) append(in *inspection, st policy.Statement) *Fix {
	f.Changes = append(f.Changes, Change{len(in.doc.Statements) + len(f.Changes), json.RawMessage(statementText(&st))})
	return f
}

// Sound MFA conditions.
var (
	denyWithoutMFA = policy.Condition{Operator: "BoolIfExists", Key: "aws:MultiFactorAuthPresent", Values: []string{"false"}}
	allowWithMFA   = policy.Condition{Operator: "Bool", Key: "aws:MultiFactorAuthPresent", Values: []string{"true"}}
	directCalls    = policy.Condition{Operator: "BoolIfExists", Key: "aws:ViaAWSService", Values: []string{"false"}}
	longTermKeys   = policy.Condition{Operator: "Null", Key: "aws:TokenIssueTime", Values: []string{"true"}}
	usersOnly      = policy.Condition{Operator: "ArnLike", Key: "aws:PrincipalArn", Values: []string{"arn:*:iam::*:user/*"}}
)

// soundDeny replaces the conditions of a Deny on MFA keys with the sound one. A
// limit on the age stays, in the form that also matches without an age, when the
// statement has no other MFA condition.
func soundDeny(st *policy.Statement) {
	ages := ageLimits(st.Conditions, "NumericGreaterThan")
	present := slices.ContainsFunc(st.Conditions, func(c policy.Condition) bool { return isPresent(&c) })
	st.Conditions = withoutMFAKeys(st.Conditions)
	if len(ages) > 0 && !present {
		for i := range ages {
			ages[i].Operator = strings.TrimSuffix(ages[i].Operator, "IfExists") + "IfExists"
		}
		st.Conditions = append(st.Conditions, ages...)
		return
	}
	st.Conditions = append(st.Conditions, denyWithoutMFA)
}

// soundAllow is soundDeny for an Allow.
func soundAllow(st *policy.Statement) {
	ages := ageLimits(st.Conditions, "NumericLessThan")
	st.Conditions = append(withoutMFAKeys(st.Conditions), allowWithMFA)
	for _, c := range ages {
		c.Operator = strings.TrimSuffix(c.Operator, "IfExists")
		st.Conditions = append(st.Conditions, c)
	}
}

// ageLimits returns the conditions on the age that compare with a number in the
// meaningful direction.
func ageLimits(conditions []policy.Condition, operator string) (out []policy.Condition) {
	for _, c := range conditions {
		if isAge(&c) && strings.HasPrefix(c.Operator, operator) && typed(&c) {
			out = append(out, c)
		}
	}
	return out
}

func withoutMFAKeys(conditions []policy.Condition) (out []policy.Condition) {
	for _, c := range conditions {
		if !aboutMFA(&c) {
			out = append(out, c)
		}
	}
	return out
}
