package world

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// An Item is a resource of a service other than IAM and Organizations, such as a
// queue or a stack. Its type belongs to the package of the service.
type Item interface {
	// CloneItem returns a copy that can be modified independently.
	CloneItem() Item
}

// Find returns the item of an account with this ARN, read-only.
func Find[T Item](a *Account, key string) (item T, ok bool) {
	if a == nil {
		return item, false
	}
	item, ok = a.Items[key].(T)
	return item, ok
}

// List returns the items of an account that have one type, read-only, sorted by ARN; none
// for an account that does not exist.
func List[T Item](a *Account) []T {
	if a == nil {
		return nil
	}
	var items []T
	for _, key := range slices.Sorted(maps.Keys(a.Items)) {
		if item, ok := a.Items[key].(T); ok {
			items = append(items, item)
		}
	}
	return items
}

// Change returns an item of an account for writing. It is valid until the next Fork.
func Change[T Item](w *World, account, key string) (item T, ok bool) {
	if _, there := Find[T](w.Account(account), key); !there {
		return item, false
	}
	return Find[T](w.Edit(account), key)
}

// Put adds an item to an account, replacing one with the same ARN.
func (w *World) Put(account, key string, item Item) { w.Edit(account).Items[key] = item }

// Drop removes an item from an account.
func (w *World) Drop(account, key string) { delete(w.Edit(account).Items, key) }

// A Task is work that AWS does after the call that caused it: it delivers an event,
// invokes a function again, deploys a stack.
type Task struct {
	Due time.Time
	// What describes the work. It is not modified.
	What any
}

// tasks are the tasks of a world. They are safe for concurrent use.
type tasks struct {
	mu  sync.Mutex // guards the field below
	all []Task     // by time; replaced as a whole
}

func (t *tasks) fork() *tasks {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &tasks{all: t.all}
}

// Later adds a task.
func (w *World) Later(due time.Time, what any) {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	all := append(slices.Clip(w.tasks.all), Task{due, what})
	slices.SortStableFunc(all, func(a, b Task) int { return a.Due.Compare(b.Due) })
	w.tasks.all = all
}

// Next returns the earliest task, without removing it.
func (w *World) Next() (Task, bool) {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	if len(w.tasks.all) == 0 {
		return Task{}, false
	}
	return w.tasks.all[0], true
}

// Take removes the earliest task.
func (w *World) Take() {
	w.tasks.mu.Lock()
	defer w.tasks.mu.Unlock()
	w.tasks.all = w.tasks.all[1:]
}
