package engineer

import (
	"fmt"
	"runtime"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A machine is the environment of the engineer's verbs: the process and the
// secret stores that it has opened.
type machine struct {
	*command.Env
	// stores is by backend: a store that was opened with a passphrase does not
	// prompt for it again.
	stores map[string]secret.Store
}

// home is the person's home directory; empty when the environment does not tell.
func (e *machine) home() string {
	if runtime.GOOS == "windows" {
		return e.Getenv("USERPROFILE")
	}
	return e.Getenv("HOME")
}

// awsFiles reads ~/.aws/config and ~/.aws/credentials.
func (e *machine) awsFiles() (*awsfile.Files, error) {
	files, err := awsfile.Load(e.Getenv, e.home())
	if err != nil {
		return nil, command.WithHint(err, "make the file readable, or name another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE")
	}
	return files, nil
}

// keyStore opens a backend; the empty name is what the environment says, or the
// machine's own choice.
func (e *machine) keyStore(backend string) (secret.Store, error) {
	c := secret.FromEnv(e.Getenv, e.home())
	if backend != "" {
		c.Backend = backend
	}
	if c.Backend == "" {
		c.Backend = c.Default()
	}
	if s, ok := e.stores[c.Backend]; ok {
		return s, nil
	}
	c.Ask = e.AskSecret
	s, err := secret.Open(c)
	if err != nil {
		return nil, command.WithHint(err, "check --backend, "+secret.BackendVariable+" and "+session.StoreSetting)
	}
	if e.stores == nil {
		e.stores = map[string]secret.Store{}
	}
	e.stores[c.Backend] = s
	return s, nil
}

// keyStoreOf opens the backend that a profile is marked with; none is an error.
func (e *machine) keyStoreOf(p awsfile.Profile) (secret.Store, error) {
	mark, ok := p.Setting(session.StoreSetting)
	if !ok {
		return nil, command.WithHint(fmt.Errorf("profile %s has no key in a secret store", p.Name), fmt.Sprintf("run \"forcemfa import %s\"", awsfile.Argument(p.Name)))
	}
	s, err := e.keyStore(mark.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mark.Origin, err)
	}
	return s, nil
}
