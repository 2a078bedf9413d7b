package operation

import (
	"regexp"
	"sync"
)

// A Pattern is a regular expression that is compiled when it is first asked:
// every run of the program has the tables of all services, and hardly one needs
// them.
type Pattern struct{ compiled func() *regexp.Regexp }

// NewPattern is a pattern. One that cannot be compiled panics when it is asked.
func NewPattern(text string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// MatchString tells whether a text holds a match.
func (p *Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// String is the pattern's text.
func (p *Pattern) String() string { return p.compiled().String() }
