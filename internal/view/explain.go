package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// An Explanation is one user with everything that decides whether it can act without
// MFA.
type Explanation struct {
	audit.User
	Keys      []org.AccessKey     `json:"access_keys"`
	Stops     string              `json:"stops,omitempty"` // what stops working when the plan enforces MFA
	Documents []ExplainedDocument `json:"documents"`
	// Roles are those that the user can assume without MFA; Switches the requests by
	// which it can disable its own enforcement.
	Roles     []ReachableRole    `json:"roles_without_mfa"`
	Switches  []DisablingRequest `json:"can_switch_off"`
	Undecided []string           `json:"undecided,omitempty"`
	Findings  []audit.Finding    `json:"findings"`
	Steps     []plan.Step        `json:"steps"` // that would enforce MFA
}

// A ReachableRole is a role that a user can assume without MFA.
type ReachableRole struct {
	ARN string   `json:"arn"`
	Via []string `json:"via,omitempty"` // the roles in between
}

// A DisablingRequest is a request by which a user can disable its own enforcement.
type DisablingRequest struct {
	What       string `json:"what"`
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	As         string `json:"as,omitempty"` // the role that the user has to assume first
	WithoutMFA bool   `json:"without_mfa"`
	AllowedBy  string `json:"allowed_by,omitempty"`
}

// An ExplainedDocument is a policy document that decides a user's requests.
type ExplainedDocument struct {
	Layer      string   `json:"layer"` // identity, boundary, scp or rcp
	Name       string   `json:"name"`
	Unreadable string   `json:"unreadable,omitempty"`
	Allows     int      `json:"allows"` // statements
	Denies     int      `json:"denies"`
	MFA        []string `json:"mfa,omitempty"`          // statements with a condition on MFA, with all their conditions in words
	Others     []string `json:"other_denies,omitempty"` // the other Denies, with their conditions
}

// Text prints the explanation: the state and the request that shows it, then what decides.
func (e *Explanation) Text(w io.Writer, s Style) {
	s.Lines(w, s.Paint(text.Bold, Clean(e.title())))
	fmt.Fprintln(w)
	s.List(w, e.facts())
	e.policies(w, s)
	e.roles(w, s)
	e.switches(w, s)
	s.listing(w, "Undecided", e.Undecided)
	e.findings(w, s)
	e.steps(w, s)
	s.listing(w, "Assumed", e.Assumptions)
}

// title is the state in one sentence.
func (e *Explanation) title() string {
	who := e.Name + " (" + strings.TrimSpace(e.Account+" "+e.AccountName) + ")"
	switch {
	case e.State == audit.Enforced:
		return "MFA is enforced for " + who + "."
	case e.State == audit.Exempt:
		return who + " is exempt: " + e.Exemption
	case e.State == audit.Unknown:
		return "Whether MFA is enforced for " + who + " could not be decided: " + e.Why
	case e.NotExploitable:
		return "MFA is not enforced for " + who + ". The example request is not exploitable today, because " + e.Hindrance() + "."
	}
	return who + " can act without MFA."
}

// facts are the example request, the credentials, and what stops.
func (e *Explanation) facts() [][]string {
	var rows [][]string
	add := func(what, words string) {
		if words != "" {
			rows = append(rows, []string{"  " + what, Clean(words)})
		}
	}
	if e.Example != nil {
		if !e.NotExploitable {
			add("with the "+e.With(), e.Worst())
		}
		add("request", e.Example.String())
		add("allowed by", e.Example.AllowedBy)
		if e.NotExploitable {
			add("refused today", e.Hindrance())
		} else {
			add("not read", strings.Join(audit.NotRead, " and ")+", which may refuse the request")
		}
	}
	for _, by := range e.DeniedBy {
		add("denied by", by)
	}
	for i := range e.Keys {
		add("access key", keyLine(&e.Keys[i]))
	}
	if !e.KeysKnown() {
		add("access keys", "unknown")
	}
	add("password", passwordLine(&e.User))
	add("MFA device", device(e.User))
	if e.NewerThan != nil {
		add("not read", "password and keys: newer than the credential report of "+e.NewerThan.UTC().Format("2006-01-02 15:04")+" UTC")
	}
	add("will stop", e.Stops)
	return rows
}

func passwordLine(u *audit.User) string {
	switch {
	case u.Console == org.Unknown:
		return "unknown"
	case u.Console == org.No:
		return "none"
	case u.PasswordUsed == nil:
		return "yes, no use recorded"
	}
	return "yes, last used on " + u.PasswordUsed.UTC().Format(time.DateOnly)
}

// keyLine is an access key with its last use.
func keyLine(k *org.AccessKey) string {
	line := k.ID
	if !k.Active {
		line = strings.TrimSpace(line + " (inactive)")
	}
	if line != "" {
		line += ", "
	}
	if k.Used == nil {
		return line + "no use recorded"
	}
	line += "last used on " + k.Used.UTC().Format(time.DateOnly)
	if k.UsedService != "" {
		line += " for " + k.UsedService
	}
	if k.UsedRegion != "" {
		line += " in " + k.UsedRegion
	}
	return line
}

// part begins a part of an explanation.
func (s Style) part(w io.Writer, title string) {
	fmt.Fprintf(w, "\n%s\n\n", s.Paint(text.Bold, title))
}

func (s Style) listing(w io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	s.part(w, title)
	for _, line := range lines {
		s.hang(w, "  ", Clean(line), 4)
	}
}

func (e *Explanation) policies(w io.Writer, s Style) {
	s.part(w, "Policies that apply")
	for _, d := range e.Documents {
		what := fmt.Sprintf("%d allow, %d deny", d.Allows, d.Denies)
		if d.Unreadable != "" {
			what = "unreadable: " + d.Unreadable
		}
		s.hang(w, fmt.Sprintf("  %-8s  ", d.Layer), Clean(d.Name+" ("+what+")"), 12)
		for _, line := range slices.Concat(d.MFA, d.Others) {
			s.hang(w, "            ", Clean(line), 14)
		}
	}
}

func (e *Explanation) roles(w io.Writer, s Style) {
	var lines []string
	for _, r := range e.Roles {
		line := r.ARN
		if len(r.Via) > 0 {
			line += " through " + strings.Join(r.Via, ", ")
		}
		lines = append(lines, line)
	}
	s.listing(w, "Roles that "+Clean(e.Name)+" can assume without MFA", lines)
}

// switches prints how the user can disable its enforcement, for each role and once for
// each way: an example of its request is in the JSON output.
func (e *Explanation) switches(w io.Writer, s Style) {
	if len(e.Switches) == 0 {
		return
	}
	s.part(w, "How "+Clean(e.Name)+" can disable the enforcement")
	var heads []string
	ways := map[string][]string{}
	for _, d := range e.Switches {
		head := "with MFA"
		if d.WithoutMFA {
			head = "without MFA"
		}
		if d.As != "" {
			head += ", as " + d.As
		}
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
		if way := d.What + " (" + d.Action + ")"; !slices.Contains(ways[head], way) {
			ways[head] = append(ways[head], way)
		}
	}
	for _, head := range heads {
		s.hang(w, "  ", Clean(head), 4)
		for _, way := range ways[head] {
			s.hang(w, "    ", Clean(way), 6)
		}
	}
}

func (e *Explanation) findings(w io.Writer, s Style) {
	if len(e.Findings) == 0 {
		return
	}
	s.part(w, "Findings")
	for _, f := range e.Findings {
		s.hang(w, "  ", f.Rule+": "+Clean(f.What), 4)
		s.hang(w, "    ", "remedy: "+Clean(f.Remedy), 6)
	}
}

func (e *Explanation) steps(w io.Writer, s Style) {
	if len(e.Steps) == 0 {
		return
	}
	s.part(w, "Steps that would enforce MFA")
	for i := range e.Steps {
		step := &e.Steps[i]
		s.hang(w, "  ", Clean(StepSentence(step)), 4)
		if step.Blocked != "" {
			s.hang(w, "    ", "blocked: "+Clean(step.Blocked), 6)
			s.hang(w, "    ", "remedy: "+Clean(step.Remedy), 6)
		}
	}
}
