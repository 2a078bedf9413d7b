package accesskey

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/secret"
)

var rotated = secret.Keys{AccessKeyID: "AKIANEWNEWNEWNEWNEW0", SecretAccessKey: secret.NewText("canary")}

func TestHolderInFileReplacesTheKeyWhereItIs(t *testing.T) {
	old := secret.Keys{AccessKeyID: "AKIAOLDOLDOLDOLDOLD0", SecretAccessKey: secret.NewText("old")}
	for name, section := range map[string]string{"credentials": "[bob]\n", "config": "[profile bob]\n"} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			path := filepath.Join(home, ".aws", name)
			writeFile(t, path, "# mine\n"+section+keyText(old)+"region = eu-west-1\n")
			files := load(t, home)
			p, err := files.Profile("bob")
			if err != nil {
				t.Fatal(err)
			}
			h := InFile(files, p)
			if err := h.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
				t.Errorf("Ready leaves %v", entries)
			}
			if err := h.Keep(t.Context(), rotated); err != nil {
				t.Fatal(err)
			}
			if text, _ := os.ReadFile(path); string(text) != "# mine\n"+section+keyText(rotated)+"region = eu-west-1\n" {
				t.Errorf("%s holds %q", name, text)
			}
		})
	}
}

func TestHolderInFileIsNotReadyWithoutTheFile(t *testing.T) {
	h := &fileHolder{filepath.Join(t.TempDir(), "none"), "bob"}
	if err := h.Ready(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "keep the new key") {
		t.Errorf("error %v", err)
	}
	broken := rotated
	broken.AccessKeyID = "two\nlines"
	if err := h.Keep(t.Context(), broken); err == nil {
		t.Error("a key with a line break was written")
	}
}

func TestHolderInStore(t *testing.T) {
	broken := errors.New("broken")
	for _, row := range []struct {
		name  string
		store *fault
		want  string
	}{
		{"kept", &fault{}, ""},
		{"refused", &fault{set: broken}, "broken"},
		{"not read back", &fault{get: func() (secret.Keys, error) { return secret.Keys{}, broken }}, "broken"},
		{"another key", &fault{get: func() (secret.Keys, error) { return secret.Keys{AccessKeyID: "AKIA"}, nil }}, "the memory store does not hold what was written"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.store.Store = secret.Memory()
			h := InStore(row.store, "bob")
			if err := h.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := h.Keep(t.Context(), rotated)
			if (err != nil) != (row.want != "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v", err)
			}
			if row.want == "" {
				if got, err := row.store.Get(t.Context(), "bob"); err != nil || !Same(got, rotated) {
					t.Errorf("the store holds %s, error %v", got.AccessKeyID, err)
				}
			}
		})
	}
}
