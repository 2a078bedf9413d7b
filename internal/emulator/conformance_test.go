package emulator

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/model"
	"forcemfa/internal/emulator/wire"
)

// modeled are the services that are checked against their API models.
var modeled = map[string]func() *model.Service{"iam": model.IAM, "sts": model.STS, "organizations": model.Organizations}

// differences are the known differences between the answers here and the model, by
// service:operation kind member, with a reason. A * at the end stands for the rest.
var differences = map[string]string{
	"iam:CreateLoginProfile required members":            noPassword,
	"iam:CreateLoginProfile true PasswordResetRequired":  noPassword,
	"iam:CreateLoginProfile false PasswordResetRequired": noPassword,
	"iam:GetAccessKeyLastUsed *":                         "the model has no error for an access key that doesn't exist; the emulator answers with `NoSuchEntity`",
}

const noPassword = "only a session of `AssumeRoot` may leave out the password, which the model doesn't say"

// A variant is an input of an operation, derived from the model.
type variant struct {
	kind, member string
	input        map[string]any
	// refused variants break a constraint of the model. Others keep all of them: the
	// answer is a success or an error that the model or the service's common errors have.
	refused bool
	extra   string // parameters that are added to a form
}

func (v variant) String() string { return strings.TrimSuffix(v.kind+" "+v.member, " ") }

// Every operation is sent inputs that keep or break one constraint of AWS's service
// model, as signed requests. The number of inputs may only grow.
func TestAnswersConformToTheAPIModel(t *testing.T) {
	counts := map[string]map[string]int{}
	used := map[string]bool{}
	for _, service := range slices.Sorted(maps.Keys(modeled)) {
		counts[service] = map[string]int{}
		for _, operation := range slices.Sorted(maps.Keys(services()[service].byName)) {
			if _, ok := modeled[service]().Errors[operation]; !ok {
				t.Errorf("%s: the model does not have %s", service, operation)
				continue
			}
			all := variants(modeled[service](), operation, !services()[service].codec.Protocol.JSON())
			counts[service][operation] = len(all)
			for _, v := range all {
				checkVariant(t, service, operation, v, used)
			}
		}
	}
	for known := range differences {
		if !used[known] {
			t.Errorf("the difference %q no longer exists", known)
		}
	}
	checkBaseline(t, counts)
}

func checkVariant(t *testing.T, service, operation string, v variant, used map[string]bool) {
	t.Helper()
	problem := send(t, service, operation, v)
	if problem == "" {
		return
	}
	name := service + ":" + operation + " " + v.String()
	for known := range differences {
		prefix, open := strings.CutSuffix(known, "*")
		if name == known || open && strings.HasPrefix(name, prefix) {
			used[known] = true
			return
		}
	}
	t.Errorf("%s: %s", name, problem)
}

// fresh is the world that every variant meets.
var fresh = sync.OnceValue(testWorld)

// A reply is the answer to a request.
type reply struct {
	status        int
	code, message string
	problem       string // of its form
}

// send sends a variant and returns how its answer differs from the model.
func send(t *testing.T, service, operation string, v variant) string {
	t.Helper()
	c := New(fresh().Fork(), Options{Clock: func() time.Time { return noon }})
	s := request(service, operation, v.input)
	s.body += v.extra
	r := s.sign(t)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	got := replyOf(services()[service], operation, w)
	if got.problem != "" {
		return got.problem + ": " + w.Body.String()
	}
	return judge(service, operation, v, got)
}

func judge(service, operation string, v variant, got reply) string {
	m := modeled[service]()
	kind, _, _ := strings.Cut(v.kind, " ")
	want := refusals[services()[service].codec.Protocol][kind]
	leaf := v.member[strings.LastIndexByte(v.member, '.')+1:]
	switch {
	case v.refused && !slices.Contains(want, got.code):
		return fmt.Sprintf("got %d %s %q, want %v", got.status, got.code, got.message, want)
	case v.refused && v.member != "" && !strings.Contains(strings.ToLower(got.message), strings.ToLower(leaf)):
		return fmt.Sprintf("the message %q does not name %s", got.message, leaf)
	case !v.refused && got.code != "" && strings.Contains(got.message, "failed to satisfy constraint"):
		return fmt.Sprintf("got %s %q, want no violation", got.code, got.message)
	case !v.refused && got.code != "" && !slices.Contains(m.Errors[operation], got.code) && !slices.Contains(common, got.code):
		return fmt.Sprintf("the model does not have the error %s %q", got.code, got.message)
	}
	if status, ok := m.Status[got.code]; ok && got.status != status {
		return fmt.Sprintf("%s has status %d, want %d", got.code, got.status, status)
	}
	return ""
}

// common are the errors that every operation may return.
// Source: IAM API Reference, "Common errors"; Organizations API Reference, "Common
// errors".
var common = []string{"AccessDenied", "AccessDeniedException", "ValidationError"}

// refusals are the codes for each kind of broken input.
// Source: the common errors of the API references.
var refusals = map[wire.Protocol]map[string][]string{
	wire.Query: {
		"missing": {"ValidationError"}, "short": {"ValidationError"}, "long": {"ValidationError"}, "small": {"ValidationError"}, "large": {"ValidationError"},
		"pattern": {"ValidationError"}, "enum": {"ValidationError"}, "type": {"MalformedInput", "MalformedQueryString"}, "unknown": {"MalformedQueryString"}, "twice": {"MalformedQueryString"},
	},
	wire.JSON11: {
		"missing": {"InvalidInputException"}, "short": {"InvalidInputException"}, "long": {"InvalidInputException"}, "small": {"InvalidInputException"},
		"large": {"InvalidInputException"}, "pattern": {"InvalidInputException"}, "enum": {"InvalidInputException"}, "type": {"SerializationException"}, "unknown": {"SerializationException"},
	},
}

func request(service, operation string, input map[string]any) signed {
	s := services()[service]
	var out signed
	if s.codec.Protocol.JSON() {
		body, err := json.Marshal(input)
		if err != nil {
			panic(err) // a variant is JSON
		}
		out = jsonRequest(service, s.target+"."+operation, string(body))
	} else {
		form := map[string][]string{"Action": {operation}, "Version": {s.version}}
		flatten(form, "", input)
		out = queryRequest(service, encodeForm(form))
	}
	out.creds = aws.Credentials{AccessKeyID: keyOf("root-admin"), SecretAccessKey: "secret of root-admin"}
	return out
}

// replyOf checks the form of an answer: root element, request ID, media type.
func replyOf(s *service, operation string, w *httptest.ResponseRecorder) reply {
	got := reply{status: w.Code}
	id := w.Header().Get("X-Amzn-Requestid")
	if len(id) != 36 {
		got.problem = "the request ID is " + strconv.Quote(id)
	}
	if kind := w.Header().Get("Content-Type"); kind != s.codec.Protocol.ContentType() {
		got.problem = "the media type is " + kind
	}
	if s.codec.Protocol.JSON() {
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			got.problem = err.Error()
		}
		got.code, _ = body["__type"].(string)
		got.message, _ = body["Message"].(string)
	} else {
		got.readXML(s, operation, id, w.Body.Bytes())
	}
	if (got.code == "") != (got.status == 200) || got.code != "" && got.message == "" {
		got.problem = fmt.Sprintf("status %d with code %q and message %q", got.status, got.code, got.message)
	}
	return got
}

func (got *reply) readXML(s *service, operation, id string, body []byte) {
	var x struct {
		XMLName  xml.Name
		Error    struct{ Type, Code, Message string }
		Request  string `xml:"RequestId"`
		Metadata struct {
			Request string `xml:"RequestId"`
		} `xml:"ResponseMetadata"`
	}
	root := operation + "Response"
	if got.status != 200 {
		root = "ErrorResponse"
	}
	err := xml.Unmarshal(body, &x)
	got.code, got.message = x.Error.Code, x.Error.Message
	switch {
	case err != nil:
		got.problem = err.Error()
	case x.XMLName.Local != root || x.XMLName.Space != s.codec.Namespace:
		got.problem = fmt.Sprintf("the root is %s of %s", x.XMLName.Local, x.XMLName.Space)
	case x.Request+x.Metadata.Request != id:
		got.problem = "the request ID of the body is not that of the header"
	case got.status != 200 && x.Error.Type != "Sender" && got.status < 500:
		got.problem = "the type is " + x.Error.Type
	}
}

const baseline = "testdata/conformance.txt"

// checkBaseline fails when there are fewer variants than before. With -update it writes
// the numbers, and the table of the documentation.
func checkBaseline(t *testing.T, counts map[string]map[string]int) {
	t.Helper()
	if *update {
		var b strings.Builder
		for _, service := range slices.Sorted(maps.Keys(counts)) {
			for _, operation := range slices.Sorted(maps.Keys(counts[service])) {
				fmt.Fprintf(&b, "%s %s %d\n", service, operation, counts[service][operation])
			}
		}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(baseline, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(baseline)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		before, err := strconv.Atoi(fields[2])
		if err != nil {
			t.Fatal(err)
		}
		if now := counts[fields[0]][fields[1]]; now < before {
			t.Errorf("%s:%s has %d variants, and had %d", fields[0], fields[1], now, before)
		}
	}
	checkPage(t, "Conform", "conformance", conformanceTable(counts))
}

func conformanceTable(counts map[string]map[string]int) string {
	var b strings.Builder
	b.WriteString("\n| service | model | operations | variants | known differences |\n|---|---|---|---|---|\n")
	for _, service := range slices.Sorted(maps.Keys(counts)) {
		total, known := 0, 0
		for _, n := range counts[service] {
			total += n
		}
		for name := range differences {
			if strings.HasPrefix(name, service+":") {
				known++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", service, modeled[service]().Source, len(counts[service]), total, known)
	}
	b.WriteString("\n")
	for _, name := range slices.Sorted(maps.Keys(differences)) {
		fmt.Fprintf(&b, "- `%s`: %s\n", name, differences[name])
	}
	for _, list := range []struct {
		words string
		of    map[string]string
	}{{"in the answer", answerDifferences}, {"never succeeds", onlyRefused}, {"not called by boto3", uncalled}} {
		for _, name := range slices.Sorted(maps.Keys(list.of)) {
			fmt.Fprintf(&b, "- `%s`, %s: %s\n", name, list.words, list.of[name])
		}
	}
	b.WriteString("\n")
	return b.String()
}
