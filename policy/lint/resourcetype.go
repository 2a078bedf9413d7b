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
	if len(st.Resources) == 0 || len(st.Resources) > mostPatterns || in.kind == policy.Trust || slices.ContainsFunc(st.Resources, func(r string) bool { return overlap(r, "@") }) {
		return
	}
	in.withoutTypes(i)
	var missed []string
	var types []string
	serious, several := false, false
	for _, name := range st.Actions[:min(len(st.Actions), mostPatterns)] {
		a, known := catalog.Load().Action(name)
		if !known || len(a.Resources) == 0 || in.named(a, st.Resources) {
			continue
		}
		missed = append(missed, a.String())
		serious = serious || slices.Contains(enrolling, a.String())
		plainest := a.Resources[0].Type.ARN
		for _, r := range a.Resources {
			if len(r.Type.ARN) < len(plainest) {
				plainest = r.Type.ARN
			}
		}
		if !slices.Contains(types, plainest) {
			types = append(types, plainest)
		}
		several = several || len(a.Resources) > 1
	}
	if len(missed) == 0 {
		return
	}
	effect := "so the statement does not allow it"
	if st.Effect == policy.Deny {
		effect = "so the statement does not refuse it"
	}
	f := in.add("K-9", i, "%s never acts on the resources of the statement but on %s, %s", some(missed), strings.Join(types, " or "), effect)
	if !serious {
		f.Severity = Low
	}
	if len(st.Actions) > 1 || several {
		return // which resource belongs to which action is for the author to say
	}
	f.Fix = in.replace(i, func(st *policy.Statement) { st.Resources = []string{in.wildcard(types[0])} })
}

// acting returns the document without the actions of its Denies on resources that
// requests for them never have. An Allow of everything stands beside it.
func (in *inspection) acting() *policy.Document {
	var left []policy.Statement
	for _, st := range in.doc.Statements {
		if st.Effect == policy.Deny && len(st.Actions) > 0 && len(st.Resources) > 0 && !slices.ContainsFunc(st.Resources, func(r string) bool { return overlap(r, "@") }) {
			st.Actions = slices.DeleteFunc(slices.Clone(st.Actions), func(name string) bool {
				a, known := catalog.Load().Action(name)
				return known && !in.named(a, st.Resources)
			})
			if len(st.Actions) == 0 {
				continue
			}
		}
		left = append(left, st)
	}
	return in.compose(in.doc.Version, append(left, in.allowAll())...).Document
}

// withoutTypes reports actions that act on no resource and so are only matched by
// the resource *, in a statement about others. A pattern counts when all actions
// that it covers are such ones.
// Source: IAM User Guide, "IAM JSON policy elements: Resource".
func (in *inspection) withoutTypes(i int) {
	st := &in.doc.Statements[i]
	var missed []string
	for _, name := range st.Actions[:min(len(st.Actions), mostPatterns)] {
		if typeless(name) && !policy.Unconditional(name) {
			missed = append(missed, name)
		}
	}
	if len(missed) == 0 {
		return
	}
	verb, them, effect := "has", "it", "allow"
	if len(missed) > 1 {
		verb, them = "have", "them"
	}
	if st.Effect == policy.Deny {
		effect = "refuse"
	}
	f := in.add("K-9", i, "%s %s no resource types: only Resource * matches, so the statement does not %s %s", some(missed), verb, effect, them)
	f.Severity = Low
	if len(missed) == len(st.Actions) {
		f.Fix = in.replace(i, func(st *policy.Statement) { st.Resources = []string{"*"} })
	}
}

// typeless reports whether the catalog has actions that a pattern covers, and none of
// them has a resource type.
func typeless(pattern string) bool {
	prefix, _, _ := strings.Cut(pattern, ":")
	service, known := catalog.Load().Service(prefix)
	if !known {
		return false
	}
	found := false
	for _, a := range service.Actions {
		if !matchAction(pattern, a.String()) {
			continue
		}
		if len(a.Resources) > 0 {
			return false
		}
		found = true
	}
	return found
}

// named reports whether a pattern can match a resource of an action. An account is
// never empty, and the name of a bucket has no slash.
func (in *inspection) named(a *catalog.Action, patterns []string) bool {
	for _, r := range a.Resources {
		for template := range strings.SplitSeq(r.Type.ARN, ", ") {
			for _, p := range patterns {
				// Neither names nor IDs of users have a slash.
				p = anyVariable.ReplaceAllString(strings.NewReplacer(username, "x", "${aws:userid}", "x").Replace(p), "*")
				if bucket := strings.HasSuffix(template, ":${BucketName}"); bucket && strings.Contains(p, "/") {
					continue
				}
				if overlapARN(anyVariable.ReplaceAllString(strings.Replace(template, "${Account}", "?*", 1), "*"), p) {
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
