package collect

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

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

// slow answers after a second, and counts the requests. Without permission it refuses.
type slow struct {
	allowed bool
	calls   int
}

func (s *slow) Do(r *http.Request) (*http.Response, error) {
	s.calls++
	time.Sleep(time.Second)
	body, _ := io.ReadAll(r.Body)
	status, text := 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
	switch {
	case s.allowed && strings.Contains(string(body), "Action=GetPolicyVersion"):
		status, text = 200, "<GetPolicyVersionResponse><GetPolicyVersionResult><PolicyVersion><VersionId>v1</VersionId><Document>%7B%7D</Document></PolicyVersion></GetPolicyVersionResult></GetPolicyVersionResponse>"
	case s.allowed:
		status, text = 200, "<GetPolicyResponse><GetPolicyResult><Policy><PolicyName>P</PolicyName><DefaultVersionId>v1</DefaultVersionId></Policy></GetPolicyResult></GetPolicyResponse>"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
}

// Accounts that need the same policy at once share one read. When the account that reads it
// has no permission, each of the others tries its own.
func TestAReadThatIsSharedFailsForItsReaderAlone(t *testing.T) {
	for _, row := range []struct {
		allowed      [2]bool
		second, both int // requests of the second account, and of both
	}{
		{[2]bool{true, true}, 0, 2},
		{[2]bool{false, true}, 2, 4}, // the first one tries again as well
	} {
		synctest.Test(t, func(t *testing.T) {
			cache := &policyCache{}
			var clients [2]*slow
			var errs [2]error
			var reads sync.WaitGroup
			for i := range clients {
				clients[i] = &slow{allowed: row.allowed[i]}
				client := iam.NewFromConfig(aws.Config{Region: "us-east-1", HTTPClient: clients[i], Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", ""), Retryer: func() aws.Retryer { return aws.NopRetryer{} }})
				reads.Go(func() { _, errs[i] = cache.policy(context.Background(), client, adminARN) })
				time.Sleep(time.Millisecond)
			}
			reads.Wait()
			if (errs[0] == nil) != row.allowed[0] || errs[1] != nil || clients[1].calls != row.second || clients[0].calls+clients[1].calls != row.both {
				t.Errorf("%v: errors %v, %d and %d requests", row.allowed, errs, clients[0].calls, clients[1].calls)
			}
		})
	}
}
