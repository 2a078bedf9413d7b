package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A test is one test function with the mutants that it reaches.
type test struct {
	in      *goPackage
	program string
	name    string
	took    time.Duration
	reaches map[int]bool
}

// limit is how long a test may take with a mutant.
func limit(took time.Duration) time.Duration { return 10*took + 20*time.Second }

// start runs tests of one program with a mutant. It returns their output and
// whether they passed.
func start(program, dir string, names []string, mutant int, reached string, limit time.Duration) (string, bool, error) {
	for i := range names {
		names[i] = regexp.QuoteMeta(names[i])
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := []string{"-test.run", "^(" + strings.Join(names, "|") + ")$", "-test.failfast"}
	if usesRapid(program) {
		args = append(args, "-rapid.nofailfile")
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.WaitDelay = dir, time.Second
	c.Env = append(os.Environ(), "FORCEMFATEST_MUTANT="+strconv.Itoa(mutant), "FORCEMFATEST_MUTANT_REACHED="+reached)
	out, err := c.CombinedOutput()
	if errors.Is(err, exec.ErrWaitDelay) { // it passed, and left a program behind that holds its output
		err = nil
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return "", false, err
	}
	if ctx.Err() != nil {
		out = append(out, timedOut...)
	}
	return string(out), err == nil && ctx.Err() == nil, nil
}

// timedOut is the end of the output of tests that were stopped.
const timedOut = "\n--- stopped at the time limit"

var rapids = map[string]bool{}

func usesRapid(program string) bool {
	known, ok := rapids[program]
	if !ok {
		help, _ := exec.Command(program, "-h").CombinedOutput() // -h has exit status 2
		known = strings.Contains(string(help), "rapid.nofailfile")
		rapids[program] = known
	}
	return known
}

// measure runs each test once without a mutant, and notes the mutants it reaches.
func measure(work string, packages []goPackage, programs map[string]string) ([]test, error) {
	var tests []test
	for i := range packages {
		p := &packages[i]
		program := programs[p.ImportPath]
		if program == "" {
			continue
		}
		c := exec.Command(program, "-test.list", "^Test")
		c.Dir = p.Dir
		names, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("list the tests of %s: %w", p.ImportPath, err)
		}
		for name := range strings.FieldsSeq(string(names)) {
			t := test{in: p, program: program, name: name, reaches: map[int]bool{}}
			reached := filepath.Join(work, "reached")
			began := time.Now()
			out, passed, err := start(program, p.Dir, []string{name}, 0, reached, 10*time.Minute)
			switch {
			case err != nil:
				return nil, fmt.Errorf("run %s of %s: %w", name, p.ImportPath, err)
			case !passed:
				fmt.Printf("left out: %s of %s fails without a mutant: %s\n", name, p.ImportPath, lastLine(out))
				continue
			}
			t.took = time.Since(began)
			text, _ := os.ReadFile(reached) // absent when nothing was reached
			for id := range strings.FieldsSeq(string(text)) {
				if n, err := strconv.Atoi(id); err == nil {
					t.reaches[n] = true
				}
			}
			os.Remove(reached)
			tests = append(tests, t)
		}
	}
	return tests, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A verdict says what became of a mutant.
type verdict struct {
	killed bool
	by     string // the test that failed, or why none was run
	took   time.Duration
}

// together is how long tests may take in all to be run in one process.
const together = 2 * time.Second

// try runs the tests that reach a mutant until one fails, or until those that
// passed took most without a mutant: tests of its own package first, and short ones
// first.
func try(s *site, tests []test, most time.Duration) (verdict, error) {
	began := time.Now()
	var able []test
	for _, t := range tests {
		if t.reaches[s.id] {
			able = append(able, t)
		}
	}
	if len(able) == 0 {
		return verdict{by: "no test reaches it"}, nil
	}
	home := filepath.Dir(s.file)
	rank := func(t test) time.Duration {
		if strings.HasSuffix(t.in.ImportPath, "/"+home) {
			return t.took
		}
		return t.took + time.Hour
	}
	slices.SortStableFunc(able, func(a, b test) int { return int(rank(a) - rank(b)) })
	for spent := time.Duration(0); len(able) > 0; {
		n, took := 1, able[0].took
		if spent += took; spent > most && spent > took {
			return verdict{by: "tests of " + most.String() + " pass", took: time.Since(began)}, nil
		}
		for n < len(able) && able[n].program == able[0].program && took+able[n].took < together {
			took += able[n].took
			spent += able[n].took
			n++
		}
		var names []string
		for _, t := range able[:n] {
			names = append(names, t.name)
		}
		out, passed, err := start(able[0].program, able[0].in.Dir, names, s.id, "", limit(took))
		if err != nil {
			return verdict{}, err
		}
		if !passed {
			return verdict{true, failed(out), time.Since(began)}, nil
		}
		able = able[n:]
	}
	return verdict{by: "every test passes", took: time.Since(began)}, nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

func failed(out string) string {
	if m := failure.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	switch {
	case strings.HasSuffix(out, timedOut):
		return "the time limit"
	case strings.Contains(out, "panic:"):
		return "a panic"
	}
	return "exit without a failed test: " + lastLine(out)
}
