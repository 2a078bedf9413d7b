package apply_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/emulator"
	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/testdepth"
)

// TestMain limits the number of checks of a property, unless -rapid.checks sets it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(25/testdepth.Each(3))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// For any organization: planning twice gives the same plan, a plan after apply has only
// blocked steps, and undo restores the organization.
func TestPlanApplyAndUndoAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
		accounts := []org.Account{drawAccount(rt, "111122223333"), drawAccount(rt, "444455556666")}
		r := rigOf(t, h, accounts, emulator.AsTested())
		r.baseline.Attach = pick(rt, "attach", baseline.AttachGroup, baseline.AttachGroups, baseline.AttachUser)
		_, before := r.snapshot()
		first, _ := r.plan(t, nil)
		if again, _ := r.plan(t, nil); text(t, first) != text(t, again) {
			rt.Fatalf("two plans of the same:\n%s\n%s", text(t, first), text(t, again))
		}
		if read, err := plan.Read("plan", strings.NewReader(text(t, first))); err != nil || text(t, read) != text(t, first) {
			rt.Fatalf("plan file: %v", err)
		}

		journal := new(memory)
		result := r.run(first.Steps, journal)
		for _, o := range result.Outcomes {
			if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Blocked == "") {
				rt.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			}
		}
		second, counts := r.plan(t, nil)
		for _, s := range second.Steps {
			if s.Blocked == "" {
				rt.Errorf("planned again: %s", s.ID)
			}
		}
		if len(second.Steps) == 0 && counts.Open > 0 {
			rt.Errorf("nothing is planned, yet %d users are open", counts.Open)
		}

		r.cloud.Advance(time.Minute)
		record := journal.record()
		if odd := became(r.run(record.Undo(), &memory{}), apply.Done); odd != nil {
			rt.Errorf("not undone: %v", odd)
		}
		if _, after := r.snapshot(); changes(before, after) != nil {
			rt.Errorf("after undoing, it differs from before: %v", changes(before, after))
		}
	})
}

// For any organization: after --remove only blocked and named objects of forcemfa are
// left, a second plan removes nothing, and undo restores everything.
func TestRemoveTakesEverythingAndIsUndone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
		r := rigOf(t, h, []org.Account{drawAccount(rt, "111122223333")}, emulator.AsTested())
		_, before := r.snapshot()
		r.remove = true
		first, _ := r.plan(t, nil)
		journal := new(memory)
		for _, o := range r.run(first.Steps, journal).Outcomes {
			if o.Status != apply.Done && (o.Status != apply.Blocked || o.Step.Blocked == "") {
				rt.Errorf("%s: %s: %s", o.Step.ID, o.Status, o.Why)
			}
		}
		second, _ := r.plan(t, nil)
		for _, s := range second.Steps {
			if s.Blocked == "" && !strings.HasPrefix(s.ID, "DeletePolicy") {
				rt.Errorf("planned again: %s", s.ID)
			}
		}
		_, after := r.snapshot()
		for _, left := range oursIn(&after[0]) {
			if len(second.Steps) == 0 {
				rt.Errorf("left: %s", left)
			}
		}
		r.cloud.Advance(time.Minute)
		if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
			rt.Errorf("not undone: %v", odd)
		}
		if _, undone := r.snapshot(); changes(before, undone) != nil {
			rt.Errorf("after undoing, it differs from before: %v", changes(before, undone))
		}
	})
}

// oursIn names the objects in an account that are managed by forcemfa.
func oursIn(a *org.Account) []string {
	var left []string
	policy, group := baseline.PolicyARN("aws", a.ID), baseline.GroupARN("aws", a.ID)
	for _, p := range a.Policies {
		if p.ARN == policy {
			left = append(left, policy)
		}
	}
	for _, g := range a.Groups {
		if g.ARN == group {
			left = append(left, group)
		}
	}
	for _, u := range a.Users {
		for _, p := range u.Inline {
			if p.Name == baseline.InlinePolicyName && document.CanBeManaged(p.Document) {
				left = append(left, u.Name+" has the inline policy")
			}
		}
		if _, tagged := u.Tag("forcemfa-enrollment"); tagged {
			left = append(left, u.Name+" has a window")
		}
	}
	return left
}

func text(t testing.TB, p *plan.Plan) string {
	t.Helper()
	var out bytes.Buffer
	if err := plan.Write(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// pick draws one of several values.
func pick[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

// some draws a subset in the original order.
func some(t *rapid.T, what string, from []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(s string) bool { return !rapid.Bool().Draw(t, what+" "+s) })
}

func drawAccount(t *rapid.T, id string) org.Account {
	a := accountOf(id)
	var names []string
	for n := range pick(t, "groups", 0, 1, 2) {
		name := fmt.Sprintf("group-%d", n)
		names = append(names, name)
		a.Groups = append(a.Groups, org.Group{Name: name, Path: "/", ARN: "arn:aws:iam::" + id + ":group/" + name,
			Attached: some(t, "group has", []string{"arn:aws:iam::aws:policy/AdministratorAccess"})})
	}
	attachable := []string{"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/IAMUserChangePassword"}
	if p := drawPolicy(t, id); p != nil {
		a.Policies = []org.Policy{*p}
		attachable = append(attachable, p.ARN)
		if g := drawGroup(t, id, p.ARN); g != nil {
			a.Groups = append(a.Groups, *g)
			names = append(names, g.Name)
		}
	}
	for _, name := range some(t, "user", []string{"ada", "bob", "cyd", "dan"}) {
		a.Users = append(a.Users, drawUser(t, id, name, names, attachable))
	}
	return a
}

// drawPolicy draws the managed policy, as wanted or drifted, or one with a name collision.
func drawPolicy(t *rapid.T, id string) *org.Policy {
	p := &org.Policy{ARN: baseline.PolicyARN("aws", id), Name: baseline.PolicyName, Path: baseline.Path}
	switch kind := pick(t, "policy", "none", "wanted", "drifted", "full", "look-alike"); kind {
	case "none":
		return nil
	case "look-alike":
		p.ARN, p.Path = "arn:aws:iam::"+id+":policy/ForceMFA", "/"
		p.Versions = []org.Version{{ID: "v1", Document: allowAll}}
	case "wanted":
		p.Versions = []org.Version{{ID: "v1", Document: baseline.Default().Document("aws")}}
	default:
		last := map[string]int{"drifted": 1, "full": 5}[kind]
		for n := 1; n <= last; n++ {
			p.Versions = append(p.Versions, org.Version{ID: fmt.Sprintf("v%d", n), Document: drawDocument(t)})
		}
	}
	p.Default = p.Versions[len(p.Versions)-1].ID
	return p
}

func drawDocument(t *rapid.T) string {
	return pick(t, "document",
		allowAll,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}}`)
}

func drawGroup(t *rapid.T, id, policyARN string) *org.Group {
	g := &org.Group{Name: baseline.GroupName, Path: baseline.Path, ARN: baseline.GroupARN("aws", id)}
	switch pick(t, "group", "none", "ours", "without policy", "with more") {
	case "none":
		return nil
	case "ours":
		g.Attached = []string{policyARN}
	case "with more":
		g.Attached = []string{"arn:aws:iam::aws:policy/AdministratorAccess", policyARN}
	}
	return g
}

func drawUser(t *rapid.T, id, name string, groups, attachable []string) org.User {
	u := person(id, name, some(t, "in", groups), some(t, "attached", attachable), func(*org.User) {})
	if len(u.Groups) > 2 {
		u.Groups = u.Groups[1:]
	}
	if len(u.Attached) > 2 {
		u.Attached = u.Attached[1:]
	}
	u.Keys = u.Keys[:pick(t, "keys", 0, 1)]
	u.Password = pick(t, "password", org.Yes, org.No)
	u.PasswordReset = org.No
	if u.Password == org.Yes {
		u.PasswordReset = pick(t, "must reset", org.No, org.Yes)
	}
	u.MFA = org.No
	if kind := pick(t, "device", org.VirtualMFA, org.FIDO, ""); kind != "" {
		u.MFA = org.Yes
		serial := map[org.DeviceKind]string{org.VirtualMFA: ":mfa/" + name, org.FIDO: ":u2f/user/" + name + "/key"}[kind]
		u.Devices = []org.Device{{Serial: "arn:aws:iam::" + id + serial, Kind: kind}}
	}
	if rapid.Bool().Draw(t, "inline") {
		u.Inline = append(u.Inline, org.InlinePolicy{Name: baseline.InlinePolicyName, Document: drawDocument(t)})
	}
	if value := pick(t, "window", "", "", "2026-11-05", "2026-10-01", "never", "2099-01-01"); value != "" {
		u.Tags = append(u.Tags, org.Tag{Key: pick(t, "window tag", "forcemfa-enrollment", "Forcemfa-Enrollment"), Value: value})
	}
	if pick(t, "exempt", 0, 0, 0, 1) == 1 {
		u.Tags = append(u.Tags, org.Tag{Key: "userType", Value: "service"})
	}
	return u
}
