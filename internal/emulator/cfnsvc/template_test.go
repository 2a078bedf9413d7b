package cfnsvc

import (
	"strings"
	"testing"
)

func TestTemplatesThatAreRefused(t *testing.T) {
	const queue = "Resources: {Q: {Type: \"AWS::SQS::Queue\"}}\n"
	for name, row := range map[string]struct{ text, want string }{
		"aliases":       {"Metadata: {A: &a [x], B: [*a, *a]}\n" + queue, "aliases are not allowed"},
		"two documents": {queue + "---\n" + queue, "2 documents"},
		"not YAML":      {"Resources: {", "not well-formed"},
		"no resources":  {"Description: none\n", "At least one Resources member"},
		"unknown type":  {"Resources: {T: {Type: \"AWS::SNS::Topic\"}}\n", "AWS::SNS::Topic"},
		"too long":      {queue + strings.Repeat("#", largestTemplate), "between 1 and 51200"},
		"empty":         {"", "between 1 and 51200"},
	} {
		if _, err := parseTemplate(row.text); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
	if _, err := parseTemplate(queue); err != nil {
		t.Error(err)
	}
}

func TestAConditionThatRefersToItselfIsRefused(t *testing.T) {
	parsed, err := parseTemplate(`{"Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Condition": "A"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Condition": "A"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&scope{template: parsed}).order(); err == nil || !strings.Contains(err.Error(), "Circular condition") {
		t.Errorf("%v", err)
	}
}
