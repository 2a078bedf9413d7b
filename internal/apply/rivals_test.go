package apply_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// staff is an account whose users need MFA, with an administrator for each name.
func staff(names ...string) (org.Header, []org.Account) {
	a := accountOf(freshID)
	for _, name := range names {
		a.Users = append(a.Users, person(a.ID, name, nil, []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, phone))
	}
	return org.Header{Format: org.Format, Taken: start, Partition: "aws"}, []org.Account{a}
}

func staffRig(t *testing.T, attach baseline.Attach, names ...string) *rig {
	t.Helper()
	h, accounts := staff(names...)
	r := rigOf(t, h, accounts, nil)
	r.baseline.Attach = attach
	return r
}

// before is a transport that calls do once, before the first call of an action.
func (r *rig) before(action string, do func()) {
	var once sync.Once
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(called, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			if called == action {
				once.Do(do)
			}
			return carry()
		}}
	}
}

// refuses is a transport that answers calls of an action with an error, at most n times.
func (r *rig) refuses(action, code string, status, n int) {
	r.wrap = func(next http.RoundTripper) http.RoundTripper {
		return tap{next, func(called, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
			if called != action || n == 0 {
				return carry()
			}
			n--
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(
				"<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>no</Message></Error></ErrorResponse>"))}, nil
		}}
	}
}

// rival is another administrator in the same organization.
func (r *rig) rival() *rig {
	other := *r
	other.wrap = nil
	return &other
}

// rollBack undoes a run as the verb rollback does: it looks, and carries out what is pending.
func (r *rig) rollBack(j *memory) apply.Result {
	r.cloud.Advance(time.Minute)
	o := r.options()
	o.Undoes = "run"
	return apply.Run(context.Background(), j.record().Undo(), r.config, &memory{}, o)
}

func whys(result apply.Result) string {
	var all strings.Builder
	for _, o := range result.Outcomes {
		fmt.Fprintf(&all, "%s %s: %s\n", o.Status, o.Step.ID, o.Why)
	}
	return all.String()
}

// Of two runs that create the same policy, one creates it. The step of the other is stale,
// its journal claims nothing, and its rollback changes nothing.
func TestTheLoserOfACreationIsStaleAndClaimsNothing(t *testing.T) {
	for _, attach := range []baseline.Attach{baseline.AttachGroup, baseline.AttachUser} {
		t.Run(string(attach), func(t *testing.T) {
			r := staffRig(t, attach, "ada", "bob")
			p, _ := r.plan(t, nil)
			unchanged := r.digest()
			winner, loser := new(memory), new(memory)
			r.before("CreatePolicy", func() {
				if odd := became(r.rival().run(p.Steps, winner), apply.Done); odd != nil {
					t.Errorf("the winner: %v", odd)
				}
			})
			lost := r.run(p.Steps, loser)
			if lost.Count(apply.Stale) != 1 || lost.Count(apply.Failed)+lost.Count(apply.Done) != 0 {
				t.Errorf("the loser:\n%s", whys(lost))
			}
			enforced := r.digest()
			if undo := loser.record().Undo(); len(undo) != 0 {
				t.Errorf("the loser claims %d steps", len(undo))
			}
			if result := r.rival().rollBack(loser); len(result.Outcomes) != 0 || r.digest() != enforced {
				t.Errorf("rollback of the loser:\n%s", whys(result))
			}
			if odd := became(r.rival().rollBack(winner), apply.Done); odd != nil || r.digest() != unchanged {
				t.Errorf("rollback of the winner: %v", odd)
			}
		})
	}
}

// A policy that another run updated at the same time is its policy, when AWS has no room
// for a second version.
func TestAPolicyThatIsFullOfVersionsIsUpdatedByOneRun(t *testing.T) {
	h := org.Header{Format: org.Format, Taken: start, Partition: "aws"}
	r := rigOf(t, h, []org.Account{withVersions(texts()[:4], 4)}, nil)
	p, _ := r.plan(t, nil)
	r.before("CreatePolicyVersion", func() {
		if odd := became(r.rival().run(p.Steps, &memory{}), apply.Done); odd != nil {
			t.Error(odd)
		}
	})
	if lost := r.run(p.Steps, &memory{}); lost.Count(apply.Stale) != 1 || lost.Count(apply.Failed) != 0 {
		t.Errorf("the loser:\n%s", whys(lost))
	}
}

// Two runs at once, whatever their calls meet, fail nowhere; the next run finishes what
// they left, and rollback of both, in any order, restores the organization.
func TestTwoRunsAtOnceAreFinishedAndUndone(t *testing.T) {
	r := staffRig(t, baseline.AttachGroup, "ada", "bob", "cyd")
	unchanged := r.digest()
	p, _ := r.plan(t, nil)
	journals := []*memory{new(memory), new(memory), new(memory)}
	var work sync.WaitGroup
	for _, journal := range journals[:2] {
		work.Go(func() {
			if result := r.rival().run(p.Steps, journal); result.Count(apply.Failed) != 0 {
				t.Errorf("failed:\n%s", whys(result))
			}
		})
	}
	work.Wait()
	rest, _ := r.plan(t, nil)
	if odd := became(r.run(rest.Steps, journals[2]), apply.Done); odd != nil {
		t.Errorf("the next run: %v", odd)
	}
	if again, _ := r.plan(t, nil); len(again.Steps) != 0 {
		t.Errorf("%d steps are left", len(again.Steps))
	}
	for range 2 { // what one rollback leaves to the runs after it, it removes when they are gone
		for _, journal := range journals {
			if result := r.rollBack(journal); result.Count(apply.Failed) != 0 {
				t.Errorf("rollback:\n%s", whys(result))
			}
		}
	}
	if r.digest() != unchanged {
		t.Error("after the rollbacks it differs from before")
	}
}

// A rollback leaves the policy and the group to the users whom another run added. It
// removes them when that run is undone.
func TestARollbackDoesNotUndoAnotherRun(t *testing.T) {
	for _, attach := range []baseline.Attach{baseline.AttachGroup, baseline.AttachUser} {
		t.Run(string(attach), func(t *testing.T) {
			r := staffRig(t, attach, "ada", "bob")
			unchanged := r.digest()
			p, _ := r.plan(t, nil)
			var ada, bob []plan.Step
			for _, s := range p.Steps {
				if strings.HasSuffix(s.Subject, "user/bob") {
					bob = append(bob, s)
				} else {
					ada = append(ada, s)
				}
			}
			for i := range bob {
				bob[i].Needs = nil
			}
			first, second := new(memory), new(memory)
			if odd := became(r.run(ada, first), apply.Done); odd != nil {
				t.Fatal(odd)
			}
			if odd := became(r.run(bob, second), apply.Done); odd != nil {
				t.Fatal(odd)
			}
			result := r.rollBack(first)
			if result.Count(apply.Failed) != 0 || result.Count(apply.Stale) != 1 || result.Count(apply.Done) != 1 {
				t.Errorf("rollback of the first:\n%s", whys(result))
			}
			if _, users := r.plan(t, nil); users.Enforced != 1 {
				t.Errorf("%d users are enforced, want bob alone", users.Enforced)
			}
			if odd := became(r.rollBack(second), apply.Done); odd != nil {
				t.Errorf("rollback of the second: %v", odd)
			}
			if result := r.rollBack(first); !result.Complete() || r.digest() != unchanged {
				t.Errorf("the first once more:\n%s", whys(result))
			}
		})
	}
}

// A group that a rollback deletes while another run adds a user is a stale target.
func TestATargetThatIsDeletedDuringTheChangeIsStale(t *testing.T) {
	r := staffRig(t, baseline.AttachGroup, "ada")
	p, _ := r.plan(t, nil)
	first, second := new(memory), new(memory)
	if odd := became(r.run(p.Steps, first), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	r.cloud.Update(func(w *world.World) { w.Edit(freshID).Users["ada"].Groups = nil })
	add, _ := r.plan(t, nil)
	r.before("AddUserToGroup", func() {
		if odd := r.rival().rollBack(first); odd.Count(apply.Failed) != 0 {
			t.Error(whys(odd))
		}
	})
	result := r.run(add.Steps, second)
	if result.Count(apply.Stale) != 1 || result.Count(apply.Failed) != 0 {
		t.Errorf("the second run:\n%s", whys(result))
	}
}

// A change that AWS refused is not undone, because somebody else may have made it since.
func TestARefusedChangeIsNotUndone(t *testing.T) {
	r := staffRig(t, baseline.AttachGroup, "ada")
	p, _ := r.plan(t, nil)
	r.refuses("AddUserToGroup", "AccessDenied", 403, 100)
	mine := new(memory)
	if result := r.run(p.Steps, mine); result.Count(apply.Failed) != 1 {
		t.Fatal(whys(result))
	}
	r.wrap = nil
	rest, _ := r.plan(t, nil)
	if odd := became(r.run(rest.Steps, &memory{}), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	if result := r.rollBack(mine); result.Count(apply.Failed)+result.Count(apply.Done) != 0 {
		t.Errorf("rollback:\n%s", whys(result))
	}
	if _, users := r.plan(t, nil); users.Enforced != 1 {
		t.Error("ada is no longer enforced")
	}
}

// AWS may refuse to delete a group whose last member left a moment ago.
func TestADeletionWaitsForAWSToShowThatNothingIsUsed(t *testing.T) {
	r := staffRig(t, baseline.AttachGroup, "ada")
	unchanged := r.digest()
	p, _ := r.plan(t, nil)
	journal := new(memory)
	if odd := became(r.run(p.Steps, journal), apply.Done); odd != nil {
		t.Fatal(odd)
	}
	r.refuses("DeleteGroup", "DeleteConflict", 409, 3)
	if odd := became(r.rollBack(journal), apply.Done); odd != nil || r.digest() != unchanged {
		t.Errorf("rollback: %v", odd)
	}
}
