package session_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/secret"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

// storing is a manager whose sessions may rest in this store.
func (r *rig) storing(store secret.Store) *session.Manager {
	k := r.manager()
	k.Cache.Vault = session.Vaults(r.t.Context(), func(string) (secret.Store, error) { return store, nil })
	return k
}

// inFiles tells whether any file of the cache holds a text.
func (r *rig) inFiles(text string) bool {
	r.t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Join(r.home, "cache"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || strings.Contains(string(content), text)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

func TestSessionsInTheStoreAreInNoFile(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles+"[profile jonas]\nforcemfa_sessions = keyring\n", "jonas")
	store := secret.Memory()
	first, err := r.storing(store).Session(t.Context(), session.Request{Profile: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{first.SecretAccessKey, first.SessionToken} {
		if r.inFiles(text) {
			t.Error("a file of the cache holds the session's secret")
		}
	}
	calls := len(r.calls)
	again, err := r.storing(store).Session(t.Context(), session.Request{Profile: "prod"})
	if err != nil || again.SessionToken != first.SessionToken || len(r.calls) != calls || len(r.asked) != 1 {
		t.Errorf("the next process: %v, %d calls, %d prompts", err, len(r.calls)-calls, len(r.asked))
	}

	// Without a way to the store it is as if there were none, for the helper too.
	if _, err := r.manager().Cache.Warm(cache.PlaceOf("prod", r.getenv), r.cloud.Now()); !errors.Is(err, cache.ErrCold) {
		t.Errorf("without the store: %v, want cold", err)
	}
	list, err := r.manager().Cache.List()
	if err != nil || len(list) != 2 || list[0].SessionToken+list[1].SessionToken != "" {
		t.Errorf("the list without the store: %v, %v", list, err)
	}
	dir := r.storing(store).Cache
	if n, err := dir.Clear(func(*cache.Entry) bool { return true }); n != 2 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	for _, e := range list {
		if _, err := store.Text(t.Context(), "session-"+e.Name); !errors.Is(err, secret.ErrNotFound) {
			t.Errorf("the store still holds session %s: %v", e.Name, err)
		}
	}
}

func TestSessionMovesIntoTheStoreAndNeverOut(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	store := secret.Memory()
	first := r.session("jonas")
	if !r.inFiles(first.SessionToken) {
		t.Fatal("the session is not in its file")
	}
	ask := func(where string) *cache.Entry {
		t.Helper()
		r.env[cache.SessionsVariable] = where
		e, err := r.storing(store).Session(t.Context(), session.Request{Profile: "jonas"})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := ask("keyring"); e.SessionToken != first.SessionToken || r.inFiles(first.SessionToken) {
		t.Error("the session did not move into the store as it was")
	}
	if e := ask("files"); e.SessionToken != first.SessionToken || r.inFiles(first.SessionToken) {
		t.Error("the session went back into a file")
	}
	if len(r.asked) != 1 {
		t.Errorf("%d prompts, want 1", len(r.asked))
	}
}

// A shut store does not open.
type shut struct{ secret.Store }

var errShut = &secret.Error{Backend: secret.Keyring, Op: "read", Err: errors.New("it is locked"), Next: "unlock it"}

func (shut) Text(context.Context, string) (secret.Text, error)  { return secret.Text{}, errShut }
func (shut) SetText(context.Context, string, secret.Text) error { return errShut }

func TestNoCodeIsSpentOnASessionThatTheStoreWillNotTake(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	r.env[cache.SessionsVariable] = secret.Keyring
	if p := r.refused(r.storing(shut{}), session.Request{Profile: "jonas"}); p.Next != "unlock it" || len(r.asked) > 0 {
		t.Errorf("%s; next: %s; %d prompts", p.Sentence, p.Next, len(r.asked))
	}
	// A session that rests there is not made anew while the store is shut.
	store := secret.Memory()
	if _, err := r.storing(store).Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
		t.Fatal(err)
	}
	if p := r.refused(r.storing(shut{store}), session.Request{Profile: "jonas"}); p.Next != "unlock it" || len(r.asked) != 1 {
		t.Errorf("%s; next: %s; %d prompts", p.Sentence, p.Next, len(r.asked))
	}
	r.env[cache.SessionsVariable] = "cupboard"
	if p := r.refused(r.storing(store), session.Request{Profile: "jonas"}); !strings.Contains(p.Sentence, "cupboard") {
		t.Errorf("%s", p.Sentence)
	}
}

func TestSecretsOfAnotherSessionInTheStoreCountAsNone(t *testing.T) {
	r := newRig(t)
	r.settings(identity, threeRoles, "jonas")
	r.env[cache.SessionsVariable] = secret.Keyring
	store := secret.Memory()
	k := r.storing(store)
	if _, err := k.Session(t.Context(), session.Request{Profile: "jonas"}); err != nil {
		t.Fatal(err)
	}
	list, err := k.Cache.List()
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	name := "session-" + list[0].Name
	text, err := store.Text(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for story, wrong := range map[string]string{
		"another key": strings.Replace(text.Reveal(), list[0].AccessKeyID, "ASIAANOTHER", 1),
		"cut":         text.Reveal()[:len(text.Reveal())/2],
		"empty":       "",
	} {
		if err := store.SetText(t.Context(), name, secret.NewText(wrong)); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Cache.Load(list[0].Name); !errors.Is(err, cache.ErrCold) {
			t.Errorf("%s: %v, want cold", story, err)
		}
	}
}
