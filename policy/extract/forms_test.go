package extract_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"forcemfa/policy"
	"forcemfa/policy/extract"
)

// listed returns the documents of a file as kind, label and lines.
func listed(t *testing.T, file []byte) (out []string, texts []string) {
	t.Helper()
	found, err := extract.Documents(file)
	if err != nil {
		t.Fatalf("%.60q: %v", file, err)
	}
	for _, d := range found {
		kind := words[d.Kind]
		if d.Role {
			kind = "role"
		}
		out = append(out, fmt.Sprintf("%s %s %d %v", kind, d.Label, d.Line, d.Statements))
		texts = append(texts, d.Text)
	}
	return out, texts
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// A document that a tool wrote as a JSON string, once or several times, or URL-encoded.
func TestDocumentsAsTextsAreRead(t *testing.T) {
	for name, file := range map[string]string{
		"a string": jsonString(allow), "a string in a string": jsonString(jsonString(allow)), "three times": " \n" + jsonString(jsonString(jsonString(allow))),
		"URL-encoded": url.PathEscape(allow), "URL-encoded, small letters": strings.ReplaceAll(url.PathEscape(allow), "%7B", "%7b"), "an array": "[" + jsonString(allow) + "]",
	} {
		if _, texts := listed(t, []byte(file)); len(texts) != 1 || texts[0] != allow {
			t.Errorf("%s: %q", name, texts)
		}
	}
	escaped := strings.Trim(jsonString(allow), `"`)
	if _, texts := listed(t, []byte(`{"id":"a1","name":"api","policy":`+jsonString(escaped)+`}`)); len(texts) != 1 || texts[0] != allow {
		t.Errorf("get-rest-api: %q", texts)
	}
	got, _ := listed(t, []byte(jsonString(allow)+"\n"+jsonString(trust)))
	if diff := cmp.Diff([]string{"-  1 [1]", "-  2 [2]"}, got); diff != "" {
		t.Errorf("JSON Lines of strings (-want +got):\n%s", diff)
	}
}

// Windows tools write UTF-16 with and without a byte order mark.
func TestUTF16WithoutAMarkIsRead(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, mark := range []string{"", "\ufeff"} {
			var file bytes.Buffer
			if err := binary.Write(&file, order, utf16.Encode([]rune(mark+allow))); err != nil {
				t.Fatal(err)
			}
			if _, texts := listed(t, file.Bytes()); len(texts) != 1 || texts[0] != allow {
				t.Errorf("%v, mark %q: %q", order, mark, texts)
			}
		}
	}
}

// Statements without the document around them, in templates of the Serverless Framework.
func TestStatementsOfServerlessTemplatesAreRead(t *testing.T) {
	const file = `service: demo
provider:
  name: aws
  iam:
    role:
      statements:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::${self:custom.bucket}/${aws:username}
  resourcePolicy:
    - Effect: Deny
      Principal: "*"
      NotAction: execute-api:Invoke
      Resource: "*"
functions:
  hello:
    iamRoleStatements:
      - {Effect: Allow, Action: "sqs:*", Resource: "arn:aws:sqs:${aws:region}:${env:ACCOUNT}:*"}
      - {Effect: Allow, Action: "sns:*", Resource: "*"}
`
	got, texts := listed(t, []byte(file))
	if diff := cmp.Diff([]string{"role aws statements 7 [7]", "resource aws resourcePolicy 11 [11]", "role iamRoleStatements 18 [18 19]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []string{"arn:aws:s3:::unknown/${aws:username}", `"NotAction":"execute-api:Invoke"`, "arn:aws:sqs:unknown:123456789012:*"} {
		if !strings.Contains(texts[i], want) {
			t.Errorf("%s, want %s", texts[i], want)
		}
		if _, err := policy.Parse(map[int]policy.Kind{0: policy.Identity, 1: policy.Resource, 2: policy.Identity}[i], texts[i]); err != nil {
			t.Errorf("%s: %v", texts[i], err)
		}
	}
	if got, _ := listed(t, []byte("["+strings.TrimSuffix(strings.SplitN(allow, "[", 2)[1], "]}")+"]")); len(got) != 1 {
		t.Errorf("an array of statements: %q", got)
	}
	for _, other := range []string{`[{"Effect":"Allow"}]`, `[{"Effect":"Allow","Action":"*"},5]`, `[{"Action":"*"}]`} {
		if found, err := extract.Documents([]byte(other)); err == nil {
			t.Errorf("%s: %+v", other, found)
		}
	}
}

// A loop of CloudFormation is no intrinsic function: what it repeats has documents.
func TestLoopsOfTemplatesAreRead(t *testing.T) {
	const file = `Resources:
  'Fn::ForEach::Users':
    - Name
    - [alice, bob]
    - 'Policy${Name}':
        Type: AWS::IAM::ManagedPolicy
        Properties:
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::${Name}/${aws:username}/&{Name}"}
`
	got, texts := listed(t, []byte(file))
	if diff := cmp.Diff([]string{"- Policy${Name} PolicyDocument 9 [11]"}, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(texts[0], "arn:aws:s3:::unknown/${aws:username}/unknown") {
		t.Error(texts[0])
	}
}

// The code blocks of a page have documents; other text around one does not hide it.
func TestDocumentsInPagesAreFound(t *testing.T) {
	page := "# Policies\n\nFirst:\n\n```json\n" + allow + "\n```\n\n~~~ yaml\nVersion: '2012-10-17'\nStatement:\n  - {Effect: Allow, Action: 'iam:*', Resource: '*'}\n~~~\n\n```sh\nls\n```\n"
	got, _ := listed(t, []byte(page))
	if diff := cmp.Diff([]string{"-  6 [6]", "-  10 [12]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, _ = listed(t, []byte(strings.ReplaceAll(page, "\n", "\r\n")))
	if len(got) != 2 {
		t.Errorf("with CRLF: %q", got)
	}
}

// Each error says what the file is and what to do.
func TestFilesThatCannotBeReadSayWhatToDo(t *testing.T) {
	for file, want := range map[string]string{
		"Use " + allow + " for all.":                               "other text around a document; save the document alone",
		"module \"p\" {\n policy = <<EOF\n" + allow + "\nEOF\n}\n": "terraform show -json", "locals {\n  a = 1\n}\n": "terraform show -json",
		"POLICYVERSION\t2020\tTrue": "--output json", "-----------\n|  GetPolicy |": "--output json", "// mine\n" + allow: "remove the comments", "{ /* mine */" + allow[1:]: "remove the comments",
		strings.ReplaceAll(allow, `"`, "\u201c"): "typographic quotation marks", "\x1f\x8b\x08\x00": "gzip -dc FILE", "{\x00\x00\x00": "UTF-32", "": "the file is empty",
	} {
		_, err := extract.Documents([]byte(file))
		var none *extract.NotFoundError
		if !errors.As(err, &none) || !none.Recognized || !strings.Contains(none.Why, want) {
			t.Errorf("%.60q: %v, want %s", file, err, want)
		}
	}
	// A URL in a value is no comment.
	if found, err := extract.Documents([]byte(`{"a":"b, // c","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
