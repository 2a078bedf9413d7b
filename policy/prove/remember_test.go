package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
	"forcemfa/policy/prove"
)

// An answer is remembered for the users that the documents do not distinguish from
// the first one, and for no others, whatever distinguishes them.
func TestAnAnswerIsNotRememberedForAUserThatDiffers(t *testing.T) {
	tagged := func(account, tag string) prove.Subject {
		s := user("/", "bob", nil)
		s.Principal.Account, s.Principal.ARN = account, "arn:aws:iam::"+account+":user/bob"
		s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
		s.Context.Set("aws:PrincipalAccount", account)
		s.Context.Set("aws:PrincipalTag/account", tag)
		return s
	}
	for _, row := range []struct {
		name          string
		statements    []string
		first, second prove.Subject // the first is enforced, the second is not
	}{
		{"by a user's ARN in a second document", []string{fmt.Sprintf(denyAll, mfa), byKey,
			`{"Effect":"Deny","Action":"iam:EnableMFADevice","NotResource":"arn:aws:iam::*:user/alice","Condition":{` + mfa + `}}`}, user("/", "alice", nil), user("/", "bob", nil)},
		{"by the account in a pattern with a variable", []string{others, byKey,
			fmt.Sprintf(denyAll, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalTag/account}:user/*"}`)}, tagged(account, account), tagged("222222222222", account)},
		{"by a tag", []string{others, byKey, fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:PrincipalTag/account":"x"}`)}, tagged(account, "x"), tagged(account, "y")},
		{"by a bucket with the user's name", []string{others, byKey, strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"NotResource":"arn:aws:s3:::home-${aws:username}/*"`, 1),
			strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"Resource":"arn:aws:s3:::home-alice/*"`, 1)}, user("/", "alice", nil), user("/", "bob", nil)},
		{"by the name", []string{others, byKey, fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:username":"alice"}`)}, user("/", "alice", nil), user("/", "bob", nil)},
	} {
		sources := []policy.Source{source(policy.Identity, "admin", admin)}
		for i, s := range row.statements {
			sources = append(sources, source(policy.Identity, fmt.Sprint("p", i), s))
		}
		set := &policy.Set{Identity: sources}
		var p prove.Prover
		row.first.Set, row.second.Set = set, set
		if a := p.User(row.first); a.Outcome != prove.Enforced {
			t.Errorf("%s: the first user: %s %s", row.name, text(a), a.Why)
		}
		if a := p.User(row.second); a.Outcome != prove.Open {
			t.Errorf("%s: the second user: %s %s", row.name, text(a), a.Why)
		}
	}
}

// An answer by one observation is not remembered for another one.
func TestAnAnswerIsNotRememberedForAnotherObservation(t *testing.T) {
	s := bob(identity(fmt.Sprintf(denyAll, `"BinaryEqualsIfExists":{"aws:MultiFactorAuthPresent":"ZmFsc2U="}`), others, byKey, admin))
	var p prove.Prover
	for _, row := range []struct {
		answer string
		want   prove.Outcome
	}{{"yes", prove.Enforced}, {"no", prove.Open}, {"yes", prove.Enforced}} {
		o, err := policy.ParseObserved([]string{"binary-on-mfa-key=" + row.answer})
		if err != nil {
			t.Fatal(err)
		}
		s.Observed = o
		if a := p.User(s); a.Outcome != row.want {
			t.Errorf("%s: %s %s", row.answer, text1(a), a.Why)
		}
	}
	s.Observed = policy.Observed{}
	if a := p.User(s); a.Outcome != prove.Unknown {
		t.Errorf("without an answer: %s", text1(a))
	}
}

// IAM acts on the resources of the account alone; other services reach into other accounts.
func TestResourcesOfIAMBelongToTheAccount(t *testing.T) {
	const roles = `"arn:aws:iam::` + account + `:role/*"`
	deny := func(actions, element string) string {
		return `{"Effect":"Deny","Action":[` + actions + `],` + element + `,"Condition":{` + mfa + `}}`
	}
	list := []string{strings.Replace(fmt.Sprintf(denyAll, mfa), `"iam:GetUser"`, `"iam:GetUser","sts:AssumeRole","iam:GetRole"`, 1), others, byKey,
		deny(`"sts:AssumeRole","iam:GetRole"`, `"Resource":`+roles), deny(`"iam:GetRole"`, `"Resource":`+roles)}
	if a := prove.User(bob(identity(append(list, admin)...))); a.Outcome != prove.Open || a.Counterexample.Action != "sts:AssumeRole" {
		t.Errorf("roles of the account: %s %s", text(a), a.Why)
	}
	list = append(list, deny(`"sts:AssumeRole"`, `"NotResource":`+roles))
	if a := prove.User(bob(identity(append(list, admin)...))); a.Outcome != prove.Enforced {
		t.Errorf("roles of the account, and those of others: %s %s", text(a), a.Why)
	}
}

// An example about another user is about one that exists, where one is known.
func TestAnExampleNamesAnotherUserThatExists(t *testing.T) {
	s := bob(identity(`{"Effect":"Allow","Action":"iam:GetUserPolicy","Resource":"*"}`, `{"Effect":"Deny","Action":"iam:GetUserPolicy","Resource":"`+self+`"}`))
	for known, want := range map[string]string{"": "somebody-else", "staff/alice": "staff/alice"} {
		if s.Known = nil; known != "" {
			s.Known = map[string]string{"OtherUserName": known}
		}
		a := prove.User(s)
		if a.Outcome != prove.Open || a.Latent || a.Counterexample.Resource != "arn:aws:iam::"+account+":user/"+want {
			t.Errorf("%q: %s", known, text(a))
		}
	}
}

// A number is tried on each side of what a condition compares with, and on it.
func TestEachSideOfANumberIsTried(t *testing.T) {
	for _, operator := range []string{"NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"} {
		for _, value := range []string{"10", "0", "-3", "2.5"} {
			a := prove.User(bob(identity(fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,"%sIfExists":{"s3:TlsVersion":%q}`, operator, value)), others, byKey, admin)))
			if a.Outcome != prove.Open || len(a.Counterexample.Keys["s3:TlsVersion"]) != 1 {
				t.Errorf("%s %s: %s %s", operator, value, text(a), a.Why)
			}
		}
	}
}

// Unknown comes with its reason, and names the request if the reason is about one.
func TestUnknownComesWithItsReason(t *testing.T) {
	unread := bob(&policy.Set{Identity: []policy.Source{{Name: "policy p"}}})
	if a := prove.User(unread); a.Outcome != prove.Unknown || !strings.Contains(a.Why, " by access key)") || strings.HasPrefix(a.Why, " (") {
		t.Errorf("an unread policy: %v %q", a.Outcome, a.Why)
	}
	vague := bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringEqualsIfExists":{"aws:username":"${aws:ResourceTag/owner}"}`),
		fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:username":"${aws:ResourceTag/owner}"}`), others, byKey, admin))
	if a := prove.User(vague); a.Outcome != prove.Unknown || a.Why == "" || strings.HasPrefix(a.Why, " (") {
		t.Errorf("a variable of the sender: %v %q", a.Outcome, a.Why)
	}
}

// Two actions on the same kinds of resources are not alike when only one can have
// the resource *.
func TestAnActionWithoutAResourceIsTriedBesideOneThatNeedsIt(t *testing.T) {
	needs, can := pairOfActions(t)
	list := fmt.Sprintf(`%q,%q`, needs, can)
	a := prove.User(bob(identity(
		`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser",`+list+`],"Resource":"*","Condition":{`+mfa+`}}`,
		`{"Effect":"Deny","Action":[`+list+`],"Resource":"arn:*:*:*:*:*","Condition":{`+mfa+`}}`, others, byKey, admin)))
	if a.Outcome != prove.Open || a.Counterexample.Action != can || a.Counterexample.Resource != "*" {
		t.Errorf("%s and %s: %s %s", needs, can, text(a), a.Why)
	}
}

// pairOfActions finds two actions of a service with the same resources, which the
// first requires and the second does not.
func pairOfActions(t *testing.T) (needs, can string) {
	t.Helper()
	for _, s := range catalog.Load().Services {
		required := map[string]string{}
		for _, a := range s.Actions {
			if len(a.Resources) != 1 || s.Prefix == "iam" || s.Prefix == "sts" {
				continue
			}
			name := a.Resources[0].Type.Name
			if a.Resources[0].Required {
				if required[name] == "" {
					required[name] = a.String()
				}
			} else if required[name] != "" {
				return required[name], a.String()
			}
		}
	}
	t.Fatal("no two actions")
	return "", ""
}

// A user without facts can be asked about as well.
func TestSwitchOffNeedsNoContext(t *testing.T) {
	s := bob(identity(admin))
	s.Context = nil
	if list := new(prove.Prover).SwitchOff(s, enforcement); len(list) == 0 {
		t.Error("an administrator can disable nothing")
	}
	if list := new(prove.Prover).SwitchOff(prove.Subject{}, enforcement); list != nil {
		t.Errorf("without policies: %v", list)
	}
}
