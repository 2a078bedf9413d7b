package trailbucket_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"forcemfa/internal/trailbucket"
)

// Where every folder is listed the size is exact; a sample contains it in its error.
func TestTheSizeOfALogIsEstimated(t *testing.T) {
	keys, total := map[string]string{}, 0
	regions := []string{"us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"}
	for i, account := range []string{"111111111111", "222222222222"} {
		for j, region := range regions {
			for d := 1; d <= 30; d++ {
				text := strings.Repeat("x", 100+10*i+20*j+d)
				keys[key(account, region, fmt.Sprintf("2026/11/%02d", d))] = text
				total += len(text)
			}
		}
	}
	client := bucket(t, http.DefaultTransport, keys)
	in := trailbucket.Options{Bucket: "logs", Prefix: "org/AWSLogs/o-abc", Accounts: []string{"111111111111"}, Since: day("2026-11-01"), Until: day("2026-11-02")}
	exact, err := trailbucket.EstimateSize(t.Context(), client, in, regions[:1], 1)
	if err != nil || exact.Bytes != 203 || exact.Error != 0 || exact.Folders != 2 {
		t.Errorf("%+v, %v, want 203 bytes exactly", exact, err)
	}
	in.Accounts, in.Until = []string{"111111111111", "222222222222"}, day("2026-11-30")
	e, err := trailbucket.EstimateSize(t.Context(), client, in, regions, 1)
	if off := e.Bytes - float64(total); err != nil || e.Folders != 240 || e.Sampled != 200 || e.Error == 0 || off > 2*e.Error || -off > 2*e.Error {
		t.Errorf("%+v, %v, want about %d bytes", e, err, total)
	}
}
