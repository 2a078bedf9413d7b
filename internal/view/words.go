package view

import (
	"maps"
	"slices"

	"forcemfa/internal/prose"
)

// Count is a number with its noun: 1 step, 2 steps.
func Count(n int, noun string) string { return prose.Count(n, noun) }

// Clip shortens a text to at most limit characters. A shortened text ends with an
// ellipsis.
func Clip(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:max(0, limit-1)]) + "…"
}

// Were is a number with its noun and verb: 1 step was, 2 steps were.
func Were(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return Count(n, noun) + " were"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
