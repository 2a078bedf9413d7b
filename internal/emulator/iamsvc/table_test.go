package iamsvc

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
)

// An ask is an operation.Ask with the condition keys that it adds.
type ask struct {
	Action, Resource string
	Keys             map[string]string
}

func (s *stand) asks(in any) []ask {
	s.t.Helper()
	asks, err := operationOf(in).Asks(&s.call, in)
	if err != nil {
		s.t.Fatalf("%T: %v", in, err)
	}
	var all []ask
	for _, a := range asks {
		ctx := &policy.Context{}
		a.Context(ctx)
		keys := map[string]string{}
		for _, k := range ctx.Keys() {
			values, _ := ctx.Get(k)
			keys[k] = strings.Join(values, ",")
		}
		all = append(all, ask{a.Action, a.Resource, keys})
	}
	return all
}

// Source: Service Authorization Reference, IAM.
func TestOperationsAskForTheirActionOnTheirResource(t *testing.T) {
	const account = "arn:aws:iam::111122223333:"
	s := populated(t)
	s.did(
		&iam.PutUserPermissionsBoundaryInput{UserName: str("Alice"), PermissionsBoundary: str(s3Read)},
		&iam.TagMFADeviceInput{SerialNumber: str(account + "mfa/phone"), Tags: []types.Tag{{Key: str("m"), Value: str("n")}}},
	)
	aliceKeys := func(more ...string) map[string]string {
		keys := map[string]string{"aws:resourcetag/team": "blue", "iam:resourcetag/team": "blue"}
		for i := 0; i < len(more); i += 2 {
			keys[more[i]] = more[i+1]
		}
		return keys
	}
	none := map[string]string{}
	bounded := aliceKeys("iam:permissionsboundary", s3Read)
	attach := aliceKeys("iam:permissionsboundary", s3Read, "iam:policyarn", own)
	tags := []types.Tag{{Key: str("Dept"), Value: str("it")}}
	tagged := map[string]string{"aws:requesttag/dept": "it", "aws:tagkeys": "Dept"}
	bobsKey := s.ofBob(firstKey)
	for _, row := range []struct {
		in   any
		want []ask
	}{
		{&iam.GetUserInput{UserName: str("ALICE")}, []ask{{"iam:GetUser", account + "user/team/Alice", aliceKeys()}}},
		{&iam.GetUserInput{UserName: str("nobody")}, []ask{{"iam:GetUser", account + "user/nobody", none}}},
		{&iam.ListUsersInput{}, []ask{{"iam:ListUsers", "*", none}}},
		{&iam.CreateUserInput{UserName: str("new"), Path: str("/x/"), PermissionsBoundary: str(own), Tags: tags}, []ask{
			{"iam:CreateUser", account + "user/x/new", map[string]string{"aws:requesttag/dept": "it", "aws:tagkeys": "Dept", "iam:permissionsboundary": own}},
			{"iam:TagUser", account + "user/x/new", map[string]string{"aws:requesttag/dept": "it", "aws:tagkeys": "Dept", "iam:permissionsboundary": own}},
		}},
		{&iam.CreateUserInput{UserName: str("new")}, []ask{{"iam:CreateUser", account + "user/new", none}}},
		{&iam.TagUserInput{UserName: str("Alice"), Tags: tags}, []ask{{"iam:TagUser", account + "user/team/Alice", aliceKeys("aws:requesttag/dept", "it", "aws:tagkeys", "Dept")}}},
		{&iam.UntagUserInput{UserName: str("Alice"), TagKeys: []string{"a", "B"}}, []ask{{"iam:UntagUser", account + "user/team/Alice", aliceKeys("aws:tagkeys", "a,B")}}},
		{&iam.AttachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)}, []ask{{"iam:AttachUserPolicy", account + "user/team/Alice", attach}}},
		{&iam.DetachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)}, []ask{{"iam:DetachUserPolicy", account + "user/team/Alice", attach}}},
		{&iam.PutUserPolicyInput{UserName: str("Alice"), PolicyName: str("p"), PolicyDocument: str(allowS3)}, []ask{{"iam:PutUserPolicy", account + "user/team/Alice", bounded}}},
		{&iam.DeleteUserPermissionsBoundaryInput{UserName: str("Alice")}, []ask{{"iam:DeleteUserPermissionsBoundary", account + "user/team/Alice", bounded}}},
		{&iam.PutUserPermissionsBoundaryInput{UserName: str("Alice"), PermissionsBoundary: str(own)}, []ask{{"iam:PutUserPermissionsBoundary", account + "user/team/Alice", aliceKeys("iam:permissionsboundary", own)}}},
		{&iam.AddUserToGroupInput{UserName: str("Alice"), GroupName: str("OPS")}, []ask{{"iam:AddUserToGroup", account + "group/ops", none}}},
		{&iam.AttachGroupPolicyInput{GroupName: str("ops"), PolicyArn: str(own)}, []ask{{"iam:AttachGroupPolicy", account + "group/ops", map[string]string{"iam:policyarn": own}}}},
		{&iam.CreateGroupInput{GroupName: str("new"), Path: str("/g/")}, []ask{{"iam:CreateGroup", account + "group/g/new", none}}},
		{&iam.UpdateAssumeRolePolicyInput{RoleName: str("app"), PolicyDocument: str(trust)}, []ask{{"iam:UpdateAssumeRolePolicy", account + "role/app", map[string]string{"aws:resourcetag/tier": "web", "iam:resourcetag/tier": "web"}}}},
		{&iam.CreatePolicyInput{PolicyName: str("new"), Path: str("/forcemfa/"), PolicyDocument: str(allowS3), Tags: tags}, []ask{
			{"iam:CreatePolicy", account + "policy/forcemfa/new", tagged}, {"iam:TagPolicy", account + "policy/forcemfa/new", tagged},
		}},
		{&iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(allowS3)}, []ask{{"iam:CreatePolicyVersion", own, map[string]string{"aws:resourcetag/a": "b"}}}},
		{&iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: str("pad")}, []ask{{"iam:CreateVirtualMFADevice", account + "mfa/pad", none}}},
		{&iam.DeleteVirtualMFADeviceInput{SerialNumber: str(account + "mfa/phone")}, []ask{{"iam:DeleteVirtualMFADevice", account + "mfa/phone", map[string]string{"aws:resourcetag/m": "n"}}}},
		{&iam.DeactivateMFADeviceInput{UserName: str("bob"), SerialNumber: str(account + "mfa/phone")}, []ask{{"iam:DeactivateMFADevice", account + "user/bob", none}}},
		{&iam.ListVirtualMFADevicesInput{}, []ask{{"iam:ListVirtualMFADevices", "*", none}}},
		{&iam.GetAccessKeyLastUsedInput{AccessKeyId: bobsKey}, []ask{{"iam:GetAccessKeyLastUsed", account + "user/bob", none}}},
		{&iam.CreateServiceSpecificCredentialInput{UserName: str("bob"), ServiceName: str("bedrock.amazonaws.com"), CredentialAgeDays: num(7)}, []ask{
			{"iam:CreateServiceSpecificCredential", account + "user/bob", map[string]string{"iam:servicespecificcredentialservicename": "bedrock.amazonaws.com", "iam:servicespecificcredentialagedays": "7"}},
		}},
		{&iam.GetAccountAuthorizationDetailsInput{}, []ask{{"iam:GetAccountAuthorizationDetails", "*", none}}},
		{&iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject"}}, []ask{{"iam:SimulatePrincipalPolicy", alice, none}}},
	} {
		if diff := cmp.Diff(row.want, s.asks(row.in)); diff != "" {
			t.Errorf("%T:\n%s", row.in, diff)
		}
	}
}

func TestOperationsWithoutUserNameAskForTheCaller(t *testing.T) {
	bob := populated(t).as("bob", nil)
	for _, in := range []any{
		&iam.GetUserInput{}, &iam.ListMFADevicesInput{}, &iam.CreateAccessKeyInput{}, &iam.ListAccessKeysInput{}, &iam.GetLoginProfileInput{}, &iam.DeleteLoginProfileInput{},
		&iam.ChangePasswordInput{OldPassword: str("a"), NewPassword: str("b")}, &iam.ListSSHPublicKeysInput{}, &iam.ListServiceSpecificCredentialsInput{}, &iam.ListSigningCertificatesInput{},
	} {
		want := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
		if diff := cmp.Diff([]ask{{"iam:" + want, "arn:aws:iam::111122223333:user/bob", map[string]string{}}}, bob.asks(in)); diff != "" {
			t.Errorf("%s:\n%s", want, diff)
		}
	}
}

func TestTableNamesEachOperationOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range Operations() {
		if seen[op.Name] {
			t.Errorf("%s is there twice", op.Name)
		}
		seen[op.Name] = true
		input := strings.TrimSuffix(reflect.TypeOf(op.New()).Elem().Name(), "Input")
		if input != op.Name {
			t.Errorf("%s takes the input of %s", op.Name, input)
		}
		reads := strings.HasPrefix(op.Name, "Get") || strings.HasPrefix(op.Name, "List") || strings.HasPrefix(op.Name, "Simulate")
		if op.Writes == reads {
			t.Errorf("%s: Writes is %v", op.Name, op.Writes)
		}
	}
}

// A function that writes to a shared account without Edit would change the
// original world of a fork.
func TestReadsWriteNothing(t *testing.T) {
	s := populated(t)
	before := s.call.World.Account(here)
	fork := *s
	fork.call.World = s.call.World.Fork()
	serial := "arn:aws:iam::111122223333:mfa/phone"
	for _, in := range []any{
		&iam.GetUserInput{UserName: str("bob")}, &iam.ListUsersInput{}, &iam.ListUserTagsInput{UserName: str("bob")}, &iam.GetGroupInput{GroupName: str("ops")}, &iam.ListGroupsInput{},
		&iam.ListGroupsForUserInput{UserName: str("Alice")}, &iam.GetRoleInput{RoleName: str("app")}, &iam.ListRolesInput{}, &iam.GetPolicyInput{PolicyArn: str(own)}, &iam.ListPoliciesInput{},
		&iam.ListPolicyVersionsInput{PolicyArn: str(own)}, &iam.ListEntitiesForPolicyInput{PolicyArn: str(own)}, &iam.ListMFADevicesInput{UserName: str("bob")}, &iam.ListVirtualMFADevicesInput{},
		&iam.ListMFADeviceTagsInput{SerialNumber: &serial}, &iam.ListAccessKeysInput{UserName: str("bob")}, &iam.GetAccountSummaryInput{}, &iam.GetAccountAuthorizationDetailsInput{},
		&iam.ListServiceSpecificCredentialsInput{UserName: str("bob")}, &iam.ListSSHPublicKeysInput{UserName: str("bob")}, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject"}},
	} {
		if operationOf(in).Writes {
			t.Errorf("%T is in the table as a write", in)
		}
		fork.did(in)
		if fork.call.World.Account(here) != before {
			t.Fatalf("%T copied the account", in)
		}
	}
}

func TestWritesToAForkStayThere(t *testing.T) {
	s := populated(t)
	body, private := keyPair(t, testKey(t))
	document := metadataOf(t, "")
	x, oidc, saml := str("x"), str("arn:aws:iam::111122223333:oidc-provider/a.example.com"), str("arn:aws:iam::111122223333:saml-provider/x")
	s.did(
		&iam.CreateInstanceProfileInput{InstanceProfileName: x}, &iam.CreateOpenIDConnectProviderInput{Url: str("https://a.example.com"), ClientIDList: []string{"a"}},
		&iam.CreateSAMLProviderInput{Name: x, SAMLMetadataDocument: &document}, &iam.UploadServerCertificateInput{ServerCertificateName: x, CertificateBody: &body, PrivateKey: &private},
	)
	before := s.state()
	fork := *s
	fork.call.World = s.call.World.Fork()
	fork.did(
		&iam.AddRoleToInstanceProfileInput{InstanceProfileName: x, RoleName: str("app")}, &iam.TagInstanceProfileInput{InstanceProfileName: x, Tags: blue},
		&iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc, ClientID: str("a")}, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc, ClientID: str("b")},
		&iam.UpdateSAMLProviderInput{SAMLProviderArn: saml, AddPrivateKey: &private}, &iam.DeleteSAMLProviderInput{SAMLProviderArn: saml},
		&iam.UpdateServerCertificateInput{ServerCertificateName: x, NewServerCertificateName: str("y")}, &iam.EnableOutboundWebIdentityFederationInput{},
		&iam.CreateServiceLinkedRoleInput{AWSServiceName: str("autoscaling.amazonaws.com")}, &iam.DeleteServiceLinkedRoleInput{RoleName: str("AWSServiceRoleForAutoScaling")},
		&iam.GenerateServiceLastAccessedDetailsInput{Arn: str(alice)}, &iam.SetSecurityTokenServicePreferencesInput{GlobalEndpointTokenVersion: types.GlobalEndpointTokenVersionV2Token},
		&iam.TagUserInput{UserName: str("Alice"), Tags: []types.Tag{{Key: str("team"), Value: str("red")}}}, &iam.UpdateUserInput{UserName: str("bob"), NewUserName: str("eve")},
		&iam.CreatePolicyVersionInput{PolicyArn: str(own), PolicyDocument: str(denyAll), SetAsDefault: true}, &iam.DeletePolicyVersionInput{PolicyArn: str(own), VersionId: str("v1")},
		&iam.DetachUserPolicyInput{UserName: str("Alice"), PolicyArn: str(own)}, &iam.DeleteUserPolicyInput{UserName: str("Alice"), PolicyName: str("mine")},
		&iam.UpdateAssumeRolePolicyInput{RoleName: str("app"), PolicyDocument: str(" " + trust)}, &iam.UpdateGroupInput{GroupName: str("ops"), NewGroupName: str("other")},
		&iam.DeactivateMFADeviceInput{UserName: str("eve"), SerialNumber: str("arn:aws:iam::111122223333:mfa/phone")}, &iam.UpdateLoginProfileInput{UserName: str("eve"), Password: str("Another-Horse-2")},
		&iam.CreateAccountAliasInput{AccountAlias: str("acme")}, &iam.GenerateCredentialReportInput{},
	)
	if after := s.state(); after != before {
		t.Errorf("the world that was forked from changed:\n%s", cmp.Diff(before, after))
	}
}

// A new path or name must be allowed on the ARN that the user or group gets.
func TestRenamingAsksForTheNewARNToo(t *testing.T) {
	s := populated(t)
	for _, row := range []struct {
		in   any
		want []string
	}{
		{&iam.UpdateUserInput{UserName: str("bob")}, []string{"user/bob"}},
		{&iam.UpdateUserInput{UserName: str("bob"), NewUserName: str("eve")}, []string{"user/bob", "user/eve"}},
		{&iam.UpdateUserInput{UserName: str("bob"), NewPath: str("/workloads/")}, []string{"user/bob", "user/workloads/bob"}},
		{&iam.UpdateUserInput{UserName: str("bob"), NewPath: str("/a/b/"), NewUserName: str("eve")}, []string{"user/bob", "user/a/b/eve"}},
		{&iam.UpdateGroupInput{GroupName: str("ops"), NewGroupName: str("other")}, []string{"group/ops", "group/other"}},
	} {
		asks, err := operationOf(row.in).Asks(&s.call, row.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range asks {
			got = append(got, strings.TrimPrefix(a.Resource, "arn:aws:iam::111122223333:"))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", row.in, diff)
		}
	}
}
