package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const recipesPage = "../../docs/recipes.md"

// recipe writes a block of docs/recipes.md into a file, so that a script runs the text that
// people read: recipe SECTION NUMBER FILE.
func recipe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: recipe SECTION NUMBER FILE")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text, err := os.ReadFile(recipesPage)
	ts.Check(err)
	blocks := blocksOf(recipeSections(string(text))[args[0]])
	if n < 1 || n > len(blocks) {
		ts.Fatalf("the recipe %q has %d blocks", args[0], len(blocks))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(blocks[n-1]), 0o600))
}

// recipeSections are the recipes by their title.
func recipeSections(page string) map[string]string {
	sections := map[string]string{}
	for _, section := range strings.Split(page, "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	return sections
}

var fence = regexp.MustCompile("(?s)```[a-z]+\n(.*?)```")

func blocksOf(section string) (blocks []string) {
	for _, m := range fence.FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// Every recipe says how it was tested, and one that is tested is run by the scenario.
func TestEveryRecipeSaysHowItWasTested(t *testing.T) {
	scenario := read(t, "testdata/recipes.txtar")
	sections := recipeSections(read(t, recipesPage))
	if len(sections) < 10 {
		t.Fatalf("only %d recipes", len(sections))
	}
	for title, text := range sections {
		tested, notRun := strings.Contains(text, "\nTested"), strings.Contains(text, "\nNot run")
		if tested == notRun {
			t.Errorf("the recipe %q does not say whether it is tested", title)
		}
		if tested && !strings.Contains(scenario, "\n# Recipe: "+title+"\n") {
			t.Errorf("no part of the scenario runs the recipe %q", title)
		}
	}
}
