package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/apply"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/testdepth"
)

// killAccounts hold every kind of step that the sample needs, in few steps.
const killAccounts = "444444444444,555555555555"

// A front stands before a cloud and kills the program that talks to it at its
// nth write, before that write is carried out or after.
type front struct {
	cloud *emulator.Cloud
	at    int // 0: never
	after bool
	ahead time.Duration // how far the clock of the program is ahead

	mu      sync.Mutex
	writes  int
	program *os.Process
	killed  bool
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.killed {
		panic(http.ErrAbortHandler)
	}
	if !isWrite(body) {
		f.cloud.ServeHTTP(w, r)
		return
	}
	if f.writes++; f.writes != f.at {
		f.cloud.ServeHTTP(w, r)
		return
	}
	if f.after {
		f.cloud.ServeHTTP(httptest.NewRecorder(), r)
	}
	f.killed = true
	_ = f.program.Kill()
	panic(http.ErrAbortHandler)
}

// isWrite tells whether the body of an IAM or STS request asks for a change.
func isWrite(body []byte) bool {
	form, err := url.ParseQuery(string(body))
	action := form.Get("Action")
	if err != nil || action == "" {
		return false // Organizations and EC2, which apply only reads
	}
	for _, reads := range []string{"Get", "List", "Generate", "Assume", "Simulate"} {
		if strings.HasPrefix(action, reads) {
			return false
		}
	}
	return true
}

// run runs the program as the administrator until it ends or is killed.
func (f *front) run(t *testing.T, state string, args ...string) (output string, status int) {
	t.Helper()
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = nil
	server.Start()
	defer server.Close()
	cmd := exec.Command("forcemfa", args...)
	cmd.Env = append(clientEnv(server.URL, f.administrator(t)), "HOME="+state, "XDG_STATE_HOME="+state, "FORCEMFA_RATE=0", offsetVariable+"="+f.ahead.String())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	f.mu.Lock() // so that no write comes before the program is known
	err := cmd.Start()
	f.program = cmd.Process
	f.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return out.String(), cmd.ProcessState.ExitCode()
}

func (f *front) administrator(t *testing.T) (creds aws.Credentials) {
	t.Helper()
	f.cloud.View(func(w *world.World) {
		for _, k := range w.Account(sample.Legacy).Users["admin"].Keys {
			creds.AccessKeyID, creds.SecretAccessKey = k.ID, k.Secret
		}
	})
	if creds.AccessKeyID == "" {
		t.Fatal("the sample's administrator has no key")
	}
	return creds
}

// digest is what decides in the accounts of the test.
func digest(t *testing.T, c *emulator.Cloud) string {
	t.Helper()
	var out []string
	c.View(func(w *world.World) {
		h, accounts := w.Snapshot(c.Now())
		for a, err := range accounts {
			if err != nil {
				t.Error(err)
			} else if strings.Contains(killAccounts, a.ID) {
				out = append(out, a.Digest(&h))
			}
		}
	})
	return strings.Join(out, " ")
}

func TestApplyKilledAtAnyWriteIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	cloud := sampleCloud(t)
	verb := []string{"apply", "--yes", "--accounts", killAccounts}

	whole := &front{cloud: cloud.Fork()}
	if out, status := whole.run(t, t.TempDir(), verb...); status != 4 { // guards block some steps
		t.Fatalf("the undisturbed run: exit status %d\n%s", status, out)
	}
	wanted := digest(t, whole.cloud)
	for at := 1; at <= whole.writes; at += testdepth.Each(9) {
		for _, after := range sides() {
			t.Run(fmt.Sprintf("write %d, after it %v", at, after), func(t *testing.T) {
				t.Parallel()
				state := t.TempDir()
				f := &front{cloud: cloud.Fork(), at: at, after: after}
				if out, status := f.run(t, state, verb...); !f.killed || status != -1 {
					t.Fatalf("not killed: exit status %d\n%s", status, out)
				}
				wantJournals(t, state, 1, 0)
				next := &front{cloud: f.cloud}
				if out, status := next.run(t, state, verb...); status != 4 || digest(t, f.cloud) != wanted {
					t.Errorf("the next run: exit status %d, as wanted %v\n%s", status, digest(t, f.cloud) == wanted, out)
				}
				if remaining := whole.writes - at + 1; next.writes > remaining {
					t.Errorf("the next run wrote %d times, %d were left", next.writes, remaining)
				}
				if next.writes > 0 {
					wantJournals(t, state, 2, 1)
				}
			})
		}
	}
	t.Logf("%d writes", whole.writes)
}

// wantJournals reads every journal of a state directory whole.
func wantJournals(t *testing.T, state string, runs, finished int) {
	t.Helper()
	dir := filepath.Join(state, "forcemfa", "runs")
	records, err := apply.RunIDs(dir)
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for _, id := range records {
		r, err := apply.ReadJournal(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		if r.Finished() {
			ended++
		} else if len(r.InDoubt()) == 0 {
			t.Errorf("run %s was killed at a write, and the journal does not say at which", r.Run)
		}
	}
	if len(records) != runs || ended != finished {
		t.Errorf("%d journals, %d of them finished; want %d and %d", len(records), ended, runs, finished)
	}
}

// sides says whether a program is killed after a write or before it. A plain run tries the
// first, where the journal does not know yet what was done.
func sides() []bool {
	if testdepth.Long() {
		return []bool{true, false}
	}
	return []bool{true}
}
