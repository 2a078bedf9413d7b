package secret

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/zalando/go-keyring"
)

// keyringService is under what name the keyring shows our items.
const keyringService = "forcemfa"

// keyringWait is how long the keyring may take, with a person who unlocks it.
const keyringWait = 2 * time.Minute

// An osKeyring is Keychain, the Credential Manager or the Secret Service. It
// cannot list, so the names are kept beside it.
type osKeyring struct{ names names }

func newKeyring(dir string) *osKeyring {
	return &osKeyring{names{filepath.Join(dir, "keyring-names.json")}}
}

func (*osKeyring) backend() string { return Keyring }

func (*osKeyring) read(ctx context.Context, id string) (string, error) { return readParts(ctx, id) }

func (k *osKeyring) write(ctx context.Context, id, text string) error {
	return k.names.change(ctx, id, true, func() error { return writeParts(ctx, id, text) })
}

func (k *osKeyring) remove(ctx context.Context, id string) error {
	return k.names.change(ctx, id, false, func() error { return deleteParts(ctx, id) })
}

func readItem(ctx context.Context, id string) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got, err := within(ctx, func() answer {
		text, err := keyring.Get(keyringService, id)
		return answer{text, err}
	})
	if err != nil {
		return "", keyringError("read", err)
	}
	return got.text, keyringError("read", got.err)
}

func writeItem(ctx context.Context, id, text string) error {
	got, err := within(ctx, func() error { return keyring.Set(keyringService, id, text) })
	return keyringError("write", errors.Join(err, got))
}

func removeItem(ctx context.Context, id string) error {
	got, err := within(ctx, func() error { return keyring.Delete(keyringService, id) })
	return keyringError("delete from", errors.Join(err, got))
}

func (k *osKeyring) list(context.Context) ([]string, error) { return k.names.list() }

// within gives up waiting for a keyring that does not answer.
func within[T any](ctx context.Context, do func() T) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	got := make(chan T, 1)
	go func() { got <- do() }()
	select {
	case answer := <-got:
		return answer, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func keyringError(op string, err error) error {
	const other = "where there is no keyring, such as over SSH, set " + BackendVariable + "=" + File + " for an encrypted file"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Keyring, op, errors.New("it did not answer"), "unlock the keyring; " + other}
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return &Error{Keyring, op, err, "set " + BackendVariable + "=" + File + " for an encrypted file"}
	}
	return &Error{Keyring, op, err, other}
}
