package extract

import (
	"strings"
	"testing"
)

// What stands where policies stand and cannot be read as one is named, and never left out in silence beside another that can.
func TestWhatIsNoDocumentBesideOneIsNamed(t *testing.T) {
	const good = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	quoted := strings.ReplaceAll(good, `"`, `\"`)
	for _, row := range []struct {
		name, text string
		unread     string // a part of why; empty: nothing is
	}{
		{"an object in a list", `[` + good + `,{"foo":1}]`, "as others in the list"},
		{"a text in a list", `[` + good + `,"x"]`, "as others in the list"},
		{"nothing in a list", `[` + good + `,null]`, ""},
		{"a list of names and documents", `[{"Name":"a","Document":` + good + `},{"Name":"b"}]`, ""},
		{"a line of JSON Lines", good + "\n" + `{"foo":1}`, "as others in the list"},
		{"a text that ends too early", `[` + good + `,"` + quoted[:60] + `"]`, "not JSON"},
		{"the same beside a name", `{"a":` + good + `,"b":"` + quoted[:len(quoted)-1] + `"}`, "not JSON"},
		{"Terraform", `{"resources":[{"policy":"` + quoted + `"},{"assume_role_policy":"` + quoted[:60] + `"}]}`, "not JSON"},
		{"Terraform without a policy", `{"resources":[{"policy":"` + quoted + `"},{"assume_role_policy":""}]}`, ""},
		{"URL encoding", `{"Policies":[{"PolicyDocument":` + good + `},{"PolicyDocument":"%7B%22bad"}]}`, "no policy document"},
		{"broken URL encoding", `{"Policies":[{"PolicyDocument":` + good + `},{"AssumeRolePolicyDocument":"%7B%2"}]}`, "no policy document"},
		{"no statements", `{"a":` + good + `,"b":{"Version":"2012-10-17","Statement":[]}}`, "no statement with an Effect"},
		{"no statements in a text", `{"a":` + good + `,"PolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[]}"}`, "no statement with an Effect"},
		{"a function", `{"Resources":{"A":{"PolicyDocument":` + good + `},"B":{"PolicyDocument":{"Version":"2012-10-17","Statement":{"Fn::FindInMap":["A","B","C"]}}}}}`, "stands for its statements"},
		{"a rule of a firewall", `{"a":` + good + `,"Rules":[{"Statement":{"GeoMatchStatement":{}}}]}`, ""},
		{"documents of YAML", "Version: 2012-10-17\nStatement: []\n---\nVersion: 2012-10-17\nStatement:\n  - {Effect: Deny, Action: '*', Resource: '*'}\n", "no statement with an Effect"},
	} {
		found, err := Documents([]byte(row.text))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		var documents, unread int
		for _, d := range found {
			switch {
			case d.Unread == "":
				documents++
			case row.unread != "" && strings.Contains(d.Unread, row.unread):
				unread++
			default:
				t.Errorf("%s: unread because %s", row.name, d.Unread)
			}
		}
		if want := min(len(row.unread), 1); documents != 1 || unread != want {
			t.Errorf("%s: %d documents and %d unread, want 1 and %d", row.name, documents, unread, want)
		}
	}
}
