package reconcile

import "sync"

// remembered is how many alerts a function remembers: duplicate deliveries of an event
// come shortly after each other.
const remembered = 4096

// A memory holds the last IDs that were added. The zero value is empty.
type memory struct {
	mu    sync.Mutex
	known map[string]bool
	order []string
}

func (m *memory) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[id]
}

func (m *memory) add(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]bool{}
	}
	if m.known[id] {
		return
	}
	m.known[id] = true
	m.order = append(m.order, id)
	if len(m.order) > remembered {
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
}
