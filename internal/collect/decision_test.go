package collect

import (
	"context"
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

// What the summary does not say is unknown, not "no".
func TestWhatTheSummaryDoesNotSayIsUnknown(t *testing.T) {
	for entry, want := range map[string]org.Tri{
		"": org.Unknown, "<entry><key>AccountMFAEnabled</key><value>0</value></entry>": org.No, "<entry><key>AccountMFAEnabled</key><value>1</value></entry>": org.Yes,
	} {
		cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			HTTPClient: saying("<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>" + entry + "</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>")}
		a := &org.Account{}
		newReader(cfg, a).summary(context.Background())
		if a.Root.MFA != want || a.Root.AccessKeys != org.Unknown || len(a.Gaps) != 0 {
			t.Errorf("%q: %+v, gaps %v", entry, a.Root, a.Gaps)
		}
	}
}

func TestManyNamesAreCounted(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	for n, want := range map[int]string{1: "a", 5: "a, b, c, d, e", 6: "a, b, c, d, e and 1 more", 7: "a, b, c, d, e and 2 more"} {
		if got := firstNames(names[:n]); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
