package world

import (
	"maps"
	"sync"
)

// An overlay is a map that forks at the cost of two pointers: base is shared and
// never written; own and gone are the later changes of this world. It is safe for
// concurrent use; its values are not.
type overlay[V any] struct {
	mu        sync.RWMutex // guards the fields, not the contents of base
	base, own map[string]V
	gone      map[string]bool
}

func (o *overlay[V]) get(key string) (V, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.find(key)
}

func (o *overlay[V]) find(key string) (V, bool) {
	if v, ok := o.own[key]; ok {
		return v, true
	}
	if o.gone[key] {
		var none V
		return none, false
	}
	v, ok := o.base[key]
	return v, ok
}

func (o *overlay[V]) set(key string, v V) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(key, v)
}

func (o *overlay[V]) put(key string, v V) {
	if o.own == nil {
		o.own = map[string]V{}
	}
	o.own[key] = v
	delete(o.gone, key)
}

// claim sets the value of a key that has none; false: it has one.
func (o *overlay[V]) claim(key string, v V) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.find(key); taken {
		return false
	}
	o.put(key, v)
	return true
}

// update replaces the value of key by what f returns for it.
func (o *overlay[V]) update(key string, f func(V) V) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v, _ := o.find(key)
	o.put(key, f(v))
}

func (o *overlay[V]) remove(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.own, key)
	if _, ok := o.base[key]; !ok {
		return
	}
	if o.gone == nil {
		o.gone = map[string]bool{}
	}
	o.gone[key] = true
}

// owns reports whether no other world shares the value of key.
func (o *overlay[V]) owns(key string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.own[key]
	return ok
}

// fork shares everything and returns the view of the new world. It copies, and
// writes to o, only when something was written since the last fork.
func (o *overlay[V]) fork() *overlay[V] {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.own) == 0 && len(o.gone) == 0:
	case len(o.base) == 0:
		o.base, o.own, o.gone = o.own, nil, nil
	default:
		base := maps.Clone(o.base)
		maps.Copy(base, o.own)
		for key := range o.gone {
			delete(base, key)
		}
		o.base, o.own, o.gone = base, nil, nil
	}
	return &overlay[V]{base: o.base}
}

// all iterates over keys and values as they are at the start, in no particular order.
// The overlay may be changed meanwhile.
func (o *overlay[V]) all(yield func(string, V) bool) {
	o.mu.RLock()
	base, own, gone := o.base, maps.Clone(o.own), maps.Clone(o.gone)
	o.mu.RUnlock()
	for k, v := range own {
		if !yield(k, v) {
			return
		}
	}
	for k, v := range base {
		if _, later := own[k]; later || gone[k] {
			continue
		}
		if !yield(k, v) {
			return
		}
	}
}
