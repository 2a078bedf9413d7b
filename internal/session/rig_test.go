package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/session"
	"forcemfa/internal/session/cache"
)

var start = time.Date(2026, time.November, 23, 8, 0, 1, 0, time.UTC)

// A rig is the sample organization and an engineer's machine.
type rig struct {
	t     *testing.T
	cloud *emulator.Cloud
	home  string
	env   map[string]string
	http  session.HTTPClient

	mu    sync.Mutex
	asked []string // the prompts
	said  []string
	calls []emulator.Record
}

var loaded = sync.OnceValues(func() (*world.World, error) {
	header, accounts := sample.Organization()
	w, err := world.Load(header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 7)
	if err != nil {
		return nil, err
	}
	return w.Fork(), nil // tests fork it at the same time
})

func newRig(t *testing.T) *rig {
	t.Helper()
	w, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	r := &rig{t: t, home: home, env: map[string]string{"HOME": home, "USERPROFILE": home, "USER": "bob", "XDG_CACHE_HOME": filepath.Join(home, "cache")}}
	r.cloud = emulator.New(w.Fork(), emulator.Options{Clock: func() time.Time { return start }})
	r.cloud.OnCall(func(c emulator.Record) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, c)
	})
	r.http = &http.Client{Transport: r.cloud.Transport()}
	return r
}

// manager is one process on the machine. A person sits at it who reads the code
// off the device that is asked for.
func (r *rig) manager() *session.Manager {
	dir, err := cache.Default(r.getenv)
	if err != nil {
		r.t.Fatal(err)
	}
	return &session.Manager{
		Cache: dir, Getenv: r.getenv, Home: r.home, Now: r.cloud.Now, HTTP: r.http,
		Sleep: func(_ context.Context, d time.Duration) error { r.cloud.Advance(d); return nil },
		Codes: session.CodeSource{Person: true, Default: true, Code: r.person},
		Say:   func(format string, a ...any) { r.note(&r.said, fmt.Sprintf(format, a...)) },
	}
}

func (r *rig) getenv(name string) string { return r.env[name] }

func (r *rig) note(list *[]string, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(*list, what)
}

// person reads the device whose serial number is in the prompt. When its code
// was used, the person waits for the next one.
func (r *rig) person(_ context.Context, prompt string) (string, error) {
	r.note(&r.asked, prompt)
	r.mu.Lock()
	again := len(r.asked) > 1
	r.mu.Unlock()
	if again || strings.Contains(prompt, "already used") {
		r.cloud.Advance(30 * time.Second)
	}
	for word := range strings.FieldsSeq(prompt) {
		word = strings.TrimRight(word, ":")
		if strings.HasPrefix(word, "arn:") || strings.HasPrefix(word, "GAHT") {
			return r.code(word), nil
		}
	}
	return "", errors.New("nobody understands: " + prompt)
}

func (r *rig) code(serial string) string {
	var code string
	var err error
	r.cloud.View(func(w *world.World) { code, err = w.Code(serial, r.cloud.Now()) })
	if err != nil {
		r.t.Fatal(err)
	}
	return code
}

// key is the first active key of a user.
func (r *rig) key(account, user string) (key world.Key) {
	r.cloud.View(func(w *world.World) {
		for _, k := range w.Account(account).Users[world.Fold(user)].Keys {
			if k.Active && key.ID == "" {
				key = *k
			}
		}
	})
	if key.ID == "" {
		r.t.Fatalf("%s of %s has no key", user, account)
	}
	return key
}

// credentials writes keys of users of an account into ~/.aws/credentials, each
// under its own name, and config into ~/.aws/config.
func (r *rig) settings(account, config string, users ...string) {
	var text strings.Builder
	text.WriteString("# mine\n")
	for _, u := range users {
		k := r.key(account, u)
		fmt.Fprintf(&text, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n", u, k.ID, k.Secret)
	}
	r.write("credentials", text.String())
	r.write("config", config)
}

func (r *rig) write(name, text string) {
	path := filepath.Join(r.home, ".aws", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// count is how often an operation was called.
func (r *rig) count(operation string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c.Operation == operation {
			n++
		}
	}
	return n
}

func (r *rig) session(profile string) *cache.Entry {
	r.t.Helper()
	e, err := r.manager().Session(r.t.Context(), session.Request{Profile: profile})
	if err != nil {
		r.t.Fatalf("session of %s: %v\nnext: %s", profile, err, next(err))
	}
	return e
}

// refused is the problem that a profile has.
func (r *rig) refused(k *session.Manager, req session.Request) *session.Problem {
	r.t.Helper()
	e, err := k.Session(r.t.Context(), req)
	var p *session.Problem
	if !errors.As(err, &p) {
		r.t.Fatalf("session of %s: %v, %v; want a problem", req.Profile, e, err)
	}
	if p.Sentence == "" || p.Next == "" || strings.Contains(p.Sentence, "\n") {
		r.t.Errorf("problem %q, next %q: want one sentence and one step", p.Sentence, p.Next)
	}
	return p
}

func next(err error) string {
	var p *session.Problem
	if errors.As(err, &p) {
		return p.Next
	}
	return ""
}

// who is whom the session of a profile stands for.
func (r *rig) who(e *cache.Entry) string {
	r.t.Helper()
	c, err := r.cloud.Caller(e.AccessKeyID)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Principal.ARN
}

// withoutMFA counts sessions that were made from a key without a code.
func (r *rig) withoutMFA() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		switch in := c.In.(type) {
		case *sts.GetSessionTokenInput:
			if in.SerialNumber == nil || in.TokenCode == nil {
				n++
			}
		case *sts.AssumeRoleInput:
			if in.TokenCode == nil && c.Caller.Session == nil {
				n++
			}
		}
	}
	return n
}
