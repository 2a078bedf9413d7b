package reconcile

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestActionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/lambda.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, match := range regexp.MustCompile("(?m)`((?:iam|s3|organizations):[A-Za-z]+)`").FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, match[1])
	}
	slices.Sort(listed)
	listed = slices.Compact(listed)
	others := []string{"s3:GetObject", "s3:ListBucket", "iam:PolicyARN"} // for undoing a run; a condition key
	listed = slices.DeleteFunc(listed, func(action string) bool { return slices.Contains(others, action) })
	want := slices.Sorted(slices.Values(Actions))
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("docs/lambda.md (-want +got):\n%s", diff)
	}
	if !slices.IsSorted(Actions) {
		t.Error("the actions are not sorted")
	}
}
