package lint

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"forcemfa/policy"
)

// undecided reports statements whose effect AWS does not document. They count as
// holes: a Deny that may not apply protects nothing.
func (in *inspection) undecided() {
	for i := range in.doc.Statements {
		if slices.ContainsFunc(in.findings, func(f Finding) bool {
			return f.Statement == i && (f.Code == "M-6" || f.Code == "M-7")
		}) {
			continue
		}
		if !in.undecidedConditions(i) {
			in.undecidedElements(i)
		}
	}
}

// undecidedConditions reports whether a condition has values, or an empty list,
// that AWS does not document.
func (in *inspection) undecidedConditions(i int) bool {
	st := &in.doc.Statements[i]
	for _, c := range st.Conditions {
		why := in.doubt(&c)
		if why == "" {
			continue
		}
		code, one := "K-8", []policy.Condition{c}
		if aboutMFA(&c) && !typed(&c) {
			code = "M-7"
		}
		f := in.add(code, i, "it is unknown whether the statement applies: %s (%s)", withoutPlace(why), conditionText(one))
		switch {
		case st.Effect == policy.Allow && !aboutMFA(&c):
			f.Severity = Low
		case st.Effect == policy.Deny && aboutMFA(&c):
			f.Fix = in.replace(i, func(st *policy.Statement) {
				st.Conditions = append(withoutMFAKeys(st.Conditions), denyWithoutMFA)
			})
		}
		return true
	}
	return false
}

// doubt returns why AWS does not document whether a condition matches; empty
// when it does.
func (in *inspection) doubt(c *policy.Condition) string {
	st := in.allowAll()
	st.Effect, st.Conditions = policy.Deny, []policy.Condition{*c}
	source := in.compose(in.doc.Version, st, in.allowAll())
	p := in.user("")
	for _, who := range []caller{byKey(p), byPassword(p), withMFA(p)} {
		at := &situation{who: who, action: telling[0], resource: "arn:" + in.partition + ":s3:::example/example"}
		tries := []*situation{at}
		for _, v := range requestValues(c) {
			tries = append(tries, at.having(c.Key, []string{v}))
		}
		for _, try := range tries {
			if d := in.decision(source, try); d.Verdict == policy.Unknown {
				return d.Why
			}
		}
	}
	return ""
}

// requestValues returns possible request values for a condition's key, of the
// type that its operator compares.
func requestValues(c *policy.Condition) []string {
	switch _, op, _ := operator(c); {
	case op == "Bool":
		return []string{"true", "false"}
	case strings.HasPrefix(op, "Numeric"):
		return []string{"1"}
	case strings.HasPrefix(op, "Date"):
		return []string{"2026-06-01T12:00:00Z"}
	case strings.Contains(op, "IpAddress"):
		return []string{"192.0.2.1", "2001:db8::1"}
	case strings.HasPrefix(op, "Arn"):
		return []string{"arn:aws:iam::" + anyAccount + ":user/alice"}
	}
	if len(c.Values) > 0 && manyValued(c.Key) {
		return []string{"something", c.Values[0]}
	}
	return []string{"something"}
}

// undecidedElements reports a statement that applies to nothing with certainty
// but may apply to something.
func (in *inspection) undecidedElements(i int) {
	st := &in.doc.Statements[i]
	if in.kind == policy.Trust {
		return // rule T-2 reports the principal
	}
	bare := *st
	bare.Effect, bare.Conditions = policy.Deny, nil
	if st.Principals != nil {
		bare.Principals = &policy.Principals{Everyone: true}
	}
	source := in.compose(in.doc.Version, bare, in.allowAll())
	why := ""
	who := byKey(in.user(""))
	for _, action := range in.actions(st) {
		resources := in.resources(st, action)
		if typical := in.typical(action); st.NotResources != nil && len(typical) > 0 {
			resources = typical // no request for the action has the resource *
		}
		for _, resource := range resources {
			at := &situation{who: who, action: action, resource: resource}
			switch d := in.decision(source, at); d.Verdict {
			case policy.ExplicitDenied:
				return
			case policy.Unknown:
				why = d.Why
			}
		}
	}
	if why == "" {
		return
	}
	f := in.add("K-8", i, "it is unknown whether the statement applies: %s", withoutPlace(why))
	if st.Effect == policy.Allow {
		f.Severity = Low
	}
}

// withoutPlace removes from a reason which statement it is about: the statement was
// decided in a document of its own, and the finding names it.
func withoutPlace(why string) string { return placeOfReason().ReplaceAllString(why, "") }

var placeOfReason = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(document: )?(statement \d+( \([^)]*\))?: )?`) })
