package apply

import "forcemfa/internal/plan"

// MissingExecutors are the kinds of steps that Run could not do.
func MissingExecutors() []plan.Op {
	var missing []plan.Op
	for _, op := range plan.Ops() {
		if e := executors[op]; e.read == nil || e.write == nil {
			missing = append(missing, op)
		}
	}
	return missing
}
