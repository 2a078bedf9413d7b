package session

import (
	"fmt"
	"time"

	"forcemfa/internal/session/cache"
)

// clockTolerance is how far this machine's clock may be from AWS's without a word.
// AWS refuses signatures that are 15 minutes off; SDKs correct their own signatures.
const clockTolerance = 5 * time.Minute

// checked compares this machine's clock with AWS's, which a new session shows:
// AWS creates it to last for a known time. It sets Issued to AWS's time if they differ.
func (m *Manager) checked(e *cache.Entry, lasts time.Duration) *cache.Entry {
	if issued := e.Expires.Add(-lasts); e.Issued.Sub(issued).Abs() > clockTolerance {
		e.Issued = issued
		m.sayClock(m.Now().Sub(issued))
	}
	return e
}

func (m *Manager) sayClock(ahead time.Duration) {
	m.say("WARNING: %s: set it, or AWS tools fail", wrongClockBy(ahead))
}

func wrongClockBy(ahead time.Duration) string {
	direction := "ahead of"
	if ahead < 0 {
		ahead, direction = -ahead, "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s AWS's", ahead.Round(time.Second), direction)
}

// usableNow returns a problem for a new session that this machine's clock takes for
// expired.
func (m *Manager) usableNow(e *cache.Entry) error {
	if e.Usable(m.Now()) {
		return nil
	}
	return &Problem{
		Sentence: wrongClockBy(m.Now().Sub(e.Issued)) + ", so the new session seems to have expired",
		Next:     "set the clock; the session is stored, so no other code is needed",
	}
}

// warnOfClock reports a session of the cache that was created in the future.
func (m *Manager) warnOfClock(e *cache.Entry) {
	if e.FromTheFuture(m.Now()) {
		m.sayClock(m.Now().Sub(e.Issued))
	}
}
