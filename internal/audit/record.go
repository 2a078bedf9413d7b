package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"forcemfa/internal/org"
)

// A Record is one line of a saved stream. Exactly one member is set.
type Record struct {
	User    *User    `json:"user,omitempty"`
	Finding *Finding `json:"finding,omitempty"`
	Gap     *org.Gap `json:"gap,omitempty"`
	Account *Account `json:"account,omitempty"`
}

// A Recorder is a Sink that saves the stream as JSON Lines.
type Recorder struct {
	encoder *json.Encoder
	err     error
}

// NewRecorder saves to w, one write a record.
func NewRecorder(w io.Writer) *Recorder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &Recorder{encoder: encoder}
}

// User saves a user's state.
func (r *Recorder) User(u User) { r.save(Record{User: &u}) }

// Finding saves a finding.
func (r *Recorder) Finding(f Finding) { r.save(Record{Finding: &f}) }

// Gap saves a gap.
func (r *Recorder) Gap(g org.Gap) { r.save(Record{Gap: &g}) }

// Account saves the summary of an account.
func (r *Recorder) Account(a Account) { r.save(Record{Account: &a}) }

// Err is the first error of writing; what came after it was not saved.
func (r *Recorder) Err() error { return r.err }

func (r *Recorder) save(record Record) {
	if r.err != nil {
		return
	}
	if err := r.encoder.Encode(record); err != nil {
		r.err = fmt.Errorf("save the audit: %w", err)
	}
}

// maxRecord bounds a line of a saved stream.
const maxRecord = 16 << 20

// Replay sends a saved stream to a sink, and returns what Run returned when it
// was saved. User.Read is not saved. The error names the line.
func Replay(from io.Reader, sink Sink) (Counts, error) {
	var total Counts
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxRecord)
	n := 0
	for lines.Scan() {
		n++
		counts, err := replay(lines.Bytes(), sink)
		if err != nil {
			return total, fmt.Errorf("saved audit, line %d: %w", n, err)
		}
		total.Add(counts)
	}
	if err := lines.Err(); err != nil {
		return total, fmt.Errorf("saved audit, after line %d: %w", n, err)
	}
	return total, nil
}

func replay(line []byte, sink Sink) (Counts, error) {
	var record Record
	if err := json.Unmarshal(line, &record); err != nil {
		return Counts{}, err
	}
	set := 0
	for _, is := range []bool{record.User != nil, record.Finding != nil, record.Gap != nil, record.Account != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return Counts{}, errors.New("want exactly one of user, finding, gap, account")
	}
	switch {
	case record.User != nil:
		sink.User(*record.User)
	case record.Finding != nil:
		sink.Finding(*record.Finding)
	case record.Gap != nil:
		sink.Gap(*record.Gap)
	default:
		sink.Account(*record.Account)
		return record.Account.Counts, nil
	}
	return Counts{}, nil
}
