package policy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "forcemfa/policy"
)

const (
	account   = "123456789012"
	elsewhere = "210987654321"
	bobARN    = "arn:aws:iam::123456789012:user/bob"
)

var bob = Principal{Kind: IAMUser, Account: account, ARN: bobARN}

// parse is a source that must be readable.
func parse(t testing.TB, kind Kind, text string) Source {
	t.Helper()
	s := ParseSource(kind.String(), kind, text)
	if s.Err != nil {
		t.Fatalf("%v in %s", s.Err, text)
	}
	return s
}

// doc wraps statements into a document of version 2012-10-17.
func doc(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// withMFA is a context with aws:MultiFactorAuthPresent as named: absent, false
// or true, and an age of 600 seconds beside true.
func withMFA(value string) *Context {
	c := &Context{}
	c.Set("aws:username", "bob")
	if value != "absent" {
		c.Set("aws:MultiFactorAuthPresent", value)
	}
	if value == "true" {
		c.Set("aws:MultiFactorAuthAge", "600")
	}
	return c
}

// Every row of the table of MFA conditions: whether a statement with the
// condition applies when aws:MultiFactorAuthPresent is absent, false, true.
// Source of the rows: IAM User Guide, "AWS global condition context keys"
// (MultiFactorAuthPresent, MultiFactorAuthAge) and, for what an absent key does,
// "Condition operators" and "Single-valued vs. multivalued context keys".
func TestMFAConditionShapes(t *testing.T) {
	rows := []struct {
		condition string
		applies   [3]bool // absent, false, true
	}{
		{`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, [3]bool{false, false, true}},
		{`{"Bool":{"aws:MultiFactorAuthPresent":true}}`, [3]bool{false, false, true}},
		{`{"Bool":{"aws:multifactorauthpresent":"True"}}`, [3]bool{false, false, true}},
		{`{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, [3]bool{false, true, false}},
		{`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, [3]bool{true, true, false}},
		{`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`, [3]bool{true, false, true}},
		{`{"Null":{"aws:MultiFactorAuthPresent":"true"}}`, [3]bool{true, false, false}},
		{`{"Null":{"aws:MultiFactorAuthPresent":"false"}}`, [3]bool{false, true, true}},
		{`{"StringNotEquals":{"aws:MultiFactorAuthPresent":"true"}}`, [3]bool{true, true, false}},
		{`{"ForAllValues:Bool":{"aws:MultiFactorAuthPresent":"true"}}`, [3]bool{true, false, true}},
		{`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, [3]bool{false, false, true}},
		{`{"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}`, [3]bool{false, false, false}},
		{`{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"60"}}`, [3]bool{false, false, true}},
		{`{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}}`, [3]bool{false, false, false}},
		{`{"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"60"}}`, [3]bool{true, true, true}},
		{`{"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}`, [3]bool{true, true, false}},
		{`{"Null":{"aws:MultiFactorAuthAge":"true"}}`, [3]bool{true, true, false}},
		{`{"Bool":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}}`, [3]bool{false, false, false}},
		{`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}}`, [3]bool{true, true, false}},
	}
	for _, row := range rows {
		for i, value := range []string{"absent", "false", "true"} {
			t.Run(row.condition+" "+value, func(t *testing.T) {
				r := &Request{Principal: bob, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: withMFA(value)}
				allow := &Set{Identity: []Source{parse(t, Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+row.condition+`}`))}}
				deny := &Set{Identity: []Source{parse(t, Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*"},
					{"Effect":"Deny","Action":"*","Resource":"*","Condition":`+row.condition+`}`))}}
				got := [2]Verdict{allow.Decide(r).Verdict, deny.Decide(r).Verdict}
				want := [2]Verdict{ImplicitDenied, Allowed}
				if row.applies[i] {
					want = [2]Verdict{Allowed, ExplicitDenied}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("as Allow and as Deny (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// The two statements of the hole that fas: allow opens by design: a forwarded
// call passes although it shows no MFA.
func TestForwardedCallPassesADenyOfDirectCalls(t *testing.T) {
	set := &Set{Identity: []Source{parse(t, Identity, doc(`{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}}}`))}}
	c := withMFA("false")
	c.Set("aws:ViaAWSService", "true")
	r := &Request{Principal: bob, Action: "s3:GetObject", Resource: "*", Context: c}
	if got := set.Decide(r).Verdict; got != Allowed {
		t.Errorf("forwarded: %v", got)
	}
	c.Set("aws:ViaAWSService", "false")
	if got := set.Decide(r).Verdict; got != ExplicitDenied {
		t.Errorf("direct: %v", got)
	}
}

// The policy of 2019 with administrator rights beside it: only the listed
// actions pass without MFA, and everything passes with it.
func TestForceMFALetsOnlyEnrollmentThroughWithoutMFA(t *testing.T) {
	set := forceMFA(t)
	want := map[string]Verdict{
		"s3:GetObject absent": ExplicitDenied, "s3:GetObject false": ExplicitDenied, "s3:GetObject true": Allowed,
		"IAM:enablemfadevice absent": Allowed, "IAM:enablemfadevice false": Allowed, "IAM:enablemfadevice true": Allowed,
		"iam:DeactivateMFADevice absent": ExplicitDenied, "iam:DeactivateMFADevice false": ExplicitDenied, "iam:DeactivateMFADevice true": Allowed,
	}
	got := map[string]Verdict{}
	for _, action := range []string{"s3:GetObject", "IAM:enablemfadevice", "iam:DeactivateMFADevice"} {
		for _, mfa := range []string{"absent", "false", "true"} {
			d := set.Decide(&Request{Principal: bob, Action: action, Resource: bobARN, Context: withMFA(mfa)})
			got[action+" "+mfa] = d.Verdict
			if d.Verdict == ExplicitDenied && d.Source.Document.Statements[d.Statement].SID != "DenyAllExceptListedIfNoMFA" {
				t.Errorf("%s %s: denied by statement %d", action, mfa, d.Statement)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The table of the keys that depend on the credential.
// Source: IAM User Guide, "AWS global condition context keys".
func TestMFAKeysOfCredentials(t *testing.T) {
	want := map[Credential]MFAKeys{
		LongTermKey:      {Absent, false, false},
		SessionToken:     {False, false, true},
		SessionTokenMFA:  {True, true, true},
		ConsolePassword:  {False, false, true},
		ConsoleMFA:       {True, true, true},
		CodeInCall:       {True, true, false},
		RoleFromCode:     {False, false, true},
		RoleFromMFA:      {False | True, true, true},
		RoleFromKey:      {False, false, true},
		ChainedRole:      {False | True, true, true},
		FederatedRole:    {False, false, true},
		FederationToken:  {False, false, true},
		ServiceRole:      {False, false, true},
		ForwardedFromKey: {False, false, true},
		RootKey:          {Absent, false, false},
		RootSession:      {Absent | False | True, true, true},
		NoCredential:     {Absent, false, false},
		NoCredential + 1: {Absent | False | True, true, true},
		0:                {Absent | False | True, true, true},
	}
	got := map[Credential]MFAKeys{}
	for c := Credential(0); c <= NoCredential+1; c++ {
		got[c] = c.MFA()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSetMFAWritesTheKeysOfTheCredential(t *testing.T) {
	issued := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	now := issued.Add(90*time.Second + 500*time.Millisecond)
	rows := []struct {
		credential Credential
		present    Presence
		want       map[string]string
	}{
		{LongTermKey, Absent, map[string]string{}},
		{SessionToken, False, map[string]string{"aws:multifactorauthpresent": "false", "aws:tokenissuetime": "2026-03-01T09:00:00Z"}},
		{SessionTokenMFA, True, map[string]string{"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "90", "aws:tokenissuetime": "2026-03-01T09:00:00Z"}},
		{CodeInCall, True, map[string]string{"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}},
		{CodeInCall, Absent, map[string]string{}},
		{RoleFromMFA, True, map[string]string{"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "90", "aws:tokenissuetime": "2026-03-01T09:00:00Z"}},
		{RoleFromMFA, False, map[string]string{"aws:multifactorauthpresent": "false", "aws:tokenissuetime": "2026-03-01T09:00:00Z"}},
	}
	for _, row := range rows {
		t.Run(fmt.Sprint(row.credential, " ", row.present), func(t *testing.T) {
			var c Context
			c.SetMFA(SessionTokenMFA, True, issued, now) // must leave nothing behind
			c.SetMFA(row.credential, row.present, issued, now)
			got := map[string]string{}
			for _, key := range c.Keys() {
				values, _ := c.Get(key)
				got[key] = values[0]
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Source: IAM User Guide, "Compare AWS STS credentials"; STS API Reference,
// GetSessionToken and GetFederationToken.
func TestLimitsOutsideThePolicyLanguage(t *testing.T) {
	rows := []struct {
		credential Credential
		action     string
		limited    bool
	}{
		{LongTermKey, "iam:CreateUser", false},
		{LongTermKey, "sts:GetFederationToken", false},
		{SessionToken, "iam:ListMFADevices", true},
		{SessionToken, "IAM:listmfadevices", true},
		{SessionToken, "sts:AssumeRole", false},
		{SessionToken, "sts:TagSession", false},
		{SessionToken, "sts:GetCallerIdentity", false},
		{SessionToken, "sts:GetFederationToken", true},
		{SessionToken, "sts:GetAccessKeyInfo", true},
		{SessionToken, "s3:GetObject", false},
		{SessionTokenMFA, "iam:CreateUser", false},
		{SessionTokenMFA, "sts:GetSessionToken", true},
		{SessionTokenMFA, "sts:AssumeRole", false},
		{FederationToken, "iam:GetUser", true},
		{FederationToken, "sts:AssumeRole", true},
		{FederationToken, "sts:GetCallerIdentity", false},
		{FederationToken, "s3:GetObject", false},
		{ConsoleMFA, "iam:CreateUser", false},
		{ConsoleMFA, "sts:GetSessionToken", true},
		{RoleFromMFA, "sts:GetSessionToken", true},
		{RoleFromMFA, "sts:GetFederationToken", true},
		{ChainedRole, "sts:AssumeRole", false},
		{RootKey, "sts:AssumeRole", true},
		{RootSession, "sts:AssumeRole", true},
		{RootKey, "iam:CreateUser", false},
		{RootKey, "sts:GetAccessKeyInfo", false},
		{NoCredential, "s3:GetObject", false},
	}
	for _, row := range rows {
		reason, limited := row.credential.Limit(row.action)
		if limited != row.limited || (reason != "") != limited {
			t.Errorf("%v, %s: limited %v, reason %q", row.credential, row.action, limited, reason)
		}
	}
}

func TestTwoActionsWorkWhateverPoliciesSay(t *testing.T) {
	for action, want := range map[string]bool{
		"sts:GetSessionToken": true, "STS:getsessiontoken": true, "sts:GetCallerIdentity": true,
		"sts:AssumeRole": false, "iam:GetUser": false, "": false,
	} {
		if got := Unconditional(action); got != want {
			t.Errorf("%s: %v", action, got)
		}
	}
}
