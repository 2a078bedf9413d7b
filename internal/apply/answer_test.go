package apply_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"forcemfa/internal/apply"
	"forcemfa/internal/plan"
)

// Answers with status 200 that contain nothing: without a body, an element of another operation, the element of the
// operation alone, and its result alone.
var hollow = map[string]func(action string) string{
	"no body":        func(string) string { return "" },
	"a page":         func(string) string { return "<html><body>OK</body></html>" },
	"another answer": func(string) string { return "<NoopResponse><NoopResult></NoopResult></NoopResponse>" },
	"no result":      func(action string) string { return "<" + action + "Response></" + action + "Response>" },
	"an empty result": func(action string) string {
		return "<" + action + "Response><" + action + "Result/></" + action + "Response>"
	},
	"an object": func(string) string { return "{}" },
}

// hollowed answers calls that it accepts without sending them.
func hollowed(next http.RoundTripper, text func(string) string, accept func(action string) bool, sent func(action string)) http.RoundTripper {
	return tap{next, func(action, _ string, carry func() (*http.Response, error)) (*http.Response, error) {
		if !accept(action) {
			return carry()
		}
		sent(action)
		return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: io.NopCloser(strings.NewReader(text(action)))}, nil
	}}
}

// An answer that contains nothing confirms nothing: no step is done, or found done, because AWS is said to have answered.
func TestAnswersThatContainNothingConfirmNothing(t *testing.T) {
	h, accounts := small()
	whole := rigOf(t, h, accounts, nil)
	p, _ := whole.plan(t, nil)
	for name, text := range hollow {
		for _, remove := range []bool{false, true} {
			r := whole.fork()
			steps := p.Steps
			if remove { // what an empty answer seems to say is what these steps want
				record := new(memory)
				r.run(steps, record)
				steps = record.record().Undo()
			}
			before := r.digest()
			r.wrap = func(next http.RoundTripper) http.RoundTripper {
				return hollowed(next, text, func(action string) bool { return name != "an empty result" || !strings.HasPrefix(action, "List") }, func(string) {})
			}
			for _, o := range r.run(steps, &memory{}).Outcomes {
				if o.Step.OfOrganization() || name == "an empty result" && lists(o.Step.Op) {
					continue
				}
				if o.Status.Reached() {
					t.Errorf("%s: %s is %s", name, o.Step.ID, o.Status)
				}
			}
			if r.digest() != before {
				t.Errorf("%s: something was changed", name)
			}
		}
	}
}

// lists reports whether the state of a step is in a list, which may be empty.
func lists(op plan.Op) bool {
	switch op {
	case plan.CreatePolicy, plan.UpdatePolicy, plan.DeletePolicy, plan.RestorePolicy, plan.CreateGroup, plan.DeleteGroup, plan.UpdateTrust, plan.CreateRole, plan.DeleteRole:
		return false
	}
	return true
}

// A change that is answered with nothing was perhaps not made: the state decides.
func TestAChangeThatIsAnsweredWithNothingIsReadBack(t *testing.T) {
	h, accounts := small()
	whole := rigOf(t, h, accounts, nil)
	p, _ := whole.plan(t, nil)
	for name, text := range hollow {
		r := whole.fork()
		var mu sync.Mutex
		swallowed := 0
		r.wrap = func(next http.RoundTripper) http.RoundTripper {
			return hollowed(next, text, writes, func(string) { mu.Lock(); swallowed++; mu.Unlock() })
		}
		before := r.digest()
		result := r.run(p.Steps, &memory{})
		for _, o := range result.Outcomes {
			if o.Status == apply.Done {
				t.Errorf("%s: %s is done", name, o.Step.ID)
			}
		}
		if swallowed == 0 || r.digest() != before {
			t.Errorf("%s: %d changes, changed %v", name, swallowed, r.digest() != before)
		}
	}
}
