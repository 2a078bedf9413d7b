package policy

import (
	"strings"
	"unicode/utf8"

	"forcemfa/policy/arn"
)

// actions is a compiled Action or NotAction element.
// Source: IAM User Guide, "IAM JSON policy elements: Action" and "NotAction".
type actions struct {
	any      bool   // "*"
	services uint64 // the signatures of the services that can match
	names    uint64 // the signatures of the names
	exact    []exactAction
	globs    []actionGlob // a wildcard in the name
	wild     []actionGlob // a wildcard in the service prefix
}

type exactAction struct {
	written       string // as written; most requests write it the same way
	service, name string // lower case
}

type actionGlob struct {
	service arn.Glob
	name    arn.Glob
}

// compileActions compiles the patterns. *:* counts as * in the Action of an
// Allow, where wildService is set; elsewhere AWS does not document it.
func compileActions(patterns []string, wildService bool) (a actions, message string) {
	for _, p := range patterns {
		if message := a.add(p, wildService); message != "" {
			return a, message
		}
	}
	return a, ""
}

func (a *actions) add(pattern string, wildService bool) (message string) {
	service, name, found := strings.Cut(strings.ToLower(pattern), ":")
	switch {
	case !ascii(pattern): // lower case would make K of the Kelvin sign
		return "action " + pattern + ": only ASCII characters are allowed"
	case pattern == "*" || pattern == "*:*" && wildService:
		a.any, a.services, a.names = true, ^uint64(0), ^uint64(0)
	case !found:
		return "action " + pattern + ": want service:Name or *"
	case strings.Contains(name, ":"):
		return "action " + pattern + ": more than one colon"
	case strings.ContainsAny(service, "*?"):
		a.services, a.names = ^uint64(0), ^uint64(0)
		a.wild = append(a.wild, actionGlob{arn.Compile(service), arn.Compile(name)})
	case strings.ContainsAny(name, "*?"):
		a.services |= signature(service)
		a.names = ^uint64(0)
		a.globs = append(a.globs, actionGlob{arn.Compile(service), arn.Compile(name)})
	default:
		a.services |= signature(service)
		a.names |= signature(name)
		a.exact = append(a.exact, exactAction{pattern, service, name})
	}
	return ""
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// signature returns one bit for a service prefix or a name, whatever its case. A
// list whose union lacks the bit of a request cannot match it.
func signature(text string) uint64 {
	n := len(text)
	if n == 0 {
		return 1
	}
	h := uint32(n)<<16 ^ uint32(text[0]|0x20)<<11 ^ uint32(text[n/2]|0x20)<<5 ^ uint32(text[n-1]|0x20)
	return 1 << (h * 0x9E3779B1 >> 26)
}

// possible excludes most lists that cannot match the request's action, at once.
func (a *actions) possible(e *evaluation) bool {
	return a.services&e.serviceBit != 0 && a.names&e.nameBit != 0
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold compares with a lower-case text, ignoring case in ASCII.
func equalFold(s, lowered string) bool {
	if len(s) != len(lowered) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != lowered[i] {
			return false
		}
	}
	return true
}

// match reports whether a pattern of the list matches the request's action.
func (a *actions) match(e *evaluation) truth {
	if a.any {
		return yes
	}
	if !a.possible(e) {
		return no
	}
	for i := range a.exact {
		if a.exact[i].written == e.request.Action {
			return yes
		}
	}
	for i := range a.exact {
		if x := &a.exact[i]; equalFold(e.name, x.name) && equalFold(e.service, x.service) {
			return yes
		}
	}
	for i := range a.globs {
		if a.globs[i].match(e) {
			return yes
		}
	}
	for i := range a.wild {
		if a.wild[i].match(e) {
			return e.doubts(serviceWildcard)
		}
	}
	return no
}

func (g *actionGlob) match(e *evaluation) bool {
	return g.service.MatchFold(e.service) && g.name.MatchFold(e.name)
}
