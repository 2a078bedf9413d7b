package forcemfa_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/cli"
	"forcemfa/internal/cli/command"
)

// headTime is the time in the first line of an output.
var headTime = regexp.MustCompile(`[0-9-]{10} [0-9:]{5} UTC`)

// TestReadmeShowsTheOutputOfItsCommands compares the output in the README with
// the output of the commands today. FORCEMFATEST_UPDATE=1 writes it.
func TestReadmeShowsTheOutputOfItsCommands(t *testing.T) {
	status, output := rehearsal(t)
	if status != 0 {
		t.Errorf("rehearse exits with %d", status)
	}
	page := readFile(t, "README.md")
	for _, command := range []string{"    go run ./cmd/forcemfa rehearse\n", "    go test ./...\n"} {
		if !strings.Contains(page, command) {
			t.Errorf("the README lacks the line %q", command)
		}
	}
	updated := replaceOutput(t, page, "forcemfa rehearse", firstAndLast(headTime.ReplaceAllString(output, "2026-11-28 14:02 UTC"), 25))
	updated = replaceOutput(t, updated, "go test", testOutput(t, 5))
	if updated == page {
		return
	}
	if os.Getenv("FORCEMFATEST_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("README.md is old; run FORCEMFATEST_UPDATE=1 go test . -run Readme (-readme +output):\n%s", cmp.Diff(page, updated))
}

// replaceOutput returns the page with the block between the two comments that
// frame a command's output replaced.
func replaceOutput(t *testing.T, page, command, output string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "<!-- output of "+command+":")
	_, rest, opened := strings.Cut(rest, "-->")
	block, _, closed := strings.Cut(rest, "<!-- end of output -->")
	if !found || !opened || !closed {
		t.Fatalf("README.md has no place for the output of %s", command)
	}
	return strings.Replace(page, block, "\n\n```\n"+output+"```\n\n", 1)
}

// firstAndLast returns the first n lines of a text and its last paragraph.
func firstAndLast(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	last := len(lines) - 1
	for last > n && lines[last-1] != "" {
		last--
	}
	if len(lines) <= n {
		return strings.Join(lines, "\n") + "\n"
	}
	return strings.Join(lines[:n], "\n") + "\n…\n" + strings.Join(lines[last:], "\n") + "\n"
}

// testOutput returns what go test prints for the first n packages with tests.
// Times are left out, because they differ from run to run.
func testOutput(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for _, p := range packages(t) {
		if n > 0 && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			b.WriteString("ok  \t" + p.ImportPath + "\t…s\n")
			n--
		}
	}
	return b.String() + "…\n"
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestEveryPageIsLinkedFromTheReadme(t *testing.T) {
	linked := map[string]bool{}
	for _, m := range link.FindAllStringSubmatch(readFile(t, "README.md"), -1) {
		linked[m[1]] = true
	}
	for _, page := range markdown(t) {
		if (strings.HasPrefix(page, "docs/") || page == "CONTRIBUTING.md") && !linked[page] {
			t.Errorf("README.md has no link to %s", page)
		}
	}
}

// opening is how a page begins: with what its reader will have done.
var opening = regexp.MustCompile(`^After (reading this page,?|following this page,?|following a recipe,|these steps) `)

func TestEveryPageOpensWithItsResult(t *testing.T) {
	for _, page := range markdown(t) {
		if filepath.Dir(page) != "docs" && page != "CONTRIBUTING.md" {
			continue
		}
		lines := strings.SplitN(readFile(t, page), "\n", 4)
		if len(lines) < 4 || !strings.HasPrefix(lines[0], "# ") || lines[1] != "" || !opening.MatchString(lines[2]) {
			t.Errorf("%s does not open with a title and what its reader will have done: %q", page, lines[:min(3, len(lines))])
		}
	}
}

func TestEveryLinkOfTheDocumentationResolves(t *testing.T) {
	for _, page := range markdown(t) {
		for _, m := range link.FindAllStringSubmatch(readFile(t, page), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, heading, _ := strings.Cut(target, "#")
			if file == "" {
				file = filepath.Base(page)
			}
			file = filepath.Join(filepath.Dir(page), file)
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", page, target, err)
			} else if heading != "" && !hasHeading(readFile(t, file), heading) {
				t.Errorf("%s links to %s: no such heading", page, target)
			}
		}
	}
}

// hasHeading reports whether a page has the heading that a link names, by the
// rule of GitHub: lower case, punctuation left out, hyphens for spaces.
func hasHeading(page, anchor string) bool {
	punctuation := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, line := range strings.Split(page, "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			if strings.ReplaceAll(punctuation.ReplaceAllString(strings.ToLower(title), ""), " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}

// markdown returns the paths of all pages.
func markdown(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			pages = append(pages, filepath.ToSlash(page))
		}
	}
	return pages
}

var rehearsed struct {
	once   sync.Once
	status int
	stdout string
}

// rehearsal returns the exit status and output of rehearse, which runs once.
func rehearsal(t *testing.T) (status int, stdout string) {
	t.Helper()
	rehearsed.once.Do(func() { rehearsed.status, rehearsed.stdout = run(t, "rehearse") })
	return rehearsed.status, rehearsed.stdout
}

// run runs a verb in this process, without an environment.
func run(t *testing.T, args ...string) (status int, stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = cli.Main(context.Background(), &command.Env{
		Args: args, Stdin: bytes.NewReader(nil), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now,
	})
	if out.Len() == 0 {
		t.Fatalf("%s: nothing on stdout: %s", strings.Join(args, " "), errs.String())
	}
	return status, out.String()
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
