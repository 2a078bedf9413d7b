package orgsvc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"forcemfa/internal/emulator/world"
)

func invite(t *testing.T, w *world.World, id string) string {
	t.Helper()
	out := must[organizations.InviteAccountToOrganizationOutput](t, from(w, management), "InviteAccountToOrganization", &organizations.InviteAccountToOrganizationInput{
		Target: &types.HandshakeParty{Type: types.HandshakePartyTypeAccount, Id: aws.String(id)}, Notes: aws.String("join us"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
	})
	return *out.Handshake.Id
}

// accept is AcceptHandshake by an account.
func accept(w *world.World, account, id string) error {
	_, err := do[organizations.AcceptHandshakeOutput](from(w, account), "AcceptHandshake", &organizations.AcceptHandshakeInput{HandshakeId: &id})
	return err
}

func TestInvitedAccountJoinsBelowTheRootWithItsTags(t *testing.T) {
	w := newWorld("aws")
	id := invite(t, w, stranger)
	for _, other := range []string{delegate, invited} {
		if got := fault(accept(w, other, id)); got != "HandshakeNotFoundException" {
			t.Errorf("%s accepts an invitation of another account: %q", other, got)
		}
	}
	if got := fault(accept(w, management, id)); got != "AccessDeniedException" {
		t.Errorf("the sender accepts its invitation: %q", got)
	}
	if err := accept(w, stranger, id); err != nil {
		t.Fatal(fault(err))
	}
	a := w.Account(stranger)
	if a.Unit != rootID || !a.Invited || !a.Joined.Equal(now) || !slices.Equal(a.SCPs, []string{full}) || len(w.Organization.Tags[stranger]) != 1 {
		t.Errorf("the account is in %q, invited %v since %s, with policies %v and tags %v", a.Unit, a.Invited, a.Joined, a.SCPs, w.Organization.Tags[stranger])
	}
	if got := fault(accept(w, stranger, id)); got != "HandshakeAlreadyInStateException" {
		t.Errorf("accepted twice: %q", got)
	}
}

func TestInvitationsThatCannotBeSent(t *testing.T) {
	w := newWorld("aws")
	send := func(account string) string {
		_, err := do[organizations.InviteAccountToOrganizationOutput](from(w, management), "InviteAccountToOrganization", &organizations.InviteAccountToOrganizationInput{
			Target: &types.HandshakeParty{Type: types.HandshakePartyTypeAccount, Id: aws.String(account)},
		})
		return fault(err)
	}
	if got := send(delegate); got != "HandshakeConstraintViolationException" {
		t.Errorf("a member is invited: %q", got)
	}
	invite(t, w, stranger)
	if got := send(stranger); got != "DuplicateHandshakeException" {
		t.Errorf("invited twice: %q", got)
	}
	for i := range 19 {
		invite(t, w, []string{"5", "6"}[i%2]+"00000000"+string(rune('0'+i/10))+string(rune('0'+i%10))+"0")
	}
	if got := send("700000000000"); got != "HandshakeConstraintViolationException" {
		t.Errorf("the twenty-first invitation of a day: %q", got)
	}
}

func TestHandshakesExpireAndAreForgotten(t *testing.T) {
	w := newWorld("aws")
	id := invite(t, w, stranger)
	at := func(d time.Duration) string {
		c := from(w, stranger)
		c.Now = now.Add(d)
		out, err := do[organizations.DescribeHandshakeOutput](c, "DescribeHandshake", &organizations.DescribeHandshakeInput{HandshakeId: &id})
		if err != nil {
			return fault(err)
		}
		return string(out.Handshake.State)
	}
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{0: "REQUESTED", 15*day - time.Second: "REQUESTED", 15 * day: "EXPIRED", 45*day - time.Second: "EXPIRED", 45 * day: "HandshakeNotFoundException"} {
		if got := at(d); got != want {
			t.Errorf("after %s: %q, want %q", d, got, want)
		}
	}
}

// A handshake of another world is not changed by that of a fork.
func TestAnswerStaysInItsWorld(t *testing.T) {
	w := newWorld("aws")
	id := invite(t, w, stranger)
	fork := w.Fork()
	if err := accept(fork, stranger, id); err != nil {
		t.Fatal(fault(err))
	}
	if w.Organization.FindHandshake(id).State != world.HandshakeRequested || w.Account(stranger).Unit != "" {
		t.Error("the account joined in both worlds")
	}
}

func TestAllFeaturesNeedEveryInvitedAccount(t *testing.T) {
	w := newWorld("aws")
	w.EditOrganization().FeatureSet = "CONSOLIDATED_BILLING"
	out := must[organizations.EnableAllFeaturesOutput](t, from(w, management), "EnableAllFeatures", &organizations.EnableAllFeaturesInput{})
	if got := fault(accept(w, management, *out.Handshake.Id)); got != "InvalidHandshakeTransitionException" {
		t.Errorf("finished before an account approved: %q", got)
	}
	asked := must[organizations.ListHandshakesForAccountOutput](t, from(w, invited), "ListHandshakesForAccount", &organizations.ListHandshakesForAccountInput{})
	if len(asked.Handshakes) != 1 || asked.Handshakes[0].Action != types.ActionTypeApproveAllFeatures {
		t.Fatalf("the invited account was asked %v", asked.Handshakes)
	}
	if err := accept(w, invited, *asked.Handshakes[0].Id); err != nil {
		t.Fatal(fault(err))
	}
	if err := accept(w, management, *out.Handshake.Id); err != nil {
		t.Fatal(fault(err))
	}
	if w.Organization.FeatureSet != "ALL" {
		t.Errorf("the features are %s", w.Organization.FeatureSet)
	}
}

func TestResourcePolicyDelegatesOperations(t *testing.T) {
	w := newWorld("aws")
	put := func(document string) string {
		_, err := do[organizations.PutResourcePolicyOutput](from(w, management), "PutResourcePolicy", &organizations.PutResourcePolicyInput{Content: &document})
		return fault(err)
	}
	allow := func(principal, action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"*"}]}`
	}
	someone := `{"AWS":"` + invited + `"}`
	for document, want := range map[string]string{
		"{": "InvalidInputException INVALID_RESOURCE_POLICY_JSON", allow(someone, "s3:GetObject"): "InvalidInputException UNSUPPORTED_ACTION_IN_RESOURCE_POLICY", allow(someone, "organizations:LeaveOrganization"): "InvalidInputException UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
		allow(`{"Service":"s3.amazonaws.com"}`, "organizations:ListAccounts"): "InvalidInputException INVALID_PRINCIPAL", allow(someone, "organizations:ListAccounts"): "",
	} {
		if got := put(document); got != want {
			t.Errorf("%s: %q, want %q", document, got, want)
		}
	}
	op, err := find("ListAccounts")
	if err != nil {
		t.Fatal(err)
	}
	asks, err := op.Asks(from(w, invited), &organizations.ListAccountsInput{})
	if err != nil || len(asks) != 1 || len(asks[0].Policies) != 1 || asks[0].ResourceAccount != management {
		t.Fatalf("a member is asked %+v, %v", asks, err)
	}
	if asks, _ := op.Asks(from(w, delegate), &organizations.ListAccountsInput{}); len(asks[0].Policies) != 0 {
		t.Error("the delegated administrator of a service needs the resource policy")
	}
	must[organizations.ListAccountsOutput](t, from(w, invited), "ListAccounts", &organizations.ListAccountsInput{})
	if _, err := do[organizations.MoveAccountOutput](from(w, invited), "MoveAccount", &organizations.MoveAccountInput{
		AccountId: aws.String(invited), SourceParentId: aws.String(blue), DestinationParentId: aws.String(teams),
	}); fault(err) != "AccessDeniedException" {
		t.Errorf("an operation that cannot be delegated: %q", fault(err))
	}
}

func TestOrganizationEndsAndBegins(t *testing.T) {
	w := newWorld("aws")
	deleted := func() string {
		_, err := do[organizations.DeleteOrganizationOutput](from(w, management), "DeleteOrganization", &organizations.DeleteOrganizationInput{})
		return fault(err)
	}
	if got := deleted(); got != "OrganizationNotEmptyException" {
		t.Errorf("an organization with members: %q", got)
	}
	w.EditOrganization().DelegatedAdmins = nil
	for _, id := range []string{delegate, invited, closed} {
		must[organizations.RemoveAccountFromOrganizationOutput](t, from(w, management), "RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountId: aws.String(id)})
	}
	fork := w.Fork()
	if got := deleted(); got != "" || w.Organization != nil || fork.Organization == nil {
		t.Fatalf("%q, organization %v, of the fork %v", got, w.Organization, fork.Organization)
	}
	out := must[organizations.CreateOrganizationOutput](t, from(w, delegate), "CreateOrganization", &organizations.CreateOrganizationInput{})
	if *out.Organization.MasterAccountId != delegate || !w.Organization.SCPsEnabled || w.Account(delegate).Unit == "" {
		t.Errorf("the organization is %+v", w.Organization)
	}
	if _, err := do[organizations.CreateOrganizationOutput](from(w, delegate), "CreateOrganization", &organizations.CreateOrganizationInput{}); fault(err) != "AlreadyInOrganizationException" {
		t.Errorf("created twice: %q", fault(err))
	}
}
