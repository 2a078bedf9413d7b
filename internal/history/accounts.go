package history

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/natefinch/atomic"

	"forcemfa/internal/audit"
	"forcemfa/internal/bounded"
	"forcemfa/internal/filefault"
	"forcemfa/internal/filelock"
	"forcemfa/internal/fleet"
	"forcemfa/internal/run"
	"forcemfa/policy/arn"
)

const (
	accountsFormat = 1
	accountsName   = "accounts.json"
	accountsLock   = "accounts.lock"
	accountsSize   = 16 << 20 // bytes; an organization has at most some ten thousand accounts
	lockPatience   = 10 * time.Second
)

// Accounts are the accounts that the runs of an organization listed, in a file beside the
// saved runs. A run alone cannot know that an account left. The file is untrusted input.
type Accounts struct {
	name         string // of the file
	organization string
	known        map[string]known
}

// A known is an account of the file.
type known struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`
	Seen     time.Time `json:"seen"` // by the last run that listed it
	Users    int       `json:"users,omitempty"`
	Read     time.Time `json:"read,omitzero"`     // when its users were counted
	Departed time.Time `json:"departed,omitzero"` // when a run did not list it any more
}

type accountsFile struct {
	Format       int     `json:"format"`
	Organization string  `json:"organization"`
	Accounts     []known `json:"accounts"`
}

// OpenAccounts reads the accounts of earlier runs of an organization, below a directory
// for all of them. There are none if the file does not exist.
func OpenAccounts(parent string, h *run.Head) (*Accounts, error) {
	dir, err := Dir(parent, h)
	if err != nil {
		return nil, err
	}
	a := &Accounts{name: filepath.Join(dir, accountsName), organization: h.Organization}
	a.known, err = a.read()
	return a, err
}

func (a *Accounts) read() (map[string]known, error) {
	text, err := readRegular(a.name)
	if errors.Is(err, os.ErrNotExist) {
		return map[string]known{}, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := parseAccounts(text, a.organization)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.name, err)
	}
	return all, nil
}

// readRegular reads a file that is neither a link, a pipe nor a device, up to a limit.
func readRegular(name string) ([]byte, error) {
	file, info, err := filefault.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if at, err := os.Lstat(name); err != nil || !os.SameFile(at, info) {
		return nil, fmt.Errorf("%s: is not a regular file", name)
	}
	text, err := bounded.ReadAll(file, accountsSize)
	if errors.Is(err, bounded.ErrTooLarge) {
		err = fmt.Errorf("%s: is larger than %d MiB", name, accountsSize>>20)
	}
	return text, err
}

func parseAccounts(text []byte, organization string) (map[string]known, error) {
	var format struct{ Format int }
	if err := json.Unmarshal(text, &format); err != nil {
		return nil, fmt.Errorf("is not a list of accounts: %w", err)
	}
	if format.Format != accountsFormat {
		return nil, fmt.Errorf("has format %d; this version reads format %d", format.Format, accountsFormat)
	}
	var file accountsFile
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&file); err != nil {
		return nil, fmt.Errorf("is not a list of accounts: %w", err)
	}
	if file.Organization != organization {
		return nil, fmt.Errorf("is about the organization %q, not %s", file.Organization, organization)
	}
	all := make(map[string]known, len(file.Accounts))
	for _, k := range file.Accounts {
		if err := k.check(); err != nil {
			return nil, err
		}
		if _, twice := all[k.ID]; twice {
			return nil, fmt.Errorf("has the account %s twice", k.ID)
		}
		all[k.ID] = k
	}
	return all, nil
}

func (k *known) check() error {
	switch {
	case !arn.IsAccountID(k.ID):
		return fmt.Errorf("%q is not an account ID of 12 digits", k.ID)
	case k.Users < 0 || k.Users > 0 && k.Read.IsZero():
		return fmt.Errorf("account %s: %d users, read at %s", k.ID, k.Users, k.Read.Format(time.RFC3339))
	case k.Seen.IsZero():
		return fmt.Errorf("account %s: no time when it was listed", k.ID)
	case len(k.Name) > 256:
		return fmt.Errorf("account %s: a name of %d bytes", k.ID, len(k.Name))
	}
	return nil
}

// Departed are the accounts that earlier runs listed and that are not listed now, by ID.
// Without a list, they are those that an earlier run found missing.
func (a *Accounts) Departed(listed []fleet.Listed, now time.Time) []audit.Departure {
	here := byID(listed)
	var gone []audit.Departure
	for _, k := range a.known {
		if _, back := here[k.ID]; back || k.Departed.IsZero() && listed == nil {
			continue
		}
		if k.Departed.IsZero() {
			k.Departed = now
		}
		gone = append(gone, audit.Departure{Account: k.ID, Name: k.Name, Seen: k.Seen, Users: k.Users, Read: k.Read, Noticed: k.Departed})
	}
	slices.SortFunc(gone, func(x, y audit.Departure) int { return cmp.Compare(x.Account, y.Account) })
	return gone
}

func byID(listed []fleet.Listed) map[string]fleet.Listed {
	here := make(map[string]fleet.Listed, len(listed))
	for _, l := range listed {
		here[l.ID] = l
	}
	return here
}

// Update adds what a run listed at the time now, with the numbers of users of the
// accounts that it read. An account that another run has added since [OpenAccounts] did
// not depart. Without a list nothing changes.
func (a *Accounts) Update(ctx context.Context, listed []fleet.Listed, users map[string]int, now time.Time) error {
	if listed == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(a.name), 0o700); err != nil {
		return err
	}
	release, err := filelock.Take(ctx, filepath.Join(filepath.Dir(a.name), accountsLock), lockPatience)
	if err != nil {
		return err
	}
	defer release()
	stored, err := a.read()
	if err != nil {
		return err
	}
	a.merge(stored, byID(listed), users, now.UTC())
	return a.write(stored)
}

// merge changes the stored accounts to what is known at the time now. A time in the
// future is one of a wrong clock.
func (a *Accounts) merge(stored map[string]known, here map[string]fleet.Listed, users map[string]int, now time.Time) {
	for id, k := range stored {
		if _, listed := here[id]; listed {
			continue
		}
		if before, had := a.known[id]; k.Departed.IsZero() && had && before.Seen.Equal(k.Seen) || k.Departed.After(now) {
			k.Departed = now
			stored[id] = k
		}
	}
	for id, l := range here {
		k := stored[id]
		if l.Closing {
			delete(stored, id) // it will not be listed when it is closed
			continue
		}
		k.ID, k.Name, k.Seen, k.Departed = id, l.Name, now, time.Time{}
		if n, read := users[id]; read {
			k.Users, k.Read = n, now
		}
		stored[id] = k
	}
}

// write replaces the file: the old one stays whole until the new one is on disk.
func (a *Accounts) write(all map[string]known) error {
	file := accountsFile{Format: accountsFormat, Organization: a.organization, Accounts: []known{}}
	for _, k := range all {
		file.Accounts = append(file.Accounts, k)
	}
	slices.SortFunc(file.Accounts, func(x, y known) int { return cmp.Compare(x.ID, y.ID) })
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	if err := os.Chmod(a.name, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // the new file gets the mode of the old one
	}
	return atomic.WriteFile(a.name, bytes.NewReader(append(text, '\n')))
}
