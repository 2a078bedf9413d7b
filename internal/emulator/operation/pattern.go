package operation

import (
	"regexp"
	"sync"
)

// A Pattern is a regular expression that is compiled on first use: every run of
// the program has the tables of all services, and few runs need them.
type Pattern struct{ compiled func() *regexp.Regexp }

// NewPattern returns a pattern. An invalid expression panics on first use.
func NewPattern(text string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// MatchString reports whether the text contains a match.
func (p *Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// String returns the text of the expression.
func (p *Pattern) String() string { return p.compiled().String() }
