package sample_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

func eachUser(t *testing.T, do func(a org.Account, u org.User)) {
	t.Helper()
	_, accounts := sample.Organization()
	for _, a := range accounts {
		for _, u := range a.Users {
			do(a, u)
		}
	}
}

func who(a org.Account, u org.User) string { return a.ID + "/" + u.Name }

// Sources: IAM API Reference, userNameType, groupNameType, roleNameType,
// policyNameType, pathType; IAM User Guide, "IAM and AWS STS quotas".
func TestNamesAreLegalAndUniqueInTheirAccount(t *testing.T) {
	legal := regexp.MustCompile(`^[\w+=,.@-]+$`)
	path := regexp.MustCompile(`^/$|^/[\x21-\x7e]+/$`)
	_, accounts := sample.Organization()
	for _, a := range accounts {
		seen := map[string]bool{}
		check := func(kind, name, at string, longest int) {
			if !legal.MatchString(name) || len(name) > longest || !path.MatchString(at) {
				t.Errorf("%s: %s %s%s is no legal name", a.ID, kind, at, name)
			}
			key := kind + " " + strings.ToLower(name)
			if seen[key] {
				t.Errorf("%s: %s %s is there twice", a.ID, kind, name)
			}
			seen[key] = true
		}
		for _, u := range a.Users {
			check("user", u.Name, u.Path, 64)
		}
		for _, g := range a.Groups {
			check("group", g.Name, g.Path, 128)
		}
		for _, r := range a.Roles {
			check("role", r.Name, r.Path, 64)
		}
		for _, p := range a.Policies {
			check("policy", p.Name, p.Path, 128)
		}
	}
}

func TestQuotasAreRespected(t *testing.T) {
	header, accounts := sample.Organization()
	atMost := func(what string, n, quota int) {
		if n > quota {
			t.Errorf("%s: %d of %d", what, n, quota)
		}
	}
	for _, scp := range header.SCPs {
		atMost("size of SCP "+scp.Name, len(scp.Document), 10240)
	}
	for _, a := range accounts {
		q := a.Quotas
		for _, u := range a.Users {
			atMost("policies of "+who(a, u), len(u.Attached), q.AttachedPoliciesPerUser)
			atMost("groups of "+who(a, u), len(u.Groups), q.GroupsPerUser)
			atMost("inline policies of "+who(a, u), inlineSize(u.Inline), q.UserPolicySize)
			atMost("keys of "+who(a, u), len(u.Keys), 2)
			atMost("devices of "+who(a, u), len(u.Devices), 8)
			atMost("tags of "+who(a, u), len(u.Tags), 50)
		}
		for _, g := range a.Groups {
			atMost("policies of group "+g.Name, len(g.Attached), q.AttachedPoliciesPerGroup)
			atMost("inline policies of group "+g.Name, inlineSize(g.Inline), q.GroupPolicySize)
		}
		for _, r := range a.Roles {
			atMost("policies of role "+r.Name, len(r.Attached), 20)
			atMost("trust policy of role "+r.Name, policy.Size(r.Trust), 2048)
			if r.MaxSession.Hours() < 1 || r.MaxSession.Hours() > 12 {
				t.Errorf("role %s: longest session %s", r.Name, r.MaxSession)
			}
		}
		for _, p := range a.Policies {
			atMost("versions of "+p.ARN, len(p.Versions), q.VersionsPerPolicy)
			for _, v := range p.Versions {
				atMost("size of "+p.ARN, policy.Size(v.Document), q.PolicySize)
			}
		}
	}
}

func inlineSize(list []org.InlinePolicy) int {
	sum := 0
	for _, p := range list {
		sum += policy.Size(p.Document)
	}
	return sum
}

func TestEveryDocumentIsAPolicy(t *testing.T) {
	header, accounts := sample.Organization()
	parse := func(what string, kind policy.Kind, text string) {
		if _, err := policy.Parse(kind, text); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	inline := func(owner string, list []org.InlinePolicy) {
		for _, p := range list {
			parse(owner+": "+p.Name, policy.Identity, p.Document)
		}
	}
	for _, scp := range header.SCPs {
		parse(scp.Name, policy.SCP, scp.Document)
	}
	for _, a := range accounts {
		for _, u := range a.Users {
			inline(who(a, u), u.Inline)
		}
		for _, g := range a.Groups {
			inline(g.ARN, g.Inline)
		}
		for _, r := range a.Roles {
			inline(r.ARN, r.Inline)
			parse(r.ARN, policy.Trust, r.Trust)
		}
		for _, p := range a.Policies {
			for _, v := range p.Versions {
				parse(p.ARN+" "+v.ID, policy.Identity, v.Document)
			}
		}
	}
}

func TestEveryReferenceIsThere(t *testing.T) {
	header, accounts := sample.Organization()
	units, scps := map[string]bool{}, map[string]bool{}
	for _, scp := range header.SCPs {
		scps[scp.ID] = true
	}
	for _, u := range header.Units {
		if u.Parent != "" && !units[u.Parent] {
			t.Errorf("unit %s is listed before its parent %s", u.Name, u.Parent)
		}
		units[u.ID] = true
		checkAll(t, "unit "+u.Name, u.SCPs, scps)
	}
	for _, a := range accounts {
		if !units[a.Unit] {
			t.Errorf("account %s: no unit %s", a.ID, a.Unit)
		}
		checkAll(t, a.ID, a.SCPs, scps)
		policies, groups := map[string]bool{}, map[string]bool{}
		for _, p := range a.Policies {
			_, ok := p.DefaultDocument()
			policies[p.ARN] = ok
		}
		for _, g := range a.Groups {
			groups[g.Name] = true
			checkAll(t, g.ARN, g.Attached, policies)
		}
		for _, r := range a.Roles {
			checkAll(t, r.ARN, r.Attached, policies)
		}
		for _, u := range a.Users {
			checkAll(t, u.ARN, u.Attached, policies)
			checkAll(t, u.ARN, u.Groups, groups)
			if u.Boundary != "" {
				checkAll(t, u.ARN, []string{u.Boundary}, policies)
			}
		}
	}
}

func checkAll(t *testing.T, who string, want []string, have map[string]bool) {
	t.Helper()
	if !slices.IsSorted(want) && !strings.HasPrefix(who, "unit ") {
		t.Errorf("%s: %v is not sorted", who, want)
	}
	for i, name := range want {
		if !have[name] {
			t.Errorf("%s: there is no %s", who, name)
		}
		if slices.Contains(want[:i], name) {
			t.Errorf("%s: %s is there twice", who, name)
		}
	}
}

func TestManagementAccountComesFirstAndAdminIsItsFirstUser(t *testing.T) {
	header, accounts := sample.Organization()
	first := accounts[0]
	if first.ID != header.Organization.ManagementAccount || !first.Management || first.Users[0].Name != "admin" {
		t.Errorf("first is %s/%s, management %t", first.ID, first.Users[0].Name, first.Management)
	}
	if !slices.IsSortedFunc(accounts, func(x, y org.Account) int { return strings.Compare(x.ID, y.ID) }) {
		t.Error("the accounts are not sorted")
	}
}

func TestOnlyTheInvitedAccountCannotBeEntered(t *testing.T) {
	_, accounts := sample.Organization()
	got := map[string]bool{}
	for _, a := range accounts {
		got[a.ID] = slices.ContainsFunc(a.Roles, func(r org.Role) bool { return r.Name == "OrganizationAccountAccessRole" })
	}
	want := map[string]bool{
		sample.Legacy:   false, // the management account needs no entry
		sample.Identity: true, sample.Dev: true, sample.Staging: true, sample.Prod: true,
		sample.Acquired: false, sample.Closed: true, sample.Archive: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts with OrganizationAccountAccessRole (-want +got):\n%s", diff)
	}
}

// cases lists the cases that the sample must contain, with a user for each.
var cases = []struct {
	name string
	is   func(org.User) bool
}{
	{"no device, key and password", func(u org.User) bool { return len(u.Devices) == 0 && key(u) && console(u) }},
	{"no device, key only", func(u org.User) bool { return len(u.Devices) == 0 && key(u) && !console(u) }},
	{"no device, console only", func(u org.User) bool { return len(u.Devices) == 0 && !key(u) && console(u) }},
	{"no credentials", func(u org.User) bool { return !key(u) && !console(u) }},
	{"virtual device", func(u org.User) bool { return only(u, org.VirtualMFA) }},
	{"hardware device", func(u org.User) bool { return only(u, org.HardwareMFA) }},
	{"FIDO only, with password", func(u org.User) bool { return only(u, org.FIDO) && console(u) }},
	{"FIDO only, without password", func(u org.User) bool { return only(u, org.FIDO) && !console(u) }},
	{"FIDO and virtual", func(u org.User) bool { return len(u.Devices) == 2 && u.Devices[0].Kind != u.Devices[1].Kind }},
	{"two active keys", func(u org.User) bool { return len(u.Keys) == 2 && u.Keys[0].Active && u.Keys[1].Active }},
	{"inactive key", func(u org.User) bool { return len(u.Keys) == 1 && !u.Keys[0].Active }},
	{"a path", func(u org.User) bool { return u.Path != "/" }},
	{"10 policies, groups free", func(u org.User) bool { return len(u.Attached) == 10 && len(u.Groups) < 10 }},
	{"10 groups, policies free", func(u org.User) bool { return len(u.Attached) < 10 && len(u.Groups) == 10 }},
	{"both full", func(u org.User) bool { return len(u.Attached) == 10 && len(u.Groups) == 10 }},
	{"more than 10 policies", func(u org.User) bool { return len(u.Attached) > 10 }},
	{"in no group", func(u org.User) bool { return len(u.Groups) == 0 }},
	{"no right at all", func(u org.User) bool { return len(u.Groups)+len(u.Attached)+len(u.Inline) == 0 }},
	{"many inline policies", func(u org.User) bool { return len(u.Inline) > 5 }},
	{"permissions boundary", func(u org.User) bool { return u.Boundary != "" }},
	{"service user", func(u org.User) bool { return tagged(u, "Service") }},
	{"service user in another case", func(u org.User) bool { return tagged(u, "service") }},
	{"service user with password", func(u org.User) bool { return tagged(u, "Service") && console(u) }},
	{"forced reset", func(u org.User) bool { return u.PasswordReset == org.Yes }},
	{"credentials that can never carry MFA", func(u org.User) bool { return u.Services != nil }},
}

func key(u org.User) bool {
	return slices.ContainsFunc(u.Keys, func(k org.AccessKey) bool { return k.Active })
}

func console(u org.User) bool { return u.Password == org.Yes }

func only(u org.User, kind org.DeviceKind) bool {
	other := func(d org.Device) bool { return d.Kind != kind }
	return len(u.Devices) > 0 && !slices.ContainsFunc(u.Devices, other)
}

func tagged(u org.User, value string) bool {
	return slices.Contains(u.Tags, org.Tag{Key: "userType", Value: value})
}

func TestEveryCaseOfTheFactsIsThere(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := false
			eachUser(t, func(_ org.Account, u org.User) { found = found || c.is(u) })
			if !found {
				t.Error("no user of the sample is this case")
			}
		})
	}
}

func load(t *testing.T) *world.World {
	t.Helper()
	header, accounts := sample.Organization()
	stream := func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}
	w, err := world.Load(header, stream, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// allowedToday are those of the actions that a user may do with an access key
// alone.
func allowedToday(w *world.World, a org.Account, u org.User, actions ...string) []string {
	set := w.UserSet(a.ID, w.Account(a.ID).Users[world.Fold(u.Name)])
	var allowed []string
	for _, action := range actions {
		resource := "*"
		if action == "iam:ListAccessKeys" {
			resource = u.ARN
		}
		var context policy.Context
		context.Set("aws:username", u.Name)
		context.Set("aws:PrincipalArn", u.ARN)
		context.Set("aws:RequestedRegion", "us-east-1")
		d := set.Decide(&policy.Request{
			Principal: policy.Principal{Kind: policy.IAMUser, Account: a.ID, ARN: u.ARN},
			Action:    action, Resource: resource, Context: &context,
		})
		if d.Verdict == policy.Allowed {
			allowed = append(allowed, action)
		}
	}
	return allowed
}

func readable(a org.Account) bool {
	return a.ID != sample.Acquired && a.ID != sample.Closed
}

func TestManyUsersAreOpenToday(t *testing.T) {
	w := load(t)
	users, open := 0, map[string]bool{}
	eachUser(t, func(a org.Account, u org.User) {
		if !readable(a) {
			return
		}
		users++
		probes := []string{"s3:ListAllMyBuckets", "ec2:DescribeInstances", "dynamodb:ListTables", "iam:ListUsers", "ec2:TerminateInstances", "iam:CreateUser"}
		if key(u) && len(allowedToday(w, a, u, probes...)) > 0 {
			open[who(a, u)] = true
		}
	})
	if users < 60 || len(open) < 20 {
		t.Errorf("%d users, of whom %d can do something with a key alone: %v", users, len(open), slices.Sorted(maps.Keys(open)))
	}
}

func TestUsersWithDeviceAndKeyCanListTheirKeysToday(t *testing.T) {
	w := load(t)
	var names []string
	eachUser(t, func(a org.Account, u org.User) {
		if readable(a) && key(u) && slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind == org.VirtualMFA }) &&
			len(allowedToday(w, a, u, "iam:ListAccessKeys")) == 1 {
			names = append(names, who(a, u))
		}
	})
	want := []string{}
	for _, name := range []string{"admin", "alice", "arjun", "beth", "carlos"} {
		want = append(want, sample.Legacy+"/"+name)
	}
	if len(names) < 8 || !slices.Equal(names[:len(want)], want) {
		t.Errorf("%d users with key and virtual device can list their keys: %v", len(names), names)
	}
}

func TestEnforcedUsersAreDeniedWithoutMFAToday(t *testing.T) {
	w := load(t)
	var denied []string
	eachUser(t, func(a org.Account, u org.User) {
		set := w.UserSet(a.ID, w.Account(a.ID).Users[world.Fold(u.Name)])
		var context policy.Context
		context.Set("aws:username", u.Name)
		context.Set("aws:PrincipalArn", u.ARN)
		context.Set("aws:RequestedRegion", "us-east-1")
		d := set.Refuses(&policy.Request{
			Principal: policy.Principal{Kind: policy.IAMUser, Account: a.ID, ARN: u.ARN},
			Action:    "iam:ListUsers", Resource: "*", Context: &context,
		})
		if d.Verdict == policy.ExplicitDenied {
			denied = append(denied, fmt.Sprintf("%s by layer %d", u.Name, d.Layer))
		}
	})
	want := []string{
		fmt.Sprintf("deepak by layer %d", policy.Identity),
		fmt.Sprintf("emma by layer %d", policy.Identity),
		fmt.Sprintf("jonas by layer %d", policy.Boundary),
		fmt.Sprintf("xenia by layer %d", policy.SCP),
		fmt.Sprintf("yusuf by layer %d", policy.SCP),
	}
	if diff := cmp.Diff(want, denied); diff != "" {
		t.Errorf("denied iam:ListUsers with a key (-want +got):\n%s", diff)
	}
}
