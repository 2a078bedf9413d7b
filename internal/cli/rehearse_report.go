package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/attack"
	"forcemfa/internal/audit"
	"forcemfa/internal/cli/command"
	"forcemfa/internal/org"
	"forcemfa/internal/view"
)

// A rehearsed is what a rehearsal found, as -o json prints it.
type rehearsed struct {
	Before      audit.Counts `json:"before"`
	Plan        planCount    `json:"plan"`
	After       audit.Counts `json:"after"`
	DoorsBefore doorCount    `json:"doors_before"`
	Doors       doorCount    `json:"doors"`
	MustWork    workCount    `json:"must_work"`
	Gaps        []org.Gap    `json:"gaps"`
	Windows     []openWindow `json:"windows"`
	// Ajar are the doors that are not closed after, Broken what must work and
	// does not.
	Ajar     []doorResult    `json:"ajar"`
	Broken   []doorResult    `json:"broken"`
	Attacks  []attackResult  `json:"attacks"`
	Works    []workResult    `json:"works"`
	Accounts []accountStates `json:"accounts"`
}

type planCount struct {
	Steps   int `json:"steps"`
	Blocked int `json:"blocked"`
	// Done and the next two are what became of the steps when they were applied.
	Done   int `json:"done"`
	Stale  int `json:"stale"`
	Failed int `json:"failed"`
}

// A doorCount sums up attacks. Failed are those that showed nothing.
type doorCount struct {
	Tried  int `json:"tried"`
	Closed int `json:"closed"`
	Open   int `json:"open"`
	Failed int `json:"failed"`
}

type workCount struct {
	Tried  int `json:"tried"`
	Worked int `json:"worked"`
}

type openWindow struct {
	Account string    `json:"account"`
	User    string    `json:"user"`
	Until   time.Time `json:"until"`
}

type doorResult struct {
	Door    string `json:"door"`
	Account string `json:"account"`
	User    string `json:"user"`
	Aim     string `json:"aim,omitempty"`
	Outcome string `json:"outcome"`
	Answer  string `json:"answer"`
}

type attackResult struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Why        string `json:"why"`
	Tried      int    `json:"tried"`
	OpenBefore int    `json:"open_before"`
	Open       int    `json:"open"`
}

type workResult struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Why    string `json:"why"`
	Tried  int    `json:"tried"`
	Worked int    `json:"worked"`
}

type accountStates struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Before audit.Counts `json:"before"`
	After  audit.Counts `json:"after"`
}

// status is the exit status: nobody open, every door closed, everything that
// must work works. The gaps were known before.
func (r *rehearsed) status() int {
	if r.After.Open > 0 || r.Doors.Closed < r.Doors.Tried || r.MustWork.Worked < r.MustWork.Tried {
		return command.StatusFound
	}
	return command.StatusOK
}

// countDoors fills in everything that is counted from the attempts.
func (r *rehearsed) countDoors(before, after, works []attack.Result) {
	r.DoorsBefore, r.Doors = countOf(before), countOf(after)
	worked := attack.Count(works)
	r.MustWork = workCount{Tried: worked.Tried, Worked: worked.Succeeded}
	r.Attacks = attackTable(before, after)
	r.Works = workTable(works)
	r.Ajar = resultsBut(after, attack.Refused)
	r.Broken = resultsBut(works, attack.Succeeded)
}

func countOf(results []attack.Result) doorCount {
	t := attack.Count(results)
	return doorCount{t.Tried, t.Refused, t.Succeeded, t.Failed}
}

func attackTable(before, after []attack.Result) []attackResult {
	opened, _ := byDoor(before)
	open, tried := byDoor(after)
	rows := []attackResult{}
	for i := range attack.Attacks {
		d := &attack.Attacks[i]
		rows = append(rows, attackResult{d.Name, d.Title, d.Why, tried[d.Name], opened[d.Name], open[d.Name]})
	}
	return rows
}

func workTable(works []attack.Result) []workResult {
	worked, tried := byDoor(works)
	rows := []workResult{}
	for i := range attack.ExpectedAccess {
		d := &attack.ExpectedAccess[i]
		rows = append(rows, workResult{d.Name, d.Title, d.Why, tried[d.Name], worked[d.Name]})
	}
	return rows
}

// byDoor counts how often each door was tried, and was open.
func byDoor(results []attack.Result) (open, tried map[string]int) {
	open, tried = map[string]int{}, map[string]int{}
	for _, r := range results {
		tried[r.Scenario.Name]++
		if r.Outcome == attack.Succeeded {
			open[r.Scenario.Name]++
		}
	}
	return open, tried
}

// resultsBut are the results that are not as they should be.
func resultsBut(results []attack.Result, want attack.Outcome) []doorResult {
	list := []doorResult{}
	for _, r := range results {
		if r.Outcome != want {
			u := r.Subject.User
			list = append(list, doorResult{r.Scenario.Name, u.Account, u.Name, r.Target, r.Outcome.String(), r.Why})
		}
	}
	return list
}

// print shows a rehearsal to a person.
func (r *rehearsed) print(w io.Writer, style view.Style) {
	heading := func(words string) { fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, words)) }
	heading("Users, before and after")
	r.printAccounts(w, style)
	fmt.Fprintf(w, "\n%s\n", r.planSentence())
	heading("What a thief can do, tried with real signed requests")
	r.printAttacks(w, style)
	heading("What must still work")
	r.printWorks(w, style)
	r.printTrouble(w, style)
	fmt.Fprintln(w)
	r.printWindows(w)
	view.Gaps(w, style, r.Gaps)
	fmt.Fprintln(w, r.verdict(style))
}

func (r *rehearsed) printAccounts(w io.Writer, style view.Style) {
	row := func(id, name string, before, after audit.Counts) []string {
		return []string{id, name, strconv.Itoa(after.Users), arrow(before.Open, after.Open), arrow(before.Enforced, after.Enforced),
			arrow(before.Exempt, after.Exempt), arrow(before.Unknown, after.Unknown)}
	}
	var rows [][]string
	for _, a := range r.Accounts {
		rows = append(rows, row(a.ID, view.Clean(a.Name), a.Before, a.After))
	}
	style.Table(w, []string{"account", "name", "users", "open", "enforced", "exempt", "unknown"}, rows, row("total", "", r.Before, r.After))
}

// arrow is a number before and after, or one number where it stayed.
func arrow(before, after int) string {
	if before == after {
		return strconv.Itoa(after)
	}
	return fmt.Sprintf("%d → %d", before, after)
}

func (r *rehearsed) planSentence() string {
	s := fmt.Sprintf("Plan: %s, %d done", view.Count(r.Plan.Steps, "step"), r.Plan.Done)
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

func (r *rehearsed) printAttacks(w io.Writer, style view.Style) {
	var rows [][]string
	for _, a := range r.Attacks {
		if a.Tried > 0 || a.OpenBefore > 0 {
			rows = append(rows, []string{a.Title, strconv.Itoa(a.Tried), strconv.Itoa(a.OpenBefore), zeroIsGood(style, a.Open)})
		}
	}
	style.Table(w, []string{"door", "tried", "open before", "open after"}, rows,
		[]string{"all doors", strconv.Itoa(r.Doors.Tried), strconv.Itoa(r.DoorsBefore.Open), strconv.Itoa(r.Doors.Open)})
}

func zeroIsGood(style view.Style, n int) string {
	if n == 0 {
		return style.Paint(text.FgGreen, "0")
	}
	return style.Paint(text.FgRed, strconv.Itoa(n))
}

func (r *rehearsed) printWorks(w io.Writer, style view.Style) {
	var rows [][]string
	for _, d := range r.Works {
		if d.Tried == 0 {
			continue
		}
		color := text.FgGreen
		if d.Worked < d.Tried {
			color = text.FgRed
		}
		rows = append(rows, []string{d.Title, strconv.Itoa(d.Tried), style.Paint(color, strconv.Itoa(d.Worked))})
	}
	style.Table(w, []string{"what", "tried", "worked"}, rows, []string{"all", strconv.Itoa(r.MustWork.Tried), strconv.Itoa(r.MustWork.Worked)})
}

// printTrouble lists what is not as it should be, each with AWS's answer.
func (r *rehearsed) printTrouble(w io.Writer, style view.Style) {
	trouble := slices.Concat(r.Ajar, r.Broken)
	if len(trouble) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", style.Paint(text.Bold, "Not as it should be"))
	var rows [][]string
	for _, d := range trouble {
		rows = append(rows, []string{d.Outcome, d.Door, d.Account + "/" + view.Clean(d.User), view.Clean(d.Aim), view.Clean(shorten(d.Answer))})
	}
	style.Table(w, []string{"", "door", "user", "aim", "answer"}, rows, nil)
}

// shorten keeps a line of a table readable.
func shorten(s string) string {
	const most = 120
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func (r *rehearsed) printWindows(w io.Writer) {
	if len(r.Windows) == 0 {
		return
	}
	var names []string
	until := r.Windows[0].Until
	for _, o := range r.Windows {
		names = append(names, o.Account+"/"+view.Clean(o.User))
		if o.Until.After(until) {
			until = o.Until
		}
	}
	fmt.Fprintf(w, "%s open until %s, in which a first device may be enrolled by access key: %s\n",
		view.Count(len(r.Windows), "enrollment window"), until.UTC().Format("2006-01-02 15:04 MST"), strings.Join(names, ", "))
}

func (r *rehearsed) verdict(style view.Style) string {
	if r.status() != command.StatusOK {
		return style.Paint(text.FgRed, fmt.Sprintf("Not done: %s open, %d of %s not closed, %d of %d things that must work do not.",
			view.Count(r.After.Open, "user"), r.Doors.Tried-r.Doors.Closed, view.Count(r.Doors.Tried, "door"),
			r.MustWork.Tried-r.MustWork.Worked, r.MustWork.Tried))
	}
	return style.Paint(text.FgGreen, fmt.Sprintf("Done: no user that could be read is open (%d were), all %d doors are closed (%d were open), all %d things that must work do.",
		r.Before.Open, r.Doors.Tried, r.DoorsBefore.Open, r.MustWork.Tried))
}
