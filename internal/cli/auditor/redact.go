package auditor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"forcemfa/internal/cli/command"
)

// leastRedactKey is how many bytes the key of --redact has at least: as many as its hash.
const leastRedactKey = 32

// redactKey is the key in a file, which is made if it does not exist.
func redactKey(name string) ([]byte, error) {
	key, err := readSmall(name)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, leastRedactKey)
		_, _ = rand.Read(key) // never fails
		return key, writeNew(name, key, 0o600)
	}
	switch {
	case err != nil:
		return nil, command.FileError("read the key for --redact", err)
	case len(key) < leastRedactKey:
		return nil, command.WithHint(fmt.Errorf("%s has %d bytes: a key for --redact has at least %d", name, len(key), leastRedactKey), "name a file that does not exist, and it is made")
	}
	return key, nil
}
