package prove

import (
	"strings"
	"testing"

	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

func TestTableHoldsRealActionsOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, action := range telling {
		if a, ok := catalog.Load().Action(action); !ok || a.String() != action {
			t.Errorf("%s is not in the catalog", action)
		}
		if seen[action] {
			t.Errorf("%s is there twice", action)
		}
		seen[action] = true
	}
}

// What gives or keeps access must be tried by name, whatever documents say.
func TestTableHoldsEveryActionThatManagesPermissions(t *testing.T) {
	seen := map[string]bool{}
	for _, action := range telling {
		seen[action] = true
	}
	service, _ := catalog.Load().Service("iam")
	for _, a := range service.Actions {
		if a.Access&catalog.PermissionsManagement != 0 && !seen[a.String()] {
			t.Errorf("%s is not tried", a)
		}
	}
}

func TestEveryProbeIsARequest(t *testing.T) {
	s := &Subject{}
	s.Principal.Account, s.Principal.ARN = "111111111111", "arn:aws-us-gov:iam::111111111111:user/team/bob"
	for _, p := range fixed() {
		resource := s.expand(p.resource)
		if resource == "*" {
			continue
		}
		a, ok := arn.Split(resource)
		if !ok || strings.ContainsAny(resource, "*?$ {}") || a.Partition != "aws-us-gov" {
			t.Errorf("%s on %s", p.action, resource)
		}
	}
}
