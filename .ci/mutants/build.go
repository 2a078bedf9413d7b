package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A goPackage is what go list says of a package.
type goPackage struct {
	Dir, ImportPath, Name     string
	GoFiles                   []string
	TestGoFiles, XTestGoFiles []string
}

func list(patterns []string) (out []goPackage, root string, err error) {
	text, err := exec.Command("go", append([]string{"list", "-json=Dir,ImportPath,Name,GoFiles,TestGoFiles,XTestGoFiles"}, patterns...)...).Output()
	if err != nil {
		return nil, "", fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(text))); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			return nil, "", err
		}
		out = append(out, p)
	}
	mod, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	return out, strings.TrimSpace(string(mod)), err
}

// switchSource is added to every package with mutants. Once for each mutant and
// process, it writes the id to the file of FORCEMFATEST_MUTANT_REACHED.
const switchSource = `package %s

import (
	"os"
	"strconv"
	"sync"
)

var (
	mutantActive, _ = strconv.Atoi(os.Getenv("FORCEMFATEST_MUTANT"))
	mutantReached   = os.Getenv("FORCEMFATEST_MUTANT_REACHED")
	mutantSeen      sync.Map
)

func mutantOn(n int) bool {
	if mutantReached != "" {
		if _, seen := mutantSeen.LoadOrStore(n, true); !seen {
			if f, err := os.OpenFile(mutantReached, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
				f.WriteString(strconv.Itoa(n) + "\n")
				f.Close()
			}
		}
	}
	return n == mutantActive
}
`

// overlay writes the changed sources to a folder, and the file for go build -overlay.
func overlay(root, work string, packages []goPackage, sites []site) (string, error) {
	replace := map[string]string{}
	put := func(name, text string) error {
		at := filepath.Join(work, fmt.Sprintf("source%d.go", len(replace)))
		replace[name] = at
		return os.WriteFile(at, []byte(text), 0o600)
	}
	byFile := map[string][]site{}
	for _, s := range sites {
		byFile[s.file] = append(byFile[s.file], s)
	}
	for _, p := range packages {
		if err := put(filepath.Join(p.Dir, "mutant_switch.go"), fmt.Sprintf(switchSource, p.Name)); err != nil {
			return "", err
		}
		for _, name := range p.GoFiles {
			full := filepath.Join(p.Dir, name)
			own := byFile[relative(root, full)]
			if own == nil {
				continue
			}
			text, err := os.ReadFile(full)
			if err != nil {
				return "", err
			}
			if err := put(full, rewritten(text, own)); err != nil {
				return "", err
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(work, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

func relative(root, name string) string {
	out, err := filepath.Rel(root, name)
	if err != nil {
		return name
	}
	return out
}

// build builds the test program of each package that has tests, once for all mutants.
func build(work, overlay string, packages []goPackage) (map[string]string, error) {
	programs := map[string]string{}
	for i, p := range packages {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		program := filepath.Join(work, fmt.Sprintf("test%d", i))
		if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", program, p.ImportPath).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the tests of %s: %w\n%s", p.ImportPath, err, out)
		}
		programs[p.ImportPath] = program
	}
	return programs, nil
}
