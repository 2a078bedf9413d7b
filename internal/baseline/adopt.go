package baseline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// PolicyARNs are the ARNs that the ForceMFA policy of an account can have: the one
// that forcemfa creates, then those that it adopts, in the order of the config.
func (b *Baseline) PolicyARNs(partition, account string) []string {
	all := []string{PolicyARN(partition, account)}
	for _, path := range b.Adopt {
		all = append(all, "arn:"+partition+":iam::"+account+":policy"+path)
	}
	return all
}

// PolicyOf is the ARN of the ForceMFA policy of an account: the policy under the path
// of forcemfa, else the first one in Adopt that the account has, else the policy of
// that name that an earlier run adopted, by its tags. An account without any of them
// gets the policy under the path of forcemfa.
func (b *Baseline) PolicyOf(a *org.Account) string {
	own := b.PolicyARNs(a.Partition, a.ID)
	for _, policyARN := range own {
		if a.Policy(policyARN) != nil {
			return policyARN
		}
	}
	for i := range a.Policies {
		p := &a.Policies[i]
		if NamedForceMFA(p) && slices.Contains(p.Tags, org.Tag{Key: ManagedByTag, Value: ManagedBy}) && FingerprintOf(p) != "" {
			return p.ARN
		}
	}
	return own[0]
}

// NamedForceMFA reports whether a policy of the account has the name of the ForceMFA
// policy, under any path. IAM's names are unique in an account whatever their path and
// case, so there is at most one.
// Source: IAM API Reference, CreatePolicy; IAM User Guide, "IAM and AWS STS quotas".
func NamedForceMFA(p *org.Policy) bool {
	return !org.ByAWS(p.ARN) && strings.EqualFold(p.Name, PolicyName)
}

// AdoptedName is how Adopt names a policy: its path and name.
func AdoptedName(policyARN string) string {
	a, err := arn.Parse(policyARN)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(a.Resource, "policy")
}

// ParseAdopt checks the path and name of a policy that is adopted.
func ParseAdopt(s string) (string, error) {
	if !adoptShape().MatchString(s) {
		return "", fmt.Errorf("adopt %q: give the path and name of a policy, as /ForceMFA", s)
	}
	return s, nil
}

// adoptShape is the path and name of a policy. The path has no wildcards, because it
// becomes part of the function's permissions.
// Source: IAM API Reference, the patterns of Path and PolicyName.
var adoptShape = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}$`)
})

func adopted(to *[]string) value {
	return sequence[string]{to, func(name *string, _ node) value {
		return word[string]{to: name, shape: adoptShape().String(), want: "the path and name of a policy, as /ForceMFA", parse: ParseAdopt}
	}}
}
