package apply_test

import (
	"slices"
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/plan"
)

func TestTheSampleOrganizationIsEnforcedAndCanBeUndone(t *testing.T) {
	h, accounts := sample.Organization()
	r := rigOf(t, h, accounts, emulator.AsTested())
	r.role = func(account string) string {
		if account == sample.Legacy {
			return "ForceMFAAdministrator"
		}
		return "OrganizationAccountAccessRole"
	}
	r.closed = []string{sample.Acquired, sample.Closed}
	var err error
	if r.baseline, err = baseline.Parse("forcemfa.yaml", sample.Config()); err != nil {
		t.Fatal(err)
	}
	_, before := r.snapshot()
	first, counts := r.plan(t, nil)
	journal := new(memory)
	if odd := became(r.run(first.Steps, journal), apply.Done); odd != nil {
		t.Errorf("not done:\n%v", odd)
	}
	second, after := r.plan(t, nil)
	if len(second.Steps) > 0 || after.Open > 0 || counts.Open < 20 || after.Users != counts.Users {
		t.Errorf("before %+v, after %+v, still planned %v", counts, after, second.Steps)
	}
	t.Logf("%+v → %+v in %d steps: %v", counts, after, len(first.Steps), first.Summary().Ops)

	r.cloud.Advance(time.Minute)
	record := journal.record()
	undo := record.Undo()
	if odd := became(r.run(undo, &memory{}), apply.Done); odd != nil {
		t.Errorf("not undone:\n%v", odd)
	}
	if _, undone := r.snapshot(); changes(before, undone) != nil {
		t.Errorf("after undoing: %v", changes(before, undone))
	}
	if i := slices.IndexFunc(undo, func(s plan.Step) bool { return s.Op == plan.RestorePolicy }); i < 0 {
		t.Error("no drifted policy was repaired")
	}
}
