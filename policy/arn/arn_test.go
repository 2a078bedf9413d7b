package arn

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSplitsIntoSixParts(t *testing.T) {
	for text, want := range map[string]ARN{
		"arn:aws:iam::123456789012:user/team/bob":       {"aws", "iam", "", "123456789012", "user/team/bob"},
		"arn:aws-cn:s3:::reports/a:b:c":                 {"aws-cn", "s3", "", "", "reports/a:b:c"},
		"arn:aws:sns:eu-west-1:123456789012:orders:sub": {"aws", "sns", "eu-west-1", "123456789012", "orders:sub"},
		"arn:aws:iam::aws:policy/AdministratorAccess":   {"aws", "iam", "", "aws", "policy/AdministratorAccess"},
		"arn:::::": {},
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if got.String() != text {
			t.Errorf("%s printed as %s", text, got)
		}
	}
	for _, text := range []string{"", "*", "arn", "arn:aws:iam::123456789012", "ARN:aws:iam::1:user/x", "x:aws:iam::1:user/x"} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), "not an ARN") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestNameAndKind(t *testing.T) {
	for resource, want := range map[string][2]string{
		"user/bob": {"user", "bob"}, "user/team/x/bob": {"user", "bob"}, "root": {"", "root"}, "": {"", ""},
	} {
		a := ARN{Resource: resource}
		if got := [2]string{a.Kind(), a.Name()}; got != want {
			t.Errorf("%s: %v", resource, got)
		}
	}
	if got := IAM("aws", "123456789012", "user", "/team/", "bob"); got != "arn:aws:iam::123456789012:user/team/bob" {
		t.Errorf("%s", got)
	}
}

func TestAccountIDsHaveTwelveDigits(t *testing.T) {
	for s, want := range map[string]bool{"123456789012": true, "000000000000": true, "12345678901": false, "1234567890123": false, "12345678901x": false, "aws": false, "": false} {
		if got := IsAccountID(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// Source: IAM User Guide, "IAM JSON policy elements: Resource".
func TestPatternMatchesPartByPart(t *testing.T) {
	rows := []struct {
		pattern, arn string
		want         bool
	}{
		{"arn:aws:iam::123456789012:user/*", "arn:aws:iam::123456789012:user/a/b:c", true},
		{"arn:aws:iam::*:user/*", "arn:aws:iam::123456789012:user/a", true},
		{"arn:*:iam::*:user/*", "arn:aws-us-gov:iam::123456789012:user/a", true},
		{"arn:aws:*:*:*:*", "arn:aws:iam::123456789012:user/a", true},
		{"arn:aws:s3:::*", "arn:aws:s3:::b/k:1", true},
		{"arn:aws:s3:::b/k?", "arn:aws:s3:::b/k1", true},
		{"arn:aws:*:123456789012:orders:sub", "arn:aws:sns:eu-west-1:123456789012:orders:sub", false},
		{"arn:aws:sns:*:123456789012:orders", "arn:aws:sns:eu-west-1:123456789012:orders:sub", false},
		{"arn:aws:iam:us-*:1:x", "arn:aws:iam::1:x", false},
	}
	for _, row := range rows {
		p, err := ParsePattern(row.pattern)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(row.arn)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(&a); got != row.want {
			t.Errorf("%s on %s: %v", row.pattern, row.arn, got)
		}
	}
	if _, err := ParsePattern("arn:aws:s3"); err == nil {
		t.Error("a short pattern is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:iam::123456789012:user/bob")
	f.Add("arn:::::::")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err == nil && a.String() != text {
			t.Fatalf("%q printed as %q", text, a)
		}
		if p, err := ParsePattern(text); err == nil && a.Resource != "" && !strings.ContainsAny(text, "*?") && !p.Match(&a) {
			t.Fatalf("%q does not match itself", text)
		}
	})
}
