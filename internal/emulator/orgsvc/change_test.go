package orgsvc_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
)

func tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}

// Source: Organizations API Reference, CreateOrganizationalUnit, UpdateOrganizationalUnit,
// DeleteOrganizationalUnit.
func TestUnitFromCreationToDeletion(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	made := must[organizations.CreateOrganizationalUnitOutput](t, c, "CreateOrganizationalUnit",
		&organizations.CreateOrganizationalUnitInput{ParentId: aws.String(teams), Name: aws.String("Green"), Tags: []types.Tag{tag("team", "green")}}).OrganizationalUnit
	if want := "o-abcdefghij/" + rootID + "/" + teams + "/" + *made.Id + "/"; *made.Path != want {
		t.Errorf("path %s, want %s", *made.Path, want)
	}
	if _, err := do[organizations.CreateOrganizationalUnitOutput](c, "CreateOrganizationalUnit",
		&organizations.CreateOrganizationalUnitInput{ParentId: aws.String(teams), Name: aws.String("Green")}); fault(err) != "DuplicateOrganizationalUnitException" {
		t.Errorf("the same name: %s", fault(err))
	}
	if _, err := do[organizations.UpdateOrganizationalUnitOutput](c, "UpdateOrganizationalUnit",
		&organizations.UpdateOrganizationalUnitInput{OrganizationalUnitId: made.Id, Name: aws.String("Blue")}); fault(err) != "DuplicateOrganizationalUnitException" {
		t.Errorf("the name of a sibling: %s", fault(err))
	}
	must[organizations.UpdateOrganizationalUnitOutput](t, c, "UpdateOrganizationalUnit",
		&organizations.UpdateOrganizationalUnitInput{OrganizationalUnitId: made.Id, Name: aws.String("Lime")})
	must[organizations.MoveAccountOutput](t, c, "MoveAccount",
		&organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: made.Id})
	for id, want := range map[string]string{*made.Id: "OrganizationalUnitNotEmptyException", teams: "OrganizationalUnitNotEmptyException", "ou-root-ghost001": "OrganizationalUnitNotFoundException"} {
		if _, err := do[struct{}](c, "DeleteOrganizationalUnit", &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: &id}); fault(err) != want {
			t.Errorf("delete %s: %s, want %s", id, fault(err), want)
		}
	}
	must[organizations.MoveAccountOutput](t, c, "MoveAccount",
		&organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: made.Id, DestinationParentId: aws.String(blue)})
	must[organizations.DeleteOrganizationalUnitOutput](t, c, "DeleteOrganizationalUnit", &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: made.Id})
	if len(w.Organization.Units) != 3 || len(w.Organization.Tags) != 0 {
		t.Errorf("%d units and %d tagged resources are left", len(w.Organization.Units), len(w.Organization.Tags))
	}
}

func TestUnitsAreAtMostFiveLevelsDeep(t *testing.T) {
	c := from(newWorld("aws"), management)
	parent := blue // on the second level
	for n := range 3 {
		parent = *must[organizations.CreateOrganizationalUnitOutput](t, c, "CreateOrganizationalUnit",
			&organizations.CreateOrganizationalUnitInput{ParentId: &parent, Name: aws.String(fmt.Sprint("level ", n+3))}).OrganizationalUnit.Id
	}
	_, err := do[struct{}](c, "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentId: &parent, Name: aws.String("level 6")})
	if fault(err) != "ConstraintViolationException OU_DEPTH_LIMIT_EXCEEDED" {
		t.Errorf("a unit on the sixth level: %s", fault(err))
	}
}

func TestTagsOfEveryKindOfResource(t *testing.T) {
	w := newWorld("aws")
	before := w.Fork()
	c := from(w, management)
	for _, id := range []string{rootID, blue, invited, guard} {
		must[organizations.TagResourceOutput](t, c, "TagResource", &organizations.TagResourceInput{ResourceId: &id, Tags: []types.Tag{tag("b", "1"), tag("a", "1")}})
		must[organizations.TagResourceOutput](t, c, "TagResource", &organizations.TagResourceInput{ResourceId: &id, Tags: []types.Tag{tag("a", "2"), tag("c", "")}})
		must[organizations.UntagResourceOutput](t, c, "UntagResource", &organizations.UntagResourceInput{ResourceId: &id, TagKeys: []string{"b", "none"}})
		got := must[organizations.ListTagsForResourceOutput](t, c, "ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceId: &id}).Tags
		if diff := cmp.Diff([]types.Tag{tag("a", "2"), tag("c", "")}, got, cmpopts.IgnoreUnexported(types.Tag{})); diff != "" {
			t.Errorf("tags of %s (-want +got):\n%s", id, diff)
		}
	}
	if len(before.Organization.Tags) != 0 {
		t.Error("the fork from before has tags")
	}
}

func TestTagsThatAreRefused(t *testing.T) {
	c := from(newWorld("aws"), management)
	var many []types.Tag
	for n := range 51 {
		many = append(many, tag(fmt.Sprint(n), ""))
	}
	for _, row := range []struct {
		id   string
		tags []types.Tag
		want string
	}{
		{blue, []types.Tag{tag("a", "1"), tag("a", "2")}, "InvalidInputException DUPLICATE_TAG_KEY"},
		{blue, []types.Tag{tag("AWS:a", "1")}, "InvalidInputException INVALID_SYSTEM_TAGS_PARAMETER"},
		{blue, []types.Tag{tag("", "1")}, "InvalidInputException MIN_LENGTH_EXCEEDED"},
		{blue, []types.Tag{{Key: aws.String("a")}}, "InvalidInputException INPUT_REQUIRED"},
		{blue, nil, "InvalidInputException INPUT_REQUIRED"},
		{blue, many, "ConstraintViolationException MAX_TAG_LIMIT_EXCEEDED"},
		{full, []types.Tag{tag("a", "1")}, "InvalidInputException IMMUTABLE_POLICY"},
		{"000000000000", []types.Tag{tag("a", "1")}, "TargetNotFoundException"},
	} {
		if _, err := do[struct{}](c, "TagResource", &organizations.TagResourceInput{ResourceId: &row.id, Tags: row.tags}); fault(err) != row.want {
			t.Errorf("%s, %d tags: %s, want %s", row.id, len(row.tags), fault(err), row.want)
		}
	}
}

// Source: Service Authorization Reference, AWS Organizations, condition keys.
func TestTagsAndServicesAreConditionKeys(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	must[organizations.TagResourceOutput](t, c, "TagResource", &organizations.TagResourceInput{ResourceId: aws.String(blue), Tags: []types.Tag{tag("team", "blue")}})
	keys := func(name string, in any) map[string][]string {
		op, err := find(name)
		if err != nil {
			t.Fatal(err)
		}
		asks, err := op.Asks(c, in)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, ask := range asks {
			var x policy.Context
			ask.Context(&x)
			for _, key := range []string{"aws:RequestTag/cost", "aws:TagKeys", "aws:ResourceTag/team", "organizations:ServicePrincipal"} {
				if values, ok := x.Get(key); ok {
					got[key] = values
				}
			}
		}
		return got
	}
	for _, row := range []struct {
		name string
		in   any
		want map[string][]string
	}{
		{"TagResource", &organizations.TagResourceInput{ResourceId: aws.String(blue), Tags: []types.Tag{tag("cost", "7")}},
			map[string][]string{"aws:RequestTag/cost": {"7"}, "aws:TagKeys": {"cost"}, "aws:ResourceTag/team": {"blue"}}},
		{"UntagResource", &organizations.UntagResourceInput{ResourceId: aws.String(blue), TagKeys: []string{"cost"}},
			map[string][]string{"aws:TagKeys": {"cost"}, "aws:ResourceTag/team": {"blue"}}},
		{"DescribeOrganizationalUnit", &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: aws.String(blue)},
			map[string][]string{"aws:ResourceTag/team": {"blue"}}},
		{"EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("sso.amazonaws.com")},
			map[string][]string{"organizations:ServicePrincipal": {"sso.amazonaws.com"}}},
	} {
		if diff := cmp.Diff(row.want, keys(row.name, row.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// Source: Organizations API Reference, EnableAWSServiceAccess and
// RegisterDelegatedAdministrator.
func TestTrustedAccessComesBeforeDelegation(t *testing.T) {
	c := from(newWorld("aws"), management)
	const service = "member.org.stacksets.cloudformation.amazonaws.com"
	register := &organizations.RegisterDelegatedAdministratorInput{AccountId: aws.String(invited), ServicePrincipal: aws.String(service)}
	for _, row := range []struct {
		name string
		in   any
		want string
	}{
		{"RegisterDelegatedAdministrator", register, "ConstraintViolationException SERVICE_ACCESS_NOT_ENABLED"},
		{"EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String(service)}, ""},
		{"EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String(service)}, ""},
		{"RegisterDelegatedAdministrator", register, ""},
		{"RegisterDelegatedAdministrator", register, "AccountAlreadyRegisteredException"},
		{"RegisterDelegatedAdministrator", &organizations.RegisterDelegatedAdministratorInput{AccountId: aws.String(management), ServicePrincipal: aws.String(service)},
			"ConstraintViolationException CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"},
		{"DisableAWSServiceAccess", &organizations.DisableAWSServiceAccessInput{ServicePrincipal: aws.String(service)}, "ConstraintViolationException DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"},
		{"RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountId: aws.String(invited)}, "ConstraintViolationException CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"},
		{"DeregisterDelegatedAdministrator", &organizations.DeregisterDelegatedAdministratorInput{AccountId: aws.String(invited), ServicePrincipal: aws.String(service)}, ""},
		{"DeregisterDelegatedAdministrator", &organizations.DeregisterDelegatedAdministratorInput{AccountId: aws.String(invited), ServicePrincipal: aws.String(service)}, "AccountNotRegisteredException"},
	} {
		op, err := find(row.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := op.Do(c, row.in); fault(err) != row.want {
			t.Errorf("%s: %q, want %q", row.name, fault(err), row.want)
		}
	}
	got := must[organizations.ListAWSServiceAccessForOrganizationOutput](t, c, "ListAWSServiceAccessForOrganization", &organizations.ListAWSServiceAccessForOrganizationInput{}).EnabledServicePrincipals
	if len(got) != 1 || *got[0].ServicePrincipal != service || !got[0].DateEnabled.Equal(now) {
		t.Errorf("services with access: %+v", got)
	}
}

// Source: Organizations API Reference, CloseAccount, LeaveOrganization,
// RemoveAccountFromOrganization.
func TestAccountsLeaveAndClose(t *testing.T) {
	w := newWorld("aws")
	try := func(c *operation.Call, name string, in any, want string) {
		t.Helper()
		op, err := find(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := op.Do(c, in); fault(err) != want {
			t.Errorf("%s: %q, want %q", name, fault(err), want)
		}
	}
	c := from(w, management)
	try(c, "CloseAccount", &organizations.CloseAccountInput{AccountId: aws.String(closed)}, "AccountAlreadyClosedException")
	try(c, "CloseAccount", &organizations.CloseAccountInput{AccountId: aws.String(management)}, "ConstraintViolationException CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
	try(c, "LeaveOrganization", &organizations.LeaveOrganizationInput{}, "MasterCannotLeaveOrganizationException")
	try(c, "RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountId: aws.String(closed)}, "")
	try(from(w, closed), "DescribeOrganization", &organizations.DescribeOrganizationInput{}, "AWSOrganizationsNotInUseException")
	try(from(w, invited), "LeaveOrganization", &organizations.LeaveOrganizationInput{}, "")
	try(c, "CloseAccount", &organizations.CloseAccountInput{AccountId: aws.String(invited)}, "AccountNotFoundException")
	try(c, "CloseAccount", &organizations.CloseAccountInput{AccountId: aws.String(delegate)}, "")
	if a := w.Account(delegate); a.State != "PENDING_CLOSURE" || w.Account(invited).Unit != "" {
		t.Errorf("states: %s, %q", a.State, w.Account(invited).Unit)
	}
}

func TestPoliciesKeepTheirDescription(t *testing.T) {
	c := from(newWorld("aws"), management)
	id, err := create(t, c, "described", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	get := func() string {
		out, err := do[organizations.DescribePolicyOutput](c, "DescribePolicy", &organizations.DescribePolicyInput{PolicyId: &id})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Policy.PolicySummary.Description)
	}
	if got := get(); got != "d" {
		t.Errorf("after creation: %q", got)
	}
	for _, in := range []*organizations.UpdatePolicyInput{{PolicyId: &id, Description: aws.String("other")}, {PolicyId: &id, Name: aws.String("renamed")}} {
		if _, err := do[organizations.UpdatePolicyOutput](c, "UpdatePolicy", in); err != nil {
			t.Fatal(err)
		}
		if got := get(); got != "other" {
			t.Errorf("after an update: %q", got)
		}
	}
}
