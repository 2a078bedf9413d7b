package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/zalando/go-keyring"
)

const (
	canary        = "canary/secret+access=key"
	passphrase    = "correct horse battery canary"
	passVariable  = "FORCEMFATEST_PASS_DIR"
	brokenPass    = "FORCEMFATEST_PASS_BROKEN"
	fastScrypt    = "12"
	storeOfOthers = "FORCEMFATEST_STORE"
)

// TestMain is a password manager like pass when a test runs it as one: it keeps
// entries in a directory and its arguments in a log.
func TestMain(m *testing.M) {
	if dir := os.Getenv(passVariable); dir != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(pass(dir, os.Args[1:]))
	}
	if dir := os.Getenv(storeOfOthers); dir != "" {
		s, err := Open(Config{Backend: File, Dir: dir, Passphrase: NewText(passphrase), WorkFactor: fastScrypt})
		if err == nil {
			err = s.Set(context.Background(), fmt.Sprint("p", os.Getpid()), Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func pass(dir string, args []string) int {
	log, _ := os.OpenFile(filepath.Join(dir, "argv"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	fmt.Fprintln(log, args)
	_ = log.Close()
	if os.Getenv(brokenPass) != "" {
		fmt.Fprintln(os.Stderr, "gpg: decryption failed: No secret key")
		return 2
	}
	path := filepath.Join(dir, strings.ReplaceAll(args[len(args)-1], "/", "_"))
	switch args[0] {
	case "show":
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "Error: %s is not in the password store.\n", args[1])
			return 1
		}
		_, _ = os.Stdout.Write(text)
	case "insert":
		var text bytes.Buffer
		if _, err := text.ReadFrom(os.Stdin); err != nil || os.WriteFile(path, text.Bytes(), 0o600) != nil {
			return 1
		}
	case "rm":
		_ = os.Remove(path)
	}
	return 0
}

// backends are all stores, each with nothing in it, and again when opened anew.
func backends(t *testing.T) map[string]func(t *testing.T) func() Store {
	open := func(t *testing.T, c Config) func() Store {
		c.Dir = t.TempDir()
		return func() Store {
			s, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	return map[string]func(t *testing.T) func() Store{
		"memory": func(*testing.T) func() Store {
			m := Memory()
			return func() Store { return m }
		},
		Keyring: func(t *testing.T) func() Store {
			keyring.MockInit()
			return open(t, Config{Backend: Keyring})
		},
		File: func(t *testing.T) func() Store {
			return open(t, Config{Backend: File, Passphrase: NewText(passphrase), WorkFactor: fastScrypt})
		},
		Pass: func(t *testing.T) func() Store {
			t.Setenv(passVariable, t.TempDir())
			return open(t, Config{Backend: Pass, Command: []string{os.Args[0]}})
		},
	}
}

func TestEveryBackendKeepsTheRules(t *testing.T) {
	ctx := context.Background()
	alice := Keys{"AKIAALICE", NewText(canary), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "111111111111", "alice"}
	odd := Keys{AccessKeyID: "AKIAODD", SecretAccessKey: NewText("x")}
	for name, make := range backends(t) {
		t.Run(name, func(t *testing.T) {
			open := make(t)
			s := open()
			if s.Backend() != name {
				t.Errorf("it calls itself %s", s.Backend())
			}
			if _, err := s.Get(ctx, "alice"); !errors.Is(err, ErrNotFound) {
				t.Errorf("before Set: %v", err)
			}
			if err := s.Delete(ctx, "alice"); !errors.Is(err, ErrNotFound) {
				t.Errorf("delete before Set: %v", err)
			}
			if names, err := s.List(ctx); len(names) != 0 || err != nil {
				t.Errorf("before Set: %v, %v", names, err)
			}
			names := []string{"-rf", "../up", "a/b c", "alice", "über"}
			for _, name := range names {
				if err := s.Set(ctx, name, odd); err != nil {
					t.Fatal(name, err)
				}
			}
			if err := s.Set(ctx, "alice", alice); err != nil {
				t.Fatal(err)
			}
			if err := s.SetText(ctx, "alice", NewText("session")); err != nil {
				t.Fatal(err)
			}
			s = open()
			if got, err := s.Get(ctx, "alice"); err != nil || got != alice {
				t.Errorf("got %+v, %v", got, err)
			}
			if got, err := s.Get(ctx, "../up"); err != nil || got != odd {
				t.Errorf("got %+v, %v", got, err)
			}
			if got, err := s.Text(ctx, "alice"); err != nil || got.Reveal() != "session" {
				t.Errorf("text %v", err)
			}
			if got, err := s.List(ctx); err != nil || !cmp.Equal(got, names) {
				t.Errorf("list %v, %v", got, err)
			}
			if err := s.Delete(ctx, "alice"); err != nil {
				t.Error(err)
			}
			if err := s.DeleteText(ctx, "alice"); err != nil {
				t.Error(err)
			}
			if _, err := open().Get(ctx, "alice"); !errors.Is(err, ErrNotFound) {
				t.Errorf("after Delete: %v", err)
			}
			if got, err := open().List(ctx); err != nil || !cmp.Equal(got, []string{"-rf", "../up", "a/b c", "über"}) {
				t.Errorf("list %v, %v", got, err)
			}
			for _, bad := range []string{"", "a\nb", strings.Repeat("x", maxName+1), "\xff"} {
				if err := s.Set(ctx, bad, alice); err == nil || strings.Contains(err.Error(), canary) {
					t.Errorf("name %q: %v", bad, err)
				}
			}
			if err := s.Set(ctx, "half", Keys{SecretAccessKey: NewText(canary)}); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("half a key: %v", err)
			}
		})
	}
}

func TestASecretPrintsAsNothing(t *testing.T) {
	k := Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}
	text, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		string(text), fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x", k, k, k, k, k, k),
		fmt.Sprintf("%s %q %x %v", k.SecretAccessKey, k.SecretAccessKey, k.SecretAccessKey, &k.SecretAccessKey),
		k.SecretAccessKey.String(), fmt.Sprintf("%x", []Text{k.SecretAccessKey}),
	} {
		if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s", got)
		}
	}
}

// files is every file below a directory with its mode and text.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNoFileAndNoArgumentHoldsASecret(t *testing.T) {
	ctx := context.Background()
	passDir := t.TempDir()
	t.Setenv(passVariable, passDir)
	keyring.MockInit()
	for _, c := range []Config{
		{Backend: File, Passphrase: NewText(passphrase), WorkFactor: fastScrypt},
		{Backend: Pass, Command: []string{os.Args[0]}},
		{Backend: Keyring},
	} {
		c.Dir = t.TempDir()
		s, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(ctx, "alice", Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}); err != nil {
			t.Fatal(err)
		}
		for path, text := range files(t, c.Dir) {
			if strings.Contains(text, canary) || strings.Contains(text, passphrase) {
				t.Errorf("%s: %s holds a secret", c.Backend, path)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join(passDir, "argv"))
	if err != nil || len(log) == 0 || bytes.Contains(log, []byte(canary)) {
		t.Errorf("arguments of pass: %s, %v", log, err)
	}
}

// typist answers questions in their order.
func typist(answers ...string) (ask func(context.Context, string) (string, error), asked *[]string) {
	asked = &[]string{}
	return func(_ context.Context, question string) (string, error) {
		*asked = append(*asked, question)
		if len(answers) == 0 {
			return "", errors.New("there is no terminal to prompt at")
		}
		answer := answers[0]
		answers = answers[1:]
		return answer, nil
	}, asked
}

func TestPassphrases(t *testing.T) {
	ctx := context.Background()
	keys := Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}
	for _, row := range []struct {
		name      string
		exists    bool
		answers   []string
		wantAsks  int
		wantError string
	}{
		{"a new file asks twice", false, []string{"a", "a"}, 2, ""},
		{"two that differ write nothing", false, []string{"a", "b"}, 2, "the passphrases are different"},
		{"an empty one is refused", false, []string{""}, 1, "the passphrase is empty"},
		{"a file that is there asks once", true, []string{passphrase}, 1, ""},
		{"a mistyped one may be typed again", true, []string{"a", passphrase}, 2, ""},
		{"three times at most", true, []string{"a", "b", "c", passphrase}, 3, "wrong passphrase"},
		{"nobody to ask", true, nil, 1, "no terminal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := Config{Backend: File, Dir: t.TempDir(), WorkFactor: fastScrypt}
			path := filepath.Join(c.Dir, "keys.age")
			if row.exists {
				with := c
				with.Passphrase = NewText(passphrase)
				s, _ := Open(with)
				if err := s.Set(ctx, "other", keys); err != nil {
					t.Fatal(err)
				}
			}
			before, _ := os.ReadFile(path)
			ask, asked := typist(row.answers...)
			c.Ask = ask
			s, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Set(ctx, "alice", keys)
			if (err != nil) != (row.wantError != "") || err != nil && !strings.Contains(err.Error(), row.wantError) {
				t.Errorf("error %v, want %q", err, row.wantError)
			}
			if len(*asked) != row.wantAsks {
				t.Errorf("asked %q", *asked)
			}
			var failed *Error
			if err != nil && (!errors.As(err, &failed) || failed.Next == "") {
				t.Errorf("no next step with %v", err)
			}
			if after, _ := os.ReadFile(path); err != nil && !bytes.Equal(before, after) {
				t.Error("a refused write changed the file")
			}
		})
	}
}

// A file that asks for endless work (flaw 16 of the peers) is refused at once.
func TestFlaw16ATamperedWorkFactorIsRefused(t *testing.T) {
	dir := t.TempDir()
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(10)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	tampered := bytes.Replace(sealed.Bytes(), []byte(" 10\n"), []byte(" 21\n"), 1)
	if err := os.WriteFile(filepath.Join(dir, "keys.age"), tampered, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Backend: File, Dir: dir, Passphrase: NewText(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := s.Get(context.Background(), "a"); done <- err }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "work factor too large") {
			t.Errorf("error %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it does the work that the file asks for")
	}
}

func TestDamagedFilesAreErrorsAndStay(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	c := Config{Backend: File, Dir: dir, Passphrase: NewText(passphrase), WorkFactor: fastScrypt}
	s, _ := Open(c)
	if err := s.Set(ctx, "a", Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keys.age")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	for name, text := range map[string][]byte{"empty": {}, "cut": whole[:len(whole)-3], "flipped": flipped, "no age file": []byte("hello")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, "a"); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: get: %v", name, err)
		}
		if err := s.Set(ctx, "b", Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}); err == nil {
			t.Errorf("%s: it was overwritten", name)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, text) {
			t.Errorf("%s: it changed", name)
		}
	}
}

func TestProcessesThatWriteAtOnceLoseNothing(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if out, err := other(dir); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	s, _ := Open(Config{Backend: File, Dir: dir, Passphrase: NewText(passphrase)})
	if names, err := s.List(context.Background()); err != nil || len(names) != 5 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestKeyringErrorsNameTheNextStep(t *testing.T) {
	keyring.MockInitWithError(errors.New("dial unix /run/user/0/bus: connect: no such file or directory"))
	defer keyring.MockInit()
	s, _ := Open(Config{Backend: Keyring, Dir: t.TempDir()})
	_, read := s.Get(context.Background(), "a")
	write := s.Set(context.Background(), "a", Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)})
	for _, err := range []error{read, write} {
		var failed *Error
		if !errors.As(err, &failed) || !strings.Contains(failed.Next, BackendVariable+"=file") || strings.Contains(err.Error(), canary) {
			t.Errorf("%v, next %+v", err, failed)
		}
	}
	if names, err := s.List(context.Background()); len(names) != 0 || err != nil {
		t.Errorf("a refused write is listed: %v, %v", names, err)
	}
}

func TestPassErrors(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(passVariable, dir)
	t.Setenv(brokenPass, "1")
	s, _ := Open(Config{Backend: Pass, Command: []string{os.Args[0]}, Dir: t.TempDir()})
	if _, err := s.Get(context.Background(), "a"); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "No secret key") {
		t.Errorf("a store that cannot be opened: %v", err)
	}
	if err := s.Set(context.Background(), "a", Keys{AccessKeyID: "AKIA", SecretAccessKey: NewText(canary)}); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("set: %v", err)
	}
	s, _ = Open(Config{Backend: Pass, Command: []string{"no-such-password-manager"}, Dir: t.TempDir()})
	var failed *Error
	if _, err := s.Get(context.Background(), "a"); !errors.As(err, &failed) || !strings.Contains(failed.Next, CommandVariable) {
		t.Errorf("no such program: %v", err)
	}
}

func TestWhichBackend(t *testing.T) {
	env := map[string]string{BackendVariable: "pass", CommandVariable: "gopass --yes", "XDG_DATA_HOME": "/data"}
	get := func(k string) string { return env[k] }
	c := FromEnv(get, "/home/a")
	if c.Backend != Pass || !cmp.Equal(c.Command, []string{"gopass", "--yes"}) || c.Dir != filepath.Join("/data", "forcemfa") {
		t.Errorf("%+v", c)
	}
	if s, err := Open(c); err != nil || s.Backend() != Pass {
		t.Errorf("%v", err)
	}
	for _, bad := range []Config{{Backend: "paper"}, {Backend: File, WorkFactor: "9"}, {Backend: File, WorkFactor: "99"}, {Backend: File, WorkFactor: "x"}} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%+v was opened", bad)
		}
	}
}

// other runs a process that stores one key under a name of its own.
func other(dir string) ([]byte, error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), storeOfOthers+"="+dir)
	return c.CombinedOutput()
}
