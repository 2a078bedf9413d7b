package impact_test

import (
	"fmt"
	"slices"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// assumes is an AssumeRole call for a role of the account.
func assumes(role string, changes ...func(*trail.Call)) trail.Call {
	return call("sts:AssumeRole", append([]func(*trail.Call){gives("ASIA"+role, "arn:aws:iam::"+account+":role/"+role)}, changes...)...)
}

func from(caller trail.Caller) func(*trail.Call) { return func(c *trail.Call) { c.Caller = caller } }

const vendor = "999999999999"

// Every recorded AssumeRole without MFA of a role whose planned trust policy requires MFA
// is listed, of any principal and account.
func TestPlannedTrustPoliciesAreReplayed(t *testing.T) {
	b, err := baseline.Parse("forcemfa.yaml", []byte("version: 1\ntrust: {mfa: true, max_age: 1h}\n"))
	if err != nil {
		t.Fatal(err)
	}
	trusting := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`
	}
	root := func(id string) string { return `{"AWS":"arn:aws:iam::` + id + `:root"}` }
	a := org.Account{ID: account, Partition: "aws", Read: true, Users: []org.User{{Name: "bob", ARN: bob, Password: org.No, MFA: org.No}}}
	for name, document := range map[string]string{
		"Open": trusting(root(account), ""), "Vendor": trusting(root(vendor), `,"Condition":{"StringEquals":{"sts:ExternalId":"x-1"}}`),
		"Done": trusting(root(account), `,"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), "Service": trusting(`{"Service":"ec2.amazonaws.com"}`, ""),
		"Broken": "{",
	} {
		a.Roles = append(a.Roles, org.Role{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":role/" + name, Trust: document})
	}
	a.Roles = append(a.Roles, org.Role{Name: "AWSServiceRoleForX", Path: "/aws-service-role/x/", ARN: "arn:aws:iam::" + account + ":role/AWSServiceRoleForX", Trust: trusting(root(account), "")})
	j := judgeOf(t, &org.Header{Partition: "aws"}, b)
	if err := j.Add(&a); err != nil {
		t.Fatal(err)
	}
	chained := trail.Caller{Type: "AssumedRole", ARN: "arn:aws:sts::" + account + ":assumed-role/Deploy/run-1", Account: account, Key: "ASIA9", Session: true, MFA: "false", IssuerType: "Role", IssuerARN: "arn:aws:iam::" + account + ":role/Deploy"}
	again := chained
	again.ARN = "arn:aws:sts::" + account + ":assumed-role/Deploy/run-2"
	outside := trail.Caller{Type: "AWSAccount", Account: vendor}
	inside := trail.Caller{Type: "AWSAccount", Account: account} // the log has the record of the caller
	old := func(c *trail.Call) { session("true")(c); c.Caller.Created = c.Time - 7200 }
	calls := []trail.Call{
		assumes("Open"), assumes("Open"), assumes("Open", session("true")), assumes("Open", failed("AccessDenied")), assumes("Open", from(chained)), assumes("Open", from(again)),
		assumes("Open", by("arn:aws:iam::"+account+":user/old"), old), assumes("Vendor", from(outside), func(c *trail.Call) { c.Parameters.External = "x-1" }),
		assumes("Open", from(inside)), assumes("Done", session("true")), assumes("Done"), assumes("Service"), assumes("Broken"), assumes("AWSServiceRoleForX"), assumes("Missing"),
	}
	r := tallied(t, j, calls)
	var got []string
	for _, x := range r.Assumptions {
		got = append(got, fmt.Sprintf("%s %s %d %v", x.Role[len("arn:aws:iam::"+account+":role/"):], x.Principal, x.Calls, x.Unknown))
	}
	slices.Sort(got)
	want := []string{
		"Open arn:aws:iam::" + account + ":role/Deploy 2 false", "Open " + bob + " 2 false", "Open arn:aws:iam::" + account + ":user/old 1 false", "Vendor " + vendor + " 1 true",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if lines := r.AssumptionLines(2); len(lines) != 3 || lines[2] != "and 2 more (-o json has all)" {
		t.Errorf("%q", lines)
	}
	if r := reportOf(t, exempting, calls...); len(r.Assumptions) != 0 {
		t.Errorf("without trust.mfa: %v", r.Assumptions)
	}
	var none impact.Report
	if len(none.AssumptionLines(10)) != 0 {
		t.Error("lines of nothing")
	}
}
