package cache

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var now = time.Date(2026, time.November, 23, 8, 0, 0, 0, time.UTC)

func someEntry() *Entry {
	return &Entry{
		Kind: RoleSession, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret/+=", SessionToken: "token\"\\\n",
		Issued: now, Expires: now.Add(time.Hour), Profile: "prod", Account: "111122223333",
		ARN: "arn:aws:iam::111122223333:role/Admin", KeyID: "AKIAEXAMPLE", Serial: "GAHT12345678",
	}
}

func TestEntryIsReadAsItWasWritten(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "a", "b")}
	if err := d.Store("x", someEntry()); err != nil {
		t.Fatal(err)
	}
	got, err := d.Load("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someEntry(), got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	d := Dir{Path: filepath.Join(t.TempDir(), "cache")}
	if err := d.Store("x", someEntry()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Path, "x.session")
	for path, want := range map[string]os.FileMode{d.Path: 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o601} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Load("x"); !errors.Is(err, ErrCold) {
			t.Errorf("a file of mode %o was read: %v", mode, err)
		}
	}
	if err := os.Chmod(d.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Store("y", someEntry()); err == nil {
		t.Error("a session was put into a directory that others can look into")
	}
}

func TestLinkToAFileIsNotFollowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links take rights there")
	}
	d := Dir{Path: filepath.Join(t.TempDir(), "cache")}
	if err := d.Store("x", someEntry()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(d.Path, "x.session"), filepath.Join(d.Path, "y.session")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("y"); !errors.Is(err, ErrCold) {
		t.Errorf("got %v", err)
	}
}

// The directory may be a symbolic link of the user, to a directory that is as private.
func TestALinkedDirectoryIsFollowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links take rights there")
	}
	target := t.TempDir()
	d := Dir{Path: filepath.Join(t.TempDir(), "cache")}
	if err := os.Symlink(target, d.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(target, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Store("x", someEntry()); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a target that others can look into: %v", err)
	}
	if err := os.Chmod(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Store("x", someEntry()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("x"); err != nil {
		t.Error(err)
	}
}

// place is a profile with both files there.
func place(t *testing.T) (Dir, Place, func(profile string) Place) {
	t.Helper()
	home := t.TempDir()
	env := map[string]string{"HOME": home, "USERPROFILE": home}
	of := func(profile string) Place { return PlaceOf(profile, func(n string) string { return env[n] }) }
	p := of("prod")
	if err := os.MkdirAll(filepath.Dir(p.Config), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.files() {
		if err := os.WriteFile(f, []byte("[prod]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Dir{Path: filepath.Join(home, "cache")}, p, of
}

func TestLinkHoldsUntilAFileIsEdited(t *testing.T) {
	d, p, of := place(t)
	link := func() {
		if err := errors.Join(d.Store("x", someEntry()), d.Link(p, p.Seen(), "x", Settings{Region: "eu-west-1"})); err != nil {
			t.Fatal(err)
		}
	}
	cold := func(story string, p Place, at time.Time) {
		t.Helper()
		if _, err := d.Warm(p, at); !errors.Is(err, ErrCold) {
			t.Errorf("%s: %v, want cold", story, err)
		}
	}
	link()
	if e, err := d.Warm(p, now); err != nil || e.AccessKeyID != "ASIAEXAMPLE" || e.Region != "eu-west-1" {
		t.Fatalf("got %v, %v", e, err)
	}
	cold("another profile", of("other"), now)
	cold("ten minutes before its end", p, now.Add(50*time.Minute))
	if err := os.WriteFile(p.Config, []byte("[prod] \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cold("edited config", p, now)
	link()
	if err := os.Remove(p.Credentials); err != nil {
		t.Fatal(err)
	}
	cold("credentials gone", p, now)
	link()
	if _, err := d.Warm(p, now); err != nil {
		t.Errorf("linked without a credentials file: %v", err)
	}
	if n, err := d.Clear(func(e *Entry) bool { return e.Profile == "prod" }); n != 1 || err != nil {
		t.Errorf("cleared %d, %v", n, err)
	}
	cold("cleared", p, now)
	if left, err := os.ReadDir(d.Path); len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestMarginsLeaveTimeToWork(t *testing.T) {
	for _, row := range []struct {
		kind         string
		lasts, after time.Duration
		fresh        bool
	}{
		{MFASession, 12 * time.Hour, 12*time.Hour - 2*time.Minute, true},
		{MFASession, 12 * time.Hour, 12*time.Hour - 30*time.Second, false},
		{RoleSession, time.Hour, 44 * time.Minute, true},
		{RoleSession, time.Hour, 46 * time.Minute, false},
		{RoleSession, 15 * time.Minute, 9 * time.Minute, true}, // as short as a role can be, and still cached
		{RoleSession, 15 * time.Minute, 11 * time.Minute, false},
		{DirectRole, 4 * time.Hour, 4*time.Hour - 2*time.Minute, true},
	} {
		e := Entry{Kind: row.kind, Issued: now, Expires: now.Add(row.lasts)}
		if got := e.Fresh(now.Add(row.after)); got != row.fresh {
			t.Errorf("%s of %s after %s: fresh = %v", row.kind, row.lasts, row.after, got)
		}
	}
}

func TestNamesKeepPartsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOf(rapid.String()).Draw(t, "a")
		b := rapid.SliceOf(rapid.String()).Draw(t, "b")
		if same := cmp.Equal(a, b) || len(a) == 0 && len(b) == 0; (Name(a...) == Name(b...)) != same {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

func TestProcessJSONIsWhatWasStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := someEntry()
		e.SecretAccessKey = rapid.String().Draw(t, "secret")
		e.SessionToken = rapid.String().Draw(t, "token")
		var got struct {
			Version                                               int
			AccessKeyId, SecretAccessKey, SessionToken, AccountId string
			Expiration                                            time.Time
		}
		if err := json.Unmarshal([]byte(e.ProcessJSON()), &got); err != nil {
			t.Fatal(err)
		}
		if got.Version != 1 || got.SecretAccessKey != e.SecretAccessKey || got.SessionToken != e.SessionToken || got.AccountId != e.Account || !got.Expiration.Equal(e.Expires) {
			t.Fatalf("got %+v", got)
		}
	})
}

// A damaged file is cold, and never a crash.
func FuzzParse(f *testing.F) {
	f.Add(someEntry().record().text())
	f.Add("forcemfa 1\nend\n")
	f.Add("forcemfa 1\nkey \"value\"\n")
	f.Add("forcemfa 1\nkey `raw`\nend\n")
	f.Add("forcemfa 1\nkey \nend\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse(text)
		if err != nil {
			if !errors.Is(err, ErrCold) {
				t.Errorf("got %v", err)
			}
			return
		}
		again, err := parse(r.text())
		if err != nil || !cmp.Equal(again, r, cmp.AllowUnexported(field{})) {
			t.Errorf("%q was read as %v and then as %v, %v", text, r, again, err)
		}
	})
}

func TestTruncatedFileIsCold(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "cache")}
	if err := d.Store("x", someEntry()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Path, "x.session")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if e, err := d.Load("x"); !errors.Is(err, ErrCold) {
			t.Fatalf("%d of %d bytes gave %v, %v", n, len(whole), e, err)
		}
	}
}
