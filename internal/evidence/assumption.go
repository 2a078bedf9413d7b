package evidence

import (
	_ "embed"
	"maps"
	"slices"
)

// readme is README.txt of every pack.
//
//go:embed README.txt
var readme string

// always are the assumptions of every proof. Package prove documents them.
var always = []string{
	"the snapshot says what AWS has: the account that read it could read every policy, and nothing was changed since",
	"AWS decides requests as the policy evaluator of forcemfa does, which implements the evaluation logic of the IAM User Guide",
	"resource-based policies were not read: none of their Deny statements counts, and no Allow statement of them overrides an explicit Deny",
	"a request on several resources is decided as one request for each of them",
}

// byList is the assumption of a proof that covers a list of actions.
const byList = "for some users: the actions and resource types of actions.jsonl are all that AWS has"

// assumptionList is in a fixed order: those of every proof, then those of some.
func assumptionList(some map[string]bool, listed bool) []string {
	out := slices.Clone(always)
	if listed {
		out = append(out, byList)
	}
	return append(out, slices.Sorted(maps.Keys(some))...)
}
