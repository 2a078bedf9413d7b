package deploy

// A Status is the result for a part in one account.
type Status string

// The statuses.
const (
	Done    Status = "done"
	Already Status = "already" // it was already as configured
	Removed Status = "removed"
	Failed  Status = "failed"  // Outcome.Why has the reason
	Skipped Status = "skipped" // another part failed; Outcome.Why has the reason
)

// An Outcome is the result for one part in one account and Region.
type Outcome struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`
	Status  Status `json:"status"`
	Why     string `json:"why,omitempty"`
}
