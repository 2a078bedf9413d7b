package accesskey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/filefault"
)

// A Granted is where granted keeps its keys.
type Granted struct {
	Home string
	// Ask prompts for the passphrase of its files; nil: there is nobody to ask.
	Ask func(ctx context.Context, question string) (string, error)
}

// grantedFolder is the setting of the folder with the keys, in the section Keyring.
const grantedFolder = "FileDir"

// FromGranted reads the key of a profile from the encrypted files of granted. The key
// stays there. Keys of granted in the keyring of the system are not read: granted can
// write them to the credentials file. Source: granted, package securestorage.
func FromGranted(ctx context.Context, g Granted, profile string) (*Found, error) {
	dir := filepath.Join(g.Home, ".granted")
	path := sealedPath(g.Home, fileDir(filepath.Join(dir, "config"), filepath.Join(dir, "secure-storage-aws-iam-credentials")), profile)
	text, err := readSealed(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withNext(fmt.Errorf("granted has no key of profile %s in %s", profile, filepath.Dir(path)),
			fmt.Sprintf("if granted keeps it in the keyring of the system, run \"granted credentials export-plaintext %s\", and then \"forcemfa import %s\" without --from", awsfile.Word(profile), awsfile.Argument(profile)))
	}
	if err != nil {
		return nil, filefault.Error("read the key of granted", err)
	}
	return sealed{tool: "granted", folder: grantedFolder + " in " + filepath.Join(dir, "config"), ask: g.Ask}.open(ctx, path, text, profile)
}

// fileDir is the folder that granted's config file names, which is TOML, or the usual
// one.
func fileDir(config, usual string) string {
	text, err := filefault.Read(config, sealedSize)
	if err != nil {
		return usual
	}
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		name, value, _ := strings.Cut(line, "=")
		if section == "[Keyring]" && strings.TrimSpace(name) == grantedFolder {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return usual
}
