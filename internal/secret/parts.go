package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// partSize is the size of an item that every keyring takes: the Credential Manager
// of Windows takes 2,560 bytes, and go-keyring 4,096 of a command for the Keychain,
// in Base64. Sources: the limits of github.com/zalando/go-keyring.
const partSize = 2000

// A parted text is longer than an item of the keyring. Its item is a line with the
// number of parts and their checksum, which is also in the names of the parts:
// a reader finds the old text or the new one, whenever a writer is stopped.
type parted struct {
	n   int
	sum string
}

const partedPrefix = "forcemfa-parts"

func partedOf(item string) (p parted, ok bool) {
	n, err := fmt.Sscanf(item, partedPrefix+" %d %64s", &p.n, &p.sum)
	return p, err == nil && n == 2 && p.n > 0
}

func (p parted) String() string { return fmt.Sprintf("%s %d %s", partedPrefix, p.n, p.sum) }

func (p parted) name(id string, i int) string { return fmt.Sprintf("%s#%.16s.%d", id, p.sum, i) }

func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// split cuts a text into parts, at the beginning of a character.
func split(text string) []string {
	var parts []string
	for len(text) > partSize {
		at := partSize
		for at > 1 && !utf8.RuneStart(text[at]) {
			at--
		}
		parts, text = append(parts, text[:at]), text[at:]
	}
	return append(parts, text)
}

// writeParts stores a text of any length and then removes the parts of the old one.
func writeParts(ctx context.Context, id, text string) error {
	before, _ := readItem(ctx, id)
	old, wasParted := partedOf(before)
	item, sum := text, ""
	if len(text) > partSize || strings.HasPrefix(text, partedPrefix) {
		parts := split(text)
		now := parted{len(parts), checksum(text)}
		item, sum = now.String(), now.sum
		for i, part := range parts {
			if err := writeItem(ctx, now.name(id, i), part); err != nil {
				return err
			}
		}
	}
	if err := writeItem(ctx, id, item); err != nil {
		return err
	}
	if wasParted && old.sum != sum {
		_ = removeParts(ctx, id, old) // the new text is stored
	}
	return nil
}

// readParts reads a text; one with a missing part was replaced meanwhile, so it is
// read once more.
func readParts(ctx context.Context, id string) (string, error) {
	for range 2 {
		item, err := readItem(ctx, id)
		p, ok := partedOf(item)
		if err != nil || !ok {
			return item, err
		}
		text, err := joinParts(ctx, id, p)
		if err == nil && checksum(text) == p.sum {
			return text, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return "", err
		}
	}
	return "", ErrNotFound
}

func joinParts(ctx context.Context, id string, p parted) (string, error) {
	var text strings.Builder
	for i := range p.n {
		part, err := readItem(ctx, p.name(id, i))
		if err != nil {
			return "", err
		}
		text.WriteString(part)
	}
	return text.String(), nil
}

// deleteParts removes a text and its parts.
func deleteParts(ctx context.Context, id string) error {
	item, _ := readItem(ctx, id)
	err := removeItem(ctx, id)
	if p, ok := partedOf(item); ok && err == nil {
		return removeParts(ctx, id, p)
	}
	return err
}

func removeParts(ctx context.Context, id string, p parted) error {
	var failed error
	for i := range p.n {
		if err := removeItem(ctx, p.name(id, i)); err != nil && !errors.Is(err, ErrNotFound) {
			failed = err
		}
	}
	return failed
}
