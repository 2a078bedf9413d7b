package org

import (
	"strings"
	"testing"

	"forcemfa/policy"

	"github.com/google/go-cmp/cmp"
)

// shape is a set in short: names, with "?" before what could not be read.
func shape(sources []policy.Source) []string {
	var names []string
	for _, s := range sources {
		mark := ""
		if (s.Err != nil) == (s.Document != nil) {
			mark = "both or neither: "
		} else if s.Err != nil {
			mark = "? "
		}
		names = append(names, mark+s.Name)
	}
	return names
}

func levels(set *policy.Set) [][]string {
	var all [][]string
	for _, level := range set.SCPs {
		all = append(all, shape(level))
	}
	return all
}

func TestPolicySetHoldsEveryDocumentThatDecides(t *testing.T) {
	h, a := acme()
	bob := a.PolicySet(h, a.User("bob"))
	want := []string{
		"inline policy own of user bob",
		"inline policy devs of group Devs",
		"policy " + forceARN + " of group Devs",
	}
	if d := cmp.Diff(want, shape(bob.Identity)); d != "" {
		t.Error(d)
	}
	if bob.Boundary != nil {
		t.Error("bob has no boundary")
	}
	wantSCPs := [][]string{
		{"SCP FullAWSAccess at Root"},
		{"SCP FullAWSAccess at Dev", "SCP Guard at Dev"},
		{"SCP FullAWSAccess at account 222222222222"},
	}
	if d := cmp.Diff(wantSCPs, levels(bob)); d != "" {
		t.Error(d)
	}

	ann := a.PolicySet(h, a.User("ann"))
	if d := cmp.Diff([]string{"policy " + adminARN}, shape(ann.Identity)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"permissions boundary " + forceARN}, shape([]policy.Source{*ann.Boundary})); d != "" {
		t.Error(d)
	}
	if ann.Boundary.Document.Kind != policy.Boundary {
		t.Error("the boundary was parsed as something else")
	}
}

func TestWhatWasNotReadIsASourceWithItsError(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Header, *Account)
		want string
	}{
		{"managed policy missing", func(_ *Header, a *Account) { a.Policies = a.Policies[1:] }, "? policy " + forceARN + " of group Devs"},
		{"default version missing", func(_ *Header, a *Account) { a.Policies[0].Default = "v7" }, "? policy " + forceARN + " of group Devs"},
		{"document malformed", func(_ *Header, a *Account) { a.Groups[0].Inline[0].Document = "{" }, "? inline policy devs of group Devs"},
		{"document empty", func(_ *Header, a *Account) { a.Users[1].Inline[0].Document = "" }, "? inline policy own of user bob"},
		{"group missing", func(_ *Header, a *Account) { a.Groups = nil }, "? policies of group Devs"},
		{"SCP missing", func(h *Header, _ *Account) { h.SCPs = h.SCPs[:1] }, "? SCP p-guard at Dev"},
		{"SCP without document", func(h *Header, _ *Account) { h.SCPs[1].Document = "" }, "? SCP p-guard at Dev"},
		{"unit missing", func(h *Header, _ *Account) { h.Units = h.Units[:1] }, "? SCPs of account 222222222222"},
		{"no unit", func(_ *Header, a *Account) { a.Unit = "" }, "? SCPs of account 222222222222"},
		{"unit below itself", func(h *Header, _ *Account) { h.Units[0].Parent = "ou-dev" }, "? SCPs of account 222222222222"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, a := acme()
			c.do(h, a)
			set := a.PolicySet(h, a.User("bob"))
			names := shape(set.Identity)
			for _, level := range levels(set) {
				names = append(names, level...)
			}
			if got := strings.Join(names, "\n"); !strings.Contains("\n"+got+"\n", "\n"+c.want+"\n") {
				t.Errorf("want %s among\n%s", c.want, got)
			}
		})
	}
}

func TestNoSCPWhereNoneApplies(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Header, *Account)
	}{
		{"management account", func(_ *Header, a *Account) { a.Management = true }},
		{"no organization", func(h *Header, _ *Account) { h.Organization = nil }},
		{"SCPs not enabled", func(h *Header, _ *Account) { h.Organization.SCPsEnabled = false }},
	} {
		h, a := acme()
		c.do(h, a)
		if set := a.PolicySet(h, a.User("bob")); set.SCPs != nil {
			t.Errorf("%s: %v", c.name, levels(set))
		}
	}
	h, a := acme()
	linked := &Role{Name: "AWSServiceRoleForX", Path: "/aws-service-role/x.amazonaws.com/"}
	if set := a.RolePolicySet(h, linked); set.SCPs != nil {
		t.Error("SCPs touch a service-linked role")
	}
}

func TestALevelWithoutSCPsIsStillALevel(t *testing.T) {
	h, a := acme()
	a.SCPs = nil
	set := a.PolicySet(h, a.User("bob"))
	if len(set.SCPs) != 3 || set.SCPs[2] == nil || len(set.SCPs[2]) != 0 {
		t.Errorf("%v", levels(set))
	}
}

func TestACacheParsesADocumentOnce(t *testing.T) {
	h, a := acme()
	c := new(Cache)
	one, two := c.PolicySet(h, a, a.User("bob")), c.PolicySet(h, a, a.User("bob"))
	if one.Identity[0].Document != two.Identity[0].Document {
		t.Error("it was parsed twice")
	}
	if one.Identity[0].Document != one.Identity[1].Document {
		t.Error("the same text in two places was parsed twice")
	}
	if one.Identity[0].Document == one.SCPs[0][0].Document {
		t.Error("an SCP and an identity policy share a document")
	}
}

func TestThePrincipalsOwnConditionKeys(t *testing.T) {
	h, a := acme()
	bob := a.User("bob")
	want := map[string][]string{
		"aws:username":              {"bob"},
		"aws:userid":                {"AIDABOB"},
		"aws:PrincipalArn":          {bob.ARN},
		"aws:PrincipalAccount":      {"222222222222"},
		"aws:PrincipalType":         {"User"},
		"aws:PrincipalOrgID":        {"o-acme"},
		"aws:PrincipalOrgPaths":     {"o-acme/r-1/ou-dev/"},
		"aws:PrincipalTag/userType": {"Human"},
		"aws:PrincipalTag/other":    nil,
	}
	compareKeys(t, a.Context(h, bob), want)
	if d := cmp.Diff(policy.Principal{Kind: policy.IAMUser, Account: a.ID, ARN: bob.ARN}, a.Principal(bob)); d != "" {
		t.Error(d)
	}
	h.Organization = nil
	compareKeys(t, a.Context(h, bob), map[string][]string{"aws:PrincipalOrgID": nil, "aws:PrincipalOrgPaths": nil})
}

func TestARoleSessionIsItsRole(t *testing.T) {
	h, a := acme()
	r := a.Role("Deploy")
	compareKeys(t, a.RoleContext(h, r, "ci"), map[string][]string{
		"aws:username":      nil,
		"aws:userid":        {"AROADEPLOY:ci"},
		"aws:PrincipalArn":  {r.ARN},
		"aws:PrincipalType": {"AssumedRole"},
	})
	want := policy.Principal{
		Kind: policy.RoleSession, Account: a.ID, Issuer: r.ARN,
		ARN: "arn:aws:sts::222222222222:assumed-role/Deploy/ci",
	}
	if d := cmp.Diff(want, a.RolePrincipal(r, "ci")); d != "" {
		t.Error(d)
	}
}

func compareKeys(t *testing.T, c *policy.Context, want map[string][]string) {
	t.Helper()
	for key, values := range want {
		got, ok := c.Get(key)
		if ok != (values != nil) || !cmp.Equal(got, values) && values != nil {
			t.Errorf("%s: %v, want %v", key, got, values)
		}
	}
}

func TestPolicySetHoldsTheRCPsOfTheAccount(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Header, *Account)
		want [][]string
	}{
		{"enabled", func(*Header, *Account) {}, [][]string{
			{"RCP RCPFullAWSAccess at Root"}, {"RCP RCPFullAWSAccess at Dev", "RCP Perimeter at Dev"}, {"RCP RCPFullAWSAccess at account 222222222222"},
		}},
		{"without document", func(h *Header, _ *Account) { h.RCPs[1].Document = "" }, [][]string{
			{"RCP RCPFullAWSAccess at Root"}, {"RCP RCPFullAWSAccess at Dev", "? RCP p-perimeter at Dev"}, {"RCP RCPFullAWSAccess at account 222222222222"},
		}},
		{"no unit", func(_ *Header, a *Account) { a.Unit = "" }, [][]string{{"? RCPs of account 222222222222"}}},
		{"not enabled", func(h *Header, _ *Account) { h.Organization.RCPsEnabled = false }, nil},
		{"management account", func(_ *Header, a *Account) { a.Management = true }, nil},
		{"no organization", func(h *Header, _ *Account) { h.Organization = nil }, nil},
	} {
		h, a := acme()
		controlled(h, a)
		c.do(h, a)
		for who, set := range map[string]*policy.Set{"user": a.PolicySet(h, a.User("bob")), "role": a.RolePolicySet(h, a.Role("Deploy"))} {
			var got [][]string
			for _, level := range set.RCPs {
				got = append(got, shape(level))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s, %s: %s", c.name, who, d)
			}
		}
	}
}
