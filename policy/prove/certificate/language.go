package certificate

import (
	"slices"
	"strings"
	"unicode"
)

// A token is one position of a pattern: a character, ? or *.
type token struct {
	wild  rune // '?', '*' or 0
	r     rune
	fold  bool // matches in any case
	inner bool // a wildcard that stops at a colon
}

func (t token) takes(r rune) bool {
	switch {
	case t.wild != 0:
		return !t.inner || r != ':'
	case t.fold:
		return unicode.ToLower(t.r) == unicode.ToLower(r)
	}
	return t.r == r
}

// A pattern is a pattern to match texts with.
type pattern []token

// exactly returns the pattern of one text.
func exactly(text string) (p pattern) {
	for _, r := range text {
		p = append(p, token{r: r})
	}
	return p
}

// glob returns the pattern of a text with * and ?.
func glob(text string) pattern {
	p := exactly(text)
	for i := range p {
		if p[i].r == '*' || p[i].r == '?' {
			p[i].wild = p[i].r
		}
	}
	return p
}

// anyCase returns the pattern that ignores case.
func (p pattern) anyCase() pattern {
	out := slices.Clone(p)
	for i := range out {
		out[i].fold = true
	}
	return out
}

// segment returns the pattern of a part between colons.
func (p pattern) segment() pattern {
	out := slices.Clone(p)
	for i := range out {
		out[i].inner = true
	}
	return out
}

// A place is a state of several patterns that are matched together: for each the
// possible positions, as a sorted list.
type place [][]int

func begin(patterns []pattern) place {
	out := make(place, len(patterns))
	for i, p := range patterns {
		out[i] = p.reach(nil, 0)
	}
	return out
}

// reach adds a position, and the positions after stars that match nothing.
func (p pattern) reach(to []int, at int) []int {
	for {
		if !slices.Contains(to, at) {
			to = append(to, at)
		}
		if at == len(p) || p[at].wild != '*' {
			return to
		}
		at++
	}
}

func (from place) read(patterns []pattern, r rune) place {
	out := make(place, len(patterns))
	for i, p := range patterns {
		for _, at := range from[i] {
			switch {
			case at == len(p) || !p[at].takes(r):
			case p[at].wild == '*':
				out[i] = p.reach(out[i], at)
			default:
				out[i] = p.reach(out[i], at+1)
			}
		}
		slices.Sort(out[i])
	}
	return out
}

func (from place) key() string {
	var out strings.Builder
	for _, list := range from {
		for _, at := range list {
			out.WriteRune(rune(at + 1))
		}
		out.WriteRune(0)
	}
	return out.String()
}

// matches returns which patterns match the text so far.
func (from place) matches(patterns []pattern) string {
	out := make([]byte, len(patterns))
	for i, p := range patterns {
		out[i] = '-'
		if slices.Contains(from[i], len(p)) {
			out[i] = '+'
		}
	}
	return string(out)
}

// maxPlaces limits the work of samples.
const maxPlaces = 20_000

// samples returns texts that a base matches, one for every combination of
// patterns that match one. ok is false when there are too many.
func samples(base pattern, patterns []pattern) (out []string, ok bool) {
	all := append([]pattern{base}, patterns...)
	letters := alphabet(all)
	type visit struct {
		at   place
		text string
	}
	queue := []visit{{begin(all), ""}}
	places, found := map[string]bool{queue[0].at.key(): true}, map[string]bool{}
	for i := 0; i < len(queue); i++ {
		if m := queue[i].at.matches(all); m[0] == '+' && !found[m] {
			found[m] = true
			out = append(out, queue[i].text)
		}
		for _, r := range letters {
			next := queue[i].at.read(all, r)
			if key := next.key(); len(next[0]) > 0 && !places[key] {
				places[key] = true
				queue = append(queue, visit{next, queue[i].text + string(r)})
			}
		}
		if len(queue) > maxPlaces {
			return nil, false
		}
	}
	return out, true
}

// alphabet is every character that the patterns name, in both cases where they
// take both, a colon, and one that no pattern names.
func alphabet(patterns []pattern) []rune {
	out := []rune{':'}
	for _, p := range patterns {
		for _, t := range p {
			if t.wild != 0 {
				continue
			}
			out = append(out, t.r)
			if t.fold {
				out = append(out, unicode.ToLower(t.r), unicode.ToUpper(t.r))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	for _, other := range "zqxjkvwygf0987654321\u00a7\u00b6" {
		if !slices.Contains(out, other) && !slices.Contains(out, unicode.ToUpper(other)) {
			return append(out, other)
		}
	}
	return append(out, '\u2020')
}
