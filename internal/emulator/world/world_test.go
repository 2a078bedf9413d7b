package world

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/org"
	"forcemfa/policy"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	management = "111111111111"
	member     = "222222222222"
)

// small is an organization of two accounts: the management account and a member
// with the user bob, with a key and a TOTP device.
func small(t testing.TB) *World {
	w := New("aws", 7)
	w.Organization = &Organization{
		ID: "o-example123", ManagementAccount: management, FeatureSet: "ALL", SCPsEnabled: true,
		Units: []org.Unit{
			{ID: "r-ab12", Name: "Root", SCPs: []string{"p-FullAWSAccess"}},
			{ID: "ou-ab12-prod", Name: "prod", Parent: "r-ab12", SCPs: []string{"p-FullAWSAccess"}},
		},
		SCPs: map[string]org.SCP{
			"p-FullAWSAccess": {ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
			"p-noleave":       {ID: "p-noleave", Name: "NoLeave", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}]}`},
		},
	}
	w.AddAccount(&Account{ID: management, Name: "management", Unit: "r-ab12", SCPs: []string{"p-FullAWSAccess"}})
	a := w.AddAccount(&Account{ID: member, Name: "prod", Unit: "ou-ab12-prod", SCPs: []string{"p-FullAWSAccess", "p-noleave"}})
	a.Users["bob"] = &User{Name: "Bob", Path: "/team/", ID: w.NewID("AIDA"), Created: noon, Groups: map[string]bool{}, Inline: map[string]string{}}
	a.Devices[bobsDevice] = &Device{Serial: bobsDevice, Kind: org.VirtualMFA, Seed: []byte("12345678901234567890"), User: "bob", Enabled: noon}
	w.AddKey(member, "Bob", &Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: w.NewSecret(), Active: true, Created: noon})
	return w
}

const bobsDevice = "arn:aws:iam::222222222222:mfa/bobs-phone"

func TestSameSeedGivesSameIDsAndSecrets(t *testing.T) {
	draw := func(seed uint64) []string {
		w := New("aws", seed)
		return []string{w.NewID("AIDA"), w.NewID("AKIA"), w.NewSecret(), w.NewToken(), string(w.NewSeed()), w.NewID("AIDA")}
	}
	if diff := cmp.Diff(draw(3), draw(3)); diff != "" {
		t.Errorf("two worlds with seed 3 differ:\n%s", diff)
	}
	three, four := draw(3), draw(4)
	for i := range three {
		if three[i] == four[i] {
			t.Errorf("draw %d is %q with seeds 3 and 4", i, three[i])
		}
	}
	if three[0] == three[5] {
		t.Errorf("two IDs of one world are %q", three[0])
	}
}

func TestSeedZeroGivesRandomSecrets(t *testing.T) {
	if a, b := New("aws", 0).NewSecret(), New("aws", 0).NewSecret(); a == b {
		t.Errorf("two worlds with seed 0 have the secret %q", a)
	}
}

func TestIDsHaveAWSLengths(t *testing.T) {
	w := New("aws", 1)
	for prefix, want := range map[string]int{"AIDA": 21, "AROA": 21, "AGPA": 21, "ANPA": 21, "AKIA": 20, "ASIA": 20} {
		if id := w.NewID(prefix); len(id) != want || !strings.HasPrefix(id, prefix) {
			t.Errorf("NewID(%s) = %q, want %d characters", prefix, id, want)
		}
	}
	if secret := w.NewSecret(); len(secret) != 40 {
		t.Errorf("NewSecret() has %d characters, want 40", len(secret))
	}
}

func TestARNsHoldThePath(t *testing.T) {
	w := New("aws-us-gov", 1)
	got := []string{
		w.UserARN(member, &User{Name: "bob", Path: "/a/b/"}),
		w.GroupARN(member, &Group{Name: "ops", Path: "/"}),
		w.RoleARN(member, &Role{Name: "admin", Path: "/x/"}),
		w.RootARN(member),
	}
	want := []string{
		"arn:aws-us-gov:iam::222222222222:user/a/b/bob",
		"arn:aws-us-gov:iam::222222222222:group/ops",
		"arn:aws-us-gov:iam::222222222222:role/x/admin",
		"arn:aws-us-gov:iam::222222222222:root",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrgPathGoesFromTheRootToTheAccount(t *testing.T) {
	w := small(t)
	for account, want := range map[string]string{
		member:         "o-example123/r-ab12/ou-ab12-prod/",
		management:     "o-example123/r-ab12/",
		"999999999999": "",
	} {
		if got := w.OrgPath(account); got != want {
			t.Errorf("OrgPath(%s) = %q, want %q", account, got, want)
		}
	}
	w.Organization = nil
	if got := w.OrgPath(member); got != "" {
		t.Errorf("OrgPath without an organization = %q", got)
	}
}

func TestSCPsComeByLevelRootFirst(t *testing.T) {
	w := small(t)
	var names [][]string
	for _, level := range w.SCPs(member) {
		var at []string
		for _, source := range level {
			if source.Err != nil {
				t.Errorf("%s: %v", source.Name, source.Err)
			}
			at = append(at, source.Name)
		}
		names = append(names, at)
	}
	want := [][]string{{"SCP FullAWSAccess"}, {"SCP FullAWSAccess"}, {"SCP FullAWSAccess", "SCP NoLeave"}}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestSCPsDoNotApplyToManagementAccountAndDisabledType(t *testing.T) {
	w := small(t)
	if got := w.SCPs(management); got != nil {
		t.Errorf("SCPs of the management account = %v, want nil", got)
	}
	w.Organization.SCPsEnabled = false
	if got := w.SCPs(member); got != nil {
		t.Errorf("SCPs while the type is disabled = %v, want nil", got)
	}
}

func TestUserSetNamesEverySource(t *testing.T) {
	w := small(t)
	a := w.Edit(member)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	a.Groups["ops"] = &Group{Name: "Ops", Path: "/", Inline: map[string]string{"own": document}, Attached: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}
	bob := a.Users["bob"]
	bob.Groups["ops"] = true
	bob.Inline["mine"] = document
	bob.Attached = []string{"arn:aws:iam::aws:policy/IAMUserChangePassword", "arn:aws:iam::222222222222:policy/gone"}
	bob.Boundary = "arn:aws:iam::aws:policy/AdministratorAccess"

	set := w.UserSet(member, bob)
	var names, unread []string
	for _, source := range set.Identity {
		names = append(names, source.Name)
		if source.Document == nil {
			unread = append(unread, source.Name)
		}
	}
	want := []string{
		"inline policy mine of user Bob", "policy arn:aws:iam::aws:policy/IAMUserChangePassword", "policy arn:aws:iam::222222222222:policy/gone",
		"inline policy own of group Ops", "policy arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"policy arn:aws:iam::222222222222:policy/gone"}, unread); diff != "" {
		t.Errorf("unread sources:\n%s", diff)
	}
	if set.Boundary == nil || set.Boundary.Document == nil || set.Boundary.Document.Kind != policy.Boundary {
		t.Errorf("boundary = %+v, want the parsed AdministratorAccess", set.Boundary)
	}
	if len(set.SCPs) != 3 {
		t.Errorf("%d levels of SCPs, want 3", len(set.SCPs))
	}
}

func TestServiceLinkedRoleHasNoSCPs(t *testing.T) {
	w := small(t)
	linked := &Role{Name: "AWSServiceRoleForX", Path: "/aws-service-role/x.amazonaws.com/"}
	if set := w.RoleSet(member, linked); set.SCPs != nil {
		t.Errorf("SCPs of a service-linked role = %v, want nil", set.SCPs)
	}
	if set := w.RoleSet(member, &Role{Name: "x", Path: "/"}); len(set.SCPs) != 3 {
		t.Errorf("%d levels of SCPs for a plain role, want 3", len(set.SCPs))
	}
}

func TestAWSManagedPoliciesAreValidInEveryPartition(t *testing.T) {
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		for _, p := range New(partition, 1).AWSManaged() {
			text, ok := p.Document()
			if !ok {
				t.Errorf("%s has no default document", p.ARN)
			}
			if _, err := policy.Parse(policy.Identity, text); err != nil {
				t.Errorf("%s: %v", p.ARN, err)
			}
			if partition != "aws" && strings.Contains(p.ARN+text, "arn:aws:") {
				t.Errorf("%s speaks of the partition aws: %s", p.ARN, text)
			}
		}
	}
}

func TestKeyUseDoesNotWriteToTheAccount(t *testing.T) {
	w := small(t)
	before := w.Account(member)
	fork := w.Fork()
	use := Use{At: noon, Region: "us-east-1", Service: "iam"}
	fork.UseKey("AKIAIOSFODNN7EXAMPLE", use)
	fork.UseRole(member, &Role{Name: "r", Path: "/"}, use)
	if fork.Account(member) != before {
		t.Error("using a key copied the account")
	}
	_, k := fork.Key("AKIAIOSFODNN7EXAMPLE")
	if got := fork.KeyUse(k); got != use {
		t.Errorf("KeyUse = %+v, want %+v", got, use)
	}
	if got := w.KeyUse(k); got != (Use{}) {
		t.Errorf("KeyUse in the other world = %+v, want none", got)
	}
	if got := fork.RoleUse(member, &Role{Name: "r", Path: "/"}); got != use {
		t.Errorf("RoleUse = %+v, want %+v", got, use)
	}
}

func TestKeysTakeTheLowestFreeSlot(t *testing.T) {
	w := small(t)
	w.AddKey(member, "BOB", &Key{ID: "AKIA2"})
	w.RemoveKey(member, "bob", "AKIAIOSFODNN7EXAMPLE")
	w.AddKey(member, "bob", &Key{ID: "AKIA3"})
	slots := map[string]int{}
	for _, k := range w.Account(member).Users["bob"].Keys {
		slots[k.ID] = k.Slot
	}
	if diff := cmp.Diff(map[string]int{"AKIA2": 2, "AKIA3": 1}, slots); diff != "" {
		t.Error(diff)
	}
	if _, ok := w.FindKey("AKIAIOSFODNN7EXAMPLE"); ok {
		t.Error("a removed key is still found")
	}
}

func TestRenamedUserKeepsKeysDevicesAndSessions(t *testing.T) {
	w := small(t)
	w.AddSession(&Session{AccessKeyID: "ASIA1", Account: member, User: "bob"})
	w.AddSession(&Session{AccessKeyID: "ASIA2", Account: management, User: "bob"})
	fork := w.Fork()
	fork.RenameUser(member, "bob", "Robert")
	owner, key := fork.Key("AKIAIOSFODNN7EXAMPLE")
	if owner != (KeyOwner{member, "robert"}) || key == nil {
		t.Errorf("the key belongs to %+v", owner)
	}
	if got := len(fork.Account(member).DevicesOf("ROBERT")); got != 1 {
		t.Errorf("Robert has %d devices, want 1", got)
	}
	if got := fork.Session("ASIA1").User; got != "robert" {
		t.Errorf("the session belongs to %s", got)
	}
	if got := fork.Session("ASIA2").User; got != "bob" {
		t.Errorf("the session of another account's bob belongs to %s", got)
	}
	if got := w.Session("ASIA1").User; got != "bob" {
		t.Errorf("in the other world the session belongs to %s", got)
	}
}

func TestSampleDataDependsOnlyOnTheAccount(t *testing.T) {
	a, b := small(t), New("aws", 99)
	b.AddAccount(&Account{ID: member})
	for _, w := range []*World{a, b} {
		w.AddSampleData(member, noon)
		got := w.Account(member)
		if i := got.Instances[InstanceID(member)]; i == nil || i.State != "running" || len(i.ID) != 19 {
			t.Errorf("instance %s = %+v", InstanceID(member), i)
		}
		if !got.Tables[TableName] || len(got.Buckets[BucketName(member)].Objects[ObjectKey].Body) == 0 {
			t.Error("no table or no object")
		}
	}
	if InstanceID(member) == InstanceID(management) {
		t.Error("two accounts share an instance ID")
	}
}
