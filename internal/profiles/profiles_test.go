package profiles

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/awsfile"
)

const roleARN = "arn:aws:iam::222222222222:role/Administrator"

// load writes AWS files into a new home directory and reads them.
func load(t *testing.T, config, credentials string) *awsfile.Files {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, ".aws")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config": config, "credentials": credentials} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return reload(t, home)
}

func reload(t *testing.T, home string) *awsfile.Files {
	t.Helper()
	files, err := awsfile.Load(func(string) string { return "" }, home)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// settings returns the settings of profiles after a change, by profile and key.
func settings(t *testing.T, c *Change, names ...string) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	for _, name := range names {
		s, ok := c.after.Section(awsfile.ConfigSection(name))
		if !ok {
			continue
		}
		found[name] = map[string]string{}
		for _, key := range []string{"credential_process", "region", "source_profile", "role_arn", "mfa_serial"} {
			if v, ok := s.Get(key); ok {
				found[name][key] = v.Value
			}
		}
	}
	return found
}

type profileSettings = map[string]map[string]string

func TestPlanWritesProfiles(t *testing.T) {
	const process = "forcemfa-credential-process --profile bob"
	for _, row := range []struct {
		name, config string
		options      Options
		want         profileSettings
	}{
		{"new settings", "[profile bob]\nregion = eu-west-1\n", Options{},
			profileSettings{"bob": {"credential_process": process, "region": "eu-west-1"}}},
		{"region", "[profile bob]\noutput = json\n", Options{Region: "us-east-2"},
			profileSettings{"bob": {"credential_process": process, "region": "us-east-2"}}},
		{"helper with a path", "[profile bob]\n", Options{Helper: "/opt/forcemfa-credential-process"},
			profileSettings{"bob": {"credential_process": "/opt/" + process}}},
		{"forcemfa itself is the helper", "[profile bob]\n", Options{Helper: "/opt/my tools/forcemfa"},
			profileSettings{"bob": {"credential_process": `/opt/my\ tools/forcemfa credential-process --profile bob`}}},
		{"forcemfa is configured already", "[profile bob]\ncredential_process = /usr/bin/forcemfa credential-process --profile bob\n", Options{},
			profileSettings{"bob": {"credential_process": "/usr/bin/forcemfa credential-process --profile bob"}}},
		{"helper is configured already", "[profile bob]\ncredential_process = /usr/bin/" + process + "\n", Options{},
			profileSettings{"bob": {"credential_process": "/usr/bin/" + process}}},
		{"another process is replaced", "[profile bob]\ncredential_process = other\n", Options{},
			profileSettings{"bob": {"credential_process": process}}},
		{"second profile", "[profile bob]\n", Options{As: "bob-mfa"},
			profileSettings{"bob": {}, "bob-mfa": {"credential_process": process}}},
		{"new role profile", "[profile bob]\n", Options{Roles: []string{"admin=" + roleARN}, Region: "eu-west-1"},
			profileSettings{"bob": {"credential_process": process, "region": "eu-west-1"}, "admin": {"role_arn": roleARN, "source_profile": "bob", "region": "eu-west-1"}}},
		{"existing role profile loses mfa_serial", "[profile bob]\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = bob\nmfa_serial = arn:aws:iam::111111111111:mfa/bob\n", Options{},
			profileSettings{"bob": {"credential_process": process, "mfa_serial": "arn:aws:iam::111111111111:mfa/bob"}, "admin": {"role_arn": roleARN, "source_profile": "bob"}}},
		{"existing role profile moves to the second profile", "[profile bob]\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = bob\n", Options{As: "bob-mfa"},
			profileSettings{"bob": {}, "bob-mfa": {"credential_process": process}, "admin": {"role_arn": roleARN, "source_profile": "bob-mfa"}}},
		{"unrelated role profile stays", "[profile bob]\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = eve\nmfa_serial = x\n", Options{},
			profileSettings{"bob": {"credential_process": process}, "admin": {"role_arn": roleARN, "source_profile": "eve", "mfa_serial": "x"}}},
		{"roles get the region of the key's profile", "[profile bob]\nregion = eu-west-1\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = bob\n", Options{Fallback: "us-west-2"},
			profileSettings{"bob": {"credential_process": process, "region": "eu-west-1"}, "admin": {"role_arn": roleARN, "source_profile": "bob", "region": "eu-west-1"}}},
		{"a role keeps its region", "[profile bob]\nregion = eu-west-1\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = bob\nregion = us-east-2\n", Options{},
			profileSettings{"bob": {"credential_process": process, "region": "eu-west-1"}, "admin": {"role_arn": roleARN, "source_profile": "bob", "region": "us-east-2"}}},
		{"second profile gets the region of the first", "[profile bob]\nregion = eu-west-1\n", Options{As: "bob-mfa"},
			profileSettings{"bob": {"region": "eu-west-1"}, "bob-mfa": {"credential_process": process, "region": "eu-west-1"}}},
		{"region of the environment", "[default]\nregion = eu-north-1\n[profile bob]\n", Options{Fallback: "us-west-2"},
			profileSettings{"bob": {"credential_process": process, "region": "us-west-2"}}},
		{"region of the default profile", "[default]\nregion = eu-north-1\n[profile bob]\n", Options{},
			profileSettings{"bob": {"credential_process": process, "region": "eu-north-1"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.options.Profile = "bob"
			if row.options.Helper == "" {
				row.options.Helper = awsfile.Helper
			}
			files := load(t, row.config, "")
			c, err := Plan(files, row.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, settings(t, c, "bob", "bob-mfa", "admin")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			regionless := slices.DeleteFunc(slices.Clone(c.Notes), func(n string) bool { return strings.HasPrefix(n, "no region is known") })
			if len(regionless) != 0 {
				t.Errorf("notes %q", c.Notes)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	const key = "[bob]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary\n"
	for _, row := range []struct {
		name, config, credentials string
		options                   Options
		want, next                string
	}{
		{"no profile", "", "", Options{}, "bob", `run "forcemfa import bob" first`},
		{"role", "[profile bob]\nrole_arn = " + roleARN + "\n", "", Options{}, "is a role", "name the profile with the key"},
		{"aws login", "[profile bob]\nlogin_session = arn:aws:iam::111111111111:user/bob\n", "", Options{}, "has login_session and no access key", "name the profile of an access key"},
		{"IAM Identity Center", "[profile bob]\nsso_session = corp\n", "", Options{As: "two"}, "has sso_session and no access key", "name the profile of an access key"},
		{"key in a file", "", key, Options{}, "holds an access key", "or give --as bob-mfa"},
		{"second profile has the same name", "[profile bob]\n", "", Options{As: "bob"}, "--as bob", ""},
		{"second profile is a role", "[profile bob]\n[profile two]\nrole_arn = " + roleARN + "\n", "", Options{As: "two"}, "in use already", "another name"},
		{"second profile has a key", "[profile bob]\n", strings.Replace(key, "bob", "two", 1), Options{As: "two"}, "in use already", "another name"},
		{"role without ARN", "[profile bob]\n", "", Options{Roles: []string{"admin"}}, `--role "admin"`, ""},
		{"role with the ARN of a user", "[profile bob]\n", "", Options{Roles: []string{"admin=arn:aws:iam::222222222222:user/eve"}}, "the ARN of an IAM role", ""},
		{"role is its own source", "[profile bob]\n", "", Options{Roles: []string{"bob=" + roleARN}}, "cannot be its own source", ""},
		{"block without end", "[profile bob]\n# END forcemfa\n", "", Options{Roles: []string{"admin=" + roleARN}}, "config:2", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.options.Profile = "bob"
			c, err := Plan(load(t, row.config, row.credentials), row.options)
			if err == nil {
				t.Fatalf("planned:\n%s", c.Diff())
			}
			var problem *Error
			next := ""
			if errors.As(err, &problem) {
				next = problem.Next
			}
			if !strings.Contains(err.Error(), row.want) || !strings.Contains(next, row.next) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v, next step %q", err, next)
			}
		})
	}
}

func TestPlanWithKeyInFileAndSecondProfile(t *testing.T) {
	c, err := Plan(load(t, "", "[bob]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary\n"), Options{Profile: "bob", As: "bob-mfa"})
	if err != nil {
		t.Fatal(err)
	}
	want := profileSettings{"bob-mfa": {"credential_process": "forcemfa-credential-process --profile bob"}}
	if diff := cmp.Diff(want, settings(t, c, "bob", "bob-mfa")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanNotesProblemsThatItCannotFix(t *testing.T) {
	files := load(t, "[profile bob]\n[profile admin]\nrole_arn = "+roleARN+"\nsource_profile = bob\nduration_seconds = 7200\n", "")
	c, err := Plan(files, Options{Profile: "bob", Roles: []string{"new=" + roleARN}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Notes) != 3 || !strings.Contains(c.Notes[0], "nor in PATH") || !strings.Contains(c.Notes[1], "give --region") ||
		!strings.Contains(c.Notes[2], "config:5: profile admin") || !strings.Contains(c.Notes[2], "7200") {
		t.Errorf("notes %q", c.Notes)
	}
}

func TestUndoRestoresTheFile(t *testing.T) {
	const before = "# mine\n[profile bob]\ncredential_process = other\n[profile admin]\nrole_arn = " + roleARN + "\nsource_profile = bob\nmfa_serial = x\n"
	files := load(t, before, "")
	c, err := Plan(files, Options{Profile: "bob", As: "bob-mfa", Roles: []string{"new=" + roleARN}})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Needed() || !strings.Contains(c.Diff(), "+[profile bob-mfa]") {
		t.Errorf("diff:\n%s", c.Diff())
	}
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	home := filepath.Dir(filepath.Dir(files.Config.Path))
	again, err := Plan(reload(t, home), Options{Profile: "bob", As: "bob-mfa", Roles: []string{"new=" + roleARN}})
	if err != nil || again.Needed() || again.Diff() != "" {
		t.Errorf("a second plan is not empty: %v", err)
	}
	moved, err := Plan(reload(t, home), Options{Profile: "bob", As: "bob-mfa", Region: "eu-west-1"})
	if err != nil || settings(t, moved, "bob-mfa")["bob-mfa"]["region"] != "eu-west-1" {
		t.Errorf("the region of a managed profile is not changed: %v", err)
	}
	undo, err := Undo(reload(t, home))
	if err != nil {
		t.Fatal(err)
	}
	if err := undo.Write(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(files.Config.Path); err != nil || string(text) != before {
		t.Errorf("error %v (-want +got):\n%s", err, cmp.Diff(before, string(text)))
	}
}

func TestWriteRefusesAChangedFile(t *testing.T) {
	files := load(t, "[profile bob]\n", "")
	c, err := Plan(files, Options{Profile: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	const changed = "[profile bob]\nregion = eu-west-1\n"
	if err := os.WriteFile(files.Config.Path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	var problem *Error
	if err := c.Write(); !errors.As(err, &problem) || problem.Next != "run it again" || !strings.Contains(err.Error(), "another program changed the file") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(files.Config.Path); string(text) != changed {
		t.Errorf("the file holds %q", text)
	}
}

func TestSetProcess(t *testing.T) {
	const line = "forcemfa-credential-process --profile bob"
	for before, want := range map[string]string{
		"":                "[profile bob]\ncredential_process = " + line + "\n",
		"[profile bob]\n": "[profile bob]\ncredential_process = " + line + "\n",
		"[profile bob]\ncredential_process = /opt/" + line + "\n": "[profile bob]\ncredential_process = /opt/" + line + "\n",
	} {
		f := awsfile.Parse("config", []byte(before))
		if err := SetProcess(f, "bob", line); err != nil || string(f.Bytes()) != want {
			t.Errorf("%q becomes %q, error %v", before, f.Bytes(), err)
		}
	}
	const other = "[profile bob]\ncredential_process = other\n"
	f := awsfile.Parse("config", []byte(other))
	if err := SetProcess(f, "bob", line); err != nil {
		t.Fatal(err)
	}
	if s, _ := f.Section("profile bob"); s.Name == "" {
		t.Errorf("the profile is gone: %q", f.Bytes())
	} else if got, _ := s.Get("credential_process"); got.Value != line {
		t.Errorf("credential_process is %q", got.Value)
	}
	if f.Restore(); string(f.Bytes()) != other {
		t.Errorf("another credential_process is not restored: %q", f.Bytes())
	}
}

func TestProcessLineIsQuotedForShellsAndBotocore(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("cmd.exe quotes otherwise")
	}
	for profile, want := range map[string]string{"alice": "alice", "two words": `two\ words`, "$(id)": `\$\(id\)`, `a"b'c`: `a\"b\'c`, "x # y": `x\ \#\ y`} {
		line := ProcessLine("", profile)
		if !strings.HasSuffix(line, " --profile "+want) {
			t.Errorf("%s: %s", profile, line)
		}
		if !serves(line, profile) || serves(line, "another") {
			t.Errorf("%s does not serve %s", line, profile)
		}
	}
}

// An upgrade may move the program: configure then writes where it is, and keeps a program
// that is there.
func TestAProgramThatMovedIsFoundAgain(t *testing.T) {
	files := load(t, "[profile bob]\nforcemfa_store = file\n# forcemfa-set\ncredential_process = /old/forcemfa credential-process --profile bob # mine\nregion = eu-west-1\n", "")
	for _, row := range []struct {
		name, helper, gone, want string
	}{
		{"moved", "/new/forcemfa-credential-process", "/old/forcemfa", "/new/forcemfa-credential-process --profile bob"},
		{"still there", "/new/forcemfa-credential-process", "", "/old/forcemfa credential-process --profile bob"},
		{"not installed", "", "/old/forcemfa", "/old/forcemfa credential-process --profile bob"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := Plan(files, Options{Profile: "bob", Helper: row.helper, Gone: func(program string) bool { return program == row.gone }})
			if err != nil {
				t.Fatal(err)
			}
			if got := settings(t, c, "bob")["bob"]["credential_process"]; got != row.want {
				t.Errorf("credential_process = %s, want %s", got, row.want)
			}
			if text := string(c.after.Bytes()); strings.Count(text, "credential_process") != 1 || strings.Contains(text, "forcemfa-was") {
				t.Errorf("the old program is still in the file:\n%s", text)
			}
		})
	}
}
