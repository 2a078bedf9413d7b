package survey

import (
	"strings"

	"forcemfa/policy"
)

// conditionsInWords says when all conditions of a statement hold.
func conditionsInWords(conditions []policy.Condition) string {
	parts := make([]string, len(conditions))
	for i, c := range conditions {
		parts[i] = conditionInWords(c)
	}
	return strings.Join(parts, ", and ")
}

// comparisons are the operators in words: with one value and with several. The
// operators that negate hold when the key is missing.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
var comparisons = map[string]struct {
	one, several string
	negates      bool
}{
	"bool":                      {"is", "is one of", false},
	"binaryequals":              {"is", "is one of", false},
	"stringequals":              {"is", "is one of", false},
	"stringnotequals":           {"is not", "is none of", true},
	"stringequalsignorecase":    {"is, in any case,", "is, in any case, one of", false},
	"stringnotequalsignorecase": {"is not, in any case,", "is, in any case, none of", true},
	"stringlike":                {"matches", "matches one of", false},
	"stringnotlike":             {"does not match", "matches none of", true},
	"numericequals":             {"is", "is one of", false},
	"numericnotequals":          {"is not", "is none of", true},
	"numericlessthan":           {"is less than", "is less than one of", false},
	"numericlessthanequals":     {"is at most", "is at most one of", false},
	"numericgreaterthan":        {"is greater than", "is greater than one of", false},
	"numericgreaterthanequals":  {"is at least", "is at least one of", false},
	"dateequals":                {"is", "is one of", false},
	"datenotequals":             {"is not", "is none of", true},
	"datelessthan":              {"is before", "is before one of", false},
	"datelessthanequals":        {"is not after", "is not after one of", false},
	"dategreaterthan":           {"is after", "is after one of", false},
	"dategreaterthanequals":     {"is not before", "is not before one of", false},
	"ipaddress":                 {"is in", "is in one of", false},
	"notipaddress":              {"is not in", "is in none of", true},
	"arnequals":                 {"matches", "matches one of", false},
	"arnlike":                   {"matches", "matches one of", false},
	"arnnotequals":              {"does not match", "matches none of", true},
	"arnnotlike":                {"does not match", "matches none of", true},
}

// conditionInWords says when one condition holds. An operator that IAM does not
// have is repeated as it is.
func conditionInWords(c policy.Condition) string {
	operator, ifExists := strings.CutSuffix(strings.ToLower(c.Operator), "ifexists")
	set, base, found := strings.Cut(operator, ":")
	if !found {
		set, base = "", operator
	}
	subject, missing := c.Key, ifExists
	switch set {
	case "foranyvalue":
		subject, missing = "a value of "+c.Key, false
	case "forallvalues":
		subject, missing = "every value of "+c.Key, true
	}
	if base == "null" {
		return nullInWords(c)
	}
	words, known := comparisons[base]
	if !known {
		return c.String()
	}
	verb := words.one
	if len(c.Values) > 1 {
		verb = words.several
	}
	out := subject + " " + verb + " " + strings.Join(quoted(c.Values), ", ")
	if missing || words.negates && set == "" {
		out += ", or missing"
	}
	return out
}

func nullInWords(c policy.Condition) string {
	if len(c.Values) != 1 || strings.Contains(c.Operator, ":") {
		return c.String()
	}
	switch strings.ToLower(c.Values[0]) {
	case "true":
		return c.Key + " is missing"
	case "false":
		return c.Key + " is present"
	}
	return c.String()
}

// quoted puts quotes around the values that would be read as words or not at all.
func quoted(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = v; v == "" || strings.ContainsAny(v, " ,") {
			out[i] = `"` + v + `"`
		}
	}
	return out
}
