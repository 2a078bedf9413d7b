package apply_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/emulator"
	"forcemfa/internal/plan"
)

// A killer ends a run at its nth write like SIGKILL: from then on no call reaches AWS
// and no entry reaches the journal. A retry counts as the same write, because the number
// of throttled calls differs from run to run.
type killer struct {
	at     int  // the number of the write that kills the run; 0: never
	after  bool // after the write is carried out instead of before
	torn   bool // the next line of the journal is incomplete
	mu     sync.Mutex
	writes map[string]bool // by ID
	dead   bool
	file   *apply.FileJournal
}

var errKilled = errors.New("killed")

func (k *killer) wrap(next http.RoundTripper) http.RoundTripper {
	return tap{next, func(action, id string, carry func() (*http.Response, error)) (*http.Response, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.dead {
			return nil, errKilled
		}
		if !writes(action) || k.writes[id] {
			return carry()
		}
		if k.writes == nil {
			k.writes = map[string]bool{}
		}
		k.writes[id] = true
		if len(k.writes) != k.at {
			return carry()
		}
		k.dead = true
		if k.after {
			if _, err := carry(); err != nil {
				return nil, err
			}
		}
		return nil, errKilled
	}}
}

func (k *killer) Append(ctx context.Context, e apply.Entry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.dead {
		return k.file.Append(ctx, e)
	}
	if k.torn {
		k.torn = false
		return tear(k.file.Path())
	}
	return nil
}

// tear writes half of a line.
func tear(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(`{"kind":"ended","time":"2026-11-`)
	return errors.Join(err, f.Close())
}

func TestTheNextRunFinishesARunKilledAtAnyWrite(t *testing.T) {
	h, accounts := small()
	base := rigOf(t, h, accounts, emulator.AsTested())
	first, _ := base.plan(t, nil)

	whole := base.fork()
	count := new(killer)
	finish(t, whole, count, first)
	if len(count.writes) < len(first.Steps) {
		t.Fatalf("%d writes for %d steps", len(count.writes), len(first.Steps))
	}
	wanted := whole.digest()
	for at := 1; at <= len(count.writes); at++ {
		for _, k := range []*killer{{at: at}, {at: at, after: true, torn: at%2 == 0}} {
			name := fmt.Sprintf("write %d, after %v, torn %v", at, k.after, k.torn)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				killed(t, base, k, first, wanted)
			})
		}
	}
	t.Logf("%d steps, %d writes", len(first.Steps), len(count.writes))
}

// killed kills a run, checks its journal, and finishes it with the next run: once from
// the file of the plan, once from a new plan.
func killed(t *testing.T, base *rig, k *killer, first *plan.Plan, wanted string) {
	before := base.digest()
	r := base.fork()
	dir := t.TempDir()
	k.file = r.journal(t, dir)
	torn := k.torn
	r.wrap = k.wrap
	if result := r.run(first.Steps, k); result.Complete() {
		t.Fatal("the run was not killed")
	}
	run := k.file.Run()
	if err := k.file.Close(); err != nil {
		t.Fatal(err)
	}
	record, err := apply.ReadJournal(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	if record.Torn != torn || record.Finished() || len(record.InDoubt()) == 0 || len(record.InDoubt()) > len(base.accounts(t)) {
		t.Errorf("journal: torn %v, finished %v, in doubt %v", record.Torn, record.Finished(), record.InDoubt())
	}
	r.cloud.Advance(time.Minute)

	undone := r.fork()
	undone.wrap = nil
	if result := undone.run(record.Undo(), &memory{}); !result.Complete() || undone.digest() != before {
		t.Errorf("undone from the journal: %v", became(result, apply.Done))
	}
	resumed := r.fork()
	resumed.wrap = nil
	today, _ := resumed.plan(t, first)
	do, _, stale := plan.Intersect(first, today)
	if result := resumed.run(do, &memory{}); !result.Complete() || len(stale) > 0 || resumed.digest() != wanted {
		t.Errorf("resumed from the file: stale %v, %v", stale, became(result, apply.Done))
	}
	r.wrap = nil
	second, _ := r.plan(t, nil)
	finish(t, r, &killer{}, second)
	if third, _ := r.plan(t, nil); len(third.Steps) > 0 || r.digest() != wanted {
		t.Errorf("after the second run: planned %v", third.Steps)
	}
}

// finish runs a whole plan and counts its writes.
func finish(t *testing.T, r *rig, k *killer, p *plan.Plan) {
	t.Helper()
	r.wrap = k.wrap
	if odd := became(r.run(p.Steps, &memory{}), apply.Done); odd != nil {
		t.Errorf("not done:\n%s", strings.Join(odd, "\n"))
	}
	r.wrap = nil
}

func (r *rig) accounts(t *testing.T) []string {
	t.Helper()
	_, accounts := r.snapshot()
	var ids []string
	for i := range accounts {
		ids = append(ids, accounts[i].ID)
	}
	return ids
}
