package prove_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/prove"
)

const (
	account = "111111111111"
	admin   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	// The Deny of the usual ForceMFA document, %s its condition.
	denyAll = `{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*","Condition":{%s}}`
	mfa     = `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`
	others  = `{"Effect":"Deny","Action":"iam:EnableMFADevice","NotResource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"],"Condition":{` + mfa + `}}`
	byKey   = `{"Effect":"Deny","Action":"iam:EnableMFADevice","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}`
)

// force are the statements that enforce.
var force = []string{fmt.Sprintf(denyAll, mfa), others, byKey}

var enrollment = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser"}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func source(kind policy.Kind, name string, statements ...string) policy.Source {
	return policy.ParseSource(name, kind, document(statements...))
}

// identity is a set of one policy, p.
func identity(statements ...string) *policy.Set {
	return &policy.Set{Identity: []policy.Source{source(policy.Identity, "p", statements...)}}
}

// bob is a user with these policies.
func bob(set *policy.Set) prove.Subject { return user("/", "bob", set) }

func user(path, name string, set *policy.Set) prove.Subject {
	s := prove.Subject{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: account, ARN: "arn:aws:iam::" + account + ":user" + path + name},
		Set:       set, Context: new(policy.Context), ForwardedCallsPass: true, Enrollment: enrollment,
	}
	s.Context.Set("aws:username", name)
	s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
	s.Context.Set("aws:PrincipalAccount", account)
	s.Context.Set("aws:PrincipalType", "User")
	return s
}

func with(s prove.Subject, change func(*prove.Subject)) prove.Subject {
	change(&s)
	return s
}

// text is an answer in one line.
func text(a prove.Answer) string {
	switch {
	case a.Outcome == prove.Enforced:
		return "enforced"
	case a.Outcome == prove.Unknown:
		return "unknown"
	case a.Latent:
		return "latent " + a.Counterexample.String()
	}
	return "open " + a.Counterexample.String() + " by " + a.Counterexample.AllowedBy
}

const (
	object = "arn:aws:s3:::example-bucket/example"
	self   = "arn:aws:iam::" + account + ":user/bob"
)

func TestUser(t *testing.T) {
	withKey := func(s prove.Subject) prove.Subject {
		s.Credentials = []policy.Credential{policy.LongTermKey}
		return s
	}
	for _, row := range []struct {
		name    string
		subject prove.Subject
		want    string // a prefix
	}{
		{"no policy at all", bob(&policy.Set{}), "latent iam:AttachUserPolicy without MFA by access key on " + self},
		{"administrator", bob(identity(admin)), "open iam:AttachUserPolicy without MFA by access key on " + self + " by p, statement 1"},
		{"enforced", bob(identity(append(force, admin)...)), "enforced"},
		{"enforced without any Allow", bob(identity(force...)), "enforced"},
		{"enforced at a path", user("/a/b/", "bob", identity(append(force, admin)...)), "enforced"},
		{"enforced by the boundary", bob(&policy.Set{
			Identity: identity(admin).Identity,
			Boundary: new(source(policy.Boundary, "b", append(force, admin)...)),
		}), "enforced"},
		{"enforced by an SCP for users", bob(&policy.Set{
			Identity: identity(admin).Identity,
			SCPs: [][]policy.Source{{source(policy.SCP, "full", admin)}, {source(policy.SCP, "full", admin), source(policy.SCP, "mfa",
				fmt.Sprintf(denyAll, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), others, byKey)}},
		}), "enforced"},
		{"Bool in the Deny lets keys pass", bob(identity(fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`), admin)),
			"open iam:AttachUserPolicy without MFA by access key"},
		{"Null in the Deny lets sessions pass", bob(identity(fmt.Sprintf(denyAll, `"Null":{"aws:MultiFactorAuthPresent":"true"}`), admin)),
			"open iam:AttachUserPolicy without MFA by console"},
		{"a Bool and a Null together enforce", bob(identity(fmt.Sprintf(denyAll, `"Bool":{"aws:MultiFactorAuthPresent":"false"}`),
			fmt.Sprintf(denyAll, `"Null":{"aws:MultiFactorAuthPresent":"true"}`), others, byKey, admin)), "enforced"},
		{"a Deny for some services", bob(identity(
			`{"Effect":"Deny","Action":["s3:*","iam:*","sts:*","ec2:*"],"Resource":"*","Condition":{`+mfa+`}}`, admin)),
			"open secretsmanager:GetSecretValue without MFA by access key"},
		{"a Deny that leaves one more action open", bob(identity(
			`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser","braket:Cancel*"],"Resource":"*","Condition":{`+mfa+`}}`, others, byKey, admin)),
			"open braket:CancelJob without MFA by access key"},
		{"a Deny that leaves CreateLoginProfile open", bob(identity(
			`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser","iam:CreateLoginProfile"],"Resource":"*","Condition":{`+mfa+`}}`, others, byKey, admin)),
			"open iam:CreateLoginProfile without MFA by access key"},
		{"a Deny on some resources", bob(identity(
			`{"Effect":"Deny","NotAction":"iam:GetUser","Resource":"arn:aws:iam::*:*","Condition":{`+mfa+`}}`, admin)),
			"open s3:GetObject without MFA by access key"},
		{"a Deny on all resources but one", bob(identity(
			`{"Effect":"Deny","NotAction":"iam:GetUser","NotResource":"arn:aws:dynamodb:*:*:table/free-*","Condition":{`+mfa+`}}`, admin)),
			"open dynamodb:GetItem without MFA by access key on arn:aws:dynamodb:us-east-1:111111111111:table/free-example"},
		{"a Deny on every resource, also where a variable of the sender names one", bob(identity(
			strings.Replace(fmt.Sprintf(denyAll, mfa), `"Resource":"*"`, `"Resource":["arn:aws:s3:::${aws:RequestTag/a}/*","*"]`, 1), others, byKey, admin)), "enforced"},
		{"a Deny outside of one network", bob(identity(fmt.Sprintf(denyAll, mfa+`,"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:SourceIp 192.0.2.0 by"},
		{"a Deny in the networks around one", bob(identity(fmt.Sprintf(denyAll, mfa+`,"IpAddressIfExists":{"aws:SourceIp":["0.0.0.0/1","192.0.0.0/2","::/0"]}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:SourceIp 128.0.0.0 by"},
		{"a Deny in one network", bob(identity(fmt.Sprintf(denyAll, mfa+`,"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + " by"},
		{"a Deny in one region", bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestedRegion":["eu-west-1","eu-north-1"]}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key"},
		{"two Denies that split the regions leave requests that have none", bob(identity(
			fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`),
			fmt.Sprintf(denyAll, mfa+`,"StringNotEqualsIfExists":{"aws:RequestedRegion":"eu-west-1"}`), others, byKey, admin)), "enforced"},
		{"a Deny since a date that is over", bob(identity(fmt.Sprintf(denyAll, mfa+`,"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`), others, byKey, admin)), "enforced"},
		{"a Deny since a time that is over", bob(identity(fmt.Sprintf(denyAll, mfa+`,"NumericGreaterThanEquals":{"aws:EpochTime":"1767225600"}`), others, byKey, admin)), "enforced"},
		{"a Deny since the first second of 2026", bob(identity(fmt.Sprintf(denyAll, mfa+`,"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:CurrentTime 2026-01-01T00:00:00Z"},
		{"a Deny since a time of the first day of 2026", bob(identity(fmt.Sprintf(denyAll, mfa+`,"DateGreaterThanEquals":{"aws:CurrentTime":"2026-01-01T06:00:00Z"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:CurrentTime 2026-01-01T00:00:00Z"},
		{"queues of other accounts are not protected by a resource control policy", bob(&policy.Set{
			Identity: identity(strings.Replace(fmt.Sprintf(denyAll, mfa), `"iam:GetUser"`, `"iam:GetUser","sqs:*"`, 1), others, byKey, admin).Identity,
			RCPs: [][]policy.Source{{source(policy.RCP, "rcp", `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`,
				`{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{`+mfa+`}}`)}}}), "latent sqs:"},
		{"a Deny that has ended", bob(identity(fmt.Sprintf(denyAll, mfa+`,"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:CurrentTime 2026-01-01T12:10:00Z"},
		{"a Deny until a date", bob(identity(fmt.Sprintf(denyAll, mfa+`,"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}`), others, byKey, admin)),
			"open iam:AttachUserPolicy without MFA by access key on " + self + ", aws:CurrentTime 20"},
		{"a Deny for one user", bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:username":"carol"}`), admin)), "open iam:AttachUserPolicy"},
		{"a Deny for this user", bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:username":"bob"}`), others, byKey, admin)), "enforced"},
		{"a Deny for untagged users, user untagged", bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:PrincipalTag/userType":"Service"}`), others, byKey, admin)), "enforced"},
		{"a Deny for untagged users, user tagged", with(bob(identity(fmt.Sprintf(denyAll, mfa+`,"StringNotEquals":{"aws:PrincipalTag/userType":"Service"}`), others, byKey, admin)),
			func(s *prove.Subject) { s.Context.Set("aws:PrincipalTag/userType", "Service") }), "open iam:AttachUserPolicy"},
		{"Allow with BoolIfExists true", bob(identity(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}`)),
			"open ec2:TerminateInstances without MFA by access key"},
		{"Allow with Bool true is no enforcement", bob(identity(`{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)),
			"latent iam:AttachUserPolicy"},
		{"an Allow on the user's own folder in one region", bob(identity(
			`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::home/${aws:username}/*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}}`)),
			"open s3:GetObject without MFA by access key on arn:aws:s3:::home/bob/example, aws:RequestedRegion eu-central-1 by p"},
		{"an Allow of an action that the catalog does not know", bob(identity(`{"Effect":"Allow","Action":"brandnew:DoIt","Resource":"*"}`)),
			"open brandnew:DoIt without MFA by access key on *"},
		{"an Allow to ask for a role elsewhere", bob(identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::222222222222:role/Admin"}`)),
			"latent sts:AssumeRole without MFA by access key on arn:aws:iam::222222222222:role/Admin"},
		{"the console comes first when that is what the user has", with(bob(identity(admin)),
			func(s *prove.Subject) { s.Credentials = []policy.Credential{policy.ConsolePassword} }), "open iam:AttachUserPolicy without MFA by console"},
		{"the key comes first when that is what the user has", withKey(bob(identity(admin))), "open iam:AttachUserPolicy without MFA by access key"},
		{"another user's device can be enabled", bob(identity(fmt.Sprintf(denyAll, mfa), byKey, admin)),
			"open iam:EnableMFADevice without MFA by console on arn:aws:iam::111111111111:user/somebody-else by"},
		{"a key can enable the first device", bob(identity(fmt.Sprintf(denyAll, mfa), others, admin)),
			"open iam:EnableMFADevice without MFA by access key on " + self},
		{"a key can, and may", with(bob(identity(fmt.Sprintf(denyAll, mfa), others, admin)),
			func(s *prove.Subject) { s.EnrollmentByKey = true }), "enforced"},
		{"a key cannot when there is a device", with(bob(identity(fmt.Sprintf(denyAll, mfa), others, admin)),
			func(s *prove.Subject) { s.HasDevice = true }), "enforced"},
		{"an action outside of the enrollment set", with(bob(identity(append(force, admin)...)),
			func(s *prove.Subject) { s.Enrollment = enrollment[:2] }), "open iam:GetUser without MFA by access key"},
		{"forwarded calls are left out of the Deny, and may pass", bob(identity(
			fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}`), others, byKey, admin)), "enforced"},
		{"forwarded calls are left out of the Deny, and must not", with(bob(identity(
			fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}`), others, byKey, admin)),
			func(s *prove.Subject) { s.ForwardedCallsPass = false }), "open iam:AttachUserPolicy without MFA by forwarded call"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := text(prove.User(row.subject)); !strings.HasPrefix(got, row.want) {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
}

// No example has a value that AWS never gives to a key.
func TestExamplesHaveNoValueThatAWSNeverMakes(t *testing.T) {
	for key, condition := range map[string]string{
		"aws:SourceIp":        `"StringNotEquals":{"aws:SourceIp":"office"}`,
		"aws:VpcSourceIp":     `"StringNotLike":{"aws:VpcSourceIp":"office*"}`,
		"aws:SecureTransport": `"StringNotEquals":{"aws:SecureTransport":"encrypted"}`,
		"aws:CurrentTime":     `"StringNotLike":{"aws:CurrentTime":"monday*"}`,
	} {
		a := prove.User(bob(identity(fmt.Sprintf(denyAll, mfa+","+condition), others, byKey, admin)))
		if a.Outcome == prove.Open || a.Strict == prove.Open {
			t.Errorf("%s: %s", key, text1(a))
		}
	}
}

func TestGuardRailsWithManyConditionsDoNotHideEnforcement(t *testing.T) {
	rails := []string{admin}
	for i := range 12 {
		rails = append(rails, fmt.Sprintf(`{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"*","Condition":{"StringNotEquals":{"ec2:Key%d":["a","b"]}}}`, i))
	}
	scps := [][]policy.Source{{source(policy.SCP, "rails", rails...)}}
	enforced := bob(identity(append(force, admin)...))
	enforced.Set.SCPs = scps
	if got := text(prove.User(enforced)); got != "enforced" {
		t.Error(got)
	}
	split := make([]string, 0, 12)
	for i := range 12 {
		split = append(split, fmt.Sprintf(denyAll, mfa+fmt.Sprintf(`,"StringNotEquals":{"aws:RequestTag/Key%d":["a","b"]}`, i)))
	}
	a := prove.User(bob(identity(append(split, others, byKey)...)))
	if a.Outcome == prove.Enforced {
		t.Error("enforced, though some combinations were not tried")
	}
}

func TestUnreadableDocumentsAreUnknownUnlessADenySaysMore(t *testing.T) {
	broken := policy.Source{Name: "broken", Err: errors.New("not read")}
	set := identity(admin)
	set.Identity = append(set.Identity, broken)
	a := prove.User(bob(set))
	if a.Outcome != prove.Unknown || !strings.Contains(a.Why, "broken") {
		t.Errorf("%s, why %q", text(a), a.Why)
	}
	set = identity(append(force, admin)...)
	set.Identity = append(set.Identity, broken)
	if got := text(prove.User(bob(set))); got != "enforced" {
		t.Errorf("with a Deny that was read: %s", got)
	}
	if a := prove.User(prove.Subject{}); a.Outcome != prove.Unknown || a.Why == "" {
		t.Errorf("without policies: %s, why %q", text(a), a.Why)
	}
	for name, document := range map[string]string{
		"no JSON":       `{"Version":`,
		"duplicate key": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Action":"*","Resource":"*"}]}`,
		"huge":          `{"Version":"2012-10-17","Statement":[` + strings.Repeat(admin+",", 100_000),
	} {
		set := &policy.Set{Identity: []policy.Source{policy.ParseSource(name, policy.Identity, document)}}
		if a := prove.User(bob(set)); a.Outcome != prove.Unknown {
			t.Errorf("%s: %s", name, text(a))
		}
	}
}

func TestRoleThatTrustsTheUserIsACounterexample(t *testing.T) {
	const role = "arn:aws:iam::" + account + ":role/Operator"
	trust := func(condition string) prove.Role {
		return prove.Role{ARN: role, Trust: policy.ParseSource("trust", policy.Trust,
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+account+`"},"Action":"sts:AssumeRole"`+condition+`}}`)}
	}
	may := identity(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + role + `"}`)
	for condition, want := range map[string]string{
		"": "open sts:AssumeRole without MFA by access key on " + role + " by trust, statement 1",
		`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`: "latent sts:AssumeRole without MFA by access key on " + role,
	} {
		s := bob(may)
		s.Roles = []prove.Role{trust(condition)}
		if got := text(prove.User(s)); got != want {
			t.Errorf("condition %q: %s\nwant %s", condition, got, want)
		}
	}
}

func TestAssumptionsAreSaid(t *testing.T) {
	forwarding := bob(identity(fmt.Sprintf(denyAll, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false","aws:ViaAWSService":"false"}`), others, byKey))
	usersOnly := bob(identity(fmt.Sprintf(denyAll, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), others, byKey))
	const identityProof = "sts:GetCallerIdentity cannot be denied, and a presigned request for it signs in to systems that accept it as proof of identity, " +
		"such as Amazon EKS and HashiCorp Vault"
	for _, row := range []struct {
		name    string
		subject prove.Subject
		want    []string
	}{
		{"always", bob(identity(force...)), []string{identityProof}},
		{"forwarded calls", forwarding, []string{identityProof, "an AWS service forwards a request only after a direct request with the same credential was allowed, " +
			"and no action of the enrollment set forwards requests"}},
		{"federation tokens", usersOnly, []string{identityProof, "federation tokens created before the Deny was in force are not subject to it; they expire within 36 hours"}},
	} {
		if diff := cmp.Diff(row.want, prove.User(row.subject).Assumptions); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestCounterexampleSaysItsCredentialInAWord(t *testing.T) {
	w := &prove.Counterexample{Action: "s3:GetObject", Resource: object, Credential: policy.ConsolePassword, AllowedBy: "p", Keys: map[string][]string{"aws:SourceIp": {"192.0.2.0"}}}
	got, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"s3:GetObject","resource":"` + object + `","allowed_by":"p","keys":{"aws:SourceIp":["192.0.2.0"]},"credential":"console"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	back := new(prove.Counterexample)
	if err := json.Unmarshal(got, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"action":"x","credential":"password"}`), back); err == nil {
		t.Error("a credential that is none was read")
	}
}

// A Prover that has answered for others says the same as one that has not.
func TestProverRemembersNothingWrong(t *testing.T) {
	sets := []*policy.Set{
		identity(append(force, admin)...),
		identity(admin),
		identity(`{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"}`),
		identity(fmt.Sprintf(denyAll, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}`), others, byKey, admin),
		identity(fmt.Sprintf(denyAll, mfa+`,"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`), others, byKey, admin),
		identity(fmt.Sprintf(denyAll, mfa+`,"StringNotLike":{"aws:username":"b*"}`), others, byKey, admin),
		identity(fmt.Sprintf(denyAll, mfa+`,"StringEquals":{"aws:PrincipalAccount":"`+account+`"}`), others, byKey, admin),
		identity(`{"Effect":"Deny","NotAction":"iam:GetUser","NotResource":"arn:aws:iam::*:user/bob","Condition":{`+mfa+`}}`, admin),
		identity(`{"Effect":"Deny","NotAction":"iam:GetUser","NotResource":"arn:aws:iam::*:user/team/*","Condition":{`+mfa+`}}`, admin),
		identity(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*"}`),
		identity(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`),
		identity(`{"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:GetUser"],"NotResource":"arn:aws:s3:::home/${aws:username}/*","Condition":{`+mfa+`}}`,
			`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::home/bob/*","Condition":{`+mfa+`}}`, admin),
	}
	var subjects []prove.Subject
	for _, set := range sets {
		for _, name := range []string{"bob", "carol", "bill"} {
			for _, path := range []string{"/", "/team/"} {
				for _, other := range []bool{false, true} {
					s := user(path, name, set)
					s.HasDevice = other
					if other {
						s.Principal.Account = "222222222222"
						s.Principal.ARN = strings.Replace(s.Principal.ARN, account, "222222222222", 1)
						s.Context.Set("aws:PrincipalArn", s.Principal.ARN)
						s.Context.Set("aws:PrincipalAccount", "222222222222")
						s.Context.Set("aws:PrincipalTag/team", name)
					}
					subjects = append(subjects, s)
				}
			}
		}
	}
	var p prove.Prover
	for _, s := range subjects {
		alone := text(prove.User(s))
		for range 2 {
			if diff := cmp.Diff(alone, text(p.User(s))); diff != "" {
				t.Errorf("%s (-alone +among others):\n%s", s.Principal.ARN, diff)
			}
		}
	}
}

func TestProverServesManyAtOnce(t *testing.T) {
	var p prove.Prover
	set := identity(append(force, admin)...)
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			if got := text(p.User(user("/", fmt.Sprint("user", i), set))); got != "enforced" {
				t.Error(got)
			}
		})
	}
	wait.Wait()
}

// Two users of an account cannot share a name, but a service other than IAM may
// take a user of any account.
func TestAUserOfTheSameNameIsSomebodyToOtherServices(t *testing.T) {
	ownOnly := `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:iam::*:user/${aws:username}","Condition":{` + mfa + `}}`
	a := prove.User(user("/team/", "bob", identity(ownOnly, byKey)))
	if a.Outcome != prove.Open || a.Strict != prove.Open || !strings.HasSuffix(a.Counterexample.Resource, ":user/bob") {
		t.Errorf("%v, strictly %v: %v", a.Outcome, a.Strict, a.Counterexample)
	}
}
