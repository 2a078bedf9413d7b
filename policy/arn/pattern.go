package arn

import (
	"fmt"
	"strings"
)

// A Pattern is an ARN with wildcards, matched part by part: a wildcard in one of
// the first five parts does not match a colon, one in the resource part matches
// colons and slashes. Part 0 is "arn".
// Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Amazon
// Resource Name (ARN) condition operators".
type Pattern [6]Glob

// ParsePattern compiles a pattern of six parts.
func ParsePattern(s string) (Pattern, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 {
		return Pattern{}, fmt.Errorf("%q is not an ARN pattern: want arn:partition:service:region:account:resource", s)
	}
	var p Pattern
	for i, part := range parts {
		p[i] = Compile(part)
	}
	return p, nil
}

// Match reports whether the pattern matches a, with holes filled in as literal
// text.
func (p *Pattern) Match(a *ARN, holes ...string) bool {
	return p[0].Match("arn", holes...) && p[4].Match(a.Account, holes...) && p[2].Match(a.Service, holes...) &&
		p[1].Match(a.Partition, holes...) && p[3].Match(a.Region, holes...) && p[5].Match(a.Resource, holes...)
}
