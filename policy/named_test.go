package policy_test

import (
	"strings"
	"testing"

	. "forcemfa/policy"
)

// Of several Allows the decision names one that allows everything, wherever it stands: it is the one to change.
func TestADecisionNamesTheStatementThatAllowsEverything(t *testing.T) {
	const head = `{"Version":"2012-10-17","Statement":[`
	narrow := ParseSource("narrow", Identity, head+`{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	wide := ParseSource("wide", Identity, head+`{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	almost := ParseSource("almost", Identity, head+`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`)
	request := &Request{Principal: Principal{Kind: IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/bob"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: new(Context)}
	request.Context.Set("aws:SecureTransport", "true")
	for _, row := range []struct {
		sources   []Source
		name      string
		statement int
	}{
		{[]Source{narrow, wide}, "wide", 1},
		{[]Source{wide, narrow}, "wide", 1},
		{[]Source{narrow}, "narrow", 0},
		{[]Source{almost, narrow}, "almost", 0},
		{[]Source{narrow, almost}, "narrow", 0},
	} {
		d := (&Set{Identity: row.sources}).Decide(request)
		if d.Verdict != Allowed || d.Source == nil || d.Source.Name != row.name || d.Statement != row.statement {
			t.Errorf("%v: %v by %v, statement %d; want %s, statement %d", row.sources, d.Verdict, d.Source, d.Statement, row.name, row.statement)
		}
	}
}

// Services whose names look alike to a signature are not those that need a policy of their own.
func TestOnlyRolesAndKeysNeedAPolicyOfTheirOwn(t *testing.T) {
	set := &Set{Identity: []Source{ParseSource("p", Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}}
	decide := func(action, resource string) Verdict {
		return set.Decide(&Request{Principal: Principal{Kind: IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/bob"}, Action: action, Resource: resource}).Verdict
	}
	const role, key = "arn:aws:iam::111111111111:role/r", "arn:aws:kms:us-east-1:111111111111:key/k"
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			for _, service := range []string{string(a) + string(b) + "s", string(a) + string(b), "s" + string(a) + string(b), "k" + string(a) + string(b)} {
				want := Allowed
				if service == "sts" || service == "kms" {
					continue
				}
				for _, resource := range []string{role, key, "*"} {
					if got := decide(service+":Do", resource); got != want {
						t.Fatalf("%s:Do on %s: %v", service, resource, got)
					}
				}
			}
		}
	}
	for _, row := range []struct {
		action, resource string
		want             Verdict
	}{
		{"sts:AssumeRole", role, Unknown}, {"STS:assumerole", role, Unknown}, {"sts:AssumeRole", key, Allowed}, {"sts:GetSessionToken", "*", Allowed}, {"sts:AssumeRole", "arn:aws:s3:::role/r", Allowed},
		{"kms:Decrypt", key, Unknown}, {"KMS:Decrypt", key, Unknown}, {"kms:Decrypt", role, Allowed}, {"kms:ListKeys", "*", Allowed}, {"kms:Decrypt", "arn:aws:kms:us-east-1:111111111111:alias/a", Allowed},
	} {
		if got := decide(row.action, row.resource); got != row.want {
			t.Errorf("%s on %s: %v, want %v", row.action, row.resource, got, row.want)
		}
	}
}

func TestNamesOfPresences(t *testing.T) {
	for p, want := range map[Presence]string{0: "", Absent: "absent", False: "false", True: "true", Absent | False: "absent or false", False | True: "false or true", Absent | False | True: "absent or false or true"} {
		if got := p.String(); got != want {
			t.Errorf("%d: %q, want %q", p, got, want)
		}
	}
}

func TestEachAnswerHasItsSentence(t *testing.T) {
	for _, row := range []struct{ answer, want string }{
		{"binary-on-mfa-key=yes", "BinaryEquals with the Base64 text of false matches"},
		{"binary-on-mfa-key=no", "BinaryEquals never matches"},
	} {
		o, err := ParseObserved([]string{row.answer})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Statements(); len(got) != 1 || !strings.HasPrefix(got[0], row.want) {
			t.Errorf("%s: %q", row.answer, got)
		}
		if got := o.Answers(); len(got) != 1 || got[0] != row.answer {
			t.Errorf("%s: %q", row.answer, got)
		}
	}
}

// Control characters, quotes and backslashes survive printing, the frequent ones in their short form.
func TestPrintedTextIsReadBack(t *testing.T) {
	const printed = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:UserAgent":"\b\f\n\r\t\u0000\u0001\u001f \"\\/é"}}}]}`
	d, err := Parse(Identity, printed)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Statements[0].Conditions[0].Values[0]; got != "\b\f\n\r\t\x00\x01\x1f \"\\/é" {
		t.Errorf("%q", got)
	}
	if got := d.String(); got != printed {
		t.Errorf("%s", got)
	}
}
