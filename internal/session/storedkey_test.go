package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A locked store knows the IDs of its keys, and cannot be opened.
type locked struct{ secret.Store }

func (locked) Get(context.Context, string) (secret.Keys, error) {
	return secret.Keys{}, &secret.Error{Backend: secret.File, Op: "open", Err: errors.New("nobody is there")}
}

// keyStore puts jonas's key into a store, for a profile that names it.
func (r *rig) keyStore() secret.Store {
	r.t.Helper()
	k := r.key(identity, "jonas")
	store := secret.Memory()
	if err := store.Set(r.t.Context(), "jonas", secret.Keys{AccessKeyID: k.ID, SecretAccessKey: secret.NewText(k.Secret)}); err != nil {
		r.t.Fatal(err)
	}
	return store
}

func (r *rig) withKeyStore(store secret.Store) *session.Manager {
	m := r.manager()
	m.KeyStore = func(p awsfile.Profile) (secret.Store, error) {
		if p.Get(session.StoreSetting) == "" {
			return nil, nil
		}
		return store, nil
	}
	return m
}

const storedSource = threeRoles + "[profile jonas]\nforcemfa_store = file\n"

func TestSessionsNeedNoKeyStoreAfterLogin(t *testing.T) {
	r := newRig(t)
	r.settings(identity, storedSource)
	store := r.keyStore()
	if _, err := r.withKeyStore(store).Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
		t.Fatal(err)
	}
	shut := lockedIDs{locked{store}, r.key(identity, "jonas").ID}
	for hour := range 11 {
		r.write("config", storedSource+"# edited at "+time.Duration(hour).String()+"\n")
		for _, profile := range []string{"jonas", "prod"} {
			if _, err := r.withKeyStore(shut).Session(t.Context(), session.Request{Profile: profile}); err != nil {
				t.Fatalf("hour %d, %s: %v", hour, profile, err)
			}
		}
		r.cloud.Advance(time.Hour)
	}
	if len(r.asked) != 1 {
		t.Errorf("%d codes were requested: %q", len(r.asked), r.asked)
	}
	r.cloud.Advance(2 * time.Hour)
	if _, err := r.withKeyStore(shut).Session(t.Context(), session.Request{Profile: "jonas"}); err == nil {
		t.Error("there is a session without the key")
	}
}

// lockedIDs is a locked store that lists one key.
type lockedIDs struct {
	locked
	id string
}

func (s lockedIDs) KeyID(context.Context, string) (string, error) { return s.id, nil }

// Another machine may have rotated the key in a shared store.
func TestAKeyThatWasReplacedElsewhereIsUsed(t *testing.T) {
	r := newRig(t)
	r.settings(identity, storedSource)
	m := r.withKeyStore(outdated{r.keyStore()})
	e, err := m.Session(t.Context(), session.Request{Profile: "jonas"})
	if err != nil {
		t.Fatal(err)
	}
	if want := r.key(identity, "jonas").ID; e.KeyID != want {
		t.Errorf("the session is of key %s, want %s", e.KeyID, want)
	}
}

// outdated is a store whose list of IDs is out of date.
type outdated struct{ secret.Store }

func (outdated) KeyID(context.Context, string) (string, error) { return "AKIAOUTOFDATE", nil }
