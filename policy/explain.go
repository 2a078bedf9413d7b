package policy

import (
	"strconv"
	"strings"
)

// Fit says how a statement relates to a request.
type Fit uint8

// The fits of a [Line].
const (
	Near    Fit = iota + 1 // all parts match except one, which Line.Reason names
	Perhaps                // it applies in one interpretation of undocumented behavior, or could not be read
	Applies
)

// String returns a name of the fit to print.
func (f Fit) String() string {
	switch f {
	case Near:
		return "nearly"
	case Perhaps:
		return "perhaps"
	case Applies:
		return "applies"
	}
	return ""
}

// A Line is one statement that matters for a request.
type Line struct {
	Source    *Source
	Statement int // index in the document; -1 for a document that could not be read
	Layer     Kind
	Level     int // of an SCP or RCP: 0 is the root
	Effect    Effect
	Fit       Fit
	// Reason says which conditions match or, for Near, which part does not.
	Reason string
}

// Explain lists every statement that applies to the request or nearly does,
// layer by layer: SCPs, RCPs, identity policies, boundary, session policies, the
// resource's own policy. Layers that do not apply to the principal are left out.
func (s *Set) Explain(r *Request) []Line {
	var d decider
	d.init(s, r)
	var lines []Line
	add := func(layer Kind, level int, sources []Source) {
		for i := range sources {
			lines = append(lines, d.explain(layer, level, &sources[i])...)
		}
	}
	if d.hasSCPs() {
		for level, sources := range s.SCPs {
			add(SCP, level, sources)
		}
	}
	if d.hasRCPs() {
		for level, sources := range s.RCPs {
			add(RCP, level, sources)
		}
	}
	if r.Principal.identified() {
		if r.Principal.Kind != RootUser {
			add(Identity, 0, s.Identity)
			if s.Boundary != nil {
				lines = append(lines, d.explain(Boundary, 0, s.Boundary)...)
			}
		}
		add(Session, 0, s.Session)
	}
	add(d.resourceLayer(), 0, r.Policies)
	return lines
}

func (d *decider) explain(layer Kind, level int, s *Source) (lines []Line) {
	if doubt := s.doubt(); doubt != noDoubt {
		reason := doubts[doubt]
		if s.Err != nil {
			reason += ": " + s.Err.Error()
		}
		return []Line{{Source: s, Statement: -1, Layer: layer, Level: level, Fit: Perhaps, Reason: reason}}
	}
	for i := range s.Document.compiled {
		c := &s.Document.compiled[i]
		fit, reason := d.fit(c, &s.Document.Statements[i], layer)
		if fit != 0 {
			lines = append(lines, Line{s, i, layer, level, c.effect, fit, reason})
		}
	}
	return lines
}

// fit returns how a statement fits the request. It is near when only one part
// does not match; an action list without this action is not near.
func (d *decider) fit(c *statement, st *Statement, layer Kind) (Fit, string) {
	e := &d.evaluation
	action, resource := c.matchAction(e), c.matchResource(e)
	principal, conditions := yes, c.matchConditions(e)
	if layer == Resource || layer == Trust {
		m := c.matchPrincipal(e)
		principal = m.any()
	}
	misses := 0
	for _, t := range [...]truth{action, resource, principal, conditions} {
		if t == no {
			misses++
		}
	}
	switch {
	case misses > 1 || action == no && !c.notAction:
		return 0, ""
	case action == no:
		return Near, "NotAction lists " + e.request.Action
	case resource == no && c.notResource:
		return Near, "NotResource matches " + e.request.Resource
	case resource == no:
		return Near, "Resource does not match " + e.request.Resource
	case principal == no && c.notPrincipal:
		return Near, "NotPrincipal names the caller"
	case principal == no:
		return Near, "Principal does not name the caller"
	case conditions == no:
		return Near, d.conditions(c, st, no)
	case min(action, resource, principal, conditions) == maybe:
		return Perhaps, doubts[e.doubt]
	}
	return Applies, d.conditions(c, st, yes)
}

// conditions describes the conditions with this result.
func (d *decider) conditions(c *statement, st *Statement, outcome truth) string {
	var parts []string
	for i := range c.conditions {
		if c.conditions[i].holds(&d.evaluation) == outcome {
			parts = append(parts, st.Conditions[i].String()+d.found(c.conditions[i].key, outcome))
		}
	}
	return strings.Join(parts, "; ")
}

func (d *decider) found(key string, outcome truth) string {
	verb := " holds: "
	if outcome == no {
		verb = " does not hold: "
	}
	entry := d.context.find(key)
	if entry == nil {
		return verb + "the key is absent"
	}
	values := make([]string, len(entry.values))
	for i, v := range entry.values {
		values[i] = strconv.Quote(v)
	}
	return verb + "the request has " + strings.Join(values, ", ")
}

// String returns the condition on one line: operator, key, values.
func (c Condition) String() string {
	return c.Operator + " " + c.Key + " " + strings.Join(c.Values, ", ")
}
