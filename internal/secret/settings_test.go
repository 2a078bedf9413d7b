package secret

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The list of key IDs is one for all stores of a machine: a store sees its own keys, and a key that is removed
// leaves nothing in the file.
func TestTheListOfKeyIDsKeepsStoresApart(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "key-ids.json")
	here, there := keyIDs{path, "here"}, keyIDs{path, "there"}
	want := func(k keyIDs, name, id string) {
		t.Helper()
		if got := k.get(name); got != id {
			t.Errorf("%s, %s: %q, want %q", k.place, name, got, id)
		}
	}
	for _, k := range []keyIDs{here, there} {
		if err := k.set(ctx, "bob", "AKIA"+strings.ToUpper(k.place)); err != nil {
			t.Fatal(err)
		}
	}
	want(here, "bob", "AKIAHERE")
	want(there, "bob", "AKIATHERE")
	want(here, "carol", "")
	for _, k := range []keyIDs{here, there} {
		if err := k.set(ctx, "bob", ""); err != nil {
			t.Fatal(err)
		}
		want(k, "bob", "")
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "bob") {
		t.Errorf("%s, %v: the removed key is still named", text, err)
	}
	none := keyIDs{}
	if err := none.set(ctx, "bob", "AKIA"); err != nil || none.get("bob") != "" {
		t.Errorf("a list without a file: %v, %q", err, none.get("bob"))
	}
}

// The session bus is there if its address is in the environment, or its socket in the folder of the user's session.
func TestTheSessionBusIsFoundByAddressOrSocket(t *testing.T) {
	withSocket, without := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(withSocket, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"XDG_RUNTIME_DIR": without}, false},
		{map[string]string{"XDG_RUNTIME_DIR": withSocket}, true},
		{map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}, true},
		{map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "XDG_RUNTIME_DIR": without}, true},
	} {
		if c := FromEnv(func(name string) string { return row.env[name] }, "/home/bob"); c.BusPresent != row.want {
			t.Errorf("%v: bus %v", row.env, c.BusPresent)
		}
	}
}

// Stores are in the folder that the XDG Base Directory Specification names, which ignores relative paths. LocalAppData
// is a setting of Windows alone.
func TestTheFolderOfStoresFollowsTheSystem(t *testing.T) {
	absolute, home, windows := t.TempDir(), t.TempDir(), t.TempDir()
	usual := filepath.Join(home, ".local", "share", "forcemfa")
	local := usual
	if runtime.GOOS == "windows" {
		local = filepath.Join(windows, "forcemfa", "data")
	}
	for _, row := range []struct {
		env  map[string]string
		want string
	}{
		{nil, usual},
		{map[string]string{"XDG_DATA_HOME": absolute}, filepath.Join(absolute, "forcemfa")},
		{map[string]string{"XDG_DATA_HOME": "relative"}, usual},
		{map[string]string{"LocalAppData": windows}, local},
	} {
		if dir := dataDir(func(name string) string { return row.env[name] }, home); dir != row.want {
			t.Errorf("%v: %s, want %s", row.env, dir, row.want)
		}
	}
}

func TestThePasswordManagerIsPassUnlessSet(t *testing.T) {
	for _, row := range []struct{ set, want []string }{{nil, []string{"pass"}}, {[]string{"gopass", "--nosync"}, []string{"gopass", "--nosync"}}} {
		if m := newCommand(Config{Command: row.set, Dir: t.TempDir()}); !slices.Equal(m.argv, row.want) || m.prefix != "forcemfa" {
			t.Errorf("%q: %q below %s", row.set, m.argv, m.prefix)
		}
	}
}
