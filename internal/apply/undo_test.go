package apply_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// texts are five different documents.
func texts() []string {
	var all []string
	for n := range 5 {
		all = append(all, fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::old-%d"}}`, n))
	}
	return all
}

// withVersions is an account where the policy ForceMFA has these versions and applies to
// no user. current is the number of the default version.
func withVersions(documents []string, current int) org.Account {
	a := accountOf("111122223333")
	p := org.Policy{ARN: baseline.PolicyARN("aws", a.ID), Name: baseline.PolicyName, Path: baseline.Path, Default: fmt.Sprintf("v%d", current)}
	for i, d := range documents {
		p.Versions = append(p.Versions, org.Version{ID: fmt.Sprintf("v%d", i+1), Document: d, Created: start.AddDate(0, 0, i-9)})
	}
	a.Policies = []org.Policy{p}
	return a
}

// held are the documents of the policy ForceMFA: the default version, and the others.
func (r *rig) held(t *testing.T) (current string, others []string) {
	t.Helper()
	_, accounts := r.snapshot()
	for _, p := range accounts[0].Policies {
		if p.ARN != baseline.PolicyARN("aws", accounts[0].ID) {
			continue
		}
		current, _ = p.DefaultDocument()
		for _, v := range p.Versions {
			if v.ID != p.Default {
				others = append(others, v.Document)
			}
		}
	}
	slices.Sort(others)
	return current, others
}

func TestUndoingAnUpdateRestoresDeletedVersions(t *testing.T) {
	for _, row := range []struct {
		versions, current int
	}{{1, 1}, {4, 4}, {5, 5}, {5, 2}, {5, 1}} {
		t.Run(fmt.Sprintf("version %d of %d", row.current, row.versions), func(t *testing.T) {
			h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
			r := rigOf(t, h, []org.Account{withVersions(texts()[:row.versions], row.current)}, emulator.AsTested())
			current, others := r.held(t)
			p, _ := r.plan(t, nil)
			journal := new(memory)
			if odd := became(r.run(p.Steps, journal), apply.Done); odd != nil {
				t.Fatalf("not done: %v", odd)
			}
			if now, _ := r.held(t); now != baseline.Default().Document("aws") {
				t.Fatalf("not repaired: %s", now)
			}
			r.cloud.Advance(time.Minute)
			back := new(memory)
			if odd := became(r.run(journal.record().Undo(), back), apply.Done); odd != nil {
				t.Fatalf("not undone: %v", odd)
			}
			now, rest := r.held(t)
			if d := cmp.Diff(append([]string{current}, others...), append([]string{now}, rest...)); d != "" {
				t.Errorf("texts of the versions (-before +after):\n%s", d)
			}
			r.cloud.Advance(time.Minute)
			if odd := became(r.run(back.record().Undo(), &memory{}), apply.Done); odd != nil {
				t.Fatalf("the rollback cannot be taken back: %v", odd)
			}
			if now, _ := r.held(t); now != baseline.Default().Document("aws") {
				t.Errorf("after taking the rollback back: %s", now)
			}
		})
	}
}

// tagged are the tags of the policy ForceMFA in the only account of the rig.
func (r *rig) tagged() map[string]string {
	_, accounts := r.snapshot()
	tags := map[string]string{}
	for _, p := range accounts[0].Policies {
		for _, t := range p.Tags {
			tags[t.Key] = t.Value
		}
	}
	return tags
}

func TestTheManagedPolicyIsTaggedWithItsFingerprint(t *testing.T) {
	wanted := map[string]string{"managed-by": "forcemfa", "forcemfa-fingerprint": baseline.Fingerprint(baseline.Default().Document("aws"))}
	edited := withVersions(texts()[:2], 2)
	edited.Policies[0].Tags = []org.Tag{{Key: "team", Value: "iam"}, {Key: baseline.FingerprintTag, Value: baseline.Fingerprint(texts()[0])}}
	withTeam := map[string]string{"team": "iam", "managed-by": "forcemfa", "forcemfa-fingerprint": wanted["forcemfa-fingerprint"]}
	foreign, retagged := withVersions(texts()[:1], 1), withVersions(texts()[:2], 2)
	foreign.Policies[0].Tags = []org.Tag{{Key: baseline.ManagedByTag, Value: "terraform"}}
	retagged.Policies[0].Tags = []org.Tag{{Key: baseline.ManagedByTag, Value: "cdk"}, {Key: baseline.FingerprintTag, Value: "x"}}
	nobody := accountOf("111122223333")
	nobody.Users = []org.User{person(nobody.ID, "ada", nil, []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, phone)}
	for _, row := range []struct {
		name                  string
		account               org.Account
		before, after, undone map[string]string
	}{
		{"made", nobody, map[string]string{}, wanted, map[string]string{}},
		{"repaired for the first time", withVersions(texts()[:1], 1), map[string]string{}, wanted, map[string]string{}},
		{"managed by another tool", foreign, map[string]string{"managed-by": "terraform"}, wanted, map[string]string{"managed-by": "terraform"}},
		{"managed by another tool again", retagged, map[string]string{"managed-by": "cdk", "forcemfa-fingerprint": "x"}, wanted,
			map[string]string{"managed-by": "cdk", "forcemfa-fingerprint": "x"}},
		{"repaired", edited,
			map[string]string{"team": "iam", "forcemfa-fingerprint": baseline.Fingerprint(texts()[0])}, withTeam,
			map[string]string{"team": "iam", "managed-by": "forcemfa", "forcemfa-fingerprint": baseline.Fingerprint(texts()[0])}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := rigOf(t, org.Header{Format: org.Format, Taken: start, Partition: "aws"}, []org.Account{row.account}, emulator.AsTested())
			got := []map[string]string{r.tagged()}
			p, _ := r.plan(t, nil)
			journal := new(memory)
			if odd := became(r.run(p.Steps, journal), apply.Done); odd != nil {
				t.Fatalf("not done: %v", odd)
			}
			got = append(got, r.tagged())
			r.cloud.Advance(time.Minute)
			if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
				t.Fatalf("not undone: %v", odd)
			}
			if d := cmp.Diff([]map[string]string{row.before, row.after, row.undone}, append(got, r.tagged())); d != "" {
				t.Errorf("tags before, after and undone (-want +got):\n%s", d)
			}
		})
	}
}

func TestUndoingADeletedPolicyRestoresItsVersions(t *testing.T) {
	h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
	r := rigOf(t, h, []org.Account{withVersions(texts(), 3)}, emulator.AsTested())
	current, others := r.held(t)
	arn := baseline.PolicyARN("aws", "111122223333")
	deletion := plan.Step{
		ID: "d", Op: plan.DeletePolicy, Account: "111122223333", Subject: arn, Because: []string{},
		Expect: plan.State{Present: true, Document: current},
	}
	journal := new(memory)
	if odd := became(r.run([]plan.Step{deletion}, journal), apply.Done); odd != nil {
		t.Fatalf("not done: %v", odd)
	}
	if now, _ := r.held(t); now != "" {
		t.Fatal("it is still there")
	}
	r.cloud.Advance(time.Minute)
	if odd := became(r.run(journal.record().Undo(), &memory{}), apply.Done); odd != nil {
		t.Fatalf("not undone: %v", odd)
	}
	now, rest := r.held(t)
	if d := cmp.Diff(append([]string{current}, others...), append([]string{now}, rest...)); d != "" {
		t.Errorf("texts of the versions (-before +after):\n%s", d)
	}
}

func TestLookReportsPendingStepsAndChangesNothing(t *testing.T) {
	h, accounts := small()
	r := rigOf(t, h, accounts, emulator.AsTested())
	p, _ := r.plan(t, nil)
	look := func() apply.Result { return apply.Look(t.Context(), p.Steps, r.config, r.options()) }
	before := r.digest()
	if odd := became(look(), apply.Pending); odd != nil {
		t.Errorf("before: %v", odd)
	}
	if r.digest() != before {
		t.Error("looking changed something")
	}
	journal := new(memory)
	if odd := became(r.run(p.Steps, journal), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	r.cloud.Advance(time.Minute)
	if odd := became(look(), apply.Already); odd != nil {
		t.Errorf("afterwards: %v", odd)
	}
	undo := journal.record().Undo()
	if odd := became(apply.Look(t.Context(), undo, r.config, r.options()), apply.Pending); odd != nil {
		t.Errorf("the way back: %v", odd)
	}
}

// Earlier attempts can leave a wanted text twice and no room for the others. The copies make room; a version that somebody
// else made, and the default version, stay.
func TestCopiesOfAWantedTextMakeRoomForTheOthers(t *testing.T) {
	all := texts()
	foreign, one, two, wanted := all[0], all[1], all[2], all[3]
	for name, row := range map[string]struct {
		versions []string
		want     []string
		status   apply.Status
	}{
		"a copy":           {[]string{foreign, one, one, one, wanted}, []string{foreign, one, two}, apply.Done},
		"two of each":      {[]string{one, two, one, two, wanted}, []string{one, two}, apply.Already},
		"foreign versions": {[]string{foreign, all[4], foreign, one, wanted}, []string{foreign, foreign, one, all[4]}, apply.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := rigOf(t, org.Header{Format: org.Format, Taken: start, Partition: "aws"}, []org.Account{withVersions(row.versions, len(row.versions))}, nil)
			// The default version is the wanted one: an attempt before this one set it.
			s := plan.NewStep(plan.RestorePolicy, "111122223333", baseline.PolicyARN("aws", "111122223333"), "",
				plan.State{Present: true, Document: all[4]}, plan.State{Present: true, Document: wanted, Texts: []string{one, two}})
			out := r.run([]plan.Step{s}, new(memory)).Outcomes[0]
			if out.Status != row.status {
				t.Errorf("%s: %s", out.Status, out.Why)
			}
			current, others := r.held(t)
			if row.status == apply.Done {
				others = slices.Compact(others)
			}
			if row.status == apply.Already {
				row.want = []string{one, one, two, two}
			}
			slices.Sort(row.want)
			if d := cmp.Diff(row.want, others); d != "" || current != wanted {
				t.Errorf("versions (-want +got):\n%s\ndefault %s", d, current)
			}
		})
	}
}
