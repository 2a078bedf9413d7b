package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// closed is a config for the same store as c on the same machine, where nobody can
// open the encrypted file.
func closed(c Config) Config {
	c.Passphrase = Text{}
	c.Ask = func(context.Context, string) (string, error) { return "", errors.New("nobody is there") }
	return c
}

func opened(t *testing.T, c Config) Store {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyIDIsKnownWithoutOpeningTheStore(t *testing.T) {
	ctx := t.Context()
	c := Config{Backend: File, Dir: t.TempDir(), Passphrase: NewText(passphrase), WorkFactor: fastScrypt}
	key := Keys{AccessKeyID: "AKIAONE", SecretAccessKey: NewText(canary)}
	if err := opened(t, c).Set(ctx, "bob", key); err != nil {
		t.Fatal(err)
	}
	want := func(story, id string) {
		t.Helper()
		if got, err := opened(t, closed(c)).KeyID(ctx, "bob"); got != id || err != nil {
			t.Errorf("%s: %q, %v; want %q", story, got, err, id)
		}
	}
	want("stored", "AKIAONE")
	key.AccessKeyID = "AKIATWO"
	if err := opened(t, c).Set(ctx, "bob", key); err != nil {
		t.Fatal(err)
	}
	want("replaced", "AKIATWO")

	// A store that an earlier version wrote has no list. Reading a key adds it.
	ids := filepath.Join(c.Dir, "key-ids.json")
	if err := os.Remove(ids); err != nil {
		t.Fatal(err)
	}
	if id, err := opened(t, closed(c)).KeyID(ctx, "bob"); err == nil {
		t.Errorf("without a list: %q", id)
	}
	if _, err := opened(t, c).Get(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	want("read", "AKIATWO")

	// Another file of the same machine holds other keys.
	other := closed(c)
	other.Path = filepath.Join(c.Dir, "other.age")
	if id, err := opened(t, other).KeyID(ctx, "bob"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another file: %q, %v", id, err)
	}
	if err := opened(t, c).Delete(ctx, "bob"); err != nil {
		t.Fatal(err)
	}
	if id, err := opened(t, c).KeyID(ctx, "bob"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted: %q, %v", id, err)
	}
}

func TestAWriteThatFailsLeavesNoKeyID(t *testing.T) {
	ctx := t.Context()
	c := Config{Backend: File, Dir: t.TempDir(), Passphrase: NewText(passphrase), WorkFactor: fastScrypt}
	if err := opened(t, c).Set(ctx, "bob", Keys{AccessKeyID: "AKIAONE", SecretAccessKey: NewText(canary)}); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, closed(c)).Set(ctx, "bob", Keys{AccessKeyID: "AKIATWO", SecretAccessKey: NewText(canary)}); err == nil {
		t.Fatal("a store that cannot be opened took a key")
	}
	if id, err := opened(t, c).KeyID(ctx, "bob"); id != "AKIAONE" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
}

func TestEveryBackendKnowsItsKeyIDs(t *testing.T) {
	for name, fresh := range backends(t) {
		t.Run(name, func(t *testing.T) {
			open := fresh(t)
			if err := open().Set(t.Context(), "bob", Keys{AccessKeyID: "AKIAONE", SecretAccessKey: NewText(canary)}); err != nil {
				t.Fatal(err)
			}
			if id, err := open().KeyID(t.Context(), "bob"); id != "AKIAONE" || err != nil {
				t.Errorf("got %q, %v", id, err)
			}
			if _, err := open().KeyID(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheBackendFollowsTheSessionBus(t *testing.T) {
	if got := (Config{BusPresent: true}).Default(); got != Keyring {
		t.Errorf("with a session bus: %s", got)
	}
	if got := (Config{}).Default(); (got == File) != (runtime.GOOS != "darwin" && runtime.GOOS != "windows") {
		t.Errorf("without one: %s", got)
	}
}

// Delete forgets the ID first: an ID that stays would lead to the session of a key that
// is gone.
func TestNothingIsDeletedWhenTheListOfIDsCannotBeWritten(t *testing.T) {
	ctx := t.Context()
	c := Config{Backend: File, Dir: t.TempDir(), Passphrase: NewText(passphrase), WorkFactor: fastScrypt}
	s := opened(t, c)
	if err := s.Set(ctx, "bob", Keys{AccessKeyID: "AKIAONE", SecretAccessKey: NewText(canary)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "bob\n"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a name with a line break: %v", err)
	}
	locked := filepath.Join(c.Dir, "key-ids.json.lock")
	_ = os.Remove(locked)
	if err := os.Mkdir(locked, 0o700); err != nil { // a folder, which cannot be locked
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "bob"); err == nil {
		t.Error("deleted without the list of IDs")
	}
	if err := os.Remove(locked); err != nil {
		t.Fatal(err)
	}
	if names, err := s.List(ctx); len(names) != 1 || err != nil {
		t.Errorf("keys %v, %v; want that of bob", names, err)
	}
}

func TestOnlyANewPassphraseIsCalledNew(t *testing.T) {
	c := Config{Backend: File, Dir: t.TempDir(), WorkFactor: fastScrypt}
	for _, start := range []string{"New passphrase for ", "Passphrase for "} {
		ask, asked := typist(passphrase, passphrase)
		c.Ask = ask
		if err := opened(t, c).Set(t.Context(), "bob", Keys{AccessKeyID: "AKIAONE", SecretAccessKey: NewText(canary)}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix((*asked)[0], start) {
			t.Errorf("asked %q, want %q", *asked, start)
		}
	}
}
