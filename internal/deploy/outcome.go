package deploy

// A Status is what became of a part in one account.
type Status string

// The statuses.
const (
	Done    Status = "done"
	Already Status = "already" // it was as wanted
	Removed Status = "removed"
	Failed  Status = "failed"  // Outcome.Why says why
	Skipped Status = "skipped" // something that it needs failed
)

// An Outcome is what became of one part in one account and Region.
type Outcome struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`
	Status  Status `json:"status"`
	Why     string `json:"why,omitempty"`
}
