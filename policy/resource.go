package policy

import (
	"strings"

	"forcemfa/policy/arn"
)

// resources is a compiled Resource or NotResource element.
// Source: IAM User Guide, "IAM JSON policy elements: Resource" and
// "NotResource".
type resources struct {
	any      bool // "*"
	patterns []resourcePattern
}

type resourcePattern struct {
	arn       arn.Pattern
	variables []variable // the holes
	// whole is the text as one glob: the second interpretation of a pattern with
	// fewer than six parts.
	whole *arn.Glob
	doubt doubt // why a match is only possible
}

func compileResources(texts []string, l language) (r resources, message string) {
	for _, text := range texts {
		if text != "" && strings.Trim(text, "*") == "" {
			r.any = true
			continue
		}
		p, message := compileResource(text, l)
		if message != "" {
			return r, "resource " + text + ": " + message
		}
		r.patterns = append(r.patterns, p)
	}
	return r, ""
}

// ofThisAPI begins the short form in which the resource policy of an API names its own
// methods. Source: API Gateway Developer Guide, "API Gateway resource policy examples".
const ofThisAPI = "execute-api:/"

// completeResource returns a resource of a resource policy with six parts where AWS
// documents a short form of it.
func completeResource(text string) string {
	if rest, short := strings.CutPrefix(text, ofThisAPI); short {
		return "arn:*:execute-api:*:*:*/" + rest
	}
	return text
}

func compileResource(text string, l language) (p resourcePattern, message string) {
	parts := splitPattern(text, l.variables)
	l.wildcards = true
	for i := range p.arn {
		part := "*"
		if i < len(parts) {
			part = parts[i]
		}
		t, message := l.extend(p.variables, part)
		if message != "" {
			return p, message
		}
		if i < len(p.arn)-1 && len(t.variables) > 0 {
			p.doubt = headVariable
		}
		p.arn[i], p.variables = t.glob, t.variables
	}
	switch {
	case len(parts) < len(p.arn):
		p.shorten(parts, text, l)
	case p.doubt == noDoubt && wildType(parts):
		p.doubt = typeWildcard
	}
	return p, ""
}

// shorten prepares both interpretations of a pattern with fewer than six parts:
// the missing parts match everything, or the text is one glob. A variable in it
// stands for anything.
func (p *resourcePattern) shorten(parts []string, text string, l language) {
	anything := func(s string) arn.Glob {
		t, _ := l.compile(s)
		var pieces []arn.Piece
		for _, piece := range t.glob.Pieces() {
			if piece.Kind == arn.Hole {
				piece = arn.Piece{Kind: arn.Many}
			}
			pieces = append(pieces, piece)
		}
		return arn.Assemble(pieces)
	}
	for i, part := range parts {
		p.arn[i] = anything(part)
	}
	whole := anything(text)
	p.whole, p.variables, p.doubt = &whole, nil, shortARN
}

// splitPattern splits at the first five colons outside of variables.
func splitPattern(text string, variables bool) []string {
	parts := make([]string, 0, 6)
	from := 0
	for i := 0; i < len(text) && len(parts) < 5; i++ {
		if variables && strings.HasPrefix(text[i:], "${") {
			inner, _, ok := cutVariable(text[i+2:])
			if ok {
				i += len("${") + len(inner)
				continue
			}
			variables = false // the text will be rejected
		}
		if text[i] == ':' {
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// typeless lists services whose ARNs do not begin with a type, so that a
// wildcard in the first segment has no special meaning.
var typeless = map[string]bool{"s3": true, "execute-api": true, "sns": true}

// wildType reports whether the first of several segments of the resource part,
// its type, has a wildcard.
func wildType(parts []string) bool {
	service, rest := parts[2], parts[5]
	i := strings.IndexAny(rest, "/:$")
	if i <= 0 || typeless[service] || !strings.ContainsAny(rest[:i], "*?") {
		return false
	}
	return rest[i] != '$' || strings.Contains(rest[i:], "/")
}

// match reports whether a pattern of the list matches the request's resource.
// unresolved is set when none does but one has a variable without a value.
func (r *resources) match(e *evaluation) (t truth, unresolved bool) {
	if r.any {
		return yes, false
	}
	for i := range r.patterns {
		m, resolved := r.patterns[i].match(e)
		unresolved = unresolved || !resolved
		if m > t {
			t = m
		}
		if t == yes {
			return yes, false
		}
	}
	return t, unresolved && t == no
}

func (p *resourcePattern) match(e *evaluation) (t truth, resolved bool) {
	if p.whole != nil && p.whole.Match(e.request.Resource) {
		return e.doubts(p.doubt), true
	}
	a, ok := e.resource()
	if !ok {
		return no, true
	}
	var room fill
	values, ok := (&template{variables: p.variables}).resolve(e.context, &room)
	switch {
	case !ok:
		return no, false
	case !p.arn.Match(a, values...):
		return no, true
	case p.doubt != noDoubt:
		return e.doubts(p.doubt), true
	}
	return yes, true
}
