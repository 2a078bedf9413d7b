package session

import (
	"context"
	"errors"
	"fmt"

	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
)

const inFiles = "files"

func (r *Route) checkSessionStore() error {
	switch r.sessionStore {
	case "", secret.Keyring, secret.File, secret.Pass:
		return nil
	}
	return &Problem{
		Sentence: fmt.Sprintf("sessions cannot be stored in %q", r.sessionStore),
		Next: fmt.Sprintf("set %s, or %s of the profile, to %s, %s, %s or %s",
			cache.SessionsVariable, SessionsSetting, inFiles, secret.Keyring, secret.File, secret.Pass),
	}
}

// Vaults lets a cache keep the secrets of sessions in the stores that open
// opens.
func Vaults(ctx context.Context, open func(backend string) (secret.Store, error)) func(backend string) (cache.Vault, error) {
	return func(backend string) (cache.Vault, error) {
		store, err := open(backend)
		if err != nil {
			return nil, err
		}
		return vault{ctx, store}, nil
	}
}

// A vault is a secret store for the sessions of one run, and ends with it.
type vault struct {
	ctx   context.Context
	store secret.Store
}

func (v vault) Get(name string) (string, error) {
	text, err := v.store.Text(v.ctx, name)
	if errors.Is(err, secret.ErrNotFound) {
		return "", cache.ErrCold
	}
	return text.Reveal(), err
}

func (v vault) Set(name, text string) error {
	return v.store.SetText(v.ctx, name, secret.NewText(text))
}

func (v vault) Delete(name string) error {
	err := v.store.DeleteText(v.ctx, name)
	if errors.Is(err, secret.ErrNotFound) {
		return nil
	}
	return err
}

// move takes the secrets of a session out of its file when they are to rest in
// the store. Never the other way: a child that does not know the setting must
// not put into a file what was kept out of it.
func (m *Manager) move(r *Route, name string, e *cache.Entry) error {
	if r.sessionStore == "" || e.Backend == r.sessionStore {
		return nil
	}
	return m.keep(r, name, e)
}

// unsealed says what keeps the store with the sessions shut.
func unsealed(err error) error {
	if err == nil {
		return nil
	}
	p := &Problem{
		Sentence: "cannot use the secret store that holds the sessions: " + err.Error(),
		Next:     fmt.Sprintf("open the store, or set %s of the profile to %s and run \"forcemfa sessions clear\"", SessionsSetting, inFiles),
		Err:      err,
	}
	var failed *secret.Error
	if errors.As(err, &failed) && failed.Next != "" {
		p.Next = failed.Next
	}
	return p
}
