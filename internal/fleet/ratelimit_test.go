package fleet

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"golang.org/x/time/rate"
)

// quotas holds the quotas of Organizations for lists.
// Source: Organizations User Guide, "Quotas".
func quotas() map[string]*rate.Limiter {
	return map[string]*rate.Limiter{
		"ListAccounts": rate.NewLimiter(8, 12), "ListAccountsForParent": rate.NewLimiter(5, 8), "ListOrganizationalUnitsForParent": rate.NewLimiter(5, 8),
		"DescribePolicy": rate.NewLimiter(2, 2), "ListPolicies": rate.NewLimiter(5, 8), "ListTargetsForPolicy": rate.NewLimiter(5, 8), "ListTagsForResource": rate.NewLimiter(10, 15),
	}
}

// metered answers Organizations calls with empty responses, and throttles as AWS
// does.
type metered struct {
	quotas  map[string]*rate.Limiter
	refused int
}

func (m *metered) Do(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	status, body := http.StatusOK, "{}"
	if !m.quotas[action].Allow() {
		m.refused++
		status, body = http.StatusBadRequest, `{"__type":"TooManyRequestsException","Message":"You have exceeded the rate"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
}

func TestRateLimitBeyondTheDeadlineFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := rate.NewLimiter(1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := wait(ctx, bucket); err != nil {
			t.Errorf("the first token: %v", err)
		}
		if err := wait(ctx, bucket); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 0 {
			t.Errorf("the second token: %v after %s, want the deadline at once", err, time.Since(began))
		}
		cancel()
		if err := wait(ctx, bucket); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v, want context.Canceled", err)
		}
	})
}

func TestOrganizationsQuotasAreKept(t *testing.T) {
	ask := map[string]func(*testing.T, *organizations.Client) error{
		"ListAccounts": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListAccounts(t.Context(), &organizations.ListAccountsInput{})
			return err
		},
		"ListAccountsForParent": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListAccountsForParent(t.Context(), &organizations.ListAccountsForParentInput{ParentId: aws.String("r-ab12")})
			return err
		},
		"ListOrganizationalUnitsForParent": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListOrganizationalUnitsForParent(t.Context(), &organizations.ListOrganizationalUnitsForParentInput{ParentId: aws.String("r-ab12")})
			return err
		},
		"ListTargetsForPolicy": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListTargetsForPolicy(t.Context(), &organizations.ListTargetsForPolicyInput{PolicyId: aws.String("p-12345678")})
			return err
		},
		"ListPolicies": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListPolicies(t.Context(), &organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
			return err
		},
		"DescribePolicy": func(t *testing.T, c *organizations.Client) error {
			_, err := c.DescribePolicy(t.Context(), &organizations.DescribePolicyInput{PolicyId: aws.String("p-12345678")})
			return err
		},
		"ListTagsForResource": func(t *testing.T, c *organizations.Client) error {
			_, err := c.ListTagsForResource(t.Context(), &organizations.ListTagsForResourceInput{ResourceId: aws.String("111111111111")})
			return err
		},
	}
	for action, call := range ask {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &metered{quotas: quotas()}
				f, err := New(aws.Config{HTTPClient: m, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "x", "")}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				client := organizations.NewFromConfig(f.organizations)
				began := time.Now()
				quota := m.quotas[action]
				calls := quota.Burst() + 10*int(quota.Limit())
				for range calls { // as fast as the fleet lets them, because answers take no time
					if err := call(t, client); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); m.refused > 0 || took != 10*time.Second {
					t.Errorf("%d of %d calls were throttled, in %s; want none in 10s", m.refused, calls, took)
				}
			})
		})
	}
}
