package engineer

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/secret"
)

// A desk is a person's machine: a home, an AWS that answers, and the answers that
// they will type.
type desk struct {
	home    string
	id, key string // anna's
	answers []string
	asked   []string
	env     *command.Env
	cloud   *emulator.Cloud
	out     bytes.Buffer
	errs    bytes.Buffer
}

const deskPassphrase = "canary horse battery"

func newDesk(t *testing.T) *desk {
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
	d := &desk{home: t.TempDir(), cloud: cloud}
	cloud.View(func(w *world.World) {
		for _, k := range w.Account("222222222222").Users["anna"].Keys {
			if k.Active {
				d.id, d.key = k.ID, k.Secret
			}
		}
	})
	for name, value := range map[string]string{
		"HOME": d.home, "USERPROFILE": d.home, "XDG_DATA_HOME": filepath.Join(d.home, "data"), "AWS_ENDPOINT_URL": server.Endpoint,
		"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "",
		awsfile.KeyIDVariable: "", awsfile.SecretVariable: "", awsfile.TokenVariable: "",
		secret.BackendVariable: secret.File, secret.PassphraseVariable: "", secret.WorkVariable: "12",
	} {
		t.Setenv(name, value)
	}
	d.env = &command.Env{
		Stdin: bytes.NewReader(nil), Stdout: &d.out, Stderr: &d.errs, Getenv: os.Getenv, Now: time.Now,
		Ask: d.ask, AskSecret: d.ask, Terminal: func() error { return nil }, StateDir: filepath.Join(d.home, "state"),
	}
	return d
}

func (d *desk) ask(_ context.Context, question string) (string, error) {
	d.asked = append(d.asked, question)
	if len(d.answers) == 0 {
		return "", errors.New("there is no terminal to prompt at")
	}
	answer := d.answers[0]
	d.answers = d.answers[1:]
	return answer, nil
}

func (d *desk) run(args ...string) int {
	d.env.Args = args
	return run(context.Background(), d.env)
}

// run runs one of the verbs of this package.
func run(ctx context.Context, e *command.Env) int {
	root := &cobra.Command{Use: "forcemfa"}
	root.AddCommand(Commands(e)...)
	return command.Run(ctx, root, e)
}

func (d *desk) credentials() string { return filepath.Join(d.home, ".aws", "credentials") }

func (d *desk) give(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) plain() string {
	return "# mine\n[anna]\naws_access_key_id = " + d.id + "\naws_secret_access_key = " + d.key + "\n"
}

// below is what the files of the home hold.
func (d *desk) below(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(d.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(d.home, path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImportAsksOnceAndOffersABackup(t *testing.T) {
	d := newDesk(t)
	d.give(t, d.credentials(), d.plain())
	d.answers = []string{"y", "yes", deskPassphrase, deskPassphrase}
	if status := d.run("import", "anna"); status != command.StatusOK {
		t.Fatalf("status %d: %s", status, &d.errs)
	}
	files := d.below(t)
	if got := files[".aws/credentials"]; got != "# mine\n[anna]\n" {
		t.Errorf("credentials hold %q", got)
	}
	if got := files[".aws/credentials.before-forcemfa"]; got != d.plain() {
		t.Errorf("the backup holds %q", got)
	}
	if len(d.asked) != 4 || !strings.HasPrefix(d.asked[0], "Move access key "+d.id) || !strings.HasPrefix(d.asked[1], "Keep a backup") || !strings.HasPrefix(d.asked[2], "New passphrase") {
		t.Errorf("asked %q", d.asked)
	}
}

func TestADeclinedImportChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.give(t, d.credentials(), d.plain())
	before := d.below(t)
	d.answers = []string{""}
	if status := d.run("import", "anna"); status != command.StatusFailed || !strings.Contains(d.errs.String(), "nothing was changed") {
		t.Errorf("status %d: %s", status, &d.errs)
	}
	if diff := cmp.Diff(before, d.below(t)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// A store that forgets, or that gives back another key, must not cost the key.
func TestTheKeyStaysInTheFileWhenTheStoreLies(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the password manager of this test is a shell script")
	}
	for name, script := range map[string]string{
		"forgets":     "#!/bin/sh\ncat >/dev/null\n[ $1 != show ] || { echo not in the password store >&2; exit 1; }\n",
		"another key": "#!/bin/sh\ncat >/dev/null\n[ $1 != show ] || echo '{\"version\":1,\"access_key_id\":\"AKIAOTHEROTHEROTHER0\",\"secret_access_key\":\"x\"}'\n",
		"no key":      "#!/bin/sh\ncat >/dev/null\n[ $1 != show ] || exit 9\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.give(t, d.credentials(), d.plain())
			manager := filepath.Join(d.home, "manager")
			d.give(t, manager, script)
			if err := os.Chmod(manager, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv(secret.CommandVariable, manager)
			if status := d.run("import", "anna", "--yes", "--backend", "pass"); status != command.StatusFailed {
				t.Errorf("status %d", status)
			}
			if got := d.below(t)[".aws/credentials"]; got != d.plain() {
				t.Errorf("credentials hold %q after %s", got, &d.errs)
			}
			if _, marked := d.below(t)[".aws/config"]; marked {
				t.Error("the profile was marked")
			}
		})
	}
}

func TestTwoKeysForOneProfileAreNotGuessedBetween(t *testing.T) {
	d := newDesk(t)
	for name, text := range map[string]string{
		"twice in one file": d.plain() + "[anna]\naws_access_key_id = AKIAANOTHERANOTHER00\naws_secret_access_key = another\n",
		"half":              "[anna]\naws_access_key_id = " + d.id + "\n",
	} {
		d.give(t, d.credentials(), text)
		d.errs.Reset()
		if status := d.run("import", "anna", "--yes"); status != command.StatusFailed || !strings.Contains(d.errs.String(), "must have one access key with its secret") {
			t.Errorf("%s: status %d: %s", name, status, &d.errs)
		}
	}
	d.give(t, d.credentials(), d.plain())
	d.give(t, filepath.Join(d.home, ".aws", "config"), strings.Replace(d.plain(), "[anna]", "[profile anna]", 1))
	d.errs.Reset()
	if status := d.run("import", "anna", "--yes"); status != command.StatusFailed || !strings.Contains(d.errs.String(), "has an access key in") {
		t.Errorf("in both files: status %d: %s", status, &d.errs)
	}
}

// The canary is put into every input of import, configure and doctor, and looked
// for wherever they write.
func TestNoVerbOfTheKeysShowsASecret(t *testing.T) {
	d := newDesk(t)
	csv := filepath.Join(d.home, "accessKeys.csv")
	bad := filepath.Join(d.home, "bad.csv")
	d.give(t, csv, "User name,Access key ID,Secret access key\nanna,"+d.id+","+d.key+"\n")
	d.give(t, bad, "\""+d.key+"\nAccess key ID,"+d.key+"\n")
	allowed := map[string]bool{".aws/credentials": true, "backup": true, "accessKeys.csv": true, "bad.csv": true}
	t.Setenv(secret.PassphraseVariable, deskPassphrase)
	runs := [][]string{
		{"import", "anna", "--yes", "--keep"},
		{"import", "anna", "--yes", "--backup", filepath.Join(d.home, "backup"), "-o", "json"},
		{"import", "anna", "--csv", csv, "-o", "json"},
		{"import", "anna", "--csv", bad},
		{"import", "anna", "--prompt"},
		{"import", "anna", "--prompt"},
		{"import", "anna", "--env", "--yes"},
		{"configure", "anna", "--yes", "-o", "json"},
		{"configure", "anna", "--as", "anna-mfa", "--dry-run"},
		{"doctor", "anna"},
		{"doctor", "anna", "-o", "json"},
		{"import", "other", "--backend", "pass", "--csv", csv},
	}
	for i, args := range runs {
		d.give(t, d.credentials(), d.plain()+"# aws_secret_access_key = "+d.key+"\n")
		d.asked, d.answers = nil, []string{d.id, d.key}
		if i == 5 {
			d.answers = []string{d.key, d.id} // typed in the wrong places
		}
		t.Setenv(awsfile.KeyIDVariable, d.id)
		t.Setenv(awsfile.SecretVariable, d.key)
		d.out.Reset()
		d.errs.Reset()
		d.run(args...)
		for where, text := range map[string]string{"stdout": d.out.String(), "stderr": d.errs.String(), "questions": strings.Join(d.asked, "\n")} {
			if strings.Contains(text, d.key) || strings.Contains(text, deskPassphrase) {
				t.Errorf("%v: %s shows a secret:\n%s", args, where, text)
			}
		}
	}
	for name, text := range d.below(t) {
		if !allowed[name] && (strings.Contains(text, d.key) || strings.Contains(text, deskPassphrase)) {
			t.Errorf("%s holds a secret", name)
		}
	}
	if _, stored := d.below(t)["data/forcemfa/keys.age"]; !stored {
		t.Errorf("nothing was stored; the runs failed: %s", &d.errs)
	}
}
