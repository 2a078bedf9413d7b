package apply

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"forcemfa/internal/plan"
)

type unreachable struct{ calls int }

func (u *unreachable) Do(*http.Request) (*http.Response, error) {
	u.calls++
	return nil, errors.New("no route")
}

func TestKeysThatCannotBeListedAreAnError(t *testing.T) {
	client := iam.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: new(unreachable), Retryer: func() aws.Retryer { return aws.NopRetryer{} }, Credentials: aws.AnonymousCredentials{}})
	if status, err := accessKeys(t.Context(), client, &plan.Step{Subject: "arn:aws:iam::111111111111:user/bob", Object: "AKIA"}); err == nil || status != "" {
		t.Errorf("status %q, %v", status, err)
	}
}

func TestEarlier(t *testing.T) {
	a := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	b := a.Add(time.Second)
	if !earlier(a, b).Equal(a) || !earlier(b, a).Equal(a) || !earlier(a, a).Equal(a) {
		t.Error("not the earlier time")
	}
}
