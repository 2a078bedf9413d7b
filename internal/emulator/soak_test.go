package emulator

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/fault"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

var (
	soak     = flag.Duration("soak", time.Second, "how long TestSoak runs")
	soakSeed = flag.Uint64("soak-seed", 1, "seed of the operations and faults of TestSoak")
)

// A soaker is a client that calls random operations on few names, so that clients meet.
type soaker struct {
	*rand.Rand
	account string
	iam     *iam.Client
	sts     *sts.Client
	org     *organizations.Client

	sessions []*ststypes.Credentials // that it started
}

func (s *soaker) name(kind string) *string { return aws.String(fmt.Sprint(kind, s.IntN(6))) }

func (s *soaker) policy() *string {
	if s.IntN(3) == 0 {
		return aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
	}
	return aws.String(arn.IAM("aws", s.account, "policy", "/", *s.name("p")))
}

// aDocument allows something.
var aDocument = aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`)

// users, groups, policies and roles are the operations of a soaker. Their errors are part
// of the test.
func (s *soaker) users(ctx context.Context) {
	u := s.name("u")
	switch s.IntN(12) {
	case 0, 1:
		_, _ = s.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: u, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	case 2:
		_, _ = s.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: u})
	case 3:
		_, _ = s.iam.UpdateUser(ctx, &iam.UpdateUserInput{UserName: u, NewUserName: s.name("u")})
	case 4:
		_, _ = s.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: u})
	case 5:
		if keys, err := s.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: u}); err == nil && len(keys.AccessKeyMetadata) > 0 {
			_, _ = s.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: u, AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
		}
	case 6:
		_, _ = s.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: u, PolicyArn: s.policy()})
	case 7:
		_, _ = s.iam.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: u, PolicyArn: s.policy()})
	case 8:
		_, _ = s.iam.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: u, PermissionsBoundary: s.policy()})
	case 9:
		_, _ = s.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: u, PolicyName: s.name("i"), PolicyDocument: aDocument})
	case 10:
		_, _ = s.iam.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: s.name("d")})
	case 11:
		_, _ = s.iam.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String(arn.IAM("aws", s.account, "mfa", "/", *s.name("d")))})
	}
}

func (s *soaker) groups(ctx context.Context) {
	g, u := s.name("g"), s.name("u")
	switch s.IntN(7) {
	case 0:
		_, _ = s.iam.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: g})
	case 1:
		_, _ = s.iam.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: g})
	case 2:
		_, _ = s.iam.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: g, UserName: u})
	case 3:
		_, _ = s.iam.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: g, UserName: u})
	case 4:
		_, _ = s.iam.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: g, PolicyArn: s.policy()})
	case 5:
		_, _ = s.iam.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: g, PolicyArn: s.policy()})
	case 6:
		_, _ = s.iam.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: g, NewGroupName: s.name("g")})
	}
}

func (s *soaker) policies(ctx context.Context) {
	p := s.policy()
	switch s.IntN(5) {
	case 0, 1:
		_, _ = s.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: s.name("p"), PolicyDocument: aDocument})
	case 2:
		_, _ = s.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: p})
	case 3:
		_, _ = s.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: aDocument, SetAsDefault: s.IntN(2) == 0})
	case 4:
		_, _ = s.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: p, VersionId: aws.String(fmt.Sprint("v", 1+s.IntN(5)))})
	}
}

func (s *soaker) roles(ctx context.Context) {
	r := s.name("r")
	switch s.IntN(9) {
	case 0:
		_, _ = s.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(trustMember, member, s.account))})
	case 1:
		_, _ = s.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r})
	case 2:
		_, _ = s.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r, PolicyArn: s.policy()})
	case 3:
		_, _ = s.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: r, PolicyArn: s.policy()})
	case 4:
		_, _ = s.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: r, Tags: []types.Tag{{Key: s.name("k"), Value: aws.String("v")}}})
	case 5:
		owner := []string{s.account, member}[s.IntN(2)]
		out, err := s.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(arn.IAM("aws", owner, "role", "/", *r)), RoleSessionName: aws.String("soak")})
		if err == nil {
			s.sessions = append(s.sessions, out.Credentials)
		}
	case 6:
		s.userSession(ctx)
	case 7:
		s.useSession(ctx)
	case 8:
		_, _ = s.iam.GetAccountAuthorizationDetails(ctx, nil)
	}
}

// accounts are operations of Organizations, which concern all accounts.
func (s *soaker) accounts(ctx context.Context) {
	switch s.IntN(8) {
	case 0:
		_, _ = s.org.ListAccounts(ctx, nil)
	case 1:
		_, _ = s.org.ListParents(ctx, &organizations.ListParentsInput{ChildId: aws.String(member)})
	case 2:
		_, _ = s.org.DescribeAccount(ctx, &organizations.DescribeAccountInput{AccountId: aws.String(member)})
	case 3:
		_, _ = s.org.ListTargetsForPolicy(ctx, &organizations.ListTargetsForPolicyInput{PolicyId: aws.String("p-full")})
	case 4:
		_, _ = s.org.TagResource(ctx, &organizations.TagResourceInput{ResourceId: aws.String(member), Tags: []orgtypes.Tag{{Key: s.name("k"), Value: aws.String("v")}}})
	case 5:
		_, _ = s.org.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{ParentId: aws.String("ou-work"), Name: s.name("unit")})
	case 6:
		_, _ = s.iam.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: s.name("alias")})
	case 7:
		_, _ = s.iam.GenerateCredentialReport(ctx, nil)
	}
}

func signedBy(c aws.Credentials) func(*sts.Options) {
	return func(o *sts.Options) { o.Credentials = with(c) }
}

// userSession starts a session of a user by a new access key.
func (s *soaker) userSession(ctx context.Context) {
	key, err := s.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: s.name("u")})
	if err != nil {
		return
	}
	own := aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}
	out, err := s.sts.GetSessionToken(ctx, nil, signedBy(own))
	if err == nil {
		s.sessions = append(s.sessions, out.Credentials)
	}
}

// useSession calls with the credentials of a session, whose user or role may be deleted.
func (s *soaker) useSession(ctx context.Context) {
	if len(s.sessions) == 0 {
		return
	}
	c := s.sessions[s.IntN(len(s.sessions))]
	_, _ = s.sts.GetCallerIdentity(ctx, nil, signedBy(aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}))
}

func (s *soaker) run(ctx context.Context, until time.Time) {
	for time.Now().Before(until) {
		[]func(context.Context){s.users, s.users, s.groups, s.policies, s.roles, s.accounts}[s.IntN(6)](ctx)
	}
}

// soakers are the users of the clients of TestSoak.
var soakers = []struct{ account, user string }{{member, "alice"}, {management, "root-admin"}, {"333333333333", "dora"}, {"333333333333", "dora"}}

// soakCloud is a cloud with an account that has no faults that lag.
func soakCloud(t *testing.T, o Options) *Cloud {
	c := newCloud(t, o)
	c.Update(func(w *world.World) {
		w.AddAccount(&world.Account{ID: "333333333333", Name: "other", Unit: "ou-work", SCPs: []string{"p-full"}, Users: map[string]*world.User{"dora": user("dora", administrator)}})
		w.AddKey("333333333333", "dora", &world.Key{ID: keyOf("dora"), Secret: "secret of dora", Active: true, Created: made})
	})
	return c
}

// Eight clients of three accounts call random operations through faults. The world is consistent then, and
// what was done gives the same world when it is done again. .ci/run does this for a minute
// under the race detector.
func TestSoak(t *testing.T) {
	now := noon
	c := soakCloud(t, Options{})
	plan := fault.Chaos(*soakSeed)
	plan.Faults = slices.DeleteFunc(plan.Faults, func(r fault.Rule) bool { return r.Kind == fault.Slow })
	for i := range plan.Faults {
		if plan.Faults[i].Kind == fault.Lag {
			plan.Faults[i].Account = member // its writes lock the whole cloud, those of the others do not
		}
	}
	if err := c.SetFaults(plan); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var log []Record
	c.OnCall(func(r Record) {
		mu.Lock()
		defer mu.Unlock()
		lost := r.effect.Done && slices.Contains([]string{"ServiceFailure", "InternalFailure"}, codeOf(r.Err))
		if r.Writes && (r.Err == nil || lost) { // a write that was done, whatever its client saw
			log = append(log, r)
		}
	})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			caller := soakers[i%len(soakers)]
			config := c.Config(as(caller.user), "us-east-1")
			config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			s := &soaker{Rand: rand.New(rand.NewPCG(*soakSeed, uint64(i))), account: caller.account, iam: iam.NewFromConfig(config), sts: sts.NewFromConfig(config), org: organizations.NewFromConfig(config)}
			s.run(t.Context(), time.Now().Add(*soak))
		})
	}
	all.Wait()
	c.View(func(w *world.World) {
		for _, id := range w.Accounts() {
			checkAccount(t, w, w.Account(id))
		}
		sessions := 0
		for key, s := range w.Sessions() {
			checkSession(t, c, w, key, s)
			sessions++
		}
		t.Logf("%d sessions", sessions)
	})
	slices.SortFunc(log, func(a, b Record) int { return cmp.Compare(a.number, b.number) })
	fresh := soakCloud(t, Options{Clock: func() time.Time { return now }})
	for _, r := range log {
		now = r.Time
		caller, err := fresh.Caller(r.Caller.AccessKeyID)
		if err == nil {
			_, err = fresh.Do(caller, r.Service, r.Operation, r.In)
		}
		if err != nil {
			t.Fatalf("replay of %s: %v", r.Operation, err)
		}
	}
	if len(log) < 10 || worldDigest(t, c) != worldDigest(t, fresh) {
		t.Errorf("the digest after %d writes differs in the replay", len(log))
	}
	t.Logf("%d writes", len(log))
}

// checkSession reports a session that is not complete, and one that speaks for a user or
// role other than the one that it was created for.
func checkSession(t *testing.T, c *Cloud, w *world.World, key string, s *world.Session) {
	t.Helper()
	_, long := w.FindKey(key)
	if key != s.AccessKeyID || long || s.Secret == "" || s.Token == "" || w.Account(s.Account) == nil || !s.Issued.Before(s.Expires) || s.Expires.Sub(s.Issued) > 36*time.Hour {
		t.Errorf("the session %s is %+v", key, s)
	}
	caller, why := c.caller(key)
	if why != nil {
		return // expired, or the user or role is deleted
	}
	owner := ""
	switch {
	case caller.Role != nil:
		owner = caller.Role.ID
	case caller.User != nil:
		owner = caller.User.ID
	}
	if caller.Account != s.Account || owner != s.OwnerID {
		t.Errorf("the session %s of %s speaks for %s", key, s.OwnerID, caller.Principal.ARN)
	}
}

// checkAccount reports what refers to something that does not exist, and broken quotas.
func checkAccount(t *testing.T, w *world.World, a *world.Account) {
	t.Helper()
	count := func(what string, n int, quota string) {
		if n > a.Quota(quota) {
			t.Errorf("%s: %d, at most %d", what, n, a.Quota(quota))
		}
	}
	attached := func(owner string, policies ...string) {
		if len(policies) > 10 {
			t.Errorf("%s has %d attached policies", owner, len(policies))
		}
		for _, p := range policies {
			if p != "" && w.ManagedPolicy(a.ID, p) == nil {
				t.Errorf("%s refers to the policy %s, which does not exist", owner, p)
			}
		}
	}
	count("users", len(a.Users), world.QuotaUsers)
	count("groups", len(a.Groups), world.QuotaGroups)
	count("roles", len(a.Roles), world.QuotaRoles)
	count("policies", len(a.Policies), world.QuotaPolicies)
	for name, u := range a.Users {
		count("groups of "+u.Name, len(u.Groups), world.QuotaGroupsPerUser)
		count("devices of "+u.Name, len(a.DevicesOf(u.Name)), world.QuotaMFADevicesPerUser)
		count("tags of "+u.Name, len(u.Tags), world.QuotaTags)
		attached("user "+u.Name, u.Attached...)
		attached("boundary of "+u.Name, u.Boundary)
		if name != world.Fold(u.Name) || len(u.Keys) > 2 {
			t.Errorf("user %s is listed as %s and has %d keys", u.Name, name, len(u.Keys))
		}
		for g := range u.Groups {
			if a.Groups[g] == nil {
				t.Errorf("user %s is in the group %s, which does not exist", u.Name, g)
			}
		}
		for _, k := range u.Keys {
			if owner, ok := w.FindKey(k.ID); !ok || owner != (world.KeyOwner{Account: a.ID, User: name}) {
				t.Errorf("the key %s of %s belongs to %v", k.ID, u.Name, owner)
			}
		}
	}
	for _, g := range a.Groups {
		attached("group "+g.Name, g.Attached...)
	}
	for _, r := range a.Roles {
		attached("role "+r.Name, r.Attached...)
	}
	for _, d := range a.Devices {
		if d.User != "" && d.User != world.RootUser && a.Users[d.User] == nil {
			t.Errorf("the device %s belongs to %s, who does not exist", d.Serial, d.User)
		}
	}
	for _, p := range a.Policies {
		if _, ok := p.Document(); !ok || len(p.Versions) > 5 {
			t.Errorf("policy %s has %d versions, default %s", p.ARN, len(p.Versions), p.Default)
		}
	}
}

func worldDigest(t *testing.T, c *Cloud) (digest string) {
	t.Helper()
	c.View(func(w *world.World) {
		header, accounts := w.Snapshot(noon)
		var all []string
		for a, err := range accounts {
			if err != nil {
				t.Error(err)
				return
			}
			all = append(all, a.Digest(&header))
		}
		digest = org.Digest(&header, all)
	})
	return digest
}
