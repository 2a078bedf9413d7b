package planner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

const (
	root = "arn:aws:iam::" + account + ":root"
)

func trustPolicy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// roled is a scene with roles, planned with trust: {mfa: true}.
func roled(t *testing.T, caller string, acks []string, roles ...org.Role) *plan.Plan {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\ntrust: {mfa: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := scene{account: org.Account{Roles: roles, Caller: "arn:aws:sts::" + account + ":assumed-role/Entry/forcemfa"}, baseline: b, header: org.Header{Caller: caller}}
	for _, word := range acks {
		a, err := baseline.ParseAcknowledgement(word)
		if err != nil {
			t.Fatal(err)
		}
		s.acks = append(s.acks, a)
	}
	return s.plan(t)
}

func role(name string, change ...func(*org.Role)) org.Role {
	r := org.Role{Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":role/" + name, Trust: trustPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + root + `"},"Action":"sts:AssumeRole"}`)}
	for _, c := range change {
		c(&r)
	}
	return r
}

func TestRolesThatSomethingDependsOnNeedAnAcknowledgement(t *testing.T) {
	yesterday := now.AddDate(0, 0, -1)
	roles := []org.Role{
		role("Entry"), role("OrganizationAccountAccessRole"), role("Quiet"),
		role("Used", func(r *org.Role) { r.Used = &yesterday }),
		role("Linked", func(r *org.Role) { r.Path = "/aws-reserved/sso.amazonaws.com/" }),
	}
	const ada = "arn:aws:iam::" + account + ":user/ada"
	blocked := []string{
		"UpdateAssumeRolePolicy Quiet",
		"UpdateAssumeRolePolicy Used BLOCKED it was last used on 2026-11-01, possibly without MFA",
		"UpdateEntranceRolePolicy Entry BLOCKED it is the role that this run assumes",
		"UpdateEntranceRolePolicy OrganizationAccountAccessRole BLOCKED it is the role that the management account assumes",
	}
	if d := cmp.Diff(blocked, lines(roled(t, ada, nil, roles...))); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	acks := []string{"trust:Entry", "trust:" + account + "/Used", "trust:organizationaccountaccessrole"}
	p := roled(t, ada, acks, roles...)
	open := []string{"UpdateAssumeRolePolicy Quiet", "UpdateAssumeRolePolicy Used", "UpdateEntranceRolePolicy Entry", "UpdateEntranceRolePolicy OrganizationAccountAccessRole"}
	if d := cmp.Diff(open, lines(p)); d != "" {
		t.Errorf("acknowledged (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{p.Steps[0].ID, p.Steps[1].ID}, p.Steps[2].Needs); d != "" {
		t.Errorf("the entrance goes last (-want +got):\n%s", d)
	}
	session := roled(t, "arn:aws:sts::"+account+":assumed-role/Elsewhere/x", acks, roles...)
	if why := session.Steps[2].Blocked; !strings.Contains(why, "a rollback might not be able to assume it") {
		t.Errorf("of a role session: %q", why)
	}
}

// Source: Organizations User Guide, "Resource control policies (RCPs)".
func TestAnEntranceThatAnRCPClosesIsNotChanged(t *testing.T) {
	for condition, open := range map[string]bool{
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`:                       true,
		`{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}`:                              true,
		`{"StringNotEquals":{"aws:PrincipalOrgID":"o-2"}}`:                              false,
		`{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/pipeline"}}`: false,
	} {
		entry := role("Entry")
		change := planner.TrustChange{
			Header: &org.Header{Caller: "arn:aws:iam::" + account + ":user/ada", Organization: &org.Organization{ID: "o-1", RCPsEnabled: true},
				Units: []org.Unit{{ID: "r-1", RCPs: []string{"p-full", "p-rcp"}}},
				RCPs: []org.SCP{
					{ID: "p-full", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
					{ID: "p-rcp", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*","Condition":` + condition + `}]}`},
				}},
			Account: &org.Account{ID: account, Unit: "r-1", RCPs: []string{"p-full"}, Caller: "arn:aws:sts::" + account + ":assumed-role/Entry/forcemfa"},
			Role:    &entry, Document: entry.Trust, Acknowledged: true, Now: now,
		}
		if why := change.Step().Blocked; (why == "") != open {
			t.Errorf("%s: %q", condition, why)
		}
	}
}
