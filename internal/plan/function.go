package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy/arn"
)

// OfFunction reports whether the Lambda function may make a step in its account: add
// users to the group of forcemfa, attach its policy to them and to the group, open and
// close enrollment windows, and mark users who used one. The function writes no
// document, never removes enforcement, and changes nothing that forcemfa does not
// manage.
func (s *Step) OfFunction(b *baseline.Baseline) bool {
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return false
	}
	policies, group := b.PolicyARNs(a.Partition, s.Account), baseline.GroupARN(a.Partition, s.Account)
	switch s.Op {
	case AddUserToGroup:
		return s.Object == baseline.GroupName
	case AttachUserPolicy:
		return slices.Contains(policies, s.Object)
	case AttachGroupPolicy:
		return s.Subject == group && slices.Contains(policies, s.Object)
	case TagUser:
		return strings.EqualFold(s.Object, b.Window.Tag) || s.Object == baseline.DeviceByKeyTag && !s.Expect.Present
	case UntagUser:
		return strings.EqualFold(s.Object, b.Window.Tag)
	}
	return false
}

// longestWindow is how long an enrollment window may stay open after a run that closed
// it, if a rollback is to open it again.
const longestWindow = 31 * 24 * time.Hour

// CheckFunction returns why a run of the function that began at a time cannot have made
// a step of an untrusted journal; nil when it can have.
func (s *Step) CheckFunction(b *baseline.Baseline, began time.Time) error {
	if field, err := s.Check(); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	switch {
	case !s.OfFunction(b):
		return fmt.Errorf("the function does not make the change %s %s", s.Op, s.Object)
	case s.Blocked != "":
		return errors.New("a blocked step was not made")
	case !s.Expect.plain(s.Op) || !s.Want.plain(s.Op):
		return errors.New("the states have more than the change has")
	}
	removes := s.Op == UntagUser
	replaces := s.Op == TagUser && s.Expect.Present
	if s.Want.Present == removes || s.Expect.Present != (removes || replaces) {
		return fmt.Errorf("the states are not those of %s", s.Op)
	}
	if removes || replaces { // the state that a rollback restores
		open, _ := b.Window.Of([]org.Tag{{Key: s.Object, Value: s.Expect.Value}})
		if open.Until.After(began.Add(longestWindow)) {
			return fmt.Errorf("the enrollment window %q is open for more than %d days", s.Expect.Value, longestWindow/(24*time.Hour))
		}
	}
	return nil
}

// plain reports whether a state has no member that a change by the function does not
// have: presence, and the value of a tag.
func (want State) plain(op Op) bool {
	tags := op == TagUser || op == UntagUser
	return want.Document == "" && want.Fingerprint == "" && want.ManagedBy == "" && len(want.Versions) == 0 && len(want.Texts) == 0 &&
		(want.Value == "" || tags && want.Present)
}
