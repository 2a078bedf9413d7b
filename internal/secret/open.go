package secret

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"forcemfa/internal/session/environ"
)

// The backends that [Open] knows.
const (
	Keyring = "keyring"
	File    = "file"
	Pass    = "pass"
)

// The environment variables that this package reads.
const (
	BackendVariable    = "FORCEMFA_SECRET_BACKEND"
	FileVariable       = "FORCEMFA_SECRET_FILE"
	PassphraseVariable = environ.Passphrase // opens the encrypted file
	// WorkVariable is log2 of scrypt's work for an encrypted file that is written:
	// 18 where it is not set. Less opens faster on a small machine, and is weaker.
	WorkVariable    = "FORCEMFA_SECRET_WORK_FACTOR"
	CommandVariable = "FORCEMFA_PASS_COMMAND"
	PrefixVariable  = "FORCEMFA_PASS_PREFIX"
)

// CodeVariable holds one MFA code, for scripts without a terminal or a pipe.
const CodeVariable = environ.Code

// SigningVariable holds the password of the key that signs evidence packs.
const SigningVariable = environ.Signing

// given lists the variables that may hold secrets.
var given = []string{
	PassphraseVariable, CodeVariable, SigningVariable,
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
}

// Withheld is an environment without the secrets in it, for programs that give
// us secrets: password managers, sources of codes, other credential processes.
func Withheld(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(given, func(g string) bool { return strings.EqualFold(g, name) })
	})
}

// A Config says which store it is. The zero value is the machine's own keyring,
// or the encrypted file where there is none, in the current directory.
type Config struct {
	Backend string // keyring, file or pass; empty: the machine's own choice
	Dir     string // where the file and the locks rest; made when first needed
	Path    string // of the encrypted file; empty: keys.age in Dir
	// Passphrase opens the encrypted file without a question; empty: ask.
	Passphrase Text
	WorkFactor string // as WorkVariable has it; empty: 18
	// Ask asks the person at the terminal for a secret, without echo. It fails
	// where there is none.
	Ask func(ctx context.Context, question string) (string, error)
	// Command is the program of the pass backend with its first arguments; empty:
	// pass. It must know "show NAME", "insert -m -f NAME" and "rm -f NAME".
	Command []string
	Prefix  string // before the names in pass; empty: forcemfa

	// BusPresent tells whether a session bus with a keyring may be there, on
	// systems where that is not certain.
	BusPresent bool
}

// FromEnv is the config that the environment asks for.
func FromEnv(env func(string) string, home string) Config {
	c := Config{
		Backend:    env(BackendVariable),
		Dir:        dataDir(env, home),
		Path:       env(FileVariable),
		Passphrase: NewText(env(PassphraseVariable)),
		WorkFactor: env(WorkVariable),
		Command:    strings.Fields(env(CommandVariable)),
		Prefix:     env(PrefixVariable),
		BusPresent: env("DBUS_SESSION_BUS_ADDRESS") != "",
	}
	if run := env("XDG_RUNTIME_DIR"); run != "" && !c.BusPresent {
		_, err := os.Stat(filepath.Join(run, "bus"))
		c.BusPresent = err == nil
	}
	return c
}

// dataDir follows the XDG Base Directory Specification, and each system's habit
// where it does not apply.
func dataDir(env func(string) string, home string) string {
	if dir := env("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "forcemfa")
	}
	if runtime.GOOS == "windows" {
		if dir := env("LocalAppData"); dir != "" {
			return filepath.Join(dir, "forcemfa", "data")
		}
	}
	return filepath.Join(home, ".local", "share", "forcemfa")
}

// Default is the backend where nobody said which: the keyring on a system that
// always has one or whose session bus is there, else the encrypted file.
func (c Config) Default() string {
	if c.BusPresent || runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return Keyring
	}
	return File
}

// Open makes no request yet; a backend that is not there says so when it is
// first used.
func Open(c Config) (Store, error) {
	if c.Backend == "" {
		c.Backend = c.Default()
	}
	var opened items
	place := c.Backend
	switch c.Backend {
	case Keyring:
		opened = newKeyring(c.Dir)
	case File:
		a, err := newAgeFile(c)
		if err != nil {
			return nil, err
		}
		if path, err := filepath.Abs(a.path); err == nil {
			place += " " + path
		}
		opened = a
	case Pass:
		m := newCommand(c)
		place += " " + strings.Join(m.argv, " ") + " " + m.prefix
		opened = m
	default:
		return nil, fmt.Errorf("secret backend %q: want %s, %s or %s", c.Backend, Keyring, File, Pass)
	}
	return &store{opened, keyIDs{filepath.Join(c.Dir, "key-ids.json"), place}}, nil
}
