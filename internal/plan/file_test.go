package plan_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/plan"
)

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

const (
	account   = "111122223333"
	policyARN = "arn:aws:iam::111122223333:policy/forcemfa/ForceMFA"
	groupARN  = "arn:aws:iam::111122223333:group/forcemfa/ForceMFA"
	adaARN    = "arn:aws:iam::111122223333:user/ada"
	admin     = "arn:aws:iam::aws:policy/AdministratorAccess"
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trustAda  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ada"},"Action":"sts:AssumeRole"}]}`
	denyAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
)

// busy is a plan with all fields of steps and states, a blocked step among them.
func busy() *plan.Plan {
	present := plan.State{Present: true}
	update := plan.NewStep(plan.UpdatePolicy, account, policyARN, "",
		plan.State{Present: true, Document: allowAll, Versions: []string{"v1", "v2"}, Texts: []string{"{}"}},
		plan.State{Present: true, Document: denyAll, Fingerprint: "f", ManagedBy: "m"})
	update.Because = []string{"policy-drift/" + account + "/policy/ForceMFA"}
	tag := plan.NewStep(plan.TagUser, account, adaARN, "forcemfa-enrollment", plan.State{}, plan.State{Present: true, Value: "2026-11-09"})
	add := plan.NewStep(plan.AddUserToGroup, account, adaARN, "ForceMFA", plan.State{}, present)
	add.Needs = plan.IDs(&tag, nil, &update)
	add.Block("no sign-in path", "enroll a device")
	role := plan.NewStep(plan.CreateRole, account, "arn:aws:iam::111122223333:role/Ops", "", plan.State{}, plan.State{Present: true, Document: allowAll, Value: "3600"})
	scp := plan.NewStep(plan.AttachSCP, account, "arn:aws:organizations::111122223333:policy/o-exampleorgid/service_control_policy/ForceMFA", "r-abcd", plan.State{}, present)
	p := plan.New(now, "c")
	p.Digest, p.Users, p.Notes, p.Remove = "d", 3, []string{"a note"}, true
	p.Acknowledged = []string{"lockout:bob"}
	p.Lists = []plan.List{{Kind: plan.KindStops, What: "stops working", Users: []plan.Affected{{Account: "111122223333", User: "bob", Why: "an SSH key"}, {Account: "111122223333"}}}}
	p.Scheduled = []plan.Scheduled{{Wave: "pilot 5%", From: now, Users: 2}}
	p.Recorded = []plan.Recorded{{User: adaARN, Kind: "person", Denied: 9, Last: "2026-11-01T00:00:00Z", Tool: "boto3", Network: "192.0.2.0/24"}}
	p.Steps = []plan.Step{tag, update, add, role, scp}
	return p
}

func written(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var out bytes.Buffer
	if err := plan.Write(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var saved = cmpopts.IgnoreUnexported(plan.Plan{})

func TestReadReturnsTheWrittenPlan(t *testing.T) {
	for _, p := range []*plan.Plan{busy(), {Format: plan.Format, Made: now, Steps: []plan.Step{}}} {
		got, err := plan.Read("plan.json", strings.NewReader(written(t, p)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, got, saved); d != "" {
			t.Errorf("plan (-written +read):\n%s", d)
		}
	}
}

func TestReadReportsLineAndField(t *testing.T) {
	const good = `{
  "format": 2,
  "made": "2026-11-02T09:00:00Z",
  "digest": "d",
  "config": "c",
  "users": 1,
  "steps": [
    {
      "id": "CreateGroup/111122223333/arn:aws:iam::111122223333:group/forcemfa/ForceMFA",
      "op": "CreateGroup",
      "account": "111122223333",
      "subject": "arn:aws:iam::111122223333:group/forcemfa/ForceMFA",
      "expect": {"present": false},
      "want": {"present": true},
      "because": []
    }
  ]
}
`
	if _, err := plan.Read("plan.json", strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"another format", `"format": 2`, `"format": 1`, `plan.json:2: format: 1 is not supported: this program reads format 2; plan again`},
		{"an unknown field", `"digest"`, `"digested"`, `plan.json:4: unknown field "digested"`},
		{"a field in another case", `"digest"`, `"Digest"`, `plan.json:4: unknown field "Digest"`},
		{"an unknown field of a step", `"because": []`, `"because": [], "force": true`, `plan.json:15: steps[0]: unknown field "force"`},
		{"an unknown field of a state", `{"present": true}`, `{"present": true, "Document": ""}`, `plan.json:14: steps[0].want: unknown field "Document"`},
		{"a field twice", `"config": "c",`, `"config": "c", "config": "d",`, `plan.json:5: config: given twice`},
		{"a field missing", `"config": "c",`, ``, `plan.json:1: field "config" is missing`},
		{"a field missing in a step", `"op": "CreateGroup",`, ``, `plan.json:8: steps[0]: field "op" is missing`},
		{"null for a string", `"config": "c"`, `"config": null`, `plan.json:5: config: want a string`},
		{"a number for a list", `"because": []`, `"because": 3`, `plan.json:15: steps[0].because: want a list`},
		{"a list for an object", `{"present": true}`, `[]`, `plan.json:14: steps[0].want: want an object`},
		{"a string for a boolean", `{"present": true}`, `{"present": "true"}`, `plan.json:14: steps[0].want.present: want true or false`},
		{"a negative count", `"users": 1`, `"users": -1`, `plan.json:6: users: -1 is not a count`},
		{"no time", `2026-11-02T09:00:00Z`, `yesterday`, `plan.json:3: made: "yesterday" is not a time as 2027-01-31T12:00:00Z`},
		{"unknown operation", `"op": "CreateGroup"`, `"op": "DeleteUser"`, `plan.json:8: steps[0].op: unknown operation "DeleteUser"`},
		{"no account", `"account": "111122223333"`, `"account": "1"`, `plan.json:8: steps[0].account: "1" is not an account ID of 12 digits`},
		{"another account's subject", `"account": "111122223333"`, `"account": "999999999999"`,
			`plan.json:8: steps[0].subject: "arn:aws:iam::111122223333:group/forcemfa/ForceMFA" is not a group of account 999999999999`},
		{"a subject of another kind", `"op": "CreateGroup"`, `"op": "TagUser"`,
			`plan.json:8: steps[0].subject: "arn:aws:iam::111122223333:group/forcemfa/ForceMFA" is not a user of account 111122223333`},
		{"an ID that does not fit", `"id": "CreateGroup/`, `"id": "DeleteGroup/`,
			`plan.json:8: steps[0].id: "DeleteGroup/111122223333/arn:aws:iam::111122223333:group/forcemfa/ForceMFA" does not match the step: want "CreateGroup/111122223333/arn:aws:iam::111122223333:group/forcemfa/ForceMFA"`},
		{"a need that is not there", `"because": []`, `"because": [], "needs": ["x"]`, `plan.json:8: steps[0].needs: "x" is not a step before this one`},
		{"text after it", "}\n", "} {}", `plan.json:18: more text after the plan`},
		{"truncated", "  ]\n}\n", "", `plan.json:16: steps: the file is truncated`},
		{"empty", good, "", `plan.json:1: the file is truncated`},
		{"not JSON", good, "steps: []", `plan.json:1: not JSON: invalid character 's' looking for beginning of value`},
		{"not UTF-8", `"c"`, "\"\xff\"", `plan.json:1: not UTF-8`},
		{"a count that is too large", `"users": 1`, `"users": 4294967296`, `plan.json:6: users: 4294967296 is not a count`},
		{"a broken count", `"users": 1`, `"users": -`, `plan.json:6: users: not JSON: invalid character ',' in numeric literal`},
		{"a broken key", `"users": 1`, `users: 1`, `plan.json:6: not JSON: invalid character 'u' looking for beginning of object key string`},
		{"a broken end", `"because": []`, `"because": [}`, `plan.json:15: steps[0].because: not JSON: invalid character '}' looking for beginning of value`},
		{"too many reasons", `"because": []`, `"because": [` + strings.Repeat(`"x",`, 10_000) + `"x"]`, `plan.json:15: steps[0].because: more than 10000 entries`},
		{"no ARN", `"subject": "arn:aws:iam`, `"subject": "aws:iam`, `plan.json:8: steps[0].subject: "aws:iam::111122223333:group/forcemfa/ForceMFA" is not an ARN: want arn:partition:service:region:account:resource`},
		{"another partition", `"subject": "arn:aws:`, `"subject": "arn:moon:`, `plan.json:8: steps[0].subject: unknown partition "moon" in "arn:moon:iam::111122223333:group/forcemfa/ForceMFA"`},
		{"another service", `"subject": "arn:aws:iam:`, `"subject": "arn:aws:s3:`, `plan.json:8: steps[0].subject: "arn:aws:s3::111122223333:group/forcemfa/ForceMFA" is not a group of account 111122223333`},
		{"a name that IAM does not allow", `"subject": "arn:aws:iam::111122223333:group/forcemfa/ForceMFA"`, `"subject": "arn:aws:iam::111122223333:group/forcemfa/Force MFA"`,
			`plan.json:8: steps[0].subject: "arn:aws:iam::111122223333:group/forcemfa/Force MFA" is not an ARN with a path and a name that IAM allows`},
		{"a text without end", `"d"`, `"` + strings.Repeat("d", 9000) + `"`, `plan.json:4: digest: longer than 8192 characters`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := good
			if i := strings.LastIndex(text, tt.old); i >= 0 {
				text = text[:i] + tt.new + text[i+len(tt.old):]
			} else {
				t.Fatalf("no %q in the plan", tt.old)
			}
			_, err := plan.Read("plan.json", strings.NewReader(text))
			var where *plan.FileError
			if !errors.As(err, &where) || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
}

// A file that can no longer be read, and one that can no longer be written, are errors.
func TestErrorsOfThePlanFileAreReported(t *testing.T) {
	broken := errors.New("the disk is gone")
	if _, err := plan.Read("plan.json", iotest.ErrReader(broken)); !errors.Is(err, broken) || !strings.Contains(err.Error(), "read plan plan.json") {
		t.Errorf("read: %v", err)
	}
	late := io.MultiReader(strings.NewReader("{"+strings.Repeat(" ", 5000)), iotest.ErrReader(broken))
	if _, err := plan.Read("plan.json", late); !errors.Is(err, broken) {
		t.Errorf("read after the beginning: %v", err)
	}
	if err := plan.Write(failing{broken}, busy()); !errors.Is(err, broken) {
		t.Errorf("write: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// People review the file, so it has lines, and documents with < and & as they are.
func TestThePlanFileCanBeReviewed(t *testing.T) {
	p := plan.New(now, "c")
	p.Notes = []string{"a < b & c"}
	if text := written(t, p); !strings.Contains(text, "\n  \"notes\": [\n    \"a < b & c\"\n  ]") {
		t.Error(text)
	}
}

func TestReadRefusesDuplicateSteps(t *testing.T) {
	p := busy()
	p.Steps = append(p.Steps, p.Steps[0])
	if _, err := plan.Read("p", strings.NewReader(written(t, p))); err == nil || !strings.HasSuffix(err.Error(), "is given twice") {
		t.Errorf("error %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":2,"made":"2026-11-02T09:00:00Z","digest":"","config":"","users":0,"steps":[]}`))
	f.Add([]byte(`{"format":2,"made":"2026-11-02T09:00:00Z","digest":"","config":"","users":1,"notes":["n"],"steps":[{"id":"CreateGroup/111122223333/arn:aws:iam::111122223333:group/G","op":"CreateGroup","account":"111122223333","subject":"arn:aws:iam::111122223333:group/G","expect":{"present":false},"want":{"present":true,"versions":["v1"],"document":"{}","value":"x"},"because":["b"],"blocked":"no","remedy":"yes"}]}`))
	f.Add([]byte(`{"format":2,"format":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := plan.Read("f", bytes.NewReader(text))
		if err != nil {
			var where *plan.FileError
			if !errors.As(err, &where) || where.Line < 1 {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := plan.Read("g", strings.NewReader(written(t, p)))
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if d := cmp.Diff(p, again, saved, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("plan (-read +read again):\n%s", d)
		}
		do, done, stale := plan.Intersect(p, again)
		if len(do) != len(p.Steps) || len(done)+len(stale) != 0 {
			t.Fatalf("a plan intersected with itself: %d do, %d done, %d stale of %d", len(do), len(done), len(stale), len(p.Steps))
		}
	})
}

// endless is a device that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	clear(p)
	return len(p), nil
}

func TestReadLeavesATextThatIsNoPlan(t *testing.T) {
	from := new(endless)
	if _, err := plan.Read("f", from); err == nil || from.read > 1<<20 {
		t.Errorf("%d bytes were read, error %v", from.read, err)
	}
}
