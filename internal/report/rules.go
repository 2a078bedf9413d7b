package report

import (
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
)

// ruleLine is a rule with findings.
type ruleLine struct {
	Name, Severity, Count, Short, Means, Remedy string
	Refs                                        []string
}

// firstLine is a rule in the summary, with the number of its worst findings.
type firstLine struct{ Name, Severity, Count, Short string }

// mostFirst is how many rules the summary names.
const mostFirst = 7

// requirement is a requirement of a framework with the rules that are evidence for it.
type requirement struct {
	Name  string
	Rules []string
	Count string
	order int
	n     int
}

// frameworks are the names of the prefixes of references, in the order of the table.
var frameworks = []struct{ prefix, name string }{
	{"cis_", "CIS AWS Foundations Benchmark "}, {"pci_", "PCI DSS "}, {"nist_800_53_", "NIST SP 800-53 "}, {"nist_800_171_", "NIST SP 800-171 "},
	{"iso27001_", "ISO/IEC 27001:"}, {"hipaa", "HIPAA"}, {"securityhub", "AWS Security Hub"}, {"config", "AWS Config rule"}, {"mitre_attack", "MITRE ATT&CK"},
}

// reference is a reference as a reader of the framework writes it, with its place.
func reference(ref string) (string, int) {
	name, number, found := strings.Cut(ref, ":")
	if !found {
		return visible(ref), len(frameworks)
	}
	for i, f := range frameworks {
		if version, ok := strings.CutPrefix(name, f.prefix); ok {
			return strings.TrimSpace(f.name+version) + " " + visible(number), i
		}
	}
	return visible(ref), len(frameworks)
}

func (p *Page) findingLines(s *summary) {
	all := 0
	found := map[string]*requirement{}
	for _, name := range p.data.rules() {
		r := p.data.findings[name]
		n := 0
		for _, c := range r.counts {
			n += c
		}
		all += n
		line := ruleLine{Name: visible(name), Severity: string(audit.Severities[r.worst()]), Count: prose.Number(n), Means: visible(r.rule.Means), Remedy: visible(r.rule.Remedy)}
		if worst := r.worst(); len(s.First) < mostFirst && worst < audit.Low.Rank() {
			s.First = append(s.First, firstLine{short(name), line.Severity, prose.Number(r.counts[worst]), visible(firstSentence(r.rule.Means))})
		}
		line.Short = firstSentence(line.Means)
		for _, ref := range r.rule.Refs {
			text, order := reference(ref)
			line.Refs = append(line.Refs, text)
			if found[text] == nil {
				found[text] = &requirement{Name: text, order: order}
			}
			found[text].n += n
			found[text].Rules = append(found[text].Rules, line.Name)
		}
		s.Rules = append(s.Rules, line)
	}
	s.Severities = "All findings: " + severityWords(p.end.Findings)
	s.FindingsNote = prose.Count(all, "finding") + ": " + severityWords(p.end.Findings) + ". A rule opens to its meaning, remedy, references and subjects."
	for _, r := range found {
		r.Count = prose.Number(r.n)
		s.Requirements = append(s.Requirements, *r)
	}
	slices.SortFunc(s.Requirements, func(x, y requirement) int {
		if x.order != y.order {
			return x.order - y.order
		}
		return strings.Compare(x.Name, y.Name)
	})
}

// firstSentence is the meaning of a rule in a line.
func firstSentence(means string) string {
	first, _, _ := strings.Cut(means, ". ")
	first, _, _ = strings.Cut(first, ": ")
	return clip(strings.TrimSuffix(first, "."), 140)
}

func severityWords(counts map[audit.Severity]int) string {
	var parts []string
	for _, s := range audit.Severities {
		if counts[s] > 0 {
			parts = append(parts, string(s)+" "+prose.Number(counts[s]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
