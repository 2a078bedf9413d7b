package auditor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/evidence"
)

// The files of a key in its directory.
const (
	privateName = "evidence.key"
	publicName  = "evidence.pub"
)

func newKeygen(e *command.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen DIR",
		Short: "Make a key that signs evidence packs",
		Long: `evidence keygen makes a key pair in the directory DIR: evidence.key, which signs and is
readable only by its owner, and evidence.pub, which checks. Give evidence.pub, or its
fingerprint, to auditors on another way than the packs: whoever can replace both can
replace the evidence.

The private key is not encrypted. "minisign -C -s DIR/evidence.key" protects it with a
password, which evidence then asks for. The files have the format of minisign. Existing
files are never replaced.
` + command.StatusHelp,
		Example: `  forcemfa evidence keygen keys
  minisign -C -s keys/evidence.key
  minisign -Vm pack.zip -p keys/evidence.pub`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runKeygen(e, args[0]) },
	}
}

func runKeygen(e *command.Env, dir string) error {
	private, public, err := evidence.NewKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return command.WithHint(command.FileError("make the directory of the key", err), "name a directory that you may write to")
	}
	key, pub := filepath.Join(dir, privateName), filepath.Join(dir, publicName)
	for _, name := range []string{key, pub} {
		if _, err := os.Lstat(name); err == nil {
			return command.WithHint(fmt.Errorf("%s exists: a key is never replaced", name), "name another directory")
		}
	}
	if err := writeNew(key, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(pub, public, 0o644); err != nil {
		return err
	}
	parsed, err := evidence.ParsePublicKey(public)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "private key  %s\npublic key   %s\nkey ID       %016X\nfingerprint  %s\n", key, pub, parsed.ID(), evidence.Fingerprint(parsed))
	fmt.Fprintf(e.Stderr, "%s is not encrypted. To protect it with a password: minisign -C -s %s\n", key, key)
	return nil
}

// writeNew writes a file that does not exist.
func writeNew(name string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return command.WithHint(command.FileError("write the key", err), "name a directory that you may write to")
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(name)
		return command.FileError("write the key", err)
	}
	return nil
}
