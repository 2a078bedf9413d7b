package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/session/cache"
)

// A killed export leaves the credentials file as it was or as it should be, and
// the session for the next one.
func TestAKilledExportLeavesTheOldCredentialsFileOrTheNewOne(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	env := map[string]string{"HOME": home, "USERPROFILE": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "PATH": os.Getenv("PATH")}
	getenv := func(name string) string { return env[name] }
	path := filepath.Join(home, ".aws", "credentials")
	filler := strings.Repeat("# a comment that must stay\r\n", 4000)
	before := filler + "[bob]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = long\n"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	export := func() *exec.Cmd {
		t.Helper()
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		warmSession(t, getenv)
		cmd := exec.Command("forcemfa", "export", "bob", "--write-profile", "tool")
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		return cmd
	}
	began := time.Now()
	if out, err := export().CombinedOutput(); err != nil {
		t.Fatalf("the undisturbed export: %v\n%s", err, out)
	}
	lasts := time.Since(began)
	after, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(after), before) || !strings.Contains(string(after), "aws_session_token = token") {
		t.Fatalf("the undisturbed export wrote %d bytes, %v", len(after), err)
	}
	seen := map[string]int{}
	const kills = 24
	for i := range kills {
		cmd := export()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lasts * time.Duration(i+1) / kills)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		now, err := os.ReadFile(path)
		if text := string(now); err != nil || text != before && text != string(after) {
			t.Fatalf("after kill %d the file has %d bytes and is neither the old nor the new one: %v", i, len(now), err)
		}
		seen[string(now)]++
		dir, err := cache.Default(getenv)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dir.Load("entry"); err != nil {
			t.Errorf("after kill %d the session is gone: %v", i, err)
		}
	}
	t.Logf("an export takes %s; %d kills left the old file, %d the new one", lasts, seen[before], seen[string(after)])
	if seen[before] == 0 {
		t.Error("no kill came before the write")
	}
}

// warmSession puts a session of bob's into the cache.
func warmSession(t *testing.T, getenv func(string) string) {
	t.Helper()
	dir, err := cache.Default(getenv)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(12 * time.Hour).Truncate(time.Hour)
	if err := dir.Store("entry", &cache.Entry{
		Kind: cache.MFASession, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: strings.Repeat("token", 200),
		Issued: ends.Add(-12 * time.Hour), Expires: ends, Profile: "bob",
	}); err != nil {
		t.Fatal(err)
	}
	place := cache.PlaceOf("bob", getenv)
	if err := dir.Link(place, place.Seen(), "entry", cache.Settings{}); err != nil {
		t.Fatal(err)
	}
}
