package central

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/apply"
)

func TestInputsOfTheStateMachineAreRead(t *testing.T) {
	const run = "20261129T120000Z-000000007"
	for input, want := range map[string]step{
		`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`: {},
		`{"entry":"list"}`:                      {Entry: "list"},
		`{"entry":"merge","run":"` + run + `"}`: {Entry: "merge", Run: run},
		`{"BatchInput":{"entry":"scan","run":"` + run + `"},"Items":["111122223333","444455556666"]}`: {Entry: "scan", Run: run, Accounts: []string{"111122223333", "444455556666"}},
	} {
		got, err := parse([]byte(input))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", input, err, diff)
		}
	}
	for input, want := range map[string]string{
		`[]`:                                   "cannot unmarshal array",
		`{"entry":"merge"}`:                    `run "" is no ID of a run`,
		`{"entry":"merge","run":"../journal"}`: "is no ID of a run",
		`{"entry":"merge","run":"` + run + `/x"}`:                                 "is no ID of a run",
		`{"BatchInput":{"entry":"scan","run":"` + run + `"},"Items":["../1111"]}`: `account "../1111" is no account ID`,
	} {
		if _, err := parse([]byte(input)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}

func TestANewRunHasAnID(t *testing.T) {
	r, err := New(aws.Config{Region: "us-east-1"}, Options{Role: "forcemfa/ForceMFAFunction", Results: apply.S3Place{Bucket: "b", Prefix: "results"}})
	if err != nil {
		t.Fatal(err)
	}
	if id := r.newID(); !isRunID(id) || id == r.newID() {
		t.Errorf("run %s", id)
	}
}

func TestAnIncompleteEnvironmentIsAnError(t *testing.T) {
	place := apply.S3Place{Bucket: "b"}
	for _, o := range []Options{{Results: place}, {Role: "r"}, {Role: "r", Results: place, Accounts: []string{"prod"}}} {
		if _, err := New(aws.Config{Region: "us-east-1"}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
