package cache

const keyIDSuffix = ".key"

// KeyID returns the ID of the long-lived key that a program printed before; empty if
// it is not known. The ID is no secret, and finds the session of the key.
func (d Dir) KeyID(name string) string {
	r, err := d.read(name + keyIDSuffix)
	if err != nil {
		return ""
	}
	return r.get("key_id")
}

// SetKeyID notes the ID of a long-lived key.
func (d Dir) SetKeyID(name, id string) error {
	return d.write(name+keyIDSuffix, record{{"key_id", id}})
}

// clearKeyIDs removes all notes of key IDs.
func (d Dir) clearKeyIDs() error {
	names, err := d.names(keyIDSuffix)
	for _, name := range names {
		if gone := d.remove(name + keyIDSuffix); err == nil {
			err = gone
		}
	}
	return err
}
