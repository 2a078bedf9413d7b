package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

// Two Denies that seem to cover all values of a key, and leave one that only a sender who knows the details of the
// language finds.
func TestValuesThatOnlyTheDetailsOfTheLanguageTellApart(t *testing.T) {
	on := func(operator, key, values string) string {
		return fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{%q:%s}`, operator, key, values))
	}
	tag := func(operator, values string) string { return on(operator, "aws:RequestTag/a", values) }
	for _, row := range []struct {
		name    string
		denies  []string
		outcome prove.Outcome
	}{
		{"a default with a brace", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, 'a}b'}"`)}, prove.Open},
		{"a default with a brace and its value", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, 'a}b'}"`), tag("StringEquals", `"a}b"`)}, prove.Enforced},
		{"a default with spaces", []string{tag("StringNotEquals", `"${aws:PrincipalTag/none, ' a '}"`), tag("StringEquals", `"a"`)}, prove.Open},
		{"a list has no value", []string{tag("StringNotEquals", `"${aws:PrincipalOrgPaths, 'a'}"`), tag("StringEquals", `"o-1"`)}, prove.Open},
		{"a list has no value, but a default", []string{tag("StringNotEquals", `"${aws:PrincipalOrgPaths, 'a'}"`), tag("StringEquals", `"a"`)}, prove.Enforced},
		{"a letter with two capitals", []string{tag("StringEquals", `["k","K"]`), tag("StringNotEqualsIgnoreCase", `"k"`)}, prove.Unknown},
		{"a letter with two small ones", []string{tag("StringEquals", `["s","S"]`), tag("StringNotEqualsIgnoreCase", `"s"`)}, prove.Unknown},
		{"a letter with and without its dot", []string{tag("StringEquals", `["i","I"]`), tag("StringNotEqualsIgnoreCase", `"I"`)}, prove.Unknown},
		{"letters in both cases", []string{tag("StringEquals", `["é","É"]`), tag("StringNotEqualsIgnoreCase", `"É"`)}, prove.Enforced},
		{"any case", []string{tag("StringEqualsIgnoreCase", `"kiss"`), tag("StringNotEqualsIgnoreCase", `"KISS"`)}, prove.Unknown},
		{"bytes", []string{on("BinaryEqualsIfExists", "kms:RecipientAttestation:PCR0", `["","Zm9yY2VtZmE=","ZXhhbXBsZQ=="]`)}, prove.Open},
		{"a list of a service", []string{on("StringEquals", "dynamodb:LeadingKeys", `"x"`), on("StringNotEquals", "dynamodb:LeadingKeys", `"x"`)}, prove.Unknown},
		{"a list with a name", []string{on("StringEquals", "events:metadata/a", `"x"`), on("StringNotEquals", "events:metadata/a", `"x"`)}, prove.Unknown},
		{"one value of a service", []string{on("StringEquals", "s3:prefix", `"x"`), on("StringNotEquals", "s3:prefix", `"x"`)}, prove.Enforced},
		{"one value with a name", []string{on("StringEquals", "kms:EncryptionContext:a", `"x"`), on("StringNotEquals", "kms:EncryptionContext:a", `"x"`)}, prove.Enforced},
		{"a number", []string{on("NumericLessThanEquals", "s3:max-keys", `"10"`), on("NumericGreaterThanIfExists", "s3:max-keys", `"10"`)}, prove.Enforced},
		{"a number without one", []string{on("NumericLessThan", "s3:max-keys", `"10"`), on("NumericGreaterThanIfExists", "s3:max-keys", `"10"`)}, prove.Open},
		{"a number or nothing", []string{on("NumericLessThanEquals", "s3:max-keys", `"10"`), on("NumericGreaterThan", "s3:max-keys", `"10"`)}, prove.Open},
		{"numbers next to each other", []string{on("NumericLessThanEquals", "s3:max-keys", `"10"`), on("NumericGreaterThanEqualsIfExists", "s3:max-keys", `"11"`)}, prove.Enforced},
		{"a number below a fraction", []string{on("NumericGreaterThanIfExists", "s3:max-keys", `"10.5"`), on("NumericLessThan", "s3:max-keys", `"10"`)}, prove.Open},
		{"a number with fractions", []string{on("NumericLessThanEquals", "s3:TlsVersion", `"1"`), on("NumericGreaterThanEqualsIfExists", "s3:TlsVersion", `"2"`)}, prove.Open},
		{"a number of a new key", []string{on("NumericLessThanEquals", "s3:new-key", `"10"`), on("NumericGreaterThanIfExists", "s3:new-key", `"10"`)}, prove.Open},
		{"a number and a text", []string{on("NumericLessThanEqualsIfExists", "s3:max-keys", `"10"`), on("StringNotEquals", "s3:max-keys", `"9"`)}, prove.Unknown},
		{"a date of a service", []string{on("DateLessThan", "s3:object-lock-retain-until-date", `"2027-01-01"`), on("DateGreaterThanEqualsIfExists", "s3:object-lock-retain-until-date", `"2027-01-01"`)}, prove.Enforced},
		{"true and false of a service", []string{on("Bool", "ec2:Encrypted", `"true"`), on("Bool", "ec2:Encrypted", `"false"`), on("Null", "ec2:Encrypted", `"true"`)}, prove.Enforced},
		{"a type of instance", []string{on("StringEquals", "ec2:InstanceType", `"t3.micro"`), on("StringNotEquals", "EC2:instancetype", `"t3.micro"`)}, prove.Enforced},
		{"a policy", []string{on("StringEqualsIfExists", "iam:PolicyARN", `"arn:aws:iam::aws:policy/A"`), on("StringNotEquals", "iam:PolicyARN", `"arn:aws:iam::aws:policy/A"`)}, prove.Enforced},
		{"an ARN or an ID", []string{on("ArnEqualsIfExists", "ec2:Subnet", `"arn:aws:iam::aws:policy/A"`), on("ArnNotLike", "ec2:Subnet", `"arn:aws:iam::aws:policy/A"`)}, prove.Unknown},
		{"the ARN of a policy", []string{on("ArnEqualsIfExists", "iam:PolicyARN", `"arn:aws:iam::aws:policy/A"`), on("ArnNotLike", "iam:PolicyARN", `"arn:aws:iam::aws:policy/A"`)}, prove.Enforced},
		{"any policy", []string{on("ArnLikeIfExists", "iam:PermissionsBoundary", `["arn:aws:iam::aws:policy/*","arn:aws:iam::????????????:policy/*"]`)}, prove.Enforced},
		{"policies of AWS", []string{on("ArnLikeIfExists", "iam:PermissionsBoundary", `"arn:aws:iam::aws:policy/*"`)}, prove.Open},
		{"policies at a path", []string{on("ArnNotLikeIfExists", "iam:PolicyARN", `"arn:aws:iam::*:policy/*/*"`)}, prove.Open},
		{"a list with set operators", []string{on("ForAnyValue:StringEquals", "dynamodb:LeadingKeys", `"x"`), on("ForAllValues:StringNotEquals", "dynamodb:LeadingKeys", `"x"`)}, prove.Enforced},
		{"a list or one value", []string{on("StringEquals", "events:Metadata/a/Matcher", `"x"`), on("StringNotEquals", "events:Metadata/a/Matcher", `"x"`)}, prove.Unknown},
		{"a tag of an object", []string{on("StringEquals", "s3:ExistingObjectTag/a", `"x"`), on("StringNotEquals", "s3:ExistingObjectTag/a", `"x"`)}, prove.Enforced},
		{"a key that is new", []string{on("StringEquals", "s3:new-key", `"x"`), on("StringNotEquals", "s3:new-key", `"x"`)}, prove.Unknown},
	} {
		s := bob(identity(append([]string{admin, others, byKey}, row.denies...)...))
		s.Context.SetMany("aws:PrincipalOrgPaths", []string{"o-1"})
		a := prove.User(s)
		if a.Outcome != row.outcome {
			t.Errorf("%s: %v, want %v", row.name, text1(a), row.outcome)
		}
		if a.Outcome == prove.Open {
			replay(t, s, a)
		}
		if a.Outcome == prove.Enforced {
			if err := certificate.Check(a.Proof, claimOf(s)); err != nil {
				t.Errorf("%s: the checker refuses the proof: %v", row.name, err)
			}
		} else if certificate.Check(hopeful(t, s), claimOf(s)) == nil {
			t.Errorf("%s: the checker accepts a proof", row.name)
		}
	}
}

// Users whose tags a variable with spaces names do not share an answer.
func TestUsersDifferByTheVariablesOfTheirPolicies(t *testing.T) {
	document := identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:PrincipalTag/team":"${ aws:PrincipalTag/unit , 'x'}"}`))
	var p prove.Prover
	for _, row := range []struct {
		unit    string
		outcome prove.Outcome
	}{{"red", prove.Enforced}, {"blue", prove.Open}, {"red", prove.Enforced}} {
		s := bob(document)
		s.Context.Set("aws:PrincipalTag/team", "red")
		s.Context.Set("aws:PrincipalTag/unit", row.unit)
		if a := p.User(s); a.Outcome != row.outcome {
			t.Errorf("%s: %v, want %v", row.unit, text1(a), row.outcome)
		}
	}
}

// Users whose organization paths differ in the second one do not share an answer.
func TestUsersDifferByEveryValueOfAList(t *testing.T) {
	document := identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa+`,"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-1/r-1/ou-2/"}`))
	var p prove.Prover
	for _, path := range []string{"o-1/r-1/ou-2/", "o-1/r-1/ou-3/"} { // an example would be tried for the next user
		s := bob(document)
		s.Context.SetMany("aws:PrincipalOrgPaths", []string{"o-1/r-1/ou-1/", path})
		if a := p.User(s); (a.Outcome == prove.Enforced) != strings.HasSuffix(path, "ou-2/") {
			t.Errorf("%s: %v", path, text1(a))
		}
	}
}

// A user with a device and one without do not share an answer: AWS itself protects the first.
func TestUsersDifferByTheirDevice(t *testing.T) {
	document := identity(admin, others, fmt.Sprintf(denyAll, mfa))
	var p prove.Prover
	for _, device := range []bool{true, false, true} {
		s := bob(document)
		s.HasDevice = device
		if a := p.User(s); (a.Outcome == prove.Enforced) != device {
			t.Errorf("device %v: %v", device, text1(a))
		}
	}
}
