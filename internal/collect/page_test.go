package collect

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"forcemfa/internal/emulator"
	"forcemfa/internal/fleet"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// twoPages answers ListServiceSpecificCredentials with two pages.
type twoPages struct{ next aws.HTTPClient }

func (p twoPages) Do(r *http.Request) (*http.Response, error) {
	operation, err := operationOf(r)
	if err != nil || operation != "ListServiceSpecificCredentials" {
		return p.next.Do(r)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	page, service := "<IsTruncated>true</IsTruncated><Marker>second</Marker>", "bedrock"
	if form.Get("Marker") == "second" {
		page, service = "<IsTruncated>false</IsTruncated>", "codecommit"
	}
	body := fmt.Sprintf("<%[1]sResponse><%[1]sResult>%s<ServiceSpecificCredentials><member><ServiceSpecificCredentialId>ACCA%[3]s</ServiceSpecificCredentialId>"+
		"<ServiceName>%[3]s.amazonaws.com</ServiceName><Status>Active</Status></member><member><ServiceName>old.amazonaws.com</ServiceName><Status>Inactive</Status></member></ServiceSpecificCredentials></%[1]sResult></%[1]sResponse>", operation, page, service)
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// The SDK has no paginator for this list. A credential of the second page works without
// MFA as well as one of the first.
func TestEveryPageOfServiceCredentialsIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, accounts := company()
		s := newStand(t, h, accounts, emulator.Options{})
		cfg := s.cloud.Config(s.creds, "")
		cfg.HTTPClient = twoPages{cfg.HTTPClient}
		f, err := fleet.New(cfg, fleet.Options{Rate: -1, Now: s.cloud.Now})
		if err != nil {
			t.Fatal(err)
		}
		entered, _, err := f.Enter(t.Context(), member)
		if err != nil {
			t.Fatal(err)
		}
		u, gaps, err := User(t.Context(), entered, "virtual")
		if err != nil || len(gaps) > 0 || u.Services == nil {
			t.Fatal(err, gaps)
		}
		if d := cmp.Diff([]string{"bedrock.amazonaws.com", "codecommit.amazonaws.com"}, u.Services.ServiceSpecific); d != "" {
			t.Errorf("services (-want +got):\n%s", d)
		}
	})
}
