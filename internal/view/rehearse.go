package view

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/prose"
)

// A Rehearsal is the result of a rehearsal.
type Rehearsal struct {
	Before         audit.Counts `json:"before"`
	Plan           PlanCounts   `json:"plan"`
	After          audit.Counts `json:"after"`
	AttacksBefore  AttackCounts `json:"attacks_before"`
	AttacksAfter   AttackCounts `json:"attacks_after"`
	ExpectedAccess AccessCounts `json:"expected_access"`
	Unread         []org.Gap    `json:"unread"`
	Skipped        []org.Gap    `json:"skipped"` // accounts that are suspended or closed
	Windows        []OpenWindow `json:"windows"`
	Sample         *Sample      `json:"sample,omitempty"` // the users that were attacked; nil: all
	// NotRefused are the attacks after the change that AWS did not refuse, NotWorking
	// the expected access that fails.
	NotRefused      []UnexpectedOutcome `json:"not_refused"`
	NotWorking      []UnexpectedOutcome `json:"not_working"`
	AttackScenarios []AttackScenario    `json:"attack_scenarios"`
	AccessScenarios []AccessScenario    `json:"access_scenarios"`
	Accounts        []AccountChange     `json:"accounts"`
	Head            Headline            `json:"head"`
	Replay          *impact.Replay      `json:"replay,omitempty"`
	ReplayUnread    int                 `json:"replay_unread,omitempty"` // files of its log that were not read

	// Next is the command after a rehearsal that passed; empty: none is shown.
	Next string `json:"-"`
}

// A Sample is the users whose attacks and expected access a rehearsal tries.
type Sample struct {
	Users int `json:"users"`
	Of    int `json:"of"`
}

// PlanCounts count the steps of a plan and their outcomes.
type PlanCounts struct {
	Steps   int `json:"steps"`
	Blocked int `json:"blocked"`
	Done    int `json:"done"`
	Stale   int `json:"stale"`
	Failed  int `json:"failed"`
}

// AttackCounts count attacks by outcome. Failed attacks are inconclusive.
type AttackCounts struct {
	Tried     int `json:"tried"`
	Refused   int `json:"refused"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// AccessCounts count expected access.
type AccessCounts struct {
	Tried  int `json:"tried"`
	Worked int `json:"worked"`
}

// An OpenWindow is an open enrollment window of a user.
type OpenWindow struct {
	Account string    `json:"account"`
	User    string    `json:"user"`
	Until   time.Time `json:"until"`
}

// An UnexpectedOutcome is an attack that was not refused, or expected access that failed.
type UnexpectedOutcome struct {
	Scenario string `json:"scenario"`
	Account  string `json:"account"`
	User     string `json:"user"`
	Target   string `json:"target,omitempty"`
	Outcome  string `json:"outcome"`
	Answer   string `json:"answer"` // from AWS
}

// An AttackScenario is an attack scenario with its counts for all users and targets.
type AttackScenario struct {
	Name            string `json:"name"`
	Title           string `json:"title"`
	Why             string `json:"why"`
	TriedBefore     int    `json:"tried_before"`
	Tried           int    `json:"tried"`
	SucceededBefore int    `json:"succeeded_before"`
	Succeeded       int    `json:"succeeded"`
}

// An AccessScenario is a scenario of expected access with its counts.
type AccessScenario struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Tried  int    `json:"tried"`
	Worked int    `json:"worked"`
}

// An AccountChange is the users of an account by state, before and after.
type AccountChange struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Before audit.Counts `json:"before"`
	After  audit.Counts `json:"after"`
}

// Passed reports whether no user is open, every attack was refused and all expected
// access works. Accounts that cannot be read do not matter: they were unread before.
func (r *Rehearsal) Passed() bool {
	replayed := r.Replay == nil || len(r.Replay.Differences)+r.ReplayUnread == 0
	return replayed && r.After.Open == 0 && r.AttacksAfter.Refused == r.AttacksAfter.Tried && r.ExpectedAccess.Worked == r.ExpectedAccess.Tried
}

// Text prints the rehearsal.
func (r *Rehearsal) Text(out io.Writer, style Style) error {
	w := new(bytes.Buffer)
	heading := func(words string) { fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, words)) }
	heading("Users before and after")
	r.accounts(w, style)
	fmt.Fprintf(w, "\n%s\n", r.planLine())
	heading("Attacks with stolen credentials, as real signed requests")
	r.attacks(w, style)
	heading("Expected access")
	r.access(w, style)
	if r.Replay != nil {
		heading("Recorded calls, sent before and after the plan")
		for _, line := range r.Replay.Lines() {
			style.Lines(w, line)
		}
	}
	r.unexpected(w, style)
	r.windows(w, style)
	Unread(w, style, r.Unread)
	Skipped(w, style, r.Skipped)
	fmt.Fprintln(w)
	if r.Sample != nil {
		style.Lines(w, fmt.Sprintf("Attacks and expected access were tried for a sample of %d of %d users.", r.Sample.Users, r.Sample.Of))
	}
	style.Lines(w, r.verdict(style))
	if r.Next != "" && r.Passed() {
		fmt.Fprintf(w, "Next: %s\n", r.Next)
	}
	return style.Headline(out, r.Head.Title, w.Bytes())
}

func (r *Rehearsal) accounts(w io.Writer, style Style) {
	row := func(id, name string, before, after audit.Counts) []string {
		return []string{id, name, strconv.Itoa(after.Users), change(before.Open, after.Open), change(before.Enforced, after.Enforced),
			change(before.Exempt, after.Exempt), change(before.Unknown, after.Unknown)}
	}
	var rows [][]string
	for _, a := range r.Accounts {
		rows = append(rows, row(a.ID, Clean(a.Name), a.Before, a.After))
	}
	style.Table(w, []string{"account", "name", "users", "open", "enforced", "exempt", "unknown"}, rows, row("total", "", r.Before, r.After))
}

// change is a number before and after, or one number if it did not change.
func change(before, after int) string {
	if before == after {
		return strconv.Itoa(after)
	}
	return fmt.Sprintf("%d → %d", before, after)
}

func (r *Rehearsal) planLine() string {
	s := fmt.Sprintf("Plan: %s, %d applied", Count(r.Plan.Steps, "step"), r.Plan.Done)
	for _, more := range []struct {
		n    int
		word string
	}{{r.Plan.Blocked, "blocked"}, {r.Plan.Stale, "stale"}, {r.Plan.Failed, "failed"}} {
		if more.n > 0 {
			s += fmt.Sprintf(", %d %s", more.n, more.word)
		}
	}
	return s + "."
}

func (r *Rehearsal) attacks(w io.Writer, style Style) {
	var rows [][]string
	for _, a := range r.AttackScenarios {
		if a.Tried > 0 || a.SucceededBefore > 0 {
			rows = append(rows, []string{strconv.Itoa(a.Tried), strconv.Itoa(a.SucceededBefore), zeroIsGood(style, a.Succeeded), a.Title})
		}
	}
	style.Table(w, []string{"tried", "succeeded before", "after", "attack"}, rows,
		[]string{strconv.Itoa(r.AttacksAfter.Tried), strconv.Itoa(r.AttacksBefore.Succeeded), strconv.Itoa(r.AttacksAfter.Succeeded), "total"})
	r.differentNumbers(w, style)
}

// differentNumbers says why not the same number of attacks was tried before and after.
func (r *Rehearsal) differentNumbers(w io.Writer, style Style) {
	before, after := r.AttacksBefore.Tried, r.AttacksAfter.Tried
	if before == after {
		return
	}
	fmt.Fprintln(w)
	var changed []string
	for _, a := range r.AttackScenarios {
		if a.TriedBefore != a.Tried {
			changed = append(changed, fmt.Sprintf("%s (%d → %d)", a.Title, a.TriedBefore, a.Tried))
		}
	}
	style.Lines(w, fmt.Sprintf("%s before and %s after: an attack is left out where the plan makes the request legitimate, as in an enrollment window, or leaves it without a target: %s.",
		Count(before, "attack"), prose.Number(after), strings.Join(changed, "; ")))
}

func zeroIsGood(style Style, n int) string {
	if n == 0 {
		return style.Paint(green, "0")
	}
	return style.Paint(red, strconv.Itoa(n))
}

func (r *Rehearsal) access(w io.Writer, style Style) {
	var rows [][]string
	for _, s := range r.AccessScenarios {
		if s.Tried == 0 {
			continue
		}
		color := green
		if s.Worked < s.Tried {
			color = red
		}
		rows = append(rows, []string{strconv.Itoa(s.Tried), style.Paint(color, strconv.Itoa(s.Worked)), s.Title})
	}
	style.Table(w, []string{"tried", "worked", "access"}, rows, []string{strconv.Itoa(r.ExpectedAccess.Tried), strconv.Itoa(r.ExpectedAccess.Worked), "total"})
}

// maxAnswer is the width of AWS's answer in a table.
const maxAnswer = 120

// unexpected lists the unexpected outcomes, each with AWS's answer.
func (r *Rehearsal) unexpected(w io.Writer, style Style) {
	list := slices.Concat(r.NotRefused, r.NotWorking)
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, "Unexpected outcomes"))
	var rows [][]string
	for _, u := range list {
		rows = append(rows, []string{u.Outcome, u.Scenario, u.Account + "/" + Clean(u.User), Clean(u.Target), Clean(Clip(u.Answer, maxAnswer))})
	}
	style.Table(w, []string{"outcome", "scenario", "user", "target", "answer"}, rows, nil)
}

func (r *Rehearsal) windows(w io.Writer, style Style) {
	if len(r.Windows) == 0 {
		return
	}
	var names []string
	until := r.Windows[0].Until
	for _, o := range r.Windows {
		names = append(names, o.Account+"/"+Clean(o.User))
		if o.Until.After(until) {
			until = o.Until
		}
	}
	fmt.Fprintln(w)
	style.Lines(w, fmt.Sprintf("%s open until %s, in which these users may enroll a first device with their access key: %s",
		Count(len(r.Windows), "enrollment window"), until.UTC().Format("2006-01-02 15:04 MST"), strings.Join(names, ", ")))
}

// accountsNotRead counts the accounts of which something could not be read.
func (r *Rehearsal) accountsNotRead() int {
	ids := map[string]bool{}
	for _, g := range r.Unread {
		ids[g.Account] = true
	}
	return len(ids)
}

func (r *Rehearsal) verdict(style Style) string {
	if !r.Passed() {
		return style.Paint(red, fmt.Sprintf("Failed: MFA is not enforced for %s, %d of %s were not refused, %d of %d expected requests fail.",
			Count(r.After.Open, "user"), r.AttacksAfter.Tried-r.AttacksAfter.Refused, Count(r.AttacksAfter.Tried, "attack"),
			r.ExpectedAccess.Tried-r.ExpectedAccess.Worked, r.ExpectedAccess.Tried))
	}
	passed := style.Paint(green, fmt.Sprintf("Passed: MFA is enforced for every readable user that is not exempt (%d were open before), all %s attacks are refused (%s succeeded before), and all %s expected requests work.",
		r.Before.Open, prose.Number(r.AttacksAfter.Tried), prose.Number(r.AttacksBefore.Succeeded), prose.Number(r.ExpectedAccess.Tried)))
	if unread := r.accountsNotRead(); unread > 0 {
		passed += fmt.Sprintf(" %s not read, and nothing is known about the users in it.", Were(unread, "account"))
	}
	return passed
}
