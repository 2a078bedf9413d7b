package reminder

import (
	"context"
	"testing"
	"time"
)

// The process that waits ends with the process that uses the session.
func TestTheNoticeIsNotShownWhenTheSessionIsNoLongerUsed(t *testing.T) {
	start := time.Now()
	looked := 0
	used := func() bool { looked++; return looked == 1 }
	clock := func() time.Time { return start.Add(time.Duration(looked) * time.Hour) }
	if wait(t.Context(), start.Add(2*time.Hour-time.Millisecond), func() time.Time { return start.Add(2*time.Hour - 2*time.Millisecond) }, used) || looked != 2 {
		t.Errorf("shown after the command ended; looked %d times", looked)
	}
	if !wait(t.Context(), start, clock, func() bool { return true }) {
		t.Error("not shown at its time")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if wait(ended, start.Add(time.Hour), time.Now, func() bool { return true }) {
		t.Error("shown after a signal to end")
	}
}
