package session

import (
	"context"
	"errors"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
)

// storedID returns the ID of the key in a profile's secret store, without opening
// the store if the ID is known; empty if the profile has no key there.
func (m *Manager) storedID(ctx context.Context, p awsfile.Profile) (string, error) {
	store, err := m.keyStore(p)
	if store == nil || err != nil {
		return "", err
	}
	id, err := store.KeyID(ctx, p.Name)
	if errors.Is(err, secret.ErrNotFound) {
		return "", nil
	}
	return id, err
}

func (m *Manager) keyStore(p awsfile.Profile) (secret.Store, error) {
	if m.KeyStore == nil {
		return nil, nil
	}
	return m.KeyStore(p)
}

// loadKey reads the secret of a route's long-lived key, once. It replaces a key ID
// that is out of date, and the device that was found for that key.
func (m *Manager) loadKey(ctx context.Context, r *Route) error {
	if r.Key.SecretAccessKey.Reveal() != "" {
		return nil
	}
	key, err := m.readKey(ctx, r)
	if err != nil {
		return err
	}
	if key.AccessKeyID != r.Key.AccessKeyID && !r.configured {
		r.Serial = ""
	}
	r.Key = key
	return nil
}

func (m *Manager) readKey(ctx context.Context, r *Route) (secret.Keys, error) {
	if r.KeyFrom == KeyFromSignIn {
		return secret.Keys{}, &Problem{Sentence: "profile " + r.Base + " has no access key: it signs in with a browser", Next: "run " + command("import", r.Base) + " to store a key for it"}
	}
	if r.KeyFrom == KeyFromProcess {
		key, err := m.runProcess(ctx, r.Base, r.keyProcess)
		if err == nil {
			_ = m.Cache.SetKeyID(processName(r.Base, r.keyProcess), key.AccessKeyID) // without it, the program runs again
		}
		return key, err
	}
	store, err := m.keyStore(r.keyProfile)
	if err != nil {
		return secret.Keys{}, err
	}
	if store == nil {
		return secret.Keys{}, &Problem{Sentence: "profile " + r.Base + " has no access key in a secret store", Next: "run " + command("import", r.Base)}
	}
	key, err := store.Get(ctx, r.Base)
	if errors.Is(err, secret.ErrNotFound) {
		return secret.Keys{}, &Problem{Sentence: "the access key of profile " + r.Base + " is no longer in the secret store", Next: "run " + command("import", r.Base), Err: err}
	}
	return key, err
}

// processName is the name in the cache of the key ID that a program printed.
func processName(profile string, words []string) string {
	return cache.Name("process", profile, strings.Join(words, "\x00"))
}
