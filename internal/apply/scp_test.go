package apply_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

const (
	home, member, other = "111122223333", "444455556666", "777788889999"
	fullAccess          = "p-FullAWSAccess"
)

// organized is an organization of these accounts. The first is the management account,
// each other is in a unit of its own.
func organized(accounts ...org.Account) (org.Header, []org.Account) {
	full := []string{fullAccess}
	h := org.Header{
		Format: org.Format, Taken: start, Partition: "aws",
		Organization: &org.Organization{ID: "o-example1234", ManagementAccount: accounts[0].ID, FeatureSet: "ALL", SCPsEnabled: true},
		Units:        []org.Unit{{ID: "r-ab12", Name: "Root", SCPs: full}},
		SCPs:         []org.SCP{{ID: fullAccess, Name: "FullAWSAccess", AWSManaged: true, Document: allowAll}},
	}
	for i := range accounts {
		a := &accounts[i]
		a.SCPs, a.Unit, a.Management = full, "r-ab12", i == 0
		a.Caller = "arn:aws:sts::" + a.ID + ":assumed-role/forcemfa/forcemfa"
		if i > 0 {
			unit := org.Unit{ID: "ou-ab12-" + strings.Repeat(string(rune('0'+i)), 8), Name: "Unit", Parent: "r-ab12", SCPs: full}
			h.Units = append(h.Units, unit)
			a.Unit = unit.ID
		}
	}
	return h, accounts
}

// people is an account with one user of each kind.
func people(id string) org.Account {
	a := accountOf(id)
	all := []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
	a.Users = []org.User{
		person(id, "ada", nil, all, phone),
		person(id, "dan", nil, nil, keyOnly),
		person(id, "eve", nil, all, func(u *org.User) { u.MFA, u.Devices, u.Password, u.PasswordReset = org.No, nil, org.Yes, org.No }),
		person(id, "robby", nil, all, func(u *org.User) { u.Tags = []org.Tag{{Key: "userType", Value: "SERVICE"}} }),
	}
	return a
}

func configured(t testing.TB, text string) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("c.yaml", []byte("version: 1\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const exemptions = "exemptions: [{match: {tag: userType=Service}, owner: a, reason: b}]\n"

// round applies a plan, checks that nothing is left to plan, and undoes it.
func round(t *testing.T, r *rig) (first *plan.Plan) {
	t.Helper()
	before := r.digest()
	first, _ = r.plan(t, nil)
	journal := new(memory)
	for _, o := range r.run(first.Steps, journal).Outcomes {
		if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Blocked == "") {
			t.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
		}
	}
	r.cloud.Advance(time.Minute)
	if second, counts := r.plan(t, nil); len(second.Steps) > 0 || counts.Open > 0 {
		t.Errorf("afterwards: %+v, planned again: %v", counts, ids(second))
	}
	again := r.fork()
	again.remove = true
	gone, _ := again.plan(t, nil)
	if odd := became(again.run(gone.Steps, &memory{}), apply.Done); odd != nil {
		t.Errorf("not removed: %v", odd)
	}
	if h, _ := again.snapshot(); len(h.SCPs) != 1 {
		t.Errorf("service control policies left: %v", h.SCPs)
	}
	if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
		t.Errorf("not undone: %v", odd)
	}
	if r.digest() != before {
		t.Error("after undoing, it differs from before")
	}
	return first
}

func ids(p *plan.Plan) []string {
	var all []string
	for i := range p.Steps {
		id := string(p.Steps[i].Op) + " " + p.Steps[i].Subject[strings.LastIndexByte(p.Steps[i].Subject, ':')+1:] + " " + p.Steps[i].Object
		if p.Steps[i].Blocked != "" {
			id += " BLOCKED " + p.Steps[i].Blocked
		}
		all = append(all, p.Steps[i].Account+" "+id)
	}
	return all
}

func TestAnSCPEnforcesMemberAccountsAndAGroupTheManagementAccount(t *testing.T) {
	h, accounts := organized(people(home), people(member), people(other))
	r := rigOf(t, h, accounts, emulator.AsTested())
	r.baseline = configured(t, "attach: scp\n"+exemptions)
	const scp = "policy/o-example1234/service_control_policy/ForceMFA "
	const ours = "policy/forcemfa/ForceMFA"
	inMember := func(id string) []string { // dan has no right to enroll
		return []string{
			id + " TagUser user/dan forcemfa-enrollment", id + " CreatePolicy " + ours + " ", id + " CreateGroup group/forcemfa/ForceMFA ",
			id + " AttachGroupPolicy group/forcemfa/ForceMFA arn:aws:iam::" + id + ":" + ours, id + " AddUserToGroup user/dan ForceMFA",
		}
	}
	want := slices.Concat(
		[]string{home + " TagUser user/dan forcemfa-enrollment", home + " CreatePolicy " + ours + " ", home + " CreateGroup group/forcemfa/ForceMFA ",
			home + " AttachGroupPolicy group/forcemfa/ForceMFA arn:aws:iam::" + home + ":" + ours,
			home + " AddUserToGroup user/ada ForceMFA", home + " AddUserToGroup user/dan ForceMFA", home + " AddUserToGroup user/eve ForceMFA"},
		inMember(member), inMember(other),
		[]string{home + " CreateSCP " + scp, home + " AttachSCP " + scp + "r-ab12"})
	p := round(t, r)
	if d := cmp.Diff(want, ids(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	if said := strings.Join(p.Notes, "\n"); !strings.Contains(said, "service control policies do not affect the management account "+home) {
		t.Errorf("notes:\n%s", said)
	}
}

func TestMembersOfTheGroupAreNotAddedAgain(t *testing.T) {
	a := people(member)
	dan := &a.Users[1]
	dan.Groups = []string{baseline.GroupName}
	dan.Inline = []org.InlinePolicy{{Name: baseline.InlinePolicyName, Document: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`}}
	a.Groups = append(a.Groups, org.Group{Name: baseline.GroupName, Path: baseline.Path, ARN: baseline.GroupARN("aws", member)})
	h, accounts := organized(accountOf(home), a)
	r := rigOf(t, h, accounts, emulator.AsTested())
	r.baseline = configured(t, "attach: scp\n"+exemptions)
	for _, s := range round(t, r).Steps {
		if s.Op == plan.AddUserToGroup {
			t.Errorf("planned: %s", s.ID)
		}
	}
}

func TestOnlyTheTargetsOfTheSCPAreEnforced(t *testing.T) {
	h, accounts := organized(accountOf(home), people(member), accountOf(other))
	r := rigOf(t, h, accounts, emulator.AsTested())
	r.baseline = configured(t, "attach: scp\nscp: {targets: [ou-ab12-11111111, \""+other+"\"]}\n"+exemptions)
	var attached []string
	for _, s := range round(t, r).Steps {
		if s.Op == plan.AttachSCP {
			attached = append(attached, s.Object)
		}
	}
	if d := cmp.Diff([]string{other, "ou-ab12-11111111"}, attached); d != "" {
		t.Errorf("attached to (-want +got):\n%s", d)
	}
}

func TestTheGuardSCPIsAppliedAndBlockedForItsOwnRole(t *testing.T) {
	h, accounts := organized(accountOf(home), people(member))
	r := rigOf(t, h, accounts, emulator.AsTested())
	r.baseline = configured(t, "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/forcemfa\"]}\n"+exemptions)
	round(t, r)
	r.baseline = configured(t, "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/Other\"]}\n"+exemptions)
	p, _ := r.plan(t, nil)
	blocked := 0
	for _, s := range p.Steps {
		if s.OfOrganization() {
			if s.Blocked != "it would deny the role that forcemfa assumes: "+member {
				t.Errorf("%s: blocked %q", s.ID, s.Blocked)
			}
			blocked++
		}
	}
	if blocked != 2 {
		t.Errorf("%d steps on the guard", blocked)
	}
}

// forced is a cloud where the SCP is in force, and the plan of a config file with
// one more exemption, whose only step updates it.
func forced(t *testing.T, strict *emulator.Strict) (r *rig, update *plan.Plan) {
	t.Helper()
	h, accounts := organized(accountOf(home), accountOf(member))
	r = rigOf(t, h, accounts, strict)
	r.baseline = configured(t, "attach: scp\n"+exemptions)
	p, _ := r.plan(t, nil)
	if odd := became(r.run(p.Steps, &memory{}), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	r.cloud.Advance(time.Minute)
	r.baseline = configured(t, "attach: scp\n"+strings.Replace(exemptions, "]\n", ", {match: {name: ci}, owner: a, reason: b}]\n", 1))
	update, _ = r.plan(t, nil)
	if d := cmp.Diff([]string{home + " UpdateSCP policy/o-example1234/service_control_policy/ForceMFA "}, ids(update)); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	return r, update
}

// scpDocument is the document of the SCP that enforces; empty when there is none.
func (r *rig) scpDocument() string {
	h, _ := r.snapshot()
	for _, p := range h.SCPs {
		if p.Name == document.SCPName {
			return p.Document
		}
	}
	return ""
}

func TestUpdateSCPWritesOverTheDocumentThatThePlanExpects(t *testing.T) {
	const edited = `{"Version":"2012-10-17","Statement":[{"Sid":"DenyAllExceptEnrollmentWithoutMFA","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	for _, row := range []struct {
		name   string
		before func(*testing.T, *organizations.Client) // what happens between plan and apply
		status apply.Status
		keeps  string // the document afterwards; empty: the wanted one
		gone   bool   // there is no policy afterwards
	}{
		{name: "unchanged", status: apply.Done},
		{name: "on the second page of a list", before: func(t *testing.T, c *organizations.Client) {
			for n := range 60 {
				_, err := c.CreatePolicy(t.Context(), &organizations.CreatePolicyInput{
					Name: aws.String(fmt.Sprintf("Another%02d", n)), Content: aws.String(allowAll), Description: aws.String(""), Type: types.PolicyTypeServiceControlPolicy})
				if err != nil {
					t.Fatal(err)
				}
			}
		}, status: apply.Done},
		{name: "edited by somebody", before: func(t *testing.T, c *organizations.Client) {
			if _, err := c.UpdatePolicy(t.Context(), &organizations.UpdatePolicyInput{PolicyId: enforcing(t, c), Content: aws.String(edited)}); err != nil {
				t.Fatal(err)
			}
		}, status: apply.Stale, keeps: edited},
		{name: "deleted by somebody", before: func(t *testing.T, c *organizations.Client) {
			id := enforcing(t, c)
			if _, err := c.DetachPolicy(t.Context(), &organizations.DetachPolicyInput{PolicyId: id, TargetId: aws.String("r-ab12")}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.DeletePolicy(t.Context(), &organizations.DeletePolicyInput{PolicyId: id}); err != nil {
				t.Fatal(err)
			}
		}, status: apply.Stale, gone: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, update := forced(t, emulator.AsTested())
			old := r.scpDocument()
			if row.before != nil {
				cfg, err := r.config(home)
				if err != nil {
					t.Fatal(err)
				}
				row.before(t, organizations.NewFromConfig(cfg))
				r.cloud.Advance(time.Minute)
			}
			journal := new(memory)
			if odd := became(r.run(update.Steps, journal), row.status); odd != nil {
				t.Error(odd)
			}
			want := row.keeps
			if want == "" && !row.gone {
				want = update.Steps[0].Want.Document
			}
			if got := r.scpDocument(); !plan.SameDocument(got, want) && got != want {
				t.Errorf("document %s\nwant     %s", got, want)
			}
			if row.status != apply.Done {
				return
			}
			r.cloud.Advance(time.Minute)
			if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
				t.Errorf("not undone: %v", odd)
			}
			if got := r.scpDocument(); !plan.SameDocument(got, old) {
				t.Errorf("undone: document %s\nwant             %s", got, old)
			}
		})
	}
}

// enforcing is the ID of the SCP that enforces.
func enforcing(t *testing.T, c *organizations.Client) *string {
	t.Helper()
	pages := organizations.NewListPoliciesPaginator(c, &organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Policies {
			if aws.ToString(p.Name) == document.SCPName {
				return p.Id
			}
		}
	}
	t.Fatal("there is no SCP " + document.SCPName)
	return nil
}

func TestAnSCPThatCannotBeAppliedIsBlocked(t *testing.T) {
	exempting := func(match string) string {
		return "attach: scp\nexemptions: [{match: {tag: userType=Service}, owner: a, reason: b}, {match: " + match + ", owner: a, reason: b}]\n"
	}
	tests := []struct {
		name, config string
		change       func(*org.Header, []org.Account)
		partial      bool
		want         string
	}{
		{name: "by unit", config: exempting("{ou: Unit}"), want: "ou Unit cannot be part of a service control policy: it knows no units; attach it to other units instead"},
		{name: "by regular expression", config: exempting("{name: \"regex:a.\"}"), want: "name regex:a. cannot be part of a service control policy: it knows no regular expressions"},
		{name: "by tag and account", config: exempting("{tag: a=b, account: \"444455556666\"}"),
			want: "tag a=b, account 444455556666 cannot be part of a service control policy: a tag and something else together; use one of them"},
		{name: "by a pattern for a name", config: exempting("{name: \"ci-*\"}"),
			want: "name ci-* cannot be part of a service control policy: a pattern for a name would match paths too; write the names out"},
		{name: "somebody would be locked out", config: "attach: scp\n" + exemptions, change: func(_ *org.Header, a []org.Account) {
			a[1].Users[0].Devices[0].Kind, a[1].Users[0].Devices[0].Serial = org.FIDO, "arn:aws:iam::"+member+":u2f/user/ada/k"
			a[1].Users[0].Password = org.No
		}, want: "it would also enforce 444455556666/ada: no sign-in path: ada has an access key, but no console password and no MFA device that generates codes"},
		{name: "an account is closed to us", config: "attach: scp\n" + exemptions, change: func(_ *org.Header, a []org.Account) { a[1].Read = false },
			want: "it could lock out users in accounts that were not read: 444455556666"},
		{name: "policies are not enabled", config: "attach: scp\n" + exemptions, change: func(h *org.Header, _ []org.Account) { h.Organization.SCPsEnabled = false },
			want: "service control policies are not enabled, or could not be read"},
		{name: "some accounts alone", config: "attach: scp\n" + exemptions, partial: true, want: "the plan covers only the selected accounts, and the policy affects others"},
		{name: "no such unit", config: "attach: scp\nscp: {targets: [ou-ab12-99999999]}\n" + exemptions,
			want: "no root, unit or account with the ID ou-ab12-99999999 was read"},
		{name: "a stranger of the same name", config: "attach: scp\n" + exemptions, change: func(h *org.Header, _ []org.Account) {
			h.SCPs = append(h.SCPs, org.SCP{ID: "p-12345678", Name: "ForceMFA", Document: allowAll})
		}, want: "it has the name of the forcemfa policy, but is another policy"},
		{name: "no room at the root", config: "attach: scp\n" + exemptions, change: func(h *org.Header, _ []org.Account) {
			for i := range 9 {
				id := "p-1234567" + string(rune('0'+i))
				h.SCPs = append(h.SCPs, org.SCP{ID: id, Name: id, Document: allowAll})
				h.Units[0].SCPs = append(slices.Clone(h.Units[0].SCPs), id)
			}
		}, want: "r-ab12 has 10 of 10 service control policies attached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, accounts := organized(accountOf(home), people(member))
			if tt.change != nil {
				tt.change(&h, accounts)
			}
			r := rigOf(t, h, accounts, nil)
			r.baseline, r.partial = configured(t, tt.config), tt.partial
			if !accounts[1].Read {
				r.closed = []string{member}
			}
			p, _ := r.plan(t, nil)
			last := p.Steps[len(p.Steps)-1]
			if !last.OfOrganization() || last.Blocked != tt.want || last.Remedy == "" {
				t.Errorf("last step %s\nblocked %q\nwant    %q\nremedy  %q", last.ID, last.Blocked, tt.want, last.Remedy)
			}
		})
	}
}

// For any organization with attach: scp: every user is enforced or named in a blocked
// step, a second plan has only blocked steps, --remove can be undone, and undo restores
// the organization.
func TestSCPPlansAgreeAndAreUndone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, accounts := organized(drawAccount(rt, home), drawAccount(rt, member), drawAccount(rt, other))
		r := rigOf(t, h, accounts, emulator.AsTested())
		config := "attach: scp\n" + exemptions
		if rapid.Bool().Draw(rt, "one unit") {
			config += "scp: {targets: [ou-ab12-11111111]}\n"
		}
		if rapid.Bool().Draw(rt, "guard") {
			config += "guard_scp: {targets: [r-ab12], except: [\"arn:aws:iam::*:role/forcemfa\"]}\n"
		}
		r.baseline = configured(t, config)
		before := r.digest()
		first, _ := r.plan(t, nil)
		if read, err := plan.Read("plan", strings.NewReader(text(t, first))); err != nil || text(t, read) != text(t, first) {
			rt.Fatalf("plan file: %v", err)
		}
		journal := new(memory)
		for _, o := range r.run(first.Steps, journal).Outcomes {
			if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Blocked == "") {
				rt.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			}
		}
		r.cloud.Advance(time.Minute)
		second, counts := r.plan(t, nil)
		for _, s := range second.Steps {
			if s.Blocked == "" {
				rt.Errorf("planned again: %s", s.ID)
			}
		}
		if len(second.Steps) == 0 && counts.Open > 0 && !strings.Contains(config, "targets: [ou") {
			rt.Errorf("nothing is planned, yet %d users are open", counts.Open)
		}
		removeAndUndo(t, rt, r.fork())
		if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
			rt.Errorf("not undone: %v", odd)
		}
		if r.digest() != before {
			rt.Error("after undoing, it differs from before")
		}
	})
}

// removeAndUndo removes everything that forcemfa manages, including service control
// policies, and undoes that.
func removeAndUndo(t *testing.T, rt *rapid.T, r *rig) {
	r.remove = true
	before := r.digest()
	p, _ := r.plan(t, nil)
	journal := new(memory)
	for _, o := range r.run(p.Steps, journal).Outcomes {
		if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Blocked == "") {
			rt.Errorf("removing: %s: %s: %s", o.Step.ID, o.Status, o.Why)
		}
	}
	if h, _ := r.snapshot(); len(h.SCPs) != 1 {
		rt.Errorf("service control policies left: %v", h.SCPs)
	}
	r.cloud.Advance(time.Minute)
	if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
		rt.Errorf("removing is not undone: %v", odd)
	}
	if r.digest() != before {
		rt.Error("after undoing the removal, it differs from before")
	}
}
