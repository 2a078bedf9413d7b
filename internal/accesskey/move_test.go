package accesskey

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

var now = time.Date(2026, time.November, 23, 20, 0, 0, 0, time.UTC)

// A rig is a home directory and an embedded AWS that knows the key of anna.
type rig struct {
	home string
	key  secret.Keys
}

func newRig(t *testing.T) *rig {
	t.Helper()
	header, accounts := sample.Organization()
	w, err := world.Load(header, func(yield func(*org.Account, error) bool) {
		for i := range accounts {
			if !yield(&accounts[i], nil) {
				return
			}
		}
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	cloud := emulator.New(w, emulator.Options{Clock: time.Now})
	server, err := cloud.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &rig{home: t.TempDir()}
	cloud.View(func(w *world.World) {
		for _, k := range w.Account("222222222222").Users["anna"].Keys {
			if k.Active {
				r.key = secret.Keys{AccessKeyID: k.ID, SecretAccessKey: secret.NewText(k.Secret)}
			}
		}
	})
	for name, value := range map[string]string{
		"HOME": r.home, "USERPROFILE": r.home, "AWS_ENDPOINT_URL": server.Endpoint, "AWS_REGION": "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "",
		awsfile.KeyIDVariable: "", awsfile.SecretVariable: "", awsfile.TokenVariable: "",
	} {
		t.Setenv(name, value)
	}
	return r
}

func (r *rig) path(name string) string { return filepath.Join(r.home, ".aws", name) }

func (r *rig) write(t *testing.T, name, text string) {
	t.Helper()
	writeFile(t, r.path(name), text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read returns the text of a file in .aws; empty if it does not exist.
func (r *rig) read(name string) string {
	text, _ := os.ReadFile(r.path(name))
	return string(text)
}

func (r *rig) files(t *testing.T) *awsfile.Files { return load(t, r.home) }

func load(t *testing.T, home string) *awsfile.Files {
	t.Helper()
	files, err := awsfile.Load(func(string) string { return "" }, home)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func keyText(k secret.Keys) string {
	return "aws_access_key_id = " + k.AccessKeyID + "\naws_secret_access_key = " + k.SecretAccessKey.Reveal() + "\n"
}

func (r *rig) move(t *testing.T, store secret.Store) *Move {
	return &Move{
		Settings: session.KeySettings{Files: r.files(t), Getenv: os.Getenv, Profile: "anna"},
		Store:    store, Now: func() time.Time { return now },
	}
}

func nextStep(err error) string {
	var problem *session.Problem
	if errors.As(err, &problem) {
		return problem.Next
	}
	return ""
}

const process = "forcemfa-credential-process --profile anna"

func TestMove(t *testing.T) {
	r := newRig(t)
	plain := "# mine\n[anna]\n" + keyText(r.key)
	marked := "[profile anna]\nforcemfa_store = memory\n"
	base := Moved{Profile: "anna", AccessKeyID: r.key.AccessKeyID, Account: "222222222222", User: "anna", Backend: "memory", Stored: true, Config: r.path("config")}
	with := func(change func(*Moved)) Moved {
		m := base
		change(&m)
		return m
	}
	for _, row := range []struct {
		name                string
		change              func(*Move)
		have                bool // the store holds the key already
		want                Moved
		credentials, config string
	}{
		{"moved", func(m *Move) { m.Process = process }, false,
			with(func(m *Moved) { m.RemovedFrom = r.path("credentials") }), "# mine\n[anna]\n", marked + "credential_process = " + process + "\n"},
		{"without credential_process", func(*Move) {}, false,
			with(func(m *Moved) { m.RemovedFrom = r.path("credentials") }), "# mine\n[anna]\n", marked},
		{"kept", func(m *Move) { m.Keep = true }, false,
			with(func(m *Moved) { m.StillIn = r.path("credentials") }), plain, marked},
		{"stored before", func(*Move) {}, true,
			with(func(m *Moved) { m.RemovedFrom, m.Stored = r.path("credentials"), false }), "# mine\n[anna]\n", marked},
		{"backup", func(m *Move) { m.Backup = r.path("backup") }, false,
			with(func(m *Moved) { m.RemovedFrom, m.Backup = r.path("credentials"), r.path("backup") }), "# mine\n[anna]\n", marked},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.write(t, "credentials", plain)
			_ = os.Remove(r.path("config"))
			store := secret.Memory()
			found, err := FromFiles(r.files(t), "anna")
			if err != nil {
				t.Fatal(err)
			}
			var have secret.Keys
			if row.have {
				have = found.Keys
				if err := store.Set(t.Context(), "anna", have); err != nil {
					t.Fatal(err)
				}
			}
			m := r.move(t, store)
			row.change(m)
			got, err := m.Run(t.Context(), found, have)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if stored, err := store.Get(t.Context(), "anna"); err != nil || !Same(stored, r.key) {
				t.Errorf("the store holds %s, error %v", stored.AccessKeyID, err)
			}
			if r.read("credentials") != row.credentials || r.read("config") != row.config {
				t.Errorf("credentials %q\nconfig %q", r.read("credentials"), r.read("config"))
			}
			if m.Backup != "" && r.read("backup") != plain {
				t.Errorf("backup %q", r.read("backup"))
			}
		})
	}
}

// A fault is a store with one wrong answer.
type fault struct {
	secret.Store
	get func() (secret.Keys, error)
	set error
}

func (f *fault) Get(ctx context.Context, name string) (secret.Keys, error) {
	if f.get != nil {
		return f.get()
	}
	return f.Store.Get(ctx, name)
}

func (f *fault) Set(ctx context.Context, name string, k secret.Keys) error {
	if f.set != nil {
		return f.set
	}
	return f.Store.Set(ctx, name, k)
}

func TestMoveThatFailsLeavesTheKeyInTheFile(t *testing.T) {
	r := newRig(t)
	plain := "[anna]\n" + keyText(r.key)
	broken := errors.New("broken")
	other := secret.Keys{AccessKeyID: "AKIAOTHEROTHEROTHER0", SecretAccessKey: secret.NewText("canary")}
	unknown := "[anna]\n" + keyText(other)
	for _, row := range []struct {
		name, credentials, config string
		store                     *fault
		change                    func(*Move)
		want, next                string
	}{
		{"AWS does not know the key", unknown, "", &fault{}, nil, "try the key", "deleted, inactive"},
		{"the store refuses the key", plain, "", &fault{set: broken}, nil, "broken", ""},
		{"the store forgets the key", plain, "", &fault{get: func() (secret.Keys, error) { return secret.Keys{}, secret.ErrNotFound }}, nil, "the key was left where it was", "repair the store"},
		{"the store returns another key", plain, "", &fault{get: func() (secret.Keys, error) { return other, nil }}, nil, "another key", "repair the store"},
		{"the backup exists", plain, "", &fault{}, func(m *Move) { m.Backup = m.Settings.Files.Credentials.Path }, "backup to", "--backup"},
		{"the backup has no directory", plain, "", &fault{}, func(m *Move) { m.Backup = filepath.Join(r.home, "none", "backup") }, "backup to", "--backup"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r.write(t, "credentials", row.credentials)
			row.store.Store = secret.Memory()
			found, err := FromFiles(r.files(t), "anna")
			if err != nil {
				t.Fatal(err)
			}
			m := r.move(t, row.store)
			if row.change != nil {
				row.change(m)
			}
			_, err = m.Run(t.Context(), found, secret.Keys{})
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(nextStep(err), row.next) {
				t.Errorf("error %v, next step %q", err, nextStep(err))
			}
			if got := r.read("credentials"); got != row.credentials {
				t.Errorf("credentials hold %q", got)
			}
		})
	}
}

func TestMoveLeavesAKeyThatChangedMeanwhile(t *testing.T) {
	r := newRig(t)
	r.write(t, "credentials", "[anna]\n"+keyText(r.key))
	found, err := FromFiles(r.files(t), "anna")
	if err != nil {
		t.Fatal(err)
	}
	const changed = "[anna]\naws_access_key_id = AKIAOTHEROTHEROTHER0\naws_secret_access_key = canary\n"
	r.write(t, "credentials", changed)
	_, err = r.move(t, secret.Memory()).Run(t.Context(), found, secret.Keys{})
	if err == nil || !strings.Contains(err.Error(), "another program changed the key") || !strings.Contains(nextStep(err), "still in") {
		t.Errorf("error %v, next step %q", err, nextStep(err))
	}
	if got := r.read("credentials"); got != changed {
		t.Errorf("credentials hold %q", got)
	}
}

func TestMoveLeavesTheKeyWhenTheProfileCannotBeMarked(t *testing.T) {
	r := newRig(t)
	r.write(t, "credentials", "[anna]\n"+keyText(r.key))
	found, err := FromFiles(r.files(t), "anna")
	if err != nil {
		t.Fatal(err)
	}
	m := r.move(t, secret.Memory())
	m.Process = "two\nlines"
	_, err = m.Run(t.Context(), found, secret.Keys{})
	if err == nil || !strings.Contains(nextStep(err), "the key is in the store and was left where it was") {
		t.Errorf("error %v, next step %q", err, nextStep(err))
	}
	if got := r.read("credentials"); got != "[anna]\n"+keyText(r.key) {
		t.Errorf("credentials hold %q", got)
	}
}

func TestMoveOfAKeyFromElsewhereNamesThePlace(t *testing.T) {
	r := newRig(t)
	got, err := r.move(t, secret.Memory()).Run(t.Context(), &Found{Keys: r.key, Rest: "keys.csv"}, secret.Keys{})
	if err != nil || got.StillIn != "keys.csv" || got.RemovedFrom != "" {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestCheckProfileRefusesARole(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".aws", "config"), "[profile admin]\nrole_arn = arn:aws:iam::222222222222:role/admin\n[profile bob]\n")
	files := load(t, home)
	for profile, refused := range map[string]bool{"admin": true, "bob": false, "new": false} {
		err := CheckProfile(files, profile)
		if (err != nil) != refused || refused && !strings.Contains(nextStep(err), "source_profile of admin") {
			t.Errorf("%s: error %v, next step %q", profile, err, nextStep(err))
		}
	}
}

// A full disk is not "correct the file".
func TestAnInterruptedImportSaysWhatToRepair(t *testing.T) {
	m := &Move{Settings: session.KeySettings{Profile: "al ice"}}
	full := &os.PathError{Op: "write", Path: "/home/alice/.aws/config", Err: syscall.ENOSPC}
	for _, row := range []struct {
		err  error
		want string
	}{
		{full, "the key is in the store; free space on the file system of /home/alice/.aws/config, or raise your quota there, then run \"forcemfa import " + awsfile.Argument("al ice") + "\" again"},
		{errors.New("config:3: odd"), "the key is in the store; correct the file, then run \"forcemfa import " + awsfile.Argument("al ice") + "\" again"},
	} {
		var problem *session.Problem
		if err := m.stopped(row.err, "the key is in the store; ", "correct the file"); !errors.As(err, &problem) || problem.Next != row.want {
			t.Errorf("%v: %v", row.err, err)
		}
	}
}
