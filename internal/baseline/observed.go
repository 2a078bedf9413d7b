package baseline

import (
	"fmt"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// An Observation is an answer of forcemfa probe-aws that verdicts may rely on.
type Observation struct {
	Answer  string    `json:"answer"` // QUESTION=yes or QUESTION=no
	Account string    `json:"account"`
	Date    time.Time `json:"date"`
}

func (o *Observation) fields() mapping {
	return mapping{fields: []field{
		{"answer", required, "What was observed: QUESTION=yes or QUESTION=no, as probe-aws --learn writes it.", word[string]{
			to: &o.Answer, shape: `^[a-z-]+=(yes|no)$`, want: "QUESTION=yes or QUESTION=no",
			parse: func(s string) (string, error) { _, err := policy.ParseObserved([]string{s}); return s, err }}},
		{"account", required, "The ID of the test account, in quotes.", pattern{to: &o.Account, want: "an account ID of 12 digits in quotes", ok: arn.IsAccountID, shape: `^[0-9]{12}$`}},
		{"date", required, "The day of the probe, in UTC.", day{&o.Date}},
	}}
}

// Answers returns the observed answers of the config.
func (b *Baseline) Answers() policy.Observed {
	o, _ := b.answers() // was checked when the config was read
	return o
}

func (b *Baseline) answers() (policy.Observed, error) {
	all := make([]string, len(b.Observed))
	for i, o := range b.Observed {
		all[i] = o.Answer
	}
	return policy.ParseObserved(all)
}

// ObservedWords says in sentences what was observed where and when, for those answers that
// something relies on.
func (b *Baseline) ObservedWords(relied policy.Observed) []string {
	var out []string
	for _, o := range b.Observed {
		if own, err := policy.ParseObserved([]string{o.Answer}); err == nil && relied.Has(own) {
			out = append(out, fmt.Sprintf("%s: observed in account %s on %s, not documented by AWS (%s)",
				own.Statements()[0], o.Account, o.Date.Format(time.DateOnly), o.Answer))
		}
	}
	return out
}
