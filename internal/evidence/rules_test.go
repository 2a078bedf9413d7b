package evidence_test

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"forcemfa/internal/audit"
	"forcemfa/internal/evidence"
	"forcemfa/internal/run"
	"forcemfa/internal/testdepth"
)

// findings changes the findings of a pack, in the run and in every format, as a build
// with other rules would.
func (f *forgery) findings(edit func([]audit.Finding) []audit.Finding) {
	f.t.Helper()
	saved, err := run.Open("run.jsonl", func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(f.at("run.jsonl").text)), nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	var text, ocsf, oscal bytes.Buffer
	head := saved.Head
	out := run.NewWriter(&text, head)
	one, closeOne := formats.OCSF(&ocsf, &head)
	two, closeTwo := formats.OSCAL(&oscal, &head)
	end, found := saved.End, []audit.Finding(nil)
	end.Totals.Findings = map[audit.Severity]int{}
	for record, err := range saved.Records() {
		switch {
		case err != nil:
			f.t.Fatal(err)
		case record.Finding != nil:
			found = append(found, *record.Finding)
			continue
		case record.Rule != nil:
			continue
		case record.Account != nil:
			found = edit(found)
			slices.SortStableFunc(found, func(a, b audit.Finding) int { return cmp.Compare(a.ID, b.ID) })
			for _, x := range found {
				end.Totals.Findings[x.Severity]++
				audit.Sinks{out, one, two}.Finding(x)
			}
			found = nil
		}
		if record.Document != nil || record.Exemption != nil {
			out.Add(record)
		} else {
			record.Send(audit.Sinks{out, one, two})
		}
	}
	for _, err := range []error{closeOne(), closeTwo(), out.Close(end)} {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.at("run.jsonl").text, f.at("findings.ocsf.json").text, f.at("assessment-results.oscal.json").text = text.Bytes(), ocsf.Bytes(), oscal.Bytes()
}

// withoutRule drops the findings of a rule, and lists the rules by a function.
func withoutRule(rule string, list func([]string) []string) func(*forgery) {
	return func(f *forgery) {
		f.findings(func(all []audit.Finding) []audit.Finding {
			return slices.DeleteFunc(all, func(x audit.Finding) bool { return x.Rule == rule })
		})
		f.manifest(func(m *evidence.Manifest) { m.Rules = list(m.Rules) })
	}
}

// unknownRule adds one finding of a rule that this version does not have.
func unknownRule(name string) func(*forgery) {
	return func(f *forgery) {
		added := false
		f.findings(func(all []audit.Finding) []audit.Finding {
			if added || len(all) == 0 {
				return all
			}
			added = true
			x := all[0]
			x.Rule, x.ID = name, name+"/"+x.Account+"/"+x.Subject
			return append(all, x)
		})
	}
}

func none([]string) []string { return nil }

func without(names ...string) func([]string) []string {
	return func(all []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(names, s) })
	}
}

// A rule that a later version adds does not make a pack invalid, and a rule that is left
// out on purpose is named.
func TestAPackWithOtherRulesIsCheckedByThoseThatBothHave(t *testing.T) {
	pack := samplePack(t)
	for name, row := range testdepth.Cases(map[string]struct {
		change     func(*forgery)
		listed     bool
		notApplied []string
		notChecked []string
		counted    bool // there are findings of the first rule
	}{
		"the same rules":                 {func(*forgery) {}, true, nil, nil, false},
		"a rule is newer":                {withoutRule("no-group", without("no-group")), true, []string{"no-group"}, nil, true},
		"a rule is newer, and not found": {withoutRule("report-stale", without("report-stale")), true, []string{"report-stale"}, nil, false},
		"the worst rule is left out":     {withoutRule("user-open", without("user-open", "user-unknown")), true, []string{"user-open", "user-unknown"}, nil, true},
		"an earlier pack":                {func(f *forgery) { f.manifest(func(m *evidence.Manifest) { m.Rules = nil }) }, false, nil, nil, false},
		"an earlier pack, a newer rule":  {withoutRule("no-group", none), false, []string{"no-group"}, nil, true},
		"a rule of a newer version": {func(f *forgery) {
			unknownRule("a-rule-of-tomorrow")(f)
			f.manifest(func(m *evidence.Manifest) { m.Rules = append(m.Rules, "a-rule-of-tomorrow") })
		}, true, nil, []string{"a-rule-of-tomorrow"}, true},
		"a rule that was removed since": {func(f *forgery) {
			unknownRule("zz-rule-of-yesterday")(f)
			f.manifest(func(m *evidence.Manifest) { m.Rules = nil })
		}, false, nil, []string{"zz-rule-of-yesterday"}, true},
	}, 3) {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, pack)
			row.change(f)
			anotherBuild(f)
			f.hash()
			r, err := check(f.pack())
			if err != nil {
				t.Fatal(err)
			}
			names := func(rules []evidence.RuleCount) (out []string) {
				for i := range rules {
					out = append(out, rules[i].Rule)
				}
				return out
			}
			got := r.Rules
			if got.Listed != row.listed || !slices.Equal(names(got.NotApplied), row.notApplied) || !slices.Equal(names(got.NotChecked), row.notChecked) {
				t.Errorf("%+v, want %+v", got, row)
			}
			if counted := evidence.CountFindings(got.NotApplied)+evidence.CountFindings(got.NotChecked) > 0; counted != row.counted {
				t.Errorf("%+v, want findings: %v", got, row.counted)
			}
		})
	}
}

// The list of rules hides nothing of what both versions can compare.
func TestForgeriesByTheListOfRulesAreRefused(t *testing.T) {
	pack := samplePack(t)
	other := func(change func(*forgery)) func(*forgery) {
		return func(f *forgery) { change(f); anotherBuild(f) }
	}
	list := func(edit func([]string) []string) func(*forgery) {
		return func(f *forgery) { f.manifest(func(m *evidence.Manifest) { m.Rules = edit(m.Rules) }) }
	}
	one := func(all []audit.Finding) []audit.Finding { return all[:max(len(all)-1, 0)] }
	for name, row := range testdepth.Cases(map[string]struct {
		forge func(*forgery)
		why   string
	}{
		"fewer rules than findings":        {other(list(without("user-open"))), "whose rule is not in the list of the manifest"},
		"a rule more, without the list":    {other(unknownRule("a-rule-of-tomorrow")), "whose rule is not in the list of the manifest"},
		"findings less of a rule":          {other(func(f *forgery) { f.findings(one) }), "the snapshot and the config give"},
		"findings less in an earlier pack": {other(func(f *forgery) { f.findings(one); list(none)(f) }), "the snapshot and the config give"},
		"the same build without a rule":    {withoutRule("no-group", without("no-group")), `"rules" are not those of the program`},
		"the same build without a list":    {list(none), `"rules" are not those of the program`},
		"a name that moves the cursor":     {other(list(func(s []string) []string { return append(s, "\x1b[2J") })), "a name that no rule can have"},
		"a long name":                      {other(list(func(s []string) []string { return append(s, strings.Repeat("x", 65)) })), "a name that no rule can have"},
		"more rules than any version has":  {other(list(func(s []string) []string { return append(s, many(1000)...) })), "more rules than any version has"},
		"formats with other unknown ones": {func(f *forgery) {
			unknownRule("a-rule-of-tomorrow")(f)
			list(func(s []string) []string { return append(s, "a-rule-of-tomorrow") })(f)
			anotherBuild(f)
			f.replace("findings.ocsf.json", "a-rule-of-tomorrow/", "a-rule-of-nobody/")
		}, "findings.ocsf.json: has other findings"},
	}, 3) {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, pack)
			row.forge(f)
			f.hash()
			refuse(t, f.pack(), row.why)
		})
	}
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "r" + strings.Repeat("a", i%30) + strings.Repeat("b", i/30)
	}
	return out
}

func TestThePackListsTheRules(t *testing.T) {
	r, err := check(samplePack(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(audit.RuleNames(), r.Manifest.Rules); diff != "" {
		t.Error(diff)
	}
}
