package emulator

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/internal/testclients"
)

const callsFile = "testdata/calls.txt"

// A script runs the lines of testdata/calls.txt.
type script struct {
	t     *testing.T
	cloud *Cloud
	vars  map[string]string
	creds aws.Credentials
	// call sends a request and returns the output and the code of the error.
	call      func(s *script, service, operation string, input map[string]any) (output map[string]any, code string)
	succeeded map[string]bool
	message   string          // of the last error
	differs   map[string]bool // known differences that were seen
	reported  map[string]int
	done      map[string]int // service:operation → successes and wanted refusals
}

func newScript(t *testing.T, c *Cloud) *script {
	s := &script{t: t, cloud: c, vars: maps.Clone(keyMaterial()), done: map[string]int{}, succeeded: map[string]bool{}, differs: map[string]bool{}, reported: map[string]int{}}
	s.creds = aws.Credentials{AccessKeyID: keyOf("root-admin"), SecretAccessKey: "secret of root-admin"}
	s.vars["ALICEKEY"], s.vars["ALICESECRET"] = keyOf("alice"), "secret of alice"
	s.vars["ALLOW"] = `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":["s3:GetObject","iam:GetUser"],"Resource":"*"}]}`
	s.vars["DENY"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}`
	s.vars["TRUST"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Principal":{"AWS":"` + management + `"}}]}`
	s.vars["WEBTRUST"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"$SELF"}}]}`
	s.vars["BUCKET"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + management + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::made-by-calls/*"}]}`
	s.vars["SECRETPOLICY"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + management + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
	s.vars["BUSPOLICY"] = `{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"AWS":"` + management + `"},"Action":"events:PutEvents","Resource":"*"}]}`
	s.vars["PARAMETRIC"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::@{bucketName}/*"}]}`
	s.vars["ORGPOLICY"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + member + `"},"Action":["organizations:ListAccounts","organizations:DescribeAccount"],"Resource":"*"}]}`
	s.vars["TEMPLATE"] = `{"Resources":{"Group":{"Type":"AWS::IAM::Group","Properties":{"GroupName":"stacked"}}}}`
	s.vars["TEMPLATE2"] = `{"Resources":{"Group":{"Type":"AWS::IAM::Group","Properties":{"GroupName":"stacked","Path":"/x/"}}}}`
	return s
}

// keyMaterial are a certificate, its private key, an SSH public key and SAML metadata.
var keyMaterial = sync.OnceValue(func() map[string]string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	body, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: made, NotAfter: made.AddDate(20, 0, 0)}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return map[string]string{
		"OTHERPRIVATE": inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(other)),
		"CERT":         inPEM("CERTIFICATE", body), "PRIVATE": inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), "SSH": inPEM("PUBLIC KEY", public),
		"SAML": `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` +
			base64.StdEncoding.EncodeToString(body) + `</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>` + strings.Repeat(" ", 1000),
	}
})

// callsWorld is the test world with IDs, names and dates as AWS has them.
func callsWorld() *world.World {
	w := testWorld()
	o := w.EditOrganization()
	o.Units = []org.Unit{{ID: "r-exam", Name: "Root", SCPs: []string{"p-FullAWSAccess"}}, {ID: "ou-exam-11111111", Name: "Work", Parent: "r-exam", SCPs: []string{"p-FullAWSAccess"}}}
	o.SCPs = map[string]org.SCP{"p-FullAWSAccess": {ID: "p-FullAWSAccess", Name: "FullAWSAccess", AWSManaged: true, Document: administrator}}
	for id, unit := range map[string]string{management: "r-exam", member: "ou-exam-11111111"} {
		a := w.Edit(id)
		a.Email, a.Joined, a.Unit, a.SCPs = a.Name+"@example.com", made, unit, []string{"p-FullAWSAccess"}
	}
	return w
}

// lines returns the calls of the file, without comments.
func lines(t testing.TB) []string {
	text, err := os.ReadFile(callsFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// run runs the lines for which a service is chosen.
func (s *script) run(chosen func(service string) bool) {
	for _, line := range lines(s.t) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "as":
			s.as(fields[1:])
		case "wait":
			d, err := time.ParseDuration(fields[1])
			if err != nil {
				s.t.Fatal(err)
			}
			s.cloud.Advance(d)
		default:
			if chosen(fields[0]) {
				s.line(line)
			}
		}
	}
}

func (s *script) as(names []string) {
	s.creds = aws.Credentials{AccessKeyID: keyOf("root-admin"), SecretAccessKey: "secret of root-admin"}
	if len(names) > 1 {
		s.creds = aws.Credentials{AccessKeyID: s.vars[names[0]], SecretAccessKey: s.vars[names[1]]}
	}
	if len(names) > 2 {
		s.creds.SessionToken = s.vars[names[2]]
	}
}

var callLine = regexp.MustCompile(`^(\S+) (\S+) (\{.*\})((?: \S+)*)$`)

func (s *script) line(line string) {
	s.t.Helper()
	m := callLine.FindStringSubmatch(line)
	if m == nil {
		s.t.Fatalf("%s has the line %q", callsFile, line)
	}
	service, operation := m[1], m[2]
	d := json.NewDecoder(strings.NewReader(s.fill(m[3])))
	d.UseNumber()
	var input map[string]any
	if err := d.Decode(&input); err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	out, code := s.call(s, service, operation, numbered(input).(map[string]any))
	want := ""
	for _, word := range strings.Fields(m[4]) {
		if name, path, keeps := strings.Cut(word, "="); keeps && code == "" {
			s.vars[name] = s.at(out, path, line)
		} else if refusal, ok := strings.CutPrefix(word, "!"); ok {
			want = refusal
		}
	}
	if code != want {
		s.t.Errorf("%s: the code is %q, want %q: %s", line, code, want, s.message)
	}
	s.done[service+":"+operation]++
	if code == "" {
		s.succeeded[service+":"+operation] = true
	}
}

// numbered returns a decoded input with its numbers as integers.
func numbered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	case []any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			panic(err)
		}
		return n
	}
	return v
}

var variable = regexp.MustCompile(`\$(CODE[+-]\d|[A-Z][A-Z0-9]*)`)

// fill puts variables into the JSON text of an input.
func (s *script) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := s.vars[name[1:]]
		if offset, isCode := strings.CutPrefix(name, "$CODE"); isCode {
			value, ok = s.code(offset), true
		}
		if name == "$TRADEIN" {
			s.cloud.View(func(w *world.World) { value = w.Delegation(s.vars["DELEGATION"]).Token })
			ok = true
		}
		if !ok {
			s.t.Fatalf("%s is not set", name)
		}
		if name == "$WEBTRUST" {
			value = strings.ReplaceAll(value, "$SELF", s.vars["SELF"])
		}
		quoted := asJSON(value)
		return quoted[1 : len(quoted)-1]
	})
}

// code is the code of the device that was created last, some steps from now.
func (s *script) code(offset string) string {
	n, err := strconv.Atoi(offset)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(s.vars["SEED"])
	if err != nil {
		s.t.Fatal(err)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(string(text), "="))
	if err != nil {
		s.t.Fatal(err)
	}
	return world.CodeAt(seed, s.cloud.Now().Add(time.Duration(n)*30*time.Second))
}

// at returns a member of an output.
func (s *script) at(out map[string]any, path, line string) string {
	s.t.Helper()
	var v any = out
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				s.t.Fatalf("%s: no item %s in %v", line, step, in)
			}
			v = in[i]
		}
	}
	text, ok := v.(string)
	if !ok {
		s.t.Fatalf("%s: %s is %v in %v", line, path, v, out)
	}
	return text
}

// overHTTP sends a signed request and checks the form of a successful answer.
func (s *script) overHTTP(service, operation string, input map[string]any) (map[string]any, string) {
	r := request(service, operation, input)
	r.creds = s.creds
	w := httptest.NewRecorder()
	s.cloud.ServeHTTP(w, r.sign(s.t))
	got := replyOf(services()[service], operation, w)
	if got.problem != "" {
		s.t.Errorf("%s: %s", operation, got.problem)
	}
	if got.code != "" {
		s.message = got.message
		return nil, got.code
	}
	out, problems := inspect(service, operation, w)
	for _, p := range problems {
		path, _, _ := strings.Cut(p, ": ")
		if place := service + ":" + path; answerDifferences[place] != "" {
			s.differs[place] = true
		} else if s.reported[p]++; s.reported[p] == 1 {
			s.t.Errorf("%s:%s", service, p)
		}
	}
	return out, ""
}

// answerDifferences are the known differences of successful answers, with a reason.
var answerDifferences = map[string]string{
	"sts:AssumeRole.SessionTokenSize":                 newer,
	"sts:GetFederationToken.SessionTokenSize":         newer,
	"iam:UploadSSHPublicKey.SSHPublicKey.Fingerprint": fingerprint,
	"iam:GetSSHPublicKey.SSHPublicKey.Fingerprint":    fingerprint,
}

const (
	newer       = "the model of the SDK for Go is newer"
	fingerprint = "an MD5 fingerprint with colons has 47 characters, and the model says 48"
)

// onlyRefused are the operations that never succeed here, with a reason.
var onlyRefused = map[string]string{
	"sts:AssumeRoleWithSAML":                               "signatures of assertions are not verified, so every assertion is refused",
	"organizations:DescribeEffectivePolicy":                oneKind,
	"organizations:ListAccountsWithInvalidEffectivePolicy": oneKind,
	"organizations:ListEffectivePolicyValidationErrors":    oneKind,
	"sts:DecodeAuthorizationMessage":                       "messages are not encoded here",
}

const oneKind = "the types of policies are service and resource control policies, which have no effective policy"

// Every operation of the modeled services succeeds at least once, and the answer has the
// form of the model: members, types, times, request ID, and pages of every size.
func TestSuccessfulAnswersConform(t *testing.T) {
	t.Parallel()
	s := newScript(t, New(callsWorld(), Options{Clock: func() time.Time { return noon }}))
	pages := 0
	s.call = func(s *script, service, operation string, input map[string]any) (map[string]any, string) {
		out, code := s.overHTTP(service, operation, input)
		if code == "" {
			pages += checkPages(t, service, operation, input, func(in map[string]any) map[string]any {
				out, code := s.overHTTP(service, operation, in)
				if code != "" {
					t.Errorf("%s %v: %s", operation, in, code)
				}
				return out
			})
		}
		return out, code
	}
	s.run(func(service string) bool { return modeled[service] != nil })
	for service := range modeled {
		for operation := range services()[service].byName {
			id := service + ":" + operation
			if s.done[id] == 0 || s.succeeded[id] == (onlyRefused[id] != "") {
				t.Errorf("%s is called %d times, success %v, %s", id, s.done[id], s.succeeded[id], onlyRefused[id])
			}
		}
	}
	for place := range answerDifferences {
		if !s.differs[place] {
			t.Errorf("the difference %s no longer exists", place)
		}
	}
	if pages < 300 {
		t.Errorf("only %d pages were read", pages)
	}
	t.Logf("%d operations, %d pages", len(s.done), pages)
}

// boto3 answers requests on standard input by calls of boto3, one per line.
const boto3 = `
import base64, json, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def ready(shape, value):
    if shape.type_name == "structure":
        return {k: ready(shape.members[k], v) for k, v in value.items()}
    if shape.type_name == "list":
        return [ready(shape.member, v) for v in value]
    return base64.b64decode(value) if shape.type_name == "blob" else value

def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return value.read().decode() if hasattr(value, "read") else str(value)

clients = {}
for line in sys.stdin:
    r = json.loads(line)
    who = (r["Service"], r["AccessKeyID"], r["Token"])
    if who not in clients:
        clients[who] = boto3.client(r["Service"], aws_access_key_id=r["AccessKeyID"], aws_secret_access_key=r["Secret"], aws_session_token=r["Token"] or None,
            config=Config(retries={"total_max_attempts": 1}))
    c = clients[who]
    name = next(n for n, o in c.meta.method_to_api_mapping.items() if o == r["Operation"])
    shape = c.meta.service_model.operation_model(r["Operation"]).input_shape
    answer = {"Code": "", "Message": "", "Output": None}
    try:
        answer["Output"] = getattr(c, name)(**(ready(shape, r["Input"]) if shape else {}))
    except ClientError as e:
        answer["Code"], answer["Message"] = e.response["Error"]["Code"], e.response["Error"]["Message"]
        assert isinstance(e, getattr(c.exceptions, type(e).__name__, ClientError))
    print(json.dumps(answer, default=plain), flush=True)
`

// bySDK are the names of boto3's clients that differ from the services'.
var bySDK = map[string]string{"tagging": "resourcegroupstaggingapi", "access-analyzer": "accessanalyzer"}

// uncalled are the operations that no foreign client calls, with a reason.
var uncalled = map[string]string{
	"signin:*":     "the operations belong to the sign-in in a browser",
	"lambda:*":     "Lambda has no endpoint for clients: its operations are for CloudFormation",
	"monitoring:*": "boto3 calls CloudWatch in RPC v2 CBOR, which has no endpoint here: its operations are for CloudFormation and for the query protocol",
}

// Every operation of every service is called by boto3: the cloud counts them.
func TestBoto3CallsEveryOperation(t *testing.T) {
	t.Parallel()
	testclients.Need(t, "boto3")
	c := New(callsWorld(), Options{Stopped: true})
	p := clientAs(t, listen(t, c), keyOf("root-admin"), "secret of root-admin", "")
	cmd := testclients.Command(t, "python3", "-c", boto3)
	cmd.Env, cmd.Stderr = append(p.env, "AWS_DEFAULT_REGION=us-east-1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(out)
	s := newScript(t, c)
	s.call = func(s *script, service, operation string, input map[string]any) (map[string]any, string) {
		client := cmp.Or(bySDK[service], service)
		if _, err := fmt.Fprintln(in, asJSON(map[string]any{"Service": client, "Operation": operation, "Input": input, "AccessKeyID": s.creds.AccessKeyID, "Secret": s.creds.SecretAccessKey, "Token": s.creds.SessionToken})); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Code, Message string
			Output        map[string]any
		}
		if err := answers.Decode(&answer); err != nil {
			t.Fatalf("%s:%s: %v", service, operation, err)
		}
		s.message = answer.Message
		return answer.Output, answer.Code
	}
	s.run(func(string) bool { return true })
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
	called := map[string]bool{}
	for _, n := range c.Counts() {
		called[n.Service+":"+n.Operation] = true
	}
	for name, service := range services() {
		for operation := range service.byName {
			id := name + ":" + operation
			if reason := uncalled[id] + uncalled[name+":*"]; called[id] == (reason != "") {
				t.Errorf("%s: called %v, %s", id, called[id], reason)
			}
		}
	}
	t.Logf("%d operations", len(called))
}
