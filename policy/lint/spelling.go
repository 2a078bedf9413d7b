package lint

import "strings"

// nearest returns the name that a text most resembles; empty when none is
// similar.
func nearest(text string, names []string) string {
	const most = 2
	low, best, bestDistance := strings.ToLower(text), "", most+1
	for _, name := range names {
		if d := distance(low, strings.ToLower(name), bestDistance-1); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance returns the number of characters to insert, delete or change to turn
// a into b; a number above most when it exceeds most.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = min(before, row[j], row[j+1]) + 1
			}
			before, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least > most {
			return most + 1
		}
	}
	return row[len(b)]
}
