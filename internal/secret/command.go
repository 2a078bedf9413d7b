package secret

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A command is a password manager with pass's verbs. Secrets go to it by stdin
// and come by stdout, never as arguments, which every process may read.
type command struct {
	argv   []string
	prefix string
	names  names
}

func newCommand(c Config) *command {
	m := &command{argv: c.Command, prefix: c.Prefix, names: names{filepath.Join(c.Dir, "pass-names.json")}}
	if len(m.argv) == 0 {
		m.argv = []string{"pass"}
	}
	if m.prefix == "" {
		m.prefix = "forcemfa"
	}
	return m
}

func (*command) backend() string { return Pass }

// entry is the name in the password manager. A profile's name becomes one path
// element: no slash, and no dot in front.
func (m *command) entry(id string) string {
	kind, name, _ := strings.Cut(id, "/")
	name = url.PathEscape(name)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return m.prefix + "/" + kind + "/" + name
}

func (m *command) read(ctx context.Context, id string) (string, error) {
	out, err := m.run(ctx, "", "show", m.entry(id))
	return strings.TrimRight(out, "\r\n"), err
}

func (m *command) write(ctx context.Context, id, text string) error {
	return m.names.change(ctx, id, true, func() error {
		_, err := m.run(ctx, text+"\n", "insert", "-m", "-f", m.entry(id))
		return err
	})
}

func (m *command) remove(ctx context.Context, id string) error {
	return m.names.change(ctx, id, false, func() error {
		if _, err := m.run(ctx, "", "show", m.entry(id)); err != nil {
			return err // "rm -f" is content with an entry that is not there
		}
		_, err := m.run(ctx, "", "rm", "-f", m.entry(id))
		return err
	})
}

func (m *command) list(context.Context) ([]string, error) { return m.names.list() }

// absent is what pass, gopass and passage print for an entry that they do not
// have; their exit status is that of any error.
const absent = "not in the password store"

// maxTalk is how much of what a password manager prints on stderr is read.
const maxTalk = 64 << 10

func (m *command) run(ctx context.Context, stdin string, args ...string) (string, error) {
	argv := append(append([]string{}, m.argv...), args...)
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Env = Withheld(os.Environ())
	talk := limited{size: maxTalk, rest: true}
	c.Stdin, c.Stderr = strings.NewReader(stdin), &talk
	out, err := Output(c)
	switch {
	case err == nil:
		return string(out), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case strings.Contains(talk.text.String(), absent):
		return "", ErrNotFound
	case errors.Is(err, exec.ErrNotFound):
		return "", &Error{Pass, "run", err, "install it, or name another with " + CommandVariable}
	}
	// A program that was given a secret may quote it, so its words are not.
	if said, _, _ := strings.Cut(strings.TrimSpace(talk.text.String()), "\n"); said != "" && stdin == "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	what := strings.Join(argv, " ")
	return "", &Error{Pass, "run", fmt.Errorf("%s: %w", what, err), "run this command by hand"}
}
