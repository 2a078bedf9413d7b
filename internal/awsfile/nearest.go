package awsfile

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the profile whose name is most like a mistyped one; empty if none is near:
// with one change in three letters, two letters exchanged, or the typed name as its beginning.
func (f *Files) Nearest(name string) string {
	best, least := "", 1+max(1, len(name)/3)
	typed := strings.ToLower(name)
	for _, known := range f.Profiles() {
		other := strings.ToLower(known)
		distance := levenshtein.Distance(typed, other, nil)
		if len(typed) > 1 && strings.HasPrefix(other, typed) || distance == 2 && sameLetters(typed, other) {
			distance = min(distance, 1)
		}
		if distance < least {
			best, least = known, distance
		}
	}
	return best
}

func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// DidYouMean puts the nearest profile before another next step.
func (f *Files) DidYouMean(name, otherwise string) string {
	if near := f.Nearest(name); near != "" {
		return "did you mean " + Word(near) + "? If not, " + otherwise
	}
	return otherwise
}
