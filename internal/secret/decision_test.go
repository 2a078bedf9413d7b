package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
)

// A part that another program changed would be a wrong secret, so there is none.
func TestAChangedPartOfALongTextIsNoText(t *testing.T) {
	keyring.MockInit()
	text := strings.Repeat("a", partSize+1)
	if err := writeParts(t.Context(), "texts/a", text); err != nil {
		t.Fatal(err)
	}
	p := parted{2, checksum(text)}
	if err := writeItem(t.Context(), p.name("texts/a", 1), "b"); err != nil {
		t.Fatal(err)
	}
	if got, err := readParts(t.Context(), "texts/a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// unwritable is a store whose writes fail.
type unwritable struct{ items }

func (unwritable) write(context.Context, string, string) error { return errors.New("disk full") }

// A write that fails may have been made: nobody knows which key the store holds.
func TestTheIDOfAKeyIsForgottenBeforeTheKeyIsReplaced(t *testing.T) {
	s := Memory().(*store)
	s.ids = keyIDs{filepath.Join(t.TempDir(), "ids"), "here"}
	if err := s.Set(t.Context(), "p", Keys{AccessKeyID: "AKIAOLD", SecretAccessKey: NewText("x")}); err != nil || s.ids.get("p") != "AKIAOLD" {
		t.Fatal(err, s.ids.get("p"))
	}
	s.items = unwritable{s.items}
	if err := s.Set(t.Context(), "p", Keys{AccessKeyID: "AKIANEW", SecretAccessKey: NewText("y")}); err == nil || s.ids.get("p") != "" {
		t.Errorf("%v, the ID is %q", err, s.ids.get("p"))
	}
}

func TestOnlyRecordsOfTheKnownVersionAreKeys(t *testing.T) {
	for version, known := range map[string]bool{"1": true, "2": false, "0": false} {
		s := Memory().(*store)
		if err := s.items.write(t.Context(), keysPrefix+"p", `{"version":`+version+`,"access_key_id":"AKIA1","secret_access_key":"x"}`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "p"); (err == nil) != known {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

func TestTheEnvironmentOfProgramsHasNoSecret(t *testing.T) {
	var secrets, all []string
	for _, name := range given {
		secrets = append(secrets, name+"=s", strings.ToLower(name)+"=s")
	}
	all = append(append(all, secrets...), "PATH=/bin", "AWS_REGION=x")
	if got := Withheld(all); !slices.Equal(got, []string{"PATH=/bin", "AWS_REGION=x"}) {
		t.Errorf("%q", got)
	}
	if len(given) < 7 {
		t.Errorf("%q", given)
	}
}

// A password manager that fails can repeat what it read.
func TestAProgramThatRepeatsTheSecretDoesNotShowIt(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	m := newCommand(Config{Command: []string{"/bin/sh", "-c", "cat >&2; exit 1", "x"}, Dir: t.TempDir()})
	if err := m.write(t.Context(), "keys/p", "TOPSECRET"); err == nil || strings.Contains(err.Error(), "TOPSECRET") {
		t.Error(err)
	}
}

func TestAFileThatOthersCanReadBecomesPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// The same long text has the same parts, which stay when it is written again.
func TestALongTextIsWrittenTwice(t *testing.T) {
	keyring.MockInit()
	text := strings.Repeat("a", partSize+1)
	for range 2 {
		if err := writeParts(t.Context(), "texts/a", text); err != nil {
			t.Fatal(err)
		}
		if got, err := readParts(t.Context(), "texts/a"); err != nil || got != text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

// A part that stays in the keyring is an error; a part that is gone is not.
func TestAPartThatCannotBeRemovedIsAnError(t *testing.T) {
	keyring.MockInit()
	if err := removeParts(t.Context(), "texts/a", parted{2, checksum("x")}); err != nil {
		t.Error(err)
	}
	keyring.MockInitWithError(errors.New("locked"))
	if err := removeParts(t.Context(), "texts/a", parted{2, checksum("x")}); err == nil {
		t.Error("the parts of a locked keyring are removed")
	}
}

// The error of a program that says nothing ends with its exit status.
func TestAProgramThatSaysNothing(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	m := newCommand(Config{Command: []string{"/bin/sh", "-c", "exit 3", "x"}, Dir: t.TempDir()})
	if _, err := m.read(t.Context(), "keys/p"); err == nil || !strings.HasSuffix(err.Error(), "exit status 3") {
		t.Error(err)
	}
}
