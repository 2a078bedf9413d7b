package document_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/policy"
)

var scpNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// An scpCall is a call of an administrator in a member account.
type scpCall struct {
	principal string // user/… or role/… with its path; empty: user/alice
	partition string // empty: aws
	account   string // empty: 111111111111
	mfa       bool
	byKey     bool // signed with an access key instead of a console session
	action    string
	resource  string   // empty: *
	tag       string   // key=value of the principal
	tagKeys   []string // aws:TagKeys of the request
	policyARN string   // iam:PolicyARN of the request
}

// decideUnderSCP decides a call under FullAWSAccess and the document, both attached
// to the account.
func decideUnderSCP(t *testing.T, document string, call scpCall) policy.Verdict {
	t.Helper()
	source := policy.ParseSource("the SCP", policy.SCP, document)
	if source.Err != nil {
		t.Fatalf("%v in %s", source.Err, document)
	}
	all := policy.ParseSource("FullAWSAccess", policy.SCP, admin)
	s := set(t, admin)
	s.SCPs = [][]policy.Source{{all}, {all, source}}
	d := s.Decide(call.request())
	if d.Verdict == policy.Unknown {
		t.Fatalf("%+v: %s", call, d.Why)
	}
	return d.Verdict
}

func (c scpCall) request() *policy.Request {
	or := func(s, zero string) string {
		if s == "" {
			return zero
		}
		return s
	}
	id, name := or(c.account, account), or(c.principal, "user/alice")
	arn := "arn:" + or(c.partition, "aws") + ":iam::" + id + ":" + name
	r := &policy.Request{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: id, ARN: arn},
		Action:    c.action, Resource: or(c.resource, "*"), Context: new(policy.Context),
	}
	last := name[strings.LastIndexByte(name, '/')+1:]
	if strings.HasPrefix(name, "role/") {
		r.Principal = policy.Principal{Kind: policy.RoleSession, Account: id, Issuer: arn,
			ARN: "arn:" + or(c.partition, "aws") + ":sts::" + id + ":assumed-role/" + last + "/session"}
	} else {
		r.Context.Set("aws:username", last)
	}
	r.Context.Set("aws:PrincipalArn", arn)
	r.Context.Set("aws:ViaAWSService", "false")
	credential, present := policy.ConsolePassword, policy.False
	switch {
	case c.mfa:
		credential, present = policy.SessionTokenMFA, policy.True
	case c.byKey:
		credential, present = policy.LongTermKey, policy.Absent
	}
	r.Context.SetMFA(credential, present, scpNow.Add(-time.Hour), scpNow)
	if key, value, ok := strings.Cut(c.tag, "="); ok {
		r.Context.Set("aws:PrincipalTag/"+key, value)
	}
	if c.tagKeys != nil {
		r.Context.SetMany("aws:TagKeys", c.tagKeys)
	}
	if c.policyARN != "" {
		r.Context.Set("iam:PolicyARN", c.policyARN)
	}
	return r
}

func parsed(t *testing.T, config string) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+config))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exempting is a config file with an exemption, in force unless it says expires.
func exempting(match string, more ...string) string {
	return "exemptions: [{match: " + match + ", owner: a, reason: b" + strings.Join(more, "") + "}]\n"
}

func TestEnforceSCPDeniesUsersWithoutMFA(t *testing.T) {
	const s3 = "s3:GetObject"
	for _, row := range []struct {
		name, config string
		call         scpCall
		allowed      bool
	}{
		{name: "a console session without MFA", call: scpCall{action: s3}},
		{name: "an access key", call: scpCall{action: s3, byKey: true}},
		{name: "a session with MFA", call: scpCall{action: s3, mfa: true}, allowed: true},
		{name: "a user in a path", call: scpCall{action: s3, principal: "user/team/alice"}},
		{name: "a user of another partition", call: scpCall{action: s3, partition: "aws-cn"}},
		{name: "a role session", call: scpCall{action: s3, principal: "role/Deploy"}, allowed: true},
		{name: "to enroll a device at the console", call: scpCall{action: "iam:EnableMFADevice", resource: "arn:aws:iam::" + account + ":user/alice"}, allowed: true},
		{name: "to enroll a device for another user", call: scpCall{action: "iam:EnableMFADevice", resource: other}},
		{name: "to enroll a device by access key", call: scpCall{action: "iam:CreateVirtualMFADevice", byKey: true}},
		{name: "to enroll by access key with an enrollment window", call: scpCall{action: "iam:CreateVirtualMFADevice", byKey: true, tag: "forcemfa-enrollment=2026-05-08"}, allowed: true},
		{name: "to enroll by access key with enrollment any", config: "policy: {enrollment: any}\n", call: scpCall{action: "iam:CreateVirtualMFADevice", byKey: true}, allowed: true},
		{name: "a session with MFA within max_session_age", config: "policy: {max_session_age: 2h}\n", call: scpCall{action: s3, mfa: true}, allowed: true},
		{name: "a session with MFA beyond max_session_age", config: "policy: {max_session_age: 30m}\n", call: scpCall{action: s3, mfa: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			partition := row.call.partition
			if partition == "" {
				partition = "aws"
			}
			document, err := parsed(t, row.config).EnforceSCP(partition, scpNow)
			if err != nil {
				t.Fatal(err)
			}
			if got := decideUnderSCP(t, document, row.call); (got == policy.Allowed) != row.allowed {
				t.Errorf("%v under %s", got, document)
			}
		})
	}
}

func TestEnforceSCPExemptsExactlyTheMatchedUsers(t *testing.T) {
	for _, row := range []struct {
		name, match string
		more        string // of the exemption
		exempt      []scpCall
		enforced    []scpCall
	}{
		{name: "a tag, in any case", match: "{tag: userType=Service}",
			exempt:   []scpCall{{tag: "userType=Service"}, {tag: "usertype=SERVICE"}},
			enforced: []scpCall{{}, {tag: "userType=Person"}, {tag: "team=Service"}}},
		{name: "a tag with any value", match: "{tag: \"machine=*\"}",
			exempt: []scpCall{{tag: "machine=1"}, {tag: "machine=yes"}}, enforced: []scpCall{{}, {tag: "machines=1"}}},
		{name: "a name, in any path", match: "{name: ci}",
			exempt:   []scpCall{{principal: "user/ci"}, {principal: "user/team/ci"}},
			enforced: []scpCall{{principal: "user/ci2"}, {principal: "user/ci/bob"}, {principal: "user/xci"}}},
		{name: "a path", match: "{path: /bots/*}",
			exempt: []scpCall{{principal: "user/bots/a"}, {principal: "user/bots/x/a"}}, enforced: []scpCall{{principal: "user/bots"}, {principal: "user/people/a"}}},
		{name: "a name in a path", match: "{name: ci, path: /bots/}",
			exempt: []scpCall{{principal: "user/bots/ci"}}, enforced: []scpCall{{principal: "user/ci"}, {principal: "user/bots/other"}}},
		{name: "an account", match: `{account: "222222222222"}`,
			exempt: []scpCall{{account: "222222222222"}}, enforced: []scpCall{{}}},
		{name: "a name in an account", match: `{name: ci, account: "222222222222"}`,
			exempt: []scpCall{{principal: "user/ci", account: "222222222222"}}, enforced: []scpCall{{principal: "user/ci"}, {account: "222222222222"}}},
		{name: "an ARN", match: "{arn: \"arn:aws:iam::222222222222:user/ci\"}",
			exempt: []scpCall{{principal: "user/ci", account: "222222222222"}}, enforced: []scpCall{{principal: "user/ci"}}},
		{name: "until it expires", match: "{name: ci}", more: ", expires: 2026-05-02", exempt: []scpCall{{principal: "user/ci"}}},
		{name: "not after it expired", match: "{name: ci}", more: ", expires: 2026-04-29", enforced: []scpCall{{principal: "user/ci"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			document, err := parsed(t, exempting(row.match, row.more)).EnforceSCP("aws", scpNow)
			if err != nil {
				t.Fatal(err)
			}
			check := func(calls []scpCall, want policy.Verdict) {
				for _, call := range calls {
					call.action, call.byKey = "s3:GetObject", true
					if got := decideUnderSCP(t, document, call); got != want {
						t.Errorf("%+v: %v, want %v under %s", call, got, want, document)
					}
				}
			}
			check(row.exempt, policy.Allowed)
			check(row.enforced, policy.ExplicitDenied)
		})
	}
}

// The reasons are asserted where a plan shows them, in internal/apply.
func TestEnforceSCPRefusesExemptionsThatNoConditionExpresses(t *testing.T) {
	for _, match := range []string{
		"{ou: Sandbox}", "{name: \"regex:ci.*\"}", "{tag: \"userType=regex:S.*\"}", "{tag: a=b, name: ci}", "{tag: \"a*=b\"}", "{tag: \"a=b*\"}",
		"{name: \"ci-*\"}", "{path: \"/b*ts/\"}", "{path: \"/bots/*\", name: ci}", "{path: /bots/}", "{arn: \"arn:aws:iam::222222222222:user/ci\", name: ci}",
	} {
		text, err := parsed(t, exempting(match)).EnforceSCP("aws", scpNow)
		if _, ok := err.(*document.InexpressibleError); !ok || text != "" {
			t.Errorf("%s: %v, document %s", match, err, text)
		}
		if _, err := parsed(t, exempting(match, ", expires: 2026-04-29")).EnforceSCP("aws", scpNow); err != nil {
			t.Errorf("%s, expired: %v", match, err)
		}
	}
}
