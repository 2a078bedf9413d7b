package iamsvc

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/catalog"
)

// granted returns the services of which a policy allows at least one action on any
// condition, by their prefixes, sorted.
// Source: IAM User Guide, "Refine permissions using last accessed information".
func granted(sources ...policy.Source) []string {
	var services []string
	for _, s := range catalog.Load().Services {
		if slices.ContainsFunc(sources, func(source policy.Source) bool { return grants(source, s) }) {
			services = append(services, s.Prefix)
		}
	}
	return services
}

func grants(source policy.Source, s *catalog.Service) bool {
	if source.Document == nil {
		return false
	}
	for _, statement := range source.Document.Statements {
		if statement.Effect == policy.Allow && covers(statement, s) {
			return true
		}
	}
	return false
}

// covers reports whether a statement is about an action of a service.
func covers(statement policy.Statement, s *catalog.Service) bool {
	if len(statement.NotActions) == 0 {
		return slices.ContainsFunc(s.Actions, func(a *catalog.Action) bool { return matches(statement.Actions, a) })
	}
	return slices.ContainsFunc(s.Actions, func(a *catalog.Action) bool { return !matches(statement.NotActions, a) })
}

func matches(patterns []string, a *catalog.Action) bool {
	for _, pattern := range patterns {
		prefix, name, named := strings.Cut(pattern, ":")
		if !named { // *
			return true
		}
		if prefix != "*" && !strings.EqualFold(prefix, a.Service.Prefix) {
			continue
		}
		if glob := arn.Compile(strings.ToLower(name)); glob.MatchFold(a.Name) {
			return true
		}
	}
	return false
}
