package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"filippo.io/age"

	"forcemfa/internal/filefault"
)

// An ageFile is one file for all items, encrypted with a passphrase as age(1)
// does: scrypt, ChaCha20-Poly1305. "age -d" opens it too.
type ageFile struct {
	path       string
	ask        func(ctx context.Context, question string) (string, error)
	passphrase string // once known
	given      bool   // by the environment: not asked for again
	workFactor int    // log2 of scrypt's N
}

// workFactor is age's own default: about a second of one core of 2020. A file
// that asks for more than maxWorkFactor was not written by us, and would only
// burn time.
const (
	workFactor    = 18
	minWorkFactor = 12
	maxWorkFactor = 20
	maxAgeFile    = 16 << 20
)

func newAgeFile(c Config) (*ageFile, error) {
	a := &ageFile{path: c.Path, ask: c.Ask, passphrase: c.Passphrase.Reveal(), workFactor: workFactor}
	a.given = a.passphrase != ""
	if a.path == "" {
		a.path = filepath.Join(c.Dir, "keys.age")
	}
	if c.WorkFactor != "" {
		n, err := strconv.Atoi(c.WorkFactor)
		if err != nil || n < minWorkFactor || n > maxWorkFactor {
			return nil, fmt.Errorf("%s %q: want a number from %d to %d", WorkVariable, c.WorkFactor, minWorkFactor, maxWorkFactor)
		}
		a.workFactor = n
	}
	return a, nil
}

func (*ageFile) backend() string { return File }

func (a *ageFile) read(ctx context.Context, id string) (string, error) {
	all, err := a.open(ctx)
	if err != nil {
		return "", err
	}
	text, ok := all[id]
	if !ok {
		return "", ErrNotFound
	}
	return text, nil
}

func (a *ageFile) list(ctx context.Context) ([]string, error) {
	all, err := a.open(ctx)
	return slices.Sorted(maps.Keys(all)), err
}

func (a *ageFile) write(ctx context.Context, id, text string) error {
	return a.change(ctx, func(all map[string]string) error {
		all[id] = text
		return nil
	})
}

func (a *ageFile) remove(ctx context.Context, id string) error {
	return a.change(ctx, func(all map[string]string) error {
		if _, ok := all[id]; !ok {
			return ErrNotFound
		}
		delete(all, id)
		return nil
	})
}

// errPassphrase is a passphrase that does not open the file.
var errPassphrase = errors.New("wrong passphrase")

// maxAsks is how often a person may mistype the passphrase.
const maxAsks = 3

// open decrypts what the file holds; nothing when there is no file.
func (a *ageFile) open(ctx context.Context) (map[string]string, error) {
	for asked := 1; ; asked++ {
		text, err := a.bytes()
		if text == nil || err != nil {
			return map[string]string{}, err
		}
		if err := a.need(ctx, false); err != nil {
			return nil, err
		}
		all, err := a.decrypt(text)
		if !a.again(err, asked) {
			return all, err
		}
	}
}

// again tells whether to ask for another passphrase.
func (a *ageFile) again(err error, asked int) bool {
	if !errors.Is(err, errPassphrase) || a.given || asked >= maxAsks {
		return false
	}
	a.passphrase = ""
	return true
}

// change asks first and locks then, so that nobody waits for a person.
func (a *ageFile) change(ctx context.Context, edit func(map[string]string) error) error {
	for asked := 1; ; asked++ {
		text, err := a.bytes()
		if err != nil {
			return err
		}
		if err := a.need(ctx, text == nil); err != nil {
			return err
		}
		if err := a.locked(ctx, edit); !a.again(err, asked) {
			return err
		}
	}
}

func (a *ageFile) locked(ctx context.Context, edit func(map[string]string) error) error {
	unlock, err := lock(ctx, a.path)
	if err != nil {
		return err
	}
	defer unlock()
	all := map[string]string{}
	text, err := a.bytes()
	if err != nil {
		return err
	}
	if text != nil {
		if all, err = a.decrypt(text); err != nil {
			return err
		}
	}
	if err := edit(all); err != nil {
		return err
	}
	sealed, err := a.encrypt(all)
	if err != nil {
		return err
	}
	return writePrivate(a.path, sealed)
}

// bytes is nil when there is no file.
func (a *ageFile) bytes() ([]byte, error) {
	text, err := filefault.Read(a.path, maxAgeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("%s is empty, so it is damaged; restore a backup or remove it", a.path)
	}
	return text, nil
}

// need asks for the passphrase if it is not known; for a new file twice, because
// a mistyped one would lose the keys.
func (a *ageFile) need(ctx context.Context, new bool) error {
	if a.passphrase != "" {
		return nil
	}
	next := "run it in a terminal, or set " + PassphraseVariable
	if a.ask == nil {
		return &Error{File, "open", errors.New("there is no terminal to prompt for the passphrase"), next}
	}
	question := fmt.Sprintf("Passphrase for %s: ", a.path)
	if new {
		question = fmt.Sprintf("New passphrase for %s: ", a.path)
	}
	first, err := a.ask(ctx, question)
	if err != nil {
		return &Error{File, "open", fmt.Errorf("ask for the passphrase: %w", err), next}
	}
	if first == "" {
		return &Error{File, "open", errors.New("the passphrase is empty"), "choose a passphrase"}
	}
	if new {
		second, err := a.ask(ctx, "The same passphrase again: ")
		if err != nil {
			return &Error{File, "open", fmt.Errorf("ask for the passphrase: %w", err), next}
		}
		if first != second {
			return &Error{File, "open", errors.New("the passphrases are different"), "run it again; nothing was written"}
		}
	}
	a.passphrase = first
	return nil
}

func (a *ageFile) decrypt(sealed []byte) (map[string]string, error) {
	identity, err := age.NewScryptIdentity(a.passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	plain, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, &Error{File, "open", fmt.Errorf("%s: %w", a.path, errPassphrase), "try again, or restore a backup"}
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is damaged or is not an age file: %w", a.path, err)
	}
	all := map[string]string{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s does not contain keys", a.path)
	}
	return all, nil
}

func (a *ageFile) encrypt(all map[string]string) ([]byte, error) {
	text, err := json.Marshal(all)
	if err != nil {
		return nil, errors.New("the keys cannot be encoded")
	}
	recipient, err := age.NewScryptRecipient(a.passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(a.workFactor)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}
