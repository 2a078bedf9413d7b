// Mutants changes the program in one place at a time and reports the changes that
// no test notices.
//
//	go run .ci/mutants/*.go [-n MUTANTS] [-seed WORD] [-only ID,…] [-most TIME] [-also PACKAGE,…] PACKAGE…
//
// All mutants are compiled into one build: every changed place asks whether it is
// the mutant of FORCEMFATEST_MUTANT. Each test runs once to find out which mutants
// it reaches and how long it takes. Then each mutant runs the tests that reach it,
// the short ones first, until one fails.
//
// The list equivalent.txt holds mutants that no test can notice, with the reason.
// The exit status is 1 when fewer than 95 % of the others are killed.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 150, "number of mutants, divided between the packages")
	seed := flag.String("seed", "", "a word that chooses other mutants")
	only := flag.String("only", "", "ids of the mutants to run, separated by commas")
	most := flag.Duration("most", 30*time.Second, "how long the tests that are tried with one mutant take in all without it")
	also := flag.String("also", "", "other packages whose tests count, separated by commas")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "mutants: name the packages")
		os.Exit(2)
	}
	share, err := campaign(flag.Args(), strings.FieldsFunc(*also, func(r rune) bool { return r == ',' }), *n, *seed, *only, *most)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if share < 0.95 {
		os.Exit(1)
	}
}

// campaign runs the mutants of packages, and returns the share that is killed. The
// tests of the packages under also count as well.
func campaign(patterns, also []string, n int, seed, only string, most time.Duration) (float64, error) {
	began := time.Now()
	packages, root, err := list(patterns)
	if err != nil {
		return 0, err
	}
	sites, all, err := chosen(root, packages, n, seed)
	if err != nil {
		return 0, err
	}
	equivalent, err := readEquivalent(root)
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	over, err := overlay(root, work, packages, sites)
	if err != nil {
		return 0, err
	}
	tested := packages
	if len(also) > 0 {
		others, _, err := list(also)
		if err != nil {
			return 0, err
		}
		tested = append(tested, others...)
	}
	programs, err := build(work, over, tested)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%d of %d places, built in %.0f s\n", len(sites), all, time.Since(began).Seconds())
	tests, err := measure(work, tested, programs)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%d tests, measured after %.0f s\n", len(tests), time.Since(began).Seconds())
	return report(sites, tests, equivalent, only, most, began)
}

// chosen returns the mutants, numbered from 1, and how many places there are.
func chosen(root string, packages []goPackage, n int, seed string) (out []site, all int, err error) {
	for i, p := range packages {
		var own []site
		for _, name := range p.GoFiles {
			sites, err := sitesOf(root, relative(root, filepath.Join(p.Dir, name)))
			if err != nil {
				return nil, 0, err
			}
			own = append(own, sites...)
		}
		all += len(own)
		out = append(out, choose(own, (n-len(out))/(len(packages)-i), seed)...)
	}
	for i := range out {
		out[i].id = i + 1
	}
	return out, all, nil
}

// report runs the mutants and prints what became of each.
func report(sites []site, tests []test, equivalent map[string]string, only string, most time.Duration, began time.Time) (float64, error) {
	killed, survived, same := 0, 0, 0
	var wanted []string
	if only != "" {
		wanted = strings.Split(only, ",")
	}
	for i := range sites {
		s := &sites[i]
		if wanted != nil && !slices.Contains(wanted, strconv.Itoa(s.id)) {
			continue
		}
		if reason, ok := equivalent[s.key()]; ok {
			same++
			fmt.Printf("equivalent  %d  %s:%d  %s\n", s.id, s.file, s.line, reason)
			continue
		}
		v, err := try(s, tests, most)
		if err != nil {
			return 0, err
		}
		word := "killed  "
		if killed++; !v.killed {
			killed, survived, word = killed-1, survived+1, "SURVIVED"
		}
		fmt.Printf("%s  %d  %s:%d  %s | %s | %s  (%s, %.1f s)\n", word, s.id, s.file, s.line, s.function, s.change, s.source, v.by, v.took.Seconds())
	}
	share := 1.0
	if killed+survived > 0 {
		share = float64(killed) / float64(killed+survived)
	}
	fmt.Printf("%d killed, %d survived, %d equivalent: %.1f %%, %.0f s\n", killed, survived, same, 100*share, time.Since(began).Seconds())
	return share, nil
}

// readEquivalent reads the list of equivalent mutants: the key of a site and the
// reason, separated by " => ".
func readEquivalent(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, ".ci/mutants/equivalent.txt"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, found := strings.Cut(line, " => ")
		if !found || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("equivalent.txt, line %d: want KEY => REASON", i+1)
		}
		out[key] = reason
	}
	return out, nil
}
