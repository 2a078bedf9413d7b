package reconcile

import (
	"encoding/json"

	"forcemfa/internal/trail"
)

// isSchedule tells whether an invocation asks for a sweep: one by a rule with a
// schedule or by EventBridge Scheduler, whose detail is a text, or one by hand.
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
