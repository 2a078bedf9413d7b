package central

import (
	"container/heap"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/prose"
)

var (
	update     = flag.Bool("update", false, "write the tables of docs/scale.md anew")
	pricesFile = flag.String("prices", "testdata/prices.json", "prices of the cost tables")
)

// The model of a run. The defaults are those of the template; the other figures are
// assumptions, which docs/scale.md names.
const (
	concurrency  = 50                    // accounts at once in one invocation
	workers      = 10                    // of the map at once
	perWorker    = 50                    // accounts
	callsAccount = 21                    // one after the other, as TestAScanTakesTheCallsOfTheSimulation counts them
	callTime     = 60 * time.Millisecond // of a call
	reportTime   = 4 * time.Second       // until a credential report is ready
	startTime    = time.Second           // of a worker: execution, instance, first session
	pageAccounts = 20                    // of ListAccounts
	invocation   = 900 * time.Second     // the longest of Lambda
	memoryGB     = 1769.0 / 1024         // of the function
	sessionsMost = 600                   // AssumeRole calls a second in one account
	days         = 30                    // with one run a day
	logBytes     = 20_000                // of one scan of an account
	transitions  = 2                     // of a worker: its state, and one for its start
	getTime      = 30 * time.Millisecond // of a result, 32 at once
)

// account is how long one account takes.
const account = callsAccount*callTime + reportTime

// listing is how long the list of accounts takes: eight pages a second after a burst of
// twelve. Source: AWS Organizations User Guide, "Quotas".
func listing(accounts int) time.Duration {
	pages := (accounts + pageAccounts - 1) / pageAccounts
	return max(time.Duration(pages)*callTime, time.Duration(float64(pages-12)/8*float64(time.Second)))
}

// slots are the times at which something that works in parallel is free again.
type slots []time.Duration

func (s slots) Len() int           { return len(s) }
func (s slots) Less(i, j int) bool { return s[i] < s[j] }
func (s slots) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *slots) Push(x any)        { *s = append(*s, x.(time.Duration)) }
func (s *slots) Pop() any          { last := (*s)[len(*s)-1]; *s = (*s)[:len(*s)-1]; return last }

// work plays n jobs on some slots from a time on. It returns the end of the last one, and
// how many were not started before the deadline.
func work(n, parallel int, from, each, deadline time.Duration) (end time.Duration, left int) {
	free := make(slots, min(n, parallel))
	for i := range free {
		free[i] = from
	}
	heap.Init(&free)
	end = from
	for i := range n {
		begin := free[0]
		if begin > deadline {
			return end, n - i
		}
		free[0] = begin + each
		heap.Fix(&free, 0)
		end = max(end, begin+each)
	}
	return end, 0
}

// An outcome is a simulated run.
type outcome struct {
	took        time.Duration
	left        int           // accounts that were not read
	lambda      time.Duration // of all invocations together
	invocations int
	transitions int
	puts, gets  int
}

func one(accounts int) outcome {
	end, left := work(accounts, concurrency, listing(accounts), account, invocation-lastStart)
	return outcome{took: end, left: left, lambda: end, invocations: 1, puts: 4, gets: 2}
}

func distributed(accounts int) outcome {
	batches := (accounts + perWorker - 1) / perWorker
	each, _ := work(min(perWorker, accounts), concurrency, 0, account, invocation)
	list := listing(accounts)
	end, _ := work(batches, workers, list, startTime+each, 1<<62)
	merge := time.Duration((batches+31)/32) * getTime
	return outcome{
		took: end + merge, lambda: list + time.Duration(batches)*(startTime+each) + merge, invocations: batches + 2,
		transitions: 3 + batches*transitions, puts: 4 + batches + batches/1000, gets: 2 + batches,
	}
}

// A price is one of prices.json.
type price struct {
	Name, About, Source string
	Price               float64
	AWS                 bool // from a page of AWS
}

type priceList struct {
	Region, Currency string
	LookedUp         string `json:"looked_up"`
	Prices           []price
}

func readPrices(t *testing.T) *priceList {
	t.Helper()
	text, err := os.ReadFile(*pricesFile)
	if err != nil {
		t.Fatal(err)
	}
	var l priceList
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	return &l
}

func (l *priceList) of(name string) float64 {
	for _, p := range l.Prices {
		if p.Name == name {
			return p.Price
		}
	}
	panic("no price " + name)
}

// watch is the monthly cost of alarms, and of metrics with data in one hour a day.
func (l *priceList) watch(alarms, metrics float64) float64 {
	return alarms*l.of("alarm_month") + metrics*l.of("metric_month")/24
}

func (l *priceList) logs(accounts int) float64 {
	return float64(accounts) * days * logBytes / 1e9 * l.of("log_gb")
}

// month is the cost of a central run each day.
func (l *priceList) month(o *outcome, accounts int, alarms float64) float64 {
	run := o.lambda.Seconds()*memoryGB*l.of("lambda_gb_second") + float64(o.invocations)*l.of("lambda_request") +
		float64(o.transitions)*l.of("step_transition") + float64(o.puts)*l.of("s3_put") + float64(o.gets)*l.of("s3_get")
	return days*run + l.watch(alarms, 8) + l.logs(accounts)
}

// functions is the monthly cost of a function in each account: 10 s and 0.25 GB a day.
func (l *priceList) functions(accounts int) float64 {
	return float64(accounts)*(days*(10*0.25*l.of("lambda_gb_second")+l.of("lambda_request"))+l.watch(4, 9)) + l.logs(accounts)
}

func scaleTables(l *priceList) string {
	var b strings.Builder
	b.WriteString("| accounts | take | one function: time | not reached | dollars a month | map: time | workers | dollars a month | a function in each: dollars a month |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range []int{10, 100, 1000, 3000, 6000, 10_000, 30_000, 100_000} {
		f, m := one(n), distributed(n)
		take := "`function`"
		if f.left > 0 {
			take = "`map`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", prose.Number(n), take, f.took.Round(time.Second), prose.Number(f.left),
			dollars(l.month(&f, n, 5)), m.took.Round(time.Second), prose.Number(m.invocations-2), dollars(l.month(&m, n, 6)), dollars(l.functions(n)))
	}
	fmt.Fprintf(&b, "\n| price (%s, looked up on %s) | dollars | source | from a page of AWS |\n|---|---|---|---|\n", l.Region, l.LookedUp)
	for _, p := range l.Prices {
		from := "no: verify it"
		if p.AWS {
			from = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", p.About, strings.TrimRight(fmt.Sprintf("%.10f", p.Price), "0"), p.Source, from)
	}
	return b.String()
}

func dollars(d float64) string {
	whole := int(d)
	if whole >= 1000 {
		return prose.Number(whole)
	}
	return fmt.Sprintf("%.2f", d)
}

const (
	page   = "../../docs/scale.md"
	opens  = "<!-- central: written by go test ./internal/central -update -->\n"
	closes = "<!-- central: end -->"
)

// docs/scale.md has the tables of the simulation.
func TestTheScaleOfACentralRunIsDocumented(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), opens)
	was, after, ended := strings.Cut(rest, closes)
	if !found || !ended {
		t.Fatalf("%s has no place for the tables", page)
	}
	now := scaleTables(readPrices(t))
	if *update {
		if err := os.WriteFile(page, []byte(before+opens+now+closes+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(was, now); diff != "" {
		t.Errorf("%s (-documented +simulated):\n%s", page, diff)
	}
}

func TestTheMapStaysBelowTheRatesOfAWS(t *testing.T) {
	each, _ := work(perWorker, concurrency, 0, account, invocation)
	if rate := float64(workers*perWorker) / (startTime + each).Seconds(); rate > sessionsMost {
		t.Errorf("%.0f sessions a second, and STS allows %d", rate, sessionsMost)
	}
	if took := listing(100_000); took > invocation {
		t.Errorf("listing 100,000 accounts takes %v, longer than an invocation", took)
	}
	if o := distributed(100_000); o.left > 0 || o.took > time.Hour {
		t.Errorf("100,000 accounts take %v", o.took)
	}
}

func TestWorkIsDividedAmongSlots(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		n, parallel int
		deadline    time.Duration
		end         time.Duration
		left        int
	}{
		{0, 3, 100 * s, 2 * s, 0}, {1, 3, 100 * s, 7 * s, 0}, {3, 3, 100 * s, 7 * s, 0}, {4, 3, 100 * s, 12 * s, 0}, {7, 3, 7 * s, 12 * s, 1},
	} {
		if end, left := work(row.n, row.parallel, 2*s, 5*s, row.deadline); end != row.end || left != row.left {
			t.Errorf("%+v: end %v, %d left", row, end, left)
		}
	}
}
