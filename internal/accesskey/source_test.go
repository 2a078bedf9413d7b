package accesskey

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
)

const exampleKey = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = canary\n"

func TestFromFiles(t *testing.T) {
	const half = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
	for _, row := range []struct {
		name, config, credentials string
		want, next                string
		none                      bool
	}{
		{"in credentials", "", "[bob]\n" + exampleKey, "", "", false},
		{"in config", "[profile bob]\n" + exampleKey, "", "", "", false},
		{"no profile", "", "", "has no access key in", "--csv or --env", true},
		{"no key", "[profile bob]\nregion = eu-west-1\n", "", "has no access key in", "--csv or --env", true},
		{"in the store already", "[profile bob]\nforcemfa_store = file\n", "", "its key is in the file store already", "to replace it", false},
		{"session", "", "[bob]\n" + exampleKey + "aws_session_token = canary\n", "holds temporary credentials", "name the profile", false},
		{"session with the old name of the token", "", "[bob]\n" + exampleKey + "aws_security_token = canary\n", "holds temporary credentials", "name the profile", false},
		{"half", "", "[bob]\n" + half, "must have one access key with its secret", "in use", false},
		{"twice", "", "[bob]\n" + exampleKey + "[bob]\n" + exampleKey, "must have one access key with its secret", "in use", false},
		{"both files", "[profile bob]\n" + exampleKey, "[bob]\n" + exampleKey, "has an access key in", "delete the one", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			home := t.TempDir()
			writeFile(t, filepath.Join(home, ".aws", "config"), row.config)
			writeFile(t, filepath.Join(home, ".aws", "credentials"), row.credentials+"# aws_secret_access_key = canary\n")
			found, err := FromFiles(load(t, home), "bob")
			if row.want == "" {
				if err != nil || found.Keys.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || found.Keys.SecretAccessKey.Reveal() != "canary" || found.Path == "" || Check(found.Keys) != nil {
					t.Errorf("%+v, error %v", found, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(nextStep(err), row.next) || errors.Is(err, ErrNoKey) != row.none || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v, next step %q", err, nextStep(err))
			}
		})
	}
}

func TestFromEnvironment(t *testing.T) {
	for _, row := range []struct {
		name, id, text, token string
		want                  string
	}{
		{"key", "AKIAIOSFODNN7EXAMPLE", "canary", "", ""},
		{"session", "ASIAIOSFODNN7EXAMPLE", "canary", "token", "holds temporary credentials"},
		{"half", "AKIAIOSFODNN7EXAMPLE", "", "", "both must be set"},
	} {
		env := map[string]string{awsfile.KeyIDVariable: row.id, awsfile.SecretVariable: row.text, awsfile.TokenVariable: row.token}
		found, err := FromEnvironment(func(name string) string { return env[name] })
		switch {
		case row.want == "" && (err != nil || found.Keys.AccessKeyID != row.id || found.Path != "" || found.Rest == ""):
			t.Errorf("%s: %+v, error %v", row.name, found, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: error %v", row.name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, row := range []struct{ id, text, want string }{
		{"AKIAIOSFODNN7EXAMPLE", "canary", ""},
		{"canary", "AKIAIOSFODNN7EXAMPLE", "the access key ID is not valid"},
		{"ASIAIOSFODNN7EXAMPLE", "canary", "the key belongs to temporary credentials"},
		{"AKIAIOSFODNN7EXAMPLE", "", "is empty"},
		{"AKIAIOSFODNN7EXAMPLE", "can ary", "is empty or contains a character"},
	} {
		err := Check(secret.Keys{AccessKeyID: row.id, SecretAccessKey: secret.NewText(row.text)})
		if (err != nil) != (row.want != "") || err != nil && (!strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: error %v", row.id, err)
		}
	}
}

func TestFromCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accessKeys.csv")
	writeFile(t, path, "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,canary\n")
	if found, err := FromCSV(path, ""); err != nil || found.Keys.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || found.Rest != path {
		t.Errorf("%+v, error %v", found, err)
	}
	writeFile(t, path, "canary")
	if _, err := FromCSV(path, ""); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(nextStep(err), "as the console made it") {
		t.Errorf("error %v", err)
	}
	if _, err := FromCSV(path+"x", ""); !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("error %v", err)
	}
	if _, err := FromCSV(filepath.Dir(path), ""); err == nil || !strings.HasPrefix(err.Error(), "read ") {
		t.Errorf("a directory is read: %v", err)
	}
}

func TestCheckBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backup")
	if err := CheckBackup(path); err != nil {
		t.Error(err)
	}
	writeFile(t, path, "")
	if err := CheckBackup(path); err == nil || nextStep(err) == "" {
		t.Errorf("error %v", err)
	}
	if err := CheckBackup(filepath.Join(path, "below")); runtime.GOOS != "windows" && err == nil || err != nil && !strings.HasPrefix(err.Error(), "backup to ") {
		t.Errorf("error %v", err)
	}
}

// A secret key may happen to have neither / nor +; typed where the ID belongs, it
// would be shown in the next question.
func TestASecretKeyIsNeverTakenForAKeyID(t *testing.T) {
	for text, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE": true, "ASIAIOSFODNN7EXAMPLE": true, "AKIA": false, "AKIAIOSFODNN7 EXAMPLE": false,
		"wJalrXUtnFEMIAK7MDENGAbPxRfiCYEXAMPLEKEY": false, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": false,
	} {
		if IsID(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestCSVOfTheConsole(t *testing.T) {
	for _, row := range []struct {
		name, text, user string
		want             secret.Keys
		wantError        string
	}{
		{"access keys", "Access key ID,Secret access key\nAKIA1,s1\n", "", secret.Keys{AccessKeyID: "AKIA1", SecretAccessKey: secret.NewText("s1")}, ""},
		{"of a new user, with a byte order mark and CRLF", "\ufeffUser name,Password,Access key ID,Secret access key,Console login link\r\nbob,,AKIA2,s2,https://x\r\n", "", secret.Keys{AccessKeyID: "AKIA2", SecretAccessKey: secret.NewText("s2"), User: "bob"}, ""},
		{"one of several", "User name,Access key ID,Secret access key\na,AKIA1,s1\nb,AKIA2,s2\n", "b", secret.Keys{AccessKeyID: "AKIA2", SecretAccessKey: secret.NewText("s2"), User: "b"}, ""},
		{"several", "User name,Access key ID,Secret access key\na,AKIA1,s1\nb,AKIA2,s2\n", "", secret.Keys{}, "it holds 2 keys: name the user with --user"},
		{"no row", "User name,Access key ID,Secret access key\n", "", secret.Keys{}, "no access key is in it"},
		{"another user", "User name,Access key ID,Secret access key\na,AKIA1,s1\n", "b", secret.Keys{}, "no access key of user b is in it"},
		{"other columns", "name,secret\na,canary\n", "", secret.Keys{}, `no column "access key id"`},
		{"empty", "", "", secret.Keys{}, "not a CSV file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := parseCSV([]byte(row.text), row.user)
			if got != row.want || (err != nil) != (row.wantError != "") || err != nil && !strings.Contains(err.Error(), row.wantError) {
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("Access key ID,Secret access key\nAKIA1,canary\n"), "")
	f.Add([]byte("\ufeff\"User name\",Access key ID,Secret access key\n\"a\nb\",AKIA1,\"can\"\"ary\"\n"), "a")
	f.Fuzz(func(t *testing.T, text []byte, user string) {
		if keys, err := parseCSV(text, user); err == nil && keys.AccessKeyID == "" {
			t.Errorf("a key without an ID from %q", text)
		}
	})
}
