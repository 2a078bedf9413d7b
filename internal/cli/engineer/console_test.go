package engineer

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/session/cache"
)

// consoleDay is a process with a role session of bob and a federation endpoint.
func consoleDay(t *testing.T, env map[string]string, args ...string) (*command.Env, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"SigninToken":"secrettoken"}`)
	}))
	t.Cleanup(server.Close)
	e, out, errs := day(t, append([]string{"console", "bob"}, args...)...)
	outer := e.Getenv
	e.Getenv = func(name string) string {
		if name == command.SignInVariable {
			return server.URL + "/federation"
		}
		if value, ok := env[name]; ok {
			return value
		}
		return outer(name)
	}
	dir, err := cache.Default(e.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	warm(t, e)
	role := someSession()
	role.Kind, role.ARN = cache.RoleSession, "arn:aws:sts::111111111111:assumed-role/Admin/bob"
	if err := dir.Store("x", role); err != nil {
		t.Fatal(err)
	}
	return e, out, errs
}

// Other users of the machine see arguments, so the link is in a file of the user's own.
func TestConsoleOpensAPrivatePage(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the browser of this test is a shell script")
	}
	work := t.TempDir()
	script := filepath.Join(work, "browser")
	const text = "#!/bin/sh\necho \"$@\" >\"$0.args\"\nenv >\"$0.env\"\ncp -p \"$2\" \"$0.page\"\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string // of the link
	}{
		{nil, "/federation?Action=login&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2F%3Fregion%3Deu-west-1&Issuer=forcemfa&SigninToken=secrettoken"},
		{[]string{"--logout"}, "/oauth?Action=logout&redirect_uri=http%3A%2F%2F127.0.0.1"},
		{[]string{"--container", "bob & co"}, "ext+container:name=bob+%26+co&url=http%3A%2F%2F127.0.0.1"},
		{[]string{"--container", "bob", "--container-scheme", "ext+granted-containers"}, "ext+granted-containers:name=bob&url="},
		{[]string{"--destination", "cloudwatch/home#logsV2:x"}, "Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fcloudwatch%2Fhome%3Fregion%3Deu-west-1%23logsV2%3Ax"},
	} {
		e, out, errs := consoleDay(t, map[string]string{"BROWSER": "nosuchbrowser:" + script + " --new-tab"}, append(row.args, "--open")...)
		e.Environ = func() []string {
			return []string{"FORCEMFA_CODE=123456", "AWS_SESSION_TOKEN=old", "PATH=" + os.Getenv("PATH")}
		}
		if status := run(t.Context(), e); status != 0 || out.Len() > 0 {
			t.Fatalf("%q: status %d: %s%s", row.args, status, out, errs)
		}
		args, env, page := read(t, script+".args"), read(t, script+".env"), read(t, script+".page")
		link := regexp.MustCompile(`url=(.*?)"><title>`).FindStringSubmatch(page)
		if len(link) != 2 || !strings.Contains(html.UnescapeString(link[1]), row.want) {
			t.Errorf("%q: the page is %s, want %s", row.args, page, row.want)
		}
		if strings.Contains(args+errs.String(), "secrettoken") || strings.Contains(env, "FORCEMFA_CODE") || strings.Contains(env, "old") {
			t.Errorf("%q: arguments %s, environment %s, stderr %s", row.args, args, env, errs)
		}
		path := strings.TrimSpace(strings.TrimPrefix(args, "--new-tab "))
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q: %s has mode %v, %v", row.args, path, info, err)
		}
		e.Args = []string{"sessions", "clear"}
		if status := run(t.Context(), e); status != 0 {
			t.Fatalf("sessions clear: status %d: %s", status, errs)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: sessions clear leaves %s", row.args, path)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPageOfAnExpiredLinkIsRemoved(t *testing.T) {
	dir := cache.Dir{Path: filepath.Join(t.TempDir(), "forcemfa")}
	now := time.Now()
	old, err := dir.WritePage("old", now)
	if err != nil {
		t.Fatal(err)
	}
	recent, err := dir.WritePage("recent", now.Add(14*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
	if _, err := dir.WritePage("new", now.Add(16*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, recent} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
}

// After the sign-in, the federation endpoint sends the browser to any address.
func TestConsoleDestinationIsAPageOfTheConsole(t *testing.T) {
	for destination, want := range map[string]string{
		"https://eu-west-1.console.aws.amazon.com/ec2/home": "https://eu-west-1.console.aws.amazon.com/ec2/home",
		"/iam/home?region=us-east-1":                        "https://console.aws.amazon.com/iam/home?region=us-east-1",
		"https://evil.example/":                             "",
		"//evil.example/":                                   "",
		"http://console.aws.amazon.com/":                    "",
		"https://console.aws.amazon.com.evil.example/":      "",
		"https://evilconsole.aws.amazon.com/":               "",
		"https://bob@console.aws.amazon.com/":               "",
		"javascript:alert(1)":                               "",
		"https://console.amazonaws.cn/":                     "", // another partition than the role's
	} {
		e, out, errs := consoleDay(t, nil, "--destination", destination)
		status := run(t.Context(), e)
		if want == "" {
			if status != 1 || out.Len() > 0 || !strings.Contains(errs.String(), "is not a page of the AWS console") {
				t.Errorf("%s: status %d: %s%s", destination, status, out, errs)
			}
			continue
		}
		if u, err := url.Parse(strings.TrimSpace(out.String())); err != nil || u.Query().Get("Destination") != want {
			t.Errorf("%s: status %d: %s%s, %v", destination, status, out, errs, err)
		}
	}
}

func TestWithoutABrowserTheHintSaysHow(t *testing.T) {
	e, _, errs := consoleDay(t, map[string]string{"BROWSER": "nosuchbrowser"}, "--open")
	if status := run(t.Context(), e); status != 1 || !strings.Contains(errs.String(), "no browser was found") || !strings.Contains(errs.String(), "leave --open out") {
		t.Errorf("status %d: %s", status, errs)
	}
}
