package iamsvc

import (
	"encoding/base64"
	"slices"
	"strings"

	"forcemfa/internal/emulator/operation"
)

// Source: IAM API Reference, MaxItems: 1 to 1000, 100 when it is not given.
const (
	defaultPage = 100
	maximumPage = 1000
)

// A listing is a list that is returned in pages, in the order of the keys of its
// items. A marker names the last returned item, so that the next page continues
// correctly even if items were added or removed in between.
type listing[T any] struct {
	operation string
	items     []T
	key       func(T) string
}

// A page of a listing. marker is nil on the last one.
type page[T any] struct {
	items  []T
	marker *string
}

func (p page[T]) truncated() bool { return p.marker != nil }

func (l listing[T]) page(c *operation.Call, marker *string, maxItems *int32) (page[T], error) {
	slices.SortFunc(l.items, func(a, b T) int { return strings.Compare(l.key(a), l.key(b)) })
	start := 0
	if marker != nil {
		last, ok := l.decode(*marker)
		if !ok {
			return page[T]{}, validationError("Invalid Marker.")
		}
		start, ok = slices.BinarySearchFunc(l.items, last, func(item T, last string) int { return strings.Compare(l.key(item), last) })
		if ok {
			start++
		}
	}
	size := pageSize(c, maxItems)
	if len(l.items)-start <= size {
		return page[T]{items: l.items[start:]}, nil
	}
	items := l.items[start : start+size]
	next := l.encode(l.key(items[size-1]))
	return page[T]{items: items, marker: &next}, nil
}

func pageSize(c *operation.Call, maxItems *int32) int {
	asked := 0
	if maxItems != nil {
		asked = int(*maxItems)
	}
	if c.PageSize != nil {
		return max(c.PageSize(asked, defaultPage, maximumPage), 1)
	}
	if asked == 0 {
		return defaultPage
	}
	return asked
}

func (l listing[T]) encode(key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(l.operation + "\n" + key))
}

func (l listing[T]) decode(marker string) (key string, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil {
		return "", false
	}
	name, key, found := strings.Cut(string(text), "\n")
	return key, found && name == l.operation
}

// same is for lists of strings, which are their own keys.
func same(s string) string { return s }
