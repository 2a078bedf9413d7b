package trust

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"forcemfa/policy"
)

// Matched says which kinds of requests satisfy a list of conditions on the MFA
// keys.
type Matched struct {
	AccessKey bool // signed with a long-term access key: the MFA keys are absent
	NoMFA     bool // in a session without MFA: aws:MultiFactorAuthPresent is false
	RecentMFA bool // in a session with MFA, a minute after the code was entered
	OldMFA    bool // in a session with MFA, longer after the code than any session lives
	// Undocumented means that a request without MFA may satisfy them: AWS does not say.
	Undocumented bool
}

// MFAConditions are the conditions of a statement on the MFA keys.
func MFAConditions(s *policy.Statement) []policy.Condition {
	var out []policy.Condition
	for _, c := range s.Conditions {
		switch strings.ToLower(c.Key) {
		case "aws:multifactorauthpresent", "aws:multifactorauthage":
			out = append(out, c)
		}
	}
	return out
}

// Match evaluates conditions with the policy evaluator itself, as the
// conditions of a Deny of everything. Without conditions every request matches.
func Match(conditions []policy.Condition) Matched { return match(conditions, nil) }

func match(conditions []policy.Condition, keys map[string]string) Matched {
	undocumented := false
	matches := func(c policy.Credential, present policy.Presence, age time.Duration) bool {
		context := new(policy.Context)
		for key, value := range keys {
			context.Set(key, value)
		}
		context.SetMFA(c, present, matchTime.Add(-age), matchTime)
		d := refuses(conditions, context)
		undocumented = undocumented || present != policy.True && d.Verdict == policy.Unknown
		return d.Verdict == policy.ExplicitDenied
	}
	byKey, inSession := matches(policy.LongTermKey, policy.Absent, 0), matches(policy.SessionToken, policy.False, time.Minute)
	return Matched{
		AccessKey: byKey, NoMFA: inSession, Undocumented: undocumented,
		RecentMFA: matches(policy.SessionTokenMFA, policy.True, time.Minute),
		OldMFA:    matches(policy.SessionTokenMFA, policy.True, 37*time.Hour),
	}
}

// matchTime is the time of the requests that conditions are tried with.
var matchTime = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)

// refuses decides an sts:AssumeRole of a user by a Deny of everything under conditions.
func refuses(conditions []policy.Condition, context *policy.Context) policy.Decision {
	set := &policy.Set{Identity: []policy.Source{policy.ParseSource("conditions", policy.Identity, denyIf(conditions))}}
	return set.Refuses(&policy.Request{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/example"},
		Action:    "sts:AssumeRole",
		Resource:  "arn:aws:iam::111111111111:role/example",
		Context:   context,
	})
}

// Accepts reports whether the conditions of a statement on a key hold for a value
// of the key, or without the key when value is empty. Without conditions on the
// key everything is accepted; where AWS does not document the result, so is the
// value.
func Accepts(s *policy.Statement, key, value string) bool {
	var conditions []policy.Condition
	for _, c := range s.Conditions {
		if strings.EqualFold(c.Key, key) {
			conditions = append(conditions, c)
		}
	}
	context := new(policy.Context)
	if value != "" {
		context.Set(key, value)
	}
	return refuses(conditions, context).Verdict != policy.ImplicitDenied
}

// RequiresExternalID reports whether a statement refuses callers that do not know
// an external ID: those without one, and those with one that they made up. A
// value with hardly any letters beside its wildcards, or with a variable, is no
// secret.
// Source: IAM User Guide, "Access to AWS accounts owned by third parties".
func RequiresExternalID(s *policy.Statement) bool {
	const key = "sts:ExternalId"
	for _, c := range s.Conditions {
		if strings.EqualFold(c.Key, key) && slices.ContainsFunc(c.Values, func(v string) bool { return guessable(c.Operator, v) }) {
			return false
		}
	}
	return !Accepts(s, key, "") && !Accepts(s, key, "forcemfa-unnamed")
}

// secretLetters is how many letters beside wildcards make a pattern hard to guess.
const secretLetters = 6

func guessable(operator, value string) bool {
	if strings.Contains(value, "${") {
		return true
	}
	wild := strings.Contains(strings.ToLower(operator), "like") && strings.ContainsAny(value, "*?")
	return wild && len(strings.NewReplacer("*", "", "?", "").Replace(value)) < secretLetters
}

// denyIf is the text of a policy that denies everything under conditions.
func denyIf(conditions []policy.Condition) string {
	byOperator := map[string]map[string][]string{}
	for _, c := range conditions {
		if byOperator[c.Operator] == nil {
			byOperator[c.Operator] = map[string][]string{}
		}
		byOperator[c.Operator][c.Key] = c.Values
	}
	statement := map[string]any{"Effect": "Deny", "Action": "*", "Resource": "*"}
	if len(byOperator) > 0 {
		statement["Condition"] = byOperator
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement})
	if err != nil {
		panic("trust: " + err.Error()) // strings always marshal
	}
	return string(text)
}
