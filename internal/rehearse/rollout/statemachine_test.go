package rollout

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forcemfa/internal/apply"
	"forcemfa/internal/baseline"
	"forcemfa/internal/bootstrap"
	"forcemfa/internal/central"
	"forcemfa/internal/deploy"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A machine runs a state machine as far as the template central-map uses the Amazon
// States Language; anything else ends the test. Each call that Step Functions makes must be
// allowed by the role of the state machine.
// Source: Amazon States Language specification; Step Functions Developer Guide, "Using
// Map state in Distributed mode".
type machine struct {
	t       *testing.T
	rights  policy.Set
	self    string // ARN of the role
	invoke  func(payload []byte) ([]byte, error)
	read    func(bucket, key string) []byte
	entered []string // names of states
	fails   func(batch int) bool
	asked   []*policy.Request // by Step Functions
}

// fields are the fields of states that a machine knows.
var fields = []string{
	"Type", "Resource", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "Retry", "Next", "End", "Label", "MaxConcurrencyPath",
	"ToleratedFailurePercentage", "ItemReader", "ItemBatcher", "ItemProcessor", "ResultWriter",
}

func (m *machine) run(definition map[string]any, input any) any {
	m.t.Helper()
	states := definition["States"].(map[string]any)
	name := definition["StartAt"].(string)
	for {
		state, ok := states[name].(map[string]any)
		if !ok {
			m.t.Fatalf("there is no state %q", name)
		}
		m.entered = append(m.entered, name)
		for field := range state {
			if !slices.Contains(fields, field) {
				m.t.Fatalf("state %s has the field %s", name, field)
			}
		}
		input = m.enter(state, input)
		if state["End"] == true {
			return input
		}
		name = fmt.Sprint(state["Next"])
	}
}

func (m *machine) enter(state map[string]any, input any) any {
	m.t.Helper()
	var output any
	switch state["Type"] {
	case "Task":
		output = m.task(state, input)
	case "Map":
		m.spread(state, input)
	default:
		m.t.Fatalf("a state has the type %v", state["Type"])
	}
	if selector, ok := state["ResultSelector"]; ok {
		output = m.fill(selector, output)
	}
	if path, ok := state["ResultPath"]; ok && path == nil {
		return input
	}
	if path, ok := state["OutputPath"].(string); ok {
		output = m.at(path, output)
	}
	return output
}

// task invokes the function.
func (m *machine) task(state map[string]any, input any) any {
	m.t.Helper()
	if state["Resource"] != "arn:aws:states:::lambda:invoke" {
		m.t.Fatalf("a task of %v", state["Resource"])
	}
	parameters := m.fill(state["Parameters"], input).(map[string]any)
	m.may("lambda:InvokeFunction", parameters["FunctionName"].(string))
	payload, err := json.Marshal(parameters["Payload"])
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := m.invoke(payload)
	if err != nil {
		m.t.Fatalf("invoke with %s: %v", payload, err)
	}
	var result any
	if err := json.Unmarshal(out, &result); err != nil {
		m.t.Fatal(err)
	}
	return map[string]any{"Payload": result}
}

// spread runs the child workflows of a Distributed Map.
func (m *machine) spread(state map[string]any, input any) {
	m.t.Helper()
	processor := state["ItemProcessor"].(map[string]any)
	config := fmt.Sprint(processor["ProcessorConfig"])
	if config != "map[ExecutionType:STANDARD Mode:DISTRIBUTED]" || fmt.Sprint(state["ToleratedFailurePercentage"]) != "100" {
		m.t.Fatalf("the map: %s", config)
	}
	if n, ok := m.at(state["MaxConcurrencyPath"].(string), input).(float64); !ok || n < 1 {
		m.t.Fatalf("%v workers", n)
	}
	reader := state["ItemReader"].(map[string]any)
	place := m.fill(reader["Parameters"], input).(map[string]any)
	bucket, key := place["Bucket"].(string), place["Key"].(string)
	m.may("s3:GetObject", "arn:aws:s3:::"+bucket+"/"+key)
	var items []any
	if err := json.Unmarshal(m.read(bucket, key), &items); err != nil {
		m.t.Fatalf("the list of accounts: %v", err)
	}
	batcher := state["ItemBatcher"].(map[string]any)
	size := int(m.at(batcher["MaxItemsPerBatchPath"].(string), input).(float64))
	batch := 0
	for some := range slices.Chunk(items, size) {
		m.may("states:StartExecution", "arn:aws:states:us-east-1:"+m.account()+":stateMachine:forcemfa-central")
		if batch++; m.fails(batch) {
			continue
		}
		m.run(processor, map[string]any{"BatchInput": m.fill(batcher["BatchInput"], input), "Items": some})
	}
	writer := m.fill(state["ResultWriter"].(map[string]any)["Parameters"], input).(map[string]any)
	for _, action := range []string{"s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"} {
		m.may(action, fmt.Sprintf("arn:aws:s3:::%v/%v/id/SUCCEEDED_0.json", writer["Bucket"], writer["Prefix"]))
	}
}

func (m *machine) account() string {
	role, _ := arn.Parse(m.self)
	return role.Account
}

// may fails the test unless the role of the state machine allows a call.
func (m *machine) may(action, resource string) {
	m.t.Helper()
	request := &policy.Request{
		Principal: policy.Principal{Kind: policy.RoleSession, Account: m.account(), ARN: "arn:aws:sts::" + m.account() + ":assumed-role/ForceMFACentralStates/s", Issuer: m.self},
		Action:    action, Resource: resource, ResourceAccount: m.account(), Context: new(policy.Context),
	}
	m.asked = append(m.asked, request)
	got := m.rights.Decide(request)
	if got.Verdict != policy.Allowed {
		m.t.Errorf("the role of the state machine may not call %s on %s: %v", action, resource, got.Verdict)
	}
}

// fill replaces the paths of a payload template by values.
func (m *machine) fill(template, input any) any {
	m.t.Helper()
	fields, ok := template.(map[string]any)
	if !ok {
		return template
	}
	filled := map[string]any{}
	for name, value := range fields {
		if plain, isPath := strings.CutSuffix(name, ".$"); isPath {
			filled[plain] = m.at(value.(string), input)
		} else {
			filled[name] = m.fill(value, input)
		}
	}
	return filled
}

// at returns the value at a reference path.
func (m *machine) at(path string, value any) any {
	m.t.Helper()
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		var name string
		name, rest, _ = strings.Cut(strings.TrimPrefix(rest, "."), ".")
		object, _ := value.(map[string]any)
		if value, ok = object[name]; rest != "" {
			rest = "." + rest
		}
	}
	if !ok {
		m.t.Fatalf("the path %s leads nowhere in %v", path, value)
	}
	return value
}

// machine returns the state machine of the template central-map, around the deployed
// function, and its definition.
func (s *stage) machine(t *testing.T) (*machine, map[string]any) {
	t.Helper()
	b, at := s.bucket(), deploy.Place{Partition: "aws", Account: s.box.Home, Region: "us-east-1"}
	template, err := deploy.Render(deploy.CentralMap, s.Baseline, "aws")
	if err != nil {
		t.Fatal(err)
	}
	resources, err := deploy.Resolve(template, at, map[string]string{"S3Bucket": b, "S3Key": "key", "ResultBucket": b})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]any{}
	for _, r := range resources {
		found[r.ID] = r.Properties
	}
	text, err := json.Marshal(found["StateMachine"]["Definition"])
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for name, value := range found["StateMachine"]["DefinitionSubstitutions"].(map[string]any) {
		whole = strings.ReplaceAll(whole, "${"+name+"}", fmt.Sprint(value))
	}
	var definition map[string]any
	if err := json.Unmarshal([]byte(whole), &definition); err != nil || strings.Contains(whole, "${") {
		t.Fatalf("definition: %v %s", err, whole)
	}
	document, err := json.Marshal(found["StatesRole"]["Policies"].([]any)[0].(map[string]any)["PolicyDocument"])
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse(policy.Identity, string(document))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{
		t: t, rights: policy.Set{Identity: []policy.Source{{Name: "role", Document: d}}}, self: arn.IAM("aws", s.box.Home, "role", baseline.Path, "ForceMFACentralStates"),
		invoke: s.invoker(t), fails: func(int) bool { return false },
	}
	m.read = func(bucket, key string) []byte { return s.object(t, bucket, key) }
	return m, definition
}

// invoker returns a function that invokes the deployed central function, with two accounts
// for each worker of a map.
func (s *stage) invoker(t *testing.T) func([]byte) ([]byte, error) {
	t.Helper()
	var f *lambdasvc.Function
	s.box.Cloud.View(func(w *world.World) {
		f, _ = world.Find[*lambdasvc.Function](w.Account(s.box.Home), "arn:aws:lambda:us-east-1:"+s.box.Home+":function:forcemfa-central")
	})
	if f == nil {
		t.Fatal("the central function is not deployed")
	}
	return func(payload []byte) ([]byte, error) {
		session, err := s.box.Cloud.AssumeAs(s.box.Home, deploy.CentralRole, "forcemfa-central")
		if err != nil {
			return nil, err
		}
		own := map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": session.AccessKeyID, "AWS_SECRET_ACCESS_KEY": session.SecretAccessKey,
			"AWS_SESSION_TOKEN": session.SessionToken, "FORCEMFA_ACCOUNTS_PER_WORKER": "2",
		}
		files, err := zip.NewReader(bytes.NewReader(f.Code), int64(len(f.Code)))
		if err != nil {
			return nil, err
		}
		handler, err := bootstrap.Handler(context.Background(), &bootstrap.Environment{
			Getenv: func(name string) string {
				if value, ok := own[name]; ok {
					return value
				}
				return f.Environment[name]
			},
			Out: io.Discard, Root: files, HTTP: &http.Client{Transport: s.box.Cloud.Transport()}, Loopback: true, Rate: -1, Now: s.box.Cloud.Now, Sleep: s.sleep,
		})
		if err != nil {
			return nil, err
		}
		return handler.Invoke(context.Background(), payload)
	}
}

// object reads an object as an administrator.
func (s *stage) object(t *testing.T, bucket, key string) []byte {
	t.Helper()
	cfg, err := s.enter(t.Context(), s.box.Home)
	if err != nil {
		t.Fatal(err)
	}
	out, err := apply.S3Client(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		t.Fatalf("object %q: %v", key, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The workers of the Distributed Map read every account; the accounts of a worker that
// fails are reported by the merge, and the others are not affected.
func TestTheWorkersOfTheMapEnforceInEveryAccount(t *testing.T) {
	s := newStage(t)
	if err := playPlan(t.Context(), s, new(Chapter)); err != nil {
		t.Fatal(err)
	}
	applied(t, s.central(t, map[string]string{"Mode": "enforce", "SlackWebhookParameter": s.secret}).Apply)
	for _, failing := range []int{2, 0} { // the second worker, then none
		m, definition := s.machine(t)
		m.fails = func(batch int) bool { return batch == failing }
		out := m.run(definition, map[string]any{"detail-type": "Scheduled Event"})
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var got central.Summary
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		n := len(s.covered())
		want := []string{"List", "Scan", "Worker", "Worker", "Worker", "Merge"}
		unread := 0
		if failing > 0 {
			want, unread = slices.Delete(want, 2, 3), 2
		}
		if got.Accounts != n || got.Unread != unread || got.Read != n-unread || got.Enforced == 0 {
			t.Errorf("worker %d fails: %s, want %d accounts, %d not read", failing, text, n, unread)
		}
		if !slices.Equal(m.entered, want) {
			t.Errorf("states %v, want %v", m.entered, want)
		}
		posts, err := s.messages()
		if err != nil {
			t.Fatal(err)
		}
		if reported := slices.ContainsFunc(posts, func(p post) bool { return strings.Contains(p.text, "no worker has written a result") }); reported != (failing > 0) {
			t.Errorf("worker %d fails, and a message says so: %v", failing, reported)
		}
		m.needsEveryStatement(t)
	}
}

// needsEveryStatement takes each statement from the role of the state machine: Step Functions
// must miss a right of that statement.
func (m *machine) needsEveryStatement(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(m.rights.Identity[0].Document)
	if err != nil {
		t.Fatal(err)
	}
	var whole struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	for i, statement := range whole.Statement {
		rest := whole
		rest.Statement = slices.Delete(slices.Clone(whole.Statement), i, i+1)
		text, err := json.Marshal(rest)
		if err != nil {
			t.Fatal(err)
		}
		d, err := policy.Parse(policy.Identity, string(text))
		if err != nil {
			t.Fatal(err)
		}
		less := policy.Set{Identity: []policy.Source{{Name: "role", Document: d}}}
		missed := slices.IndexFunc(m.asked, func(r *policy.Request) bool { return less.Decide(r).Verdict != policy.Allowed })
		if missed < 0 || !strings.Contains(fmt.Sprint(statement["Action"]), m.asked[missed].Action) {
			t.Errorf("nothing fails without the statement %v of the state machine", statement["Sid"])
		}
	}
}

// A scan that finds nothing to change makes as many calls as docs/scale.md says: in an
// account whose users and groups have five AWS managed policies, 21.
func TestAScanTakesTheCallsOfTheSimulation(t *testing.T) {
	s := newStage(t)
	if err := playPlan(t.Context(), s, new(Chapter)); err != nil {
		t.Fatal(err)
	}
	applied(t, s.central(t, map[string]string{"Mode": "enforce"}).Apply)
	invoke := s.invoker(t)
	scan := func() map[string]int {
		s.box.Cloud.ResetCounts()
		if _, err := invoke([]byte(`{"BatchInput":{"entry":"scan","run":"20261129T120000Z-000000001"},"Items":["` + sample.Prod + `"]}`)); err != nil {
			t.Fatal(err)
		}
		calls := map[string]int{}
		for _, c := range s.box.Cloud.Counts() {
			if c.Account == sample.Prod || c.Operation == "AssumeRole" {
				calls[c.Operation] += c.Calls
			}
		}
		return calls
	}
	scan() // enforces
	calls, n := scan(), 0
	for _, of := range calls {
		n += of
	}
	if n != 21 || calls["AssumeRole"] != 1 {
		t.Errorf("%d calls for an account, not 21: %v", n, calls)
	}
}
