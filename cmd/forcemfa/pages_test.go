package main

import (
	"slices"
	"strings"
	"testing"
)

// notRunHere are the commands of the pages about recorded calls and keys that the scenario
// does not run, with the reason.
var notRunHere = map[string]string{
	"aws s3 sync s3://TRAIL-BUCKET/AWSLogs logs":   "the client of AWS, and S3",
	"forcemfa keys --sandbox --save keys.json":     "the scenario keys runs it",
	"forcemfa report keys.json --html report.html": "the scenario keys runs it, with another name of the page",
	"cat waves.yaml >>forcemfa.yaml":               "the scenario joins the files itself",

	"forcemfa impact s3://TRAIL-BUCKET/AWSLogs/O-ID --since 30d": "S3: TestEverySourceGivesTheSameReport of internal/impact reads a bucket of moto",
	"forcemfa keys --trail s3://TRAIL-BUCKET/AWSLogs/O-ID":       "S3: the same",

	"forcemfa impact athena://WORKGROUP/DATABASE.TABLE --since 90d --max-scan 500GB":                  "Athena: the tests of internal/trailquery run the API on moto",
	"forcemfa impact athena://WORKGROUP/DATABASE.TABLE --create-table s3://TRAIL-BUCKET/AWSLogs/O-ID": "Athena: the same",
	"go test ./internal/deploy -run AsFastAsTheRatesAllow -v -scale.accounts 10000":                   "a test",
	"go test ./internal/central -run Scale -update":                                                   "a test, which writes a page",
	"go test ./internal/central -run Scale -update -args -prices my-prices.json":                      "a test, which writes a page",
}

// runAs are the commands that the scenario runs with the keys and accounts of the sample,
// and without the question that they ask.
var runAs = map[string]string{
	"forcemfa keys replace AKIAIOSFODNN7EXAMPLE --trail logs":                                  "forcemfa keys replace AKIADH4ETVKHZUFL24W3 --trail logs",
	"forcemfa keys replace AKIAIOSFODNN7EXAMPLE --trail logs --pattern action":                 "forcemfa keys replace AKIADH4ETVKHZUFL24W3 --trail logs --pattern action",
	"forcemfa keys retire AKIAIOSFODNN7EXAMPLE --for 1h":                                       "forcemfa keys retire AKIAERXVW4UN3FK63CYJ --for 1s --yes",
	"forcemfa keys retire --deactivate AKIAIOSFODNN7EXAMPLE":                                   "forcemfa keys retire --deactivate AKIAERXVW4UN3FK63CYJ --yes",
	"forcemfa keys retire --delete --confirm-delete AKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLE": "forcemfa keys retire --delete --confirm-delete AKIAERXVW4UN3FK63CYJ AKIAERXVW4UN3FK63CYJ --yes",
	"forcemfa keys retire --deactivate ACCAIOSFODNN7EXAMPLE --accounts 111122223333":           "forcemfa keys retire --deactivate ACCAA565OLG2GTBIADXKQ --accounts 111111111111 --yes",
	"forcemfa keys retire --delete --confirm-delete APKAIOSFODNN7EXAMPLE APKAIOSFODNN7EXAMPLE": "forcemfa keys retire --delete --confirm-delete APKAI55GZOYOR7BLK66IM APKAI55GZOYOR7BLK66IM --yes",
}

// Every command of the pages is run by the scenario, in the form of the page, or has a
// reason why it is not.
func TestEveryCommandOfThePagesAboutCallsAndKeysIsRun(t *testing.T) {
	var ran, shown []string
	for line := range strings.Lines(read(t, "testdata/pages.txtar")) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "status" {
			ran = append(ran, strings.Join(words[2:], " "))
		}
	}
	for _, page := range []string{"impact", "keys", "scale"} {
		shown = append(shown, indented(read(t, "../../docs/"+page+".md"))...)
	}
	if len(shown) < 30 {
		t.Errorf("only %d commands in the pages", len(shown))
	}
	for _, command := range shown {
		form, _, _ := strings.Cut(command, " >")
		if as := runAs[command]; as != "" {
			form = as
		}
		if got, reason := slices.Contains(ran, form), notRunHere[command]; got == (reason != "") {
			t.Errorf("%s: run %v, reason not to run it %q", command, got, reason)
		}
	}
	for _, table := range []map[string]string{notRunHere, runAs} {
		for command := range table {
			if !slices.Contains(shown, command) {
				t.Errorf("no page has the command %s", command)
			}
		}
	}
}

// indented are the commands in the indented blocks of a page.
func indented(page string) (commands []string) {
	for line := range strings.Lines(page) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}
