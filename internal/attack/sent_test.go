package attack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
)

// sending keeps the requests of an attack, and refuses the operations in refused. A code
// that it has seen is refused like any other.
type sending struct {
	refused string
	sent    []string // operations
	forms   []url.Values
}

func (s *sending) Do(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	form, _ := url.ParseQuery(body)
	operation := form.Get("Action")
	if _, target, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		operation = target
	}
	s.sent, s.forms = append(s.sent, operation), append(s.forms, form)
	status, text := http.StatusOK, "<"+operation+"Response><"+operation+"Result><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>t</SessionToken>"+
		"<Expiration>2026-11-30T12:00:00Z</Expiration></Credentials></"+operation+"Result></"+operation+"Response>"
	if operation == s.refused {
		status, text = http.StatusForbidden, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// still is a clock that an attack moves, and nothing else.
func still(now time.Time) Clock {
	return Clock{Now: func() time.Time { return now }, Advance: func(d time.Duration) { now = now.Add(d) }}
}

// send runs one attack of alice with a device, against what answers.
func send(t *testing.T, s *sending, do func(context.Context, *attempt, aws.CredentialsProvider) error) error {
	t.Helper()
	clock := still(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
	key := credentials.NewStaticCredentialsProvider("AKIA", "x", "")
	strict := "arn:aws:iam::" + home + ":role/strict"
	a := &attempt{
		Subject: &Subject{
			User: audit.User{Name: "alice", ARN: alice, Account: home}, Partition: "aws",
			targets:     targets{roles: []role{{arn: strict, account: home, instance: "i-1", table: "t"}}},
			Enforcement: Enforcement{ExemptName: "svc-1", ExemptPath: "/workloads/", ExemptTag: org.Tag{Key: "userType", Value: "workload"}},
		},
		Scene: &Scene{Config: aws.Config{
			Region: "us-east-1", HTTPClient: s, Credentials: key, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}},
		target: strict,
	}
	a.Device = NewDevice("arn:aws:iam::"+home+":mfa/alice", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", clock)
	return do(t.Context(), a, key)
}

func TestAnAttackOnTheExemptionsSendsAllOfThem(t *testing.T) {
	s := new(sending)
	if err := send(t, s, moveExempt); err != nil || s.forms[0].Get("NewUserName") != "svc-1" || s.forms[0].Get("NewPath") != "/workloads/" {
		t.Errorf("%v: %v", err, s.forms)
	}
	// IAM refuses a change to the name that the user has, and the path would not be tried.
	s = new(sending)
	err := send(t, s, func(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
		a.Enforcement.ExemptName = a.User.Name
		return moveExempt(ctx, a, with)
	})
	if err != nil || s.forms[0].Has("NewUserName") || s.forms[0].Get("NewPath") != "/workloads/" {
		t.Errorf("%v: %v", err, s.forms)
	}
	s = new(sending)
	if err := send(t, s, createExempt); err != nil || s.forms[0].Get("UserName") != "svc-1" || s.forms[0].Get("Path") != "/workloads/" ||
		s.forms[0].Get("Tags.member.1.Key") != "userType" || s.forms[0].Get("Tags.member.1.Value") != "workload" {
		t.Errorf("%v: %v", err, s.forms)
	}
}

// An attack in several steps ends with the first that is refused, and needs all of them.
func TestAnAttackInStepsNeedsEachOfThem(t *testing.T) {
	steps := []string{"AssumeRole", "TerminateInstances", "DeleteTable"}
	for n, refused := range append(steps, "") {
		s := &sending{refused: refused}
		err := send(t, s, destroyByCode)
		if (err == nil) != (refused == "") || !slices.Equal(s.sent, steps[:min(n+1, len(steps))]) {
			t.Errorf("%s refused: %v, %v", refused, s.sent, err)
		}
	}
}

func TestACodeIsSentTwiceOrWrong(t *testing.T) {
	s := new(sending)
	if err := send(t, s, reusedCode); err != nil || len(s.forms) != 2 || s.forms[0].Get("TokenCode") != s.forms[1].Get("TokenCode") {
		t.Errorf("%v: %v", err, s.forms)
	}
	right := s.forms[0].Get("TokenCode")
	s = new(sending)
	if err := send(t, s, wrongCode); err != nil || len(s.forms[0].Get("TokenCode")) != 6 || s.forms[0].Get("TokenCode") == right {
		t.Errorf("%v: %v", err, s.forms)
	}
	// A first use that is refused proves nothing about the second.
	s = &sending{refused: "GetSessionToken"}
	var setUp *setUpError
	if err := send(t, s, reusedCode); !errors.As(err, &setUp) || len(s.sent) != 1 {
		t.Errorf("%v: %v", err, s.sent)
	}
	unreadable := func(ctx context.Context, a *attempt, with aws.CredentialsProvider) error {
		a.Device = NewDevice("d", "not a seed!", still(time.Time{}))
		return reusedCode(ctx, a, with)
	}
	if err := send(t, new(sending), unreadable); !errors.As(err, &setUp) {
		t.Errorf("a device without a seed: %v", err)
	}
}
