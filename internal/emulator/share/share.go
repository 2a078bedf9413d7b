// Package share holds what calls of the embedded AWS that happen at the same time share.
package share

import (
	"maps"
	"sync"

	"forcemfa/policy"
)

// Documents are the cached policy documents of principals. The zero value is empty. It is
// safe for concurrent use.
type Documents struct {
	mu   sync.Mutex // guards the fields below
	sets map[string]*policy.Set
	made uint64
}

// Known returns the documents of a principal; nil: there are none, or they are not of this
// generation.
func (d *Documents) Known(principal string, generation uint64) *policy.Set {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made != generation {
		return nil
	}
	return d.sets[principal]
}

// Learn adds the documents of a principal, and drops those of earlier generations.
func (d *Documents) Learn(principal string, generation uint64, set *policy.Set) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made != generation || d.sets == nil {
		d.made, d.sets = generation, map[string]*policy.Set{}
	}
	d.sets[principal] = set
}

// Forget drops all documents.
func (d *Documents) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sets = nil
}

// A Tally counts. The zero value is empty. It is safe for concurrent use.
type Tally[K comparable] struct {
	mu    sync.Mutex // guards the field below
	times map[K]int
}

// Add counts one more.
func (t *Tally[K]) Add(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.times == nil {
		t.times = map[K]int{}
	}
	t.times[key]++
}

// Copy returns the counts.
func (t *Tally[K]) Copy() map[K]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.times)
}

// Reset begins anew.
func (t *Tally[K]) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = nil
}
