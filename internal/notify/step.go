package notify

import (
	"fmt"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
)

// StepDone is the message about a step that was made, and whether people are to know
// of it: steps that only prepare others have none.
func StepDone(account string, s *plan.Step) (m Message, ok bool) {
	m = AboutStep("enforced", account, s)
	m.Kind, m.Severity = KindEnforced, audit.Info
	switch s.Op {
	case plan.AddUserToGroup:
		m.What = fmt.Sprintf("MFA is enforced for %s through the group %s", s.UserName(), s.Object)
	case plan.AttachUserPolicy:
		m.What = fmt.Sprintf("MFA is enforced for %s: %s is attached to the user", s.UserName(), baseline.PolicyName)
	case plan.AttachGroupPolicy:
		m.Kind = KindFixed
		m.What = fmt.Sprintf("%s is attached to the group %s again", baseline.PolicyName, baseline.GroupName)
	case plan.RemoveUserFromGroup, plan.DetachUserPolicy:
		m.ID, m.Kind, m.Severity = stepID("not-enforced", account, s), KindFinding, audit.High
		m.What = fmt.Sprintf("MFA is no longer enforced for %s by %s", s.UserName(), s.Op)
		m.Remedy = "none, if it was intended; otherwise run forcemfa apply"
	case plan.TagUser:
		m.ID, m.Kind, m.Severity = stepID("window-open", account, s), KindWindow, audit.Low
		m.What = fmt.Sprintf("%s may enroll an MFA device with an access key until %s", s.UserName(), s.Want.Value)
		m.Remedy = "have the user run forcemfa enroll before that date"
	case plan.UntagUser:
		m.ID, m.Kind = stepID("window-open", account, s), KindFixed
		m.What = fmt.Sprintf("the enrollment window of %s is closed", s.UserName())
	default:
		return m, false
	}
	return m, true
}

// StepFailed is the message about a step that failed, with the answer of AWS.
func StepFailed(account string, s *plan.Step, why, remedy string) Message {
	m := AboutStep("failed", account, s)
	m.Kind, m.Severity, m.What, m.Remedy = KindBlocked, audit.High, fmt.Sprintf("%s failed: %s", s.Op, why), remedy
	return m
}

// AboutStep is a message about a step, still without kind and text. Its ID is that of
// the finding that the step fixes where the rule is enforced, otherwise one of the rule.
func AboutStep(rule, account string, s *plan.Step) Message {
	return Message{ID: stepID(rule, account, s), Account: account, Subject: subjectOf(s), ARN: s.Subject}
}

// stepID is the ID of a message about a step: the ID of the finding that the step
// fixes, or a rule's.
func stepID(rule, account string, s *plan.Step) string {
	if len(s.Because) > 0 && rule == "enforced" {
		return s.Because[0]
	}
	return rule + "/" + account + "/" + subjectOf(s)
}

// subjectOf is the subject of a step, as named in findings.
func subjectOf(s *plan.Step) string {
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return s.Subject
	}
	return a.Kind() + "/" + a.Name()
}
