package accesskey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"forcemfa/internal/filefault"
	"forcemfa/internal/secret"
)

// An AWSVault is where aws-vault keeps its keys, and how they are opened.
type AWSVault struct {
	Getenv func(string) string
	Home   string
	// Ask prompts for the passphrase of its files; nil: there is nobody to ask.
	Ask func(ctx context.Context, question string) (string, error)
}

const (
	vaultProgram    = "aws-vault"
	vaultDir        = "AWS_VAULT_FILE_DIR"
	vaultBackend    = "AWS_VAULT_BACKEND"
	vaultPassphrase = "AWS_VAULT_FILE_PASSPHRASE"
)

// FromAWSVault reads the key of a profile: from the files of aws-vault, if it keeps keys in
// files, else through aws-vault itself, which opens its keyring. The key stays there.
// Source: USAGE.md of aws-vault, "Environment variables", "Backends".
func FromAWSVault(ctx context.Context, v AWSVault, profile string) (*Found, error) {
	if backend := v.Getenv(vaultBackend); backend == "" || backend == "file" {
		path := v.file(profile)
		text, err := readSealed(path)
		switch {
		case err == nil:
			return v.open(ctx, path, text, profile)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, filefault.Error("read the key of aws-vault", err)
		case backend == "file":
			return nil, withNext(fmt.Errorf("aws-vault has no key of profile %s in %s", profile, filepath.Dir(path)), `"aws-vault list --credentials" shows its profiles; `+vaultDir+" names another folder")
		}
	}
	return v.export(ctx, profile)
}

// file is the path of a profile's key.
func (v AWSVault) file(profile string) string {
	dir := v.Getenv(vaultDir)
	if dir == "" {
		dir = filepath.Join(v.Home, ".awsvault", "keys")
	}
	return sealedPath(v.Home, dir, profile)
}

func (v AWSVault) open(ctx context.Context, path string, text []byte, profile string) (*Found, error) {
	return sealed{tool: vaultProgram, folder: vaultDir, passphrase: vaultPassphrase, getenv: v.Getenv, ask: v.Ask}.open(ctx, path, text, profile)
}

// export has aws-vault print the key, as its format for credential_process.
func (v AWSVault) export(ctx context.Context, profile string) (*Found, error) {
	path, err := exec.LookPath(vaultProgram)
	if err != nil {
		return nil, withNext(fmt.Errorf("there is no key of profile %s in %s, and aws-vault is not installed to read its keyring", profile, filepath.Dir(v.file(profile))),
			"install aws-vault, or name the folder with its keys in "+vaultDir)
	}
	cmd := exec.CommandContext(ctx, path, "export", "--no-session", "--format=json", "--", profile)
	cmd.Env = append(secret.Withheld(os.Environ()), "AWS_VAULT=") // it refuses to run in its own shell
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	out, err := secret.Output(cmd)
	if err != nil {
		return nil, withNext(fmt.Errorf("aws-vault export --no-session %s: %w", profile, err), `"aws-vault list --credentials" shows its profiles`)
	}
	var key struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	if json.Unmarshal(out, &key) != nil { // it may hold a secret, so it is not shown
		return nil, errors.New("aws-vault export printed no JSON")
	}
	return storedKey(vaultProgram, key.AccessKeyID, key.SecretAccessKey, key.SessionToken, profile)
}
