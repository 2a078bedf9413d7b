package fleet

import (
	"testing"
	"testing/synctest"
	"time"
)

// CloudTrail takes two lookups a second in each Region of an account, whatever the rate of
// other requests is.
func TestLookupsHaveAQuotaInEachRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits, began := newRateLimits(0), time.Now()
		for range 5 {
			for _, region := range []string{"us-east-1", "eu-west-1"} {
				if err := wait(t.Context(), limits.limiter("CloudTrail", "LookupEvents", region)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("five lookups in each of two Regions took %s, want 2s", took)
		}
		none := newRateLimits(-1)
		for range 100 {
			_ = wait(t.Context(), none.limiter("CloudTrail", "LookupEvents", "us-east-1"))
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("without a limit lookups waited: %s", took)
		}
	})
}
