package engineer

import (
	"context"
	"testing"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A countingStore counts how often a key is read. Each read of an encrypted
// file derives its key with scrypt, which takes about a second.
type countingStore struct {
	secret.Store
	reads int
}

func (s *countingStore) Get(ctx context.Context, name string) (secret.Keys, error) {
	s.reads++
	return s.Store.Get(ctx, name)
}

func TestLoginReadsTheKeyOnceAndNotForACachedSession(t *testing.T) {
	d := newDesk(t)
	t.Setenv("XDG_CACHE_HOME", d.home)
	d.give(t, d.home+"/.aws/config", "[profile jonas]\n"+session.StoreSetting+" = file\n")
	store := &countingStore{Store: secret.Memory()}
	serial := "arn:aws:iam::222222222222:mfa/jonas"
	d.cloud.View(func(w *world.World) {
		for _, k := range w.Account("222222222222").Users["jonas"].Keys {
			if k.Active {
				if err := store.Set(t.Context(), "jonas", secret.Keys{AccessKeyID: k.ID, SecretAccessKey: secret.NewText(k.Secret)}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	d.env.AskSecret = func(context.Context, string) (code string, err error) {
		d.cloud.View(func(w *world.World) { code, err = w.Code(serial, d.env.Now()) })
		return code, err
	}
	m := &machine{Env: d.env, stores: map[string]secret.Store{"file": store}}
	for _, step := range []string{"first login", "login with the session in the cache"} {
		root := &cobra.Command{Use: "forcemfa"}
		root.AddCommand(newLogin(m))
		d.env.Args = []string{"login", "jonas"}
		if status := command.Run(t.Context(), root, d.env); status != 0 {
			t.Fatalf("%s: status %d\n%s", step, status, d.errs.String())
		}
		if store.reads != 1 {
			t.Errorf("%s: the key was read %d times in all, want 1", step, store.reads)
		}
	}
}
