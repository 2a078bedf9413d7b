package reconcile

import (
	"testing"

	"forcemfa/internal/trail"
	"forcemfa/policy/arn"
)

// Only the session of a role has the name of a role, by which the function knows its own calls.
func TestTheRoleOfAnIdentity(t *testing.T) {
	for text, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/forcemfa-function/forcemfa": "forcemfa-function",
		"arn:aws-cn:sts::111122223333:assumed-role/f/s":                     "f",
		"arn:aws:sts::111122223333:assumed-role/forcemfa-function":          "",
		"arn:aws:sts::111122223333:assumed-role/a/b/c":                      "",
		"arn:aws:sts::111122223333:federated-user/a/b":                      "",
		"arn:aws:iam::111122223333:role/team/forcemfa-function":             "",
		"arn:aws:iam::111122223333:user/assumed-role/forcemfa-function":     "",
		"arn:aws:iam::111122223333:assumed-role/forcemfa-function/forcemfa": "",
		"arn:aws:iam::111122223333:root":                                    "",
	} {
		id, err := arn.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := sessionRole(id); got != want {
			t.Errorf("%s: role %q, want %q", text, got, want)
		}
	}
}

// A call is the function's own only by role and account. A function that does not know its role has no own calls.
func TestOwnCalls(t *testing.T) {
	call := func(account, name string) *trail.Record {
		r := new(trail.Record)
		r.UserIdentity.Type, r.UserIdentity.ARN = "AssumedRole", "arn:aws:sts::"+account+":assumed-role/"+name+"/s"
		r.UserIdentity.SessionContext = &trail.SessionContext{SessionIssuer: &trail.Issuer{Type: "Role", ARN: "arn:aws:iam::" + account + ":role/" + name}}
		return r
	}
	for _, row := range []struct {
		role string
		call *trail.Record
		want bool
	}{
		{"f", call("111122223333", "f"), true},
		{"f", call("111122223333", "F"), true}, // the names of two roles differ in more than case
		{"f", call("111122223333", "g"), false},
		{"f", call("444455556666", "f"), false},
		{"", call("111122223333", ""), false},
		{"", call("111122223333", "f"), false},
		{"f", &trail.Record{}, false},
	} {
		f := &Function{account: "111122223333", role: row.role}
		if got := f.own(row.call); got != row.want {
			t.Errorf("role %q, call by %q: %v", row.role, row.call.Actor(), got)
		}
	}
}
