package world

import (
	"encoding/base32"
	"fmt"
)

// Secrets are what a snapshot must not contain and a client needs to go on with a loaded
// world: without them, keys, passwords and devices are as [Load] generated them.
type Secrets struct {
	Keys      map[string]string            `json:"keys"`      // secret access keys by access key ID
	Passwords map[string]map[string]string `json:"passwords"` // by account and user
	Seeds     map[string]string            `json:"seeds"`     // in base 32, by serial number
}

var base32Seed = base32.StdEncoding.WithPadding(base32.NoPadding)

// Secrets returns the secrets of all users and devices.
func (w *World) Secrets() Secrets {
	s := Secrets{Keys: map[string]string{}, Passwords: map[string]map[string]string{}, Seeds: map[string]string{}}
	for _, id := range w.Accounts() {
		a := w.Account(id)
		passwords := map[string]string{}
		for _, u := range a.Users {
			for _, k := range u.Keys {
				s.Keys[k.ID] = k.Secret
			}
			if u.Login != nil {
				passwords[u.Name] = u.Login.Password
			}
		}
		if len(passwords) > 0 {
			s.Passwords[id] = passwords
		}
		for serial, d := range a.Devices {
			if len(d.Seed) > 0 {
				s.Seeds[serial] = base32Seed.EncodeToString(d.Seed)
			}
		}
	}
	return s
}

// SetSecrets replaces the secrets of the users and devices that the world has. The error
// names a seed that is not base 32; then nothing is changed.
func (w *World) SetSecrets(s Secrets) error {
	seeds := map[string][]byte{}
	for serial, text := range s.Seeds {
		seed, err := base32Seed.DecodeString(text)
		if err != nil || len(seed) == 0 {
			return fmt.Errorf("the seed of %s is not base 32", serial)
		}
		seeds[serial] = seed
	}
	for _, id := range w.Accounts() {
		w.setSecrets(w.Edit(id), s, seeds)
	}
	return nil
}

func (w *World) setSecrets(a *Account, s Secrets, seeds map[string][]byte) {
	for _, u := range a.Users {
		for _, k := range u.Keys {
			if secret := s.Keys[k.ID]; secret != "" {
				k.Secret = secret
			}
		}
		if password := s.Passwords[a.ID][u.Name]; password != "" && u.Login != nil {
			u.Login.Password = password
		}
	}
	for serial, d := range a.Devices {
		if seed := seeds[serial]; seed != nil {
			d.Seed = seed
		}
	}
}
