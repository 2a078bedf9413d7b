package deploy

import (
	"fmt"
	"io"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/prose"
	"forcemfa/internal/view"
)

// Text prints the plan: the changes, then how fast each account detects changes, then
// what could not be read.
func (p *Plan) Text(w io.Writer, style view.Style) error {
	for i := range p.Parts {
		p.Parts[i].text(w)
	}
	for _, id := range p.Drifted {
		fmt.Fprintf(w, "~ policy ForceMFA in %s: somebody edited it; it gets a new version\n", id)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "note: %s\n", view.Clean(note))
	}
	fmt.Fprintln(w)
	p.coverageTable(w, style)
	view.Unread(w, style, p.Unread)
	if n := p.Restorable(); n > 0 {
		fmt.Fprintf(w, "%s changed or deleted after the deployment. Next: forcemfa deploy apply --revert-drift\n",
			prose.Plural(n, "1 deployed resource was", prose.Number(n)+" deployed resources were"))
	}
	_, err := fmt.Fprintf(w, "Plan: %s to change.\n", view.Count(p.Changes(), "part"))
	return err
}

// signs start the line of a part.
var signs = map[Action]string{Create: "+", Update: "~", Replace: "±", Delete: "-", None: "="}

// text prints a part with its resources, parameters and accounts.
func (c *Change) text(w io.Writer) {
	fmt.Fprintf(w, "%s %s %s in %s %s", signs[c.Action], c.Kind, view.Clean(c.Name), c.Account, c.Region)
	if c.Action == None {
		fmt.Fprint(w, ": as wanted")
	}
	if len(c.Targets) > 0 {
		fmt.Fprintf(w, ", to %s", strings.Join(c.Targets, ", "))
	}
	fmt.Fprintln(w)
	for _, r := range c.Resources {
		fmt.Fprintf(w, "    %s %s %s%s\n", r.Action, r.Type, r.ID, r.details())
	}
	for _, s := range c.Parameters {
		if c.Action == Update {
			fmt.Fprintf(w, "    %s: %q → %q\n", s.Name, view.Clean(s.Before), view.Clean(s.After))
		} else if s.After != "" {
			fmt.Fprintf(w, "    %s: %q\n", s.Name, view.Clean(s.After))
		}
	}
	for _, i := range c.Instances {
		fmt.Fprintf(w, "    account %s %s: %s %s\n", i.Account, i.Region, i.Status, view.Clean(i.Why))
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "    %s\n", view.Clean(note))
	}
}

// details are the properties that change, and whether that is certain.
func (r *ResourceChange) details() string {
	text := ""
	if len(r.What) > 0 {
		text = " (" + strings.Join(r.What, ", ") + ")"
	}
	if r.Perhaps {
		text += ", perhaps"
	}
	return text
}

// fewAccounts is how many accounts with the same answer get a line each. More of them
// share one line.
const fewAccounts = 3

// coverageTable prints which accounts have a trail that EventBridge receives events from,
// and the findings about the others.
func (p *Plan) coverageTable(w io.Writer, style view.Style) {
	var rows [][]string
	for _, same := range grouped(p.Trails, func(h TrailCoverage) string { return h.State + "\x00" + h.reason() }) {
		detected := map[string]string{Logged: "at once", NoTrail: "by the scheduled scan", CoverageUnknown: "unknown"}[same[0].State]
		var names []string
		for _, h := range same {
			names = append(names, view.AccountName(h.Account, h.Name))
		}
		for _, name := range shared(names) {
			rows = append(rows, []string{name, detected, view.Clean(same[0].reason())})
		}
	}
	style.Table(w, []string{"account", "changes are detected", "reason"}, rows, nil)
	fmt.Fprintln(w)
	for _, same := range grouped(p.Findings, likeness) {
		f := &same[0]
		if len(same) <= fewAccounts {
			for i := range same {
				fmt.Fprintf(w, "%s %s\n  %s\n  remedy: %s\n", same[i].Severity, same[i].ID, view.Clean(same[i].What), same[i].Remedy)
			}
			continue
		}
		var ids []string
		for i := range same {
			ids = append(ids, same[i].Account)
		}
		fmt.Fprintf(w, "%s %s in %s accounts: %s\n", f.Severity, f.Rule, prose.Number(len(same)), prose.Few(ids))
		if f.Rule == driftRule {
			fmt.Fprintf(w, "  %s\n", view.Clean(f.What))
		}
		fmt.Fprintf(w, "  remedy: %s\n", strings.ReplaceAll(f.Remedy, f.Account, strings.Join(ids, ",")))
	}
}

// likeness is the same for findings that differ only in their account.
func likeness(f audit.Finding) string {
	key := f.Rule + "\x00" + f.Subject + "\x00" + strings.ReplaceAll(f.Remedy, f.Account, "ACCOUNT")
	if f.Rule == driftRule {
		key += "\x00" + f.What
	}
	return key
}

// reason is the trail, or why there is none.
func (h TrailCoverage) reason() string {
	if h.State == Logged {
		return h.Trail
	}
	return h.Why
}

// shared is each name, or all of them in one line.
func shared(names []string) []string {
	if len(names) <= fewAccounts {
		return names
	}
	return []string{prose.Number(len(names)) + " accounts: " + prose.Few(names)}
}

// grouped are the values with the same key, in the order of the first of each.
func grouped[T any](all []T, key func(T) string) [][]T {
	at := map[string]int{}
	var groups [][]T
	for _, v := range all {
		i, known := at[key(v)]
		if !known {
			i = len(groups)
			at[key(v)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], v)
	}
	return groups
}
