package policy

import (
	"fmt"
	"slices"

	"forcemfa/policy/arn"
)

// A statement is a compiled Statement.
type statement struct {
	effect       Effect
	actions      actions
	notAction    bool
	resources    resources
	notResource  bool
	principals   *principals
	notPrincipal bool
	conditions   []condition
}

// A candidate is a statement of a document with the signatures of the actions
// that it can cover. A document keeps candidates in a compact list, because
// their signatures exclude most statements.
type candidate struct {
	services, names uint64
	statement       int32
}

// compile prepares the statements of a document for decisions.
func (d *Document) compile() *SyntaxError {
	d.compiled = make([]statement, len(d.Statements))
	for i := range d.Statements {
		st, c := &d.Statements[i], &d.compiled[i]
		if message := c.compile(st, d.Version); message != "" {
			return &SyntaxError{st.Line, st.Column, fmt.Sprintf("statement %d: %s", i+1, message)}
		}
		entry := candidate{c.actions.services, c.actions.names, int32(i)}
		if c.notAction {
			entry.services, entry.names = ^uint64(0), ^uint64(0)
		}
		if c.effect == Deny {
			d.denies = append(d.denies, entry)
			continue
		}
		d.allows = append(d.allows, entry)
		if d.everything == 0 && c.coversEverything() {
			d.everything = int32(i) + 1
		}
	}
	return nil
}

// coversEverything reports whether the statement applies to every request.
func (c *statement) coversEverything() bool {
	return c.actions.any && !c.notAction && c.resources.any && !c.notResource && len(c.conditions) == 0
}

func (c *statement) compile(st *Statement, version string) (message string) {
	c.effect = st.Effect
	c.notAction = st.NotActions != nil
	if c.actions, message = compileActions(append(st.Actions, st.NotActions...), st.Effect == Allow && !c.notAction); message != "" {
		return message
	}
	c.notResource = st.NotResources != nil
	texts := append(slices.Clone(st.Resources), st.NotResources...)
	if st.Principals != nil || st.NotPrincipals != nil {
		for i, text := range texts {
			texts[i] = completeResource(text)
		}
	}
	c.resources, message = compileResources(texts, language{variables: version == version2012})
	if st.Resources == nil && st.NotResources == nil {
		c.resources.any = true
	}
	c.principals = compilePrincipals(st.Principals)
	if st.NotPrincipals != nil {
		c.principals, c.notPrincipal = compilePrincipals(st.NotPrincipals), true
	}
	for _, written := range st.Conditions {
		if message != "" {
			break
		}
		var cond condition
		cond, message = compileCondition(written, version)
		c.conditions = append(c.conditions, cond)
	}
	return message
}

// An evaluation is the state of deciding one request.
type evaluation struct {
	request *Request
	context *Context
	service string // of the action, as written
	name    string
	bounded bool  // the caller has a permissions boundary
	doubt   doubt // the reason of the last maybe

	serviceBit, nameBit uint64 // signatures

	arn      arn.ARN // of the resource, once split
	split    bool
	splitsOK bool
}

func (e *evaluation) init(r *Request, bounded bool) {
	e.request, e.context, e.bounded = r, r.Context, bounded
	e.service, e.name = cutAction(r.Action)
	e.serviceBit, e.nameBit = signature(e.service), signature(e.name)
}

// resource returns the parts of the request's resource; not ok for *. Many
// requests are decided without it.
func (e *evaluation) resource() (a *arn.ARN, ok bool) {
	if !e.split {
		e.split = true
		e.arn, e.splitsOK = arn.Split(e.request.Resource)
	}
	return &e.arn, e.splitsOK
}

// cutAction splits at the first colon. Service prefixes are short, so that a
// loop is faster than strings.Cut.
func cutAction(action string) (service, name string) {
	for i := range len(action) {
		if action[i] == ':' {
			return action[:i], action[i+1:]
		}
	}
	return action, ""
}

// doubts returns maybe, with a reason.
func (e *evaluation) doubts(d doubt) truth {
	e.doubt = d
	return maybe
}

// matchAction reports whether the statement covers the action.
func (c *statement) matchAction(e *evaluation) truth {
	t := c.actions.match(e)
	if c.notAction {
		return t.not()
	}
	return t
}

// matchResource reports whether the statement covers the resource.
func (c *statement) matchResource(e *evaluation) truth {
	t, unresolved := c.resources.match(e)
	switch {
	case c.notResource && unresolved && c.effect == Deny:
		return e.settle(NotResourceWithoutValue, unresolvedNotResource)
	case c.notResource && unresolved:
		return e.doubts(unresolvedNotResource)
	case c.notResource:
		return t.not()
	}
	return t
}

// matchConditions reports whether all conditions match.
func (c *statement) matchConditions(e *evaluation) truth {
	t := yes
	for i := range c.conditions {
		if t = min(t, c.conditions[i].holds(e)); t == no {
			break
		}
	}
	return t
}

// matches reports whether the statement applies, whatever the principal.
func (c *statement) matches(e *evaluation) truth {
	t := c.matchAction(e)
	if t == no {
		return no
	}
	if t = min(t, c.matchResource(e)); t == no {
		return no
	}
	return min(t, c.matchConditions(e))
}

// matchPrincipal returns every grade at which the statement names the caller. A
// statement without a principal element names no caller.
func (c *statement) matchPrincipal(e *evaluation) (m match) {
	switch {
	case c.principals == nil:
	case c.notPrincipal:
		m[byEveryone] = c.principals.matchNot(e, c.effect)
	default:
		m = c.principals.match(e)
	}
	return m
}
