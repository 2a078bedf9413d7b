package sarif_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/sarif"
)

// The members that the schema of SARIF 2.1.0 asks for, and those that code
// scanning reads.
func TestLogHoldsResultsAndWhatWasNotRead(t *testing.T) {
	log := sarif.Log{
		Version: "1.2.3",
		Rules: []sarif.Rule{
			{ID: "A", Title: "a", Means: "b", Remedy: "c", Severity: audit.Critical, Tags: []string{"cis_5.0:1.9"}},
			{ID: "B", Title: "a", Means: "b", Remedy: "c", Severity: audit.Info},
		},
		Results: []sarif.Result{
			{Rule: "B", Severity: audit.Medium, Message: "m", File: "a b/c.json", Line: 3, Column: 7, Subject: "Guard", Fingerprint: "f"},
			{Rule: "A", Severity: audit.High, Message: "n", Subject: "user/bob"},
		},
		Problems: []sarif.Problem{{Message: "broken", File: "/tmp/x.json", Line: 1, Column: 2}},
	}
	var out bytes.Buffer
	if err := log.Write(&out); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	run := got["runs"].([]any)[0].(map[string]any)
	want := `[
	  {"ruleId":"B","ruleIndex":1,"level":"warning","message":{"text":"m"},"partialFingerprints":{"forcemfa/v1":"f"},"properties":{"severity":"medium"},
	   "locations":[{"physicalLocation":{"artifactLocation":{"uri":"a%20b/c.json"},"region":{"startLine":3,"startColumn":7}},"logicalLocations":[{"fullyQualifiedName":"Guard"}]}]},
	  {"ruleId":"A","ruleIndex":0,"level":"error","message":{"text":"n"},"properties":{"severity":"high"},
	   "locations":[{"logicalLocations":[{"fullyQualifiedName":"user/bob"}]}]}]`
	compare(t, run["results"], want)
	compare(t, run["invocations"], `[{"executionSuccessful":false,"toolExecutionNotifications":[{"level":"error","message":{"text":"broken"},
	  "locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///tmp/x.json"},"region":{"startLine":1,"startColumn":2}}}]}]}]`)
	driver := run["tool"].(map[string]any)["driver"].(map[string]any)
	compare(t, driver["rules"].([]any)[0], `{"id":"A","shortDescription":{"text":"a"},"fullDescription":{"text":"b"},"help":{"text":"c"},
	  "defaultConfiguration":{"level":"error"},"properties":{"security-severity":"9.5","tags":["security","mfa","cis_5.0:1.9"]}}`)
	if got["version"] != "2.1.0" || driver["name"] != "forcemfa" || driver["version"] != "1.2.3" {
		t.Errorf("%s", out.Bytes())
	}
}

func TestLogOfNothingIsASuccessfulRun(t *testing.T) {
	var out bytes.Buffer
	if err := (&sarif.Log{}).Write(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Runs []struct {
			Results     []any
			Invocations []struct{ ExecutionSuccessful bool }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Runs) != 1 || got.Runs[0].Results == nil || !got.Runs[0].Invocations[0].ExecutionSuccessful {
		t.Errorf("%s", out.Bytes())
	}
}

func compare(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
