package prove_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

const (
	forcePolicy = "arn:aws:iam::" + account + ":policy/forcemfa/ForceMFA"
	forceGroup  = "arn:aws:iam::" + account + ":group/forcemfa/ForceMFA"
)

var enforcement = prove.Enforcement{User: self, Policies: []string{forcePolicy}, Groups: []string{forceGroup}, Tags: []string{"userType"}}

// switches are the disabling actions that are possible, as "action without/with".
func switches(list []prove.Switch) []string {
	var out []string
	for _, s := range list {
		line := fmt.Sprint(s.Action, " ", outcomes[s.WithoutMFA], "/", outcomes[s.WithMFA])
		if s.As != "" {
			line += " as " + s.As
		}
		out = append(out, line)
	}
	return out
}

var outcomes = map[prove.Outcome]string{prove.Enforced: "no", prove.Open: "yes", prove.Unknown: "unknown"}

func trust(condition string) policy.Source {
	return policy.ParseSource("trust", policy.Trust,
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"`+condition+`}}`)
}

// trustFor trusts the account with these actions.
func trustFor(actions string) policy.Source {
	return source(policy.Trust, "trust", `{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":`+actions+`}`)
}

func TestSwitchOff(t *testing.T) {
	const admins = "arn:aws:iam::" + account + ":role/Admins"
	role := func(condition string) prove.Role {
		return prove.Role{ARN: admins, Trust: trust(condition), Set: identity(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`)}
	}
	tagged := func(actions, tag string) prove.Role {
		r := prove.Role{ARN: admins, Trust: trustFor(actions), Context: new(policy.Context),
			Set: identity(`{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}`)}
		if tag != "" {
			r.Context.Set("aws:PrincipalTag/team", tag)
		}
		return r
	}
	named := func(actions string) prove.Role {
		return prove.Role{ARN: admins, Trust: trustFor(actions), Set: identity(`{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"x"}}}`)}
	}
	// sessions is a role whose policies compare the names of its sessions.
	sessions := func(condition string, statements ...string) func(*prove.Subject) {
		return func(s *prove.Subject) {
			r := prove.Role{ARN: admins, Trust: trust(condition), Context: new(policy.Context), Set: identity(statements...)}
			r.Context.Set("aws:userid", "AROAADMINS:session")
			s.Roles = []prove.Role{r}
		}
	}
	byID := func(effect, operator, id string) string {
		return `{"Effect":"` + effect + `","Action":"iam:*","Resource":"*","Condition":{"` + operator + `":{"aws:userid":"` + id + `"}}}`
	}
	const ownName = `,"Condition":{"StringEquals":{"sts:RoleSessionName":"${aws:username}"}}`
	const mayAssume = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`
	all := []string{"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DetachGroupPolicy", "iam:RemoveUserFromGroup", "iam:TagUser"}
	each := func(suffix string) []string {
		var out []string
		for _, a := range all {
			out = append(out, a+suffix)
		}
		return out
	}
	for _, row := range []struct {
		name    string
		subject prove.Subject
		want    []string
	}{
		{"nothing is allowed", bob(&policy.Set{}), nil},
		{"an administrator", bob(identity(admin)), each(" yes/yes")},
		{"an administrator behind MFA", bob(identity(append(force, admin)...)), each(" no/yes")},
		{"a tagger of users, one tag apart", bob(identity(`{"Effect":"Allow","Action":"iam:TagUser","Resource":"*","Condition":{"ForAllValues:StringNotEquals":{"aws:TagKeys":"userType"}}}`)), nil},
		{"a tagger of users", bob(identity(`{"Effect":"Allow","Action":"iam:TagUser","Resource":"*"}`)), []string{"iam:TagUser yes/yes"}},
		{"from one network", bob(identity(`{"Effect":"Allow","Action":"iam:RemoveUserFromGroup","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`)),
			[]string{"iam:RemoveUserFromGroup yes/yes"}},
		{"through a role", with(bob(identity(mayAssume)), func(s *prove.Subject) { s.Roles = []prove.Role{role("")} }), each(" yes/yes as " + admins)},
		{"through a role that asks for MFA", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{role(`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)}
		}), each(" no/yes as " + admins)},
		{"through a role that requires a session tag", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{tagged(`["sts:AssumeRole","sts:TagSession"]`, "")}
		}), each(" unknown/unknown as " + admins)},
		{"through a role that has the tag", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{tagged(`["sts:AssumeRole","sts:TagSession"]`, "red")}
		}), each(" yes/yes as " + admins)},
		{"through a role that takes no session tags", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{tagged(`"sts:AssumeRole"`, "")}
		}), nil},
		{"through a role that takes a source identity", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{named(`["sts:AssumeRole","sts:SetSourceIdentity"]`)}
		}), each(" yes/yes as " + admins)},
		{"through a role that takes no source identity", with(bob(identity(mayAssume)), func(s *prove.Subject) {
			s.Roles = []prove.Role{named(`"sts:AssumeRole"`)}
		}), nil},
		{"through a session with a name", with(bob(identity(mayAssume)), sessions("", byID("Allow", "StringLike", "*:admin"))), each(" yes/yes as " + admins)},
		{"through a session with its own name", with(bob(identity(mayAssume)), sessions(ownName, byID("Allow", "StringLike", "*:admin"))), each(" unknown/unknown as " + admins)},
		{"through a session with another name", with(bob(identity(mayAssume)), sessions("", admin, byID("Deny", "StringEquals", "AROAADMINS:session"))), each(" yes/yes as " + admins)},
		{"through no session", with(bob(identity(mayAssume)), sessions("", admin, byID("Deny", "StringLike", "AROAADMINS:*"))), nil},
		{"through a session of this role only", with(bob(identity(mayAssume)), sessions(ownName, admin, byID("Deny", "StringNotLike", "AROAADMINS:*"))), each(" yes/yes as " + admins)},
		{"through a session of another role", with(bob(identity(mayAssume)), sessions("", byID("Allow", "StringLike", "AROAOTHER:*"))), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := new(prove.Prover).SwitchOff(row.subject, enforcement)
			if diff := cmp.Diff(row.want, switches(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, s := range got {
				if s.WithoutMFA == prove.Open && (s.Counterexample == nil || s.AllowedBy == "") {
					t.Errorf("%s has no counterexample", s.Action)
				}
			}
		})
	}
}

func TestUnreadPoliciesAreNoReasonToRelax(t *testing.T) {
	set := &policy.Set{Identity: []policy.Source{{Name: "broken", Err: fmt.Errorf("not read")}}}
	for _, s := range new(prove.Prover).SwitchOff(bob(set), enforcement) {
		if s.WithoutMFA != prove.Unknown || s.Why == "" {
			t.Errorf("%s: %v, why %q", s.Action, s.WithoutMFA, s.Why)
		}
	}
}

func TestReach(t *testing.T) {
	arn := func(name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	may := identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	gate := `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	lax := `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`
	external := `,"Condition":{"StringEquals":{"sts:ExternalId":"secret"}}`
	ownName := `,"Condition":{"StringEquals":{"sts:RoleSessionName":"${aws:username}"}}`
	session := func(name string) policy.Source {
		return source(policy.Trust, "trust", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::`+account+`:assumed-role/`+name+`"},"Action":"sts:AssumeRole"}`)
	}
	for _, row := range []struct {
		name  string
		set   *policy.Set
		roles []prove.Role
		want  []string
	}{
		{"none is trusted", may, []prove.Role{{ARN: arn("A"), Trust: trust(gate)}}, nil},
		{"the user may not ask", &policy.Set{}, []prove.Role{{ARN: arn("A"), Trust: trust("")}}, nil},
		{"the Deny stands before all", identity(append(force, admin)...), []prove.Role{{ARN: arn("A"), Trust: trust("")}}, nil},
		{"one is", may, []prove.Role{{ARN: arn("A"), Trust: trust(gate)}, {ARN: arn("B"), Trust: trust("")}}, []string{arn("B") + " access key"}},
		{"IfExists lets keys pass", may, []prove.Role{{ARN: arn("A"), Trust: trust(lax)}}, []string{arn("A") + " access key"}},
		{"an external ID is no secret of MFA", may, []prove.Role{{ARN: arn("A"), Trust: trust(external)}}, []string{arn("A") + " access key"}},
		{"from one role to the next", may, []prove.Role{{ARN: arn("B"), Trust: trust(external)}, {ARN: arn("A"), Trust: trust(""), Set: may}},
			[]string{arn("B") + " access key", arn("A") + " access key"}},
		{"by way of a role", identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn("A") + `"}`),
			[]prove.Role{{ARN: arn("B"), Trust: trust("")}, {ARN: arn("A"), Trust: trust(""), Set: may}},
			[]string{arn("A") + " access key", arn("B") + " role session via " + arn("A")}},
		{"by way of a session with a name", identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn("A") + `"}`),
			[]prove.Role{{ARN: arn("B"), Trust: session("A/deploy")}, {ARN: arn("C"), Trust: session("B/deploy")}, {ARN: arn("A"), Trust: trust(""), Set: &policy.Set{}}},
			[]string{arn("A") + " access key", arn("B") + " role session via " + arn("A")}},
		{"a session with a name that the user may not have", identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn("A") + `"}`),
			[]prove.Role{{ARN: arn("B"), Trust: session("A/deploy")}, {ARN: arn("A"), Trust: trust(ownName), Set: &policy.Set{}}}, []string{arn("A") + " access key"}},
		{"by way of two roles, where MFA is anybody's guess", identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn("A") + `"}`),
			[]prove.Role{{ARN: arn("C"), Trust: trust(gate)}, {ARN: arn("B"), Trust: trust(""), Set: may},
				{ARN: arn("A"), Trust: trust(""), Set: identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + arn("B") + `"}`)}},
			[]string{arn("A") + " access key", arn("B") + " role session via " + arn("A"),
				arn("C") + " chained role session via " + arn("A") + " " + arn("B")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := bob(row.set)
			s.Roles = row.roles
			reached, why := new(prove.Prover).Reach(s)
			var got []string
			for _, r := range reached {
				line := r.Role.ARN + " " + credentialOf(r.Counterexample)
				for i, v := range r.Via {
					if i == 0 {
						line += " via"
					}
					line += " " + v
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, why)
			}
		})
	}
}

func credentialOf(w *prove.Counterexample) string {
	return map[policy.Credential]string{policy.LongTermKey: "access key", policy.RoleFromKey: "role session", policy.ChainedRole: "chained role session"}[w.Credential]
}

// Renaming a user must be allowed on both ARNs.
func TestSwitchOffByANameNeedsBothARNs(t *testing.T) {
	exempt := "arn:aws:iam::" + account + ":user/workloads/bob"
	excepted := "arn:aws:iam::" + account + ":role/Administrator"
	e := prove.Enforcement{User: self, Names: []string{exempt}, Excepted: []string{excepted}}
	allow := func(action, resource string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
	}
	for _, row := range []struct {
		name       string
		statements []string
		want       []string
	}{
		{"its own ARN alone", []string{allow("iam:UpdateUser", self)}, nil},
		{"the exempt ARN alone", []string{allow("iam:UpdateUser", exempt)}, nil},
		{"both", []string{allow("iam:UpdateUser", self), allow("iam:UpdateUser", exempt)}, []string{"iam:UpdateUser yes/yes"}},
		{"a new user", []string{allow("iam:CreateUser", exempt)}, []string{"iam:CreateUser yes/yes"}},
		{"a role of that name", []string{allow("iam:CreateRole", excepted)}, []string{"iam:CreateRole yes/yes"}},
		{"another role", []string{allow("iam:CreateRole", "arn:aws:iam::"+account+":role/Other")}, nil},
		{"the trust policy of that role", []string{allow("iam:UpdateAssumeRolePolicy", excepted)}, []string{"iam:UpdateAssumeRolePolicy yes/yes"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := new(prove.Prover).SwitchOff(bob(identity(row.statements...)), e)
			if diff := cmp.Diff(row.want, switches(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
