package certificate_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
	"forcemfa/policy/prove/certificate"
)

const administrator = `{"Effect":"Allow","Action":"*","Resource":"*"}`

// rests claims that these Denies refuse together what one Deny of requests without MFA does. It returns what the checker
// says about a proof that only names them.
func rests(t *testing.T, denies ...string) error {
	t.Helper()
	sound := []string{administrator, others, byKey}
	tried := append([]string(nil), sound...)
	for _, deny := range denies {
		sound = append(sound, fmt.Sprintf(denyAll, mfa))
		tried = append(tried, deny)
	}
	s := bob(source(t, sound...))
	p := prove.User(s).Proof
	for i := range p.Cases {
		for j := range p.Cases[i].Cells {
			cell := &p.Cases[i].Cells[j]
			for _, by := range cell.By {
				if by.Statement < 3 {
					continue
				}
				cell.By = nil
				for n := range denies {
					by.Statement = 3 + n
					cell.By = append(cell.By, by)
				}
				break
			}
		}
	}
	return certificate.Check(p, claim(bob(source(t, tried...))))
}

// A text with wildcards stands for itself in one operator, for many texts in another, and ends at a colon in a third: the
// checker tries a value of each kind.
func TestValuesThatOneOperatorTellsFromAnother(t *testing.T) {
	on := func(operator, value string) string {
		return fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{"aws:RequestTag/a":%q}`, operator, value))
	}
	in := func(operator, value string) string {
		return fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{"aws:RequestedRegion":%q}`, operator, value))
	}
	at := func(operator, key, value string) string {
		return fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,%q:{%q:%q}`, operator, key, value))
	}
	const arn = "arn:aws:iam::*:role/*"
	for _, row := range []struct {
		denies []string
		sound  bool
	}{
		{[]string{on("StringEquals", "a*"), on("StringNotEquals", "a*")}, true},
		{[]string{on("StringLike", "a*"), on("StringNotLike", "a*")}, true},
		{[]string{on("StringLike", "a*"), on("StringNotEquals", "a*")}, true},
		{[]string{on("StringEquals", "a*"), on("StringNotLike", "a*")}, false}, // ab
		{[]string{on("StringNotLike", "a*"), on("StringEquals", "a*")}, false},
		{[]string{on("StringEquals", "a?"), on("StringNotLike", "a?")}, false},
		{[]string{on("StringNotEquals", "a*")}, false}, // a* itself
		{[]string{on("StringNotEquals", "a?")}, false},
		{[]string{on("StringNotLike", "a")}, false},
		{[]string{on("StringEquals", "a"), on("StringNotEqualsIgnoreCase", "a")}, false}, // A
		{[]string{on("StringEqualsIgnoreCase", "a"), on("StringNotEquals", "a")}, true},
		{[]string{on("ArnLike", arn), on("StringNotLike", arn)}, false}, // arn:aws:iam::1:2:role/x
		{[]string{on("StringLike", arn), on("StringNotLike", arn)}, true},
		{[]string{on("StringLike", arn), on("StringNotLike", "arn:aws:iam::*")}, false},
		{[]string{in("StringLike", "eu-*"), in("StringNotLike", "eu-*")}, true},
		{[]string{in("StringEquals", "eu-*"), in("StringNotLike", "eu-*")}, false}, // eu-west-1
		{[]string{in("StringNotEquals", "eu-west-1"), in("StringEqualsIgnoreCase", "EU-WEST-1")}, true},
		{[]string{at("DateLessThan", "aws:CurrentTime", "2030-01-01"), at("DateGreaterThanEquals", "aws:CurrentTime", "2030-01-01")}, true},
		{[]string{at("NumericLessThan", "aws:EpochTime", "1900000000"), at("NumericGreaterThanEquals", "aws:EpochTime", "1900000000")}, true},
		{[]string{at("NumericLessThan", "aws:EpochTime", "1900000000"), at("DateGreaterThanEquals", "aws:CurrentTime", "2030-03-17T17:46:40Z")}, true},
		{[]string{at("DateLessThan", "aws:EpochTime", "1900000000"), at("DateGreaterThanEquals", "aws:EpochTime", "1900000000")}, true},
		{[]string{at("NumericLessThan", "aws:CurrentTime", "7"), at("NumericGreaterThanEquals", "aws:CurrentTime", "7")}, false}, // a date is no number
		{[]string{at("NumericLessThan", "aws:EpochTime", "7"), at("NumericGreaterThanEquals", "aws:CurrentTime", "7")}, false},
		{[]string{at("NumericLessThan", "aws:TokenIssueTime", "7"), at("NumericGreaterThanEquals", "aws:TokenIssueTime", "7")}, false},
		{[]string{at("DateLessThan", "aws:TokenIssueTime", "2030-01-01"), at("Null", "aws:TokenIssueTime", "true")}, false}, // a later session
		{[]string{at("DateGreaterThan", "aws:TokenIssueTime", "2000-01-01"), at("Null", "aws:TokenIssueTime", "true")}, true},
		{[]string{at("Null", "aws:SourceVpce", "true")}, false}, // through an endpoint
		{[]string{at("StringNotEquals", "aws:ResourceTag/owner", "x")}, false},
		{[]string{on("StringNotEqualsIfExists", "x"), on("NumericEquals", "1")}, false}, // x
		{[]string{on("Null", "false"), on("StringEqualsIfExists", "x"), on("NumericEquals", "1")}, true},
		{[]string{at("NumericLessThan", "s3:max-keys", "7"), at("NumericGreaterThanEquals", "s3:max-keys", "7")}, false}, // absent
		{[]string{at("NumericLessThanEquals", "s3:max-keys", "7"), at("NumericGreaterThanIfExists", "s3:max-keys", "7")}, true},
		{[]string{at("NumericLessThan", "s3:max-keys", "7"), at("NumericGreaterThanIfExists", "s3:max-keys", "7")}, false},
		{[]string{at("NumericLessThanEquals", "s3:max-keys", "7"), at("NumericGreaterThanEqualsIfExists", "s3:max-keys", "8")}, true}, // no fraction
		{[]string{at("NumericLessThanEquals", "s3:max-keys", "7.5"), at("NumericGreaterThanEqualsIfExists", "s3:max-keys", "7.9")}, true},
		{[]string{at("NumericLessThan", "s3:max-keys", "7.5"), at("NumericGreaterThanIfExists", "s3:max-keys", "8")}, false},
		{[]string{at("NumericLessThanEquals", "s3:TlsVersion", "1"), at("NumericGreaterThanEqualsIfExists", "s3:TlsVersion", "2")}, false}, // 1.2
		{[]string{at("NumericLessThanEquals", "s3:new-key", "7"), at("NumericGreaterThanIfExists", "s3:new-key", "7")}, false},
		{[]string{at("DateLessThan", "s3:object-lock-retain-until-date", "2027-01-01"), at("DateGreaterThanEqualsIfExists", "s3:object-lock-retain-until-date", "2027-01-01")}, true},
		{[]string{at("Bool", "ec2:Encrypted", "true"), at("Bool", "ec2:Encrypted", "false"), at("Null", "ec2:Encrypted", "true")}, true},
		{[]string{at("Bool", "ec2:New", "true"), at("Bool", "ec2:New", "false"), at("Null", "ec2:New", "true")}, false},
		{[]string{at("StringEquals", "ec2:InstanceType", "t3.micro"), at("StringNotEquals", "EC2:instancetype", "t3.micro")}, true},
		{[]string{at("StringLike", "s3:prefix", "home/*"), at("StringNotLike", "s3:prefix", "home/*")}, true},
		{[]string{at("StringEqualsIfExists", "iam:PolicyARN", "arn:aws:iam::aws:policy/A"), at("StringNotEquals", "iam:PolicyARN", "arn:aws:iam::aws:policy/A")}, true},
		{[]string{at("ArnEqualsIfExists", "ec2:Subnet", "arn:aws:iam::aws:policy/A"), at("ArnNotLike", "ec2:Subnet", "arn:aws:iam::aws:policy/A")}, false},      // keys of this type have IDs too
		{[]string{at("ArnEqualsIfExists", "iam:PolicyARN", "arn:aws:iam::aws:policy/A"), at("ArnNotLike", "iam:PolicyARN", "arn:aws:iam::aws:policy/A")}, true}, // but not these
		{[]string{at("ArnLikeIfExists", "iam:PermissionsBoundary", "arn:aws:iam::*:policy/*")}, true},
		{[]string{at("ArnLikeIfExists", "iam:PermissionsBoundary", "arn:aws:iam::*:policy/*/*")}, false},
		{[]string{at("ArnLikeIfExists", "iam:PolicyARN", "arn:aws:iam::111111111111:policy/*"), at("StringLike", "iam:PolicyARN", "arn:aws:iam::aws:policy/*")}, false}, // of another account
		{[]string{at("StringEquals", "dynamodb:LeadingKeys", "x"), at("StringNotEquals", "dynamodb:LeadingKeys", "x")}, false},
		{[]string{at("ForAnyValue:StringEquals", "dynamodb:LeadingKeys", "x"), at("ForAllValues:StringNotEquals", "dynamodb:LeadingKeys", "x")}, true},
		{[]string{at("StringEquals", "events:Metadata/a", "x"), at("StringNotEquals", "events:Metadata/a", "x")}, false},
		{[]string{at("StringEquals", "events:Metadata/a/Matcher", "x"), at("StringNotEquals", "events:Metadata/a/Matcher", "x")}, false}, // the name can be a/Matcher
		{[]string{at("StringEquals", "kms:EncryptionContext:a", "x"), at("StringNotEquals", "kms:EncryptionContext:a", "x")}, true},
		{[]string{at("StringEquals", "s3:ExistingObjectTag/a", "x"), at("StringNotEquals", "s3:ExistingObjectTag/a", "x")}, true},
		{[]string{at("StringEquals", "aws:NewKey", "x"), at("StringNotEquals", "aws:NewKey", "x")}, false},
		{[]string{at("StringEquals", "aws:Referer", "x"), at("StringNotEquals", "aws:Referer", "x")}, true},
	} {
		if err := rests(t, row.denies...); (err == nil) != row.sound {
			t.Errorf("%s: %v", strings.Join(row.denies, " and "), err)
		}
	}
}

// The types of keys are those of the catalog, which the checker does not import.
func TestTypesOfKeysAreThoseOfTheCatalog(t *testing.T) {
	text, err := os.ReadFile("keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		for _, name := range words[2:] {
			name = strings.ToLower(words[0] + ":" + name)
			listed[name] = append(listed[name], words[1])
		}
	}
	for _, s := range catalog.Load().Services {
		for _, a := range s.Actions {
			for _, k := range a.Keys {
				service, _, _ := strings.Cut(k.Name, ":")
				global := service == "aws" || service == "saml" || strings.ContainsAny(service, "./")
				if got := listed[strings.ToLower(k.Name)]; !global && !slices.Contains(got, k.Type) {
					t.Errorf("%s: %v, in the catalog %s", k.Name, got, k.Type)
				}
			}
		}
	}
}

// A proof of Denies that split the resources does not hold for Denies that leave some out.
func TestResourcesThatOnePatternTellsFromAnother(t *testing.T) {
	at := func(element, value string) string {
		return strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, fmt.Sprintf("%q:%q", element, value), 1)
	}
	set := func(one, other string) prove.Subject {
		return bob(source(t, administrator, others, byKey, at("Resource", one), at("NotResource", other)))
	}
	for _, row := range []struct{ split, left string }{
		{"arn:aws:s3:::ab*", "arn:aws:s3:::a*"}, // leaves arn:aws:s3:::ac
		{"arn:aws:s3:::a?", "arn:aws:s3:::a*"},
		{"arn:aws:s3:::a*", "arn:*:*:*:*:a*"},
	} {
		s := set(row.split, row.split)
		p := prove.User(s).Proof
		if err := certificate.Check(p, claim(s)); err != nil {
			t.Errorf("%s: %v", row.split, err)
		}
		if err := certificate.Check(p, claim(set(row.split, row.left))); err == nil {
			t.Errorf("%s leaves what %s names, and is accepted", row.split, row.left)
		}
	}
}
