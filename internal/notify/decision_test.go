package notify

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"

	"forcemfa/internal/audit"
	"forcemfa/policy/arn"
)

// answers are JSON responses by operation, or for REST services by path; each is given
// once and the last one again. The operations that were called are kept.
type answers struct {
	of    map[string][]string
	asked []string
}

func (a *answers) Do(r *http.Request) (*http.Response, error) {
	name := r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name = target[strings.LastIndexByte(target, '.')+1:]
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	a.asked = append(a.asked, name)
	text := "{}"
	if list := a.of[name]; len(list) > 0 {
		text = list[0]
		if len(list) > 1 {
			a.of[name] = list[1:]
		}
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
}

func (a *answers) config() aws.Config {
	return aws.Config{Region: "us-east-1", HTTPClient: a, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

// outlet is a channel that sends nothing, with an error or without.
type outlet struct{ err error }

func (outlet) Name() string                           { return "outlet" }
func (o outlet) Send(context.Context, *Summary) error { return o.err }

// A message leaves the queue when it was sent, and is visible again at once when not.
func TestTheQueueKeepsWhatWasNotSent(t *testing.T) {
	body := `{"source":"forcemfa","detail-type":"forcemfa message","account":"111111111111","detail":{"id":"a/111111111111/b","kind":"finding","account":"111111111111"}}`
	sum := md5.Sum([]byte(body))
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	received := `{"Messages":[{"MessageId":"m","ReceiptHandle":"r","MD5OfBody":"` + hex.EncodeToString(sum[:]) + `","Body":` + string(quoted) + `}]}`
	for _, failure := range []error{nil, errors.New("no")} {
		a := &answers{of: map[string][]string{"ReceiveMessage": {received, "{}"}, "DeleteMessageBatch": {`{"Successful":[{"Id":"e0"}],"Failed":[]}`}}}
		n := &Notifier{channels: []*channelState{{channel: outlet{failure}, sent: map[string]bool{}}}, queue: newQueue(a.config(), "https://sqs.us-east-1.amazonaws.com/111111111111/q")}
		if err := n.drain(t.Context()); (err != nil) != (failure != nil) {
			t.Errorf("%v: %v", failure, err)
		}
		if slices.Contains(a.asked, "DeleteMessageBatch") != (failure == nil) || slices.Contains(a.asked, "ChangeMessageVisibilityBatch") != (failure != nil) {
			t.Errorf("%v: calls %v", failure, a.asked)
		}
	}
}

// An account can put any message on the bus, but not in the name of another one unseen.
func TestAMessageAboutAnotherAccountNamesItsSender(t *testing.T) {
	for sender, want := range map[string]string{"111111111111": "x", "222222222222": "x (reported by account 222222222222)", "": "x"} {
		m, err := parseEvent([]byte(`{"source":"forcemfa","detail-type":"forcemfa message","account":"` + sender + `","detail":{"id":"a","kind":"finding","account":"111111111111","what":"x"}}`))
		if err != nil || m.What != want {
			t.Errorf("%s: %q, %v", sender, m.What, err)
		}
	}
}

func TestOnlySecureStringsAreSecrets(t *testing.T) {
	for kind, secure := range map[string]bool{"SecureString": true, "String": false, "StringList": false} {
		a := &answers{of: map[string][]string{"GetParameter": {`{"Parameter":{"Value":"s","Type":"` + kind + `"}}`}}}
		if got, err := fromParameter(t.Context(), a.config(), "/x"); (err == nil) != secure {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
}

// Messages without an answer were perhaps not taken.
func TestAnswersThatAreMissingAreNotSent(t *testing.T) {
	b := &eventBus{name: "bus"}
	sent := []Message{{ID: "a"}, {ID: "b"}}
	for n := range 4 {
		left, v := b.failed(sent, &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, n)})
		if (n == 2) != (v.err == nil && len(left) == 0) {
			t.Errorf("%d answers: left %v, %v", n, left, v.err)
		}
	}
	a := &answers{of: map[string][]string{"/findings/import": {`{"FailedCount":1,"SuccessCount":0,"FailedFindings":[]}`}}}
	h := &securityHub{client: securityhub.NewFromConfig(a.config()), region: "us-east-1", caller: arn.ARN{Partition: "aws", Account: "111111111111"}}
	if left, err := h.put(t.Context(), sent); err == nil || len(left) != 2 {
		t.Errorf("Security Hub: left %v, %v", left, err)
	}
	id := *h.finding(&sent[0]).Id
	refused := `{"Id":"` + id + `","ErrorCode":"InvalidInput","ErrorMessage":"no"}`
	a = &answers{of: map[string][]string{"/findings/import": {`{"FailedCount":2,"SuccessCount":1,"FailedFindings":[` + refused + "," + refused + `]}`}}}
	h.client = securityhub.NewFromConfig(a.config())
	if left, err := h.put(t.Context(), sent); err == nil || len(left) != 1 || left[0].ID != "a" {
		t.Errorf("Security Hub refuses one twice: left %v, %v", left, err)
	}
}

func TestAParameterWithoutAValueIsAnError(t *testing.T) {
	for _, text := range []string{"{}", `{"Parameter":{"Type":"SecureString"}}`} {
		a := &answers{of: map[string][]string{"GetParameter": {text}}}
		if got, err := fromParameter(t.Context(), a.config(), "/x"); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestAnUnknownSeverityIsHigh(t *testing.T) {
	for given, want := range map[audit.Severity]audit.Severity{"": audit.High, "harmless": audit.High, audit.Low: audit.Low, audit.Critical: audit.Critical} {
		if m := (&Message{Severity: given}); m.severity() != want || m.Urgent() != (want != audit.Low) {
			t.Errorf("%q: %s", given, m.severity())
		}
	}
}
