package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"forcemfa/internal/apply"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/keys"
	"forcemfa/internal/testdepth"
)

// keyState is what the tests compare: the keys of a user of the account legacy, active or
// not, and its brown-out policy.
func keyState(c *emulator.Cloud, user string) (state string) {
	c.View(func(w *world.World) {
		u := w.Account(sample.Legacy).Users[user]
		for _, k := range u.Keys {
			state += fmt.Sprintf("%s %v ", k.ID, k.Active)
		}
		state += u.Inline[keys.BrownOutPolicy]
	})
	return state
}

func keyID(c *emulator.Cloud, user string, slot int) (id string) {
	c.View(func(w *world.World) {
		for _, k := range w.Account(sample.Legacy).Users[user].Keys {
			if k.Slot == slot {
				id = k.ID
			}
		}
	})
	return id
}

// Killed at any write, a brown-out is ended by the next run, and the other stages are
// finished by it. Nothing is lost, and every journal can be read.
func TestRetireKilledAtAnyWriteIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	cloud := sampleCloud(t)
	mei, nina := keyID(cloud, "mei", 1), keyID(cloud, "nina", 1)
	before := keyState(cloud, "mei")
	for _, stage := range []struct {
		name, user string
		verb, next []string
		wanted     string
		writes     int
	}{
		{"brown-out", "mei", []string{"keys", "retire", "--yes", "--for", "1s", mei}, []string{"keys", "retire", "--end"}, before, 2},
		{"deactivate", "mei", []string{"keys", "retire", "--yes", "--deactivate", mei}, nil, strings.Replace(before, mei+" true", mei+" false", 1), 1},
		{"delete", "nina", []string{"keys", "retire", "--yes", "--delete", "--confirm-delete", nina, nina}, nil, "", 1},
	} {
		for at := 1; at <= stage.writes; at++ {
			for _, after := range sides() {
				t.Run(fmt.Sprintf("%s, write %d, after it %v", stage.name, at, after), func(t *testing.T) {
					t.Parallel()
					state, f := t.TempDir(), &front{cloud: cloud.Fork(), at: at, after: after}
					if out, status := f.run(t, state, stage.verb...); !f.killed || status != -1 {
						t.Fatalf("not killed: exit status %d\n%s", status, out)
					}
					next := stage.next
					if next == nil {
						next = stage.verb
					}
					// A minute later, a change that was in doubt is visible, so the next run waits for nothing.
					out, _ := (&front{cloud: f.cloud, ahead: time.Minute}).run(t, state, next...)
					if got := keyState(f.cloud, stage.user); got != stage.wanted {
						t.Errorf("%s\nthe next run leaves %q, want %q", out, got, stage.wanted)
					}
				})
			}
		}
	}
}

// during runs a brown-out and calls change when the journal says that it has begun: until
// then, a changed policy is one whose change is not visible yet, for which the program waits
// two minutes. Ctrl-C then ends the brown-out.
func during(t *testing.T, f *front, state string, change func(), args ...string) string {
	t.Helper()
	ended := make(chan string)
	go func() {
		out, _ := f.run(t, state, append(args, "--for", "1h")...)
		ended <- out
	}()
	for deadline := time.Now().Add(time.Minute); !begun(state); time.Sleep(20 * time.Millisecond) {
		select {
		case out := <-ended:
			t.Fatalf("it ended without a brown-out:\n%s", out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("no brown-out within a minute")
		}
	}
	change()
	f.mu.Lock()
	_ = f.program.Signal(syscall.SIGINT)
	f.mu.Unlock()
	return <-ended
}

// begun reports whether a run has done its steps, as far as the journals can be read by now.
func begun(state string) bool {
	dir := filepath.Join(state, "forcemfa", "runs")
	runs, _ := apply.RunIDs(dir)
	return slices.ContainsFunc(runs, func(id string) bool {
		r, err := apply.ReadJournal(dir, id)
		return err == nil && r.Finished()
	})
}

func TestCtrlCEndsABrownOut(t *testing.T) {
	t.Parallel()
	f := &front{cloud: sampleCloud(t).Fork()}
	before := keyState(f.cloud, "mei")
	out := during(t, f, t.TempDir(), func() {}, "keys", "retire", "--yes", keyID(f.cloud, "mei", 1))
	if got := keyState(f.cloud, "mei"); got != before {
		t.Errorf("%s\nCtrl-C leaves %q, want %q", out, got, before)
	}
}

func TestABrownOutThatSomebodyChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := &front{cloud: sampleCloud(t).Fork()}
	const other = `{"Version":"2012-10-17","Statement":[{"Sid":"BrownOutByHand","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	out := during(t, f, t.TempDir(), func() {
		f.cloud.Update(func(w *world.World) { w.Edit(sample.Legacy).Users["mei"].Inline[keys.BrownOutPolicy] = other })
	}, "keys", "retire", "--yes", keyID(f.cloud, "mei", 1))
	if !strings.HasSuffix(keyState(f.cloud, "mei"), other) || !strings.Contains(out, "were not undone") {
		t.Errorf("%s\n%s", out, keyState(f.cloud, "mei"))
	}
}

// A brown-out whose policy could not be removed is an error, and the next run ends it.
func TestABrownOutThatCouldNotBeEndedIsEndedByTheNextRun(t *testing.T) {
	t.Parallel()
	f := &front{cloud: sampleCloud(t).Fork()}
	state, before := t.TempDir(), keyState(f.cloud, "mei")
	const denied = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:DeleteUserPolicy","Resource":"*"}]}`
	deny := func(policies map[string]string) {
		f.cloud.Update(func(w *world.World) { w.Edit(sample.Legacy).Users["admin"].Inline = policies })
	}
	out := during(t, f, state, func() { deny(map[string]string{"denied": denied}) }, "keys", "retire", "--yes", keyID(f.cloud, "mei", 1))
	if !strings.Contains(out, "were not undone: failed: ") || strings.Contains(out, "The brown-out is over") || keyState(f.cloud, "mei") == before {
		t.Errorf("%s\n%s", out, keyState(f.cloud, "mei"))
	}
	if out, status := f.run(t, state, "keys", "retire", "--end"); status == 0 {
		t.Errorf("exit status 0 while the policy is still there:\n%s", out)
	}
	deny(nil)
	if out, status := f.run(t, state, "keys", "retire", "--end"); status != 0 || keyState(f.cloud, "mei") != before {
		t.Errorf("exit status %d\n%s\n%s", status, out, keyState(f.cloud, "mei"))
	}
}

// A deactivated key that somebody activated, and one that was deleted, are left alone by
// rollback; a deleted key cannot be restored.
func TestRollbackOfRetiredKeys(t *testing.T) {
	t.Parallel()
	f := &front{cloud: sampleCloud(t).Fork()}
	state, id := t.TempDir(), keyID(f.cloud, "mei", 1)
	before := keyState(f.cloud, "mei")
	run := func(want string, args ...string) string {
		t.Helper()
		out, _ := f.run(t, state, args...)
		if !strings.Contains(out, want) {
			t.Fatalf("%v: no %q in\n%s", args, want, out)
		}
		return runOf(out)
	}
	first := run("done: DeactivateAccessKey", "keys", "retire", "--yes", "--deactivate", id)
	run("1 step done", "rollback", "--yes", first)
	if got := keyState(f.cloud, "mei"); got != before {
		t.Errorf("after rollback %q, want %q", got, before)
	}
	run("done: DeactivateAccessKey", "keys", "retire", "--yes", "--deactivate", id)
	run("not the keys to delete", "keys", "retire", "--yes", "--delete", "--confirm-delete", "AKIAOTHER", id)
	last := run("done: DeleteAccessKey", "keys", "retire", "--yes", "--delete", "--confirm-delete", id, id)
	run("AWS cannot restore a deleted access key", "rollback", "--yes", "-o", "json", last)
	if got := keyState(f.cloud, "mei"); strings.Contains(got, id) {
		t.Errorf("not deleted: %q", got)
	}
	run("who runs this", "keys", "retire", "--yes", keyID(f.cloud, "admin", 1))
}

// runOf is the run that an output names.
func runOf(out string) string {
	_, rest, _ := strings.Cut("\n"+out, "\nRun ")
	id, _, _ := strings.Cut(rest, ",")
	return id
}

// serviceState are the service-specific credentials and SSH keys of a user of the account
// legacy, active or not.
func serviceState(c *emulator.Cloud, user string) (state string) {
	c.View(func(w *world.World) {
		u := w.Account(sample.Legacy).Users[user]
		for _, s := range u.Services {
			state += fmt.Sprintf("%s %v ", s.ID, s.Active)
		}
		for _, k := range u.SSHKeys {
			state += fmt.Sprintf("%s %v ", k.ID, k.Active)
		}
	})
	return state
}

// A service-specific credential and an SSH key are deactivated, activated by rollback, and
// deleted, and a kill at any write loses nothing.
func TestServiceCredentialsAreRetired(t *testing.T) {
	t.Parallel()
	cloud := sampleCloud(t)
	before := serviceState(cloud, "sven")
	words := strings.Fields(before)
	for i, id := range []string{words[0], words[len(words)-2]} {
		if i%testdepth.Each(2) != 0 {
			continue
		}
		inactive := strings.Replace(before, id+" true ", id+" false ", 1)
		deactivate := []string{"keys", "retire", "--accounts", sample.Legacy, "--yes", "--deactivate", id}
		for _, after := range sides() {
			t.Run(fmt.Sprintf("%s killed, after the write %v", id[:4], after), func(t *testing.T) {
				t.Parallel()
				state, f := t.TempDir(), &front{cloud: cloud.Fork(), at: 1, after: after}
				if out, status := f.run(t, state, deactivate...); !f.killed || status != -1 {
					t.Fatalf("not killed: exit status %d\n%s", status, out)
				}
				out, _ := (&front{cloud: f.cloud, ahead: time.Minute}).run(t, state, deactivate...)
				if got := serviceState(f.cloud, "sven"); got != inactive {
					t.Errorf("%s\nthe next run leaves %q, want %q", out, got, inactive)
				}
			})
		}
		deleted := strings.Replace(before, id+" true ", "", 1)
		for _, after := range sides() {
			t.Run(fmt.Sprintf("%s killed in its deletion, after the write %v", id[:4], after), func(t *testing.T) {
				t.Parallel()
				state, ready := t.TempDir(), &front{cloud: cloud.Fork()}
				ready.run(t, state, deactivate...)
				remove := []string{"keys", "retire", "--accounts", sample.Legacy, "--yes", "--delete", "--confirm-delete", id, id}
				f := &front{cloud: ready.cloud, at: 1, after: after}
				if out, status := f.run(t, state, remove...); !f.killed || status != -1 {
					t.Fatalf("not killed: exit status %d\n%s", status, out)
				}
				out, _ := (&front{cloud: f.cloud, ahead: time.Minute}).run(t, state, remove...)
				if got := serviceState(f.cloud, "sven"); got != deleted {
					t.Errorf("%s\nthe next run leaves %q, want %q", out, got, deleted)
				}
			})
		}
		t.Run(id[:4], func(t *testing.T) {
			t.Parallel()
			state, f := t.TempDir(), &front{cloud: cloud.Fork()}
			do := func(wanted, of string, args ...string) string {
				t.Helper()
				out, _ := f.run(t, state, args...)
				if got := serviceState(f.cloud, "sven"); !strings.Contains(out, of) || got != wanted {
					t.Fatalf("%v: no %q in\n%s\nor %q is not %q", args, of, out, got, wanted)
				}
				return runOf(out)
			}
			do(before, "does not stop this kind of credential", "keys", "retire", "--yes", "--for", "1s", id)
			do(before, "the key is active", "keys", "retire", "--accounts", sample.Legacy, "--yes", "--delete", "--confirm-delete", id, id)
			first := do(inactive, "done: DeactivateAccessKey", deactivate...)
			do(before, "1 step done", "rollback", "--yes", first)
			do(inactive, "done: DeactivateAccessKey", deactivate...)
			last := do(deleted, "done: DeleteAccessKey", "keys", "retire", "--accounts", sample.Legacy, "--yes", "--delete", "--confirm-delete", id, id)
			do(deleted, "AWS cannot restore a deleted access key", "rollback", "--yes", "-o", "json", last)
			do(deleted, "nothing was changed", "keys", "retire", "--accounts", sample.Legacy, "--yes", "--deactivate", id)
		})
	}
}
