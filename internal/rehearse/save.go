package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/filefault"
	"forcemfa/internal/org"
)

// SecretsOf is the name of the file with the secrets of a saved snapshot.
func SecretsOf(name string) string { return name + ".secrets" }

// Save writes the state of the embedded AWS as a snapshot that [OpenSandbox] reads: the
// organization and the IAM of its accounts, as far as a snapshot has them. Sessions and
// the resources of other services are not part of it. Requests go on meanwhile.
func (b *Sandbox) Save(snapshot io.Writer) error {
	w := b.copy()
	header, accounts := w.Snapshot(b.Cloud.Now())
	header.Accounts = len(w.Accounts())
	return org.Write(snapshot, header, accounts)
}

// SaveSecrets writes the secrets that a snapshot must not contain, as JSON: with them the
// same access keys, passwords and MFA devices work after [Sandbox.LoadSecrets].
func (b *Sandbox) SaveSecrets(out io.Writer) error {
	return json.NewEncoder(out).Encode(b.copy().Secrets())
}

// mostSecrets is more than the secrets of a million users take.
const mostSecrets = 1 << 30

// LoadSecrets reads the file of secrets that belongs to a snapshot file, if there is one.
func (b *Sandbox) LoadSecrets(snapshot string) error {
	name := SecretsOf(snapshot)
	text, err := filefault.Read(name, mostSecrets)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var secrets world.Secrets
	if err := json.Unmarshal(text, &secrets); err != nil {
		return fmt.Errorf("read secrets %s: %w", name, err)
	}
	b.Cloud.Update(func(w *world.World) { err = w.SetSecrets(secrets) })
	if err != nil {
		return fmt.Errorf("read secrets %s: %w", name, err)
	}
	return nil
}

// copy returns the world as it is now.
func (b *Sandbox) copy() (w *world.World) {
	b.Cloud.View(func(now *world.World) { w = now.Fork() })
	return w
}
