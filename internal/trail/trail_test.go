package trail

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const created = `{"version":"0","id":"6f87d04b","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"111122223333",
"time":"2026-10-01T12:00:00Z","region":"us-east-1","resources":[],
"detail":{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/Admin/s",
"accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/Admin","userName":"Admin"},
"attributes":{"creationDate":"2026-10-01T11:50:16Z","mfaAuthenticated":"false"}}},
"eventTime":"2026-10-01T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1",
"sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2.32","requestParameters":{"userName":"alice","tags":[{"key":"a","value":"b"}]},
"responseElements":{"user":{"userName":"alice"}},"requestID":"r","eventID":"e","readOnly":false,"eventType":"AwsApiCall",
"managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}`

func TestAnEventIsReadAndPrintedWhole(t *testing.T) {
	e, err := Parse([]byte(created))
	if err != nil {
		t.Fatal(err)
	}
	text, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal([]byte(created), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestWhoDidWhatToWhom(t *testing.T) {
	rows := []struct {
		name, detail   string
		subject, actor string
		failed, longed bool
	}{
		{"the user it names", `{"eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"alice"},
			"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/admin","userName":"admin","accessKeyId":"AKIAEXAMPLE"}}`, "alice", "arn:aws:iam::1:user/admin", false, true},
		{"the caller where it names none", `{"eventSource":"iam.amazonaws.com","eventName":"DeactivateMFADevice","requestParameters":{"serialNumber":"s"},
			"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/bob","userName":"bob","accessKeyId":"ASIAEXAMPLE"}}`, "bob", "arn:aws:iam::1:user/bob", false, false},
		{"no user", `{"eventSource":"iam.amazonaws.com","eventName":"CreatePolicyVersion","requestParameters":null,
			"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/bob","userName":"bob"}}`, "", "arn:aws:iam::1:user/bob", false, false},
		{"a role's session is the role", `{"eventSource":"iam.amazonaws.com","eventName":"TagUser","requestParameters":{"userName":"bob"},"errorCode":"AccessDenied",
			"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/Ops/x","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/Ops"}}}}`,
			"bob", "arn:aws:iam::1:role/Ops", true, false},
		{"a sign-in", `{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/bob","userName":"bob"},
			"additionalEventData":{"MFAUsed":"No"}}`, "bob", "arn:aws:iam::1:user/bob", false, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e, err := Parse([]byte(`{"detail-type":"x","source":"aws.iam","detail":` + row.detail + `}`))
			if err != nil {
				t.Fatal(err)
			}
			r := &e.Detail
			if r.Subject() != row.subject || r.Actor() != row.actor || r.Failed() != row.failed || r.LongLived() != row.longed {
				t.Errorf("subject %q, actor %q, failed %v, long-lived %v", r.Subject(), r.Actor(), r.Failed(), r.LongLived())
			}
		})
	}
}

func TestASignInIsKnownInBothSpellings(t *testing.T) {
	for kind, want := range map[string]bool{ConsoleSignIn: true, ConsoleSignInV1: true, APICall: false} {
		if got := (&Event{DetailType: kind}).IsSignIn(); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

func TestInvalidEventIsRejected(t *testing.T) {
	for text, want := range map[string]string{
		``: "unexpected end", `[]`: "cannot unmarshal", `{}`: "not an EventBridge event", `{"source":"aws.iam"}`: "not an EventBridge event",
		`{"detail-type":"x","source":"y","time":"yesterday"}`: "parse",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPatternsMatchEvents(t *testing.T) {
	rows := []struct {
		pattern string
		want    bool
	}{
		{`{"source":["aws.iam"]}`, true},
		{`{"source":["aws.sts","aws.iam"]}`, true},
		{`{"source":["aws.sts"]}`, false},
		{`{"source":["aws.iam"],"detail":{"eventName":["CreateUser","TagUser"]}}`, true},
		{`{"source":["aws.iam"],"detail":{"eventName":["TagUser"]}}`, false},
		{`{"detail":{"errorCode":[{"exists":false}]}}`, true},
		{`{"detail":{"errorCode":[{"exists":true}]}}`, false},
		{`{"detail":{"userIdentity":{"accessKeyId":[{"prefix":"ASIA"}]}}}`, true},
		{`{"detail":{"userIdentity":{"accessKeyId":[{"prefix":"AKIA"}]}}}`, false},
		{`{"detail":{"eventSource":[{"suffix":".amazonaws.com"}]}}`, true},
		{`{"detail":{"eventName":[{"equals-ignore-case":"createuser"}]}}`, true},
		{`{"detail":{"eventName":[{"anything-but":["CreateUser","TagUser"]}]}}`, false},
		{`{"detail":{"eventName":[{"anything-but":"TagUser"}]}}`, true},
		{`{"detail":{"readOnly":[false]}}`, true},
		{`{"detail":{"readOnly":["false"]}}`, false},
		{`{"detail":{"requestParameters":{"tags":{"key":["a"]}}}}`, false},
		{`{"detail":{"missing":{"deep":["x"]}}}`, false},
		{`{"detail":{"missing":{"deep":[{"exists":false}]}}}`, true},
	}
	for _, row := range rows {
		p, err := ParsePattern([]byte(row.pattern))
		if err != nil {
			t.Fatalf("%s: %v", row.pattern, err)
		}
		if got := p.Match([]byte(created)); got != row.want {
			t.Errorf("%s: %v, want %v", row.pattern, got, row.want)
		}
	}
}

func TestUnknownPatternIsRejected(t *testing.T) {
	for text, want := range map[string]string{
		`{"source":"aws.iam"}`:                          "source: want an object or a list",
		`{"source":[]}`:                                 "source: an empty list",
		`{}`:                                            "without members",
		`{"detail":{"x":[{"wildcard":"a*"}]}}`:          `detail: x: unknown filter "wildcard"`,
		`{"x":[{"prefix":"a","suffix":"b"}]}`:           "one operator",
		`{"x":[{"exists":"yes"}]}`:                      "wrong type",
		`{"x":[["a"]]}`:                                 "a list within a list",
		`{"x":[{"anything-but":[]}]}`:                   "wrong type",
		`{"detail":{"x":[{"numeric":[">",0]}]},"y":[1]`: "unexpected end",
	} {
		if _, err := ParsePattern([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(created))
	f.Add([]byte(`{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		e.Detail.Subject()
		e.Detail.Actor()
		printed, err := e.JSON()
		if err != nil {
			return // a raw message that is no JSON cannot be read in the first place; times beyond year 9999 can
		}
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("printed %s: %v", printed, err)
		}
		if second, err := again.JSON(); err != nil || string(second) != string(printed) {
			t.Errorf("printed twice: %s\n%s", printed, second)
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add([]byte(`{"source":["aws.iam"],"detail":{"eventName":[{"anything-but":["x"]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := ParsePattern(text); err == nil {
			p.Match([]byte(created))
		}
	})
}
