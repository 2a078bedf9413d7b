package share

import (
	"sync"

	"forcemfa/internal/trail"
)

// mostRecent bounds the records that the control endpoint returns.
const mostRecent = 10000

// Records are the newest CloudTrail records, oldest first.
type Records struct {
	mu      sync.Mutex
	records []*trail.Record
}

// Add adds a record.
func (r *Records) Add(record *trail.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) >= 2*mostRecent {
		r.records = append([]*trail.Record(nil), r.records[mostRecent:]...)
	}
	r.records = append(r.records, record)
}

// A Log has the form of CloudTrail's log files.
type Log struct {
	Records []*trail.Record `json:"Records"`
}

// Log returns the records.
func (r *Records) Log() Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Log{append([]*trail.Record{}, r.records[max(0, len(r.records)-mostRecent):]...)}
}
