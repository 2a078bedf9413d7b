package view_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/internal/planner"
	"forcemfa/internal/run"
	"forcemfa/internal/testdepth"
	"forcemfa/internal/view"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)

// copies are the accounts of the sample, so many times, as they are read: suspended
// accounts and those that cannot be entered are not.
func copies(t testing.TB, times int) (*org.Header, org.Accounts) {
	t.Helper()
	header, accounts := sample.Organization()
	text, err := json.Marshal(accounts)
	if err != nil {
		t.Fatal(err)
	}
	var all []org.Account
	for n := range times {
		var more []org.Account
		if err := json.Unmarshal([]byte(renumbered(string(text), accounts, n)), &more); err != nil {
			t.Fatal(err)
		}
		for i := range more {
			a := &more[i]
			a.Management = a.Management && n == 0
			if n > 0 {
				a.Name += strconv.Itoa(n)
			}
			if a.Skipped() != "" || strings.HasPrefix(a.Name, "acquired") {
				*a = org.Account{ID: a.ID, Name: a.Name, Partition: a.Partition, State: a.State}
			}
			if a.Skipped() == "" && !a.Read {
				a.Gaps = []org.Gap{{Account: a.ID, What: "assume OrganizationAccountAccessRole", Why: "AccessDenied: not authorized to assume arn:aws:iam::" + a.ID + ":role/OrganizationAccountAccessRole"}}
			}
			a.Sort()
			all = append(all, *a)
		}
	}
	slices.SortFunc(all, func(a, b org.Account) int { return strings.Compare(a.ID, b.ID) })
	return &header, func(yield func(*org.Account, error) bool) {
		for i := range all {
			if !yield(&all[i], nil) {
				return
			}
		}
	}
}

// renumbered gives the accounts in a text the numbers of their n-th copies.
func renumbered(text string, accounts []org.Account, n int) string {
	for i := range accounts {
		id, _ := strconv.Atoi(accounts[i].ID)
		text = strings.ReplaceAll(text, accounts[i].ID, fmt.Sprintf("%012d", id+n*1000))
	}
	return text
}

// audited is the audit of the copies with the totals.
func audited(t testing.TB, header *org.Header, accounts org.Accounts, b *baseline.Baseline, totals *audit.Totals) iter.Seq2[*audit.Audited, error] {
	auditor := audit.New(header, b, now)
	return func(yield func(*audit.Audited, error) bool) {
		for a, err := range auditor.Accounts(context.Background(), accounts) {
			if err != nil {
				t.Fatal(err)
			}
			totals.Add(a)
			if !yield(a, nil) {
				return
			}
		}
	}
}

func sampleBaseline(t testing.TB) *baseline.Baseline {
	t.Helper()
	b, err := baseline.Parse("the sample's forcemfa.yaml", sample.Config())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func next(verb string) string { return "forcemfa " + verb + " --profile acme" }

// A report of four hundred accounts: their audit and their plan.
type large struct {
	end     view.Conclusion
	audited []*audit.Audited
	plan    *plan.Plan
}

func newLarge(t testing.TB) *large {
	t.Helper()
	header, accounts := copies(t, 50)
	b := sampleBaseline(t)
	l := &large{end: view.Conclusion{Head: run.Head{Organization: header.Organization.ID, Time: now}, Next: next}}
	for a := range audited(t, header, accounts, b, &l.end.Totals) {
		l.audited = append(l.audited, a)
	}
	var err error
	l.plan, err = planner.Make(planner.Input{Header: header, Baseline: b, Now: now, Accounts: func(yield func(*audit.Audited, error) bool) {
		for _, a := range l.audited {
			if !yield(a, nil) {
				return
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// print prints a report.
func (l *large) print(t testing.TB, report string, style view.Style) string {
	t.Helper()
	var out strings.Builder
	if report == "plan" {
		r := &view.PlanReport{Plan: l.plan, Head: view.Headed(&l.end.Head, &l.end.End), Next: next("apply")}
		if err := r.Text(&out, style); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	sink := view.NewAuditText(&out, style)
	_, sink.GroupBy, _ = strings.Cut(report, "-by-")
	for _, a := range l.audited {
		a.Send(sink)
	}
	if err := sink.Close(l.end); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Four hundred accounts fit a terminal: a summary first, the next command last, no line
// wider than the screen.
func TestFourHundredAccountsFitATerminal(t *testing.T) {
	l := newLarge(t)
	for _, row := range []struct {
		report, last string
		most         int
	}{
		{"audit", "Next: forcemfa plan --profile acme", 150},
		{"plan", "Next: forcemfa apply --profile acme", 200},
		{"audit-by-account", "Next: forcemfa plan --profile acme", 300},
		{"audit-by-rule", "Next: forcemfa plan --profile acme", 250},
		{"audit-by-user", "Next: forcemfa plan --profile acme", 500},
	} {
		for i, width := range []int{80, 120, 160} {
			if i%testdepth.Each(3) != 0 {
				continue
			}
			t.Run(fmt.Sprint(row.report, "-", width), func(t *testing.T) {
				got := l.print(t, row.report, view.Style{Width: width})
				lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
				if len(lines) >= row.most {
					t.Errorf("%d lines, want less than %d", len(lines), row.most)
				}
				for _, line := range lines {
					if text.StringWidthWithoutEscSequences(line) > width {
						t.Errorf("wider than %d columns: %q", width, line)
					}
				}
				if !strings.Contains(lines[0], "300 of 400 accounts") || lines[len(lines)-1] != row.last {
					t.Errorf("first line %q, last line %q", lines[0], lines[len(lines)-1])
				}
				if width == 80 && !strings.Contains(row.report, "-by-") {
					golden(t, row.report+".txt", got)
				}
				painted := l.print(t, row.report, view.Style{Width: width, Color: true})
				if text.StripEscape(painted) != got || painted == got {
					t.Error("colors change the text, or there are none")
				}
			})
		}
	}
}

// golden compares a text with a file of testdata; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test ./internal/view -update writes it):\n%s", name, diff)
	}
}
