package world

import "maps"

// An overlay is a map that forks at the cost of two pointers: base is shared and
// never written; own and gone are the later changes of this world.
type overlay[V any] struct {
	base, own map[string]V
	gone      map[string]bool
}

func (o *overlay[V]) get(key string) (V, bool) {
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
	if o.own == nil {
		o.own = map[string]V{}
	}
	o.own[key] = v
	delete(o.gone, key)
}

func (o *overlay[V]) remove(key string) {
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
	_, ok := o.own[key]
	return ok
}

// fork shares everything and returns the view of the new world. It copies, and
// writes to o, only when something was written since the last fork.
func (o *overlay[V]) fork() overlay[V] {
	switch {
	case len(o.own) == 0 && len(o.gone) == 0:
	case len(o.base) == 0:
		*o = overlay[V]{base: o.own}
	default:
		*o = overlay[V]{base: maps.Collect(o.all)}
	}
	return overlay[V]{base: o.base}
}

// all iterates over keys and values in no particular order.
func (o *overlay[V]) all(yield func(string, V) bool) {
	for k, v := range o.own {
		if !yield(k, v) {
			return
		}
	}
	for k, v := range o.base {
		if o.owns(k) || o.gone[k] {
			continue
		}
		if !yield(k, v) {
			return
		}
	}
}
