package audit_test

import (
	"cmp"
	"strings"
	"testing"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
)

// found are the findings of a rule, as severity and text.
func found(r *recording, rule string) []string {
	var out []string
	for _, f := range r.findings {
		if f.Rule == rule {
			out = append(out, string(f.Severity)+": "+f.What)
		}
	}
	return out
}

func only(t *testing.T, got []string, want string) {
	t.Helper()
	if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0] != want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func configOf(t *testing.T, text string) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUsersThatCanMoveToAnExemptPath(t *testing.T) {
	statement := func(action, resource string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"arn:aws:iam::` + account + `:user/` + resource + `"}`
	}
	document := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	const by = "a user can be given the exempt path /workloads/* with MFA by bob"
	for _, row := range []struct {
		name, document, match, want string
	}{
		{"by UpdateUser on both ARNs", document(statement("iam:UpdateUser", "*")), "{path: \"/workloads/*\"}", "medium: " + by},
		{"by UpdateUser on its own ARN alone", document(statement("iam:UpdateUser", "bob")), "{path: \"/workloads/*\"}", ""},
		{"by UpdateUser on the exempt ARN alone", document(statement("iam:UpdateUser", "workloads/*")), "{path: \"/workloads/*\"}", ""},
		{"by UpdateUser from another path", document(statement("iam:UpdateUser", "team/*"), statement("iam:UpdateUser", "workloads/*")), "{path: \"/workloads/*\"}", "medium: " + by},
		{"by CreateUser", document(statement("iam:CreateUser", "workloads/*")), "{path: \"/workloads/*\"}", "medium: " + by},
		{"by CreateUser elsewhere", document(statement("iam:CreateUser", "people/*")), "{path: \"/workloads/*\"}", ""},
		{"by name", document(statement("iam:*", "*")), "{name: \"ci-*\"}", "medium: a user can be given the exempt name ci-* with MFA by bob"},
		{"by ARN", document(statement("iam:*", "*")), "{arn: \"arn:aws:iam::" + account + ":user/vendor/x\"}",
			"medium: a user can be given the exempt arn:aws:iam::" + account + ":user/vendor/x with MFA by bob"},
		{"the name of a user that exists", document(statement("iam:*", "*")), "{name: bob}", ""},
		{"in another account", document(statement("iam:*", "*")), "{path: \"/workloads/*\", account: \"222222222222\"}", ""},
		{"with a tag, which has its own finding", document(statement("iam:*", "*")), "{path: \"/workloads/*\", tag: \"a=b\"}", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "more", Document: row.document}}
			got, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, "exemptions: [{match: "+row.match+", owner: a, reason: b}]\n"), a)
			only(t, found(got, "exemption-name-settable"), row.want)
		})
	}
	open := quiet(t)
	const exemption = "{match: {path: \"/workloads/*\"}, owner: a, reason: b}"
	open.Groups[0].Inline = []org.InlinePolicy{{Name: "more", Document: document(statement("iam:UpdateUser", "*"))}}
	twice, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, "exemptions: ["+exemption+", "+exemption+"]\n"), open)
	only(t, found(twice, "exemption-name-settable"), "medium: "+by)
	open.Groups[0].Inline = nil
	open.Users[0].Groups = []string{"people"}
	open.Groups[1].Inline[0].Document = document(statement("iam:*", "*"))
	got, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, "exemptions: [{match: {path: \"/workloads/*\"}, owner: a, reason: b}]\n"), open)
	only(t, found(got, "exemption-name-settable"), "critical: a user can be given the exempt path /workloads/* without MFA by bob")
}

func TestRolesThatTheGuardExceptsByNameAreGuarded(t *testing.T) {
	config := "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"
	b := configOf(t, config)
	guard, err := b.GuardSCP("aws")
	if err != nil {
		t.Fatal(err)
	}
	const before = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:DeletePolicy","Resource":"*"}]}`
	for _, row := range []struct {
		name, scp string
		change    func(*org.Account, *org.Header)
		want      string
	}{
		{"without the guard SCP", "", nil, "high: a role that the guard SCP excepts by name can be created or changed by user bob, role Deploy"},
		{"with the guard SCP of an older version", before, nil, "high: a role that the guard SCP excepts by name can be created or changed by user bob, role Deploy"},
		{"with the guard SCP", guard, nil, ""},
		{"with a role of StackSets that the account can assume", guard, planted("/", "stacksets-exec-evil", `{"AWS":"`+account+`"}`), "high: the guard SCP excepts the role by its name, and it can be assumed by user bob, role Deploy"},
		{"with a role in the path of forcemfa that a user can assume", guard, planted("/forcemfa/", "x", `{"AWS":"arn:aws:iam::`+account+`:user/bob"}`), "high: the guard SCP excepts the role by its name, and it can be assumed by user bob"},
		{"with a role of StackSets that the account can assume with an external ID", guard, func(a *org.Account, _ *org.Header) {
			a.Roles = append(a.Roles, role("/", "stacksets-exec-evil", `{"AWS":"`+account+`"}`, `{"StringEquals":{"sts:ExternalId":"x"}}`))
			a.Sort()
		}, "high: the guard SCP excepts the role by its name, and it can be assumed by user bob, role Deploy"},
		{"with a role of StackSets that a session of a role can assume", guard, planted("/", "stacksets-exec-evil", `{"AWS":"arn:aws:sts::`+account+`:assumed-role/Deploy/x"}`), "high: the guard SCP excepts the role by its name, and it can be assumed by role Deploy"},
		{"with a role of StackSets of another account", guard, planted("/", "stacksets-exec-0123", `{"AWS":"999999999999"}`), ""},
		{"with the role of the function", guard, planted("/forcemfa/", "ForceMFAFunction", `{"Service":"lambda.amazonaws.com"}`), ""},
		{"in the management account, which no SCP affects", "", func(_ *org.Account, h *org.Header) { h.Organization.ManagementAccount = account }, ""},
		{"outside its targets", "", func(a *org.Account, _ *org.Header) { a.Unit = "r-zz99" }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			a.Unit = "r-ab12"
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "all", Document: admin}}
			deploy := role("/", "Deploy", `{"AWS":"`+account+`"}`, withMFA)
			deploy.Inline = []org.InlinePolicy{{Name: "all", Document: admin}}
			excepted := role("/", "Administrator", `{"AWS":"`+account+`"}`, withMFA)
			excepted.Inline = deploy.Inline
			a.Roles = []org.Role{excepted, deploy}
			h := &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1", ManagementAccount: "999999999999", SCPsEnabled: true},
				Units: []org.Unit{{ID: "r-ab12", SCPs: []string{"p-all"}}, {ID: "r-zz99", SCPs: []string{"p-all"}}}, SCPs: []org.SCP{{ID: "p-all", Name: "FullAWSAccess", Document: admin}}}
			a.SCPs = []string{"p-all"}
			if row.scp != "" {
				h.SCPs = append(h.SCPs, org.SCP{ID: "p-guard", Name: document.GuardName, Document: row.scp})
				h.Units[0].SCPs = append(h.Units[0].SCPs, "p-guard")
			}
			if row.change != nil {
				row.change(a, h)
			}
			got, _ := run(t, h, b, a)
			only(t, found(got, "guard-bypass"), row.want)
		})
	}
}

// planted adds a role to the account, as it can have been before the guard SCP.
func planted(path, name, principal string) func(*org.Account, *org.Header) {
	return func(a *org.Account, _ *org.Header) {
		a.Roles = append(a.Roles, role(path, name, principal, ""))
		a.Sort()
	}
}

func TestPrincipalsThatCanCreateCredentialsOfExemptUsers(t *testing.T) {
	const guard = "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"
	const exempt = "exemptions: [{match: {name: backup}, owner: a@example.com, reason: r}]\n"
	const selfService = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:CreateAccessKey","iam:DeleteAccessKey"],"Resource":"arn:aws:iam::*:user/${aws:username}"}}`
	const what = "info: credentials of exempt users (backup) can be created by user bob, role Deploy"
	for _, row := range []struct{ name, config, unit, backup, want string }{
		{"an administrator and a role", guard + exempt, "r-ab12", selfService, what},
		{"an exempt administrator is no way to itself", guard + exempt, "r-ab12", admin, what},
		{"outside the targets of the guard", guard + exempt, "r-zz99", selfService, ""},
		{"without a guard", exempt, "r-ab12", selfService, ""},
		{"without exempt users", guard, "r-ab12", selfService, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			a.Unit = row.unit
			a.Groups[0].Inline = []org.InlinePolicy{{Name: "all", Document: admin}}
			backup := a.Users[0]
			backup.Name, backup.ARN, backup.ID, backup.Groups = "backup", "arn:aws:iam::"+account+":user/backup", "AIDABACKUP", nil
			backup.Inline = []org.InlinePolicy{{Name: "own", Document: row.backup}}
			a.Users = append(a.Users, backup)
			deploy := role("/", "Deploy", `{"AWS":"`+account+`"}`, withMFA)
			deploy.Inline = []org.InlinePolicy{{Name: "keys", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:UpdateLoginProfile","Resource":"*"}}`}}
			excepted := role("/", "Administrator", `{"AWS":"`+account+`"}`, withMFA)
			excepted.Inline = a.Groups[0].Inline
			reader := role("/", "Reader", `{"AWS":"`+account+`"}`, withMFA)
			a.Roles = []org.Role{excepted, deploy, reader}
			h := &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1", ManagementAccount: "999999999999"}, Units: []org.Unit{{ID: "r-ab12"}, {ID: "r-zz99"}}}
			got, _ := run(t, h, configOf(t, row.config), a)
			only(t, found(got, "exempt-credentials"), row.want)
		})
	}
}

// A user who can create a role that the guard SCP excepts by name can disable the
// enforcement, in the accounts under the targets of the guard.
func TestReachIncludesTheRolesThatTheGuardExceptsByName(t *testing.T) {
	b := configOf(t, "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Administrator\"]}\n")
	for unit, want := range map[string]int{"r-ab12": 1, "r-zz99": 0} {
		a := quiet(t)
		a.Unit = unit
		a.Groups[0].Inline = []org.InlinePolicy{{Name: "all", Document: admin}}
		h := &org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1", ManagementAccount: "999999999999"},
			Units: []org.Unit{{ID: "r-ab12"}, {ID: "r-zz99"}}}
		got := map[string]int{}
		for _, s := range audit.New(h, b, now).Reach(a, &a.Users[0]).Switches {
			if s.Resource == "arn:aws:iam::"+account+":role/Administrator" {
				got[s.Action]++
			}
		}
		if got["iam:CreateRole"] != want || got["iam:UpdateAssumeRolePolicy"] != want {
			t.Errorf("account in %s: %v, want %d of each", unit, got, want)
		}
	}
}

func TestADeviceEnrolledByKeyIsAFindingUntilItIsConfirmed(t *testing.T) {
	a := quiet(t)
	a.Users[0].Tags = []org.Tag{{Key: "ForceMFA-Device-By-Key", Value: "2026-04-30"}}
	got, _ := run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	only(t, found(got, "device-by-key"), "high: device enrolled by access key: confirm with the person (the enrollment window of bob was closed on 2026-04-30)")
	for _, f := range got.findings {
		if f.Rule == "device-by-key" && !strings.Contains(f.Remedy, "forcemfa enroll --confirm bob") {
			t.Errorf("remedy %q", f.Remedy)
		}
	}
	a.Users[0].Tags = nil
	got, _ = run(t, &org.Header{Partition: "aws"}, wanted(t), a)
	only(t, found(got, "device-by-key"), "")
}

func TestAnAccountOutsideTheOrganizationIsAFinding(t *testing.T) {
	const guard = "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Administrator\"]}\n"
	const what = "high: the account is in no organization, so no service control policy affects its users"
	for _, row := range []struct {
		name, config string
		header       org.Header
		want         string
	}{
		{"with a guard", guard, org.Header{Partition: "aws"}, what},
		{"with attach: scp", "attach: scp\n", org.Header{Partition: "aws"}, what},
		{"without service control policies", "attach: group\n", org.Header{Partition: "aws"}, ""},
		{"in an organization", guard, org.Header{Partition: "aws", Organization: &org.Organization{ID: "o-1"}}, ""},
		{"not read", guard, org.Header{Partition: "aws", Gaps: []org.Gap{{What: "organizations:DescribeOrganization", Why: "AccessDenied"}}}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, _ := run(t, &row.header, configOf(t, row.config), quiet(t))
			only(t, found(got, "outside-organization"), row.want)
		})
	}
}

// Whoever assumes a role chooses the name and the tags of its session, and whoever sets a
// tag on a user chooses the user, other tags, and the case of the tag.
func TestRolesThatCanSetAnExemptionTag(t *testing.T) {
	const by, perhaps = "low: the exemption tag userType=Service can be set on a user by the roles R", "low: the exemption tag userType=Service can be set on a user perhaps by role R"
	allow := func(condition, resource string) string {
		return `{"Effect":"Allow","Action":["iam:TagUser","iam:CreateUser"],"Resource":"` + resource + `"` + condition + `}`
	}
	tagUser := allow("", "*")
	deny := func(condition string) string {
		return `,{"Effect":"Deny","Action":["iam:TagUser","iam:CreateUser"],"Resource":"*","Condition":{` + condition + `}}`
	}
	limited := `{"StringEquals":{"sts:RoleSessionName":"bot"}}`
	for _, row := range []struct{ name, actions, trust, statements, want string }{
		{"in a session with a name", "", "", allow(`,"Condition":{"StringLike":{"aws:userid":"*:admin-*"}}`, "*"), by},
		{"in a session without one name", "", "", tagUser + deny(`"StringLike":{"aws:userid":"*:example"}`), by},
		{"in a session with a name that the trust policy may refuse", "", limited, allow(`,"Condition":{"StringLike":{"aws:userid":"*:admin-*"}}`, "*"), perhaps},
		{"in a session of another role", "", "", allow(`,"Condition":{"StringLike":{"aws:userid":"AROAOTHER:*"}}`, "*"), ""},
		{"in a session with a tag", `"sts:AssumeRole","sts:TagSession"`, "", allow(`,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"ops"}}`, "*"), perhaps},
		{"in a session that cannot have tags", "", "", allow(`,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"ops"}}`, "*"), ""},
		{"with a source identity", `"sts:AssumeRole","sts:SetSourceIdentity"`, "", allow(`,"Condition":{"StringLike":{"aws:SourceIdentity":"*"}}`, "*"), by},
		{"together with another tag", "", "", allow(`,"Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["team"]}}`, "*"), by},
		{"with another tag alone", "", "", allow(`,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`, "*"), ""},
		{"on users of a path", "", "", allow("", "arn:aws:iam::*:user/team/*"), by},
		{"on a user that does not exist", "", "", allow("", "arn:aws:iam::*:user/nobody"), ""},
		{"in another case", "", "", tagUser + deny(`"StringEquals":{"aws:RequestTag/userType":"Service"}`), by},
		{"with its key in another case", "", "", tagUser + deny(`"ForAnyValue:StringEquals":{"aws:TagKeys":["userType"]}`), by},
		{"refused whatever its case", "", "", tagUser + deny(`"StringEqualsIgnoreCase":{"aws:RequestTag/userType":"service"}`), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := quiet(t)
			r := role("/", "R", `{"AWS":"`+account+`"}`, cmp.Or(row.trust, withMFA))
			r.ID, r.Trust = "AROAEXAMPLE", strings.Replace(r.Trust, `"sts:AssumeRole"`, "["+cmp.Or(row.actions, `"sts:AssumeRole"`)+"]", 1)
			r.Inline = []org.InlinePolicy{{Name: "own", Document: `{"Version":"2012-10-17","Statement":[` + row.statements + `]}`}}
			a.Roles = []org.Role{r}
			got, _ := run(t, &org.Header{Partition: "aws"}, configOf(t, "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n"), a)
			only(t, found(got, "exemption-tag-settable"), row.want)
		})
	}
}
