package eventssvc

import (
	"testing"
	"time"
)

// Source: EventBridge User Guide, "Setting a schedule pattern for scheduled rules (legacy)".
func TestSchedulesHaveTheirNextTime(t *testing.T) {
	friday := time.Date(2026, 11, 20, 9, 30, 15, 0, time.UTC)
	for text, want := range map[string]string{
		"cron(0 12 * * ? *)":         "2026-11-20T12:00:00Z",
		"cron(0 9 * * ? *)":          "2026-11-21T09:00:00Z",
		"cron(0/15 * * * ? *)":       "2026-11-20T09:45:00Z",
		"cron(0 18 ? * MON-FRI *)":   "2026-11-20T18:00:00Z",
		"cron(30 8 ? * SAT,SUN *)":   "2026-11-21T08:30:00Z",
		"cron(0 8 1 * ? *)":          "2026-12-01T08:00:00Z",
		"cron(0 0 29 2 ? *)":         "2028-02-29T00:00:00Z",
		"cron(5 4 1 JAN,JUL ? 2030)": "2030-01-01T04:05:00Z",
		"rate(10 minutes)":           "2026-11-20T09:40:15Z",
		"rate(1 day)":                "2026-11-21T09:30:15Z",
		"cron(0 0 1 1 ? 2020)":       "0001-01-01T00:00:00Z", // never
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.After(friday).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSchedulesThatAWSRefuses(t *testing.T) {
	for _, text := range []string{
		"", "noon", "rate(1 minutes)", "rate(2 minute)", "rate(0 days)", "rate(1 week)", "cron(0 12 * * *)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)",
		"cron(60 12 * * ? *)", "cron(0 24 * * ? *)", "cron(0 12 ? * 8 *)", "cron(0 12 5-1 * ? *)", "cron(0/0 12 * * ? *)", "cron(0 12 L * ? *)",
	} {
		if _, err := ParseSchedule(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
