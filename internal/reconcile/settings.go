package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"forcemfa/internal/baseline"
)

// ConfigName is the name of the config file beside the function's binary.
const ConfigName = "forcemfa.yaml"

// Settings are what is wanted, as it came with the function.
type Settings struct {
	Baseline *baseline.Baseline // never nil
	Hash     string             // SHA-256 of the file, in hexadecimal; empty: it was not read
	// Problem says why the baseline may not be the one that is meant; nothing is
	// changed then. Empty: it is.
	Problem string
}

// ReadSettings reads the config file of a directory, and what the environment
// says of the baseline. want is the hash of the file that was deployed; empty:
// not told. Whatever is wrong is told as a problem, with the defaults in place.
func ReadSettings(dir fs.FS, want string, getenv func(string) string) Settings {
	text, err := fs.ReadFile(dir, ConfigName)
	if err != nil {
		return Settings{Baseline: baseline.Default(), Problem: fmt.Sprintf("the config file %s cannot be read: %v", ConfigName, reason(err))}
	}
	sum := sha256.Sum256(text)
	s := Settings{Hash: hex.EncodeToString(sum[:])}
	b, err := baseline.Parse(ConfigName, text)
	if err == nil {
		err = b.Override(getenv)
	}
	switch {
	case err != nil:
		b, s.Problem = baseline.Default(), err.Error()
	case want != "" && want != s.Hash:
		s.Problem = fmt.Sprintf("the config file %s is not the one that was deployed: its hash is %s, not %s", ConfigName, s.Hash, want)
	default:
		s.Problem = outOfSight(b)
	}
	s.Baseline = b
	return s
}

// reason is an error of a file without the file's name.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// outOfSight says what of a baseline a member account cannot see: which
// organizational unit it is in. Who is exempt by that would be enforced.
// Source: AWS Organizations User Guide, "Delegated administrator": members may
// call DescribeOrganization alone.
func outOfSight(b *baseline.Baseline) string {
	for _, e := range b.Exemptions {
		if e.Match.OU != "" {
			return "an exemption names an organizational unit, which an account cannot see of itself; name accounts, tags or users"
		}
	}
	for _, w := range b.Waves {
		if w.Match.OU != "" {
			return "a wave names an organizational unit, which an account cannot see of itself; name accounts, tags or users"
		}
	}
	return ""
}
