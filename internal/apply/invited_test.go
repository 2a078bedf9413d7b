package apply_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/collect"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
)

// The roles with which the tests sign in to invited accounts, in the form of --role-name.
const (
	byAdmin = "forcemfa"
	byAudit = "forcemfa/ForceMFAAudit"
	byApply = "forcemfa/ForceMFAApply"
)

// invite lets the management account assume an administrator role in an account, and the
// roles that the templates create there.
func invite(t *testing.T, b *baseline.Baseline, documents string, a *org.Account) {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + home + `:root"},"Action":"sts:AssumeRole"}]}`
	for i := range a.Roles {
		a.Roles[i].Trust = trust
	}
	principal := map[string]string{"TrustedPrincipal": "arn:aws:iam::" + home + ":root"}
	for template, values := range map[string]map[string]string{
		deploy.AuditRole: principal,
		deploy.ApplyRole: {"TrustedPrincipal": principal["TrustedPrincipal"], "Documents": documents},
	} {
		text, err := deploy.RolePolicy(template, b, deploy.Place{Partition: "aws", Account: a.ID, Region: "us-east-1"}, values)
		if err != nil {
			t.Fatal(err)
		}
		name := map[string]string{deploy.AuditRole: "ForceMFAAudit", deploy.ApplyRole: "ForceMFAApply"}[template]
		a.Roles = append(a.Roles, org.Role{
			Name: name, Path: baseline.Path, ARN: "arn:aws:iam::" + a.ID + ":role" + baseline.Path + name, Trust: trust,
			Inline: []org.InlinePolicy{{Name: name, Document: text}},
		})
	}
	a.Sort()
}

// invitation is an organization with two invited accounts: one without changes by
// forcemfa, and one with old changes, whose role Ops can be assumed without MFA.
func invitation(t *testing.T, documents string) *rig {
	t.Helper()
	b := configured(t, "trust: {mfa: true, max_age: 1h}\n"+exemptions)
	h, accounts := organized(accountOf(home), fresh(member), drifted(other))
	for i := range accounts[1:] {
		invite(t, b, documents, &accounts[1+i])
	}
	accounts[2].Roles = append(accounts[2].Roles, org.Role{
		Name: "Ops", Path: "/team/", ARN: "arn:aws:iam::" + other + ":role/team/Ops",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + other + `:root"},"Action":"sts:AssumeRole"}]}`,
	})
	r := rigOf(t, h, accounts, nil)
	r.baseline = b
	r.reportsAtOnce()
	return r
}

// reportsAtOnce advances the clock while AWS generates a credential report.
func (r *rig) reportsAtOnce() {
	r.cloud.OnCall(func(call emulator.Record) {
		if call.Operation == "GenerateCredentialReport" {
			r.cloud.Advance(10 * time.Second)
		}
	})
}

// entered is a fleet that signs in to the invited accounts with a role, as the
// administrator of the management account.
func (r *rig) entered(t *testing.T, role string) *fleet.Fleet {
	t.Helper()
	creds, err := r.cloud.AssumeAs(home, "forcemfa", "forcemfa")
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.New(r.cloud.Config(credentials.StaticCredentialsProvider{Value: creds}, "us-east-1"),
		fleet.Options{RoleName: role, Accounts: []string{member, other}, Rate: -1, Now: r.cloud.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A sight is what a role can read of the invited accounts.
type sight struct {
	Gaps     []org.Gap
	Users    []audit.User
	Findings []audit.Finding
	plan     *plan.Plan
}

// seenBy reads the invited accounts with a role, and the details of users whom a step
// would change. It audits and plans the accounts.
func (r *rig) seenBy(t *testing.T, role string) sight {
	t.Helper()
	f := r.entered(t, role)
	h, stream, err := collect.Run(t.Context(), f, collect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := sight{Gaps: h.Gaps}
	auditor := audit.New(&h, r.baseline, r.cloud.Now())
	var all []*audit.Audited
	for a, err := range stream {
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i := range a.Users {
			names = append(names, a.Users[i].Name)
		}
		if err := collect.Detail(t.Context(), f, a, names); err != nil {
			t.Fatal(err)
		}
		audited := auditor.Audit(a)
		s.Gaps = append(s.Gaps, a.Gaps...)
		s.Users, s.Findings = append(s.Users, audited.Users...), append(s.Findings, audited.Findings...)
		all = append(all, audited)
	}
	s.plan, err = planner.Make(planner.Input{
		Header: &h, Baseline: r.baseline, Now: r.cloud.Now(), Partial: true,
		Accounts: func(yield func(*audit.Audited, error) bool) {
			for _, a := range all {
				if !yield(a, nil) {
					return
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runBy carries out steps with a role.
func (r *rig) runBy(t *testing.T, role string, steps []plan.Step, j apply.Journal) apply.Result {
	t.Helper()
	f := r.entered(t, role)
	enter := func(account string) (aws.Config, error) {
		cfg, _, err := f.Enter(t.Context(), account)
		return cfg, err
	}
	return apply.Run(context.Background(), steps, enter, j, r.options())
}

func TestTheAuditRoleSeesWhatAnAdministratorSees(t *testing.T) {
	r := invitation(t, "keep")
	want, got := r.seenBy(t, byAdmin), r.seenBy(t, byAudit)
	if len(want.Users) != 7 || len(want.Gaps) > 0 || len(want.Findings) == 0 {
		t.Fatalf("the administrator sees %d users, %d findings and the gaps %v", len(want.Users), len(want.Findings), want.Gaps)
	}
	if d := cmp.Diff(want.Gaps, got.Gaps); d != "" {
		t.Errorf("gaps (-administrator +audit role):\n%s", d)
	}
	if d := cmp.Diff(want.Users, got.Users); d != "" {
		t.Errorf("users (-administrator +audit role):\n%s", d)
	}
	if d := cmp.Diff(want.Findings, got.Findings); d != "" {
		t.Errorf("findings (-administrator +audit role):\n%s", d)
	}
}

func TestTheAuditRoleCannotDoAnyStep(t *testing.T) {
	r := invitation(t, "keep")
	p := r.seenBy(t, byAudit).plan
	before := r.digest()
	for _, o := range r.runBy(t, byAudit, p.Steps, new(memory)).Outcomes {
		if o.Status == apply.Done {
			t.Errorf("%s was done", o.Step.ID)
		}
	}
	if r.digest() != before {
		t.Error("something changed")
	}
}

func TestTheApplyRoleDoesAndUndoesEveryStep(t *testing.T) {
	r := invitation(t, "write")
	before := r.digest()
	first := r.seenBy(t, byApply)
	if len(first.Gaps) > 0 {
		t.Errorf("gaps: %v", first.Gaps)
	}
	if missing := lacking(first.plan); missing != nil {
		t.Errorf("the plan has no step of the kinds %v", missing)
	}
	journal := new(memory)
	for _, o := range r.runBy(t, byApply, first.plan.Steps, journal).Outcomes {
		if o.Status != apply.Done && (o.Status != apply.Blocked || !entrance(&o.Step)) {
			t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
		}
	}
	r.cloud.Advance(time.Minute)
	second := r.seenBy(t, byApply)
	for _, u := range second.Users {
		if u.State != audit.Enforced && u.State != audit.Exempt {
			t.Errorf("%s is %s", u.Name, u.State)
		}
	}
	for _, s := range second.plan.Steps {
		if !entrance(&s) {
			t.Errorf("planned again: %s", s.ID)
		}
	}
	if odd := became(r.runBy(t, byApply, journal.record().Undo(), new(memory)), apply.Done); odd != nil {
		t.Errorf("not undone: %v", odd)
	}
	if r.digest() != before {
		t.Error("after undoing, it differs from before")
	}
}

// entrance reports whether a step would require MFA for a role that other accounts
// assume, and is blocked until it is acknowledged.
func entrance(s *plan.Step) bool { return s.Op == plan.UpdateEntranceTrust && s.Blocked != "" }

// lacking are the Ops that the apply role permits and a plan does not have.
func lacking(p *plan.Plan) (missing []plan.Op) {
	for _, op := range []plan.Op{
		plan.CreatePolicy, plan.UpdatePolicy, plan.CreateGroup, plan.AttachGroupPolicy, plan.AddUserToGroup, plan.AttachUserPolicy,
		plan.PutUserPolicy, plan.TagUser, plan.UntagUser, plan.UpdateTrust, plan.RemoveUserFromGroup, plan.DetachUserPolicy, plan.DeleteUserPolicy,
	} {
		if !slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Op == op && s.Blocked == "" }) {
			missing = append(missing, op)
		}
	}
	return missing
}

func TestTheApplyRoleWithoutDocumentsWritesNone(t *testing.T) {
	r := invitation(t, "keep")
	documents := []plan.Op{plan.CreatePolicy, plan.UpdatePolicy, plan.CreateGroup, plan.AttachGroupPolicy, plan.PutUserPolicy, plan.DeleteUserPolicy, plan.UpdateTrust}
	p := r.seenBy(t, byApply).plan
	for _, o := range r.runBy(t, byApply, p.Steps, new(memory)).Outcomes {
		if slices.Contains(documents, o.Step.Op) && o.Status == apply.Done {
			t.Errorf("%s was done", o.Step.ID)
		}
	}
}
