package plan

import (
	"fmt"
	"strconv"
	"strings"
)

// A Limit is the maximum that one run may change: a number of steps, or a share of
// the audited users. The zero value is no limit.
type Limit struct {
	set     bool
	percent bool
	n       int
}

// ParseLimit reads N or P%. Empty is no limit.
func ParseLimit(s string) (Limit, error) {
	if s == "" {
		return Limit{}, nil
	}
	digits, percent := strings.CutSuffix(s, "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || percent && n > 100 {
		return Limit{}, fmt.Errorf("limit %q: want a number of steps, as 50, or a share of the users, as 5%%", s)
	}
	return Limit{set: true, percent: percent, n: int(n)}, nil
}

// String is the limit as it was given; empty for none.
func (l Limit) String() string {
	switch {
	case !l.set:
		return ""
	case l.percent:
		return strconv.Itoa(l.n) + "%"
	}
	return strconv.Itoa(l.n)
}

// A TooManyChangesError reports a plan that exceeds its [Limit]. None of its steps
// should be done.
type TooManyChangesError struct {
	Limit Limit
	Steps int // that are not blocked
	// Changed of Users are the users that the plan changes.
	Changed, Users int
}

func (e *TooManyChangesError) Error() string {
	if e.Limit.percent {
		return fmt.Sprintf("the plan changes %d of %d users, more than the limit of %s", e.Changed, e.Users, e.Limit)
	}
	return fmt.Sprintf("the plan has %d steps, more than the limit of %s", e.Steps, e.Limit)
}

// Check returns a [*TooManyChangesError] when the plan exceeds the limit.
// Blocked steps change nothing and do not count.
func (l Limit) Check(p *Plan) error {
	sum := p.Summary()
	over := sum.Steps > l.n
	if l.percent {
		over = sum.Users*100 > l.n*p.Users
	}
	if !l.set || !over {
		return nil
	}
	return &TooManyChangesError{Limit: l, Steps: sum.Steps, Changed: sum.Users, Users: p.Users}
}

// A Summary counts the changes of a plan.
type Summary struct {
	Steps    int        `json:"steps"`    // that will be done
	Blocked  int        `json:"blocked"`  // that will not
	Accounts int        `json:"accounts"` // with a step that will be done
	Users    int        `json:"users"`    // changed by name: put in a group, attached, tagged…
	Ops      map[Op]int `json:"ops"`      // steps that will be done, by kind
}

// Summary counts the steps of the plan.
func (p *Plan) Summary() Summary {
	sum := Summary{Ops: map[Op]int{}}
	accounts, users := map[string]bool{}, map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Blocked != "" {
			sum.Blocked++
			continue
		}
		sum.Steps++
		sum.Ops[s.Op]++
		accounts[s.Account] = true
		if s.UserName() != "" {
			users[s.Subject] = true
		}
	}
	sum.Accounts, sum.Users = len(accounts), len(users)
	return sum
}
