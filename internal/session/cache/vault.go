package cache

import (
	"errors"
	"strings"
)

// A Vault keeps texts where reading a file does not give them away.
type Vault interface {
	// Get's error is ErrCold for a name that was not set.
	Get(name string) (string, error)
	Set(name, text string) error
	// Delete is content with a name that was not set.
	Delete(name string) error
}

// inVault is the name in the vault of an entry.
func inVault(name string) string { return "session-" + name }

// seal puts the secrets of an entry into the vault, if that is where it rests.
func (d Dir) seal(name string, e *Entry) error {
	if e.Backend == "" {
		return nil
	}
	v, err := d.vault(e.Backend)
	if err != nil {
		return err
	}
	var r record
	r.put("access_key_id", e.AccessKeyID)
	r.put("secret_access_key", e.SecretAccessKey)
	r.put("session_token", e.SessionToken)
	r.put("refresh_token", e.RefreshToken)
	r.put("proof_key", e.ProofKey)
	return v.Set(inVault(name), r.text())
}

// unseal gives an entry its secrets, if they rest in the vault. Those of
// another session are ErrCold: somebody was stopped while storing.
func (d Dir) unseal(name string, e *Entry) (*Entry, error) {
	if e.Backend == "" {
		return e, nil
	}
	v, err := d.vault(e.Backend)
	if err != nil {
		return nil, err
	}
	text, err := v.Get(inVault(name))
	if err != nil {
		return nil, err
	}
	// Password managers take away or add the newline at the end.
	r, err := parse(strings.TrimRight(text, "\r\n") + "\n")
	if err != nil {
		return nil, err
	}
	e.SecretAccessKey, e.SessionToken = r.get("secret_access_key"), r.get("session_token")
	e.RefreshToken, e.ProofKey = r.get("refresh_token"), r.get("proof_key")
	if r.get("access_key_id") != e.AccessKeyID || !e.whole() {
		return nil, ErrCold
	}
	return e, nil
}

// discard forgets the secrets of an entry that rested in a vault.
func (d Dir) discard(name, backend string) error {
	if backend == "" || d.Vault == nil {
		return nil
	}
	v, err := d.vault(backend)
	if err != nil {
		return err
	}
	return v.Delete(inVault(name))
}

func (d Dir) vault(backend string) (Vault, error) {
	if d.Vault == nil {
		return nil, ErrCold
	}
	return d.Vault(backend)
}

// Ready opens the vault of a backend and reads in it, so that what is wrong
// with it is known before there is a session to keep.
func (d Dir) Ready(backend, name string) error {
	if backend == "" {
		return nil
	}
	v, err := d.vault(backend)
	if err == nil {
		_, err = v.Get(inVault(name))
	}
	if errors.Is(err, ErrCold) {
		return nil
	}
	return err
}
