package secret

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"forcemfa/internal/filefault"
)

// keyIDs lists which access key a store holds under a name, in a small file beside
// the store. A key's ID is no secret, and finds the session of the key without
// opening the store, which may require a passphrase.
type keyIDs struct {
	path  string // empty: none are kept
	place string // tells this store from others of the same machine
}

// get returns the ID of a key; empty if it is not known.
func (k keyIDs) get(name string) string {
	if k.path == "" {
		return ""
	}
	all, err := k.read()
	if err != nil {
		return ""
	}
	return all[k.place][name]
}

// set notes the ID of a key; the empty ID removes the note.
func (k keyIDs) set(ctx context.Context, name, id string) error {
	if k.path == "" || k.get(name) == id {
		return nil
	}
	unlock, err := lock(ctx, k.path)
	if err != nil {
		return err
	}
	defer unlock()
	all, err := k.read()
	if err != nil {
		all = map[string]map[string]string{} // damaged: it is only a list of what the stores hold
	}
	if all[k.place] == nil {
		all[k.place] = map[string]string{}
	}
	all[k.place][name] = id
	if id == "" {
		delete(all[k.place], name)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return writePrivate(k.path, text)
}

func (k keyIDs) read() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	text, err := filefault.Read(k.path, maxListFile)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	return all, err
}
