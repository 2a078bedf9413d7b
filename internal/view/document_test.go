package view_test

import (
	"strings"
	"testing"

	"forcemfa/internal/plan"
	"forcemfa/internal/view"
)

func TestDocumentsShowsWhatEachStepWrites(t *testing.T) {
	user := "arn:aws:iam::111122223333:user/bob"
	steps := []plan.Step{
		plan.NewStep(plan.AddUserToGroup, "111122223333", user, "ForceMFA", plan.State{}, plan.State{Present: true}),
		plan.NewStep(plan.PutUserPolicy, "111122223333", user, "p", plan.State{Present: true, Document: `{"Statement":[{"Action":"s3:*"}]}`}, plan.State{Present: true, Document: `{"Statement":[{"Action":"iam:*"}]}`}),
		plan.NewStep(plan.RestorePolicy, "111122223333", "arn:aws:iam::111122223333:policy/p", "", plan.State{}, plan.State{Present: true, Texts: []string{"{\"Sid\":\"old\x1b[2J\"}"}}),
	}
	var out strings.Builder
	view.Documents(&out, steps)
	for _, want := range []string{"-      \"Action\": \"s3:*\"", "+      \"Action\": \"iam:*\"", "RestorePolicy/111122223333/arn:aws:iam::111122223333:policy/p (version 1 of 1 that is created again)", "+{\"Sid\":\"old?[2J\"}"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "AddUserToGroup") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
}
