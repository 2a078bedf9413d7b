// Package accesskey reads long-lived access keys from files and the environment,
// moves them into a secret store, and keeps the new key of a rotation. A key is
// removed from a file only after AWS accepted the stored copy.
package accesskey

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/filefault"
	"forcemfa/internal/profiles"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A Move stores a key and removes it from its file.
type Move struct {
	Settings session.KeySettings // profile of the key, and how AWS is called
	Store    secret.Store
	Now      func() time.Time
	Process  string // credential_process for the profile; empty: none
	Keep     bool   // leave the key in the file
	Backup   string // path of a copy of the file; empty: none
}

// Moved is the result of a move.
type Moved struct {
	Profile     string `json:"profile"`
	AccessKeyID string `json:"access_key_id"`
	Account     string `json:"account"`
	User        string `json:"user"`
	Backend     string `json:"backend"`
	Stored      bool   `json:"stored"` // false: the store had it already
	RemovedFrom string `json:"removed_from,omitempty"`
	StillIn     string `json:"still_in,omitempty"`
	Backup      string `json:"backup,omitempty"`
	Config      string `json:"config,omitempty"` // the file whose profile was changed
}

// CheckProfile returns an error for the profile of a role, which cannot hold a
// key.
func CheckProfile(files *awsfile.Files, profile string) error {
	p, err := files.Profile(profile)
	if err != nil || p.Get("role_arn") == "" {
		return nil
	}
	s, _ := p.Setting("role_arn")
	return withNext(fmt.Errorf("%s: profile %s is a role, and SDKs ignore a credential_process beside a role_arn", s.Origin, profile),
		"give the key a profile of its own and name that as source_profile of "+profile)
}

// Same reports whether two keys are equal, whatever else is known of them.
func Same(a, b secret.Keys) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey
}

// Run stores the key, proves that the stored copy works, changes the profile,
// and only then removes the key from its file. The store holds have so far; the
// zero value is none.
func (m *Move) Run(ctx context.Context, found *Found, have secret.Keys) (Moved, error) {
	r := Moved{Profile: m.Settings.Profile, AccessKeyID: found.Keys.AccessKeyID, Backend: m.Store.Backend()}
	who, err := m.Settings.Identify(ctx, found.Keys)
	if err != nil {
		return r, session.ExplainKey(fmt.Errorf("try the key: %w", err))
	}
	found.Keys.Account, found.Keys.User = who.Account, who.User
	r.Account, r.User = who.Account, who.User
	if !Same(have, found.Keys) {
		found.Keys.Created = m.Now()
		if err := m.Store.Set(ctx, r.Profile, found.Keys); err != nil {
			return r, err
		}
		r.Stored = true
	}
	if err := m.prove(ctx, found); err != nil {
		return r, m.stopped(fmt.Errorf("%w; the key was left where it was", err), "", "repair the store")
	}
	if err := m.mark(&r); err != nil {
		return r, err
	}
	return r, m.clean(found, &r)
}

// stopped is an error after which import can be run again. An error of the file system
// has its own remedy; the others have the usual one.
func (m *Move) stopped(err error, state, usual string) error {
	remedy := strings.TrimSuffix(cmp.Or(filefault.Next(err, ""), usual), ", and run it again")
	return withNext(err, fmt.Sprintf("%s%s, then run \"forcemfa import %s\" again", state, remedy, awsfile.Argument(m.Settings.Profile)))
}

// prove reads the key back from the store and calls AWS with the copy.
func (m *Move) prove(ctx context.Context, found *Found) error {
	copied, err := m.Store.Get(ctx, m.Settings.Profile)
	if err != nil {
		return fmt.Errorf("read the stored key back: %w", err)
	}
	if !Same(copied, found.Keys) {
		return fmt.Errorf("the %s store gives back another key than it was given", m.Store.Backend())
	}
	if _, err := m.Settings.Identify(ctx, copied); err != nil {
		return fmt.Errorf("try the stored key: %w", err)
	}
	return nil
}

// mark writes the name of the store into the profile before the key is removed
// from the file: a run that is killed in between leaves a profile that works.
func (m *Move) mark(r *Moved) error {
	path := m.Settings.Files.Config.Path
	changed := false
	err := awsfile.Edit(path, func(f *awsfile.File) error {
		before := f.Bytes()
		err := m.markProfile(f)
		changed = !bytes.Equal(before, f.Bytes())
		return err
	})
	if err != nil {
		return m.stopped(err, "the key is in the store and was left where it was; ", "correct the file")
	}
	if changed {
		r.Config = path
	}
	return nil
}

// markProfile writes the name of the store, and the credential_process.
func (m *Move) markProfile(f *awsfile.File) error {
	if err := f.Set(awsfile.ConfigSection(m.Settings.Profile), session.StoreSetting, m.Store.Backend()); err != nil || m.Process == "" {
		return err
	}
	return profiles.SetProcess(f, m.Settings.Profile, m.Process)
}

// After returns the AWS files as Run will leave them, and changes nothing.
func (m *Move) After(found *Found) (*awsfile.Files, error) {
	files := m.Settings.Files
	after := &awsfile.Files{Config: awsfile.Parse(files.Config.Path, files.Config.Bytes()), Credentials: awsfile.Parse(files.Credentials.Path, files.Credentials.Bytes())}
	if err := m.markProfile(after.Config); err != nil || m.Keep {
		return after, err
	}
	for _, f := range []*awsfile.File{after.Config, after.Credentials} {
		if f.Path == found.Path {
			found.remove(f)
		}
	}
	return after, nil
}

// clean removes the key from the file if it is still the key that was stored.
func (m *Move) clean(found *Found, r *Moved) error {
	if m.Keep || found.Path == "" {
		r.StillIn = found.Rest
		if m.Keep {
			r.StillIn = found.Path
		}
		return nil
	}
	if m.Backup != "" {
		if err := backUp(found.Path, m.Backup); err != nil {
			return m.stopped(err, "the key is in the store and still in "+found.Path+"; ", "name another --backup file")
		}
		r.Backup = m.Backup
	}
	err := awsfile.Edit(found.Path, func(f *awsfile.File) error {
		if err := found.unchanged(f); err != nil {
			return err
		}
		found.remove(f)
		return nil
	})
	if err != nil {
		return m.stopped(err, "the key is in the store and still in "+found.Path+"; ", "correct the file")
	}
	r.RemovedFrom = found.Path
	return nil
}

// CheckBackup returns an error for a backup file that exists already.
func CheckBackup(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return withNext(fmt.Errorf("backup to %s: the file exists already", path), "name a new file")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return filefault.Error("backup to", err)
	}
	return nil
}

// maxSettings is more than any file of AWS settings holds.
const maxSettings = 16 << 20

// backUp copies a file to a new one that only its owner can read.
func backUp(from, to string) error {
	text, err := filefault.Read(from, maxSettings)
	if err != nil {
		return filefault.Error("backup of", err)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return filefault.Error("backup to", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return filefault.Error("backup to", err)
	}
	return nil
}
