// Package testdepth says how many of its cases a test tries.
//
// A plain "go test ./..." tries a part of the cases of a test that takes long, spread over
// all of them. FORCEMFATEST_LONG=1 makes such tests try every case; .ci/run sets it.
//
// Only tests import this package.
package testdepth

import (
	"iter"
	"maps"
	"os"
	"slices"
	"testing"
)

// Long reports whether every case is tried.
func Long() bool { return os.Getenv("FORCEMFATEST_LONG") != "" }

// Each is the distance between two cases that are tried: 1 where every case is, or else
// step.
func Each(step int) int {
	if Long() {
		return 1
	}
	return step
}

// Cases are the cases that are tried, by name and in their order: all of them, or else each
// step-th.
func Cases[V any](all map[string]V, step int) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for i, name := range slices.Sorted(maps.Keys(all)) {
			if i%Each(step) == 0 && !yield(name, all[name]) {
				return
			}
		}
	}
}

// Need skips a test that is too long for a plain run.
func Need(t testing.TB) {
	t.Helper()
	if !Long() {
		t.Skip("FORCEMFATEST_LONG=1 runs it")
	}
}
