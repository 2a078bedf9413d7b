package apply_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/access"
	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy/trust"
)

func TestTrustPoliciesRequireMFAAndAreRestored(t *testing.T) {
	a := accountOf(member)
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + member + `:root","Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	a.Roles = append(a.Roles, org.Role{Name: "Ops", Path: "/team/", ARN: "arn:aws:iam::" + member + ":role/team/Ops", Trust: open})
	h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
	r := rigOf(t, h, []org.Account{a}, emulator.AsTested())
	r.baseline = configured(t, "trust: {mfa: true, max_age: 1h}\n"+exemptions)
	before := r.digest()
	first, _ := r.plan(t, nil)
	journal := new(memory)
	for _, o := range r.run(first.Steps, journal).Outcomes {
		if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Op != plan.UpdateEntranceTrust) {
			t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
		}
	}
	r.cloud.Advance(time.Minute)
	_, accounts := r.snapshot()
	want, err := trust.RequireMFA(open, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, roleOf(t, accounts, "Ops").Trust); d != "" {
		t.Errorf("trust policy (-want +got):\n%s", d)
	}
	second, _ := r.plan(t, nil)
	for _, s := range second.Steps {
		if s.Blocked == "" {
			t.Errorf("planned again: %s", s.ID)
		}
	}
	if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
		t.Errorf("not undone: %v", odd)
	}
	if r.digest() != before {
		t.Error("after undoing, it differs from before")
	}
}

func roleOf(t *testing.T, accounts []org.Account, name string) *org.Role {
	t.Helper()
	for i := range accounts {
		for j := range accounts[i].Roles {
			if accounts[i].Roles[j].Name == name {
				return &accounts[i].Roles[j]
			}
		}
	}
	t.Fatalf("there is no role %s", name)
	return nil
}

const accessSection = `
access:
  account: "` + member + `"
  groups: [{name: Operators, members: [ada]}]
  grants:
    - {group: Operators, role: Privileged, accounts: ["` + member + `", "` + other + `"], policies: [AdministratorAccess], actions: ["ec2:TerminateInstances"], max_session: 2h}
`

// access plans the access section for the current state.
func (r *rig) access(b *baseline.Baseline) *plan.Plan { return access.Plan(r.accessInput(b)) }

func (r *rig) accessInput(b *baseline.Baseline) access.Input {
	h, accounts := r.snapshot()
	in := access.Input{Header: &h, Baseline: b, Access: b.Access, Now: r.cloud.Now()}
	for i := range accounts {
		in.Accounts = append(in.Accounts, &accounts[i])
	}
	return in
}

func TestAccessIsCreatedOnceAndUndone(t *testing.T) {
	h, accounts := organized(accountOf(home), people(member), accountOf(other))
	r := rigOf(t, h, accounts, emulator.AsTested())
	b := configured(t, exemptions+accessSection)
	before := r.digest()
	first := r.access(b)
	want := []string{
		member + " CreateGroup group/Operators ",
		member + " PutGroupPolicy group/Operators ForceMFA-AssumeRoles", member + " PutGroupPolicy group/Operators ForceMFA-OwnAccount",
		member + " CreateRole role/Privileged ", member + " AttachRolePolicy role/Privileged arn:aws:iam::aws:policy/AdministratorAccess",
		member + " PutRolePolicy role/Privileged ForceMFA-Actions", member + " AddUserToGroup user/ada Operators",
		other + " CreateRole role/Privileged ", other + " AttachRolePolicy role/Privileged arn:aws:iam::aws:policy/AdministratorAccess",
		other + " PutRolePolicy role/Privileged ForceMFA-Actions",
	}
	if d := cmp.Diff(want, ids(first)); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	journal := new(memory)
	if odd := became(r.run(first.Steps, journal), apply.Done); odd != nil {
		t.Fatalf("not done: %v", odd)
	}
	r.cloud.Advance(time.Minute)
	if again := r.access(b); len(again.Steps) > 0 {
		t.Errorf("planned again: %v", ids(again))
	}
	m := access.Migrate(r.accessInput(b), "ada")
	roles := []string{"arn:aws:iam::" + member + ":role/Privileged", "arn:aws:iam::" + other + ":role/Privileged"}
	if d := cmp.Diff(roles, m.Roles); d != "" {
		t.Errorf("roles that ada assumes (-want +got):\n%s", d)
	}
	if len(m.Steps) != 1 || m.Steps[0].Op != plan.DetachUserPolicy || m.Steps[0].Blocked != "" {
		t.Errorf("stripping: %+v", m.Steps)
	}
	if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
		t.Errorf("not undone: %v", odd)
	}
	if r.digest() != before {
		t.Error("after undoing, it differs from before")
	}
}

func TestMigrateKeepsPoliciesOfUsersWithoutASignInPath(t *testing.T) {
	h, accounts := organized(accountOf(home), people(member), accountOf(other))
	r := rigOf(t, h, accounts, emulator.AsTested())
	b := configured(t, exemptions+accessSection)
	for user, want := range map[string]string{
		"ada": "no sign-in path: arn:aws:iam::" + other + ":role/Privileged does not exist, or could not be read",
		"eve": "eve has no MFA device",
	} {
		m := access.Migrate(r.accessInput(b), user)
		if len(m.Steps) != 1 || m.Steps[0].Blocked != want || m.Steps[0].Remedy == "" {
			t.Errorf("%s: %+v", user, m.Steps)
		}
	}
}
