package secret

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Memory is a store that ends with the process.
func Memory() Store { return &store{items: &memory{texts: map[string]string{}}} }

type memory struct {
	mu    sync.Mutex
	texts map[string]string
}

func (*memory) backend() string { return "memory" }

func (m *memory) read(_ context.Context, id string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.texts[id]
	if !ok {
		return "", ErrNotFound
	}
	return text, nil
}

func (m *memory) write(_ context.Context, id, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts[id] = text
	return nil
}

func (m *memory) remove(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.texts[id]; !ok {
		return ErrNotFound
	}
	delete(m.texts, id)
	return nil
}

func (m *memory) list(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.texts)), nil
}
