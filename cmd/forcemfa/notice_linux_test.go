package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forcemfa/internal/testclients"
)

// exec and use show before the end of a session that it is about to end, if the user says
// so, and nothing otherwise.
func TestANoticeBeforeASessionEnds(t *testing.T) {
	testclients.Need(t, "bash")
	t.Parallel()
	n := newNewcomer(t, "111111111111/alice", "")
	n.seed = n.principal("111111111111/alice").MFA[0].Seed
	n.write("bin/notify-send", "#!/bin/sh\necho \"$@\" > \"$HOME/notified.new\" && mv \"$HOME/notified.new\" \"$HOME/notified\"\n")
	bin := filepath.Join(n.home, "bin")
	if err := os.Chmod(filepath.Join(bin, "notify-send"), 0o700); err != nil {
		t.Fatal(err)
	}
	n.environ = append(n.environ, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "FORCEMFA_CODE="+n.code(0))
	ends := func(environ string, want string, argv ...string) string {
		t.Helper()
		n.environ = append(n.environ, "FORCEMFA_NOTICE="+environ)
		term := n.inTerminal(argv...)
		if want != "" {
			term.Expect(want)
		}
		if status := term.Wait(); status != 0 {
			t.Errorf("%v: exit status %d\n%s", argv, status, term.Shown())
		}
		return term.Shown()
	}
	const title = "\x1b]2;forcemfa: the session of alice ends at "
	for _, none := range []string{"", "title"} {
		if shown := ends(none, "", "forcemfa", "exec", "alice", "--", "sleep", "1"); strings.Contains(shown, title) {
			t.Errorf("FORCEMFA_NOTICE=%s: a notice 12 hours before the end:\n%q", none, shown)
		}
	}
	const waits = "for ((i = 0; i < 1200; i++)); do if [ -e done ]; then exit 0; fi; sleep 0.1; done; exit 1"
	term := func(environ string, argv ...string) {
		t.Helper()
		n.environ = append(n.environ, "FORCEMFA_NOTICE="+environ)
		term := n.inTerminal(argv...)
		term.Expect(title)
		n.write("done", "")
		if status := term.Wait(); status != 0 {
			t.Errorf("%v: exit status %d\n%s", argv, status, term.Shown())
		}
		if err := os.Remove(filepath.Join(n.home, "done")); err != nil {
			t.Fatal(err)
		}
	}
	term("title:13h", "forcemfa", "exec", "alice", "--", "bash", "-c", waits)
	term("title:13h", "bash", "-c", `eval "$(forcemfa shell-init bash)"; forcemfa use alice; `+waits)
	ends("desktop:13h", "", "forcemfa", "exec", "alice", "--", "bash", "-c", strings.Replace(waits, "done", "notified", 1))
	if got := n.read("notified"); !strings.Contains(got, "forcemfa the session of alice ends at ") {
		t.Errorf("notify-send got %q", got)
	}
}

// A setting that cannot work is refused before a code is requested.
func TestANoticeThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t, "111111111111/alice", "")
	for environ, want := range map[string]string{
		"popup": `FORCEMFA_NOTICE is "popup"`, "title:": `FORCEMFA_NOTICE is "title:"`, "title:-1m": `FORCEMFA_NOTICE is "title:-1m"`, "desktop": "notify-send is not in PATH",
	} {
		n.environ = append(n.environ, "FORCEMFA_NOTICE="+environ)
		if environ == "desktop" {
			n.environ = append(n.environ, "PATH="+filepath.Join(n.home, "none"))
		}
		for _, argv := range [][]string{{"exec", "alice", "--", os.Args[0], "-test.run=^$"}, {"export", "alice"}} {

			term := n.inTerminal(append([]string{"forcemfa"}, argv...)...)
			term.Expect(want)
			if status := term.Wait(); status != 1 || strings.Contains(term.Shown(), "MFA code") {
				t.Errorf("%s: exit status %d\n%s", environ, status, term.Shown())
			}
		}
	}
}
