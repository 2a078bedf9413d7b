package audit

import (
	"encoding/json"
	"strings"
	"time"

	"forcemfa/policy"
)

// A truth says for which requests a condition on MFA keys holds.
type truth struct {
	absent  bool // access keys: no key is there
	without bool // sessions without MFA: present, and false
	fresh   bool // sessions with MFA of a moment ago
	old     bool // sessions with MFA of longer ago than any session lives
}

// mfaConditions are the conditions of a statement that look at MFA.
func mfaConditions(s *policy.Statement) []policy.Condition {
	var out []policy.Condition
	for _, c := range s.Conditions {
		switch strings.ToLower(c.Key) {
		case "aws:multifactorauthpresent", "aws:multifactorauthage":
			out = append(out, c)
		}
	}
	return out
}

// truthOf decides conditions by the evaluator itself: as those of a Deny of
// everything. Without conditions all holds.
func truthOf(conditions []policy.Condition) truth {
	set := &policy.Set{Identity: []policy.Source{policy.ParseSource("conditions", policy.Identity, denyIf(conditions))}}
	holds := func(c policy.Credential, present policy.Presence, age time.Duration) bool {
		now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
		context := new(policy.Context)
		context.SetMFA(c, present, now.Add(-age), now)
		r := &policy.Request{
			Principal: policy.Principal{Kind: policy.IAMUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/example"},
			Action:    "sts:AssumeRole",
			Resource:  "arn:aws:iam::111111111111:role/example",
			Context:   context,
		}
		return set.Refuses(r).Verdict == policy.ExplicitDenied
	}
	return truth{
		absent:  holds(policy.LongTermKey, policy.Absent, 0),
		without: holds(policy.SessionToken, policy.False, time.Minute),
		fresh:   holds(policy.SessionTokenMFA, policy.True, time.Minute),
		old:     holds(policy.SessionTokenMFA, policy.True, 37*time.Hour),
	}
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
		panic("audit: " + err.Error()) // strings always marshal
	}
	return string(text)
}
