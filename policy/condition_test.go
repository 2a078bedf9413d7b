package policy_test

import (
	"encoding/base64"
	"strings"
	"testing"

	. "forcemfa/policy"
)

// keys makes a context of "key=value" for a single-valued key and
// "key[]=value,value" for a multi-valued one.
func keys(pairs ...string) *Context {
	c := &Context{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		switch list, many := strings.CutSuffix(name, "[]"); {
		case many && value == "":
			c.SetMany(list, nil)
		case many:
			c.SetMany(list, strings.Split(value, ","))
		default:
			c.Set(name, value)
		}
	}
	return c
}

// held reports whether a condition holds: yes, no or maybe, read off the decision
// on an Allow that has it.
func held(t testing.TB, version, condition string, c *Context) string {
	t.Helper()
	text := `{"Version":"` + version + `","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}`
	set := &Set{Identity: []Source{parse(t, Identity, text)}}
	d := set.Decide(&Request{Principal: bob, Action: "s3:GetObject", Resource: "*", Context: c})
	switch d.Verdict {
	case Allowed:
		return "yes"
	case ImplicitDenied:
		return "no"
	case Unknown:
		if d.Why == "" {
			t.Error("unknown, and nothing says why")
		}
		return "maybe"
	}
	return d.Verdict.String()
}

type conditionCase struct {
	condition string
	keys      string // space between pairs
	want      string
}

func runConditions(t *testing.T, source string, rows []conditionCase) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.condition+" "+row.keys, func(t *testing.T) {
			if got := held(t, "2012-10-17", row.condition, keys(strings.Fields(row.keys)...)); got != row.want {
				t.Errorf("got %s, want %s (%s)", got, row.want, source)
			}
		})
	}
}

func TestStringOperators(t *testing.T) {
	runConditions(t, `IAM User Guide, "String condition operators"`, []conditionCase{
		{`{"StringEquals":{"k":"a"}}`, "k=a", "yes"},
		{`{"StringEquals":{"k":"a"}}`, "k=A", "no"},
		{`{"StringEquals":{"k":"a"}}`, "K=a", "yes"},
		{`{"StringEquals":{"K":"a"}}`, "k=a", "yes"},
		{`{"StringEquals":{"k":"a*"}}`, "k=ab", "no"},
		{`{"StringEquals":{"k":"a*"}}`, "k=a*", "yes"},
		{`{"StringEquals":{"k":["a","b"]}}`, "k=b", "yes"},
		{`{"StringEquals":{"k":["a","b"]}}`, "k=c", "no"},
		{`{"StringEquals":{"k":"a"}}`, "", "no"},
		{`{"StringEqualsIfExists":{"k":"a"}}`, "", "yes"},
		{`{"StringEqualsIfExists":{"k":"a"}}`, "k=b", "no"},
		{`{"StringNotEquals":{"k":"a"}}`, "k=b", "yes"},
		{`{"StringNotEquals":{"k":"a"}}`, "k=a", "no"},
		{`{"StringNotEquals":{"k":["a","b"]}}`, "k=b", "no"},
		{`{"StringNotEquals":{"k":["a","b"]}}`, "k=c", "yes"},
		{`{"StringNotEquals":{"k":"a"}}`, "", "yes"},
		{`{"StringNotEqualsIfExists":{"k":"a"}}`, "", "yes"},
		{`{"StringNotEqualsIfExists":{"k":"a"}}`, "k=a", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"Queue"}}`, "k=qUEUE", "yes"},
		{`{"StringEqualsIgnoreCase":{"k":"Queue"}}`, "k=queues", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"Queue"}}`, "k=queu", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"*"}}`, "k=a", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"ÄPFEL"}}`, "k=äpfel", "yes"},
		{`{"StringEqualsIgnoreCase":{"k":"a"}}`, "", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"kiss"}}`, "k=KISS", "yes"},
		{`{"StringEqualsIgnoreCase":{"k":"k"}}`, "k=\u212a", "maybe"}, // the Kelvin sign
		{`{"StringNotEqualsIgnoreCase":{"k":"\u212a"}}`, "k=K", "maybe"},
		{`{"StringEqualsIgnoreCase":{"k":"s"}}`, "k=\u017f", "maybe"},
		{`{"StringEqualsIgnoreCase":{"k":"i"}}`, "k=\u0130", "maybe"},
		{`{"StringEqualsIgnoreCase":{"k":["s","\u017f"]}}`, "k=\u017f", "yes"},
		{`{"StringEqualsIgnoreCase":{"k":"sa"}}`, "k=\u017fb", "no"},
		{`{"StringEqualsIgnoreCase":{"k":"s"}}`, "k=\u017fa", "no"},
		{`{"StringNotEqualsIgnoreCase":{"k":"Queue"}}`, "k=QUEUE", "no"},
		{`{"StringNotEqualsIgnoreCase":{"k":"Queue"}}`, "k=topic", "yes"},
		{`{"StringNotEqualsIgnoreCase":{"k":"Queue"}}`, "", "yes"},
		{`{"StringLike":{"k":"a*z"}}`, "k=abc/de:z", "yes"},
		{`{"StringLike":{"k":"a*z"}}`, "k=az", "yes"},
		{`{"StringLike":{"k":"a?z"}}`, "k=az", "no"},
		{`{"StringLike":{"k":"a?z"}}`, "k=aäz", "yes"},
		{`{"StringLike":{"k":"a.z"}}`, "k=abz", "no"},
		{`{"StringLike":{"k":"A*"}}`, "k=abc", "no"},
		{`{"StringLike":{"k":"*"}}`, "k=anything", "yes"},
		{`{"StringLike":{"k":"*"}}`, "", "no"},
		{`{"StringLikeIfExists":{"k":"z*"}}`, "", "yes"},
		{`{"StringNotLike":{"k":"a*"}}`, "k=abc", "no"},
		{`{"StringNotLike":{"k":"a*"}}`, "k=b", "yes"},
		{`{"StringNotLike":{"k":"a*"}}`, "", "yes"},
		{`{"StringNotLikeIfExists":{"k":"a*"}}`, "k=abc", "no"},
	})
}

func TestNumericOperators(t *testing.T) {
	runConditions(t, `IAM User Guide, "Numeric condition operators"`, []conditionCase{
		{`{"NumericEquals":{"k":10}}`, "k=10", "yes"},
		{`{"NumericEquals":{"k":"10"}}`, "k=10.0", "yes"},
		{`{"NumericEquals":{"k":"10"}}`, "k=010", "yes"},
		{`{"NumericEquals":{"k":"-0"}}`, "k=0", "yes"},
		{`{"NumericEquals":{"k":"10"}}`, "k=11", "no"},
		{`{"NumericEquals":{"k":["1","11"]}}`, "k=11", "yes"},
		{`{"NumericEquals":{"k":"12345678901234567891"}}`, "k=12345678901234567890", "no"},
		{`{"NumericEquals":{"k":"1"}}`, "", "no"},
		{`{"NumericEqualsIfExists":{"k":"1"}}`, "", "yes"},
		{`{"NumericNotEquals":{"k":"10"}}`, "k=10", "no"},
		{`{"NumericNotEquals":{"k":"10"}}`, "k=9.5", "yes"},
		{`{"NumericNotEquals":{"k":"10"}}`, "", "yes"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=9.99", "yes"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=10", "no"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=9", "yes"},
		{`{"NumericLessThan":{"k":"-1"}}`, "k=-2", "yes"},
		{`{"NumericLessThan":{"k":"-1"}}`, "k=0", "no"},
		{`{"NumericLessThan":{"k":"10"}}`, "", "no"},
		{`{"NumericLessThanIfExists":{"k":"10"}}`, "", "yes"},
		{`{"NumericLessThanEquals":{"k":"10"}}`, "k=10", "yes"},
		{`{"NumericLessThanEquals":{"k":"10"}}`, "k=10.01", "no"},
		{`{"NumericGreaterThan":{"k":"10"}}`, "k=100", "yes"},
		{`{"NumericGreaterThan":{"k":"10"}}`, "k=10", "no"},
		{`{"NumericGreaterThan":{"k":"10"}}`, "", "no"},
		{`{"NumericGreaterThanEquals":{"k":"10"}}`, "k=10", "yes"},
		{`{"NumericGreaterThanEquals":{"k":"10"}}`, "k=9", "no"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=9abc", "no"},
		{`{"NumericLessThan":{"k":"10abc"}}`, "k=9", "no"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=", "no"},
		{`{"NumericLessThan":{"k":"10"}}`, "k=1e0", "no"},
		{`{"NumericNotEquals":{"k":"10abc"}}`, "k=9", "maybe"},
		{`{"NumericNotEquals":{"k":["10abc","9"]}}`, "k=9", "no"},
	})
}

func TestDateOperators(t *testing.T) {
	runConditions(t, `IAM User Guide, "Date condition operators"`, []conditionCase{
		{`{"DateEquals":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":"2026-03-01"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":"2026-03"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":"2026-03-01T02:00:00+02:00"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":"2026-03-01T02:00+02:00"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":"1772323200"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateEquals":{"k":1772323200}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateLessThan":{"k":"2026-03-01T00:00:00.5Z"}}`, "k=1772323200.25", "yes"},
		{`{"DateEquals":{"k":"2026-03-01"}}`, "", "no"},
		{`{"DateNotEquals":{"k":"2026-03-01"}}`, "k=2026-03-02", "yes"},
		{`{"DateNotEquals":{"k":"2026-03-01"}}`, "k=2026-03-01", "no"},
		{`{"DateNotEquals":{"k":"2026-03-01"}}`, "", "yes"},
		{`{"DateLessThan":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-02-28T23:59:59Z", "yes"},
		{`{"DateLessThan":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:00Z", "no"},
		{`{"DateLessThanEquals":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateGreaterThan":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:01Z", "yes"},
		{`{"DateGreaterThan":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:00Z", "no"},
		{`{"DateGreaterThanEquals":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateGreaterThanEquals":{"k":"2026-03-01T00:00:00Z"}}`, "k=2026-02-01T00:00:00Z", "no"},
		{`{"DateGreaterThanIfExists":{"k":"2026-03-01T00:00:00Z"}}`, "", "yes"},
		{`{"DateLessThan":{"aws:TokenIssueTime":"2026-03-01T00:00:00Z"}}`, "", "no"},
		{`{"DateLessThan":{"k":"tomorrow"}}`, "k=2026-02-01T00:00:00Z", "no"},
		{`{"DateLessThan":{"k":"2026-13-01"}}`, "k=2026-02-01T00:00:00Z", "no"},
		{`{"DateNotEquals":{"k":"tomorrow"}}`, "k=2026-02-01T00:00:00Z", "maybe"},
		{`{"DateLessThan":{"k":"2026-03-01"}}`, "k=", "no"},
		{`{"DateNotEquals":{"k":"2026-03-01"}}`, "k=", "maybe"},
		{`{"DateGreaterThan":{"k":""}}`, "k=2026-03-01T00:00:00Z", "no"},
		{`{"DateLessThan":{"k":"2026"}}`, "k=2025-02-01T00:00:00Z", "maybe"},
		{`{"DateLessThan":{"k":"2026-03-01T00:00:00"}}`, "k=2025-02-01T00:00:00Z", "maybe"},
		{`{"DateLessThan":{"k":"2026-03-01T00:00:00Z"}}`, "k=2025-02-01T00:00:00", "maybe"},
		{`{"DateLessThan":{"k":"999999999999999"}}`, "k=2026-03-01T00:00:00Z", "yes"},
		{`{"DateLessThan":{"k":"1000000000000000"}}`, "k=2026-03-01T00:00:00Z", "no"},
	})
}

func TestBool(t *testing.T) {
	runConditions(t, `IAM User Guide, "Boolean condition operators"`, []conditionCase{
		{`{"Bool":{"k":"true"}}`, "k=true", "yes"},
		{`{"Bool":{"k":true}}`, "k=TRUE", "yes"},
		{`{"Bool":{"k":"True"}}`, "k=false", "no"},
		{`{"Bool":{"k":false}}`, "k=false", "yes"},
		{`{"Bool":{"k":["true","false"]}}`, "k=false", "yes"},
		{`{"Bool":{"k":"true"}}`, "", "no"},
		{`{"Bool":{"k":"false"}}`, "", "no"},
		{`{"BoolIfExists":{"k":"true"}}`, "", "yes"},
		{`{"BoolIfExists":{"k":"true"}}`, "k=false", "no"},
		{`{"Bool":{"k":"true"}}`, "k=yes", "no"},
		{`{"Bool":{"k":"false"}}`, "k=yes", "maybe"},
		{`{"Bool":{"k":"no"}}`, "k=false", "maybe"},
		{`{"Bool":{"k":"no"}}`, "k=true", "no"},
		{`{"Bool":{"k":"no"}}`, "k=no", "maybe"},
		{`{"Bool":{"k":"${other}"}}`, "k=true other=true", "maybe"},
		{`{"Bool":{"k":"${other}"}}`, "k=true other=false", "no"},
	})
}

func TestBinary(t *testing.T) {
	text := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	runConditions(t, `IAM User Guide, "Binary condition operators"`, []conditionCase{
		{`{"BinaryEquals":{"k":"` + text("key") + `"}}`, "k=key", "yes"},
		{`{"BinaryEquals":{"k":"` + text("key") + `"}}`, "k=Key", "no"},
		{`{"BinaryEquals":{"k":["` + text("a") + `","` + text("key") + `"]}}`, "k=key", "yes"},
		{`{"BinaryEquals":{"k":"` + text("key") + `"}}`, "", "no"},
		{`{"BinaryEqualsIfExists":{"k":"` + text("key") + `"}}`, "", "yes"},
		{`{"BinaryEquals":{"k":"not base64!"}}`, "k=key", "no"},
		// No global key is binary.
		{`{"BinaryEquals":{"aws:MultiFactorAuthPresent":"` + text("false") + `"}}`, "aws:MultiFactorAuthPresent=false", "maybe"},
		{`{"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"` + text("false") + `"}}`, "aws:MultiFactorAuthPresent=false", "maybe"},
		{`{"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"` + text("false") + `"}}`, "", "yes"},
	})
}

func TestAddressOperators(t *testing.T) {
	runConditions(t, `IAM User Guide, "IP address condition operators"`, []conditionCase{
		{`{"IpAddress":{"k":"203.0.113.0/24"}}`, "k=203.0.113.9", "yes"},
		{`{"IpAddress":{"k":"203.0.113.77/24"}}`, "k=203.0.113.9", "yes"},
		{`{"IpAddress":{"k":"203.0.113.0/24"}}`, "k=203.0.114.9", "no"},
		{`{"IpAddress":{"k":"203.0.113.9"}}`, "k=203.0.113.9", "yes"},
		{`{"IpAddress":{"k":"203.0.113.9"}}`, "k=203.0.113.10", "no"},
		{`{"IpAddress":{"k":"0.0.0.0/0"}}`, "k=203.0.113.9", "yes"},
		{`{"IpAddress":{"k":"0.0.0.0/0"}}`, "k=2001:db8::1", "no"},
		{`{"IpAddress":{"k":["10.0.0.0/8","2001:db8::/32"]}}`, "k=2001:db8::1", "yes"},
		{`{"IpAddress":{"k":"2001:DB8:0:0::/64"}}`, "k=2001:db8::1", "yes"},
		{`{"IpAddress":{"k":"2001:db8::1"}}`, "k=2001:db8:0:0:0:0:0:1", "yes"},
		{`{"IpAddress":{"k":"10.0.0.0/8"}}`, "", "no"},
		{`{"IpAddressIfExists":{"k":"10.0.0.0/8"}}`, "", "yes"},
		{`{"NotIpAddress":{"k":"10.0.0.0/8"}}`, "k=203.0.113.9", "yes"},
		{`{"NotIpAddress":{"k":"10.0.0.0/8"}}`, "k=10.1.2.3", "no"},
		{`{"NotIpAddress":{"k":["10.0.0.0/8","203.0.113.0/24"]}}`, "k=203.0.113.9", "no"},
		{`{"NotIpAddress":{"k":"10.0.0.0/8"}}`, "k=2001:db8::1", "yes"},
		{`{"NotIpAddress":{"k":"10.0.0.0/8"}}`, "", "yes"},
		{`{"IpAddress":{"k":"10.0.0.0/40"}}`, "k=10.0.0.1", "no"},
		{`{"NotIpAddress":{"k":"10.0.0.0/40"}}`, "k=10.0.0.1", "maybe"},
		{`{"IpAddress":{"k":"10.0.0.0/8"}}`, "k=localhost", "no"},
		{`{"IpAddress":{"k":"fe80::1%eth0"}}`, "k=fe80::1", "no"},
		{`{"NotIpAddress":{"k":"fe80::1%eth0"}}`, "k=fe80::1", "maybe"},
		{`{"IpAddress":{"k":"fe80::/10"}}`, "k=fe80::1%eth0", "no"},
	})
}

func TestARNOperators(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/team/deploy"
	rows := []conditionCase{
		{`"arn:aws:iam::123456789012:role/team/deploy"`, "k=" + role, "yes"},
		{`"arn:aws:iam::123456789012:role/*"`, "k=" + role, "yes"},
		{`"arn:aws:iam::*:role/*"`, "k=" + role, "yes"},
		{`"arn:*:iam::*:role/*"`, "k=" + role, "yes"},
		{`"arn:aws:iam::*:r*"`, "k=" + role, "yes"},
		{`"arn:aws:iam::*:r*/team/deploy"`, "k=" + role, "yes"},
		{`"arn:aws:*:123456789012:orders:sub-1"`, "k=arn:aws:sns:us-east-1:123456789012:orders:sub-1", "no"},
		{`"arn:aws:sns:*:*:o*1"`, "k=arn:aws:sns:us-east-1:123456789012:orders:sub-1", "yes"},
		{`"arn:aws:*:role/team/deploy"`, "k=" + role, "maybe"}, // four parts
		{`"arn:aws:iam::123456789012:role/TEAM/deploy"`, "k=" + role, "no"},
		{`["arn:aws:iam::*:user/*","arn:aws:iam::*:role/*"]`, "k=" + role, "yes"},
		{`"arn:aws:iam::${account}:role/*"`, "k=" + role + " account=123456789012", "yes"},
		{`"arn:aws:iam::${account}:role/*"`, "k=" + role + " account=*", "no"},
		{`"arn:aws:iam::*:role/${team}/*"`, "k=" + role + " team=team", "yes"},
		{`"arn:aws:iam::*:role/${team}/*"`, "k=" + role, "no"},
		{`"arn:aws:iam::*:role/*"`, "k=notarn", "no"},
		{`"arn:aws:iam::*:role/*"`, "", "no"},
	}
	opposite := map[string]string{"yes": "no", "no": "yes", "maybe": "maybe"}
	for _, operators := range [][2]string{{"ArnEquals", "ArnNotEquals"}, {"ArnLike", "ArnNotLike"}} {
		var all []conditionCase
		for _, row := range rows {
			negated := opposite[row.want]
			if strings.Contains(row.keys, "notarn") {
				negated = "maybe" // not documented
			}
			all = append(all,
				conditionCase{`{"` + operators[0] + `":{"k":` + row.condition + `}}`, row.keys, row.want},
				conditionCase{`{"` + operators[1] + `":{"k":` + row.condition + `}}`, row.keys, negated})
		}
		all = append(all,
			conditionCase{`{"` + operators[0] + `":{"k":"*"}}`, "k=" + role, "maybe"},
			conditionCase{`{"` + operators[0] + `":{"k":"role"}}`, "k=" + role, "no"},
			conditionCase{`{"` + operators[0] + `":{"k":"arn:aws:sqs:*"}}`, "k=" + role, "no"},
			conditionCase{`{"` + operators[1] + `":{"k":"role"}}`, "k=" + role, "maybe"},
			conditionCase{`{"` + operators[0] + `IfExists":{"k":"arn:aws:iam::*:user/*"}}`, "", "yes"},
			conditionCase{`{"` + operators[1] + `IfExists":{"k":"arn:aws:iam::*:role/*"}}`, "k=" + role, "no"})
		runConditions(t, `IAM User Guide, "Amazon Resource Name (ARN) condition operators"`, all)
	}
}

func TestNull(t *testing.T) {
	runConditions(t, `IAM User Guide, "Condition operator to check existence of condition keys"`, []conditionCase{
		{`{"Null":{"k":"true"}}`, "", "yes"},
		{`{"Null":{"k":"true"}}`, "k=a", "no"},
		{`{"Null":{"k":true}}`, "k=", "no"},
		{`{"Null":{"k":"false"}}`, "", "no"},
		{`{"Null":{"k":false}}`, "k=a", "yes"},
		{`{"Null":{"k":"false"}}`, "k[]=", "no"},
		{`{"Null":{"k":"true"}}`, "k[]=", "yes"},
		{`{"Null":{"k":"false"}}`, "k[]=a,b", "yes"},
		{`{"Null":{"k":["true","false"]}}`, "", "yes"},
		// A set operator with Null is not documented.
		{`{"ForAllValues:Null":{"k":"true"}}`, "", "maybe"},
		{`{"ForAnyValue:Null":{"k":"false"}}`, "k[]=a", "maybe"},
	})
}

func TestSetOperators(t *testing.T) {
	runConditions(t, `IAM User Guide, "Single-valued vs. multivalued context keys"`, []conditionCase{
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, "k[]=a,b", "yes"},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, "k[]=a", "yes"},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, "k[]=a,c", "no"},
		{`{"ForAllValues:StringEquals":{"k":"a"}}`, "", "yes"},
		{`{"ForAllValues:StringEquals":{"k":"a"}}`, "k[]=", "yes"},
		{`{"ForAllValues:StringEqualsIfExists":{"k":"a"}}`, "", "yes"},
		{`{"ForAllValues:StringEqualsIfExists":{"k":"a"}}`, "k[]=b", "no"},
		{`{"ForAllValues:StringEquals":{"k":"a"}}`, "k=a", "yes"},
		{`{"ForAllValues:StringEquals":{"k":"a"}}`, "k=b", "no"},
		{`{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, "k[]=c,d", "yes"},
		{`{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, "k[]=c,a", "no"},
		{`{"ForAllValues:StringNotEquals":{"k":"a"}}`, "", "yes"},
		{`{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, "k[]=x,b", "yes"},
		{`{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, "k[]=x,y", "no"},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, "", "no"},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, "k[]=", "no"},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, "k=a", "yes"},
		{`{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}`, "", "maybe"},
		{`{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}`, "k[]=a", "yes"},
		{`{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, "k[]=a,c", "yes"},
		{`{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, "k[]=a,b", "no"},
		{`{"ForAnyValue:StringNotEquals":{"k":"a"}}`, "", "no"},
		{`{"ForAnyValue:StringLike":{"k":"a*"}}`, "k[]=x,ab", "yes"},
		{`{"ForAnyValue:StringEqualsIgnoreCase":{"aws:TagKeys":"userType"}}`, "aws:TagKeys[]=x,USERTYPE", "yes"},
		{`{"ForAnyValue:ArnLike":{"k":"arn:aws:iam::*:user/*"}}`, "k[]=x,arn:aws:iam::123456789012:user/a", "yes"},
		{`{"ForAllValues:NumericLessThan":{"k":"3"}}`, "k[]=1,2", "yes"},
		{`{"ForAllValues:NumericLessThan":{"k":"3"}}`, "k[]=1,3", "no"},
		// An operator for one value on a list is not documented.
		{`{"StringEquals":{"k":"a"}}`, "k[]=a,b", "maybe"},
		{`{"StringEquals":{"k":"a"}}`, "k[]=a", "maybe"},
		{`{"StringEquals":{"k":"a"}}`, "k[]=b,c", "no"},
		{`{"StringNotEquals":{"k":"a"}}`, "k[]=b,c", "maybe"},
		{`{"StringNotEquals":{"k":"a"}}`, "k[]=a", "no"},
		{`{"StringEqualsIfExists":{"k":"a"}}`, "k[]=a,b", "maybe"},
		{`{"Bool":{"aws:TagKeys":"true"}}`, "aws:TagKeys[]=true,x", "maybe"},
		{`{"StringEqualsIfExists":{"k":"a"}}`, "k[]=", "yes"},
	})
}

func TestSeveralConditionsMustAllHold(t *testing.T) {
	runConditions(t, `IAM User Guide, "Conditions with multiple context keys or values"`, []conditionCase{
		{`{"StringEquals":{"a":"1","b":"2"}}`, "a=1 b=2", "yes"},
		{`{"StringEquals":{"a":"1","b":"2"}}`, "a=1 b=3", "no"},
		{`{"StringEquals":{"a":"1"},"Bool":{"b":"true"}}`, "a=1 b=true", "yes"},
		{`{"StringEquals":{"a":"1"},"Bool":{"b":"true"}}`, "a=2 b=true", "no"},
		{`{"StringEquals":{"a":"1"},"NumericNotEquals":{"b":"x"}}`, "a=2 b=1", "no"},
		{`{"StringEquals":{"a":"1"},"NumericNotEquals":{"b":"x"}}`, "a=1 b=1", "maybe"},
		{`{}`, "", "yes"},
		{`{"StringEquals":{}}`, "", "yes"},
		{`{"StringEquals":{"a":[]}}`, "a=1", "maybe"},
	})
}

func TestVariables(t *testing.T) {
	runConditions(t, `IAM User Guide, "IAM policy elements: Variables and tags"`, []conditionCase{
		{`{"StringEquals":{"k":"${aws:username}"}}`, "k=bob aws:username=bob", "yes"},
		{`{"StringEquals":{"k":"${AWS:UserName}"}}`, "k=bob aws:username=bob", "yes"},
		{`{"StringEquals":{"k":"a/${aws:username}/z"}}`, "k=a/bob/z aws:username=bob", "yes"},
		{`{"StringEquals":{"k":"${x}${y}"}}`, "k=12 x=1 y=2", "yes"},
		{`{"StringLike":{"k":"${x}*"}}`, "k=*abc x=*", "yes"},
		{`{"StringLike":{"k":"${x}*"}}`, "k=abc x=*", "no"},
		{`{"StringLike":{"k":"${x}-${y}-${z}-${u}-${v}"}}`, "k=1-2-3-4-5 x=1 y=2 z=3 u=4 v=5", "yes"},
		{`{"StringEqualsIgnoreCase":{"k":"${x}"}}`, "k=ABC x=abc", "yes"},
		{`{"StringEquals":{"k":"${aws:username}"}}`, "k=bob", "no"},
		{`{"StringNotEquals":{"k":"${aws:username}"}}`, "k=bob", "yes"},
		{`{"StringEquals":{"k":["${aws:username}","bob"]}}`, "k=bob", "yes"},
		{`{"StringEquals":{"k":"${x}"}}`, "k=a x[]=a", "no"},
		{`{"StringEquals":{"k":"${x, 'none'}"}}`, "k=none", "yes"},
		{`{"StringEquals":{"k":"${x,'none'}"}}`, "k=a x=a", "yes"},
		{`{"StringEquals":{"k":"${x, 'a}b'}"}}`, "k=a}b", "yes"},
		{`{"StringEquals":{"k":"${x, ''}"}}`, "k=", "yes"},
		{`{"StringLike":{"k":"${*}"}}`, "k=*", "yes"},
		{`{"StringLike":{"k":"${*}"}}`, "k=a", "no"},
		{`{"StringLike":{"k":"${?}${$}{x}"}}`, "k=?${x}", "yes"},
		{`{"StringEquals":{"k":"$a"}}`, "k=$a", "yes"},
		{`{"NumericEquals":{"k":"${x}"}}`, "k=1 x=1", "no"},
	})
}

// Source: IAM User Guide, "IAM JSON policy elements: Version".
func TestOldVersionHasNoVariables(t *testing.T) {
	condition := `{"StringEquals":{"k":"${aws:username}"}}`
	if got := held(t, "2008-10-17", condition, keys("k=bob", "aws:username=bob")); got != "no" {
		t.Errorf("substituted: %s", got)
	}
	if got := held(t, "2008-10-17", condition, keys("k=${aws:username}", "aws:username=bob")); got != "yes" {
		t.Errorf("literal: %s", got)
	}
}

func TestUnknownOperatorsAreRefused(t *testing.T) {
	for _, operator := range []string{"NullIfExists", "ForAnyValue:NullIfExists", "bool", "StringEqualsifExists",
		"foranyvalue:StringEquals", "ForAnyValue:", "IfExists", "StringMatches", "ForAllValues:ForAnyValue:Bool", "BoolIfExistsIfExists"} {
		_, err := Parse(Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"`+operator+`":{"k":"true"}}}`))
		if err == nil || !strings.Contains(err.Error(), "unknown condition operator") {
			t.Errorf("%s: %v", operator, err)
		}
	}
}

// What was observed about StringEquals on a list says nothing about other operators, nor
// about a list of one value.
func TestAnObservedAnswerIsAboutOneOperator(t *testing.T) {
	for answer, want := range map[string]string{"yes": "yes", "no": "no"} {
		observed, err := ParseObserved([]string{"single-on-many=" + answer})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []conditionCase{
			{`{"StringEquals":{"k":"a"}}`, "k[]=a,b", want},
			{`{"StringEquals":{"k":"a"}}`, "k[]=b,a", want},
			{`{"StringEquals":{"k":"a"}}`, "k[]=b,c", "no"},
			{`{"StringEquals":{"k":"a"}}`, "k[]=a", "maybe"},
			{`{"StringNotEquals":{"k":"a"}}`, "k[]=a,b", "maybe"},
			{`{"StringLike":{"k":"a"}}`, "k[]=a,b", "maybe"},
			{`{"StringEqualsIgnoreCase":{"k":"a"}}`, "k[]=a,b", "maybe"},
			{`{"Bool":{"k":"true"}}`, "k[]=true,false", "maybe"},
		} {
			c := keys(strings.Fields(row.keys)...)
			c.Observe(observed)
			if got := held(t, "2012-10-17", row.condition, c); got != row.want {
				t.Errorf("single-on-many=%s: %s %s: %s, want %s", answer, row.condition, row.keys, got, row.want)
			}
		}
	}
}
