package prove

import (
	"encoding/binary"
	mathbits "math/bits"
	"slices"
	"strings"
	"unicode"

	"forcemfa/policy/arn"
)

// A glyph is one position of a pattern: a character, any character, or any
// sequence of characters.
type glyph struct {
	kind  arn.PieceKind // Literal, One or Many
	r     rune          // of a Literal; lower case when fold is set
	fold  bool          // the other case matches too
	loose bool          // what has one case in common matches too
	inner bool          // One and Many stop at a colon
}

func (g *glyph) takes(r rune) bool {
	switch {
	case g.kind != arn.Literal:
		return !g.inner || r != ':'
	case g.loose:
		return unicode.ToLower(r) == unicode.ToLower(g.r) || unicode.ToUpper(r) == unicode.ToUpper(g.r)
	case g.fold:
		return r == g.r || unicode.ToLower(r) == unicode.ToLower(g.r) && unicode.ToUpper(r) == unicode.ToUpper(g.r)
	}
	return r == g.r
}

// A language is a set of texts, as a pattern.
type language []glyph

// literal returns the language of one text.
func literal(text string) language {
	var out language
	for _, r := range text {
		out = append(out, glyph{kind: arn.Literal, r: r})
	}
	return out
}

// folded returns the language of a text in any case.
func folded(text string) language {
	out := literal(strings.ToLower(text))
	for i := range out {
		out[i].fold = true
	}
	return out
}

// folds returns the language of a text in any case, and that of everything that may be
// the same if case is ignored, if it is another one.
func (l language) folds() []language {
	strict, loose, differ := slices.Clone(l), slices.Clone(l), false
	for i := range l {
		strict[i].fold, loose[i].loose = true, true
		differ = differ || len(cases(l[i].r)) > 2 || l[i].r > unicode.MaxASCII
	}
	if !differ {
		return []language{strict}
	}
	return []language{strict, loose}
}

// cases returns the letters that have a case in common with one.
func cases(r rune) []rune {
	out := []rune{r}
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		out = append(out, next)
	}
	const letters = "iI\u0130\u0131" // simple folding leaves the other two out
	if strings.ContainsRune(letters, r) {
		return []rune(letters)
	}
	return out
}

// wild returns the language of a glob.
func wild(pattern string) language {
	var out language
	for _, p := range arn.Pieces(pattern) {
		if p.Kind == arn.Literal {
			out = append(out, literal(p.Text)...)
		} else {
			out = append(out, glyph{kind: p.Kind})
		}
	}
	return out
}

// within keeps the wildcards of a language from matching a colon.
func (l language) within() language {
	out := slices.Clone(l)
	for i := range out {
		out[i].inner = true
	}
	return out
}

// some returns the language of every non-empty text.
var some = language{{kind: arn.One}, {kind: arn.Many}}

// match reports whether a text belongs to the language.
func (l language) match(text string) bool {
	if own, fixed := l.text(); fixed {
		return own == text
	}
	_, ok := place(l, nil, text)
	return ok
}

// anyText returns the language of all texts.
var anyText = language{{kind: arn.Many}}

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bits) and(o bits) bits {
	out := slices.Clone(b)
	for i := range out {
		out[i] &= o[i]
	}
	return out
}

// write appends the set to a key.
func (b bits) write(key []byte) []byte {
	for _, w := range b {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	return key
}

func (b bits) key() string { return string(b.write(nil)) }

// A member is a text that represents all texts of a language that match the same
// patterns.
type member struct {
	matched bits // the patterns that match it, by number
	text    string
}

// An automaton follows several patterns at once; pattern 0 is the language of
// the texts to consider. A state is the set of positions that the patterns can
// be in.
type automaton struct {
	glyphs []glyph // of all patterns, an empty one after each: its end
	starts []int
	ends   []int
	other  rune // a character in no pattern
	only   []rune
}

// ends of patterns are glyphs that take nothing.
const end = arn.Hole

func newAutomaton(base language, patterns []language, only []rune) *automaton {
	a := &automaton{only: only}
	named := map[rune]bool{}
	for _, l := range append([]language{base}, patterns...) {
		a.starts = append(a.starts, len(a.glyphs))
		a.glyphs = append(a.glyphs, l...)
		a.ends = append(a.ends, len(a.glyphs))
		a.glyphs = append(a.glyphs, glyph{kind: end})
		for _, g := range l {
			named[unicode.ToLower(g.r)] = true
		}
	}
	for _, r := range "xzqvjkywu0123456789-_~" + "\u00b7\u2022\u2023" {
		if !named[r] {
			a.other = r
			break
		}
	}
	for r := rune(0x2030); a.other == 0; r++ {
		if !named[r] {
			a.other = r
		}
	}
	return a
}

func (a *automaton) add(state bits, at int) {
	for {
		state.set(at)
		if a.glyphs[at].kind != arn.Many {
			return
		}
		at++
	}
}

func (a *automaton) start() bits {
	state := newBits(len(a.glyphs))
	for _, at := range a.starts {
		a.add(state, at)
	}
	return state
}

// step writes the state after a character; ok is false when no text of the base
// continues like this.
func (a *automaton) step(state bits, r rune, next bits) (ok bool) {
	clear(next)
	for i, w := range state {
		for ; w != 0; w &= w - 1 {
			at := i*64 + mathbits.TrailingZeros64(w)
			g := &a.glyphs[at]
			if g.kind == end || !g.takes(r) {
				continue
			}
			if ok = ok || at < a.ends[0]; g.kind == arn.Many {
				a.add(next, at)
			} else {
				a.add(next, at+1)
			}
		}
	}
	return ok
}

// alphabet writes the characters that can come next and make a difference.
func (a *automaton) alphabet(state bits, out []rune) []rune {
	if a.only != nil {
		return a.only
	}
	out = append(out[:0], a.other)
	for i, w := range state {
		for ; w != 0; w &= w - 1 {
			if g := &a.glyphs[i*64+mathbits.TrailingZeros64(w)]; g.kind == arn.Literal {
				if out = append(out, g.r); g.fold || g.loose {
					out = append(out, cases(g.r)...)
				}
			} else if g.kind != end && g.inner {
				out = append(out, ':')
			}
		}
	}
	slices.Sort(out[1:])
	return append(out[:1], slices.Compact(out[1:])...)
}

// matched returns the patterns that match the text that led to a state; ok
// reports whether the text belongs to the base.
func (a *automaton) matched(state bits) (m bits, ok bool) {
	m = newBits(max(len(a.ends)-1, 1))
	for i, at := range a.ends[1:] {
		if state.has(at) {
			m.set(i)
		}
	}
	return m, state.has(a.ends[0])
}

// maxStates limits the work of one partition, allStates that of all large ones
// of a search.
const (
	maxStates = 20_000
	allStates = 30_000
	fewStates = 300
)

// partition finds for every combination of patterns that some text of the base
// matches a shortest such text. It takes what it needs from left; complete is
// false when it gave up.
func partition(base language, patterns []language, only []rune, left *int) (out []member, complete bool) {
	a := newAutomaton(base, patterns, only)
	type node struct {
		state  bits
		parent int
		r      rune
	}
	nodes := []node{{state: a.start(), parent: -1}}
	seen := map[string]bool{nodes[0].state.key(): true}
	found := map[string]bool{}
	scratch := newBits(len(a.glyphs))
	var runes []rune
	var key []byte
	text := func(i int) string {
		var runes []rune
		for ; nodes[i].parent >= 0; i = nodes[i].parent {
			runes = append(runes, nodes[i].r)
		}
		slices.Reverse(runes)
		return string(runes)
	}
	for i := 0; i < len(nodes); i++ {
		if m, ok := a.matched(nodes[i].state); ok && !found[m.key()] {
			found[m.key()] = true
			out = append(out, member{m, text(i)})
		}
		runes = a.alphabet(nodes[i].state, runes)
		for _, r := range runes {
			if !a.step(nodes[i].state, r, scratch) {
				continue
			}
			if key = scratch.write(key[:0]); !seen[string(key)] {
				seen[string(key)] = true
				nodes = append(nodes, node{slices.Clone(scratch), i, r})
			}
		}
		if len(nodes) > min(maxStates, *left) {
			*left -= len(nodes)
			return out, false
		}
	}
	if len(nodes) > fewStates {
		*left -= len(nodes)
	}
	return out, true
}

// place returns the patterns that match a text; ok reports whether the text
// belongs to the base.
func place(base language, patterns []language, text string) (m bits, ok bool) {
	a := newAutomaton(base, patterns, nil)
	state := a.start()
	next := newBits(len(a.glyphs))
	for _, r := range text {
		if !a.step(state, r, next) {
			return nil, false
		}
		state, next = next, state
	}
	return a.matched(state)
}

// prefer replaces representatives by more readable ones that match the same
// patterns.
func prefer(members []member, base language, patterns []language, nice []string) {
	for _, text := range slices.Backward(nice) {
		m, ok := place(base, patterns, text)
		if !ok {
			continue
		}
		for i := range members {
			if slices.Equal(members[i].matched, m) {
				members[i].text = text
			}
		}
	}
}
