package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

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
	Layer      string   `json:"layer"` // identity, boundary or scp
	Name       string   `json:"name"`
	Unreadable string   `json:"unreadable,omitempty"`
	Allows     int      `json:"allows"` // statements
	Denies     int      `json:"denies"`
	MFA        []string `json:"mfa,omitempty"`          // statements with a condition on MFA, with all their conditions in words
	Others     []string `json:"other_denies,omitempty"` // the other Denies, with their conditions
}

// Text prints the explanation.
func (e *Explanation) Text(w io.Writer) {
	fmt.Fprintf(w, "%s in %s\n", Clean(e.ARN), AccountName(e.Account, e.AccountName))
	fmt.Fprintf(w, "  state: %s\n", UserLine(e.User))
	for _, a := range e.Assumptions {
		fmt.Fprintf(w, "  assumed: %s\n", Clean(a))
	}
	e.evidence(w)
	fmt.Fprintln(w, "  policies that apply:")
	for _, d := range e.Documents {
		if d.Unreadable != "" {
			fmt.Fprintf(w, "    %-8s  %s: unreadable: %s\n", d.Layer, Clean(d.Name), Clean(d.Unreadable))
			continue
		}
		fmt.Fprintf(w, "    %-8s  %s (%d allow, %d deny)\n", d.Layer, Clean(d.Name), d.Allows, d.Denies)
		for _, line := range slices.Concat(d.MFA, d.Others) {
			fmt.Fprintf(w, "              %s\n", Clean(line))
		}
	}
	e.reach(w)
	for _, f := range e.Findings {
		fmt.Fprintf(w, "  %s: %s\n    remedy: %s\n", f.Rule, Clean(f.What), Clean(f.Remedy))
	}
	e.steps(w)
	fmt.Fprintln(w)
}

// evidence prints the statement that allows the example of the state, when the access
// keys were last used, and what stops working.
func (e *Explanation) evidence(w io.Writer) {
	if e.Example != nil && e.Example.AllowedBy != "" {
		fmt.Fprintf(w, "  allowed by: %s\n", Clean(e.Example.AllowedBy))
	}
	for i := range e.Keys {
		fmt.Fprintf(w, "  %s\n", Clean(keyLine(&e.Keys[i])))
	}
	if e.Stops != "" {
		fmt.Fprintf(w, "  stops working without MFA: %s\n", Clean(e.Stops))
	}
}

// keyLine is an access key with its last use.
func keyLine(k *org.AccessKey) string {
	line := "access key"
	if k.ID != "" {
		line += " " + k.ID
	}
	if !k.Active {
		line += " (inactive)"
	}
	if k.Used == nil {
		return line + ": no use recorded"
	}
	line += ": last used on " + k.Used.UTC().Format(time.DateOnly)
	if k.UsedService != "" {
		line += " for " + k.UsedService
	}
	if k.UsedRegion != "" {
		line += " in " + k.UsedRegion
	}
	return line
}

func (e *Explanation) reach(w io.Writer) {
	for _, r := range e.Roles {
		via := ""
		if len(r.Via) > 0 {
			via = " through " + strings.Join(r.Via, ", ")
		}
		fmt.Fprintf(w, "  can assume without MFA: %s%s\n", Clean(r.ARN), Clean(via))
	}
	for _, s := range e.Switches {
		with, as := "with MFA", ""
		if s.WithoutMFA {
			with = "WITHOUT MFA"
		}
		if s.As != "" {
			as = " as " + s.As
		}
		fmt.Fprintf(w, "  can disable enforcement %s%s: %s (%s on %s)\n", with, Clean(as), Clean(s.What), s.Action, Clean(s.Resource))
	}
	for _, u := range e.Undecided {
		fmt.Fprintf(w, "  undecided: %s\n", Clean(u))
	}
}

func (e *Explanation) steps(w io.Writer) {
	if len(e.Steps) > 0 {
		fmt.Fprintln(w, "  steps that would enforce MFA:")
	}
	for i := range e.Steps {
		s := &e.Steps[i]
		fmt.Fprintf(w, "    %s\n", Clean(StepSentence(s)))
		if s.Blocked != "" {
			fmt.Fprintf(w, "      blocked: %s\n      remedy: %s\n", Clean(s.Blocked), Clean(s.Remedy))
		}
	}
}
