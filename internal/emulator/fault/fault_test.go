package fault

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestTheSameSeedGivesTheSameFaults(t *testing.T) {
	run := func(seed uint64) (all []Effect) {
		e := New(Chaos(seed), noon)
		for i := range 2000 {
			all = append(all, e.Next(Request{Account: "222222222222", Service: "iam", Operation: []string{"ListUsers", "CreateUser"}[i%2], Writes: i%2 == 1, Now: noon}))
		}
		return all
	}
	first := run(7)
	if diff := cmp.Diff(first, run(7)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(first, run(8)) {
		t.Error("another seed gives the same faults")
	}
	kinds, done := map[string]int{}, 0
	for _, e := range first {
		kinds[e.Kind]++
		if e.Delay > 0 {
			kinds[Slow]++
		}
		if e.Done {
			done++
		}
	}
	for kind, want := range map[string]int{Throttle: 60, Error: 20, Reset: 8, Slow: 20} {
		if kinds[kind] < want || kinds[kind] > 3*want {
			t.Errorf("%s hit %d of 2000 requests", kind, kinds[kind])
		}
	}
	if done == 0 {
		t.Error("no write was done whose answer was lost")
	}
}

func TestRateNeverHitsThreeTimesInARow(t *testing.T) {
	e := New(Plan{Faults: mustParse(t, `{"faults":[{"kind":"reset","rate":0.99},{"kind":"throttle","rate":0.99}]}`).Faults}, noon)
	hits := 0
	for range 300 {
		if e.Next(Request{Account: "1", Service: "iam", Operation: "ListUsers", Now: noon}).Kind == "" {
			hits = 0
		} else if hits++; hits > 2 {
			t.Fatal("three in a row")
		}
	}
}

func TestBucketsAreThoseOfAnAccountAndFamily(t *testing.T) {
	e := New(mustParse(t, `{"faults":[{"kind":"throttle","per_second":2,"burst":3}]}`), noon)
	count := func(account, operation string, writes bool, now time.Time) (passed int) {
		for range 10 {
			if e.Next(Request{Account: account, Service: "iam", Operation: operation, Writes: writes, Now: now}).Kind == "" {
				passed++
			}
		}
		return passed
	}
	got := []int{
		count("1", "ListUsers", false, noon), count("1", "GetUser", false, noon), count("1", "CreateUser", true, noon), count("2", "ListUsers", false, noon),
		count("1", "ListUsers", false, noon.Add(time.Second)),
	}
	if diff := cmp.Diff([]int{3, 0, 3, 3, 2}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRulesOfAWholeAccountBeginInTime(t *testing.T) {
	e := New(mustParse(t, `{"faults":[{"kind":"account-gone","account":"222222222222","after":"1m"},{"kind":"skew","by":"-10m"},
		{"kind":"report-stuck","account":"333333333333"},{"kind":"lag","service":"iam","delay":"5s","rate":0.5},{"kind":"down","service":"sts"}]}`), noon)
	later := noon.Add(time.Minute)
	lag, share := e.Lag(Request{Service: "iam", Now: noon})
	got := fmt.Sprint(e.Gone(noon), e.Gone(later), e.Skew(noon), e.ReportStuck("222222222222", noon), e.ReportStuck("333333333333", noon), lag, share,
		e.Next(Request{Service: "sts", Operation: "AssumeRole", Now: noon}), e.Next(Request{Service: "iam", Operation: "ListUsers", Now: noon}))
	if want := "[] [222222222222] -10m0s false true 5s 0.5 {down false 503 0s} { false 0 0s}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMistakesInAPlanAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		``: "line 1: the text ends early",
		"{\"faults\":[\n{\"kind\":\"slow\",\n\"delay\":\"soon\"}\n]}": "line 3: ",
		"{\n\"faults\":[\n{]}":      "line 3: ",
		`[]`:                        "line 1: unexpected array, want an object",
		`7`:                         "line 1: unexpected number, want an object",
		`{"fault":[]}`:              `unknown field "fault"`,
		`{"faults":[]} {}`:          "text after the object",
		`{"faults":[{"kind":"x"}]}`: `fault 1: kind "x": one of account-gone, down,`,
		`{"faults":[{"kind":"reset"},{"kind":"slow"}]}`:             "fault 2: slow needs delay",
		`{"faults":[{"kind":"slow","delay":"soon"}]}`:               `"soon" is not a duration`,
		`{"faults":[{"kind":"slow","delay":5}]}`:                    "unexpected number",
		`{"faults":[{"kind":"slow","delay":"2h"}]}`:                 "longer than an hour",
		`{"faults":[{"kind":"down"}]}`:                              "down needs service",
		`{"faults":[{"kind":"reset","by":"1s"}]}`:                   "reset has no by",
		`{"faults":[{"kind":"skew","by":"1s","account":"1"}]}`:      "skew has no account",
		`{"faults":[{"kind":"throttle","rate":1.5}]}`:               "rate 1.5 is not a share",
		`{"faults":[{"kind":"throttle","rate":1,"per_second":2}]}`:  "rate excludes per_second",
		`{"faults":[{"kind":"throttle","burst":2}]}`:                "burst needs it",
		`{"faults":[{"kind":"throttle","account":"22"}]}`:           "not an account ID",
		`{"faults":[{"kind":"throttle","operation":"[","rate":1}]}`: "not a pattern",
		`{"faults":[{"kind":"error","status":418}]}`:                "neither 500 nor 503",
		`{"faults":[{"kind":"reset","after":"-1s"}]}`:               "must not be negative",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestRulesOfAFlag(t *testing.T) {
	r, err := ParseRule("throttle,service=iam,operation=List*,rate=0.2")
	rate := 0.2
	if diff := cmp.Diff(Rule{Kind: Throttle, Service: "iam", Operation: "List*", Rate: &rate}, r); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"": "kind", "storm": `kind "storm"`, "slow,delay": `"delay" is not a new name=value`, "slow,delay=1s,delay=2s": "is not a new", "reset,rate=x": "not a number",
		"reset,rate=NaN": "NaN", "reset,color=red": `unknown field "color"`, "down": "needs service",
	} {
		if _, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// A plan that is read from the control endpoint can be sent back.
func TestPlansAreWrittenAsTheyAreRead(t *testing.T) {
	text, err := json.Marshal(Chaos(7))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Chaos(7), mustParse(t, string(text))); diff != "" || strings.Contains(string(text), `"0s"`) {
		t.Errorf("%s\n%s", text, diff)
	}
}

func mustParse(t *testing.T, text string) Plan {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
