package impact_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"forcemfa/internal/impact"
)

func TestASavedReportIsReadAsItWasWritten(t *testing.T) {
	f := impact.File{Taken: now, Organization: "o-abc", Version: "1", Config: "c", Report: reportOf(t, exempting, hourly()...)}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := impact.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&f, got, cmpopts.IgnoreUnexported(impact.Report{}, impact.User{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	u := got.Report.User(bob)
	if u == nil || got.Report.User("arn:aws:iam::1:user/nobody") != nil || (*impact.Report)(nil).User(bob) != nil {
		t.Fatal("users are not found by their ARN")
	}
	if want := "CloudTrail has 168 calls that would be denied, the last at 2026-11-28T12:00:00Z, by boto3 from 192.0.2.0/24"; u.Says() != want {
		t.Errorf("got %q, want %q", u.Says(), want)
	}
	for name, bad := range map[string]string{
		"another schema":      strings.Replace(text, impact.Schema, "forcemfa-impact/9", 1),
		"an unknown member":   strings.Replace(text, `"taken"`, `"token"`, 1),
		"no report":           `{"schema":"` + impact.Schema + `"}`,
		"a cut file":          text[:len(text)/2],
		"text after the file": text + "{}",
	} {
		if _, err := impact.Read(strings.NewReader(bad)); err == nil || !strings.HasPrefix(err.Error(), "read impact: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
