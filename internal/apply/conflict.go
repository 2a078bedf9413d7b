package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"forcemfa/internal/fleet"
	"forcemfa/internal/plan"
	"forcemfa/internal/prose"
)

// overtaken reports whether AWS refused a change because of a change that somebody else
// made after the step read its subject.
func overtaken(err error) bool {
	switch code(err) {
	case "EntityAlreadyExists", "DuplicatePolicyException", "DuplicatePolicyAttachmentException", "PolicyNotAttachedException":
		return true
	}
	return gone(err) || inUse(err)
}

// inUse reports whether the error says that an entity cannot be deleted, because others
// use it.
func inUse(err error) bool {
	switch code(err) {
	case "DeleteConflict", "PolicyInUseException":
		return true
	}
	return false
}

// A trace is what the answers to the calls of a step say about its change.
type trace struct {
	made  bool // AWS confirmed a change, other than of the tags of a policy, which have no state
	doubt bool // AWS may have made a change without confirming it
}

type traceKey struct{}

// traced notes the answers to changes in the trace of the context. It sees every attempt
// of the SDK, so an error after one that got no answer can be told from a refusal.
func traced(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Trace",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, data, err := next.HandleDeserialize(ctx, in)
			t, ok := ctx.Value(traceKey{}).(*trace)
			operation := middleware.GetOperationName(ctx)
			if !ok || fleet.Reads(operation) {
				return out, data, err
			}
			r, answered := out.RawResponse.(*smithyhttp.Response)
			switch {
			case err == nil && answered && r.StatusCode < 300:
				t.made = t.made || operation != "TagPolicy" && operation != "UntagPolicy"
			case !answered || r.StatusCode < 400 || r.StatusCode >= 500:
				t.doubt = true
			}
			return out, data, err
		}), middleware.After)
}

// refused is the result of a change that AWS refused each time, so the run made none.
func (a *attempt) refused(failure error) (Status, string) {
	a.unchanged = true
	now, err := a.readOnce()
	if overtaken(failure) || err == nil && a.step.Want.Holds(now) {
		return Stale, "somebody else changed it at the same time: " + fleet.Reason(failure)
	}
	return Failed, fleet.Reason(failure)
}

// undone is what a rollback removes.
type undone struct {
	groups  map[string]bool // ARNs of the groups that the run had created
	members map[string]bool // users that leave a group, as account/group/user in lower case
}

func undoneBy(steps []plan.Step) undone {
	u := undone{groups: map[string]bool{}, members: map[string]bool{}}
	for i := range steps {
		switch s := &steps[i]; s.Op {
		case plan.DeleteGroup:
			u.groups[s.Subject] = true
		case plan.RemoveUserFromGroup:
			u.members[memberKey(s.Account, s.Object, *nameOf(s))] = true
		}
	}
	return u
}

func memberKey(account, group, user string) string {
	return strings.ToLower(account + "/" + group + "/" + user)
}

// shared says who uses what a rollback would remove, although the run that is undone did
// not make them use it; empty when nobody does. A rollback leaves that to them.
func (a *attempt) shared() (string, error) {
	switch a.step.Op {
	case plan.DeleteGroup, plan.DetachGroupPolicy, plan.DeleteGroupPolicy:
		if a.undone.groups[a.step.Subject] {
			return a.otherMembers()
		}
	case plan.DeletePolicy:
		if !a.look { // before the rollback its own attachments are there
			return a.otherAttachments()
		}
	}
	return "", nil
}

// otherMembers are the members of a group whom the rollback does not remove. The group
// was created by the run that is undone, so somebody else added them.
func (a *attempt) otherMembers() (string, error) {
	var others []string
	pages := iam.NewGetGroupPaginator(a.client, &iam.GetGroupInput{GroupName: nameOf(a.step)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.ctx)
		if err != nil {
			return "", err
		}
		for _, u := range page.Users {
			if name := aws.ToString(u.UserName); !a.undone.members[memberKey(a.step.Account, *nameOf(a.step), name)] {
				others = append(others, name)
			}
		}
	}
	if len(others) == 0 {
		return "", nil
	}
	slices.Sort(others)
	return fmt.Sprintf("the group has members whom this run did not add: %s", prose.Few(others)), nil
}

// otherAttachments waits until AWS shows that the policy is no longer attached.
func (a *attempt) otherAttachments() (string, error) {
	settled := a.options.Now().Add(settling)
	for pause := firstPause; ; pause = longer(pause) {
		out, err := a.client.GetPolicy(a.ctx, &iam.GetPolicyInput{PolicyArn: &a.step.Subject})
		if err == nil {
			_, err = fleet.Whole(out.Policy, "GetPolicy")
		}
		switch {
		case gone(err):
			return "", nil
		case err != nil:
			return "", err
		case aws.ToInt32(out.Policy.AttachmentCount) == 0:
			return "", nil
		}
		if !a.pause(pause, settled) {
			return fmt.Sprintf("the policy is still attached %d times, not by this run", aws.ToInt32(out.Policy.AttachmentCount)), nil
		}
	}
}
