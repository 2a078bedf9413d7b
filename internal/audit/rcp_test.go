package audit_test

import (
	"strings"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// A resource control policy of the role's account refuses whoever calls.
// Source: Organizations User Guide, "Resource control policies (RCPs)".
func TestRCPsDecideWhoAssumesARole(t *testing.T) {
	const (
		noMFA   = `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`
		people  = `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:PrincipalIsAWSService":"false"}}`
		weak    = `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`
		outside = `{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-test"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}`
		withMFA = `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
		own     = `{"AWS":"111111111111"}`
		unread  = "unread"
	)
	for _, row := range []struct {
		name, principal, trust string
		resource, condition    string // of the Deny; condition unread: the document was not read
		management             bool
		want                   audit.Severity // of role-trust-open; empty: none
		says                   string
	}{
		{"no RCP, everybody", `"*"`, "", "", "", false, audit.High, ""},
		{"without MFA", own, "", "*", noMFA, false, "", ""},
		{"without MFA, not services", own, "", "*", people, false, "", ""},
		{"a Bool that access keys pass", own, "", "*", weak, false, audit.Medium, ""},
		{"another role", own, "", "arn:aws:iam::*:role/Other", noMFA, false, audit.Medium, ""},
		{"the role", own, "", "arn:aws:iam::*:role/R", noMFA, false, "", ""},
		{"a variable", own, "", "arn:aws:iam::*:role/${aws:username}", noMFA, false, audit.Medium, ""},
		{"management account", own, "", "*", noMFA, true, audit.Medium, ""},
		{"not read", own, "", "*", unread, false, audit.Medium, "unless a resource control policy that was not read denies it"},
		{"strangers", `"*"`, "", "*", outside, false, audit.Medium, ""},
		{"strangers with MFA", `"*"`, withMFA, "*", outside, false, "", ""},
		{"strangers with MFA, no RCP", `"*"`, withMFA, "", "", false, audit.High, ""},
		{"MFA for everybody by the RCP", `"*"`, "", "*", noMFA, false, audit.High, "by everybody with MFA in any AWS account"},
	} {
		a := quiet(t)
		a.Unit, a.Management = "r-1", row.management
		a.Roles = []org.Role{{Name: "R", Path: "/", ARN: "arn:aws:iam::" + account + ":role/R",
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + row.principal + `,"Action":"sts:AssumeRole"` + row.trust + `}]}`}}
		h := &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-test"}, Units: []org.Unit{{ID: "r-1", Name: "Root"}}}
		if row.resource != "" {
			p := org.SCP{ID: "p-1", Name: "RCP"}
			if row.condition != unread {
				p.Document = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"` + row.resource + `","Condition":` + row.condition + `}]}`
			}
			full := org.SCP{ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`}
			h.Organization.RCPsEnabled, h.RCPs, h.Units[0].RCPs, a.RCPs = true, []org.SCP{full, p}, []string{full.ID, p.ID}, []string{full.ID}
		}
		var found recording
		audit.New(h, baseline.Default(), now).Account(a, &found)
		var got audit.Severity
		what := ""
		for _, f := range found.findings {
			if f.Rule == "role-trust-open" {
				got, what = f.Severity, f.What
			}
		}
		if got != row.want || !strings.Contains(what, row.says) {
			t.Errorf("%s: %q %s, want %q", row.name, got, what, row.want)
		}
	}
}
