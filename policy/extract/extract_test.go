package extract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/extract"
)

const (
	allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`
)

var words = map[policy.Kind]string{0: "-", policy.Trust: "trust", policy.SCP: "scp", policy.RCP: "rcp", policy.Resource: "resource"}

func quoted(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }

// The shapes are those of the AWS CLI's reference, of terraform show -json and of the CloudFormation User Guide.
func TestDocumentsAreFoundInWhatPeopleHave(t *testing.T) {
	for _, row := range []struct {
		name, file string
		want       []string // kind, label and lines of the documents
	}{
		{"a document", allow, []string{"-  1 [1]"}},
		{"a document in lines", "\n" + strings.ReplaceAll(allow, `[{`, "[\n\n{"), []string{"-  2 [4]"}},
		{"get-policy-version", `{"PolicyVersion":{"Document":` + allow + `,"VersionId":"v3","IsDefaultVersion":true}}`, []string{"- Document 1 [1]"}},
		{"get-role", `{"Role":{"RoleName":"deploy","AssumeRolePolicyDocument":` + trust + `}}`, []string{"trust deploy AssumeRolePolicyDocument 1 [1]"}},
		{"get-bucket-policy", `{"Policy":"` + quoted(allow) + `"}`, []string{"- Policy 1 [1]"}},
		{"describe-policy", "{\"Policy\":{\"PolicySummary\":{\"Name\":\"mfa\",\"Type\":\"SERVICE_CONTROL_POLICY\"},\n\"Content\":\"" + quoted(allow) + "\"}}", []string{"scp Content 2 [2]"}},
		{"sso-admin get-inline-policy-for-permission-set", `{"InlinePolicy":"` + quoted(allow) + `"}`, []string{"role InlinePolicy 1 [1]"}},
		{"get-role-policy", `{"RoleName":"deploy","PolicyName":"own","PolicyDocument":` + allow + `}`, []string{"role deploy PolicyDocument 1 [1]"}},
		{"a snapshot", `{"accounts":[{"id":"111111111111","users":[{"name":"bob","inline":[{"name":"u","document":"` + quoted(allow) + `"}]}],
"roles":[{"name":"deploy","trust":"` + quoted(trust) + `","inline":[{"name":"own","document":"` + quoted(allow) + `"}]}]}]}`,
			[]string{"- 111111111111 bob u document 1 [1]", "trust 111111111111 deploy trust 2 [2]", "role 111111111111 deploy own document 2 [2]"}},
		{"get-account-authorization-details", `{"UserDetailList":[{"UserName":"bob","UserPolicyList":[{"PolicyName":"own","PolicyDocument":"` + url.PathEscape(allow) + `"}]}],
"RoleDetailList":[{"RoleName":"deploy","AssumeRolePolicyDocument":"` + url.PathEscape(trust) + `","RolePolicyList":[{"PolicyName":"own","PolicyDocument":"` + url.PathEscape(allow) + `"}]}],
"Policies":[{"PolicyName":"p","PolicyVersionList":[
{"Document":` + strings.Replace(allow, "s3", "ec2", 1) + `,"IsDefaultVersion":false},
{"Document":` + strings.Replace(allow, "s3", "iam", 1) + `,"IsDefaultVersion":true}]}]}`,
			[]string{"- bob own PolicyDocument 1 [1]", "trust deploy AssumeRolePolicyDocument 2 [2]", "role deploy own PolicyDocument 2 [2]", "- p Document 5 [5]"}},
		{"JSON Lines", `{"id":"111111111111","policies":[{"name":"a","document":"` + quoted(allow) + `"}]}` + "\n" + `{"scps":[{"name":"b","document":"` + quoted(allow) + `"}]}`,
			[]string{"- 111111111111 a document 1 [1]", "scp b document 2 [2]"}},
		{"an array", "[" + allow + ",\n" + trust + "]", []string{"-  1 [1]", "-  2 [2]"}},
		{"terraform show -json", `{"planned_values":{"root_module":{"resources":[
{"address":"aws_iam_policy.p","values":{"name":"p","policy":"` + quoted(allow) + `"}},
{"address":"aws_iam_role_policy.q","type":"aws_iam_role_policy","values":{"policy":"` + quoted(allow) + `"}},
{"address":"aws_iam_role.r","type":"aws_iam_role","values":{"assume_role_policy":"` + quoted(trust) + `"}},
{"address":"aws_organizations_policy.o","values":{"content":"` + quoted(allow) + `","type":"SERVICE_CONTROL_POLICY"}}]}},
"resource_changes":[{"change":{"before":{"policy":"` + quoted(strings.Replace(allow, "s3", "old", 1)) + `"},"after":{"policy":"` + quoted(allow) + `"}}}]}`,
			[]string{"- aws_iam_policy.p p policy 2 [2]", "role aws_iam_role_policy.q policy 3 [3]",
				"trust aws_iam_role.r assume_role_policy 4 [4]", "scp aws_organizations_policy.o content 5 [5]"}},
		{"a CloudFormation template", `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: deploy
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
            Action: sts:AssumeRole
            Condition:
              Bool: {"aws:MultiFactorAuthPresent": true}
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              Effect: Allow
              Action: iam:GetUser
              Resource: !Join ["", ["arn:aws:iam::", !Ref Account, ":user/", "${aws:username}"]]
  Guard:
    Type: AWS::Organizations::Policy
    Properties:
      Name: mfa
      Type: SERVICE_CONTROL_POLICY
      Content:
        Version: "2012-10-17"
        Statement: [{Effect: Deny, NotAction: "iam:*", Resource: "*"}]
`, []string{"trust Role deploy AssumeRolePolicyDocument 8 [10]", "role Role deploy own PolicyDocument 18 [20]", "scp Guard mfa Content 29 [30]"}},
		{"a CDK template", `{"Resources":{"P":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser",
"Resource":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":iam::",{"Ref":"AWS::AccountId"},":user/${aws:username}"]]}}]}}}}}`, []string{"- P PolicyDocument 1 [1]"}},
		{"a document in YAML", "Version: '2012-10-17'\nStatement:\n  - Effect: Allow\n    Action: s3:*\n    Resource: '*'\n", []string{"-  1 [3]"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			docs, err := extract.Documents([]byte(row.file))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range docs {
				kind := words[d.Kind]
				if d.Role {
					kind = "role"
				}
				got = append(got, fmt.Sprintf("%s %s %d %v", kind, d.Label, d.Line, d.Statements))
				if _, err := policy.Parse(max(d.Kind, policy.Identity), d.Text); err != nil && d.Kind != 0 {
					t.Errorf("%s: %v\n%s", d.Label, err, d.Text)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIntrinsicFunctionsBecomeText(t *testing.T) {
	docs, err := extract.Documents([]byte(`{"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":[
{"Fn::Sub":"arn:${AWS::Partition}:iam::${AWS::AccountId}:user/${!aws:username}"},{"Fn::GetAtt":["Bucket","Arn"]},{"Ref":"Parameter"},"*"]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":["arn:aws:iam::123456789012:user/${aws:username}",` +
		`"arn:aws:*:*:*:*unknown*","arn:aws:*:*:*:*unknown*","*"]}]}`
	if diff := cmp.Diff(want, docs[0].Text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Source: CloudFormation User Guide, "Condition functions" (Fn::If, AWS::NoValue) and "Fn::Transform".
func TestConditionsOfTemplatesGiveBothDocuments(t *testing.T) {
	for _, row := range []struct {
		name, document string
		want           []string // statements
	}{
		{"a statement", `{Version: "2012-10-17", Statement: [!If [C, {Effect: Allow, Action: "s3:*", Resource: "*"}, !Ref "AWS::NoValue"], {Effect: Allow, Action: "ec2:*", Resource: "*"}]}`,
			[]string{`[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]`, `[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]`}},
		{"an effect", `{Version: "2012-10-17", Statement: [{Effect: !If [C, Allow, Deny], Action: "s3:*", Resource: "*"}]}`,
			[]string{`[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]`, `[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]`}},
		{"the condition", `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*", Condition: {"Fn::If": [C, {Bool: {"aws:MultiFactorAuthPresent": "true"}}, {Ref: "AWS::NoValue"}]}}}`,
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}},
		{"a condition within another", `{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: !If [C, !If [D, a, b], !If [D, c, d]]}}`,
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"a"}`, `{"Effect":"Allow","Action":"s3:*","Resource":"d"}`}},
		{"the document", `!If [C, ` + allow + `, ` + trust + `]`, []string{
			`[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]`, `[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]`}},
		{"actions that a parameter holds", `{Version: "2012-10-17", Statement: [{Effect: Allow, Action: [!Ref A, "s3:*"], Resource: !Ref R}, {Effect: Allow, NotAction: !Split [",", !Ref A], Resource: "*"}]}`,
			[]string{`[{"Effect":"Allow","Action":["unknown:Unknown","s3:*"],"Resource":"arn:aws:*:*:*:*unknown*"},{"Effect":"Allow","NotAction":"unknown:Unknown","Resource":"*"}]`}},
	} {
		docs, err := extract.Documents([]byte("Resources:\n  P:\n    Properties:\n      PolicyDocument: " + row.document + "\n"))
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		var got []string
		for _, d := range docs {
			var parsed struct{ Statement json.RawMessage }
			if err := json.Unmarshal([]byte(d.Text), &parsed); err != nil {
				t.Fatalf("%s: %v: %s", row.name, err, d.Text)
			}
			got = append(got, string(parsed.Statement))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// A policy without a text is named, so that the file is not taken for one that was read.
func TestPoliciesThatOnlyADeploymentKnowsAreNamed(t *testing.T) {
	const known = `"Q":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":` + allow + `}}`
	for _, row := range []struct{ name, file, label string }{
		{"Fn::Transform", `{"Resources":{"P":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"ManagedPolicyName":"p","PolicyDocument":{"Fn::Transform":{"Name":"AWS::Include"}}}},` + known + `}}`, "P PolicyDocument"},
		{"exceptions of a Deny", `{"Resources":{"P":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":{"Effect":"Deny","NotAction":[{"Ref":"A"},{"Ref":"B"}],"Resource":"*"}}}},` + known + `}}`, "P PolicyDocument"},
		{"a parameter", `{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"r","AssumeRolePolicyDocument":{"Ref":"Trust"}}},` + known + `}}`, "R r AssumeRolePolicyDocument"},
		{"a control policy", `{"Resources":{"O":{"Type":"AWS::Organizations::Policy","Properties":{"Name":"o","Content":{"Fn::ImportValue":"x"}}},` + known + `}}`, "O o Content"},
		{"after apply", `{"resource_changes":[{"address":"aws_iam_policy.p","change":{"after":{"name":"p"},"after_unknown":{"arn":true,"policy":true}}},{"address":"aws_iam_policy.q","change":{"after":{"policy":` + allow + `},"after_unknown":{}}}]}`, "aws_iam_policy.p policy"},
		{"a trust policy after apply", `{"resource_changes":[{"address":"aws_iam_role.r","type":"aws_iam_role","change":{"after_unknown":{"assume_role_policy":true}}},{"x":` + allow + `}]}`, "aws_iam_role.r assume_role_policy"},
	} {
		docs, err := extract.Documents([]byte(row.file))
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		var unread []string
		for _, d := range docs {
			if d.Unread != "" {
				unread = append(unread, d.Label)
			}
		}
		if diff := cmp.Diff([]string{row.label}, unread); diff != "" || len(docs) != 2 {
			t.Errorf("%s: %d documents (-want +got):\n%s", row.name, len(docs), diff)
		}
	}
}

func TestUTF16IsRead(t *testing.T) {
	for _, big := range []bool{false, true} {
		b := []byte{0xff, 0xfe}
		if big {
			b = []byte{0xfe, 0xff}
		}
		for _, u := range utf16.Encode([]rune(allow)) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		if docs, err := extract.Documents(b); err != nil || len(docs) != 1 || docs[0].Text != allow {
			t.Errorf("big endian %v: %v %v", big, docs, err)
		}
	}
}

func TestFilesWithoutDocumentsSaySo(t *testing.T) {
	for _, row := range []struct{ file, says string }{
		{"", "empty"}, {"{}", "nothing in it has a Statement"}, {"resource \"aws_iam_policy\" \"p\" {\n}", "terraform show -json"}, {"hello", "neither JSON nor YAML"},
		{`{"Policy":{"PolicySummary":{"Name":"n","Type":"TAG_POLICY"},"Content":"{\"tags\":{}}"}}`, "a policy of type TAG_POLICY holds no IAM policy"},
		{`{"Policy":{"PolicySummary":{"Type":"DECLARATIVE_POLICY_EC2"},"Content":"{}"}}`, "DECLARATIVE_POLICY_EC2"},
		{`{"EffectivePolicy":{"PolicyContent":"{}","PolicyType":"AISERVICES_OPT_OUT_POLICY"}}`, "AISERVICES_OPT_OUT_POLICY"},
		{`{"Policies":[{"Name":"n","Type":"CHATBOT_POLICY"}]}`, "SERVICE_CONTROL_POLICY"},
		{"Resources:\n  P:\n    Type: AWS::Organizations::Policy\n    Properties:\n      Type: BACKUP_POLICY\n      Content: {}\n", "BACKUP_POLICY"},
		{`{"values":{"root_module":{"resources":[{"type":"aws_organizations_policy","values":{"type":"TAG_POLICY","content":"{}"}}]}}}`, "TAG_POLICY"},
		{`{"tags":{"team":{"tag_key":{"@@assign":"team"}}}}`, "a management policy (@@assign)"},
		{`{"Policy":{"PolicyName":"p","DefaultVersionId":"v2"}}`, "get-policy-version"},
		{`{"Policy":{"PolicySummary":{"Type":"SERVICE_CONTROL_POLICY"},"Content":"{}"}}`, "nothing in it has a Statement"},
	} {
		_, err := extract.Documents([]byte(row.file))
		var none *extract.NotFoundError
		if !errors.As(err, &none) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%q: %v", row.file, err)
		}
	}
	for _, broken := range []string{"{\n\"a\": [1,", "{\n\"Statement\": ]", "\xfd{}", strings.Repeat("[", 100_000)} {
		var none *extract.NotFoundError
		if _, err := extract.Documents([]byte(broken)); err == nil || errors.As(err, &none) {
			t.Errorf("%.20q: %v", broken, err)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	for _, s := range []string{allow, trust, "a: &x [1, *x]\nb: !Sub c", `{"Policy":"` + quoted(allow) + `"}`, `{"Policy":"{Statement"}`, "Statement:\n- Effect: Deny\n", "\xff\xfe{\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		docs, err := extract.Documents(b)
		if err == nil && len(docs) == 0 {
			t.Error("neither documents nor an error")
		}
		lines := strings.Count(string(b), "\n") + 1
		for _, d := range docs {
			if (d.Text == "") != (d.Unread != "") || d.Line < 1 || len(b) > 0 && b[0] < 0x80 && d.Line > lines {
				t.Errorf("%+v", d)
			}
		}
	})
}
