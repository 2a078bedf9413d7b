package policy_test

import (
	"testing"

	. "forcemfa/policy"
)

// Of several Allows the decision names one that allows everything, wherever it stands: it is the one to change.
func TestADecisionNamesTheStatementThatAllowsEverything(t *testing.T) {
	const head = `{"Version":"2012-10-17","Statement":[`
	narrow := ParseSource("narrow", Identity, head+`{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	wide := ParseSource("wide", Identity, head+`{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	almost := ParseSource("almost", Identity, head+`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`)
	request := &Request{Principal: Principal{Kind: IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/bob"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: new(Context)}
	request.Context.Set("aws:SecureTransport", "true")
	for _, row := range []struct {
		sources   []Source
		name      string
		statement int
	}{
		{[]Source{narrow, wide}, "wide", 1},
		{[]Source{wide, narrow}, "wide", 1},
		{[]Source{narrow}, "narrow", 0},
		{[]Source{almost, narrow}, "almost", 0},
		{[]Source{narrow, almost}, "narrow", 0},
	} {
		d := (&Set{Identity: row.sources}).Decide(request)
		if d.Verdict != Allowed || d.Source == nil || d.Source.Name != row.name || d.Statement != row.statement {
			t.Errorf("%v: %v by %v, statement %d; want %s, statement %d", row.sources, d.Verdict, d.Source, d.Statement, row.name, row.statement)
		}
	}
}
