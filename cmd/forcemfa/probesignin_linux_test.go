package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

// setPassword signs in on the page of the probe, and sets a new password.
func setPassword(t *testing.T, prompt []string) (accepted bool) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(form url.Values) (string, bool) {
		answer, err := client.PostForm(prompt[1]+"sign-in", form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text), answer.StatusCode == http.StatusSeeOther
	}
	page, _ := post(url.Values{"account": prompt[2:3], "user": prompt[3:4], "password": prompt[4:5]})
	attempt := regexp.MustCompile(`name="attempt" value="(\w+)"`).FindStringSubmatch(page)
	if attempt == nil {
		t.Fatalf("no step for a new password:\n%s", page)
	}
	_, accepted = post(url.Values{"attempt": attempt[1:2], "new": {"Another-Horse-2"}, "again": {"Another-Horse-2"}})
	return accepted
}

// The person presses Enter after a refusal, and nothing after a success. The password is
// on the terminal alone.
func TestProbePromptsAPersonToSignIn(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	out, err := os.Create(filepath.Join(home, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("forcemfa", "probe-aws", "--sandbox", "--sign-in", "-o", "json")
	cmd.Env, cmd.Dir, cmd.Stdout = append(testclients.Environment(), "HOME="+home, "PATH="+os.Getenv("PATH")), home, out
	term := testclients.InTerminal(t, cmd)
	term.Expect("Press Enter only if the page refuses it:")
	prompt := regexp.MustCompile(`address +(\S+)\s+account +(\S+)\s+user name +(\S+)\s+password +(\S+)`).FindStringSubmatch(term.Shown())
	if prompt == nil {
		t.Fatalf("no address and password:\n%s", term.Shown())
	}
	if setPassword(t, prompt) {
		t.Fatal("the page accepts a new password of a user without permissions")
	}
	term.Type("\r")
	term.Expect("Sign in again in the same way")
	if !setPassword(t, prompt) {
		t.Fatal("the page refuses a new password with iam:ChangePassword")
	}
	if status := term.Wait(); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, term.Shown())
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Answers []struct{ ID, Observed string }
	}
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	if last := result.Answers[len(result.Answers)-1]; last.ID != "change-password" || last.Observed != "iam:ChangePassword" {
		t.Errorf("%+v", last)
	}
	if strings.Contains(string(text), prompt[4]) {
		t.Error("the JSON contains the password")
	}
}
