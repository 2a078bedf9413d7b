package policy

import (
	"fmt"
	"slices"
	"strings"
)

// A Question is about behavior of AWS that its documentation leaves open, that decides
// whether a statement applies, and that a request can show.
type Question uint8

// The questions. The comment says what yes means.
const (
	BinaryOnMFAKey          Question = iota // BinaryEquals compares the text of aws:MultiFactorAuthPresent
	SingleOnMany                            // StringEquals matches a key with several values if one of them is equal
	NotResourceWithoutValue                 // a Deny applies to a resource that none of its NotResource patterns matches, although a variable has no value
	questions
)

// about says of each question its ID, and what AWS does according to either answer.
var about = [questions]struct{ id, yes, no string }{
	BinaryOnMFAKey: {"binary-on-mfa-key",
		"BinaryEquals with the Base64 text of false matches aws:MultiFactorAuthPresent false",
		"BinaryEquals never matches aws:MultiFactorAuthPresent"},
	SingleOnMany: {"single-on-many",
		"StringEquals matches a key with several values if one of them is equal",
		"StringEquals never matches a key with several values"},
	NotResourceWithoutValue: {"notresource-without-value",
		"a Deny with NotResource applies although a variable in it has no value",
		"a Deny with NotResource does not apply if a variable in it has no value"},
}

// String returns the ID of the question.
func (q Question) String() string { return about[q].id }

// Observed holds answers that were observed in AWS. The zero value has none, so that
// every result holds in both interpretations. Observed values are comparable.
type Observed struct {
	known, yes uint8 // a bit for each question
}

// ParseObserved reads QUESTION=yes and QUESTION=no.
func ParseObserved(answers []string) (Observed, error) {
	var o Observed
	for _, written := range answers {
		id, answer, _ := strings.Cut(written, "=")
		q := slices.IndexFunc(about[:], func(a struct{ id, yes, no string }) bool { return a.id == id })
		switch {
		case q < 0:
			return Observed{}, fmt.Errorf("observed answer %q: unknown question %q; the questions are %s", written, id, strings.Join(questionIDs(), ", "))
		case answer != "yes" && answer != "no":
			return Observed{}, fmt.Errorf("observed answer %q: want %s=yes or %s=no", written, id, id)
		case o.Knows(Question(q)):
			return Observed{}, fmt.Errorf("observed answer %q: %s is there twice", written, id)
		}
		o = o.with(Question(q), answer == "yes")
	}
	return o, nil
}

func questionIDs() []string {
	ids := make([]string, questions)
	for q := range questions {
		ids[q] = q.String()
	}
	return ids
}

func (o Observed) with(q Question, yes bool) Observed {
	o.known |= 1 << q
	if yes {
		o.yes |= 1 << q
	}
	return o
}

// Knows reports whether a question has an answer.
func (o Observed) Knows(q Question) bool { return o.known&(1<<q) != 0 }

// Without returns the answers except one.
func (o Observed) Without(q Question) Observed {
	return Observed{o.known &^ (1 << q), o.yes &^ (1 << q)}
}

// Questions lists the questions that have an answer.
func (o Observed) Questions() []Question {
	var out []Question
	for q := range questions {
		if o.Knows(q) {
			out = append(out, q)
		}
	}
	return out
}

// Has reports whether all answers of another value are among these.
func (o Observed) Has(other Observed) bool {
	return other.known&^o.known == 0 && (o.yes^other.yes)&other.known == 0
}

// IsZero reports whether there are no answers.
func (o Observed) IsZero() bool { return o.known == 0 }

// Answers lists the answers as ParseObserved reads them.
func (o Observed) Answers() []string {
	var out []string
	for _, q := range o.Questions() {
		answer := "no"
		if o.yes&(1<<q) != 0 {
			answer = "yes"
		}
		out = append(out, q.String()+"="+answer)
	}
	return out
}

// Statements says in words what AWS does according to the answers.
func (o Observed) Statements() []string {
	var out []string
	for _, q := range o.Questions() {
		if o.yes&(1<<q) != 0 {
			out = append(out, about[q].yes)
		} else {
			out = append(out, about[q].no)
		}
	}
	return out
}

// String returns the answers in one line.
func (o Observed) String() string { return strings.Join(o.Answers(), " ") }

// MarshalText writes the answers in one line.
func (o Observed) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (o *Observed) UnmarshalText(text []byte) (err error) {
	*o, err = ParseObserved(strings.Fields(string(text)))
	return err
}

// settle returns the result of an observed answer, and a doubt without one.
func (e *evaluation) settle(q Question, d doubt) truth {
	if e.context == nil || !e.context.observed.Knows(q) {
		return e.doubts(d)
	}
	return truthOf(e.context.observed.yes&(1<<q) != 0)
}
