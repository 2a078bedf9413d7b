package view

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is a number with its noun: 1 step, 2 steps.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Few lists at most limit names and counts the others: a, b and 3 more.
func Few(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
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
