package extract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy/extract"
)

// What only a deployment knows gets a text of the kind that stands there.
func TestUnknownPartsHaveTheTypeOfTheirPlace(t *testing.T) {
	for _, row := range []struct{ name, statement, want string }{
		{"principals", `{Effect: Allow, Principal: {AWS: [!Ref P, !GetAtt R.Arn, !Sub "arn:${AWS::Partition}:iam::${Account}:root"], Federated: !Ref F, Service: !Ref S}, Action: "sts:AssumeRole"}`,
			`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:user/unknown","arn:aws:iam::123456789012:user/unknown","arn:aws:iam::123456789012:root"],` +
				`"Federated":"arn:aws:iam::123456789012:oidc-provider/unknown","Service":"unknown.amazonaws.com"},"Action":"sts:AssumeRole"}`},
		{"the principal", `{Effect: Allow, Principal: !Ref P, Action: "sts:AssumeRole"}`, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/unknown"},"Action":"sts:AssumeRole"}`},
		{"resources", `{Effect: Allow, Action: "s3:*", Resource: [!Ref A, !Sub "${B.Arn}/*", !Sub "arn:${P}:s3:::${B}/*", !Join ["", ["arn:aws:iam::", !Ref A, ":user/x"]], "{{resolve:ssm:/a/b}}"]}`,
			`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:*:*:*:*unknown*","arn:aws:*:*:*:*unknown*","arn:aws:s3:::unknown/*","arn:aws:iam::123456789012:user/x","arn:aws:*:*:*:*unknown*"]}`},
		{"conditions", `{Effect: Deny, Action: "*", Resource: "*", Condition: {StringEquals: {"aws:PrincipalOrgID": !Ref O, "aws:PrincipalAccount": !Ref A}, ArnNotLike: {"aws:PrincipalArn": [!GetAtt R.Arn, !Ref X]}, ArnLike: {"aws:PrincipalArn": !Ref U, "aws:SourceArn": !Ref S}, NotIpAddress: {"aws:SourceIp": !Ref N}, NumericGreaterThanIfExists: {"aws:MultiFactorAuthAge": !Ref H}, DateLessThan: {"aws:CurrentTime": !Ref D}, StringLike: {"aws:PrincipalTag/a": !Ref T}}}`,
			`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-unknown123","aws:PrincipalAccount":"123456789012"},` +
				`"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::123456789012:role/unknown","arn:aws:iam::123456789012:role/unknown"]},` +
				`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/unknown","aws:SourceArn":"arn:aws:unknown:us-east-1:123456789012:unknown"},"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"},` +
				`"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"},"DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"},"StringLike":{"aws:PrincipalTag/a":"unknown"}}}`},
		{"the effect", `{Effect: !Ref E, Action: "*", Resource: "*"}`, `{"Effect":"Allow","Action":"*","Resource":"*"} {"Effect":"Deny","Action":"*","Resource":"*"}`},
		{"MFA", `{Effect: Deny, Action: "*", Resource: "*", Condition: {BoolIfExists: {"aws:MultiFactorAuthPresent": !Ref M}}}`,
			`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}} {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`},
		{"what is written out", `{Effect: Allow, Action: "s3:*", Resource: "unknown", Condition: {StringEquals: {"aws:PrincipalOrgID": unknown}}}`,
			`{"Effect":"Allow","Action":"s3:*","Resource":"unknown","Condition":{"StringEquals":{"aws:PrincipalOrgID":"unknown"}}}`},
	} {
		for version, text := range map[string]string{
			"in YAML":   "PolicyDocument: {Version: 2012-10-17, Statement: [" + row.statement + "]}",
			"a version": "PolicyDocument: {Version: !Ref V, Statement: [" + row.statement + "]}",
		} {
			docs, err := extract.Documents([]byte("Resources:\n  P:\n    Properties:\n      " + text + "\n"))
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			var got []string
			for _, d := range docs {
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(d.Text, `{"Version":"2012-10-17","Statement":[`), "]}"))
			}
			if diff := cmp.Diff(row.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", row.name, version, diff)
			}
		}
	}
	// The same in a document that is a text.
	docs, err := extract.Documents([]byte("Resources:\n  P:\n    Properties:\n      PolicyDocument: !Sub '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"${Arn}/*\"}]}'\n"))
	if err != nil || len(docs) != 1 || !strings.Contains(docs[0].Text, `"Resource":"arn:aws:*:*:*:*unknown*"`) {
		t.Errorf("%v, %v", docs, err)
	}
}

// Source: YAML, "Merge Key Language-Independent Type" and "Boolean Language-Independent Type".
func TestMergeKeysAndBooleansOfYAMLAreRead(t *testing.T) {
	const file = `x: &deny {Effect: Deny, Resource: "*"}
y: &other {Action: "ec2:*", Resource: "no"}
guard:
  Version: 2012-10-17
  Statement:
    - <<: *deny
      Action: s3:*
    - Resource: "arn:aws:s3:::a/*"
      <<: [*deny, *other]
      Condition: {Bool: {"aws:MultiFactorAuthPresent": False, "aws:SecureTransport": TRUE}}
    - <<: *deny
      Resource: b
      Action: "*"
`
	got, texts := listed(t, []byte(file))
	if diff := cmp.Diff([]string{"- guard 4 [6 8 11]"}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	const want = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Resource":"*","Action":"s3:*"},` +
		`{"Resource":"arn:aws:s3:::a/*","Effect":"Deny","Action":"ec2:*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":false,"aws:SecureTransport":true}}},` +
		`{"Effect":"Deny","Resource":"b","Action":"*"}]}`
	if diff := cmp.Diff(want, texts[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKindsFollowFromTypesOfEveryProvider(t *testing.T) {
	for _, row := range []struct{ file, want string }{
		{`{"Resources":{"F":{"Type":"AWS::Serverless::Function","Properties":{"Policies":["AWSLambdaBasicExecutionRole",{"S3ReadPolicy":{}},` + allow + `]}}}}`, "role F Policies 1 [1]"},
		{`{"values":{"root_module":{"resources":[{"type":"awscc_iam_role","values":{"policies":[{"policy_document":"` + quoted(allow) + `"}]}}]}}}`, "role policy_document 1 [1]"},
		{`{"values":{"root_module":{"resources":[{"type":"aws_organizations_policy","values":{"content":"` + quoted(allow) + `"}}]}}}`, "scp content 1 [1]"},
		{`{"PolicyVersion":{"Document":` + allow + `,"VersionId":"v2","IsDefaultVersion":false}}`, "- Document 1 [1]"},
	} {
		got, _ := listed(t, []byte(row.file))
		if diff := cmp.Diff([]string{row.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.file, diff)
		}
	}
	var none *extract.NotFoundError
	_, err := extract.Documents([]byte(`{"resource":{"aws_iam_policy":{"p":{"policy":"` + quoted(allow) + `"}}}}`))
	if !errors.As(err, &none) || !none.Recognized || !strings.Contains(none.Why, "terraform show -json") {
		t.Error(err)
	}
}

// Documents with the same text are checked once and counted; the two forms of one document are told apart.
func TestEqualDocumentsAreCountedAndFormsNamed(t *testing.T) {
	docs, err := extract.Documents([]byte(`{"a":` + allow + `,"b":` + allow + `,"c":"` + quoted(allow) + `"}`))
	if err != nil || len(docs) != 1 || docs[0].Equal != 2 || docs[0].Label != "a" {
		t.Errorf("%+v, %v", docs, err)
	}
	got, _ := listed(t, []byte("PolicyDocument: {Statement: [{Effect: !If [C, Allow, Deny], Action: '*', Resource: '*'}]}"))
	if diff := cmp.Diff([]string{"- PolicyDocument, first form 1 [1]", "- PolicyDocument, second form 1 [1]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, _ = listed(t, []byte("PolicyDocument: {Statement: [{Effect: !If [C, Allow, Allow], Action: '*', Resource: '*'}]}"))
	if diff := cmp.Diff([]string{"- PolicyDocument 1 [1]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Only the version of a managed policy that is in force counts in a snapshot.
func TestOldVersionsInASnapshotAreLeftOut(t *testing.T) {
	got, _ := listed(t, []byte(`{"id":"111111111111","policies":[{"name":"p","default":"v2","versions":[{"id":"v1","document":"`+quoted(trust)+`"},{"id":"v2","document":"`+quoted(allow)+`"}]}]}`))
	if diff := cmp.Diff([]string{"- 111111111111 p v2 document 1 [1]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
