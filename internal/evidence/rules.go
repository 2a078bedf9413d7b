package evidence

import (
	"maps"
	"slices"

	"forcemfa/internal/audit"
	"forcemfa/internal/run"
)

// A RuleDifference compares the rules that the findings of a pack come from with those of
// the version that checks. Versions add rules, and a finding of a newer rule is no sign of
// a forgery. A pack that leaves out a rule on purpose looks the same, so a check reports
// each difference.
type RuleDifference struct {
	Listed     bool        `json:"listed"`      // false: the manifest lists no rules, and the findings show which there were
	NotApplied []RuleCount `json:"not_applied"` // rules of the version that checks, which the pack does not have
	NotChecked []RuleCount `json:"not_checked"` // rules of the pack, which the version that checks does not have
}

// A RuleCount counts the findings of one rule.
type RuleCount struct {
	Rule     string `json:"rule"`
	Findings int    `json:"findings"`
}

// CountFindings counts the findings of several rules.
func CountFindings(rules []RuleCount) (n int) {
	for _, r := range rules {
		n += r.Findings
	}
	return n
}

// The names of rules in a pack of unknown origin are printed, and kept in memory.
const (
	mostRules    = 1000
	longestRule  = 64
	ruleAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789-"
)

// A ruleBook knows which findings of a pack can be compared with those that this version
// gives.
type ruleBook struct {
	strict  bool            // the same build: both have the same rules
	listed  bool            // the manifest lists the rules of the pack
	ours    map[string]bool // rules of this version
	theirs  map[string]bool // rules of the pack
	missing map[string]int  // findings that this version gives, by a rule that the pack does not have
	unknown map[string]int  // findings of the pack, by a rule that this version does not have
}

// ruleBook opens the book of a pack. The manifest lists the rules; the packs of earlier
// versions show them by their findings alone.
func (c *check) ruleBook(saved *run.Run) (*ruleBook, error) {
	b := &ruleBook{strict: c.sameBuild, ours: map[string]bool{}, theirs: map[string]bool{}, missing: map[string]int{}, unknown: map[string]int{}}
	for _, name := range audit.RuleNames() {
		b.ours[name] = true
	}
	b.listed = c.manifest.Rules != nil
	for _, name := range c.manifest.Rules {
		if why := b.add(name); why != "" {
			return nil, refusedFile(manifestFile, "%s", why)
		}
	}
	switch {
	case b.strict && !maps.Equal(b.ours, b.theirs):
		return nil, refusedFile(manifestFile, `"rules" are not those of the program that wrote the pack`)
	case b.listed:
		return b, nil
	}
	for record, err := range saved.Records() {
		if err != nil {
			return nil, refusedFile(runFile, "%v", err)
		}
		if record.Finding != nil {
			if why := b.add(record.Finding.Rule); why != "" {
				return nil, refusedFile(runFile, "%s", why)
			}
		}
	}
	return b, nil
}

func (b *ruleBook) add(name string) (why string) {
	if b.theirs[name] {
		return ""
	}
	for _, letter := range name {
		if !slices.Contains([]rune(ruleAlphabet), letter) {
			return "a rule has a name that no rule can have"
		}
	}
	if name == "" || len(name) > longestRule {
		return "a rule has a name that no rule can have"
	}
	if len(b.theirs) == mostRules {
		return "there are more rules than any version has"
	}
	b.theirs[name] = true
	return ""
}

// expects reports whether the pack should have a finding that this version gives.
func (b *ruleBook) expects(f *audit.Finding) bool {
	if b.strict || b.theirs[f.Rule] {
		return true
	}
	b.missing[f.Rule]++
	return false
}

// comparable reports whether this version can give a finding that the pack has. why is
// not empty if the pack must not have it.
func (b *ruleBook) comparable(f *audit.Finding) (yes bool, why string) {
	switch {
	case b.strict:
		return true, ""
	case !b.theirs[f.Rule]:
		return false, "has the finding " + f.ID + ", whose rule is not in the list of the manifest"
	case b.ours[f.Rule]:
		return true, ""
	}
	b.unknown[f.Rule]++
	return false, ""
}

// difference is what the check reports. Without a list, a rule of this version without
// any finding makes no difference.
func (b *ruleBook) difference() RuleDifference {
	out := RuleDifference{Listed: b.listed, NotApplied: []RuleCount{}, NotChecked: []RuleCount{}}
	for _, name := range slices.Sorted(maps.Keys(b.ours)) {
		if !b.theirs[name] && (b.listed || b.missing[name] > 0) {
			out.NotApplied = append(out.NotApplied, RuleCount{name, b.missing[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.theirs)) {
		if !b.ours[name] {
			out.NotChecked = append(out.NotChecked, RuleCount{name, b.unknown[name]})
		}
	}
	return out
}
