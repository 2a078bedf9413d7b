package evidence

import _ "embed"

//go:embed manifest.schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of the manifest of a pack.
func Schema() []byte { return schema }
