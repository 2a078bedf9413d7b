package fleet

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"forcemfa/internal/org"
)

type saying string

func (s saying) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(string(s))), ContentLength: int64(len(s))}, nil
}

func (s saying) config() aws.Config {
	return aws.Config{Region: "us-east-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

func TestACallerWithoutAnAccountIsNobody(t *testing.T) {
	for account, known := range map[string]bool{"<Account>111111111111</Account>": true, "": false, "<Account>me</Account>": false} {
		f, err := New(saying("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/bob</Arn>"+account+"</GetCallerIdentityResult></GetCallerIdentityResponse>").config(), Options{Rate: -1})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := f.Identify(t.Context()); (err == nil) != known {
			t.Errorf("%q: %v, %v", account, id, err)
		}
	}
}

// An account ID alone does not say who the caller is.
func TestACallerWithoutAnARNIsNobody(t *testing.T) {
	for _, identity := range []string{"", "<Arn>bob</Arn>"} {
		f, err := New(saying("<GetCallerIdentityResponse><GetCallerIdentityResult>"+identity+"<Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>").config(), Options{Rate: -1})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := f.Identify(t.Context()); err == nil {
			t.Errorf("%q is %v", identity, id)
		}
	}
}

func TestServiceControlPoliciesAreEnabledWhenTheRootSaysSo(t *testing.T) {
	for kind, enabled := range map[string]bool{
		`{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"}`: true, `{"Type":"SERVICE_CONTROL_POLICY","Status":"PENDING_ENABLE"}`: false,
		`{"Type":"TAG_POLICY","Status":"ENABLED"}`: false, ``: false,
	} {
		e := &explorer{client: newOrganizations(saying(`{"Roots":[{"Id":"r-1","PolicyTypes":[` + kind + `]}]}`).config()), d: &Discovery{Header: org.Header{Organization: &org.Organization{}}}}
		if !e.roots(t.Context()) || e.d.Header.Organization.SCPsEnabled != enabled {
			t.Errorf("%s: %+v", kind, e.d.Header)
		}
	}
}

// A service control policy that was not sent is a gap, not an empty document.
func TestAPolicyThatWasNotSentIsNotRead(t *testing.T) {
	e := &explorer{client: newOrganizations(saying(`{"Nothing":""}`).config()), d: &Discovery{Header: org.Header{Organization: &org.Organization{}}}}
	p := &org.SCP{ID: "p-1"}
	if e.document(t.Context(), p); len(e.d.Header.Gaps) != 1 {
		t.Errorf("%+v, gaps %v", p, e.d.Header.Gaps)
	}
}
