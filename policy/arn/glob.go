package arn

import (
	"strings"
	"unicode/utf8"
)

// PieceKind says what a piece of a glob matches.
type PieceKind uint8

// The kinds of pieces.
const (
	Literal PieceKind = iota // exactly Text
	One                      // any one character: ? in the text
	Many                     // any sequence of characters, also empty: * in the text
	Hole                     // exactly the text given at match time, the Index-th of holes
)

// A Piece is one element of a glob.
type Piece struct {
	Kind  PieceKind
	Text  string // of a Literal
	Index int    // of a Hole
}

// Pieces splits a pattern at its wildcards * and ?.
func Pieces(pattern string) []Piece {
	var pieces []Piece
	for pattern != "" {
		i := strings.IndexAny(pattern, "*?")
		switch {
		case i < 0:
			return append(pieces, Piece{Text: pattern})
		case i > 0:
			pieces = append(pieces, Piece{Text: pattern[:i]})
		}
		kind := Many
		if pattern[i] == '?' {
			kind = One
		}
		pieces = append(pieces, Piece{Kind: kind})
		pattern = pattern[i+1:]
	}
	return pieces
}

type shape uint8

const (
	general shape = iota
	literal       // text is the whole pattern
	prefix        // text, then one *
)

// A Glob is a compiled pattern. Matching takes at most the product of the
// lengths of text and pattern and allocates nothing. The zero value matches only
// the empty string.
type Glob struct {
	shape  shape
	text   string
	pieces []Piece
}

// Compile compiles a pattern in which * matches any sequence of characters, also
// an empty one, and ? exactly one character.
func Compile(pattern string) Glob { return Assemble(Pieces(pattern)) }

// Assemble builds a glob from pieces. Adjacent literals and adjacent Many are
// joined.
func Assemble(pieces []Piece) Glob {
	pieces = join(pieces)
	switch {
	case len(pieces) == 0:
		return Glob{shape: literal}
	case len(pieces) == 1 && pieces[0].Kind == Literal:
		return Glob{shape: literal, text: pieces[0].Text, pieces: pieces}
	case len(pieces) == 1 && pieces[0].Kind == Many:
		return Glob{shape: prefix, pieces: pieces}
	case len(pieces) == 2 && pieces[0].Kind == Literal && pieces[1].Kind == Many:
		return Glob{shape: prefix, text: pieces[0].Text, pieces: pieces}
	}
	return Glob{pieces: pieces}
}

func join(pieces []Piece) []Piece {
	var out []Piece
	for i := 0; i < len(pieces); i++ {
		switch p := pieces[i]; p.Kind {
		case Literal:
			run := i
			for i+1 < len(pieces) && pieces[i+1].Kind == Literal {
				i++
			}
			if text := concat(pieces[run : i+1]); text != "" {
				out = append(out, Piece{Text: text})
			}
		case Many:
			if n := len(out); n == 0 || out[n-1].Kind != Many {
				out = append(out, p)
			}
		default:
			out = append(out, p)
		}
	}
	return out
}

func concat(literals []Piece) string {
	if len(literals) == 1 {
		return literals[0].Text
	}
	var b strings.Builder
	for _, p := range literals {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Any reports whether the glob matches every text.
func (g *Glob) Any() bool { return g.shape == prefix && g.text == "" }

// Exact reports whether the glob has neither wildcards nor holes, and returns
// the one text it matches.
func (g *Glob) Exact() (text string, ok bool) { return g.text, g.shape == literal }

// Pieces returns the elements of the glob. The caller must not change them.
func (g *Glob) Pieces() []Piece { return g.pieces }

// Match reports whether the glob matches the whole of s, with holes filled in as
// literal text.
func (g *Glob) Match(s string, holes ...string) bool {
	if g.shape == literal {
		return s == g.text
	}
	return g.match(s, holes)
}

func (g *Glob) match(s string, holes []string) bool {
	if g.shape == prefix {
		return strings.HasPrefix(s, g.text)
	}
	return g.walk(s, holes, false)
}

// MatchFold is Match for a glob whose literals are lower case ASCII: it ignores
// the case of ASCII letters in s.
func (g *Glob) MatchFold(s string, holes ...string) bool {
	switch g.shape {
	case literal:
		return len(s) == len(g.text) && hasPrefixFold(s, g.text)
	case prefix:
		return hasPrefixFold(s, g.text)
	}
	return g.walk(s, holes, true)
}

// walk only backtracks to the last *: it can match whatever an earlier one
// could.
func (g *Glob) walk(s string, holes []string, fold bool) bool {
	at, next := 0, 0
	star, from := -1, 0
	for {
		if next == len(g.pieces) && at == len(s) {
			return true
		}
		if next < len(g.pieces) {
			p := &g.pieces[next]
			if p.Kind == Many {
				if next == len(g.pieces)-1 {
					return true
				}
				star, from = next, at
				next++
				continue
			}
			if n := p.take(s[at:], holes, fold); n >= 0 {
				at += n
				next++
				continue
			}
		}
		if star < 0 || from >= len(s) {
			return false
		}
		from = g.retry(s, from, star+1, fold)
		at, next = from, star+1
	}
}

// retry returns the next position after from at which the piece after a * can
// start.
func (g *Glob) retry(s string, from, next int, fold bool) int {
	_, width := utf8.DecodeRuneInString(s[from:])
	from += width
	if p := &g.pieces[next]; p.Kind == Literal && !fold {
		i := strings.Index(s[from:], p.Text)
		if i < 0 {
			return len(s)
		}
		return from + i
	}
	return from
}

// take returns how many bytes at the start of s the piece matches, or -1.
func (p *Piece) take(s string, holes []string, fold bool) int {
	text := p.Text
	switch p.Kind {
	case One:
		if s == "" {
			return -1
		}
		_, width := utf8.DecodeRuneInString(s)
		return width
	case Hole:
		text = holes[p.Index]
	}
	if fold && hasPrefixFold(s, text) || !fold && strings.HasPrefix(s, text) {
		return len(text)
	}
	return -1
}

func hasPrefixFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
