package run_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"forcemfa/internal/run"
)

func TestSchemaTakesEveryLineAndNoOther(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(run.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("run.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("run.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(line string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	lines := strings.Split(strings.TrimSpace(string(saved(t))), "\n")
	for _, line := range lines {
		if err := valid(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, row := range [][2]string{{`"state":"open"`, `"state":"fine"`}, {`"name":"bob"`, `"later":1,"name":"bob"`}, {`,"credential":"console"`, ``}, {`"format":1,`, ``}, {`"account":{`, `"unread":{"what":"","why":""},"account":{`}} {
		found := false
		for _, line := range lines {
			if changed := strings.Replace(line, row[0], row[1], 1); changed != line {
				found = true
				if valid(changed) == nil {
					t.Errorf("%s instead of %s is accepted", row[1], row[0])
				}
			}
		}
		if !found {
			t.Errorf("no line has %s", row[0])
		}
	}
}
