package evidence_test

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"forcemfa/internal/evidence"
)

func TestManifestsFitTheSchema(t *testing.T) {
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(evidence.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("urn:forcemfa:evidence-manifest:1", text); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("urn:forcemfa:evidence-manifest:1")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []evidence.Input{sampleInput(t), evidence.Redact(sampleInput(t), redactionKey), binaryInput(t, answeredYes)} {
		f := takeApart(t, written(t, in))
		manifest, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.at("manifest.json").text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(manifest); err != nil {
			t.Error(err)
		}
		manifest.(map[string]any)["note"] = "x"
		if schema.Validate(manifest) == nil {
			t.Error("another member fits the schema")
		}
	}
}
