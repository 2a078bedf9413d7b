package world

import (
	"strings"
	"time"

	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// awsManagedTexts contains AWS managed policies of every world. Only policies
// with a known exact text are here; others come with a snapshot.
// Source: AWS Managed Policy Reference Guide.
var awsManagedTexts = []struct {
	name, version, created, document string
}{
	{"AdministratorAccess", "v1", "2015-02-06T18:39:46Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
	{"AmazonS3FullAccess", "v2", "2015-02-06T18:40:58Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}`},
	{"AmazonS3ReadOnlyAccess", "v3", "2015-02-06T18:40:59Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}`},
	{"IAMFullAccess", "v2", "2015-02-06T18:40:38Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","organizations:DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:DescribePolicy","organizations:ListChildren","organizations:ListParents","organizations:ListPoliciesForTarget","organizations:ListRoots","organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Resource":"*"}]}`},
	{"IAMReadOnlyAccess", "v4", "2015-02-06T18:40:39Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"],"Resource":"*"}]}`},
	{"IAMSelfManageServiceSpecificCredentials", "v1", "2016-12-22T17:25:18Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:CreateServiceSpecificCredential","iam:ListServiceSpecificCredentials","iam:UpdateServiceSpecificCredential","iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],"Resource":"arn:aws:iam::*:user/${aws:username}"}]}`},
	{"IAMUserChangePassword", "v2", "2016-11-15T00:25:16Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ChangePassword"],"Resource":["arn:aws:iam::*:user/${aws:username}"]},{"Effect":"Allow","Action":["iam:GetAccountPasswordPolicy"],"Resource":"*"}]}`},
	{"IAMUserSSHKeys", "v1", "2015-07-09T17:08:54Z",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:DeleteSSHPublicKey","iam:GetSSHPublicKey","iam:ListSSHPublicKeys","iam:UpdateSSHPublicKey","iam:UploadSSHPublicKey"],"Resource":"arn:aws:iam::*:user/${aws:username}"}]}`},
}

// awsManaged returns the AWS managed policies of a partition, with that
// partition in every ARN.
func awsManaged(partition string) *overlay[*Policy] {
	all := new(overlay[*Policy])
	ids := &World{state: &state{}}
	for _, t := range awsManagedTexts {
		created, err := time.Parse(time.RFC3339, t.created)
		if err != nil {
			panic(err)
		}
		document := strings.ReplaceAll(t.document, "arn:aws:", "arn:"+partition+":")
		policyARN := arn.IAM(partition, "aws", "policy", "/", t.name)
		all.set(policyARN, &Policy{
			ARN: policyARN, Name: t.name, Path: "/", ID: ids.NewID("ANPA"),
			Created: created, Updated: created,
			Default:  t.version,
			Versions: []org.Version{{ID: t.version, Created: created, Document: document}},
		})
	}
	return all
}

// SetAWSManaged adds an AWS managed policy for all accounts of the world,
// replacing one with the same ARN. It must not be changed afterwards.
func (w *World) SetAWSManaged(p *Policy) { w.managed.set(p.ARN, p) }
