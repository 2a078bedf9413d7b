package apply_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
	"forcemfa/internal/emulator"
	"forcemfa/internal/plan"
)

func TestApplyLeavesNothingToPlanAndIsUndone(t *testing.T) {
	h, accounts := small()
	r := rigOf(t, h, accounts, emulator.AsTested())
	_, before := r.snapshot()
	first, counts := r.plan(t, nil)
	if counts.Open != 6 || counts.Enforced != 0 {
		t.Fatalf("before: %+v", counts)
	}
	dir := t.TempDir()
	j := r.journal(t, dir)
	if odd := became(r.run(first.Steps, j), apply.Done); odd != nil {
		t.Fatalf("not done:\n%v", odd)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	second, counts := r.plan(t, nil)
	if len(second.Steps) != 0 || counts.Open != 0 || counts.Enforced != 6 || counts.Exempt != 1 {
		t.Errorf("afterwards: %+v, still planned: %+v", counts, second.Steps)
	}

	record, err := apply.ReadJournal(dir, j.Run())
	if err != nil || !record.Finished() || record.Torn || len(record.InDoubt()) > 0 {
		t.Fatalf("journal: %v, %+v", err, record)
	}
	r.cloud.Advance(time.Minute) // nothing is unseen any more
	if odd := became(r.run(record.Undo(), &memory{}), apply.Done); odd != nil {
		t.Errorf("not undone:\n%v", odd)
	}
	_, after := r.snapshot()
	if d := changes(before, after); d != nil {
		t.Errorf("after undoing, it differs from before: %v", d)
	}
}

func TestTheSmallOrganizationHasEveryOpThatPlansHave(t *testing.T) {
	h, accounts := small()
	p, _ := rigOf(t, h, accounts, nil).plan(t, nil)
	got := slices.Sorted(maps.Keys(p.Summary().Ops))
	want := []plan.Op{plan.AddUserToGroup, plan.AttachGroupPolicy, plan.AttachUserPolicy, plan.CreateGroup, plan.CreatePolicy,
		plan.DeleteUserPolicy, plan.DetachUserPolicy, plan.PutUserPolicy, plan.RemoveUserFromGroup, plan.TagUser, plan.UntagUser, plan.UpdatePolicy}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ops (-want +got):\n%s", d)
	}
}
