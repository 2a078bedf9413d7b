package apply

import (
	"forcemfa/internal/plan"
	"os"
)

// MissingExecutors are the Ops without a complete executor.
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

// SameRun is another writer of a journal's run.
func SameRun(j *S3Journal) *S3Journal {
	return &S3Journal{client: j.client, place: j.place, run: j.run}
}

// WriteTo makes a journal write to another file.
func (j *FileJournal) WriteTo(f *os.File) { j.file = f }
