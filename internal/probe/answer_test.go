package probe_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/probe"
)

// hollow answers one operation with status 200 and an empty result.
type hollow struct {
	next      aws.HTTPClient
	operation string
}

func (h *hollow) Do(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	if form, _ := url.ParseQuery(string(text)); form.Get("Action") != h.operation {
		return h.next.Do(r)
	}
	answer := "<" + h.operation + "Response><" + h.operation + "Result/></" + h.operation + "Response>"
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

func TestAnswersThatContainNothingEndTheProbe(t *testing.T) {
	for _, name := range []string{
		"CreateAccessKey", "CreateVirtualMFADevice", "CreateRole", "GetSessionToken", "AssumeRole", "GetAccountPasswordPolicy", "GetLoginProfile", "DescribeStacks",
	} {
		t.Run(name, func(t *testing.T) {
			box, o := signingIn(t, operation.Readings{})
			o.SignIn = func(ctx context.Context, _ probe.SignIn) error {
				<-ctx.Done()
				return ctx.Err()
			}
			o.Config.HTTPClient = &hollow{box.Config.HTTPClient, name}
			answers, err := probe.Run(t.Context(), o)
			told := slices.ContainsFunc(answers, func(a probe.Answer) bool { return strings.Contains(a.Why, name+" is empty or incomplete") })
			if err == nil && !told {
				t.Errorf("answers %+v, error %v", answers, err)
			}
		})
	}
}
