// Package secret is where long-lived access keys rest: OS keyring, encrypted file, password command.
//
// All backends keep the same rules: what Set stored Get gives back or says why
// not, a name that was never stored is [ErrNotFound], writes are whole and one
// at a time over all processes, and no secret is in a log, an error, an argument
// list or a file that is not encrypted.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"forcemfa/internal/filefault"
)

// A Text is a secret. It prints as a word that tells nothing, whatever prints
// it; [Text.Reveal] is the one way to it.
type Text struct{ s string }

// NewText makes a secret of a string.
func NewText(s string) Text { return Text{s} }

// Reveal is the secret itself.
func (t Text) Reveal() string { return t.s }

const redacted = "(secret)"

// String hides the secret.
func (Text) String() string { return redacted }

// Format hides the secret from every verb of fmt.
func (Text) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, redacted) }

// MarshalText hides the secret from encoders, JSON's included.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Keys are one long-lived access key of a user.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey Text
	Created         time.Time // when AWS made the key or, not knowing that, when it was stored
	Account, User   string    // empty when not known
}

// A Store holds keys by name; the name is a profile's.
type Store interface {
	// Get's error is ErrNotFound for a name that was not stored.
	Get(ctx context.Context, name string) (Keys, error)
	Set(ctx context.Context, name string, k Keys) error
	// Delete's error is ErrNotFound for a name that was not stored.
	Delete(ctx context.Context, name string) error
	// KeyID returns the ID of a stored key. It opens the store only if this
	// machine does not know the ID yet. The error is as of Get.
	KeyID(ctx context.Context, name string) (string, error)
	// List returns the sorted names of the keys.
	List(ctx context.Context) ([]string, error)

	// Text, SetText and DeleteText keep any other short secret, such as a
	// session, beside the keys; List does not tell them.
	Text(ctx context.Context, name string) (Text, error)
	SetText(ctx context.Context, name string, t Text) error
	DeleteText(ctx context.Context, name string) error

	// Backend is keyring, file, pass or memory.
	Backend() string
}

// ErrNotFound is a name that the store does not hold.
var ErrNotFound = errors.New("not in the secret store")

// An Error is what a backend could not do and what helps.
type Error struct {
	Backend string
	Op      string // "read", "write", "delete", "list"
	Err     error
	Next    string // the next step; may be empty
}

func (e *Error) Error() string { return fmt.Sprintf("%s the %s store: %v", e.Op, e.Backend, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// items are the texts of a backend by ID.
type items interface {
	backend() string
	read(ctx context.Context, id string) (string, error) // or ErrNotFound
	write(ctx context.Context, id, text string) error
	remove(ctx context.Context, id string) error // or ErrNotFound
	list(ctx context.Context) ([]string, error)  // sorted
}

type store struct {
	items items
	ids   keyIDs
}

const (
	keysPrefix = "keys/"
	textPrefix = "texts/"
)

// A record is how keys are written down, inside of what the backend protects.
type record struct {
	Version         int       `json:"version"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	Created         time.Time `json:"created,omitzero"`
	Account         string    `json:"account,omitempty"`
	User            string    `json:"user,omitempty"`
}

const recordVersion = 1

func (s *store) Backend() string { return s.items.backend() }

func (s *store) Get(ctx context.Context, name string) (Keys, error) {
	if err := checkName(name); err != nil {
		return Keys{}, err
	}
	text, err := s.items.read(ctx, keysPrefix+name)
	if err != nil {
		return Keys{}, s.wrap("read", name, err)
	}
	var r record
	// What the decoder says may quote the text, so it is left out.
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Version != recordVersion || r.AccessKeyID == "" || r.SecretAccessKey == "" {
		return Keys{}, &Error{s.Backend(), "read", fmt.Errorf("the value stored for %s is not a key of forcemfa", name), "import the key again"}
	}
	_ = s.ids.set(ctx, name, r.AccessKeyID) // without it, the next KeyID opens the store
	return Keys{r.AccessKeyID, NewText(r.SecretAccessKey), r.Created, r.Account, r.User}, nil
}

func (s *store) KeyID(ctx context.Context, name string) (string, error) {
	if id := s.ids.get(name); id != "" {
		return id, nil
	}
	k, err := s.Get(ctx, name)
	return k.AccessKeyID, err
}

func (s *store) Set(ctx context.Context, name string, k Keys) error {
	if err := checkName(name); err != nil {
		return err
	}
	if k.AccessKeyID == "" || k.SecretAccessKey.Reveal() == "" {
		return fmt.Errorf("store keys of %s: access key ID or secret access key is empty", name)
	}
	text, err := json.Marshal(record{recordVersion, k.AccessKeyID, k.SecretAccessKey.Reveal(), k.Created.UTC().Round(0), k.Account, k.User})
	if err != nil {
		return fmt.Errorf("store keys of %s: the keys cannot be encoded", name)
	}
	// A wrong ID would lead to the session of another key, so the old one goes first.
	if err := s.ids.set(ctx, name, ""); err != nil {
		return s.wrap("write", name, err)
	}
	if err := s.items.write(ctx, keysPrefix+name, string(text)); err != nil {
		return s.wrap("write", name, err)
	}
	_ = s.ids.set(ctx, name, k.AccessKeyID)
	return nil
}

func (s *store) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.ids.set(ctx, name, ""); err != nil {
		return s.wrap("delete from", name, err)
	}
	return s.wrap("delete from", name, s.items.remove(ctx, keysPrefix+name))
}

func (s *store) List(ctx context.Context) ([]string, error) {
	ids, err := s.items.list(ctx)
	if err != nil {
		return nil, s.wrap("list", "", err)
	}
	var names []string
	for _, id := range ids {
		if name, ok := strings.CutPrefix(id, keysPrefix); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func (s *store) Text(ctx context.Context, name string) (Text, error) {
	if err := checkName(name); err != nil {
		return Text{}, err
	}
	text, err := s.items.read(ctx, textPrefix+name)
	return Text{text}, s.wrap("read", name, err)
}

func (s *store) SetText(ctx context.Context, name string, t Text) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.wrap("write", name, s.items.write(ctx, textPrefix+name, t.Reveal()))
}

func (s *store) DeleteText(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.wrap("delete from", name, s.items.remove(ctx, textPrefix+name))
}

// wrap tells the backend and the operation once.
func (s *store) wrap(op, name string, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return fmt.Errorf("%s: %w (%s)", name, ErrNotFound, s.Backend())
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	}
	return &Error{s.Backend(), op, err, filefault.Next(err, "")}
}

// maxName keeps a name within what every keyring takes.
const maxName = 200

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("secret store: the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("secret store: the name is longer than %d bytes", maxName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("secret store: name %q: control characters are not allowed", name)
	}
	return nil
}
