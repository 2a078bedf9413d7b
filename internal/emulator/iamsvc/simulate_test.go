package iamsvc

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
)

const (
	alice    = "arn:aws:iam::111122223333:user/team/Alice"
	forceMFA = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},` +
		`{"Sid":"D","Effect":"Deny","NotAction":"sts:GetSessionToken","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`
)

func decisions(s *stand, in iam.SimulatePrincipalPolicyInput) string {
	s.t.Helper()
	var got []string
	for {
		out := do[iam.SimulatePrincipalPolicyOutput](s, &in)
		for _, r := range out.EvaluationResults {
			got = append(got, string(r.EvalDecision))
		}
		if in.Marker = out.Marker; !out.IsTruncated {
			return strings.Join(got, " ")
		}
	}
}

func mfa(value string) []types.ContextEntry {
	return []types.ContextEntry{{ContextKeyName: str("aws:MultiFactorAuthPresent"), ContextKeyType: types.ContextKeyTypeEnumBoolean, ContextKeyValues: []string{value}}}
}

func TestSimulationDecidesByAllPoliciesOfAUser(t *testing.T) {
	s := populated(t)
	s.did(&iam.PutGroupPolicyInput{GroupName: str("ops"), PolicyName: str("mfa"), PolicyDocument: str(forceMFA)})
	for _, row := range []struct {
		context []types.ContextEntry
		action  string
		want    string
	}{
		{nil, "s3:GetObject", "explicitDeny"}, {mfa("false"), "s3:GetObject", "explicitDeny"}, {mfa("true"), "s3:GetObject", "allowed"}, {mfa("true"), "ec2:RunInstances", "implicitDeny"},
	} {
		in := iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{row.action}, ContextEntries: row.context}
		if got := decisions(s, in); got != row.want {
			t.Errorf("%s with %d context entries: %s, want %s", row.action, len(row.context), got, row.want)
		}
	}
}

func TestSimulationTellsWhatDecided(t *testing.T) {
	s := populated(t)
	s.did(&iam.PutGroupPolicyInput{GroupName: str("ops"), PolicyName: str("mfa"), PolicyDocument: str(forceMFA)})
	got := do[iam.SimulatePrincipalPolicyOutput](s, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject"}}).EvaluationResults
	want := []types.EvaluationResult{{
		EvalActionName: str("s3:GetObject"), EvalResourceName: str("*"), EvalDecision: types.PolicyEvaluationDecisionTypeExplicitDeny,
		MissingContextValues: []string{"aws:MultiFactorAuthPresent"},
		MatchedStatements: []types.Statement{{
			SourcePolicyId: str("inline policy mfa of group ops"), SourcePolicyType: types.PolicySourceTypeGroup, StartPosition: &types.Position{Line: 1, Column: 98},
		}},
		ResourceSpecificResults: []types.ResourceSpecificResult{{EvalResourceName: str("*"), EvalResourceDecision: types.PolicyEvaluationDecisionTypeExplicitDeny}},
	}}
	if diff := cmp.Diff(want, got, ignoreSmithy); diff != "" {
		t.Error(diff)
	}
}

func TestSimulationPagesActionsByResources(t *testing.T) {
	s := populated(t).smallPages()
	s.did(&iam.PutUserPolicyInput{UserName: str("bob"), PolicyName: str("one"), PolicyDocument: str(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}]}`)})
	got := decisions(s, iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: str("arn:aws:iam::111122223333:user/bob"), ActionNames: []string{"s3:PutObject", "s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/x", "arn:aws:s3:::a/x", "arn:aws:s3:::a/x"},
	})
	if want := "implicitDeny implicitDeny implicitDeny implicitDeny allowed allowed"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSimulationObeysBoundaryAndSCPs(t *testing.T) {
	s := populated(t)
	s.did(&iam.PutUserPermissionsBoundaryInput{UserName: str("Alice"), PermissionsBoundary: str(s3Read)})
	s.call.World.Organization = &world.Organization{
		ID: "o-1", ManagementAccount: "999999999999", SCPsEnabled: true, Units: []org.Unit{{ID: "r-1", SCPs: []string{"p-1"}}},
		SCPs: map[string]org.SCP{"p-1": {ID: "p-1", Name: "no-listing", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:ListBucket","Resource":"*"}]}`}},
	}
	a := s.call.World.Edit(here)
	a.Unit, a.SCPs = "r-1", []string{"p-1"}
	for action, want := range map[string][3]any{
		"s3:GetObject":  {types.PolicyEvaluationDecisionTypeAllowed, true, true},
		"s3:PutObject":  {types.PolicyEvaluationDecisionTypeImplicitDeny, true, false},
		"s3:ListBucket": {types.PolicyEvaluationDecisionTypeExplicitDeny, false, true},
	} {
		r := do[iam.SimulatePrincipalPolicyOutput](s, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{action}}).EvaluationResults[0]
		got := [3]any{r.EvalDecision, r.OrganizationsDecisionDetail.AllowedByOrganizations, r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary}
		if got != want {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
}

func TestSimulationTakesGroupsRolesCallersAndInputPolicies(t *testing.T) {
	s := populated(t)
	ownFolder := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob"}}}]}`
	for name, row := range map[string]struct {
		in   iam.SimulatePrincipalPolicyInput
		want string
	}{
		"group":            {iam.SimulatePrincipalPolicyInput{PolicySourceArn: str("arn:aws:iam::111122223333:group/ops"), ActionNames: []string{"s3:GetObject"}}, "allowed"},
		"role":             {iam.SimulatePrincipalPolicyInput{PolicySourceArn: str("arn:aws:iam::111122223333:role/app"), ActionNames: []string{"s3:GetObject", "sqs:SendMessage"}}, "allowed implicitDeny"},
		"as Alice":         {iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"dynamodb:ListTables"}, PolicyInputList: []string{ownFolder}}, "implicitDeny"},
		"as bob":           {iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), CallerArn: str("arn:aws:iam::111122223333:user/bob"), ActionNames: []string{"dynamodb:ListTables"}, PolicyInputList: []string{ownFolder}}, "allowed"},
		"bounded by input": {iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject"}, PermissionsBoundaryPolicyInputList: []string{ownFolder}}, "implicitDeny"},
		"bucket policy": {iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: str("arn:aws:iam::111122223333:user/bob"), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/x"},
			ResourcePolicy: str(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`),
		}, "allowed"},
	} {
		if got := decisions(s, row.in); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestSimulationNeverGuesses(t *testing.T) {
	s := populated(t)
	a := s.call.World.Edit(here)
	a.Users["alice"].Attached = append(a.Users["alice"].Attached, "arn:aws:iam::aws:policy/NotInThisWorld")
	s.wantRefused(&iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject"}}, "PolicyEvaluation: s3:GetObject on * cannot be decided: ")
}

func TestSimulationRefusesBadInput(t *testing.T) {
	s := populated(t)
	for _, row := range []struct {
		in   iam.SimulatePrincipalPolicyInput
		want string
	}{
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str("arn:aws:iam::111122223333:user/nobody")}, "NoSuchEntity: The user with name nobody cannot be found."},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str("arn:aws:iam::999999999999:user/bob")}, "NoSuchEntity: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str("arn:aws:s3:::bucket/of/something")}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(own)}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), CallerArn: str("arn:aws:iam::111122223333:role/app")}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), PolicyInputList: []string{"{"}}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ResourcePolicy: str("{")}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), PermissionsBoundaryPolicyInputList: []string{allowS3, allowS3}}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ContextEntries: []types.ContextEntry{{ContextKeyName: str("aws:username"), ContextKeyType: types.ContextKeyTypeEnumString}}}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObject", "s3:Get*"}}, "InvalidInput: Invalid Input: s3:Get* is not the name of an operation"},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:GetObjec?"}}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"GetObject"}}, "InvalidInput: "},
		{iam.SimulatePrincipalPolicyInput{PolicySourceArn: str(alice), ActionNames: []string{"s3:"}}, "InvalidInput: "},
	} {
		if row.in.ActionNames == nil {
			row.in.ActionNames = []string{"s3:GetObject"}
		}
		s.wantRefused(&row.in, row.want)
	}
}
