package emulator

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
)

// during returns what a call locks while it is performed, and calls f meanwhile.
func during(t *testing.T, c *Cloud, caller world.Caller, service, name string, in any, f func()) hold {
	t.Helper()
	j, err := c.direct(caller, service, name, in)
	if err != nil {
		t.Fatal(err)
	}
	var held hold
	j.done = func(any) {
		held = *j.hold
		f()
	}
	r := j.record()
	if c.tell(c.perform(&j, &r)); r.Err != nil {
		t.Fatalf("%s: %v", name, r.Err)
	}
	return held
}

func callerOf(t *testing.T, c *Cloud, name string) world.Caller {
	t.Helper()
	caller, err := c.Caller(keyOf(name))
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// While one account changes something, others read and write. With one lock for all, this
// test would never end.
func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	c := newCloud(t, Options{History: true})
	alice, admin := callerOf(t, c, "alice"), callerOf(t, c, "root-admin")
	during(t, c, alice, "iam", "CreateUser", &iam.CreateUserInput{UserName: aws.String("new")}, func() {
		for _, call := range []struct {
			service, name string
			in            any
		}{
			{"iam", "GetUser", &iam.GetUserInput{UserName: aws.String("root-admin")}},
			{"iam", "CreateUser", &iam.CreateUserInput{UserName: aws.String("new")}},
			{"sts", "GetCallerIdentity", &sts.GetCallerIdentityInput{}},
			{"sts", "GetSessionToken", &sts.GetSessionTokenInput{}},
			{"organizations", "ListAccounts", &organizations.ListAccountsInput{}},
		} {
			if _, err := c.Do(admin, call.service, call.name, call.in); err != nil {
				t.Errorf("%s: %v", call.name, err)
			}
		}
	})
}

func TestCallLocksWhatItReaches(t *testing.T) {
	for _, test := range []struct {
		caller, service, name string
		in                    any
		reach                 operation.Reach
		writes                bool
	}{
		{"alice", "iam", "GetUser", &iam.GetUserInput{}, operation.Account, false},
		{"alice", "iam", "CreateGroup", &iam.CreateGroupInput{GroupName: aws.String("g")}, operation.Account, true},
		{"alice", "iam", "CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: aws.String("alias")}, operation.Everything, false},
		{"alice", "sts", "AssumeRole", assumption(member), operation.Account, true},
		{"root-admin", "organizations", "ListRoots", &organizations.ListRootsInput{}, operation.Members, false},
		{"root-admin", "organizations", "CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentId: aws.String("r-root"), Name: aws.String("u")}, operation.Everything, false},
	} {
		c := newCloud(t, Options{})
		h := during(t, c, callerOf(t, c, test.caller), test.service, test.name, test.in, func() {})
		if h.reach != test.reach || h.writes != test.writes || (h.cell == nil) != (test.reach == operation.Everything) {
			t.Errorf("%s has reach %d and writes %t, want %d and %t", test.name, h.reach, h.writes, test.reach, test.writes)
		}
	}
}

func assumption(account string) *sts.AssumeRoleInput {
	return &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/Operator"), RoleSessionName: aws.String("session")}
}

// The IDs of an account do not depend on what others do, so that a log of calls of several
// accounts gives the same IDs again.
func TestIDsOfAnAccountDependOnItsCallsAlone(t *testing.T) {
	var ids []string
	for _, busy := range []bool{false, true} {
		c := newCloud(t, Options{})
		in := &iam.CreateUserInput{UserName: aws.String("new")}
		if busy {
			if _, err := c.Do(callerOf(t, c, "root-admin"), "iam", "CreateUser", in); err != nil {
				t.Fatal(err)
			}
		}
		out, err := c.Do(callerOf(t, c, "alice"), "iam", "CreateUser", in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.(*iam.CreateUserOutput).User.UserId)
	}
	if ids[0] != ids[1] {
		t.Errorf("the ID is %s, and %s when another account has created a user", ids[0], ids[1])
	}
}

// A call that names things of another account reaches only what its table says: world
// panics otherwise.
func TestCallsThatNameOtherAccountsStayInTheirReach(t *testing.T) {
	const own, other = "111111111111", "222222222222"
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + other + `:user/dev","arn:aws:iam::` + other + `:role/Admin","` + other + `"]},"Action":"sts:AssumeRole"}}`
	sent := 0
	for _, service := range []string{"iam", "sts", "organizations"} {
		for operation := range services()[service].byName {
			for _, v := range variants(modeled[service](), operation, service != "organizations") {
				input := inAccount(v.input, own, other, trust).(map[string]any)
				if v.refused || cmp.Equal(input, v.input) {
					continue
				}
				w := httptest.NewRecorder()
				New(fresh().Fork(), Options{Clock: func() time.Time { return noon }}).ServeHTTP(w, request(service, operation, input).sign(t))
				sent++
				if w.Code >= 500 {
					t.Errorf("%s:%s %s: %d %s", service, operation, v, w.Code, w.Body)
				}
			}
		}
	}
	if sent < 100 {
		t.Errorf("only %d calls name another account", sent)
	}
}

// inAccount names another account, and puts a trust policy in the place of documents.
func inAccount(value any, own, other, trust string) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			out[name] = inAccount(member, own, other, trust)
			if strings.HasSuffix(name, "PolicyDocument") {
				out[name] = trust
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = inAccount(v[i], own, other, trust)
		}
		return out
	case string:
		return strings.ReplaceAll(v, own, other)
	}
	return value
}
