package accessanalyzersvc

import (
	"fmt"

	"forcemfa/internal/emulator/operation"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// CheckNoNewAccessInput names two documents.
type CheckNoNewAccessInput struct {
	ExistingPolicyDocument, NewPolicyDocument *string
	PolicyType                                string
}

// CheckNoNewAccessOutput is the result of the comparison.
type CheckNoNewAccessOutput struct {
	Result  string // PASS, FAIL
	Message *string
	Reasons []Reason
}

// A Reason is a statement of the new document that allows something new.
type Reason struct {
	Description    *string
	StatementIndex *int32
	StatementId    *string
}

// Source: IAM Access Analyzer API Reference, CheckNoNewAccess: FAIL means that the
// updated policy might allow new access.
func checkNoNewAccess(_ *operation.Call, in *CheckNoNewAccessInput) (*CheckNoNewAccessOutput, error) {
	var kind policy.Kind
	switch in.PolicyType {
	case "IDENTITY_POLICY":
		kind = policy.Identity
	case "RESOURCE_POLICY":
		kind = policy.Resource
	default:
		return nil, invalid("policyType must be one of IDENTITY_POLICY, RESOURCE_POLICY.")
	}
	before, err := parse(kind, "existingPolicyDocument", in.ExistingPolicyDocument)
	if err != nil {
		return nil, err
	}
	after, err := parse(kind, "newPolicyDocument", in.NewPolicyDocument)
	if err != nil {
		return nil, err
	}
	if kind == policy.Resource && !before.Equal(after) {
		return nil, operation.Fault("UnprocessableEntityException", "The embedded AWS compares identity policies only.")
	}
	return outputOf(after, prove.Widens(before, after)), nil
}

func outputOf(after *policy.Document, a prove.Answer) *CheckNoNewAccessOutput {
	if a.Outcome == prove.Enforced {
		message := "The modified permissions do not grant new access compared to your existing policy."
		return &CheckNoNewAccessOutput{Result: "PASS", Message: &message}
	}
	message := "The modified permissions grant new access compared to your existing policy."
	if a.Outcome == prove.Unknown {
		message = "The modified permissions might grant new access compared to your existing policy: " + a.Why + "."
		return &CheckNoNewAccessOutput{Result: "FAIL", Message: &message}
	}
	out := &CheckNoNewAccessOutput{Result: "FAIL", Message: &message}
	if i := granting(after, a.Counterexample.AllowedBy); i >= 0 {
		out.Reasons = []Reason{reasonOf(after, i, a.Counterexample)}
	}
	return out
}

// granting returns the index of the statement that a counterexample names.
func granting(d *policy.Document, name string) int {
	s := policy.Source{Name: prove.Compared, Document: d}
	for i := range d.Statements {
		if d.Statements[i].Effect == policy.Allow && s.StatementName(i) == name {
			return i
		}
	}
	return -1
}

func reasonOf(d *policy.Document, i int, w *prove.Counterexample) Reason {
	text := fmt.Sprintf("New access in the statement with index: %d: %s on %s.", i, w.Action, w.Resource)
	index := int32(i)
	r := Reason{Description: &text, StatementIndex: &index}
	if sid := d.Statements[i].SID; sid != "" {
		r.Description = new(string)
		*r.Description = fmt.Sprintf("New access in the statement with sid: %s: %s on %s.", sid, w.Action, w.Resource)
		r.StatementId = &sid
	}
	return r
}
