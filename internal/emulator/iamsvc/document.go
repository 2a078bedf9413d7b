package iamsvc

import (
	"forcemfa/policy"
)

// checkDocument refuses a text that is not a policy of that kind.
func checkDocument(kind policy.Kind, text string) error {
	d, err := policy.Parse(kind, text)
	if err != nil {
		return malformedPolicy("%v", err)
	}
	if len(d.Statements) == 0 {
		return malformedPolicy("Syntax errors in policy.")
	}
	return nil
}
