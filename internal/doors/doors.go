// Package doors tries the ways in that an attacker with a stolen credential
// would try, and beside them what must still work, as real signed requests.
//
// A [Door] is one such way. [Cases] lists where the doors of a table apply,
// [Try] tries every case in a fork of the world of its own, so that none
// influences another, and answers for each whether AWS refused.
package doors

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Door is one way in, or one thing that must work.
type Door struct {
	Name  string // credential/deed, the same from run to run: key/s3-read
	Title string // what is tried, as a sentence without its subject
	Why   string // what it would mean if it were open; for what must work, if it did not work
	// Aims lists what the door is tried on for a subject: role ARNs, bucket
	// names, or one empty string where there is nothing to choose. A door that
	// has no aim does not apply.
	Aims func(*Subject) []string
	// Try makes the requests. No error means that all of them succeeded.
	Try func(context.Context, *Attempt) error
	// Kept is set for what must work only where it worked before: what a
	// change must not take away.
	Kept bool
}

// A Case is a door, for one subject and one aim.
type Case struct {
	Door    *Door
	Subject *Subject
	Aim     string
}

// ID names a case: the same before and after.
func (c Case) ID() string {
	return c.Door.Name + " " + c.Subject.User.ARN + " " + c.Aim
}

// A Result is what became of a case. Why is what AWS answered.
type Result struct {
	Case
	Outcome Outcome
	Why     string
}

// Cases lists where the doors apply, in the order of the doors.
func Cases(table []Door, subjects []*Subject) []Case {
	var cases []Case
	for i := range table {
		for _, s := range subjects {
			for _, aim := range table[i].Aims(s) {
				cases = append(cases, Case{&table[i], s, aim})
			}
		}
	}
	return cases
}

// Try tries all cases, each in its own fork, several at a time, and calls done
// after each, one call at a time. The results are in the order of the cases.
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
		err = &setUpError{"fork the world", err}
	} else {
		err = c.Door.Try(ctx, &Attempt{Subject: c.Subject, Scene: scene, Aim: c.Aim})
	}
	outcome, why := Judge(err)
	return Result{c, outcome, why}
}

// A Tally counts results.
type Tally struct{ Tried, Closed, Open, Failed int }

// Count sums up results.
func Count(results []Result) Tally {
	var t Tally
	for _, r := range results {
		t.Tried++
		switch r.Outcome {
		case Closed:
			t.Closed++
		case Open:
			t.Open++
		default:
			t.Failed++
		}
	}
	return t
}
