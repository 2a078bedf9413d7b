package lint

import (
	"regexp"
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// resourceTypes reports actions of a statement on resources that requests for
// them never have, such as iam:CreateVirtualMFADevice on a user. In an Allow such
// an action is not granted, in a Deny it is not refused.
func (in *inspection) resourceTypes(i int) {
	st := &in.doc.Statements[i]
	if len(st.Resources) == 0 || len(st.Resources) > mostPatterns || in.kind == policy.Trust || slices.ContainsFunc(st.Resources, func(r string) bool { return strings.Trim(r, "*") == "" }) {
		return
	}
	var missed []string
	types := ""
	serious := false
	for _, name := range st.Actions[:min(len(st.Actions), mostPatterns)] {
		a, known := catalog.Load().Action(name)
		if !known || len(a.Resources) == 0 || in.named(a, st.Resources) {
			continue
		}
		missed = append(missed, a.String())
		serious = serious || slices.Contains(enrolling, a.String())
		if types == "" {
			types = a.Resources[0].Type.ARN
		}
	}
	if len(missed) == 0 {
		return
	}
	effect := "so the statement does not allow it"
	if st.Effect == policy.Deny {
		effect = "so the statement does not refuse it"
	}
	f := in.add("K-9", i, "%s never acts on the resources of the statement but on %s, %s", some(missed), types, effect)
	if !serious {
		f.Severity = Low
	}
	if len(st.Actions) > 1 {
		return // which resource belongs to which action is for the author to say
	}
	f.Fix = in.replace(i, func(st *policy.Statement) { st.Resources = []string{in.wildcard(types)} })
}

// named reports whether a pattern can match a resource of an action.
func (in *inspection) named(a *catalog.Action, patterns []string) bool {
	for _, r := range a.Resources {
		for template := range strings.SplitSeq(r.Type.ARN, ", ") {
			for _, p := range patterns {
				if overlapARN(anyVariable.ReplaceAllString(template, "*"), anyVariable.ReplaceAllString(p, "*")) {
					return true
				}
			}
		}
	}
	return false
}

// wildcard returns a pattern for all resources of a template.
func (in *inspection) wildcard(template string) string {
	first, _, _ := strings.Cut(template, ", ")
	return anyVariable.ReplaceAllString(strings.Replace(first, "${Partition}", in.partition, 1), "*")
}

var anyVariable = regexp.MustCompile(`\$\{[^}]*\}`)

// overlapARN reports whether some ARN matches two patterns. Short patterns, whose
// effect AWS does not document, may match anything.
func overlapARN(a, b string) bool {
	as, bs := strings.SplitN(a, ":", 6), strings.SplitN(b, ":", 6)
	if len(as) < 6 || len(bs) < 6 {
		return true
	}
	for i := range as {
		if !overlap(as[i], bs[i]) {
			return false
		}
	}
	return true
}

// overlap reports whether some text matches two globs.
func overlap(a, b string) bool {
	// row[j] reports whether the rests a[i:] and b[j:] overlap, for one i at a time.
	row := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		next := make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a) && j == len(b):
				next[j] = true
			case i < len(a) && a[i] == '*':
				next[j] = row[j] || j < len(b) && next[j+1]
			case j < len(b) && b[j] == '*':
				next[j] = next[j+1] || i < len(a) && row[j]
			case i < len(a) && j < len(b):
				next[j] = (a[i] == b[j] || a[i] == '?' || b[j] == '?') && row[j+1]
			}
		}
		row = next
	}
	return row[0]
}
