package attack

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
)

const (
	home  = "111111111111"
	away  = "222222222222"
	alice = "arn:aws:iam::" + home + ":user/alice"
)

func trust(principal, condition string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}}`
}

func TestTrustPoliciesAreRankedByTheirMFARequirement(t *testing.T) {
	const account = `{"AWS":"` + home + `"}`
	for _, row := range []struct {
		name, trust string
		want        []mfaRule // none: the role is no target
	}{
		{"the account", trust(account, ""), []mfaRule{noMFA}},
		{"the account by its root ARN", trust(`{"AWS":"arn:aws:iam::`+home+`:root"}`, ""), []mfaRule{noMFA}},
		{"the user", trust(`{"AWS":"`+alice+`"}`, ""), []mfaRule{noMFA}},
		{"everybody", trust(`"*"`, ""), []mfaRule{noMFA}},
		{"an external ID is not MFA", trust(account, `,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`), []mfaRule{noMFA}},
		{"Bool true", trust(account, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":true}}`), []mfaRule{requiresMFA}},
		{"condition keys are case-insensitive", trust(account, `,"Condition":{"Bool":{"AWS:multifactorauthpresent":"true"}}`), []mfaRule{requiresMFA}},
		{"a maximum age", trust(account, `,"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), []mfaRule{requiresMFA}},
		{"BoolIfExists true", trust(account, `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`), []mfaRule{weakMFA}},
		{"Null false", trust(account, `,"Condition":{"Null":{"aws:MultiFactorAuthPresent":"false"}}`), []mfaRule{weakMFA}},
		{"a maximum age with IfExists", trust(account, `,"Condition":{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}`), []mfaRule{weakMFA}},
		{"another account", trust(`{"AWS":"`+away+`"}`, ""), nil},
		{"another user", trust(`{"AWS":"`+alice+`x"}`, ""), nil},
		{"a service", trust(`{"Service":"ec2.amazonaws.com"}`, ""), nil},
		{"a federated provider", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::` + home + `:saml-provider/x"},"Action":"sts:AssumeRoleWithSAML"}}`, nil},
		{"a document that cannot be read", `{"Version":`, nil},
		{"the weakest of two statements", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":` + account + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
			{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"sts:*"}]}`, []mfaRule{noMFA}},
		{"a statement for others does not count", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":` + account + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
			{"Effect":"Allow","Principal":{"AWS":"` + away + `"},"Action":"sts:AssumeRole"}]}`, []mfaRule{requiresMFA}},
	} {
		t.Run(row.name, func(t *testing.T) {
			account := &org.Account{ID: home, Roles: []org.Role{{Name: "r", Path: "/", ARN: "arn:aws:iam::" + home + ":role/r", Trust: row.trust}}}
			var got []mfaRule
			for _, r := range NewInventory([]*org.Account{account}, nil).targets(&org.User{Name: "alice", ARN: alice}, account).roles {
				got = append(got, r.mfa)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("MFA requirements (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheUserIsNotItsOwnTarget(t *testing.T) {
	device := []org.Device{{Serial: "GAHT1", Kind: org.HardwareMFA}}
	account := &org.Account{
		ID: home,
		Users: []org.User{
			{Name: "alice", Password: org.Yes, MFA: org.No},
			{Name: "bob", Password: org.No, MFA: org.No},
			{Name: "carol", Password: org.Yes, MFA: org.Yes, Devices: device},
			{Name: "dora", Password: org.Unknown, MFA: org.Unknown},
		},
		Groups: []org.Group{
			{Name: "hers", Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}},
			{Name: "others", Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}},
		},
		Roles: []org.Role{{Name: "AWSServiceRoleForX", Path: "/aws-service-role/x/", ARN: "x"}, {Name: "r", Path: "/", ARN: "r"}, {Name: "s", Path: "/", ARN: "s"}},
	}
	resources := map[string]Resources{home: {Objects: []string{"b/1", "b/2", "b/3", "b/4", "b/5"}, Instances: []string{"i-1"}, Tables: []string{"t"}}}
	inv := NewInventory([]*org.Account{account}, resources)
	want := targets{
		objects: []string{"b/1", "b/2", "b/3", "b/4"}, instances: []string{"i-1"}, tables: []string{"t"},
		other: "bob", otherNoPassword: "bob", otherPassword: "carol", otherNoDevice: "bob", otherWithDevice: "carol", otherDevice: "GAHT1",
		adminGroup: "others", editableRole: "r", ownRoles: []string{"x", "r", "s"},
	}
	got := inv.targets(&org.User{Name: "alice", ARN: alice, Groups: []string{"hers"}}, account)
	got.permissiveTrust = ""
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(targets{}, role{})); diff != "" {
		t.Errorf("targets of alice (-want +got):\n%s", diff)
	}
}

// Only the management account can act as the root user of others: of the member accounts.
func TestMemberAccountsAreTargetsOfTheManagementAccount(t *testing.T) {
	user := []org.User{{Name: "alice", ARN: alice}}
	management := &org.Account{ID: home, Management: true, Unit: "r-1", Users: user}
	accounts := []*org.Account{management, {ID: away, Unit: "ou-1", Users: user}, {ID: "333333333333", Users: user}}
	inv := NewInventory(accounts, nil)
	for i, want := range [][]string{{away}, nil, nil} {
		if d := cmp.Diff(want, inv.targets(&user[0], accounts[i]).members); d != "" {
			t.Errorf("member accounts for %s (-want +got):\n%s", accounts[i].ID, d)
		}
	}
}

// An instance and a table of the role's account are there to be destroyed: the last ones,
// which no other attack needs.
func TestRolesComeWithSomethingToDestroy(t *testing.T) {
	account := &org.Account{ID: home, Roles: []org.Role{{Name: "r", Path: "/", ARN: "r", Trust: trust(`{"AWS":"`+home+`"}`, "")}}}
	inv := NewInventory([]*org.Account{account}, map[string]Resources{home: {Instances: []string{"i-1", "i-2"}, Tables: []string{"t1", "t2"}}})
	want := []role{{arn: "r", account: home, instance: "i-2", table: "t2"}}
	if d := cmp.Diff(want, inv.targets(&org.User{Name: "alice", ARN: alice}, account).roles, cmp.AllowUnexported(role{})); d != "" {
		t.Errorf("roles (-want +got):\n%s", d)
	}
}

func TestScenariosHaveUniqueNames(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range [][]Scenario{Attacks, ExpectedAccess} {
		for _, d := range table {
			if seen[d.Name] || d.Title == "" || d.Why == "" || d.targets == nil || d.try == nil {
				t.Errorf("%s is duplicated or incomplete", d.Name)
			}
			seen[d.Name] = true
		}
	}
	if len(Attacks) < 25 {
		t.Errorf("%d attacks, want at least 25", len(Attacks))
	}
}
