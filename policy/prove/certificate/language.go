package certificate

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is one position of a pattern: a character, ? or *.
type token struct {
	wild  rune // '?', '*' or 0
	r     rune
	fold  bool // matches in any case
	loose bool // matches what has one case in common
	inner bool // a wildcard that stops at a colon
}

func (t token) takes(r rune) bool {
	switch {
	case t.wild != 0:
		return !t.inner || r != ':'
	case t.loose:
		return unicode.ToLower(t.r) == unicode.ToLower(r) || unicode.ToUpper(t.r) == unicode.ToUpper(r)
	case t.fold && t.r != r:
		return unicode.ToLower(t.r) == unicode.ToLower(r) && unicode.ToUpper(t.r) == unicode.ToUpper(r)
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

// anyLetter returns the pattern of all texts that are the same if case is ignored, in any
// reading: the Kelvin sign is a capital k in some.
func (p pattern) anyLetter() pattern {
	out := slices.Clone(p)
	for i := range out {
		out[i].loose = true
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

// appendKey adds a text that identifies the pattern.
func (p pattern) appendKey(to []byte) []byte {
	for _, t := range p {
		kind := byte('a')
		if t.fold {
			kind++
		}
		if t.inner {
			kind += 2
		}
		if t.wild != 0 {
			kind += 4
		}
		if t.loose {
			kind += 8
		}
		to = utf8.AppendRune(append(to, kind), t.r)
	}
	return append(to, 0) // no kind is 0
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
		if len(from[i]) > 0 {
			out[i] = make([]int, 0, len(from[i])+1)
		}
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
	other := unnamed(all)
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
		for _, r := range queue[i].at.letters(all, other) {
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

// letters returns the characters that lead to different places: those that the patterns
// name where they are, a colon, at which some wildcards stop, and other, which stands for
// all that no pattern names.
func (from place) letters(patterns []pattern, other rune) []rune {
	out := []rune{':', other}
	for i, p := range patterns {
		for _, at := range from[i] {
			if at < len(p) {
				out = p[at].letters(out)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dotted are letters with a case in common that simple folding does not connect.
const dotted = "iI\u0130\u0131"

// letters adds the characters that a token names, in every case.
func (t token) letters(to []rune) []rune {
	switch {
	case t.wild != 0:
		return to
	case strings.ContainsRune(dotted, t.r):
		to = append(to, []rune(dotted)...)
	}
	to = append(to, t.r)
	for r := unicode.SimpleFold(t.r); r != t.r; r = unicode.SimpleFold(r) {
		to = append(to, r)
	}
	return to
}

// unnamed is a character that no pattern names.
func unnamed(patterns []pattern) rune {
	var named []rune
	for _, p := range patterns {
		for _, t := range p {
			named = t.letters(named)
		}
	}
	for _, other := range "zqxjkvwygf0987654321\u00a7\u00b6" {
		if !slices.Contains(named, other) {
			return other
		}
	}
	other := '\u2020'
	for slices.Contains(named, other) {
		other++
	}
	return other
}
