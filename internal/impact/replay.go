package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/prose"
	"forcemfa/policy"
)

// A ReplayCall is one kind of recorded call of a user that AWS allowed, with the verdict of
// the planned policies.
type ReplayCall struct {
	User      string // ARN
	Key       string // the ID of a long-term access key; empty: a session
	Source    string // iam.amazonaws.com
	Name      string // of the API operation
	Action    string
	Region    string
	Role      string // a role that the key assumed, if the call is AssumeRole
	MFA       bool
	Session   bool
	Federated bool
	Denied    bool // the planned policies refuse it
}

// ReplayCalls are the kinds of calls of a tally with their counts. Calls that a service
// forwarded and calls that AWS refused are left out.
func (j *Judge) ReplayCalls(t *Tally) (map[ReplayCall]int, error) {
	calls, roles := map[ReplayCall]int{}, map[string]string{}
	for _, s := range t.starters {
		if s.role != "" && (roles[s.key] == "" || s.role < roles[s.key]) {
			roles[s.key] = s.role
		}
	}
	for user, of := range t.calls {
		m, err := j.member(user)
		if err != nil {
			return nil, err
		}
		for k, n := range of {
			if k.state&(forwarded|refused) == 0 {
				calls[j.replayCall(m, &k, n.last, roles[k.key])] += n.count
			}
		}
	}
	return calls, nil
}

func (j *Judge) replayCall(m *member, k *distinct, last int64, role string) ReplayCall {
	a := actionOf(k.source, k.name)
	c := ReplayCall{
		User: m.user.ARN, Key: k.key, Source: k.source, Name: k.name, Action: a.name, Region: k.region,
		MFA: k.state&withMFA != 0, Session: k.state&session != 0, Federated: k.state&federated != 0,
		Denied: j.denied(m, k, last, a).Verdict == policy.ExplicitDenied,
	}
	if a.name == "sts:AssumeRole" {
		c.Role = role
	}
	if c.Session {
		c.Key = "" // each session has its own
	}
	return c
}

// A Replay compares what the planned policies were forecast to refuse with what the
// embedded AWS refused after the plan was applied.
type Replay struct {
	Calls         int `json:"calls"`          // recorded calls that were replayed
	Kinds         int `json:"kinds"`          // of them
	Sent          int `json:"sent"`           // kinds that were sent as signed requests
	Decided       int `json:"decided"`        // kinds that the evaluator decided from the recorded context, because they could not be sent
	Forecast      int `json:"forecast"`       // calls that impact forecasts to be denied
	Denied        int `json:"denied"`         // calls that were refused after the plan
	NotEnforced   int `json:"not_enforced"`   // calls that would be denied, of users whom the plan leaves open
	RefusedBefore int `json:"refused_before"` // calls that were refused before the plan already
	// Differences are kinds of calls whose answer is not the forecast.
	Differences []ReplayDifference `json:"differences"`
}

// A ReplayDifference is a kind of call whose answer is not the forecast.
type ReplayDifference struct {
	User     string `json:"user"` // ARN
	Action   string `json:"action"`
	Region   string `json:"region"`
	Calls    int    `json:"calls"`
	Forecast string `json:"forecast"` // denied or allowed
	Answer   string `json:"answer"`   // of the embedded AWS
}

// Add adds the answers to a kind of call. enforced reports whether the plan enforced MFA
// for its user.
func (r *Replay) Add(c ReplayCall, n int, before, after ReplayAnswer, enforced bool) {
	r.Calls += n
	r.Kinds++
	if c.Denied {
		r.Forecast += n
	}
	sent := before.Sent && after.Sent
	if !sent {
		r.Decided++
		before.Refused, after.Refused = false, c.Denied && enforced
	} else {
		r.Sent++
	}
	switch {
	case before.Refused:
		r.RefusedBefore += n
		return
	case after.Refused:
		r.Denied += n
	case c.Denied && !enforced:
		r.NotEnforced += n
		return
	}
	if after.Refused != c.Denied {
		d := ReplayDifference{User: c.User, Action: c.Action, Region: c.Region, Calls: n, Forecast: "allowed", Answer: after.Text}
		if c.Denied {
			d.Forecast = "denied"
		}
		r.Differences = append(r.Differences, d)
	}
}

// A ReplayAnswer is the answer to a request.
type ReplayAnswer struct {
	Sent    bool // it was authorized: allowed or refused
	Refused bool
	Text    string
}

// Sort sorts the differences.
func (r *Replay) Sort() {
	slices.SortFunc(r.Differences, func(a, b ReplayDifference) int {
		return cmp.Or(b.Calls-a.Calls, strings.Compare(a.User, b.User), strings.Compare(a.Action, b.Action), strings.Compare(a.Region, b.Region))
	})
}

// Lines are the result for people.
func (r *Replay) Lines() []string {
	lines := []string{
		fmt.Sprintf("%s of %s: %s sent as signed requests, %d decided by the evaluator", prose.Count(r.Calls, "recorded call"), prose.Count(r.Kinds, "kind"), prose.Count(r.Sent, "kind"), r.Decided),
		fmt.Sprintf("%s refused after the plan, %d forecast by impact", prose.Count(r.Denied, "call"), r.Forecast),
	}
	if r.NotEnforced > 0 {
		lines = append(lines, fmt.Sprintf("%s of the forecast would pass: the plan leaves the users open", prose.Count(r.NotEnforced, "call")))
	}
	if r.RefusedBefore > 0 {
		lines = append(lines, fmt.Sprintf("refused before the plan already: %s; policies have changed since, or are not in the snapshot", prose.Count(r.RefusedBefore, "call")))
	}
	for _, d := range r.Differences {
		lines = append(lines, fmt.Sprintf("difference: %s of %s in %s: forecast %s, answer %s", d.Action, d.User, d.Region, d.Forecast, d.Answer))
	}
	if len(r.Differences) == 0 {
		lines = append(lines, "Every answer is the forecast.")
	}
	return lines
}
