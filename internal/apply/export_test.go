package apply

import "forcemfa/internal/plan"

// MissingExecutors are the kinds of steps that Run could not do.
func MissingExecutors() []plan.Op {
	var missing []plan.Op
	for _, op := range plan.Ops() {
		e := executors[op]
		whole := e.read != nil && e.write != nil
		if e.scp != nil {
			whole = e.scp.read != nil && e.scp.write != nil
		}
		if !whole {
			missing = append(missing, op)
		}
	}
	return missing
}
