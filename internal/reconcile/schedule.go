package reconcile

import (
	"encoding/json"

	"forcemfa/internal/trail"
)

// isSchedule reports whether an invocation starts a scan: by a rule with a schedule, by
// EventBridge Scheduler, whose detail is a text, or by hand.
// Source: EventBridge Scheduler User Guide, "Universal input"; Lambda Developer
// Guide, "Process scheduled events".
func isSchedule(payload []byte) bool {
	var e struct {
		DetailType string `json:"detail-type"`
		Source     string `json:"source"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return false
	}
	return e.DetailType == trail.Scheduled || e.DetailType == "" && e.Source == ""
}
