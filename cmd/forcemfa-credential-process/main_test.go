package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"forcemfa/internal/session/cache"
	"forcemfa/internal/testclients"
)

// A stand is the helper as it is shipped, beside an empty program, and a home
// with a session in its cache.
type stand struct {
	helper, empty, execer string
	env                   []string
}

const emptyProgram = "package main\n\nfunc main() {}\n"

// execProgram is what exec has to do at least: become another program.
const execProgram = `package main

import (
	"os"
	"syscall"
)

func main() { _ = syscall.Exec(os.Args[1], os.Args[1:], os.Environ()) }
`

func newStand(t testing.TB) *stand {
	t.Helper()
	dir := t.TempDir()
	s := &stand{helper: filepath.Join(dir, "helper"+executableSuffix), empty: filepath.Join(dir, "empty"+executableSuffix)}
	build(t, s.helper, ".")
	source := filepath.Join(dir, "empty.go")
	if err := os.WriteFile(source, []byte(emptyProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	build(t, s.empty, source)
	s.env = home(t, dir)
	return s
}

func build(t testing.TB, to, from string) {
	t.Helper()
	if out, err := exec.Command("go", "build", "-o", to, from).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", from, err, out)
	}
}

// home is a home directory with a warm session of bob's.
func home(t testing.TB, dir string) []string {
	t.Helper()
	env := map[string]string{"HOME": dir, "USERPROFILE": dir, "XDG_CACHE_HOME": filepath.Join(dir, "cache"), "PATH": os.Getenv("PATH")}
	getenv := func(name string) string { return env[name] }
	where, err := cache.Default(getenv)
	if err != nil {
		t.Fatal(err)
	}
	place, now := cache.PlaceOf("bob", getenv), time.Now()
	if err := where.Store("entry", &cache.Entry{
		Kind: cache.MFASession, AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: strings.Repeat("token", 100),
		Issued: now, Expires: now.Add(12 * time.Hour), Profile: "bob", Account: "111122223333",
	}); err != nil {
		t.Fatal(err)
	}
	if err := where.Link(place, place.Seen(), "entry", cache.Settings{}); err != nil {
		t.Fatal(err)
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

func (s *stand) run(t testing.TB, name string, args ...string) (stdout, stderr string, err error) {
	c := exec.Command(name, args...)
	c.Env = s.env
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}

func TestWarmSessionIsPrinted(t *testing.T) {
	s := newStand(t)
	for _, args := range [][]string{{"--profile", "bob"}, {"--profile=bob"}} {
		stdout, stderr, err := s.run(t, s.helper, args...)
		if err != nil || stderr != "" || !strings.HasPrefix(stdout, `{"Version":1,"AccessKeyId":"ASIAEXAMPLE",`) {
			t.Errorf("%q: %v\n%s%s", args, err, stdout, stderr)
		}
	}
	// Cold, and there is nothing to hand over to.
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "PATH=") })
	stdout, stderr, err := s.run(t, s.helper, "--profile", "eve")
	if err == nil || stdout != "" || !strings.Contains(stderr, "neither next to this program nor on PATH") {
		t.Errorf("cold: %v\n%s%s", err, stdout, stderr)
	}
}

// A cold helper becomes forcemfa, the one beside it before the one on PATH, and
// never one in a relative directory.
func TestColdHelperBecomesForcemfa(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins are shell scripts")
	}
	s := newStand(t)
	script := func(path, says string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+says+" \"$@\"\nexit 7\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Dir(s.helper)
	check := func(want string) {
		t.Helper()
		c := exec.Command(s.helper, "--profile", "eve")
		c.Env, c.Dir = append(slices.DeleteFunc(slices.Clone(s.env), func(v string) bool { return strings.HasPrefix(v, "PATH=") }),
			"PATH=relative:"+filepath.Join(dir, "onpath")+":/bin:/usr/bin"), dir
		out, _ := c.Output()
		if got := strings.TrimSpace(string(out)); got != want || c.ProcessState.ExitCode() != 7 {
			t.Errorf("got %q with status %d, want %q and 7", got, c.ProcessState.ExitCode(), want)
		}
	}
	script(filepath.Join(dir, "relative", "forcemfa"), "relative")
	script(filepath.Join(dir, "onpath", "forcemfa"), "onpath")
	check("onpath credential-process --profile eve")
	script(filepath.Join(dir, "forcemfa"), "beside")
	check("beside credential-process --profile eve")
}

func TestHelperLinksNothingHeavy(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		heavy := slices.Contains([]string{"net", "net/http", "encoding/json", "regexp", "crypto/tls", "os/exec"}, p) && runtime.GOOS != "windows"
		if heavy || strings.Contains(p, "aws-sdk-go") || strings.Contains(p, "cobra") {
			t.Errorf("the helper links %s", p)
		}
	}
}

// maxCalls is how many more system calls than an empty program the warm helper
// may make.
const maxCalls = 250

func TestWarmHelperMakesFewSystemCalls(t *testing.T) {
	testclients.Need(t, "strace")
	s := newStand(t)
	empty, helper := s.calls(t, s.empty), s.calls(t, s.helper, "--profile", "bob")
	t.Logf("empty program %d, helper %d system calls", empty, helper)
	if helper-empty > maxCalls {
		t.Errorf("%d system calls more than an empty program, want at most %d", helper-empty, maxCalls)
	}
}

// calls is the least of a few counts: the runtime's own threads vary.
func (s *stand) calls(t *testing.T, args ...string) int {
	t.Helper()
	least := 0
	for range 5 {
		_, summary, err := s.run(t, "strace", append([]string{"-f", "-c", "--"}, args...)...)
		if err != nil {
			t.Skipf("strace: %v", err)
		}
		lines := strings.Split(strings.TrimSpace(summary), "\n")
		fields := strings.Fields(lines[len(lines)-1]) // % time, seconds, usecs/call, calls, errors, "total"
		if len(fields) < 5 {
			t.Skipf("strace says %q", lines[len(lines)-1])
		}
		n, err := strconv.Atoi(fields[3])
		if err != nil {
			t.Fatal(err)
		}
		if least == 0 || n < least {
			least = n
		}
	}
	return least
}

// BenchmarkWarm runs the helper and an empty program in turn and reports the
// median of each and their ratio: the budget is 2.7.
func BenchmarkWarm(b *testing.B) {
	s := newStand(b)
	medians(b, s.env, []string{s.empty}, []string{s.helper, "--profile", "bob"})
}

// BenchmarkWarmExec runs "forcemfa exec -- true" beside an empty program that
// becomes true.
func BenchmarkWarmExec(b *testing.B) {
	if runtime.GOOS == "windows" {
		b.Skip("there is no exec")
	}
	s := newStand(b)
	dir := b.TempDir()
	source := filepath.Join(dir, "execer.go")
	if err := os.WriteFile(source, []byte(execProgram), 0o600); err != nil {
		b.Fatal(err)
	}
	s.execer = filepath.Join(dir, "execer")
	build(b, s.execer, source)
	program := filepath.Join(dir, "forcemfa")
	build(b, program, "forcemfa/cmd/forcemfa")
	path, err := exec.LookPath("true")
	if err != nil {
		b.Skip(err)
	}
	medians(b, s.env, []string{s.execer, path}, []string{program, "exec", "bob", "--", path})
}

// medians times two commands in turn, so that what else the machine does hits
// both: how long they take, and their processor time.
func medians(b *testing.B, env []string, empty, measured []string) {
	times, cpu := map[bool][]time.Duration{}, map[bool][]time.Duration{}
	for b.Loop() {
		for _, ours := range []bool{false, true} {
			args := empty
			if ours {
				args = measured
			}
			c := exec.Command(args[0], args[1:]...)
			c.Env = env
			began := time.Now()
			if err := c.Run(); err != nil {
				b.Fatal(err)
			}
			times[ours] = append(times[ours], time.Since(began))
			cpu[ours] = append(cpu[ours], c.ProcessState.UserTime()+c.ProcessState.SystemTime())
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2]) / float64(time.Millisecond)
	}
	base, own := median(times[false]), median(times[true])
	b.ReportMetric(base, "empty-ms")
	b.ReportMetric(own, "warm-ms")
	b.ReportMetric(own/base, "ratio")
	b.ReportMetric(median(cpu[true])/median(cpu[false]), "cpu-ratio")
	b.ReportMetric(0, "ns/op")
}
