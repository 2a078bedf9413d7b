package lint

import (
	"strings"

	"forcemfa/policy"
)

func isPresent(c *policy.Condition) bool {
	return strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent")
}

func isAge(c *policy.Condition) bool { return strings.EqualFold(c.Key, "aws:MultiFactorAuthAge") }

func aboutMFA(c *policy.Condition) bool { return isPresent(c) || isAge(c) }

// mfaConditions returns the conditions of a statement on the two MFA keys.
func mfaConditions(st *policy.Statement) (out []policy.Condition) {
	for _, c := range st.Conditions {
		if aboutMFA(&c) {
			out = append(out, c)
		}
	}
	return out
}

// operator splits a condition's operator into its parts.
func operator(c *policy.Condition) (set, base string, ifExists bool) {
	base = c.Operator
	if s, rest, found := strings.Cut(base, ":"); found {
		set, base = s, rest
	}
	base, ifExists = strings.CutSuffix(base, "IfExists")
	return set, base, ifExists
}

// caseless reports whether an operator compares true and false in any case.
func caseless(base string) bool {
	return base == "Bool" || base == "Null" || strings.HasSuffix(base, "IgnoreCase")
}

// typed reports whether a condition on an MFA key compares with values that the
// key can have, with an operator of its type.
func typed(c *policy.Condition) bool {
	_, base, _ := operator(c)
	seen := map[string]bool{}
	for _, v := range c.Values {
		v = strings.ToLower(v)
		seen[v] = true
		switch {
		case base == "Null":
		case isAge(c) && (!numeral().MatchString(v) || !strings.HasPrefix(base, "Numeric")):
			return false
		case isPresent(c) && (v != "true" && v != "false" || !strings.HasPrefix(base, "Bool") && !strings.HasPrefix(base, "String")):
			return false
		}
	}
	return len(c.Values) > 0 && !(seen["true"] && seen["false"])
}

// miscased reports whether a value is true or false in a case that the operator
// does not match.
func miscased(c *policy.Condition) bool {
	_, base, _ := operator(c)
	if !isPresent(c) || caseless(base) {
		return false
	}
	for _, v := range c.Values {
		if low := strings.ToLower(v); v != low && (low == "true" || low == "false") {
			return true
		}
	}
	return false
}

// odd returns the rule that the values of MFA conditions break; empty when they
// are valid.
func odd(conditions []policy.Condition) string {
	for i := range conditions {
		switch c := &conditions[i]; {
		case miscased(c):
			return "M-6"
		case !typed(c):
			return "M-7"
		}
	}
	return ""
}

// weakDeny returns the rule that a Deny breaks when it misses requests without
// MFA.
func weakDeny(conditions []policy.Condition) string {
	if code := odd(conditions); code != "" {
		return code
	}
	for i := range conditions {
		c := &conditions[i]
		if _, base, ifExists := operator(c); isAge(c) && base != "Null" && !ifExists {
			return "M-2"
		}
	}
	return "D-8"
}

// weakAllow returns the rule that an Allow breaks when requests without MFA
// match it.
func weakAllow(conditions []policy.Condition) string {
	if code := odd(conditions); code != "" {
		return code
	}
	code := "M-5"
	for i := range conditions {
		switch set, base, ifExists := operator(&conditions[i]); {
		case ifExists:
			return "D-9"
		case set == "ForAllValues":
			code = "M-4"
		case base == "Null":
			code = "M-3"
		}
	}
	return code
}

// conditionText prints conditions on one line.
func conditionText(conditions []policy.Condition) string {
	parts := make([]string, len(conditions))
	for i, c := range conditions {
		parts[i] = c.String()
	}
	return strings.Join(parts, " and ")
}
