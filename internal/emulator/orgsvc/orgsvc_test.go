package orgsvc_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/orgsvc"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

func reasonOf(err error) string {
	var input *types.InvalidInputException
	var constraint *types.ConstraintViolationException
	switch {
	case errors.As(err, &input):
		return string(input.Reason)
	case errors.As(err, &constraint):
		return string(constraint.Reason)
	}
	return ""
}

var unexported = cmp.Options{
	cmpopts.IgnoreUnexported(
		types.Account{}, types.Organization{}, types.PolicyTypeSummary{}, types.OrganizationalUnit{}, types.Root{},
		types.Policy{}, types.PolicySummary{}, types.PolicyTargetSummary{}, types.DelegatedAdministrator{},
		types.DelegatedService{}, types.CreateAccountStatus{}, types.Child{}, types.Parent{},
	),
}

func TestOrganizationAsEveryMemberSeesIt(t *testing.T) {
	want := &types.Organization{
		Arn:                  aws.String("arn:aws-cn:organizations::" + management + ":organization/o-abcdefghij"),
		AvailablePolicyTypes: []types.PolicyTypeSummary{{Status: "ENABLED", Type: "SERVICE_CONTROL_POLICY"}},
		FeatureSet:           "ALL",
		Id:                   aws.String("o-abcdefghij"),
		MasterAccountArn:     aws.String("arn:aws-cn:organizations::" + management + ":account/o-abcdefghij/" + management),
		MasterAccountEmail:   aws.String(management + "@example.com"),
		MasterAccountId:      aws.String(management),
	}
	for _, account := range []string{management, delegate, invited} {
		out := must[organizations.DescribeOrganizationOutput](t, from(newWorld("aws-cn"), account), "DescribeOrganization", &organizations.DescribeOrganizationInput{})
		if diff := cmp.Diff(want, out.Organization, unexported); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", account, diff)
		}
	}
}

// calls has one call of each operation that is in order.
func calls() map[string]any {
	most := aws.Int32(20)
	return map[string]any{
		"AttachPolicy":                        &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(blue)},
		"CreateAccount":                       &organizations.CreateAccountInput{AccountName: aws.String("new"), Email: aws.String("new@example.com")},
		"CloseAccount":                        &organizations.CloseAccountInput{AccountId: aws.String(invited)},
		"CreateOrganizationalUnit":            &organizations.CreateOrganizationalUnitInput{ParentId: aws.String(blue), Name: aws.String("New")},
		"CreatePolicy":                        &organizations.CreatePolicyInput{Name: aws.String("new"), Description: aws.String(""), Content: aws.String(document), Type: "SERVICE_CONTROL_POLICY"},
		"DeleteOrganizationalUnit":            &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitId: aws.String(blue)},
		"DeregisterDelegatedAdministrator":    &organizations.DeregisterDelegatedAdministratorInput{AccountId: aws.String(delegate), ServicePrincipal: aws.String("config.amazonaws.com")},
		"DisableAWSServiceAccess":             &organizations.DisableAWSServiceAccessInput{ServicePrincipal: aws.String("sso.amazonaws.com")},
		"EnableAWSServiceAccess":              &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("sso.amazonaws.com")},
		"LeaveOrganization":                   &organizations.LeaveOrganizationInput{},
		"ListAWSServiceAccessForOrganization": &organizations.ListAWSServiceAccessForOrganizationInput{},
		"RegisterDelegatedAdministrator":      &organizations.RegisterDelegatedAdministratorInput{AccountId: aws.String(invited), ServicePrincipal: aws.String("config.amazonaws.com")},
		"RemoveAccountFromOrganization":       &organizations.RemoveAccountFromOrganizationInput{AccountId: aws.String(invited)},
		"TagResource":                         &organizations.TagResourceInput{ResourceId: aws.String(blue), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}},
		"UntagResource":                       &organizations.UntagResourceInput{ResourceId: aws.String(invited), TagKeys: []string{"team"}},
		"UpdateOrganizationalUnit":            &organizations.UpdateOrganizationalUnitInput{OrganizationalUnitId: aws.String(blue), Name: aws.String("Azure")},
		"DeletePolicy":                        &organizations.DeletePolicyInput{PolicyId: aws.String("p-unattached")},
		"DescribeAccount":                     &organizations.DescribeAccountInput{AccountId: aws.String(invited)},
		"DescribeCreateAccountStatus":         &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: aws.String("car-0123456789abcdef")},
		"DescribeOrganization":                &organizations.DescribeOrganizationInput{},
		"DescribeOrganizationalUnit":          &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: aws.String(blue)},
		"DescribePolicy":                      &organizations.DescribePolicyInput{PolicyId: aws.String(guard)},
		"DetachPolicy":                        &organizations.DetachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(teams)},
		"DisablePolicyType":                   &organizations.DisablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"},
		"EnablePolicyType":                    &organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"},
		"ListAccounts":                        &organizations.ListAccountsInput{MaxResults: most},
		"ListAccountsForParent":               &organizations.ListAccountsForParentInput{ParentId: aws.String(blue)},
		"ListChildren":                        &organizations.ListChildrenInput{ParentId: aws.String(rootID), ChildType: "ACCOUNT"},
		"ListDelegatedAdministrators":         &organizations.ListDelegatedAdministratorsInput{},
		"ListDelegatedServicesForAccount":     &organizations.ListDelegatedServicesForAccountInput{AccountId: aws.String(delegate)},
		"ListOrganizationalUnitsForParent":    &organizations.ListOrganizationalUnitsForParentInput{ParentId: aws.String(rootID)},
		"ListParents":                         &organizations.ListParentsInput{ChildId: aws.String(invited)},
		"ListPolicies":                        &organizations.ListPoliciesInput{Filter: "SERVICE_CONTROL_POLICY"},
		"ListPoliciesForTarget":               &organizations.ListPoliciesForTargetInput{TargetId: aws.String(teams), Filter: "SERVICE_CONTROL_POLICY"},
		"ListRoots":                           &organizations.ListRootsInput{},
		"ListTagsForResource":                 &organizations.ListTagsForResourceInput{ResourceId: aws.String(guard)},
		"ListTargetsForPolicy":                &organizations.ListTargetsForPolicyInput{PolicyId: aws.String(full)},
		"MoveAccount":                         &organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: aws.String(teams)},
		"UpdatePolicy":                        &organizations.UpdatePolicyInput{PolicyId: aws.String(guard), Name: aws.String("renamed")},
		"AcceptHandshake":                     &organizations.AcceptHandshakeInput{HandshakeId: handshake},
		"CancelHandshake":                     &organizations.CancelHandshakeInput{HandshakeId: handshake},
		"DeclineHandshake":                    &organizations.DeclineHandshakeInput{HandshakeId: handshake},
		"DescribeHandshake":                   &organizations.DescribeHandshakeInput{HandshakeId: handshake},
		"ListHandshakesForAccount":            &organizations.ListHandshakesForAccountInput{},
		"ListHandshakesForOrganization":       &organizations.ListHandshakesForOrganizationInput{},
		"InviteAccountToOrganization":         &organizations.InviteAccountToOrganizationInput{Target: someone},
		"EnableAllFeatures":                   &organizations.EnableAllFeaturesInput{},
		"CreateOrganization":                  &organizations.CreateOrganizationInput{},
		"DeleteOrganization":                  &organizations.DeleteOrganizationInput{},
		"CreateGovCloudAccount":               &organizations.CreateGovCloudAccountInput{AccountName: aws.String("Gov"), Email: aws.String("gov@example.com")},
		"ListCreateAccountStatus":             &organizations.ListCreateAccountStatusInput{},
		"PutResourcePolicy":                   &organizations.PutResourcePolicyInput{Content: aws.String("{}")},
		"DescribeResourcePolicy":              &organizations.DescribeResourcePolicyInput{},
		"DeleteResourcePolicy":                &organizations.DeleteResourcePolicyInput{},
		"InviteOrganizationToTransferResponsibility": &organizations.InviteOrganizationToTransferResponsibilityInput{
			Type: types.ResponsibilityTransferTypeBilling, Target: someone, SourceName: aws.String("bills"), StartTimestamp: aws.Time(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)),
		},
		"DescribeResponsibilityTransfer":         &organizations.DescribeResponsibilityTransferInput{Id: transfer},
		"UpdateResponsibilityTransfer":           &organizations.UpdateResponsibilityTransferInput{Id: transfer, Name: aws.String("renamed")},
		"TerminateResponsibilityTransfer":        &organizations.TerminateResponsibilityTransferInput{Id: transfer},
		"ListInboundResponsibilityTransfers":     &organizations.ListInboundResponsibilityTransfersInput{Type: types.ResponsibilityTransferTypeBilling},
		"ListOutboundResponsibilityTransfers":    &organizations.ListOutboundResponsibilityTransfersInput{Type: types.ResponsibilityTransferTypeBilling},
		"DescribeEffectivePolicy":                &organizations.DescribeEffectivePolicyInput{PolicyType: types.EffectivePolicyTypeTagPolicy},
		"ListAccountsWithInvalidEffectivePolicy": &organizations.ListAccountsWithInvalidEffectivePolicyInput{PolicyType: types.EffectivePolicyTypeTagPolicy},
		"ListEffectivePolicyValidationErrors":    &organizations.ListEffectivePolicyValidationErrorsInput{AccountId: aws.String(invited), PolicyType: types.EffectivePolicyTypeTagPolicy},
	}
}

var (
	handshake = aws.String("h-none000001")
	transfer  = aws.String("rt-none0001")
	someone   = &types.HandshakeParty{Type: types.HandshakePartyTypeAccount, Id: aws.String(stranger)}
)

// outside are the operations that an account in no organization may call.
var outside = []string{"AcceptHandshake", "CancelHandshake", "CreateOrganization", "DeclineHandshake", "DescribeHandshake", "ListHandshakesForAccount"}

// Source: Organizations API Reference: who can call each operation.
func TestWhoMayCallWhat(t *testing.T) {
	anybody := []string{"DescribeEffectivePolicy", "DescribeOrganization", "LeaveOrganization"}
	managers := []string{
		"AttachPolicy", "CreateAccount", "CreatePolicy", "DeletePolicy", "DetachPolicy", "DisablePolicyType",
		"EnablePolicyType", "MoveAccount", "UpdatePolicy", "CloseAccount", "CreateOrganizationalUnit", "DeleteOrganizationalUnit",
		"DeregisterDelegatedAdministrator", "DisableAWSServiceAccess", "EnableAWSServiceAccess", "RegisterDelegatedAdministrator",
		"RemoveAccountFromOrganization", "TagResource", "UntagResource", "UpdateOrganizationalUnit",
		"CreateGovCloudAccount", "DeleteOrganization", "DeleteResourcePolicy", "DescribeResponsibilityTransfer", "EnableAllFeatures", "InviteAccountToOrganization",
		"InviteOrganizationToTransferResponsibility", "ListInboundResponsibilityTransfers", "ListOutboundResponsibilityTransfers", "PutResourcePolicy",
		"TerminateResponsibilityTransfer", "UpdateResponsibilityTransfer",
	}
	refused := func(account, name string) string {
		switch {
		case slices.Contains(outside, name):
			return ""
		case account == stranger:
			return "AWSOrganizationsNotInUseException"
		case account == management || slices.Contains(anybody, name):
			return ""
		case account == delegate && !slices.Contains(managers, name):
			return ""
		}
		return "AccessDeniedException"
	}
	list := calls()
	for _, op := range orgsvc.Operations() {
		if list[op.Name] == nil {
			t.Errorf("no call of %s", op.Name)
			continue
		}
		for _, account := range []string{management, delegate, invited, stranger} {
			w := newWorld("aws")
			_, err := op.Do(from(w, account), list[op.Name])
			want, got := refused(account, op.Name), fault(err)
			standing := got == "AWSOrganizationsNotInUseException" || got == "AccessDeniedException"
			if want != "" && got != want || want == "" && standing {
				t.Errorf("%s by %s: %q, want %q", op.Name, account, got, want)
			}
		}
	}
}

func TestWithoutOrganizationNothingIsInUse(t *testing.T) {
	w := newWorld("aws")
	w.Organization = nil
	for name, in := range calls() {
		if slices.Contains(outside, name) {
			continue
		}
		if _, err := do[struct{}](from(w, management), name, in); fault(err) != "AWSOrganizationsNotInUseException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Source: Service Authorization Reference, AWS Organizations.
func TestWhatEachOperationMustBeAllowedOn(t *testing.T) {
	prefix := "arn:aws:organizations::" + management + ":"
	guardARN := prefix + "policy/o-abcdefghij/service_control_policy/" + guard
	want := map[string]string{
		"AttachPolicy":                        guardARN + " " + prefix + "ou/o-abcdefghij/" + blue,
		"CloseAccount":                        prefix + "account/o-abcdefghij/" + invited,
		"CreateOrganizationalUnit":            prefix + "ou/o-abcdefghij/" + blue,
		"DeleteOrganizationalUnit":            prefix + "ou/o-abcdefghij/" + blue,
		"DeregisterDelegatedAdministrator":    prefix + "account/o-abcdefghij/" + delegate,
		"DisableAWSServiceAccess":             "*",
		"EnableAWSServiceAccess":              "*",
		"LeaveOrganization":                   "*",
		"ListAWSServiceAccessForOrganization": "*",
		"RegisterDelegatedAdministrator":      prefix + "account/o-abcdefghij/" + invited,
		"RemoveAccountFromOrganization":       prefix + "account/o-abcdefghij/" + invited,
		"TagResource":                         prefix + "ou/o-abcdefghij/" + blue,
		"UntagResource":                       prefix + "account/o-abcdefghij/" + invited,
		"UpdateOrganizationalUnit":            prefix + "ou/o-abcdefghij/" + blue,
		"CreateAccount":                       "*",
		"CreatePolicy":                        "*",
		"DeletePolicy":                        prefix + "policy/o-abcdefghij/service_control_policy/p-unattached",
		"DescribeAccount":                     prefix + "account/o-abcdefghij/" + invited,
		"DescribeCreateAccountStatus":         "*",
		"DescribeOrganization":                "*",
		"DescribeOrganizationalUnit":          prefix + "ou/o-abcdefghij/" + blue,
		"DescribePolicy":                      guardARN,
		"DetachPolicy":                        guardARN + " " + prefix + "ou/o-abcdefghij/" + teams,
		"DisablePolicyType":                   prefix + "root/o-abcdefghij/" + rootID,
		"EnablePolicyType":                    prefix + "root/o-abcdefghij/" + rootID,
		"ListAccounts":                        "*",
		"ListAccountsForParent":               prefix + "ou/o-abcdefghij/" + blue,
		"ListChildren":                        prefix + "root/o-abcdefghij/" + rootID,
		"ListDelegatedAdministrators":         "*",
		"ListDelegatedServicesForAccount":     prefix + "account/o-abcdefghij/" + delegate,
		"ListOrganizationalUnitsForParent":    prefix + "root/o-abcdefghij/" + rootID,
		"ListParents":                         prefix + "account/o-abcdefghij/" + invited,
		"ListPolicies":                        "*",
		"ListPoliciesForTarget":               prefix + "ou/o-abcdefghij/" + teams,
		"ListRoots":                           "*",
		"ListTagsForResource":                 guardARN,
		"ListTargetsForPolicy":                "arn:aws:organizations::aws:policy/service_control_policy/" + full,
		"MoveAccount":                         prefix + "account/o-abcdefghij/" + invited + " " + prefix + "ou/o-abcdefghij/" + blue + " " + prefix + "ou/o-abcdefghij/" + teams,
		"UpdatePolicy":                        guardARN,

		"AcceptHandshake":                            prefix + "handshake/o-abcdefghij/invite/h-none000001",
		"CancelHandshake":                            prefix + "handshake/o-abcdefghij/invite/h-none000001",
		"DeclineHandshake":                           prefix + "handshake/o-abcdefghij/invite/h-none000001",
		"DescribeHandshake":                          prefix + "handshake/o-abcdefghij/invite/h-none000001",
		"ListHandshakesForAccount":                   "*",
		"ListHandshakesForOrganization":              "*",
		"InviteAccountToOrganization":                prefix + "account/o-abcdefghij/" + stranger,
		"EnableAllFeatures":                          "*",
		"CreateOrganization":                         "*",
		"DeleteOrganization":                         "*",
		"CreateGovCloudAccount":                      "*",
		"ListCreateAccountStatus":                    "*",
		"PutResourcePolicy":                          prefix + "resourcepolicy/o-abcdefghij/rp-*",
		"DescribeResourcePolicy":                     "*",
		"DeleteResourcePolicy":                       "*",
		"InviteOrganizationToTransferResponsibility": prefix + "account/o-abcdefghij/" + stranger,
		"DescribeResponsibilityTransfer":             prefix + "transfer/o-abcdefghij/billing/inbound/rt-none0001",
		"UpdateResponsibilityTransfer":               prefix + "transfer/o-abcdefghij/billing/inbound/rt-none0001",
		"TerminateResponsibilityTransfer":            prefix + "transfer/o-abcdefghij/billing/inbound/rt-none0001",
		"ListInboundResponsibilityTransfers":         "*",
		"ListOutboundResponsibilityTransfers":        "*",
		"DescribeEffectivePolicy":                    "*",
		"ListAccountsWithInvalidEffectivePolicy":     "*",
		"ListEffectivePolicyValidationErrors":        prefix + "account/o-abcdefghij/" + invited,
	}
	got := map[string]string{}
	list := calls()
	for _, op := range orgsvc.Operations() {
		asks, err := op.Asks(from(newWorld("aws"), management), list[op.Name])
		if err != nil {
			t.Fatalf("%s: %v", op.Name, err)
		}
		var on []string
		for _, ask := range asks {
			if ask.Action != "organizations:"+op.Name || ask.Unconditional {
				t.Errorf("%s asks for %s, unconditional %t", op.Name, ask.Action, ask.Unconditional)
			}
			on = append(on, ask.Resource)
		}
		got[op.Name] = strings.Join(on, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

func TestPolicyTypeIsAConditionKey(t *testing.T) {
	op, err := find("ListPolicies")
	if err != nil {
		t.Fatal(err)
	}
	asks, err := op.Asks(from(newWorld("aws"), management), &organizations.ListPoliciesInput{Filter: "TAG_POLICY"})
	if err != nil {
		t.Fatal(err)
	}
	var x policy.Context
	asks[0].Context(&x)
	if got, _ := x.Get("organizations:PolicyType"); !slices.Equal(got, []string{"TAG_POLICY"}) {
		t.Errorf("organizations:PolicyType %v", got)
	}
}

func TestAccountHasStateAndStatus(t *testing.T) {
	w := newWorld("aws")
	for state, status := range map[string]types.AccountStatus{
		"ACTIVE": "ACTIVE", "SUSPENDED": "SUSPENDED", "PENDING_CLOSURE": "PENDING_CLOSURE", "CLOSED": "SUSPENDED", "PENDING_ACTIVATION": "SUSPENDED",
	} {
		w.Edit(invited).State = state
		out := must[organizations.DescribeAccountOutput](t, from(w, management), "DescribeAccount", &organizations.DescribeAccountInput{AccountId: aws.String(invited)})
		want := &types.Account{
			Arn:             aws.String("arn:aws:organizations::" + management + ":account/o-abcdefghij/" + invited),
			Email:           aws.String(invited + "@example.com"),
			Id:              aws.String(invited),
			JoinedMethod:    "INVITED",
			JoinedTimestamp: aws.Time(now.AddDate(-1, 0, 0)),
			Name:            aws.String("account 3"),
			Paths:           []string{"o-abcdefghij/" + rootID + "/" + teams + "/" + blue + "/" + invited + "/"},
			State:           types.AccountState(state),
			Status:          status,
		}
		if diff := cmp.Diff(want, out.Account, unexported); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
}

func TestTreeIsWalkedDownAndUp(t *testing.T) {
	c := from(newWorld("aws"), delegate)
	roots := must[organizations.ListRootsOutput](t, c, "ListRoots", &organizations.ListRootsInput{}).Roots
	wantRoots := []types.Root{{
		Arn: aws.String("arn:aws:organizations::" + management + ":root/o-abcdefghij/" + rootID), Id: aws.String(rootID), Name: aws.String("Root"),
		PolicyTypes: []types.PolicyTypeSummary{{Status: "ENABLED", Type: "SERVICE_CONTROL_POLICY"}},
	}}
	if diff := cmp.Diff(wantRoots, roots, unexported); diff != "" {
		t.Errorf("roots (-want +got):\n%s", diff)
	}
	units := must[organizations.ListOrganizationalUnitsForParentOutput](t, c, "ListOrganizationalUnitsForParent",
		&organizations.ListOrganizationalUnitsForParentInput{ParentId: aws.String(teams)}).OrganizationalUnits
	wantUnits := []types.OrganizationalUnit{{
		Arn: aws.String("arn:aws:organizations::" + management + ":ou/o-abcdefghij/" + blue), Id: aws.String(blue), Name: aws.String("Blue"),
		Path: aws.String("o-abcdefghij/" + rootID + "/" + teams + "/" + blue + "/"),
	}}
	if diff := cmp.Diff(wantUnits, units, unexported); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	one := must[organizations.DescribeOrganizationalUnitOutput](t, c, "DescribeOrganizationalUnit",
		&organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: aws.String(blue)}).OrganizationalUnit
	if diff := cmp.Diff(&wantUnits[0], one, unexported); diff != "" {
		t.Errorf("unit (-want +got):\n%s", diff)
	}
	children := must[organizations.ListChildrenOutput](t, c, "ListChildren",
		&organizations.ListChildrenInput{ParentId: aws.String(blue), ChildType: "ACCOUNT"}).Children
	if diff := cmp.Diff([]types.Child{{Id: aws.String(invited), Type: "ACCOUNT"}, {Id: aws.String(closed), Type: "ACCOUNT"}}, children, unexported); diff != "" {
		t.Errorf("children (-want +got):\n%s", diff)
	}
	for child, parent := range map[string]types.Parent{
		invited:    {Id: aws.String(blue), Type: "ORGANIZATIONAL_UNIT"},
		blue:       {Id: aws.String(teams), Type: "ORGANIZATIONAL_UNIT"},
		teams:      {Id: aws.String(rootID), Type: "ROOT"},
		management: {Id: aws.String(rootID), Type: "ROOT"},
	} {
		got := must[organizations.ListParentsOutput](t, c, "ListParents", &organizations.ListParentsInput{ChildId: &child}).Parents
		if diff := cmp.Diff([]types.Parent{parent}, got, unexported); diff != "" {
			t.Errorf("parents of %s (-want +got):\n%s", child, diff)
		}
	}
}

func TestAccountsOfAUnitAreNotThoseBelowIt(t *testing.T) {
	c := from(newWorld("aws"), management)
	got := map[string][]string{}
	for _, parent := range []string{rootID, teams, blue} {
		out := must[organizations.ListAccountsForParentOutput](t, c, "ListAccountsForParent", &organizations.ListAccountsForParentInput{ParentId: &parent})
		got[parent] = ids(out.Accounts)
	}
	want := map[string][]string{rootID: {management}, teams: {delegate}, blue: {invited, closed}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func ids(accounts []types.Account) []string {
	var list []string
	for _, a := range accounts {
		list = append(list, *a.Id)
	}
	return list
}

// crowd returns a world with this many more accounts in the unit blue.
func crowd(n int) *world.World {
	w := newWorld("aws")
	for i := range n {
		id := fmt.Sprintf("5%011d", i)
		w.AddAccount(&world.Account{ID: id, Name: id, Unit: blue})
	}
	return w
}

// walk lists all accounts and returns the sizes of the pages.
func walk(t *testing.T, c *operation.Call, most *int32) (accounts []string, sizes []int) {
	t.Helper()
	in := &organizations.ListAccountsInput{MaxResults: most}
	for {
		out := must[organizations.ListAccountsOutput](t, c, "ListAccounts", in)
		accounts = append(accounts, ids(out.Accounts)...)
		sizes = append(sizes, len(out.Accounts))
		if out.NextToken == nil {
			return accounts, sizes
		}
		if len(sizes) > 1000 {
			t.Fatal("the pages never end")
		}
		in = &organizations.ListAccountsInput{MaxResults: most, NextToken: out.NextToken}
	}
}

// Source: Organizations API Reference, ListAccounts.
func TestPagesHaveAtMostTwentyAccounts(t *testing.T) {
	w := crowd(40)
	for most, want := range map[int32][]int{0: {20, 20, 4}, 20: {20, 20, 4}, 15: {15, 15, 14}, 11: {11, 11, 11, 11}} {
		var asked *int32
		if most > 0 {
			asked = &most
		}
		accounts, sizes := walk(t, from(w, management), asked)
		if !slices.Equal(sizes, want) || len(accounts) != 44 || !slices.IsSorted(accounts) {
			t.Errorf("at most %d: pages %v, want %v; %d accounts", most, sizes, want, len(accounts))
		}
	}
}

// Source: Organizations API Reference, ListAccounts: "These operations can
// occasionally return an empty set of results even when more results are
// available".
func TestEmptyPagesComeWhenPagesAreSmall(t *testing.T) {
	c := from(crowd(40), management)
	c.PageSize = func(_, _, _ int) int { return 2 }
	accounts, sizes := walk(t, c, nil)
	empty := 0
	for _, n := range sizes {
		if n == 0 {
			empty++
		}
	}
	if empty < 3 || sizes[len(sizes)-1] == 0 || len(accounts) != 44 || len(slices.Compact(slices.Clone(accounts))) != 44 {
		t.Errorf("%d accounts in pages %v", len(accounts), sizes)
	}
	again, sizesAgain := walk(t, c, nil)
	if !slices.Equal(accounts, again) || !slices.Equal(sizes, sizesAgain) {
		t.Errorf("a second walk differs: %v", sizesAgain)
	}
}

func TestPagesGoOnWhereAnAccountIsGone(t *testing.T) {
	w := crowd(40)
	c := from(w, management)
	first := must[organizations.ListAccountsOutput](t, c, "ListAccounts", &organizations.ListAccountsInput{})
	last := ids(first.Accounts)[19]
	w.Edit(last).Unit = "" // left the organization
	second := must[organizations.ListAccountsOutput](t, c, "ListAccounts", &organizations.ListAccountsInput{NextToken: first.NextToken})
	if got := ids(second.Accounts); len(got) != 20 || got[0] <= last {
		t.Errorf("after %s: %v", last, got)
	}
}

func TestTokensAreGoodForOneListingOnly(t *testing.T) {
	c := from(crowd(40), management)
	first := must[organizations.ListAccountsOutput](t, c, "ListAccounts", &organizations.ListAccountsInput{})
	_, err := do[organizations.ListAccountsForParentOutput](c, "ListAccountsForParent",
		&organizations.ListAccountsForParentInput{ParentId: aws.String(blue), NextToken: first.NextToken})
	if got := fault(err); got != "InvalidInputException INVALID_NEXT_TOKEN" {
		t.Errorf("token of ListAccounts: %q", got)
	}
	_, err = do[organizations.ListAccountsOutput](c, "ListAccounts", &organizations.ListAccountsInput{NextToken: aws.String("!")})
	if got := fault(err); got != "InvalidInputException INVALID_NEXT_TOKEN" {
		t.Errorf("no token at all: %q", got)
	}
}

func TestMalformedInputIsNamed(t *testing.T) {
	c := from(newWorld("aws"), management)
	for _, row := range []struct {
		name string
		in   any
		want string
	}{
		{"DescribeAccount", &organizations.DescribeAccountInput{}, "InvalidInputException INPUT_REQUIRED"},
		{"DescribeAccount", &organizations.DescribeAccountInput{AccountId: aws.String("12")}, "InvalidInputException INVALID_PATTERN"},
		{"ListAccounts", &organizations.ListAccountsInput{MaxResults: aws.Int32(0)}, "InvalidInputException MIN_VALUE_EXCEEDED"},
		{"ListAccounts", &organizations.ListAccountsInput{MaxResults: aws.Int32(21)}, "InvalidInputException MAX_VALUE_EXCEEDED"},
		{"ListChildren", &organizations.ListChildrenInput{ParentId: aws.String(blue), ChildType: "USER"}, "InvalidInputException INVALID_ENUM"},
		{"ListPolicies", &organizations.ListPoliciesInput{Filter: "SCP"}, "InvalidInputException INVALID_ENUM_POLICY_TYPE"},
		{"CreatePolicy", &organizations.CreatePolicyInput{Name: aws.String(""), Content: aws.String("{}"), Type: "SERVICE_CONTROL_POLICY"}, "InvalidInputException MIN_LENGTH_EXCEEDED"},
		{"CreatePolicy", &organizations.CreatePolicyInput{Name: aws.String("x"), Content: aws.String("{}"), Type: "SERVICE_CONTROL_POLICY", Tags: []types.Tag{{}}}, "InvalidInputException INPUT_REQUIRED"},
		{"CreateAccount", &organizations.CreateAccountInput{AccountName: aws.String("x"), Email: aws.String("nobody")}, "InvalidInputException INVALID_PATTERN"},
	} {
		if _, err := do[struct{}](c, row.name, row.in); fault(err) != row.want {
			t.Errorf("%s: %q, want %q", row.name, fault(err), row.want)
		}
	}
}

func TestWhatDoesNotExistIsNamed(t *testing.T) {
	c := from(newWorld("aws"), management)
	ghost, unit, scp := aws.String("000000000000"), aws.String("ou-root-ghost001"), aws.String("p-ghostghost")
	for _, row := range []struct {
		name string
		in   any
		want string
	}{
		{"DescribeAccount", &organizations.DescribeAccountInput{AccountId: ghost}, "AccountNotFoundException"},
		{"DescribeAccount", &organizations.DescribeAccountInput{AccountId: aws.String(stranger)}, "AccountNotFoundException"},
		{"DescribeOrganizationalUnit", &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: unit}, "OrganizationalUnitNotFoundException"},
		{"ListAccountsForParent", &organizations.ListAccountsForParentInput{ParentId: unit}, "ParentNotFoundException"},
		{"ListOrganizationalUnitsForParent", &organizations.ListOrganizationalUnitsForParentInput{ParentId: unit}, "ParentNotFoundException"},
		{"ListChildren", &organizations.ListChildrenInput{ParentId: unit, ChildType: "ACCOUNT"}, "ParentNotFoundException"},
		{"ListParents", &organizations.ListParentsInput{ChildId: ghost}, "ChildNotFoundException"},
		{"DescribePolicy", &organizations.DescribePolicyInput{PolicyId: scp}, "PolicyNotFoundException"},
		{"UpdatePolicy", &organizations.UpdatePolicyInput{PolicyId: scp}, "PolicyNotFoundException"},
		{"DeletePolicy", &organizations.DeletePolicyInput{PolicyId: scp}, "PolicyNotFoundException"},
		{"AttachPolicy", &organizations.AttachPolicyInput{PolicyId: scp, TargetId: aws.String(blue)}, "PolicyNotFoundException"},
		{"AttachPolicy", &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: ghost}, "TargetNotFoundException"},
		{"DetachPolicy", &organizations.DetachPolicyInput{PolicyId: aws.String(guard), TargetId: unit}, "TargetNotFoundException"},
		{"DetachPolicy", &organizations.DetachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(blue)}, "PolicyNotAttachedException"},
		{"ListPoliciesForTarget", &organizations.ListPoliciesForTargetInput{TargetId: ghost, Filter: "SERVICE_CONTROL_POLICY"}, "TargetNotFoundException"},
		{"ListTargetsForPolicy", &organizations.ListTargetsForPolicyInput{PolicyId: scp}, "PolicyNotFoundException"},
		{"ListTagsForResource", &organizations.ListTagsForResourceInput{ResourceId: ghost}, "TargetNotFoundException"},
		{"EnablePolicyType", &organizations.EnablePolicyTypeInput{RootId: aws.String("r-ghost"), PolicyType: "SERVICE_CONTROL_POLICY"}, "RootNotFoundException"},
		{"ListDelegatedServicesForAccount", &organizations.ListDelegatedServicesForAccountInput{AccountId: ghost}, "AccountNotFoundException"},
		{"ListDelegatedServicesForAccount", &organizations.ListDelegatedServicesForAccountInput{AccountId: aws.String(invited)}, "AccountNotRegisteredException"},
		{"DescribeCreateAccountStatus", &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: aws.String("car-" + invited + "00000000")}, "CreateAccountStatusNotFoundException"},
		{"MoveAccount", &organizations.MoveAccountInput{AccountId: ghost, SourceParentId: aws.String(blue), DestinationParentId: aws.String(teams)}, "AccountNotFoundException"},
		{"MoveAccount", &organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(rootID), DestinationParentId: aws.String(teams)}, "SourceParentNotFoundException"},
		{"MoveAccount", &organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: unit}, "DestinationParentNotFoundException"},
		{"MoveAccount", &organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: aws.String(blue)}, "DuplicateAccountException"},
	} {
		if _, err := do[struct{}](c, row.name, row.in); fault(err) != row.want {
			t.Errorf("%s %+v: %q, want %q", row.name, row.in, fault(err), row.want)
		}
	}
}

func TestMovedAccountIsUnderItsNewParent(t *testing.T) {
	w := newWorld("aws")
	before := w.Fork()
	must[organizations.MoveAccountOutput](t, from(w, management), "MoveAccount",
		&organizations.MoveAccountInput{AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: aws.String(rootID)})
	if got := w.Account(invited).Unit; got != rootID {
		t.Errorf("unit %s, want %s", got, rootID)
	}
	if got := before.Account(invited).Unit; got != blue {
		t.Errorf("the fork from before moved it to %s", got)
	}
}

func TestDelegations(t *testing.T) {
	c := from(newWorld("aws"), delegate)
	admins := must[organizations.ListDelegatedAdministratorsOutput](t, c, "ListDelegatedAdministrators", &organizations.ListDelegatedAdministratorsInput{})
	if n := len(admins.DelegatedAdministrators); n != 1 {
		t.Fatalf("%d administrators, want 1", n)
	}
	if got := admins.DelegatedAdministrators[0]; *got.Id != delegate || !got.DelegationEnabledDate.Equal(now.AddDate(0, -2, 0)) {
		t.Errorf("%s since %s", *got.Id, got.DelegationEnabledDate)
	}
	none := must[organizations.ListDelegatedAdministratorsOutput](t, c, "ListDelegatedAdministrators",
		&organizations.ListDelegatedAdministratorsInput{ServicePrincipal: aws.String("sso.amazonaws.com")})
	if len(none.DelegatedAdministrators) != 0 {
		t.Errorf("administrators of another service: %v", none.DelegatedAdministrators)
	}
	services := must[organizations.ListDelegatedServicesForAccountOutput](t, c, "ListDelegatedServicesForAccount",
		&organizations.ListDelegatedServicesForAccountInput{AccountId: aws.String(delegate)})
	want := []types.DelegatedService{
		{ServicePrincipal: aws.String("config.amazonaws.com"), DelegationEnabledDate: aws.Time(now.AddDate(0, -2, 0))},
		{ServicePrincipal: aws.String("guardduty.amazonaws.com"), DelegationEnabledDate: aws.Time(now.AddDate(0, -1, 0))},
	}
	if diff := cmp.Diff(want, services.DelegatedServices, unexported); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

// Source: Organizations API Reference, CreateAccount, DescribeCreateAccountStatus.
func TestNewAccountCanBeEnteredByTheManagementAccount(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	made := must[organizations.CreateAccountOutput](t, c, "CreateAccount",
		&organizations.CreateAccountInput{AccountName: aws.String("New one"), Email: aws.String("new@example.com"), RoleName: aws.String("Enter")}).CreateAccountStatus
	if made.State != "IN_PROGRESS" || made.AccountId != nil {
		t.Errorf("at first: %s, account %v", made.State, made.AccountId)
	}
	status := must[organizations.DescribeCreateAccountStatusOutput](t, c, "DescribeCreateAccountStatus",
		&organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: made.Id}).CreateAccountStatus
	if status.State != "SUCCEEDED" {
		t.Fatalf("then: %s", status.State)
	}
	a := w.Account(*status.AccountId)
	role := a.Roles["enter"]
	want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`
	if a.Name != "New one" || a.Unit != rootID || !slices.Equal(a.SCPs, []string{full}) || role == nil || role.Trust != want ||
		!slices.Equal(role.Attached, []string{"arn:aws:iam::aws:policy/AdministratorAccess"}) {
		t.Errorf("account %+v, role %+v", a, role)
	}
}

func TestAnEmailAddressMakesOneAccount(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	n := len(w.Accounts())
	made := must[organizations.CreateAccountOutput](t, c, "CreateAccount",
		&organizations.CreateAccountInput{AccountName: aws.String("Again"), Email: aws.String(invited + "@EXAMPLE.com")}).CreateAccountStatus
	status := must[organizations.DescribeCreateAccountStatusOutput](t, c, "DescribeCreateAccountStatus",
		&organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: made.Id}).CreateAccountStatus
	if status.State != "FAILED" || status.FailureReason != "EMAIL_ALREADY_EXISTS" || len(w.Accounts()) != n {
		t.Errorf("%s, %s; %d accounts, %d before", status.State, status.FailureReason, len(w.Accounts()), n)
	}
}

func create(t *testing.T, c *operation.Call, name, text string) (string, error) {
	t.Helper()
	out, err := do[organizations.CreatePolicyOutput](c, "CreatePolicy",
		&organizations.CreatePolicyInput{Name: &name, Description: aws.String("d"), Content: &text, Type: "SERVICE_CONTROL_POLICY"})
	if err != nil {
		return "", err
	}
	return *out.Policy.PolicySummary.Id, nil
}

func TestPolicyFromCreationToDeletion(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	id, err := create(t, c, "new", document)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(document, "StopLogging", "DeleteTrail", 1)
	must[organizations.UpdatePolicyOutput](t, c, "UpdatePolicy", &organizations.UpdatePolicyInput{PolicyId: &id, Content: &changed, Name: aws.String("newer")})
	if diff := cmp.Diff(org.SCP{ID: id, Name: "newer", Document: changed}, w.Organization.SCPs[id]); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	must[organizations.AttachPolicyOutput](t, c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(blue)})
	must[organizations.AttachPolicyOutput](t, c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(invited)})
	targets := must[organizations.ListTargetsForPolicyOutput](t, c, "ListTargetsForPolicy", &organizations.ListTargetsForPolicyInput{PolicyId: &id}).Targets
	want := []types.PolicyTargetSummary{
		{Arn: aws.String("arn:aws:organizations::" + management + ":account/o-abcdefghij/" + invited), Name: aws.String("account 3"), TargetId: aws.String(invited), Type: "ACCOUNT"},
		{Arn: aws.String("arn:aws:organizations::" + management + ":ou/o-abcdefghij/" + blue), Name: aws.String("Blue"), TargetId: aws.String(blue), Type: "ORGANIZATIONAL_UNIT"},
	}
	if diff := cmp.Diff(want, targets, unexported); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	_, err = do[struct{}](c, "DeletePolicy", &organizations.DeletePolicyInput{PolicyId: &id})
	if got := fault(err); got != "PolicyInUseException" {
		t.Errorf("deleting it while attached: %q", got)
	}
	for _, target := range []string{blue, invited} {
		must[organizations.DetachPolicyOutput](t, c, "DetachPolicy", &organizations.DetachPolicyInput{PolicyId: &id, TargetId: &target})
	}
	must[organizations.DeletePolicyOutput](t, c, "DeletePolicy", &organizations.DeletePolicyInput{PolicyId: &id})
	if _, there := w.Organization.SCPs[id]; there {
		t.Error("it is still there")
	}
}

func TestAttachedPolicyIsInForceInThisWorldOnly(t *testing.T) {
	w := newWorld("aws")
	fork := w.Fork()
	must[organizations.AttachPolicyOutput](t, from(w, management), "AttachPolicy",
		&organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(blue)})
	levels := func(w *world.World) string {
		var names []string
		for _, level := range w.SCPs(invited) {
			for _, p := range level {
				names = append(names, p.Name)
			}
			names = append(names, "/")
		}
		return strings.Join(names, " ")
	}
	if got, want := levels(w), "SCP FullAWSAccess / SCP FullAWSAccess SCP guard / SCP FullAWSAccess SCP guard / SCP FullAWSAccess /"; got != want {
		t.Errorf("levels %s, want %s", got, want)
	}
	if got, want := levels(fork), "SCP FullAWSAccess / SCP FullAWSAccess SCP guard / SCP FullAWSAccess / SCP FullAWSAccess /"; got != want {
		t.Errorf("levels of the fork %s, want %s", got, want)
	}
}

// Source: Organizations User Guide, "Quotas and service limits".
func TestPolicyQuotas(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	padded := func(n int) string { return document + strings.Repeat(" ", n-len(document)) }
	if _, err := create(t, c, "fits", padded(10240)); err != nil {
		t.Errorf("10240 characters: %v", err)
	}
	if _, err := create(t, c, "does not fit", padded(10241)); fault(err) != "ConstraintViolationException POLICY_CONTENT_LIMIT_EXCEEDED" {
		t.Errorf("10241 characters, white space among them: %q", fault(err))
	}
	for i := range 9 {
		id, err := create(t, c, fmt.Sprint("policy ", i), document)
		if err != nil {
			t.Fatal(err)
		}
		must[organizations.AttachPolicyOutput](t, c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: &id, TargetId: aws.String(blue)})
	}
	_, err := do[struct{}](c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(blue)})
	if got := fault(err); got != "ConstraintViolationException MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED" {
		t.Errorf("the 11th policy: %q", got)
	}
	_, err = do[struct{}](c, "DetachPolicy", &organizations.DetachPolicyInput{PolicyId: aws.String(full), TargetId: aws.String(invited)})
	if got := fault(err); got != "ConstraintViolationException MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED" {
		t.Errorf("detaching the last policy: %q", got)
	}
}

func TestPoliciesThatCannotBe(t *testing.T) {
	c := from(newWorld("aws"), management)
	for _, row := range []struct {
		name string
		in   any
		want string
	}{
		{"CreatePolicy", &organizations.CreatePolicyInput{Name: aws.String("guard"), Content: aws.String(document), Type: "SERVICE_CONTROL_POLICY"}, "DuplicatePolicyException"},
		{"CreatePolicy", &organizations.CreatePolicyInput{Name: aws.String("x"), Content: aws.String(`{"Statement":`), Type: "SERVICE_CONTROL_POLICY"}, "MalformedPolicyDocumentException"},
		{"CreatePolicy", &organizations.CreatePolicyInput{Name: aws.String("x"), Content: aws.String(document), Type: "TAG_POLICY"}, "PolicyTypeNotAvailableForOrganizationException"},
		{"UpdatePolicy", &organizations.UpdatePolicyInput{PolicyId: aws.String(full), Name: aws.String("x")}, "InvalidInputException IMMUTABLE_POLICY"},
		{"DeletePolicy", &organizations.DeletePolicyInput{PolicyId: aws.String(full)}, "InvalidInputException IMMUTABLE_POLICY"},
		{"UpdatePolicy", &organizations.UpdatePolicyInput{PolicyId: aws.String(guard), Name: aws.String("FullAWSAccess")}, "DuplicatePolicyException"},
		{"UpdatePolicy", &organizations.UpdatePolicyInput{PolicyId: aws.String(guard), Content: aws.String("{}")}, "MalformedPolicyDocumentException"},
		{"AttachPolicy", &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(teams)}, "DuplicatePolicyAttachmentException"},
		{"EnablePolicyType", &organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"}, "PolicyTypeAlreadyEnabledException"},
		{"EnablePolicyType", &organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "TAG_POLICY"}, "PolicyTypeNotAvailableForOrganizationException"},
		{"DisablePolicyType", &organizations.DisablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "TAG_POLICY"}, "PolicyTypeNotEnabledException"},
	} {
		if _, err := do[struct{}](c, row.name, row.in); fault(err) != row.want {
			t.Errorf("%s: %q, want %q", row.name, fault(err), row.want)
		}
	}
}

func TestListedPoliciesAreThoseOfTheFilter(t *testing.T) {
	c := from(newWorld("aws"), delegate)
	list := func(filter types.PolicyType) []string {
		var names []string
		for _, p := range must[organizations.ListPoliciesOutput](t, c, "ListPolicies", &organizations.ListPoliciesInput{Filter: filter}).Policies {
			names = append(names, fmt.Sprint(*p.Name, " AWS managed ", p.AwsManaged))
		}
		return names
	}
	if got, want := list("SERVICE_CONTROL_POLICY"), []string{"FullAWSAccess AWS managed true", "guard AWS managed false"}; !slices.Equal(got, want) {
		t.Errorf("service control policies %v, want %v", got, want)
	}
	if got := list("TAG_POLICY"); got != nil {
		t.Errorf("tag policies %v", got)
	}
	attached := must[organizations.ListPoliciesForTargetOutput](t, c, "ListPoliciesForTarget",
		&organizations.ListPoliciesForTargetInput{TargetId: aws.String(blue), Filter: "SERVICE_CONTROL_POLICY"}).Policies
	if len(attached) != 1 || *attached[0].Id != full {
		t.Errorf("attached to blue itself: %v", attached)
	}
}

// Source: Organizations User Guide, "Disabling a policy type", "Enabling a
// policy type".
func TestDisabledPoliciesAreDetachedForGood(t *testing.T) {
	w := newWorld("aws")
	c := from(w, management)
	root := must[organizations.DisablePolicyTypeOutput](t, c, "DisablePolicyType",
		&organizations.DisablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"}).Root
	if len(root.PolicyTypes) != 0 || w.SCPs(invited) != nil || len(w.Organization.Units[1].SCPs)+len(w.Account(invited).SCPs) != 0 {
		t.Errorf("after disabling: %v, SCPs of the account %v, units %v", root.PolicyTypes, w.SCPs(invited), w.Organization.Units)
	}
	_, err := do[struct{}](c, "AttachPolicy", &organizations.AttachPolicyInput{PolicyId: aws.String(guard), TargetId: aws.String(blue)})
	if got := fault(err); got != "PolicyTypeNotEnabledException" {
		t.Errorf("attaching now: %q", got)
	}
	root = must[organizations.EnablePolicyTypeOutput](t, c, "EnablePolicyType",
		&organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"}).Root
	if len(root.PolicyTypes) != 1 {
		t.Errorf("after enabling: %v", root.PolicyTypes)
	}
	for _, target := range []string{rootID, teams, blue, invited, management} {
		got := must[organizations.ListPoliciesForTargetOutput](t, c, "ListPoliciesForTarget",
			&organizations.ListPoliciesForTargetInput{TargetId: &target, Filter: "SERVICE_CONTROL_POLICY"}).Policies
		if len(got) != 1 || *got[0].Id != full {
			t.Errorf("%s has %v", target, got)
		}
	}
}

func TestConsolidatedBillingHasNoPolicies(t *testing.T) {
	w := newWorld("aws")
	w.Organization.FeatureSet, w.Organization.SCPsEnabled = "CONSOLIDATED_BILLING", false
	c := from(w, management)
	_, err := do[struct{}](c, "EnablePolicyType", &organizations.EnablePolicyTypeInput{RootId: aws.String(rootID), PolicyType: "SERVICE_CONTROL_POLICY"})
	if got := fault(err); got != "PolicyTypeNotAvailableForOrganizationException" {
		t.Errorf("enabling: %q", got)
	}
	out := must[organizations.DescribeOrganizationOutput](t, c, "DescribeOrganization", &organizations.DescribeOrganizationInput{})
	if out.Organization.AvailablePolicyTypes != nil {
		t.Errorf("available: %v", out.Organization.AvailablePolicyTypes)
	}
}
