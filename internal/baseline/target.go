package baseline

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"forcemfa/policy/arn"
)

// The shapes of what a policy can be attached to.
// Source: AWS Organizations API Reference, AttachPolicy, TargetId.
var targetShape = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(r-[0-9a-z]{4,32}|[0-9]{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
})

func targets(to *[]string) value {
	return sequence[string]{to, func(id *string, _ node) value {
		return word[string]{to: id, shape: targetShape().String(), want: "the ID of a root, unit or account, in quotes", parse: func(s string) (string, error) {
			if !targetShape().MatchString(s) {
				return "", fmt.Errorf("target %q: want the ID of a root (r-…), a unit (ou-…) or an account (12 digits)", s)
			}
			return s, nil
		}}
	}}
}

func (g *GuardSCP) fields() mapping {
	return mapping{
		least: 1,
		fields: []field{
			{"targets", required, "Roots, organizational units and accounts.", targets(&g.Targets)},
			{"except", required, "Roles that are not restricted: the administrator role, and the role that forcemfa assumes. ARNs or globs.",
				sequence[string]{&g.Except, func(role *string, _ node) value {
					return word[string]{to: role, shape: `^arn:[^:]*:iam::[0-9*]*:role/.`, parse: parseRolePattern}
				}}},
		},
		check: func(n node) error {
			switch {
			case len(g.Targets) == 0:
				return n.errorf("guard_scp: targets is empty")
			case len(g.Except) == 0:
				return n.errorf("guard_scp: except is empty, so no role could change the protected objects")
			}
			return nil
		},
	}
}

// parseRolePattern reads the ARN of a role; the name and the account may be
// globs, but not all of the name.
func parseRolePattern(s string) (string, error) {
	a, err := arn.Parse(s)
	name := strings.TrimPrefix(a.Resource, "role/")
	if err != nil || a.Service != "iam" || a.Kind() != "role" || strings.Trim(name, "*?/") == "" {
		return "", fmt.Errorf("except %q: want the ARN of a role, as arn:aws:iam::*:role/Administrator", s)
	}
	return s, nil
}
