package keys

import (
	"encoding/json"
	"strings"
	"time"

	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// BrownOutPolicy is the name of the inline policy of a brown-out.
const BrownOutPolicy = "forcemfa-brown-out"

// until is the end of a brown-out in the ID of its statement, which takes letters and
// digits only.
const (
	untilPrefix = "BrownOutUntil"
	untilFormat = "20060102T150405Z"
)

// BrownOut is the step that denies every request of a user without a session until a
// time, which is in the policy so that it can be found again. Requests of all access keys
// of the user stop, those of its sessions go on: a request that is signed with a
// long-lived key has no aws:TokenIssueTime.
// Source: IAM User Guide, "AWS global condition context keys", aws:TokenIssueTime.
func BrownOut(account string, u *org.User, until time.Time) plan.Step {
	document := `{"Version":"2012-10-17","Statement":[{"Sid":"` + untilPrefix + until.UTC().Format(untilFormat) +
		`","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:TokenIssueTime":"true"}}}]}`
	return plan.NewStep(plan.PutUserPolicy, account, u.ARN, BrownOutPolicy, plan.InlineState(u.Inline, BrownOutPolicy), plan.State{Present: true, Document: document})
}

// BrownOutEnd is the end of the brown-out that a step begins; ok is false for another
// step.
func BrownOutEnd(s *plan.Step) (until time.Time, ok bool) {
	if s.Op != plan.PutUserPolicy || s.Object != BrownOutPolicy {
		return until, false
	}
	var d struct{ Statement []struct{ Sid string } }
	if json.Unmarshal([]byte(s.Want.Document), &d) != nil || len(d.Statement) != 1 {
		return until, false
	}
	text, found := strings.CutPrefix(d.Statement[0].Sid, untilPrefix)
	until, err := time.Parse(untilFormat, text)
	return until, found && err == nil
}

// Deactivate is the step that deactivates an access key.
func Deactivate(account string, u *org.User, id string) plan.Step {
	return plan.NewStep(plan.DeactivateKey, account, u.ARN, id, plan.KeyState(u, id), plan.State{Present: true, Value: plan.KeyInactive})
}

// Delete is the step that deletes an access key, which must be inactive.
func Delete(account string, u *org.User, id string) plan.Step {
	s := plan.NewStep(plan.DeleteKey, account, u.ARN, id, plan.KeyState(u, id), plan.State{})
	if s.Expect.Value == plan.KeyActive {
		s.Block("the key is active", "deactivate it first, and wait until nobody misses it: forcemfa keys retire --deactivate "+id)
	}
	return s
}
