package impact_test

import (
	"strings"
	"testing"

	"forcemfa/internal/impact"
)

func TestADifferenceIsWhatTheForecastMissed(t *testing.T) {
	refused, passed, unsent := impact.ReplayAnswer{Sent: true, Refused: true, Text: "AccessDenied"}, impact.ReplayAnswer{Sent: true, Text: "success"}, impact.ReplayAnswer{Text: "MissingParameter"}
	var r impact.Replay
	for _, row := range []struct {
		denied        bool
		before, after impact.ReplayAnswer
		enforced      bool
	}{
		{true, passed, refused, true},  // as forecast
		{false, passed, passed, true},  // as forecast
		{true, passed, passed, true},   // not refused
		{false, passed, refused, true}, // refused
		{true, passed, passed, false},  // the plan leaves the user open
		{true, refused, refused, true}, // policies have changed since
		{true, unsent, refused, true},  // the evaluator decides
		{false, passed, unsent, true},  // likewise
		{true, unsent, unsent, false},  // likewise, of a user whom the plan leaves open
	} {
		r.Add(impact.ReplayCall{User: bob, Action: "ec2:RunInstances", Region: "us-east-1", Denied: row.denied}, 10, row.before, row.after, row.enforced)
	}
	r.Sort()
	if r.Calls != 90 || r.Kinds != 9 || r.Sent != 6 || r.Decided != 3 || r.Forecast != 60 || r.Denied != 30 || r.NotEnforced != 20 || r.RefusedBefore != 10 || len(r.Differences) != 2 {
		t.Errorf("%+v", r)
	}
	if text := strings.Join(r.Lines(), "\n"); !strings.Contains(text, "forecast denied, answer success") || !strings.Contains(text, "forecast allowed, answer AccessDenied") || strings.Contains(text, "Every answer") {
		t.Error(text)
	}
}
