package policy_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	. "forcemfa/policy"
)

func TestParseReadsEveryElement(t *testing.T) {
	const text = `{
  "Version": "2012-10-17",
  "Id": "a \"b\" \u00e9",
  "Statement": [
    {"Sid": "One", "Effect": "Allow", "Principal": {"AWS": ["*", "123456789012"], "Service": "ec2.amazonaws.com",
      "Federated": "cognito", "CanonicalUser": ["c1", "c2"]},
     "Action": "s3:Get*", "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b"],
     "Condition": {"Bool": {"aws:SecureTransport": true, "k": ["true", false]}, "NumericLessThan": {"n": [1, 2.50, -3]}}},
   {"Effect": "Deny", "NotPrincipal": "*", "NotAction": ["iam:*"], "NotResource": "*"}
  ]
}`
	got, err := Parse(Resource, text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Document{Kind: Resource, Version: "2012-10-17", ID: `a "b" é`, Statements: []Statement{
		{
			SID: "One", Effect: Allow,
			Principals: &Principals{Everyone: true, AWS: []string{"123456789012"}, Service: []string{"ec2.amazonaws.com"},
				Federated: []string{"cognito"}, CanonicalUser: []string{"c1", "c2"}},
			Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::a", "arn:aws:s3:::b"},
			Conditions: []Condition{
				{"Bool", "aws:SecureTransport", []string{"true"}},
				{"Bool", "k", []string{"true", "false"}},
				{"NumericLessThan", "n", []string{"1", "2.50", "-3"}},
			},
			Line: 5, Column: 5,
		},
		{Effect: Deny, NotPrincipals: &Principals{Everyone: true}, NotActions: []string{"iam:*"}, NotResources: []string{"*"}, Line: 9, Column: 4},
	}}
	type plain Document // without the method Equal
	if diff := cmp.Diff((*plain)(want), (*plain)(got), cmpopts.IgnoreUnexported(plain{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	printed := got.String()
	const wantPrinted = `{"Version":"2012-10-17","Id":"a \"b\" é","Statement":[{"Sid":"One","Effect":"Allow","Principal":{"AWS":["*","123456789012"],"Service":"ec2.amazonaws.com","Federated":"cognito","CanonicalUser":["c1","c2"]},"Action":"s3:Get*","Resource":["arn:aws:s3:::a","arn:aws:s3:::b"],"Condition":{"Bool":{"aws:SecureTransport":"true","k":["true","false"]},"NumericLessThan":{"n":["1","2.50","-3"]}}},{"Effect":"Deny","NotPrincipal":"*","NotAction":"iam:*","NotResource":"*"}]}`
	if diff := cmp.Diff(wantPrinted, printed); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	again, err := Parse(Resource, printed)
	if err != nil || !got.Equal(again) || again.String() != printed {
		t.Errorf("parsed again: %v\n%v", err, again)
	}
}

func TestADocumentWithoutVersionIsOfTheOldOne(t *testing.T) {
	d, err := Parse(Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if d.Version != "2008-10-17" {
		t.Errorf("version %s", d.Version)
	}
}

// Everything that is not a policy by IAM's grammar is refused, with the place.
// Source: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON
// policy elements reference"; Organizations User Guide, "SCP syntax", "RCP syntax".
func TestParseRefuses(t *testing.T) {
	st := func(s string) string { return `{"Version":"2012-10-17","Statement":[{` + s + `}]}` }
	const ok = `"Effect":"Allow","Action":"*","Resource":"*"`
	rows := []struct {
		name string
		kind Kind
		text string
		want string
	}{
		{"nothing", Identity, ``, `line 1, column 1: want {, found the end of the text`},
		{"no object", Identity, `[]`, `line 1, column 1: want {, found an array`},
		{"null", Identity, `null`, `found null`},
		{"no statement", Identity, `{"Version":"2012-10-17"}`, `no Statement`},
		{"empty statement", Identity, `{"Statement":[]}`, `Statement is empty`},
		{"unknown version", Identity, `{"Version":"2012-10-18","Statement":{` + ok + `}}`, `column 12: Version "2012-10-18"`},
		{"each first digit of a number", Identity, `{"Version":9,"Statement":{` + ok + `}}`, `want a string, found a number`},
		{"zero", Identity, `{"Version":0,"Statement":{` + ok + `}}`, `want a string, found a number`},
		{"a negative number", Identity, `{"Version":-1,"Statement":{` + ok + `}}`, `want a string, found a number`},
		{"what follows the digits in ASCII", Identity, `{"Version"::,"Statement":{` + ok + `}}`, `want a string, found ':'`},
		{"what precedes them", Identity, `{"Version":/,"Statement":{` + ok + `}}`, `want a string, found '/'`},
		{"version as a number", Identity, `{"Version":2012,"Statement":{` + ok + `}}`, `want a string, found a number`},
		{"duplicate element", Identity, st(ok + `,"Action":"s3:*"`), `column 84: duplicate "Action"`},
		{"duplicate by escape", Identity, st(ok + `,"\u0041ction":"s3:*"`), `duplicate "Action"`},
		{"duplicate top element", Identity, `{"Statement":{` + ok + `},"Statement":{` + ok + `}}`, `duplicate "Statement"`},
		{"duplicate operator", Identity, st(ok + `,"Condition":{"Bool":{"a":"true"},"Bool":{"b":"true"}}`), `duplicate "Bool"`},
		{"duplicate key", Identity, st(ok + `,"Condition":{"Bool":{"a":"true","a":"false"}}`), `duplicate "a"`},
		{"duplicate key in other case", Identity, st(ok + `,"Condition":{"Bool":{"a":"true","A":"false"}}`), `duplicate "A"`},
		{"unknown element", Identity, st(ok + `,"Note":"x"`), `unknown element "Note"`},
		{"element in other case", Identity, st(`"effect":"Allow","Action":"*","Resource":"*"`), `unknown element "effect": write Effect`},
		{"statement in other case", Identity, `{"statement":{` + ok + `}}`, `unknown element "statement": write Statement`},
		{"no effect", Identity, st(`"Action":"*","Resource":"*"`), `without Effect`},
		{"effect in other case", Identity, st(`"Effect":"allow","Action":"*","Resource":"*"`), `Effect "allow"`},
		{"no action", Identity, st(`"Effect":"Allow","Resource":"*"`), `without Action`},
		{"both actions", Identity, st(ok + `,"NotAction":"*"`), `both Action and NotAction`},
		{"both resources", Identity, st(ok + `,"NotResource":"*"`), `both Resource and NotResource`},
		{"no resource", Identity, st(`"Effect":"Allow","Action":"*"`), `without Resource`},
		{"empty actions", Identity, st(`"Effect":"Allow","Action":[],"Resource":"*"`), `an empty list`},
		{"action is null", Identity, st(`"Effect":"Allow","Action":null,"Resource":"*"`), `found null`},
		{"action is an object", Identity, st(`"Effect":"Allow","Action":{},"Resource":"*"`), `found an object`},
		{"action is nested", Identity, st(`"Effect":"Allow","Action":[["*"]],"Resource":"*"`), `found an array`},
		{"action without service", Identity, st(`"Effect":"Allow","Action":"GetUser","Resource":"*"`), `action GetUser: want service:Name`},
		{"action with two colons", Identity, st(`"Effect":"Allow","Action":"a:b:c","Resource":"*"`), `more than one colon`},
		{"principal in identity", Identity, st(ok + `,"Principal":"*"`), `identity policy has no principal`},
		{"principal in boundary", Boundary, st(ok + `,"Principal":"*"`), `permissions boundary has no principal`},
		{"principal in session", Session, st(ok + `,"NotPrincipal":"*"`), `session policy has no principal`},
		{"principal in SCP", SCP, st(ok + `,"Principal":"*"`), `service control policy has no principal`},
		{"both principals", Resource, st(ok + `,"Principal":"*","NotPrincipal":"*"`), `both Principal and NotPrincipal`},
		{"bare principal", Resource, st(ok + `,"Principal":"123456789012"`), `principal "123456789012"`},
		{"no principal in it", Resource, st(ok + `,"Principal":{}`), `without principals`},
		{"principal type", Resource, st(ok + `,"Principal":{"aws":"*"}`), `unknown element "aws": write AWS`},
		{"resource in trust", Trust, st(ok + `,"Principal":"*"`), `trust policy has no Resource`},
		{"NotPrincipal in trust", Trust, st(`"Effect":"Deny","Action":"sts:AssumeRole","NotPrincipal":"*"`), `trust policy has no NotPrincipal`},
		{"no principal in trust", Trust, st(`"Effect":"Allow","Action":"sts:AssumeRole"`), `without Principal`},
		{"no principal in RCP", RCP, st(ok), `needs "Principal": "*"`},
		{"some principal in RCP", RCP, st(ok + `,"Principal":{"AWS":"123456789012"}`), `needs "Principal": "*"`},
		{"everybody and a provider in RCP", RCP, st(ok + `,"Principal":{"AWS":"*","Federated":"cognito-identity.amazonaws.com"}`), `needs "Principal": "*"`},
		{"NotAction in RCP", RCP, st(`"Effect":"Deny","NotAction":"s3:*","Resource":"*","Principal":"*"`), `no NotPrincipal or NotAction`},
		{"no resource in RCP", RCP, st(`"Effect":"Deny","Action":"s3:*","Principal":"*"`), `without Resource`},
		{"unknown operator", Identity, st(ok + `,"Condition":{"StringMatches":{"a":"b"}}`), `column 97: unknown condition operator "StringMatches"`},
		{"value is null", Identity, st(ok + `,"Condition":{"Bool":{"a":null}}`), `want a string, a number or a boolean, found null`},
		{"value is an object", Identity, st(ok + `,"Condition":{"Bool":{"a":{}}}`), `found an object`},
		{"value with exponent", Identity, st(ok + `,"Condition":{"NumericEquals":{"a":1e3}}`), `exponent`},
		{"value 01", Identity, st(ok + `,"Condition":{"NumericEquals":{"a":01}}`), `not a JSON number`},
		{"value -", Identity, st(ok + `,"Condition":{"NumericEquals":{"a":-}}`), `not a JSON number`},
		{"value 1.", Identity, st(ok + `,"Condition":{"NumericEquals":{"a":1.}}`), `not a JSON number`},
		{"Null with other value", Identity, st(ok + `,"Condition":{"Null":{"a":"maybe"}}`), `want true or false, found maybe`},
		{"condition is a list", Identity, st(ok + `,"Condition":[]`), `want {, found an array`},
		{"open variable", Identity, st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${a"`), `a variable without }`},
		{"empty variable", Identity, st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${}"`), `neither ${key} nor`},
		{"brace in a variable", Identity, st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${a{b}"`), `neither ${key} nor`},
		{"bad default", Identity, st(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${a, b}"`), `neither ${key} nor`},
		{"open variable in a condition", Identity, st(ok + `,"Condition":{"StringLike":{"a":"${b"}}`), `StringLike a: a variable without }`},
		{"trailing comma", Identity, `{"Statement":{` + ok + `},}`, `no value after the comma`},
		{"trailing comma in a list", Identity, st(`"Effect":"Allow","Action":["*",],"Resource":"*"`), `no value after the comma`},
		{"missing comma", Identity, `{"Version":"2012-10-17" "Statement":[]}`, `want , or }, found a string`},
		{"missing colon", Identity, `{"Version" "2012-10-17"}`, `want :, found a string`},
		{"text after the end", Identity, st(ok) + `x`, `want the end of the text, found 'x'`},
		{"punctuation after the end", Identity, st(ok) + `!`, `want the end of the text, found '!'`},
		{"two documents", Identity, st(ok) + st(ok), `want the end of the text, found an object`},
		{"cut off", Identity, st(ok)[:40], `column 41: unterminated string`},
		{"open string", Identity, `{"Statement`, `unterminated string`},
		{"open escape", Identity, `{"Statement\`, `unterminated string`},
		{"bad escape", Identity, `{"\x":1}`, `unknown escape \x`},
		{"bad unicode escape", Identity, `{"\u12g4":1}`, `four hexadecimal digits`},
		{"signed unicode escape", Identity, `{"\u+123":1}`, `four hexadecimal digits`},
		{"half a pair", Identity, `{"\ud800":1}`, `surrogate`},
		{"line break in a string", Identity, "{\"Version\n\":1}", `control character`},
		{"byte order mark", Identity, "\ufeff" + st(ok), `found '\ufeff'`},
		{"not UTF-8", Identity, "{\"Id\":\"\xff\",\"Statement\":{" + ok + "}}", `not UTF-8`},
		{"place on a later line", Identity, "{\n  \"Version\": \"2012-10-17\",\r\n\t\"Statement\": [{}]\n}", `line 3, column 16: a statement without Effect`},
		{"column in characters", Identity, `{"Id":"äöü","x":1}`, `line 1, column 13: unknown element "x"`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse(row.kind, row.text)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %q, want %q in it", err, row.want)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	rows := map[string]struct {
		kind Kind
		text string
	}{
		"a resource policy without Resource":  {Resource, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"ecr:*"}}`},
		"a resource policy without Principal": {Resource, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
		"a resource policy of no statement":   {Resource, `{"Statement":[]}`},
		"the RCP that allows everything":      {RCP, doc(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)},
		"an SCP in the full language":         {SCP, doc(`{"Effect":"Allow","NotAction":"iam:Cre*Key","NotResource":"arn:aws:s3:::x","Condition":{"Bool":{"a":"true"}}}`)},
		"a trust policy":                      {Trust, doc(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["sts:AssumeRole","sts:TagSession"]}`)},
		"white space everywhere":              {Identity, " \r\n\t{ \"Statement\" : [ { \"Effect\" : \"Allow\" , \"Action\" : [ \"*\" ] , \"Resource\" : \"*\" } ] } \n"},
		"a pair of surrogates":                {Identity, `{"Id":"\ud83d\ude00","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			d, err := Parse(row.kind, row.text)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(row.kind, d.String())
			if err != nil || !d.Equal(again) {
				t.Errorf("printed as %s: %v", d, err)
			}
		})
	}
}

func TestParseSourceKeepsNameAndError(t *testing.T) {
	s := ParseSource("policy x", Identity, "{")
	if s.Name != "policy x" || s.Document != nil || s.Err == nil {
		t.Errorf("%+v", s)
	}
}

// Source: IAM User Guide, "IAM and AWS STS quotas": white space is not counted.
func TestSizeCountsNoWhiteSpaceOutsideStrings(t *testing.T) {
	for text, want := range map[string]int{
		``:                       0,
		" \t\r\n":                0,
		`{"a": "b c"}`:           11,
		`{"a": "\" x"}`:          12,
		`{"a":"\\" , "b" : "x"}`: 18,
		`"äö"`:                   4,
	} {
		if got := Size(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	text, err := os.ReadFile("testdata/forcemfa-2019.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := Size(string(text)); got != 2007 {
		t.Errorf("ForceMFA of 2019: %d characters, want 2007", got)
	}
}

func TestADocumentMadeByHandDecidesNothing(t *testing.T) {
	made := &Document{Kind: Identity, Version: "2012-10-17", Statements: []Statement{{Effect: Allow, Actions: []string{"*"}, Resources: []string{"*"}}}}
	set := &Set{Identity: []Source{{Name: "made", Document: made}}}
	if d := set.Decide(&Request{Principal: bob, Action: "s3:GetObject", Resource: "*"}); d.Verdict != Unknown || d.Why == "" {
		t.Errorf("%+v", d)
	}
}

// Lower case makes a k of the Kelvin sign, U+212A, so that it could stand for one.
func TestLettersOutsideOfASCIIAreRefused(t *testing.T) {
	for _, statement := range []string{
		"{\"Effect\":\"Deny\",\"NotAction\":\"\u212Ams:Decrypt\",\"Resource\":\"*\"}",
		"{\"Effect\":\"Deny\",\"Action\":\"s3:Get\u017FObject\",\"Resource\":\"*\"}",
		"{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"aws:To\u212AenIssueTime\":\"true\"}}}",
	} {
		if _, err := Parse(Identity, doc(statement)); err == nil || !strings.Contains(err.Error(), "ASCII") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := Parse(Identity, doc("{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"aws:RequestTag/Stra\u00DFe\":\"true\"}}}")); err != nil {
		t.Error(err)
	}
}
