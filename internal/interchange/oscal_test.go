package interchange_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"forcemfa/internal/interchange"
	"forcemfa/internal/run"
	"forcemfa/internal/view"
)

// The schema is the one of NIST, as the module github.com/defenseunicorns/go-oscal v0.7.0 has it.
// Works of NIST are in the public domain.
func validOSCAL(t *testing.T, text []byte) {
	t.Helper()
	packed, err := os.Open("testdata/oscal-complete-schema-1.1.3.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	const name = "urn:oscal"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	results, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%.300s", err, text)
	}
	if err := schema.Validate(results); err != nil {
		t.Error(err)
	}
}

type assessment struct {
	Results struct {
		Results []struct {
			Observations []struct {
				UUID  string
				Props []struct{ Name, Value string }
			}
			Findings []struct {
				Target struct {
					ID string `json:"target-id"`
				}
				Related []struct {
					UUID string `json:"observation-uuid"`
				} `json:"related-observations"`
			}
		}
	} `json:"assessment-results"`
}

// The assessment results are valid by NIST's schema, have an observation for each finding in
// their order, and each observation belongs to the finding about its rule.
func TestAssessmentResultsAreValidByTheSchemaOfNIST(t *testing.T) {
	k := sampled(t)
	var out bytes.Buffer
	sink := interchange.NewOSCAL(&out, &k.head)
	for _, send := range k.send {
		send(sink)
	}
	if err := sink.Close(view.Conclusion{}); err != nil {
		t.Fatal(err)
	}
	validOSCAL(t, out.Bytes())
	result := decoded[assessment](t, out.Bytes()).Results.Results[0]
	rules := map[string]string{}
	for i, f := range k.findings {
		o := result.Observations[i]
		if view.Clean(f.ID) != o.Props[0].Value || string(f.Severity) != o.Props[2].Value {
			t.Fatalf("observation %d is %v, want %s", i, o.Props, f.ID)
		}
		if _, twice := rules[o.UUID]; twice {
			t.Errorf("%s is there twice", o.UUID)
		}
		rules[o.UUID] = f.Rule
	}
	related := 0
	for _, f := range result.Findings {
		for _, o := range f.Related {
			if related++; rules[o.UUID] != f.Target.ID {
				t.Errorf("%s belongs to %s, not to %s", o.UUID, rules[o.UUID], f.Target.ID)
			}
		}
	}
	if len(result.Observations) != len(k.findings) || related != len(k.findings) {
		t.Errorf("%d observations, %d related, of %d findings", len(result.Observations), related, len(k.findings))
	}
}

func TestAssessmentResultsWithoutFindingsAreValid(t *testing.T) {
	var out bytes.Buffer
	sink := interchange.NewOSCAL(&out, &run.Head{Time: now, Version: "1.2.3", Config: "3f9a0c11"})
	if err := sink.Close(view.Conclusion{}); err != nil {
		t.Fatal(err)
	}
	validOSCAL(t, out.Bytes())
	if strings.Contains(out.String(), "satisfied") {
		t.Error("nothing was audited, and something is satisfied")
	}
}
