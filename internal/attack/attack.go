// Package attack tries what an attacker with a stolen credential would try, and
// what legitimate users must still be able to do, as real signed requests.
//
// [Attacks] and [ExpectedAccess] are the two tables of scenarios. [Cases] lists the
// users and targets that a table applies to. [Try] runs every case in a fork of the
// environment, so that no case influences another, and reports whether AWS refused.
package attack

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Scenario is one thing to try with one kind of credential.
type Scenario struct {
	Name  string // credential/request, the same in every run: key/s3-read
	Title string // what is tried, in the imperative
	Why   string // the consequence if an attack succeeds, or if expected access fails
	// Preserve is set for expected access that is checked only where it worked
	// before the change.
	Preserve bool

	// targets lists what the scenario is tried on for a user: role ARNs, bucket
	// names, or one empty string if there is nothing to choose. Without a target
	// the scenario does not apply to the user.
	targets func(*Subject) []string
	// try makes the requests. It returns nil if all of them succeeded.
	try func(context.Context, *attempt) error
}

// A Case is a scenario for one user and one target.
type Case struct {
	Scenario *Scenario
	Subject  *Subject
	Target   string
}

// ID identifies a case: the same before and after a change.
func (c Case) ID() string {
	return c.Scenario.Name + " " + c.Subject.User.ARN + " " + c.Target
}

// A Result is the outcome of a case. Why is the answer from AWS.
type Result struct {
	Case
	Outcome Outcome
	Why     string
}

// Cases lists the users and targets that the scenarios apply to, in the order of
// the scenarios.
func Cases(table []Scenario, subjects []*Subject) []Case {
	var cases []Case
	for i := range table {
		for _, s := range subjects {
			for _, target := range table[i].targets(s) {
				cases = append(cases, Case{&table[i], s, target})
			}
		}
	}
	return cases
}

// Try runs all cases, several at a time, each in its own fork. It calls done after
// each case, never concurrently. The results are in the order of the cases.
func Try(ctx context.Context, cases []Case, done func(Result)) []Result {
	results := make([]Result, len(cases))
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i, c := range cases {
		group.Go(func() error {
			results[i] = try(ctx, c)
			if done != nil {
				mu.Lock()
				defer mu.Unlock()
				done(results[i])
			}
			return nil
		})
	}
	_ = group.Wait()
	return results
}

func try(ctx context.Context, c Case) Result {
	scene, err := c.Subject.Fork()
	if err != nil {
		err = &setUpError{"fork the environment", err}
	} else {
		err = c.Scenario.try(ctx, &attempt{Subject: c.Subject, Scene: scene, target: c.Target})
	}
	outcome, why := judge(err)
	return Result{c, outcome, why}
}

// A Tally counts results by outcome.
type Tally struct {
	Tried     int `json:"tried"`
	Refused   int `json:"refused"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"` // inconclusive, see [Failed]
}

// Count sums up results.
func Count(results []Result) Tally {
	var t Tally
	for _, r := range results {
		t.Tried++
		switch r.Outcome {
		case Refused:
			t.Refused++
		case Succeeded:
			t.Succeeded++
		default:
			t.Failed++
		}
	}
	return t
}
