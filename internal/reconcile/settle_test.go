package reconcile

import (
	"context"
	"strconv"
	"testing"
	"time"

	"forcemfa/internal/trail"
)

// A call has an effect that is visible to all after a while. The function waits for the
// rest of that time, and not for events that come from the future or late.
func TestTheFunctionWaitsUntilACallIsVisible(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]time.Duration{
		-time.Second: -1, 0: settling, time.Second: 4 * time.Second, settling - 1: 1, settling: -1, time.Hour: -1,
	} {
		slept := time.Duration(-1)
		f := alone(t)
		f.options.Now = func() time.Time { return at.Add(age) }
		f.options.Sleep = func(_ context.Context, d time.Duration) error { slept = d; return nil }
		if err := f.waitUntilVisible(t.Context(), &incident{event: &trail.Event{Detail: trail.Record{EventTime: at}}}); err != nil {
			t.Fatal(err)
		}
		if slept != want {
			t.Errorf("an event of %v ago: slept %v, want %v", age, slept, want)
		}
	}
}

func TestTheMemoryForgetsTheOldest(t *testing.T) {
	var m memory
	if m.has("0") {
		t.Error("the empty memory knows something")
	}
	for i := range remembered {
		m.add(strconv.Itoa(i))
		m.add("0") // known already: takes no place
	}
	if !m.has("0") || !m.has(strconv.Itoa(remembered-1)) {
		t.Error("forgot too early")
	}
	m.add("new")
	if m.has("0") || !m.has("1") || !m.has("new") || len(m.known) != remembered || len(m.order) != remembered {
		t.Errorf("%d known, %d in order; 0 known %v", len(m.known), len(m.order), m.has("0"))
	}
}
