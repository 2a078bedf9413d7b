package deploy

import (
	"fmt"
	"io"
	"strings"

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

// coverageTable prints which accounts have a trail that EventBridge receives events from,
// and the findings about the others.
func (p *Plan) coverageTable(w io.Writer, style view.Style) {
	rows := make([][]string, 0, len(p.Trails))
	for _, h := range p.Trails {
		detected := map[string]string{Logged: "at once", NoTrail: "by the scheduled scan", CoverageUnknown: "unknown"}[h.State]
		why := h.Why
		if h.State == Logged {
			why = h.Trail
		}
		rows = append(rows, []string{view.AccountName(h.Account, h.Name), detected, view.Clean(why)})
	}
	style.Table(w, []string{"account", "changes are detected", "reason"}, rows, nil)
	fmt.Fprintln(w)
	for _, f := range p.Findings {
		fmt.Fprintf(w, "%s %s\n  %s\n  remedy: %s\n", f.Severity, f.ID, view.Clean(f.What), f.Remedy)
	}
}
