package sample_test

import (
	"strings"
	"testing"
	"time"

	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// decider decides records by the policies of the sample organization.
type decider struct {
	header   org.Header
	accounts map[string]*org.Account
}

func newDecider() *decider {
	header, accounts := sample.Organization()
	o := &decider{header, map[string]*org.Account{}}
	for i := range accounts {
		o.accounts[accounts[i].ID] = &accounts[i]
	}
	return o
}

// The recorded successes are calls that the policies of the sample allow, so that no
// reader finds a log that contradicts the organization; the recorded refusals are calls
// that they refuse.
func TestThePoliciesAllowWhatTheMonthRecords(t *testing.T) {
	o := newDecider()
	answers := map[string]policy.Verdict{} // by kind of call
	for _, r := range sample.Records(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)) {
		id := &r.UserIdentity
		action, known := catalog.Load().Operation(strings.TrimSuffix(r.EventSource, ".amazonaws.com"), r.EventName)
		if id.Type == "AWSService" || r.EventType != "AwsApiCall" || policy.Unconditional(action) {
			continue
		}
		kind := strings.Join([]string{id.ARN, action, r.Region, r.ErrorCode}, " ")
		if _, done := answers[kind]; done {
			continue
		}
		set, request := o.request(t, r, action)
		answers[kind] = set.Decide(request).Verdict
		if allowed := answers[kind] == policy.Allowed; !known || allowed != (r.ErrorCode == "") {
			t.Errorf("%s: %v, action known: %t", kind, answers[kind], known)
		}
	}
	if len(answers) < 12 {
		t.Errorf("only %d kinds of calls: %v", len(answers), answers)
	}
}

// request is a record as a request of its caller today.
func (o *decider) request(t *testing.T, r *trail.Record, action string) (*policy.Set, *policy.Request) {
	t.Helper()
	id := &r.UserIdentity
	a := o.accounts[id.AccountID]
	if a == nil {
		t.Fatalf("no account %s", id.AccountID)
	}
	q := &policy.Request{Action: action, Resource: "*"}
	set, credential, present := o.caller(t, a, r, q)
	if r.EventSource == "iam.amazonaws.com" {
		q.Resource = id.ARN // without a name the call is about its own user
	}
	q.Context.SetMFA(credential, present, r.EventTime.Add(-time.Minute), r.EventTime)
	q.Context.Set("aws:RequestedRegion", r.Region)
	q.Context.Set("aws:ViaAWSService", map[bool]string{true: "true", false: "false"}[id.InvokedBy != ""])
	if role, err := arn.Parse(r.Parameters.Text("roleArn")); err == nil {
		q.Resource, q.ResourceAccount = role.String(), role.Account
		q.Policies = []policy.Source{new(org.Cache).Trust(o.accounts[role.Account].Role(role.Name()))}
	}
	return set, q
}

// caller fills in who makes a request.
func (o *decider) caller(t *testing.T, a *org.Account, r *trail.Record, q *policy.Request) (*policy.Set, policy.Credential, policy.Presence) {
	t.Helper()
	id := &r.UserIdentity
	if id.Type == "AssumedRole" {
		role := a.Role(id.SessionContext.SessionIssuer.UserName)
		if role == nil {
			t.Fatalf("no role %s", id.ARN)
		}
		q.Principal, q.Context = a.RolePrincipal(role, "hugo"), a.RoleContext(&o.header, role, "hugo")
		return a.RolePolicySet(&o.header, role), policy.RoleFromKey, policy.False
	}
	u := a.User(id.UserName)
	if u == nil {
		t.Fatalf("no user %s", id.ARN)
	}
	q.Principal, q.Context = a.Principal(u), a.Context(&o.header, u)
	set := a.PolicySet(&o.header, u)
	switch {
	case id.SessionContext == nil:
		return set, policy.LongTermKey, policy.Absent
	case id.SessionContext.Attributes.MFAAuthenticated == "true":
		return set, policy.SessionTokenMFA, policy.True
	}
	return set, policy.SessionToken, policy.False
}
