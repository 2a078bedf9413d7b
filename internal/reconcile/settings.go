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

// SettingsVariable holds the [baseline.SettingsHash] of the deployed environment; empty:
// unknown.
const SettingsVariable = "FORCEMFA_SETTINGS_HASH"

// Settings are the configuration that was deployed with the function.
type Settings struct {
	Baseline *baseline.Baseline // never nil
	Hash     string             // SHA-256 of the file, in hexadecimal; empty: it was not read
	// Problem is why the baseline may not be the intended one. The function changes
	// nothing then. Empty: no problem.
	Problem string
	Changed bool // the environment is not the deployed one
}

// ReadSettings reads the config file in a directory and the environment variables that
// override it. want is the hash of the deployed file; empty: unknown. Any error becomes
// the Problem of the settings, with the default baseline. An environment that was changed
// after the deployment, by [SettingsVariable], is a Problem too, and overrides nothing.
func ReadSettings(dir fs.FS, want string, getenv func(string) string) Settings {
	text, err := fs.ReadFile(dir, ConfigName)
	if err != nil {
		return Settings{Baseline: baseline.Default(), Problem: fmt.Sprintf("the config file %s cannot be read: %v", ConfigName, reason(err))}
	}
	sum := sha256.Sum256(text)
	deployed := getenv(SettingsVariable)
	s := Settings{Hash: hex.EncodeToString(sum[:]), Changed: deployed != "" && deployed != baseline.SettingsHash(getenv)}
	b, err := baseline.Parse(ConfigName, text)
	if err == nil && !s.Changed {
		err = b.Override(getenv)
	}
	switch {
	case err != nil:
		b, s.Problem = baseline.Default(), err.Error()
	case want != "" && want != s.Hash:
		s.Problem = fmt.Sprintf("the config file %s differs from the deployed one: its hash is %s, not %s", ConfigName, s.Hash, want)
	case s.Changed:
		s.Problem = "the environment variables of the function differ from the deployed ones, for example FORCEMFA_MODE or WHITELIST_TAG"
	default:
		s.Problem = needsOrganization(b)
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

// needsOrganization is the part of a baseline that a member account cannot evaluate: it
// does not know its organizational unit. Ignoring it would enforce MFA for exempt users.
// Source: AWS Organizations User Guide, "Delegated administrator": members may
// call DescribeOrganization alone.
func needsOrganization(b *baseline.Baseline) string {
	for _, e := range b.Exemptions {
		if e.Match.OU != "" {
			return "an exemption names an organizational unit, which a member account cannot look up; name accounts, tags or users"
		}
	}
	for _, w := range b.Waves {
		if w.Match.OU != "" {
			return "a wave names an organizational unit, which a member account cannot look up; name accounts, tags or users"
		}
	}
	return ""
}
