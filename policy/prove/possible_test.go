package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// A search that was given up is no proof that a request is refused, nor that a role cannot be assumed.
func TestASearchThatWasGivenUpIsUnknown(t *testing.T) {
	var patterns, conditions []string
	for _, letter := range "abcdefghijklmn" {
		patterns = append(patterns, fmt.Sprintf(`"*%c%c%c*"`, letter, letter, letter))
		conditions = append(conditions, fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:UserAgent":"*%c%c%c*"}}}`, letter, letter, letter))
	}
	hard := bob(identity(append(conditions, admin)...))
	o, _, why := new(prove.Prover).Possible(hard, []policy.Credential{policy.LongTermKey}, "iam:GetRole", "arn:aws:iam::"+account+":role/r")
	if o != prove.Unknown || !strings.Contains(why, "distinguish") {
		t.Errorf("%v %q after %d patterns", o, why, len(patterns))
	}
	hard.Roles = []prove.Role{role("R", admin)}
	if roles, unknown := new(prove.Prover).Reach(hard); len(roles) > 0 || len(unknown) == 0 {
		t.Errorf("%v, unknown %q", roles, unknown)
	}
}

// Each credential is tried, and only those that are given.
func TestPossibleTriesTheGivenCredentials(t *testing.T) {
	byConsole := bob(identity(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"false"}}}`))
	both := []policy.Credential{policy.LongTermKey, policy.ConsolePassword}
	for _, row := range []struct {
		credentials []policy.Credential
		want        prove.Outcome
	}{
		{both, prove.Open}, {both[:1], prove.Enforced}, {both[1:], prove.Open}, {nil, prove.Enforced},
	} {
		if o, d, why := new(prove.Prover).Possible(byConsole, row.credentials, "s3:GetObject", object); o != row.want || why != "" || (o == prove.Open) != (d.Verdict == policy.Allowed) {
			t.Errorf("%v: %v %v %q", row.credentials, o, d.Verdict, why)
		}
	}
	if o, _, why := new(prove.Prover).Possible(prove.Subject{}, both, "s3:GetObject", object); o != prove.Unknown || why == "" {
		t.Errorf("without policies: %v %q", o, why)
	}
}

// The values of keys that escape a Deny of every resource belong to the request that is shown, whose resource is
// that of its action.
func TestAnExampleHasTheResourceOfItsAction(t *testing.T) {
	for _, condition := range []string{
		`"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, `"StringNotEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/A"}`, `"StringLike":{"aws:UserAgent":"*aws*"}`,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, `"StringEquals":{"aws:ResourceTag/owner":"${aws:username}"}`,
	} {
		s := bob(identity(fmt.Sprintf(denyAll, mfa+","+condition), others, byKey, admin))
		a := prove.User(s)
		if a.Outcome != prove.Open || a.Latent || a.Counterexample.Resource != self || a.Counterexample.Action != "iam:AttachUserPolicy" {
			t.Errorf("%s: %s", condition, text1(a))
		}
	}
}

// A Deny under a condition leaves nothing where another Deny covers all resources that the action can have.
func TestAResourceThatAnActionCannotHaveIsNoExample(t *testing.T) {
	a := prove.User(bob(identity(admin, others, byKey,
		`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser","secretsmanager:GetSecretValue"],"Resource":"*","Condition":{`+mfa+`}}`,
		`{"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":{`+mfa+`,"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`,
		`{"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"arn:*:secretsmanager:*:*:*","Condition":{`+mfa+`}}`)))
	if a.Outcome != prove.Enforced {
		t.Errorf("%s", text1(a))
	}
}

// The resource of an example is one that a policy names: its pattern with the wildcards filled in. Patterns that are no
// ARN are not taken.
func TestAnExampleTakesTheResourceOfAPattern(t *testing.T) {
	open := `{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"NotResource":[%s],"Condition":{` + mfa + `}}`
	for _, list := range []string{`"arn:aws:dynamodb:*:*:table/free-*"`, `"*z","arn:aws:dynamodb:*:*:table/free-*"`, `"arn:aws:dynamodb:*:*:table/free-*","a:b"`} {
		a := prove.User(bob(identity(fmt.Sprintf(open, list), others, byKey, admin)))
		if a.Outcome == prove.Enforced || a.Counterexample != nil && !strings.HasSuffix(a.Counterexample.Resource, ":table/free-example") {
			t.Errorf("%s: %s", list, text1(a))
		}
	}
}

// A Deny compares a key with itself and with a fixed text. The text is tried, and where no value of a key settles it the
// answer is not that the request is impossible.
func TestAKeyThatIsComparedWithItselfIsTried(t *testing.T) {
	for _, row := range []struct {
		condition string
		user      prove.Outcome
		possible  prove.Outcome
	}{
		{`"StringNotEqualsIgnoreCaseIfExists":{"aws:RequestTag/a":["x${aws:RequestTag/a}","${aws:username}"]}`, prove.Open, prove.Open},
		{`"StringNotLikeIfExists":{"aws:RequestTag/a":["x${aws:RequestTag/a}","b?b"]}`, prove.Open, prove.Open},
		{`"StringNotEqualsIfExists":{"aws:RequestTag/a":"x${aws:RequestTag/a}"}`, prove.Unknown, prove.Unknown},
	} {
		s := bob(identity(admin, others, byKey, fmt.Sprintf(denyAll, mfa+","+row.condition)))
		if a := prove.User(s); a.Outcome != row.user {
			t.Errorf("%s: %v, want %v", row.condition, text1(a), row.user)
		}
		if o, _, why := new(prove.Prover).Possible(s, []policy.Credential{policy.LongTermKey}, "iam:ListUsers", "*"); o != row.possible {
			t.Errorf("%s: iam:ListUsers is %v (%s), want %v", row.condition, o, why, row.possible)
		}
	}
}

// What an Allow with a variable of the sender's choice lets pass is allowed with some value: where the search does not find
// the value, nothing is called impossible, and nothing not exploitable today.
func TestAllowsWithVariablesOfTheSender(t *testing.T) {
	for _, row := range []struct {
		condition string
		today     prove.Outcome
	}{
		{`"StringEquals":{"aws:username":"${aws:RequestTag/b}"}`, prove.Open},
		{`"StringEquals":{"aws:username":"${aws:ResourceTag/owner}${aws:RequestTag/b}"}`, prove.Unknown},
		{`"StringEqualsIfExists":{"aws:username":"b${aws:ResourceTag/owner}${aws:RequestTag/b}"}`, prove.Unknown},
		{`"StringEqualsIgnoreCase":{"aws:username":"BO${aws:RequestTag/b}"}`, prove.Unknown},
		{`"StringLike":{"aws:username":"?o${aws:RequestTag/b}"}`, prove.Unknown},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/?${aws:RequestTag/b}"}`, prove.Unknown},
		{`"StringEquals":{"aws:username":"${aws:RequestTag/b}","aws:RequestTag/c":"${aws:RequestTag/b}x"}`, prove.Unknown},
		{`"StringEquals":{"aws:username":"alice-${aws:RequestTag/b}"}`, prove.Enforced},
		{`"StringEquals":{"aws:username":"${aws:ResourceTag/owner}-${aws:RequestTag/b}"}`, prove.Enforced},
		{`"StringEquals":{"aws:username":"*${aws:RequestTag/b}"}`, prove.Enforced},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/${aws:RequestTag/b}"}`, prove.Enforced},
	} {
		checkAllowed(t, `{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{`+row.condition+`}}`, "iam:ListUsers", "*", row.today)
	}
	for _, row := range []struct {
		resource string
		today    prove.Outcome
	}{
		{`"Resource":"arn:aws:s3:::a${aws:RequestTag/a}/x"`, prove.Open},
		{`"Resource":"arn:aws:s3:::${aws:RequestTag/a}${aws:RequestTag/b}/x"`, prove.Unknown},
		{`"NotResource":"arn:aws:s3:::${aws:RequestTag/a}/x"`, prove.Open},
		{`"Resource":"arn:aws:sqs:*:*:${aws:RequestTag/a}"`, prove.Enforced},
	} {
		checkAllowed(t, `{"Effect":"Allow","Action":"s3:GetObject",`+row.resource+`}`, "s3:GetObject", "arn:aws:s3:::abc/x", row.today)
	}
}

func checkAllowed(t *testing.T, allow, action, resource string, want prove.Outcome) {
	t.Helper()
	s := bob(identity(allow))
	if a := prove.User(s); a.Outcome != prove.Open || a.Today.Outcome != want {
		t.Errorf("%s: %s, today %v (%s), want %v", allow, text1(a), a.Today.Outcome, a.Today.Why, want)
	}
	if o, _, why := new(prove.Prover).Possible(s, []policy.Credential{policy.LongTermKey}, action, resource); o != want {
		t.Errorf("%s: %s is %v (%s), want %v", allow, action, o, why, want)
	}
}
