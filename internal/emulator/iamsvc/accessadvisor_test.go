package iamsvc

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

func TestAccessAdvisorReportsAllowedServicesAndTheirLastUse(t *testing.T) {
	s := populated(t)
	s.did(&iam.PutUserPolicyInput{UserName: str("Alice"), PolicyName: str("more"), PolicyDocument: str(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","ec2:None*"],"Resource":"*"},{"Effect":"Deny","Action":"sqs:*","Resource":"*"}]}`)})
	use := world.Use{At: noon.Add(-time.Hour), Region: "eu-west-1", Service: "s3"}
	s.call.World.UseService(alice, "s3", use)
	job := do[iam.GenerateServiceLastAccessedDetailsOutput](s, &iam.GenerateServiceLastAccessedDetailsInput{Arn: str(alice)}).JobId
	out := do[iam.GetServiceLastAccessedDetailsOutput](s, &iam.GetServiceLastAccessedDetailsInput{JobId: job})
	got := map[string]string{}
	for _, l := range out.ServicesLastAccessed {
		got[*l.ServiceNamespace] = aws.ToString(l.LastAuthenticatedEntity) + " " + aws.ToString(l.LastAuthenticatedRegion)
	}
	for namespace, want := range map[string]string{"iam": " ", "s3": alice + " eu-west-1", "s3-object-lambda": " "} {
		if got[namespace] != want {
			t.Errorf("%s: %q, want %q", namespace, got[namespace], want)
		}
	}
	for _, absent := range []string{"ec2", "sqs"} {
		if _, ok := got[absent]; ok {
			t.Errorf("%s is in the report", absent)
		}
	}
	if out.JobStatus != types.JobStatusTypeCompleted || out.JobType != types.AccessAdvisorUsageGranularityTypeServiceLevel {
		t.Errorf("job %s %s", out.JobStatus, out.JobType)
	}
	with := do[iam.GetServiceLastAccessedDetailsWithEntitiesOutput](s, &iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: str("s3")})
	if len(with.EntityDetailsList) != 1 || *with.EntityDetailsList[0].EntityInfo.Name != "Alice" || !with.EntityDetailsList[0].LastAuthenticated.Equal(use.At) {
		t.Errorf("entities %+v", with.EntityDetailsList)
	}
	s.wantRefused(&iam.GetServiceLastAccessedDetailsWithEntitiesInput{JobId: job, ServiceNamespace: str("sqs")}, "NoSuchEntity: ")
	s.wantRefused(&iam.GetServiceLastAccessedDetailsInput{JobId: str("00000000-0000-0000-0000-000000000000")}, "NoSuchEntity: ")
	s.wantRefused(&iam.GenerateServiceLastAccessedDetailsInput{Arn: str("arn:aws:iam::111122223333:user/nobody")}, "NoSuchEntity: ")
	s.wantRefused(&iam.GenerateServiceLastAccessedDetailsInput{Arn: str("arn:aws:s3:::a-bucket-with-a-name")}, "InvalidInput: ")
	s.call.Now = s.call.Now.Add(8 * 24 * time.Hour)
	s.wantRefused(&iam.GetServiceLastAccessedDetailsInput{JobId: job}, "NoSuchEntity: ")
}

func TestAccessAdvisorKnowsWhoHasAPolicy(t *testing.T) {
	s := populated(t)
	for arn, want := range map[string][]string{
		own: {alice, "arn:aws:iam::111122223333:role/app"}, s3Read: {alice, "arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport", "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"},
		"arn:aws:iam::111122223333:group/ops": {alice},
	} {
		of, err := accessorOf(&s.call, arn)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(of.principals)
		slices.Sort(want)
		if diff := cmp.Diff(want, of.principals); diff != "" {
			t.Errorf("%s:\n%s", arn, diff)
		}
	}
}

func TestPoliciesGrantingServiceAccess(t *testing.T) {
	s := populated(t)
	out := do[iam.ListPoliciesGrantingServiceAccessOutput](s, &iam.ListPoliciesGrantingServiceAccessInput{Arn: str(alice), ServiceNamespaces: []string{"s3", "sqs"}})
	var got []string
	for _, e := range out.PoliciesGrantingServiceAccess {
		for _, p := range e.Policies {
			got = append(got, *e.ServiceNamespace+" "+string(p.PolicyType)+" "+*p.PolicyName+" "+aws.ToString(p.EntityName))
		}
	}
	if diff := cmp.Diff([]string{"s3 INLINE mine Alice", "s3 MANAGED Own ", "s3 INLINE shared ops", "s3 MANAGED AmazonS3ReadOnlyAccess "}, got); diff != "" {
		t.Error(diff)
	}
	s.wantRefused(&iam.ListPoliciesGrantingServiceAccessInput{Arn: str(alice), ServiceNamespaces: []string{"nothing"}}, "InvalidInput: ")
}

// organized puts the account of a stand into an organization that it manages, with a
// member in a unit.
func organized(s *stand, member string) {
	w := s.call.World
	w.Organization = &world.Organization{ID: "o-exampleorg", ManagementAccount: here, FeatureSet: "ALL"}
	w.Edit(here).Unit = "r-root"
	w.AddAccount(&world.Account{ID: member, Unit: "r-root"})
}

func TestOrganizationsAccessReportCoversTheAccountsOfAPath(t *testing.T) {
	s := populated(t)
	const member = "444455556666"
	generate := &iam.GenerateOrganizationsAccessReportInput{EntityPath: str("o-exampleorg/r-root/" + member)}
	s.wantRefused(generate, "AccessDenied: ")
	organized(s, member)
	w := s.call.World
	w.Organization.Units = []org.Unit{{ID: "r-root"}}
	generate.EntityPath = str(w.OrgPath(member) + member)
	w.UseService("arn:aws:iam::"+member+":role/r", "s3", world.Use{At: noon, Region: "eu-west-1"})
	w.UseService(alice, "ec2", world.Use{At: noon})
	job := do[iam.GenerateOrganizationsAccessReportOutput](s, generate).JobId
	in := &iam.GetOrganizationsAccessReportInput{JobId: job, MaxItems: aws.Int32(1), SortKey: types.SortKeyTypeLastAuthenticatedTimeDescending}
	out := do[iam.GetOrganizationsAccessReportOutput](s, in)
	if len(out.AccessDetails) != 1 || *out.AccessDetails[0].ServiceNamespace != "s3" || *out.AccessDetails[0].EntityPath != *generate.EntityPath {
		t.Errorf("report %+v", out.AccessDetails)
	}
	if accessible, unused := *out.NumberOfServicesAccessible, *out.NumberOfServicesNotAccessed; accessible < 300 || unused != accessible-1 {
		t.Errorf("%d services, %d not accessed", accessible, unused)
	}
	in.SortKey = types.SortKeyTypeServiceNamespaceDescending
	if got := *do[iam.GetOrganizationsAccessReportOutput](s, in).AccessDetails[0].ServiceNamespace; got[0] != 'x' {
		t.Errorf("the last service is %s", got)
	}
	s.wantRefused(&iam.GetServiceLastAccessedDetailsInput{JobId: job}, "NoSuchEntity: ")
	s.wantRefused(&iam.GenerateOrganizationsAccessReportInput{EntityPath: str("o-exampleorg/r-othe/" + member)}, "ValidationError: ")
}

func TestCustomSimulationUsesOnlyItsInput(t *testing.T) {
	s := populated(t)
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{document}, ActionNames: []string{"s3:GetObject", "iam:GetUser"}}
	results := do[iam.SimulateCustomPolicyOutput](s, in).EvaluationResults
	if results[0].EvalDecision != types.PolicyEvaluationDecisionTypeImplicitDeny || results[0].MissingContextValues[0] != "aws:MultiFactorAuthPresent" {
		t.Errorf("without MFA: %+v", results[0])
	}
	in.ContextEntries = []types.ContextEntry{{ContextKeyName: str("aws:MultiFactorAuthPresent"), ContextKeyType: types.ContextKeyTypeEnumBoolean, ContextKeyValues: []string{"true"}}}
	results = do[iam.SimulateCustomPolicyOutput](s, in).EvaluationResults
	if results[0].EvalDecision != types.PolicyEvaluationDecisionTypeAllowed || results[1].EvalDecision != types.PolicyEvaluationDecisionTypeImplicitDeny {
		t.Errorf("with MFA: %+v", results)
	}
	in.PermissionsBoundaryPolicyInputList = []string{denyAll}
	if got := do[iam.SimulateCustomPolicyOutput](s, in).EvaluationResults[0].EvalDecision; got != types.PolicyEvaluationDecisionTypeExplicitDeny {
		t.Errorf("with a boundary that denies everything: %s", got)
	}
	s.wantRefused(&iam.SimulateCustomPolicyInput{PolicyInputList: []string{"text"}, ActionNames: []string{"s3:GetObject"}}, "InvalidInput: ")
	s.wantRefused(&iam.SimulateCustomPolicyInput{PolicyInputList: []string{document}, ActionNames: []string{"s3:GetObject"}, ResourcePolicy: str(document)}, "InvalidInput: ")
}

func TestContextKeysOfPolicies(t *testing.T) {
	s := populated(t)
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, 'none'}","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	want := []string{"aws:MultiFactorAuthPresent", "aws:PrincipalTag/team", "aws:username"}
	if diff := cmp.Diff(want, do[iam.GetContextKeysForCustomPolicyOutput](s, &iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{document}}).ContextKeyNames); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("keys"), PolicyDocument: str(document)})
	bob := str("arn:aws:iam::111122223333:user/bob")
	if diff := cmp.Diff(want, do[iam.GetContextKeysForPrincipalPolicyOutput](s, &iam.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: bob}).ContextKeyNames); diff != "" {
		t.Error(diff)
	}
	s.wantRefused(&iam.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"text"}}, "InvalidInput: ")
}

func TestRootAccessIsCentralizedByTheManagementAccount(t *testing.T) {
	s := newStand(t)
	s.wantRefused(&iam.ListOrganizationsFeaturesInput{}, "OrganizationNotFoundException: ")
	organized(s, "444455556666")
	s.wantRefused(&iam.EnableOrganizationsRootSessionsInput{}, "ServiceAccessNotEnabledException: ")
	s.call.World.Organization.Access = []world.ServiceAccess{{Service: "iam.amazonaws.com"}}
	s.did(&iam.EnableOrganizationsRootSessionsInput{}, &iam.EnableOrganizationsRootCredentialsManagementInput{}, &iam.EnableOrganizationsRootSessionsInput{})
	got := do[iam.ListOrganizationsFeaturesOutput](s, &iam.ListOrganizationsFeaturesInput{}).EnabledFeatures
	if diff := cmp.Diff([]types.FeatureType{"RootCredentialsManagement", "RootSessions"}, got); diff != "" {
		t.Error(diff)
	}
	s.did(&iam.DisableOrganizationsRootCredentialsManagementInput{}, &iam.DisableOrganizationsRootSessionsInput{})
	if got := do[iam.ListOrganizationsFeaturesOutput](s, &iam.ListOrganizationsFeaturesInput{}).EnabledFeatures; len(got) != 0 {
		t.Errorf("features %v", got)
	}
	s.call.Caller.Account = "444455556666"
	s.wantRefused(&iam.EnableOrganizationsRootSessionsInput{}, "AccountNotManagementOrDelegatedAdministratorException: ")
}

func TestFeaturesOfTheAccountAreTurnedOnOnce(t *testing.T) {
	s := newStand(t)
	s.wantRefused(&iam.GetOutboundWebIdentityFederationInfoInput{}, "FeatureDisabled: ")
	s.wantRefused(&iam.DisableOutboundWebIdentityFederationInput{}, "FeatureDisabled: ")
	issuer := do[iam.EnableOutboundWebIdentityFederationOutput](s, &iam.EnableOutboundWebIdentityFederationInput{}).IssuerIdentifier
	s.wantRefused(&iam.EnableOutboundWebIdentityFederationInput{}, "FeatureEnabled: ")
	if got := do[iam.GetOutboundWebIdentityFederationInfoOutput](s, &iam.GetOutboundWebIdentityFederationInfoInput{}); *got.IssuerIdentifier != *issuer || !got.JwtVendingEnabled {
		t.Errorf("%+v", got)
	}
	s.did(&iam.DisableOutboundWebIdentityFederationInput{}, &iam.SetSecurityTokenServicePreferencesInput{GlobalEndpointTokenVersion: types.GlobalEndpointTokenVersionV2Token})
	if got := do[iam.GetAccountSummaryOutput](s, &iam.GetAccountSummaryInput{}).SummaryMap["GlobalEndpointTokenVersion"]; got != 2 {
		t.Errorf("token version %d", got)
	}
}

// Source: IAM API Reference, UpdateAccountPasswordPolicy, PasswordReusePrevention.
func TestPasswordsAreNotUsedAgain(t *testing.T) {
	s := populated(t)
	s.did(&iam.UpdateAccountPasswordPolicyInput{PasswordReusePrevention: aws.Int32(2), MaxPasswordAge: aws.Int32(90)})
	change := func(from, to string) any {
		return &iam.ChangePasswordInput{OldPassword: &from, NewPassword: &to}
	}
	bob := s.as("bob", nil)
	bob.wantRefused(change("Correct-Horse-1", "Correct-Horse-1"), "PasswordPolicyViolation: ")
	bob.did(change("Correct-Horse-1", "Correct-Horse-2"))
	bob.wantRefused(change("Correct-Horse-2", "Correct-Horse-1"), "PasswordPolicyViolation: ")
	bob.did(change("Correct-Horse-2", "Correct-Horse-3"), change("Correct-Horse-3", "Correct-Horse-1"))
	if at := s.account().PasswordPolicy.Expires(s.account().Users["bob"].Login); !at.Equal(noon.AddDate(0, 0, 90)) {
		t.Errorf("the password expires %s", at)
	}
}
