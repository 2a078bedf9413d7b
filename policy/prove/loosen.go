package prove

import (
	"slices"
	"strings"

	"forcemfa/policy"
)

// loosely returns the subject with Allows that a variable which the sender chooses does not
// hold back: they allow at least what they allow with any value of it. It returns nil when
// no Allow has such a variable. A request that only the loose Allows allow may be allowed
// with values that no search has tried.
func (r *row) loosely(s *Subject) *Subject {
	if !slices.ContainsFunc(s.Set.Sources(), r.varies) {
		return nil
	}
	out, set := *s, *s.Set
	set.Identity, set.Session = r.loose(set.Identity), r.loose(set.Session)
	if set.Boundary != nil {
		set.Boundary = &r.loose([]policy.Source{*set.Boundary})[0]
	}
	set.SCPs = slices.Clone(set.SCPs)
	for i := range set.SCPs {
		set.SCPs[i] = r.loose(set.SCPs[i])
	}
	out.Set = &set
	return &out
}

// varies reports whether an Allow of a document has a variable that the sender chooses.
func (r *row) varies(source *policy.Source) bool {
	d := source.Document
	return d != nil && source.Err == nil && d.Version == "2012-10-17" && slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		return s.Effect == policy.Allow && (slices.ContainsFunc(slices.Concat(s.Resources, s.NotResources), r.chosen) ||
			slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return slices.ContainsFunc(c.Values, r.chosen) }))
	})
}

// chosen reports whether a text has a variable that the sender chooses.
func (r *row) chosen(text string) bool { return slices.ContainsFunc(variablesOf(text), r.free) }

// loose returns the documents with loose Allows.
func (r *row) loose(sources []policy.Source) []policy.Source {
	out := slices.Clone(sources)
	for i := range out {
		if !r.varies(&out[i]) {
			continue
		}
		d := *out[i].Document
		d.Statements = slices.Clone(d.Statements)
		for j := range d.Statements {
			if d.Statements[j].Effect == policy.Allow {
				r.looseStatement(&d.Statements[j])
			}
		}
		out[i] = policy.ParseSource(out[i].Name, d.Kind, d.String())
	}
	return out
}

func (r *row) looseStatement(s *policy.Statement) {
	s.Resources = slices.Clone(s.Resources)
	for i := range s.Resources {
		s.Resources[i] = r.loosen(s.Resources[i])
	}
	if s.NotResources != nil {
		if s.NotResources = slices.DeleteFunc(slices.Clone(s.NotResources), r.chosen); len(s.NotResources) == 0 {
			s.Resources, s.NotResources = []string{"*"}, nil
		}
	}
	conditions := s.Conditions
	s.Conditions = nil
	for _, c := range conditions {
		if !slices.ContainsFunc(c.Values, r.chosen) {
			s.Conditions = append(s.Conditions, c)
		} else if like, ok := r.like(c); ok {
			s.Conditions = append(s.Conditions, like)
		}
	}
}

// like returns a condition on a fixed key with a wildcard in the place of the variables that
// the sender chooses; not ok for one that a wildcard does not loosen.
func (r *row) like(c policy.Condition) (policy.Condition, bool) {
	operator, ifExists := strings.CutSuffix(c.Operator, "IfExists")
	equals := operator == "StringEquals"
	if r.free(strings.ToLower(c.Key)) || !equals && !slices.Contains([]string{"StringLike", "ArnLike", "ArnEquals"}, operator) {
		return c, false
	}
	if c.Values = slices.Clone(c.Values); equals {
		operator = "StringLike"
	}
	for i, v := range c.Values {
		if equals {
			v = literally(v)
		}
		c.Values[i] = r.loosen(v)
	}
	if c.Operator = operator; ifExists {
		c.Operator += "IfExists"
	}
	return c, true
}

// literally writes a text without wildcards for an operator that has some.
func literally(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(strings.NewReplacer("*", "${*}", "?", "${?}").Replace(before))
		if !found {
			return out.String()
		}
		inner, after, _ := cutVariable(rest)
		out.WriteString("${" + inner + "}")
		text = after
	}
}

// undecidedAllow is why an answer is unknown.
const undecidedAllow = "an Allow depends on a variable whose value the sender chooses, and not all of its values could be tried"
