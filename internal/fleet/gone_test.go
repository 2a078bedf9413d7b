package fleet

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

type refusing struct{ sent int }

func (r *refusing) Do(*http.Request) (*http.Response, error) {
	r.sent++
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// When AWS is gone, a fleet notices within seconds and sends no more requests.
func TestAFleetStopsWhenAWSDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &refusing{}
		base := aws.Config{Region: "us-east-1", HTTPClient: network, Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "")}
		f, err := New(base, Options{Rate: -1})
		if err != nil {
			t.Fatal(err)
		}
		client := iam.NewFromConfig(f.config(newRateLimits(-1)))
		began := time.Now()
		for n := 0; f.Gone() == nil; n++ {
			if _, err := client.ListUsers(t.Context(), &iam.ListUsersInput{}); err == nil || n > 100 {
				t.Fatalf("request %d: %v", n, err)
			}
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("noticed after %s", took)
		}
		sent := network.sent
		began = time.Now()
		_, err = client.ListUsers(t.Context(), &iam.ListUsersInput{})
		var gone *GoneError
		if !errors.As(err, &gone) || network.sent != sent {
			t.Errorf("%v; %d more requests", err, network.sent-sent)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the next request waited %s for attempts that are not made", waited)
		}
	})
}

// A response of AWS, an error too, ends the silence.
func TestAnAnswerEndsTheSilence(t *testing.T) {
	now := time.Now()
	f, err := New(aws.Config{Region: "us-east-1"}, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	refused := sendError()
	for n := range 30 * mostUnanswered {
		f.sent(refused)
		if now = now.Add(time.Second); n%(mostUnanswered-1) == mostUnanswered-2 {
			f.sent(errors.New("AccessDenied"))
		}
	}
	if err := f.Gone(); err != nil {
		t.Error(err)
	}
}

func sendError() error {
	return &smithyhttp.RequestSendError{Err: errors.New("connection refused")}
}
