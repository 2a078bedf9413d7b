package command

import (
	"testing"

	"forcemfa/internal/audit"
)

func TestWhichFindingsChangeTheExitStatus(t *testing.T) {
	for _, row := range []struct {
		f     FailOn
		worst audit.Severity
		want  int
	}{
		{FailOn{severity: "low"}, audit.Low, StatusFound},
		{FailOn{severity: "high"}, audit.Critical, StatusFound},
		{FailOn{severity: "high"}, audit.Medium, StatusOK},
		{FailOn{severity: "low"}, "", StatusOK},
		{FailOn{severity: "none"}, audit.Critical, StatusOK},
		{FailOn{severity: "low", ExitZero: true}, audit.Critical, StatusOK},
	} {
		if err := row.f.Check(); err != nil {
			t.Error(err)
		}
		if got := row.f.Status(row.worst); got != row.want {
			t.Errorf("%+v, worst %q: %d, want %d", row.f, row.worst, got, row.want)
		}
		if row.worst == "" {
			continue
		}
		totals := audit.Totals{Findings: map[audit.Severity]int{row.worst: 2}, Undecided: map[audit.Severity]int{row.worst: 1}}
		if found, got := row.f.Of(totals); got != row.want || row.want == StatusFound && found != 1 {
			t.Errorf("%+v, two findings of %s, one of them undecided: %d, status %d, want %d", row.f, row.worst, found, got, row.want)
		}
	}
	if err := (&FailOn{severity: "severe"}).Check(); err == nil {
		t.Error("a severity that does not exist is accepted")
	}
}
