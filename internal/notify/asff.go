package notify

import (
	"encoding/json"
	"io"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/run"
	"forcemfa/policy/arn"
)

// ASFF writes findings in the AWS Security Finding Format: one array, as
// "aws securityhub batch-import-findings --findings" reads it a hundred at a time. They
// are those that the channel security hub would import.
type ASFF struct {
	hub  securityHub
	head *run.Head
	w    io.Writer
	some bool
	err  error
}

// NewASFF writes findings of a run, as of the management account: a finding in the
// product of an account can only be about that account.
// Source: AWS Security Hub API Reference, BatchImportFindings.
func NewASFF(w io.Writer, h *run.Head) *ASFF {
	return &ASFF{hub: securityHub{region: arn.HomeRegion(h.Partition), caller: arn.ARN{Partition: h.Partition, Account: h.Management}}, head: h, w: w}
}

// Finding writes a finding.
func (a *ASFF) Finding(f audit.Finding) {
	m := OfFinding(&f)
	a.message(&m)
}

// Gap writes what could not be read.
func (a *ASFF) Gap(g org.Gap) {
	m := OfGap(g)
	a.message(&m)
}

func (a *ASFF) message(m *Message) {
	if a.err != nil {
		return
	}
	m.Partition, m.At = a.head.Partition, a.head.Time
	text, err := json.Marshal(a.hub.finding(m))
	var tree any
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil {
		text, err = json.Marshal(given(tree))
	}
	if a.err = err; err != nil {
		return
	}
	before := ",\n"
	if !a.some {
		before = "[\n"
	}
	a.some = true
	_, a.err = a.w.Write(append([]byte(before), text...))
}

// given leaves out the members that have no value: the types of the SDK have all
// members, and the format does not take null.
func given(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		if list, ok := v.([]any); ok {
			for i := range list {
				list[i] = given(list[i])
			}
		}
		return v
	}
	for name, value := range object {
		switch value := given(value).(type) {
		case nil:
			delete(object, name)
		case string:
			if value == "" {
				delete(object, name)
			}
		}
	}
	return object
}

// Close ends the array.
func (a *ASFF) Close() error {
	if a.err == nil && !a.some {
		_, a.err = io.WriteString(a.w, "[")
	}
	if a.err == nil {
		_, a.err = io.WriteString(a.w, "\n]\n")
	}
	return a.err
}
