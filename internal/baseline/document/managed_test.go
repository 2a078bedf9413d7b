package document_test

import (
	"strings"
	"testing"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
)

func TestCanBeManagedAcceptsOnlyWhatForcemfaGrants(t *testing.T) {
	statements := func(s ...string) string { return `{"Version":"2012-10-17","Statement":[` + strings.Join(s, ",") + `]}` }
	const (
		deny   = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
		enroll = `{"Effect":"Allow","Action":["iam:EnableMFADevice","iam:ListMFADevices"],"Resource":"*"}`
	)
	full := parsed(t, "policy: {self_service: full, enrollment: any, max_session_age: 12h}\n")
	for _, row := range []struct {
		name, document string
		want           bool
	}{
		{"the document of the default config", baseline.Default().Document("aws"), true},
		{"its Deny statements", baseline.Default().DenyDocument("aws"), true},
		{"the fullest document", full.Document("aws"), true},
		{"the document of another partition", full.Document("aws-cn"), true},
		{"one Deny statement of another policy", statements(deny), true},
		{"fewer allowed actions", statements(enroll, deny), true},
		{"one more allowed action", statements(`{"Effect":"Allow","Action":["iam:EnableMFADevice","s3:GetObject"],"Resource":"*"}`), false},
		{"a wildcard", statements(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`), false},
		{"an allowed action in a second statement", statements(enroll, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`), false},
		{"NotAction", statements(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`), false},
		{"no JSON", "{", false},
		{"an empty text", "", false},
	} {
		if got := document.CanBeManaged(row.document); got != row.want {
			t.Errorf("%s: %v, want %v for %s", row.name, got, row.want, row.document)
		}
	}
}
