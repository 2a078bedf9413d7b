package forcemfa_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "forcemfa/internal/heapfloor" // tests make as much garbage as commands
	"forcemfa/internal/testdepth"
)

// A refused word is one that a reader stumbles over, with what to write
// instead.
type refusedWord struct {
	pattern *regexp.Regexp
	instead string
}

func refuseWord(pattern, instead string) refusedWord {
	return refusedWord{regexp.MustCompile(`(?i)` + pattern), instead}
}

// refusedWords are refused in everything that a user reads: help, rules,
// schema, templates, outputs and documentation.
var refusedWords = []refusedWord{
	refuseWord(`\bwitness(es)?\b`, `"example request" ("counterexample" in the prover)`),
	refuseWord(`\bdoors?\b`, `"attack" or "attack scenario"`),
	refuseWord(`\brobots?\b`, `"service account" or "workload"`),
	refuseWord(`\benrol(s|ment|ments)?\b`, `"enroll", "enrolls", "enrollment"`),
	refuseWord(`\bno-way-in\b|\bways? in\b`, `"sign-in path", guard "lockout"`),
	refuseWord(`\bwill-break\b`, `guard "breaks-workload"`),
	refuseWord(`\blook-?alikes?\b`, `"name collision"`),
	refuseWord(`\blatent\b`, `"not exploitable today"`),
	refuseWord(`\bgaps?\b`, `"not read", in JSON "unread"`),
	refuseWord(`\bajar\b`, `"not_refused"`),
	refuseWord(`\bmust[ _](still[ _])?work\b`, `"expected access", in JSON "expected_access"`),
	refuseWord(`\bsweeps?\b`, `"scheduled scan"`),
	refuseWord(`\b(second|other) reading\b|\bboth readings\b`, `"the stricter interpretation", "both interpretations"`),
	refuseWord(`\b(no|one|a|the) digests? (of|every|for)\b|\bnext digest\b`, `"summary" for a message`),
	refuseWord(`\bbut (for|by|those|these|that|users)\b`, `"except", "unless", "only"`),
	refuseWord(`\bof ours\b|\bours\b`, `"managed by forcemfa"`),
	refuseWord(`\bbesides?\b`, `"also", "more", "next to"`),
	refuseWord(`\bhears?( of)?\b|\bheard\b|\bpeople are told\b|\btells?\b|\btold\b`, `"notify", "alert", "report", "show"`),
	refuseWord(`\bwants? (a|the|an|another|to|no)\b`, `"requires", "needs"`),
	refuseWord(`\bbelieves?\b`, `"trusts", "relies on"`),
	refuseWord(`\bwhat (it|they|he|she) (could|did|was|were|had|can|may)\b`, `a noun: "accounts that it cannot read"`),
	refuseWord(`\bwho has\b|\bwho gave\b|\bwhose turn\b`, `a noun: "users with a device"`),
	refuseWord(`\b(do|prove) it$`, `an imperative with its object: "Apply a plan"`),
	refuseWord(`\bwhich forcemfa this is\b`, `"Print the version"`),
	refuseWord(`\bof today and tomorrow\b|\btoday's and tomorrow's\b`, `"existing and new"`),
	refuseWord(`\bno guard is overridden\b|\boverrides no guard\b`, `"does not override guards"`),
	refuseWord(`\bnot so any ?more\b|\bof today\b`, `"changed since", "current"`),
	refuseWord(`\basks? for MFA\b|\basked for MFA\b`, `"requires MFA"`),
	refuseWord(`\bwith its own\b.*\bmight\b|\bin a go\b|\bby heart\b|\bside door\b`, `plain words`),
	refuseWord(`\bcolour|\bhonour|\bfavour|\bbehaviour|\blicence\b|\bcancell|\bjournalled|\bcatalogue|\btravell|\blabell|\bdefence\b|\bcentre\b|\banalys(e|es|ed)\b`, `US spelling`),
	refuseWord(`\b(author|organ|recogn|initial|summar|minim|normal|synchron|custom|serial)is(e|es|ed|ing|ation|ations)\b`, `US spelling: -ize`),
}

// An allowedWord is a line in which a refused word may stand, with the reason.
type allowedWord struct {
	where string // a file, or "" for everywhere
	line  string // part of the line
	why   string
}

var allowedWords = []allowedWord{
	{"docs/lambda.md", "`not told`", "the message of the log"},
	{"docs/architecture.md", "`org.Gap`", "the Go type"},
}

// leftovers are outputs and files that are not rewritten yet, by the beginning
// of their name.
var leftovers = []string{}

func TestDocumentationUsesTheVocabulary(t *testing.T) {
	for _, page := range append(markdown(t), glob(t, "changes/*/*.md")...) {
		if strings.HasPrefix(page, "docs/decisions/") {
			continue // a decision stays as it was made
		}
		checkVocabulary(t, page, readFile(t, page))
	}
}

func TestHelpUsesTheVocabulary(t *testing.T) {
	verbs := helpPages(t, nil)
	if len(verbs) < 30 {
		t.Fatalf("only %d help pages were found", len(verbs))
	}
	for name, page := range verbs {
		checkVocabulary(t, name, page)
	}
}

func TestSchemaAndTemplatesUseTheVocabulary(t *testing.T) {
	_, schema := run(t, "schema")
	checkVocabulary(t, "forcemfa schema", schema)
	for _, name := range []string{"member", "notifier", "forwarder", "bucket", "audit-role", "apply-role"} {
		_, template := run(t, "deploy", "template", name)
		checkVocabulary(t, "forcemfa deploy template "+name, template)
	}
}

// The rehearsal is the longest output, and runs every part of the program.
func TestRehearsalUsesTheVocabulary(t *testing.T) {
	_, output := rehearsal(t)
	checkVocabulary(t, "forcemfa rehearse", output)
	if testdepth.Long() {
		_, output = run(t, "rehearse", "-o", "json")
		checkVocabulary(t, "forcemfa rehearse -o json", output)
	}
}

func TestScenariosAndGoldenFilesUseTheVocabulary(t *testing.T) {
	for _, name := range testdata(t) {
		checkVocabulary(t, name, readFile(t, name))
	}
}

func checkVocabulary(t *testing.T, name, text string) {
	t.Helper()
	if slices.ContainsFunc(leftovers, func(l string) bool { return strings.HasPrefix(name, l) }) {
		return
	}
	for n, line := range strings.Split(text, "\n") {
		for _, word := range refusedWords {
			if found := word.pattern.FindString(line); found != "" && !allowed(name, line) {
				t.Errorf("%s:%d: %q: write %s:\n\t%s", name, n+1, found, word.instead, strings.TrimSpace(line))
			}
		}
	}
}

func allowed(name, line string) bool {
	return slices.ContainsFunc(allowedWords, func(a allowedWord) bool {
		return (a.where == "" || a.where == name) && strings.Contains(line, a.line)
	})
}

// Every exception is still needed: its line exists.
func TestEveryExceptionOfTheVocabularyIsNeeded(t *testing.T) {
	for _, a := range allowedWords {
		if a.why == "" {
			t.Errorf("%q: no reason", a.line)
		}
		if a.where != "" && path.Ext(a.where) != "" && !strings.Contains(readFile(t, a.where), a.line) {
			t.Errorf("%s has no line with %q any longer", a.where, a.line)
		}
	}
	for _, l := range leftovers {
		t.Logf("not rewritten yet: %s", l)
	}
}

var listedVerb = regexp.MustCompile(`(?m)^  ([a-z][a-z-]+) {2,}\S`)

// helpPages returns the help of a command and of all commands below it.
func helpPages(t *testing.T, command []string) map[string]string {
	t.Helper()
	_, page := run(t, append(slices.Clone(command), "--help")...)
	pages := map[string]string{strings.Join(append([]string{"forcemfa"}, append(command, "--help")...), " "): page}
	_, list, found := strings.Cut(page, "\n  forcemfa "+strings.Join(append(slices.Clone(command), "[command]"), " ")+"\n")
	if !found {
		return pages
	}
	list, _, _ = strings.Cut(list, "\nFlags:")
	if _, after, ok := strings.Cut(list, "\nExamples:"); ok {
		_, list, _ = strings.Cut(after, "\n\n")
	}
	for _, m := range listedVerb.FindAllStringSubmatch(list, -1) {
		if name := m[1]; name != "help" && name != "completion" {
			for sub, text := range helpPages(t, append(slices.Clone(command), name)) {
				pages[sub] = text
			}
		}
	}
	return pages
}

// testdata returns the scenarios, golden files and examples of all packages.
func testdata(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		if err == nil && d.IsDir() && (strings.HasSuffix(name, "testdata/fuzz") || name == ".git") {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() && strings.Contains(name, "/testdata/") && slices.Contains([]string{".txtar", ".json", ".txt", ".yaml", ".golden", ".md", ".csv"}, path.Ext(name)) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.ToSlash(found[i])
	}
	return found
}

// refusedInSources are refused in comments and strings of Go files: a shorter
// list, because names of AWS and test data stand there too.
var refusedInSources = []refusedWord{
	refuseWord(`\bbut for\b`, `"except", "unless"`),
	refuseWord(`\bof ours\b`, `"managed by forcemfa", "our"`),
	refuseWord(`\bbesides\b`, `"also"`),
	refuseWord(`\bwhat (it|they|he|she) (could|did|does|was|were|is|are|had|has|can|may)\b`, `a noun: "accounts that it cannot read"`),
	refuseWord(`\bwhich\b.*\bis not either\b`, `"also refuses NaN", "neither does"`),
	refuseWord(`\bwho has\b`, `a noun: "users with a device"`),
	refuseWord(`\bhears? of\b`, `"notify", "detect"`),
	refuseWord(`\bdoors?\b`, `"attack", "entrance" of the embedded AWS`),
	refuseWord(`\bwitness(es)?\b`, `"example", "counterexample"`),
	refuseWord(`\brobots?\b`, `"service account", "workload"`),
	refuseWord(`\benrol(s|ment|ments)?\b`, `"enroll", "enrollment"`),
	refuseWord(`\bajar\b`, `"not_refused"`),
	refuseWord(`\bno-way-in\b`, `guard "lockout"`),
	refuseWord(`\bwill-break\b`, `guard "breaks-workload"`),
	refuseWord(`\bjournalled\b|\bbehaviour\b|\blicence\b`, `US spelling`),
}

// leftoverSources are Go files that are not rewritten yet, by the beginning of
// their name.
var leftoverSources = []string{}

func TestSourcesUseTheVocabulary(t *testing.T) {
	var patterns []string
	for _, word := range refusedInSources {
		patterns = append(patterns, word.pattern.String())
	}
	anyWord := regexp.MustCompile("(?m)" + strings.Join(patterns, "|"))
	for _, name := range slices.Concat(sources(t, "cmd", ".go"), sources(t, "internal", ".go"), sources(t, "policy", ".go")) {
		text := readFile(t, name)
		if !anyWord.MatchString(text) || slices.ContainsFunc(leftoverSources, func(l string) bool { return strings.HasPrefix(name, l) }) {
			continue
		}
		for n, line := range strings.Split(text, "\n") {
			for _, word := range refusedInSources {
				if found := word.pattern.FindString(line); found != "" && !allowed(name, line) {
					t.Errorf("%s:%d: %q: write %s:\n\t%s", name, n+1, found, word.instead, strings.TrimSpace(line))
				}
			}
		}
	}
}
