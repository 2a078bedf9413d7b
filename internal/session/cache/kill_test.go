package cache

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// writerVariable makes this test program one that stores two sessions under one
// name, turn by turn, until it is killed.
const writerVariable = "FORCEMFATEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		fmt.Println("ready")
		for i := 0; ; i++ {
			if err := (Dir{Path: dir}).Store("x", turn(i)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// turn is one of two sessions whose files differ in length.
func turn(i int) *Entry {
	e := someEntry()
	if i%2 == 0 {
		e.AccessKeyID, e.SessionToken = "ASIANEW", strings.Repeat("new", 5000)
	}
	return e
}

func TestAKilledWriterLeavesOneSessionOrTheOther(t *testing.T) {
	d := Dir{Path: t.TempDir()}
	if err := os.Chmod(d.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range 30 {
		writer := exec.Command(os.Args[0])
		writer.Env = append(os.Environ(), writerVariable+"="+d.Path)
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		// The first write has to come before the first kill counts.
		for begin := time.Now(); i == 0 && time.Since(begin) < 10*time.Second; time.Sleep(time.Millisecond) {
			if _, err := d.Load("x"); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(i*i%37) * time.Millisecond)
		if err := writer.Process.Kill(); err != nil {
			t.Fatalf("the writer ended by itself: %v", err)
		}
		_ = writer.Wait()
		e, err := d.Load("x")
		if err != nil || e.record().text() != turn(0).record().text() && e.record().text() != turn(1).record().text() {
			t.Fatalf("after kill %d the session is %v, %v", i, e, err)
		}
		seen[e.AccessKeyID] = true
	}
	if len(seen) != 2 {
		t.Errorf("the kills met %d of the 2 sessions", len(seen))
	}
}

// A process that is killed between the vault and the file leaves secrets of one
// session and the file of another.
func TestHalfASessionInTheVaultCountsAsNone(t *testing.T) {
	held := memory{}
	d := Dir{Path: t.TempDir() + "/cache", Vault: func(string) (Vault, error) { return held, nil }}
	old, new := turn(1), turn(0)
	old.Backend, new.Backend = "keyring", "keyring"
	if err := d.Store("x", old); err != nil {
		t.Fatal(err)
	}
	if err := d.seal("x", new); err != nil {
		t.Fatal(err)
	}
	if e, err := d.Load("x"); err != ErrCold {
		t.Errorf("got %v, %v; want cold", e, err)
	}
	if err := d.Store("x", new); err != nil {
		t.Fatal(err)
	}
	if e, err := d.Load("x"); err != nil || e.SessionToken != new.SessionToken {
		t.Errorf("the next writer's session: %v, %v", e, err)
	}
	if err := d.Remove("x"); err != nil || len(held) != 0 {
		t.Errorf("removed: %v; the vault still holds %d", err, len(held))
	}
}

// memory is a vault that ends with the test.
type memory map[string]string

func (m memory) Get(name string) (string, error) {
	if text, ok := m[name]; ok {
		return text, nil
	}
	return "", ErrCold
}

func (m memory) Set(name, text string) error { m[name] = text; return nil }

func (m memory) Delete(name string) error { delete(m, name); return nil }
