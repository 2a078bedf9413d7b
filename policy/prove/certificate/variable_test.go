package certificate_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// apart is a proof that nobody made: it says that each of the Denies of a document refuses what one Deny refuses in the usual
// one, on some resources, and that no other resources exist.
func apart(t *testing.T, s prove.Subject, representatives []string, observed ...string) error {
	t.Helper()
	p := copied(t, prove.User(bob(source(t, others, byKey, fmt.Sprintf(denyAll, mfa)))).Proof)
	for i := range p.Cases {
		var cells []policy.ProofCell
		for _, cell := range p.Cases[i].Cells {
			if cell.By[0].Statement < 2 {
				cells = append(cells, cell)
				continue
			}
			for n, resource := range representatives {
				cell.Resource, cell.By = resource, []policy.ProofDeny{{Statement: 2 + n}}
				cells = append(cells, cell)
			}
		}
		p.Cases[i].Cells = cells
	}
	c := claim(s)
	answers, err := policy.ParseObserved(observed)
	if err != nil {
		t.Fatal(err)
	}
	p.Observed, c.Observed = answers, answers
	return certificate.Check(p, c)
}

// Denies that split the resources cover all of them whatever the sender puts into the variables of their patterns, and
// whatever AWS makes of a short pattern.
func TestResourcesAreCoveredWhateverVariablesAre(t *testing.T) {
	const yes = "notresource-without-value=yes"
	for _, row := range []struct {
		not, only string
		sound     bool
		observed  []string
	}{
		{"arn:aws:s3:::a/*", "arn:aws:s3:::a/*", true, nil},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::bob/*", true, nil},
		{"arn:aws:s3:::${aws:RequestTag/x, 'a'}/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::${aws:RequestTag/x, 'a'}/*", "arn:aws:s3:::*/*", true, nil},
		{"arn:aws:s3:::${aws:RequestTag/x}/*", "arn:aws:s3:::a/*", false, []string{yes}},
		{"arn:aws:s3:::${aws:SourceIp, 'a'}/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::${aws:TokenIssueTime, 'a'}/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::a/*", "arn:aws:s3:::${aws:RequestTag/x, 'a'}/*", false, nil},
		{"arn:aws:s3:::${aws:PrincipalOrgPaths, 'a'}/*", "arn:aws:s3:::o-1/*", false, nil},
		{"arn:aws:s3:::${aws:PrincipalTag/none, ' a '}/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::${aws:PrincipalTag/none, ' a '}/*", "arn:aws:s3::: a /*", true, nil},
		{"arn:aws:s3:::${aws:PrincipalTag/none, 'a}b'}/*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:s3:::${aws:PrincipalTag/none, 'a}b:c'}/*", "arn:aws:s3:::a}b:c/*", true, nil},
		{"arn:aws:s3:::${aws:PrincipalTag/none, 'a${b'}/*", "arn:aws:s3:::a${$}{b/*", true, nil},
		{"arn:aws:sqs*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:sqs:*:*", "arn:aws:s3:::a/*", false, nil},
		{"arn:aws:sqs:*:*:*/x", "arn:aws:s3:::a/*", false, nil}, // AWS does not document a wildcard there
	} {
		at := func(element, value string) string {
			return strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, fmt.Sprintf("%q:%q", element, value), 1)
		}
		s := bob(source(t, others, byKey, at("NotResource", row.not), at("Resource", row.only)))
		s.Context.SetMany("aws:PrincipalOrgPaths", []string{"o-1"})
		example := strings.NewReplacer("/*", "/x", "*", "a", "${$}", "$").Replace(row.only)
		if strings.Contains(row.only, "${aws:") {
			example = "arn:aws:s3:::a/x"
		}
		if err := apart(t, s, []string{"arn:aws:z:::z", example}, row.observed...); (err == nil) != row.sound {
			t.Errorf("all but %s, and %s: %v, want accepted %v", row.not, row.only, err, row.sound)
		}
	}
}
