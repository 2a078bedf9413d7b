package prove

import (
	"fmt"
	"forcemfa/internal/baseline"
	"forcemfa/policy"
	"testing"
	"time"
)

func set(texts ...string) *policy.Set {
	s := &policy.Set{}
	for _, t := range texts {
		src := policy.ParseSource("policy x", policy.Identity, t)
		if src.Err != nil {
			panic(src.Err)
		}
		s.Identity = append(s.Identity, src)
	}
	return s
}
func subj(s *policy.Set) Subject {
	c := new(policy.Context)
	c.Set("aws:username", "bob")
	c.Set("aws:PrincipalArn", "arn:aws:iam::111111111111:user/bob")
	c.Set("aws:PrincipalType", "User")
	b := baseline.Default()
	return Subject{Principal: policy.Principal{Kind: policy.IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/bob"}, Set: s, Context: c, ForwardedCallsPass: true, Enrolment: b.EnrolmentSet()}
}

const admin = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func TestZZ(t *testing.T) {
	try := func(name string, texts ...string) {
		st := time.Now()
		p := new(Prover)
		a := p.User(subj(set(texts...)))
		fmt.Println(name, a.Outcome, a.Latent, a.Witness, a.Why, a.Assumptions, time.Since(st))
	}
	natural("s3:GetObject")
	f := baseline.Default().Document("aws")
	try("admin", admin)
	try("none")
	try("force+admin", f, admin)
	try("boolfalse", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]}`, admin)
	try("null", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}}]}`, admin)
	try("ip", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"},"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, admin)
	try("resource", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"arn:aws:s3:::*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`, admin)
	try("resource2", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:GetUser","NotResource":"arn:aws:dynamodb:*:*:table/open","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`, admin)
	try("action", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:GetUser","braket:*"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"braket:Cancel*","Resource":"*"}]}`)
	try("latent", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:GetUser","braket:*"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}`)
	try("seed2", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::222222222222:role/Admin","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}]}`)
	try("home", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::home/${aws:username}/*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}}]}`)
}
