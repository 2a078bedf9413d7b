package trust_test

import (
	"fmt"
	"slices"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/trust"
)

// Anyone with an account chooses names, tags, external IDs and session names there; the IDs of
// organizations, accounts and principals are AWS's.
func TestWhatAStrangerCanSatisfy(t *testing.T) {
	for _, row := range []struct {
		condition string
		ok        bool
		limits    []string
	}{
		{`{}`, true, nil},
		{`{"StringEquals":{"sts:ExternalId":"acme-4711"}}`, false, nil},
		{`{"StringLike":{"sts:ExternalId":"?*"}}`, true, nil},
		{`{"StringEqualsIfExists":{"sts:ExternalId":"acme-4711"}}`, true, nil},
		{`{"StringEquals":{"sts:ExternalId":"${aws:PrincipalAccount}"}}`, true, nil},
		{`{"StringEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`, false, nil},
		{`{"StringNotEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`, true, nil},
		{`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-acme000000"}}`, true, nil}, // an account without an organization
		{`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-acme000000/*"}}`, false, nil},
		{`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-acme000000/*"}}`, true, nil}, // likewise: no value
		{`{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}`, false, nil},
		{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}}`, true, nil},
		{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}}`, true, nil},
		{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/*"}}`, false, nil},
		{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/bob"},"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`, false, nil},
		{`{"StringEquals":{"aws:username":"bob"}}`, true, nil},
		{`{"StringEquals":{"aws:PrincipalTag/team":"finance"}}`, true, nil},
		{`{"StringLike":{"aws:userid":"*:bob@acme.example"}}`, true, nil},
		{`{"StringLike":{"aws:userid":"AROAEXAMPLE0000000000:*"}}`, false, nil},
		{`{"Bool":{"aws:PrincipalIsAWSService":"true"}}`, false, nil},
		{`{"StringEquals":{"aws:SourceAccount":"111111111111"}}`, false, nil},
		{`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, true, nil},                                                         // with a device of their own
		{`{"Bool":{"aws:MultiFactorAuthPresent":"true"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}`, false, nil}, // a role session has none
		{`{"StringLike":{"sts:RoleSessionName":"x*"}}`, true, nil},
		{`{"StringEquals":{"sts:SourceIdentity":"bob"}}`, false, nil}, // no statement allows sts:SetSourceIdentity
		{`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, true, []string{"aws:sourceip"}},
		{`{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, true, nil},
		{`{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`, true, nil},
		{`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, true, nil},
		{`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, true, []string{"aws:sourceip"}}, // no public address
		{`{"IpAddress":{"aws:SourceIp":"::/0"}}`, true, nil},
		{`{"IpAddress":{"aws:VpcSourceIp":"172.16.4.0/24"}}`, true, nil}, // everybody has a VPC with such an address
		{`{"IpAddress":{"aws:VpcSourceIp":"172.16.4.9"}}`, true, nil},
		{`{"IpAddress":{"aws:VpcSourceIp":"192.0.2.0/24"}}`, true, []string{"aws:vpcsourceip"}},
		{`{"IpAddress":{"aws:VpcSourceIp":"172.16.4.0/24"},"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, true, []string{"aws:sourcevpce"}},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, true, nil},
		{`{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, true, []string{"aws:currenttime"}},
		{`{"NumericGreaterThan":{"aws:EpochTime":"1"}}`, true, nil},
		{`{"Null":{"aws:TokenIssueTime":"false"}}`, true, nil},
		{`{"Bool":{"aws:ViaAWSService":"false"}}`, true, nil},
		{`{"Bool":{"aws:ViaAWSService":"true"}}`, true, []string{"aws:viaawsservice"}},
		{`{"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}}`, true, nil},
		{`{"NumericGreaterThan":{"sts:DurationSeconds":"40000"}}`, true, nil},
		{`{"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0"}}`, true, []string{"aws:sourcevpc"}},
	} {
		d := parse(t, fmt.Sprintf(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":%s}`, row.condition))
		ok, limits := trust.Everybody("aws").Satisfies(d, &d.Statements[0])
		if ok != row.ok || !slices.Equal(limits, row.limits) {
			t.Errorf("%s: %v, limits %v, want %v, %v", row.condition, ok, limits, row.ok, row.limits)
		}
	}
}

func TestADenyForEverybodyKeepsStrangersOut(t *testing.T) {
	const allow = `{"Effect":"Allow","Principal":"*","Action":%s}`
	for _, row := range []struct {
		actions, deny string
		ok            bool
	}{
		{`"sts:AssumeRole"`, `{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-acme000000"}}}`, false},
		{`"sts:AssumeRole"`, `{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringNotEquals":{"sts:ExternalId":"acme-4711"}}}`, false},
		{`"sts:AssumeRole"`, `{"Effect":"Deny","Principal":"*","Action":"sts:TagSession","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-acme000000"}}}`, true},
		{`"sts:AssumeRole"`, `{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"sts:*"}`, true},
		{`["sts:AssumeRole","sts:SetSourceIdentity"]`, `{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"Null":{"sts:SourceIdentity":"true"}}}`, false},
	} {
		d := parse(t, fmt.Sprintf(allow, row.actions), row.deny)
		if ok, _ := trust.Everybody("aws").Satisfies(d, &d.Statements[0]); ok != row.ok {
			t.Errorf("%s: %v, want %v", row.deny, ok, row.ok)
		}
	}
}

// In an account that the statement trusts, names and tags are the account's own.
func TestAStrangerOfATrustedAccountDoesNotChooseNames(t *testing.T) {
	inside := trust.Stranger{Partition: "aws", Account: "111111111111"}
	for condition, ok := range map[string]bool{
		`{}`: true,
		`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/Admin"}}`:       false,
		`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:*"}}`:                true,
		`{"StringEquals":{"aws:PrincipalTag/team":"finance"}}`:                          false,
		`{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}`:                      true,
		`{"StringEquals":{"sts:ExternalId":"acme-4711"}}`:                               false,
		`{"StringEquals":{"aws:username":"bob"}}`:                                       false,
		`{"StringEquals":{"aws:PrincipalOrgID":"o-acme000000"}}`:                        false,
		`{"StringEquals":{"aws:PrincipalType":"User"},"Null":{"aws:username":"false"}}`: true,
	} {
		d := parse(t, `{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":`+condition+`}`)
		if got, _ := inside.Satisfies(d, &d.Statements[0]); got != ok {
			t.Errorf("%s: %v, want %v", condition, got, ok)
		}
	}
}

func parse(t *testing.T, statements ...string) *policy.Document {
	t.Helper()
	s := policy.ParseSource("trust", policy.Trust, document(statements...))
	if s.Document == nil {
		t.Fatal(s.Err)
	}
	return s.Document
}
