package accesskey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"forcemfa/internal/filefault"
	"forcemfa/internal/secret"
)

// A sealed is how a tool encrypts the files of its keys. aws-vault and granted use the
// same library for that.
type sealed struct {
	tool       string
	folder     string // the setting that names the folder
	passphrase string // the variable with the passphrase; empty: none
	getenv     func(string) string
	ask        func(ctx context.Context, question string) (string, error)
}

// sealedSize is more than any key takes.
const sealedSize = 1 << 16

// sealedPath is the path of a profile's key. A profile may have a slash in its name.
func sealedPath(home, dir, profile string) string {
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		dir = filepath.Join(home, rest)
	}
	return filepath.Join(dir, strings.NewReplacer("%", "%25", "/", "%2F").Replace(profile))
}

func readSealed(path string) ([]byte, error) {
	return filefault.Read(path, sealedSize)
}

// open decrypts a file: a JWE whose key is derived from the passphrase.
// Source: RFC 7518, sections 4.8 and 5.3.
func (s sealed) open(ctx context.Context, path string, text []byte, profile string) (*Found, error) {
	token, err := jose.ParseEncryptedCompact(string(bytes.TrimSpace(text)), []jose.KeyAlgorithm{jose.PBES2_HS256_A128KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, withNext(fmt.Errorf("%s is not a key of %s", path, s.tool), s.folder+" names the folder with its keys")
	}
	plain, err := s.decrypt(ctx, path, token)
	if err != nil {
		return nil, err
	}
	var item struct{ Data []byte }
	var key struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	if json.Unmarshal(plain, &item) != nil || json.Unmarshal(item.Data, &key) != nil {
		return nil, fmt.Errorf("%s does not hold an access key", path)
	}
	return storedKey(s.tool, key.AccessKeyID, key.SecretAccessKey, key.SessionToken, profile)
}

func (s sealed) decrypt(ctx context.Context, path string, token *jose.JSONWebEncryption) ([]byte, error) {
	passphrase, set, correct := "", "", ""
	if s.passphrase != "" {
		passphrase, set, correct = s.getenv(s.passphrase), "set "+s.passphrase+", or ", ", or correct "+s.passphrase
	}
	if passphrase == "" {
		if s.ask == nil {
			return nil, withNext(fmt.Errorf("the keys of %s have a passphrase, and there is no terminal to prompt for it", s.tool), set+"run it in a terminal")
		}
		var err error
		if passphrase, err = s.ask(ctx, fmt.Sprintf("Passphrase of %s for %s: ", s.tool, filepath.Dir(path))); err != nil {
			return nil, err
		}
	}
	plain, err := token.Decrypt([]byte(passphrase))
	if err != nil {
		return nil, withNext(fmt.Errorf("%s: the passphrase is wrong, or the file is damaged", path), "enter the passphrase of "+s.tool+correct)
	}
	return plain, nil
}

// storedKey is a key that another tool keeps.
func storedKey(tool, id, text, token, profile string) (*Found, error) {
	if token != "" {
		return nil, withNext(fmt.Errorf("%s gives temporary credentials for profile %s: only long-lived keys go into the store", tool, profile), "name the profile of the user, without a role")
	}
	if id == "" {
		return nil, errors.New(tool + " has no access key of profile " + profile)
	}
	return &Found{
		Keys: secret.Keys{AccessKeyID: id, SecretAccessKey: secret.NewText(text)},
		Rest: fmt.Sprintf("%s, as %s: remove it there once everything works", tool, profile),
	}, nil
}
