package view

import (
	"strconv"
)

// Count is a number with its noun: 1 step, 2 steps.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Clip shortens a text to at most limit characters. A shortened text ends with an
// ellipsis.
func Clip(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:max(0, limit-1)]) + "…"
}
