package probe

import (
	"fmt"
	"strings"
	"time"

	"forcemfa/policy"
)

// Contradicted returns the answers that differ from what forcemfa assumes in both
// interpretations of everything else. No verdict holds where AWS behaves like that.
func Contradicted(answers []Answer) []Answer {
	var out []Answer
	for _, a := range answers {
		if (a.Assumed == yes || a.Assumed == no) && (a.Observed == yes || a.Observed == no) && a.Observed != a.Assumed {
			out = append(out, a)
		}
	}
	return out
}

// Section is the key observed of a config file, with the answers that verdicts can rely
// on. Without any, it is empty. No verdict depends on the other questions.
func Section(answers []Answer, account string, now time.Time) string {
	var out strings.Builder
	for _, a := range answers {
		answer := a.ID + "=" + a.Observed
		if _, err := policy.ParseObserved([]string{answer}); err != nil {
			continue
		}
		if out.Len() == 0 {
			fmt.Fprintf(&out, "# Written by forcemfa probe-aws --learn: how AWS behaved in account %s on %s.\nobserved:\n", account, now.UTC().Format(time.DateOnly))
		}
		fmt.Fprintf(&out, "  - answer: %s\n    account: %q\n    date: %s\n", answer, account, now.UTC().Format(time.DateOnly))
	}
	return out.String()
}
