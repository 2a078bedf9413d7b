package certificate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"forcemfa/internal/testdepth"
	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// Each class of resources is a part of the proof: where one Deny refuses all others and
// another one refuses these, the proof without their cells is refused.
func TestEachClassOfResourcesIsPartOfTheProof(t *testing.T) {
	classes := []string{
		"arn:aws:iam::aws:policy/*", "arn:aws:sqs:*:" + account + ":*", "arn:aws:iam::" + account + ":policy/*", "arn:aws:iam::*:user/*", "arn:aws:iam::*:group/*",
		"arn:aws:s3:::bucket-${aws:username}/*", "arn:aws:ec2:eu-west-1:*:instance/*", "arn:aws:iam::*:mfa/*",
	}
	for i, class := range classes {
		if i%testdepth.Each(2) != 0 {
			continue
		}
		not := strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"NotResource":"`+class+`"`, 1)
		only := strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"Resource":"`+class+`"`, 1)
		s := bob(source(t, not, only, others, byKey))
		a := prove.User(s)
		if a.Outcome != prove.Enforced {
			t.Errorf("%s: %v %s", class, a.Counterexample, a.Why)
			continue
		}
		for _, strict := range []bool{true, false} { // for all actions, or for those of the catalog
			if !strict && !slices.Contains(classes[:2], class) {
				continue // takes long
			}
			whole := copied(t, a.Proof)
			whole.Strict = strict
			checkClass(t, class, whole, claim(s))
		}
	}
}

// checkClass checks a proof with the cells that only the second statement refuses, and
// without them.
func checkClass(t *testing.T, class string, whole *policy.Proof, c certificate.Claim) {
	t.Helper()
	if err := certificate.Check(whole, c); err != nil {
		t.Errorf("%s: %v", class, err)
		return
	}
	less := copied(t, whole)
	removed := 0
	for i := range less.Cases {
		all := &less.Cases[i].Cells
		for j := range *all {
			by := &(*all)[j].By
			*by = slices.DeleteFunc(*by, func(d policy.ProofDeny) bool { return d.Statement == 1 })
		}
		before := len(*all)
		*all = slices.DeleteFunc(*all, func(c policy.ProofCell) bool { return len(c.By) == 0 })
		removed += before - len(*all)
	}
	if removed == 0 || certificate.Check(less, c) == nil {
		t.Errorf("%s, strict %v: accepted without its %d cells", class, whole.Strict, removed)
	}
}
