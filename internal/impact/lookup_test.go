package impact_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/impact"
	"forcemfa/internal/run"
)

func TestReportInARunIsReadAsItWasWritten(t *testing.T) {
	report := reportOf(t, exempting, hourly()...)
	got, err := opened(t, report).Impact()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, got, cmpopts.IgnoreUnexported(impact.Report{}, impact.User{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	u := got.User(bob)
	if u == nil || got.User("arn:aws:iam::1:user/nobody") != nil || (*impact.Report)(nil).User(bob) != nil {
		t.Fatal("users are not found by their ARN")
	}
	if want := "CloudTrail has 168 calls that would be denied, the last at 2026-11-28T12:00:00Z, by boto3 from 192.0.2.0/24"; u.Says() != want {
		t.Errorf("got %q, want %q", u.Says(), want)
	}
}

// opened is a report in a run that was saved.
func opened(t *testing.T, report *impact.Report) *run.Run {
	t.Helper()
	var out bytes.Buffer
	w := run.NewWriter(&out, run.Head{Verb: "impact", Organization: "o-abc", Time: now, Version: "1", Config: "c"})
	w.Add(run.Record{Impact: report.WithoutUsers()})
	for i := range report.Users {
		w.Add(run.Record{Affected: &report.Users[i]})
	}
	if err := w.Close(run.End{}); err != nil {
		t.Fatal(err)
	}
	r, err := run.Open("run.json", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return r
}
