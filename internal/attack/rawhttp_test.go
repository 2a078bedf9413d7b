package attack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestEndpointFollowsThePartition(t *testing.T) {
	for _, row := range []struct{ partition, region, want string }{
		{"aws", "eu-west-1", "https://s3.eu-west-1.amazonaws.com"},
		{"aws-cn", "cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"},
		{"aws-eusc", "eusc-de-east-1", "https://s3.eusc-de-east-1.amazonaws.eu"},
		{"aws-iso-b", "us-isob-east-1", "https://s3.us-isob-east-1.sc2s.sgov.gov"},
		{"aws-moon", "moon-1", ""},
	} {
		a := attempt{Subject: &Subject{Partition: row.partition}, Scene: &Scene{Config: aws.Config{Region: row.region}}}
		got, err := a.endpoint("s3")
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: %q, %v; want %q", row.partition, got, err, row.want)
		}
	}
}

type answering struct {
	body io.Reader
	err  error
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(a.body)}, nil
}

// An attack whose request does not reach the service was not refused by it.
func TestARequestThatIsNotSentIsAnError(t *testing.T) {
	failed := errors.New("no route")
	known := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "x"}, nil
	})
	unknown := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, failed })
	for _, row := range []struct {
		name, partition, method string
		with                    aws.CredentialsProvider
		client                  answering
		fails                   bool
	}{
		{"an answer", "aws", "GET", known, answering{body: strings.NewReader("")}, false},
		{"no endpoint", "aws-moon", "GET", known, answering{body: strings.NewReader("")}, true},
		{"no method", "aws", "bad method", known, answering{body: strings.NewReader("")}, true},
		{"no credentials", "aws", "GET", unknown, answering{body: strings.NewReader("")}, true},
		{"no answer", "aws", "GET", known, answering{err: failed}, true},
		{"half an answer", "aws", "GET", known, answering{body: iotest.ErrReader(failed)}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := attempt{Subject: &Subject{Partition: row.partition}, Scene: &Scene{Config: aws.Config{Region: "eu-west-1", HTTPClient: row.client}}}
			if err := a.send(t.Context(), row.with, call{service: "s3", method: row.method, path: "/"}); (err != nil) != row.fails {
				t.Errorf("error %v, want one: %v", err, row.fails)
			}
		})
	}
}
