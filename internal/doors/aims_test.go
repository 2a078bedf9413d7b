package doors

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

func TestTrustPoliciesAreRankedByWhatTheyAskOfACaller(t *testing.T) {
	const account = `{"AWS":"` + home + `"}`
	for _, row := range []struct {
		name, trust string
		want        []Guard // none: the role cannot be aimed at
	}{
		{"the account", trust(account, ""), []Guard{Unguarded}},
		{"the account by its root ARN", trust(`{"AWS":"arn:aws:iam::`+home+`:root"}`, ""), []Guard{Unguarded}},
		{"the user", trust(`{"AWS":"`+alice+`"}`, ""), []Guard{Unguarded}},
		{"everybody", trust(`"*"`, ""), []Guard{Unguarded}},
		{"an external ID is no MFA", trust(account, `,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`), []Guard{Unguarded}},
		{"Bool true", trust(account, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":true}}`), []Guard{Guarded}},
		{"keys compare without case", trust(account, `,"Condition":{"Bool":{"AWS:multifactorauthpresent":"true"}}`), []Guard{Guarded}},
		{"a greatest age", trust(account, `,"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), []Guard{Guarded}},
		{"BoolIfExists true", trust(account, `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`), []Guard{Weak}},
		{"Null false", trust(account, `,"Condition":{"Null":{"aws:MultiFactorAuthPresent":"false"}}`), []Guard{Weak}},
		{"a greatest age where there is one", trust(account, `,"Condition":{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}`), []Guard{Weak}},
		{"another account", trust(`{"AWS":"`+away+`"}`, ""), nil},
		{"another user", trust(`{"AWS":"`+alice+`x"}`, ""), nil},
		{"a service", trust(`{"Service":"ec2.amazonaws.com"}`, ""), nil},
		{"a federation", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::` + home + `:saml-provider/x"},"Action":"sts:AssumeRoleWithSAML"}}`, nil},
		{"a document that cannot be read", `{"Version":`, nil},
		{"the weakest of two statements", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":` + account + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
			{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"sts:*"}]}`, []Guard{Unguarded}},
		{"a statement for others does not count", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":` + account + `,"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
			{"Effect":"Allow","Principal":{"AWS":"` + away + `"},"Action":"sts:AssumeRole"}]}`, []Guard{Guarded}},
	} {
		t.Run(row.name, func(t *testing.T) {
			account := &org.Account{ID: home, Roles: []org.Role{{Name: "r", Path: "/", ARN: "arn:aws:iam::" + home + ":role/r", Trust: row.trust}}}
			var got []Guard
			for _, r := range Survey([]*org.Account{account}, nil).Aims(&org.User{Name: "alice", ARN: alice}, account).Roles {
				got = append(got, r.Guard)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("guards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAimsAreNeverTheUserItself(t *testing.T) {
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
		Roles: []org.Role{{Name: "AWSServiceRoleForX", Path: "/aws-service-role/x/"}, {Name: "r", Path: "/"}},
	}
	holdings := map[string]Holding{home: {Objects: []string{"b/1", "b/2", "b/3", "b/4", "b/5"}, Instances: []string{"i-1"}, Tables: []string{"t"}}}
	m := Survey([]*org.Account{account}, holdings)
	want := Aims{
		Objects: []string{"b/1", "b/2", "b/3", "b/4"}, Instances: []string{"i-1"}, Tables: []string{"t"},
		Peer: "bob", Newcomer: "bob", Colleague: "carol", Unprotected: "bob", Protected: "carol", ProtectedBy: "GAHT1",
		AdminGroup: "others", RoleOwned: "r",
	}
	got := m.Aims(&org.User{Name: "alice", ARN: alice, Groups: []string{"hers"}}, account)
	got.TrustAnybody = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("aims of alice (-want +got):\n%s", diff)
	}
}

func TestDoorsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range [][]Door{Attacks, MustWork} {
		for _, d := range table {
			if seen[d.Name] || d.Title == "" || d.Why == "" || d.Aims == nil || d.Try == nil {
				t.Errorf("%s is there twice or incomplete", d.Name)
			}
			seen[d.Name] = true
		}
	}
	if len(Attacks) < 25 {
		t.Errorf("%d attacks, want at least 25", len(Attacks))
	}
}
