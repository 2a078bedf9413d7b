package iamsvc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// delegationOperations are about requests of partners for temporary access.
// Source: IAM User Guide, "IAM temporary delegation".
func delegationOperations() []operation.Operation {
	created := []key{delegationKeys}
	return []operation.Operation{
		write("CreateDelegationRequest", spec{on: newDelegation, keys: created}, createDelegationRequest),
		write("AssociateDelegationRequest", spec{on: aDelegation}, associateDelegationRequest),
		read("GetDelegationRequest", spec{on: aDelegation}, getDelegationRequest),
		read("ListDelegationRequests", spec{on: anything, keys: []key{delegationOwner}}, listDelegationRequests),
		read("GetHumanReadableSummary", spec{on: aSummarized}, getHumanReadableSummary),
		write("UpdateDelegationRequest", spec{on: aDelegation}, updateDelegationRequest),
		write("AcceptDelegationRequest", spec{on: aDelegation}, acceptDelegationRequest),
		write("RejectDelegationRequest", spec{on: aDelegation}, rejectDelegationRequest),
		write("SendDelegationToken", spec{on: aDelegation}, sendDelegationToken),
	}
}

// longestByRoot is the longest delegation that a root user can accept.
// Source: IAM User Guide, "IAM temporary delegation".
const longestByRoot = 4 * time.Hour

func delegationARN(c *operation.Call, id string) string {
	return arn.IAM(c.World.Partition, c.Caller.Account, "delegation-request", "/", id)
}

func newDelegation(c *operation.Call, _ input) (found, error) {
	return found{arn: delegationARN(c, "*")}, nil
}

// aDelegation is the request in DelegationRequestId.
func aDelegation(c *operation.Call, in input) (found, error) {
	id, _ := in.text("DelegationRequestId")
	return delegationResource(c, id), nil
}

// aSummarized is the request in EntityArn.
func aSummarized(c *operation.Call, in input) (found, error) {
	text, _ := in.text("EntityArn")
	return delegationResource(c, delegationID(text)), nil
}

// delegationID returns the ID in the ARN of a request; empty: it is none.
func delegationID(text string) string {
	named, err := arn.Parse(text)
	if err != nil || named.Service != "iam" || named.Kind() != "delegation-request" {
		return ""
	}
	return named.Name()
}

// delegationResource gives the owner of a request the permissions that owners have by
// default.
// Source: IAM API Reference, GetDelegationRequest, UpdateDelegationRequest.
func delegationResource(c *operation.Call, id string) found {
	f := found{arn: delegationARN(c, id)}
	if d := c.World.Delegation(id); d != nil && d.Owner != "" {
		f.owner = d.Owner
		f.policies = []policy.Source{c.World.Parse("default permissions of the owner of "+f.arn, policy.Resource,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":`+strconv.Quote(d.Owner)+`},"Action":["iam:GetDelegationRequest","iam:GetHumanReadableSummary","iam:UpdateDelegationRequest"],"Resource":"*"}]}`)}
	}
	return f
}

// delegationKeys are the condition keys of a new request.
func delegationKeys(ctx *policy.Context, in input, _ found) {
	create := in.v.Addr().Interface().(*iam.CreateDelegationRequestInput)
	ctx.Set("iam:DelegationDuration", fmt.Sprint(*create.SessionDuration))
	ctx.Set("iam:NotificationChannel", *create.NotificationChannel)
	if create.Permissions.PolicyTemplateArn != nil {
		ctx.Set("iam:TemplateArn", *create.Permissions.PolicyTemplateArn)
	}
}

func delegationOwner(ctx *policy.Context, in input, _ found) {
	if owner, ok := in.text("OwnerId"); ok {
		ctx.Set("iam:DelegationRequestOwner", owner)
	}
}

// createDelegationRequest takes the policy template from a managed policy of the
// partner's account: templates are registered by AWS.
func createDelegationRequest(c *operation.Call, in *iam.CreateDelegationRequestInput) (*iam.CreateDelegationRequestOutput, error) {
	for _, d := range c.World.Delegations() {
		if d.Requestor == c.Caller.Account && d.WorkflowID == *in.RequestorWorkflowId {
			return nil, alreadyExists("A delegation request with the workflow ID %s already exists.", *in.RequestorWorkflowId)
		}
	}
	channel, err := arn.Parse(*in.NotificationChannel)
	if err != nil || channel.Service != "sns" {
		return nil, invalidInput("The notification channel %s is not the ARN of an SNS topic.", *in.NotificationChannel)
	}
	template := aws.ToString(in.Permissions.PolicyTemplateArn)
	p := c.World.ManagedPolicy(c.Caller.Account, template)
	if p == nil {
		return nil, invalidInput("The policy template %s does not exist.", template)
	}
	text, _ := p.Document()
	d := &world.DelegationRequest{
		ID: c.World.NewUUID(), Requestor: c.Caller.Account, WorkflowID: *in.RequestorWorkflowId, Description: *in.Description, Message: aws.ToString(in.RequestMessage),
		Template: template, RedirectURL: aws.ToString(in.RedirectUrl), Channel: *in.NotificationChannel, Duration: time.Duration(*in.SessionDuration) * time.Second,
		OnlySendByOwner: in.OnlySendByOwner, OwnerAccount: aws.ToString(in.OwnerAccountId), State: world.DelegationUnassigned,
		Created: c.Now.Truncate(time.Second), Updated: c.Now.Truncate(time.Second),
	}
	if d.Parameters, d.Document, err = fillTemplate(text, in.Permissions.Parameters); err != nil {
		return nil, err
	}
	c.World.SetDelegation(d)
	return &iam.CreateDelegationRequestOutput{
		DelegationRequestId: &d.ID, ConsoleDeepLink: aws.String("https://signin.aws.amazon.com/redirect?requestId=" + d.ID),
	}, nil
}

// fillTemplate replaces the parameters of a template, which are written as @{Name}. The
// values of a list become several elements of the list in which the parameter stands.
func fillTemplate(text string, parameters []types.PolicyParameter) ([]world.PolicyParameter, string, error) {
	var kept []world.PolicyParameter
	for _, p := range parameters {
		name := "@{" + aws.ToString(p.Name) + "}"
		if len(p.Values) != 1 && p.Type != types.PolicyParameterTypeEnumStringList || len(p.Values) == 0 {
			return nil, "", invalidInput("The policy parameter %s has %d values.", aws.ToString(p.Name), len(p.Values))
		}
		if !strings.Contains(text, name) {
			return nil, "", invalidInput("The policy template has no parameter %s.", aws.ToString(p.Name))
		}
		var values []string
		for _, value := range p.Values {
			quoted, err := json.Marshal(value)
			if err != nil {
				panic(err) // strings always marshal
			}
			values = append(values, string(quoted))
		}
		if len(values) > 1 {
			text = strings.ReplaceAll(text, `"`+name+`"`, "["+strings.Join(values, ",")+"]")
		}
		text = strings.ReplaceAll(text, name, strings.Trim(values[0], `"`))
		kept = append(kept, world.PolicyParameter{Name: aws.ToString(p.Name), Type: string(p.Type), Values: p.Values})
	}
	if strings.Contains(text, "@{") {
		return nil, "", invalidInput("The policy template has parameters without a value.")
	}
	if _, err := policy.Parse(policy.Session, text); err != nil {
		return nil, "", invalidInput("The permission policy is not valid: %v", err)
	}
	return kept, text, nil
}

// delegationOf returns a request that the caller's account may see: one that nobody owns
// and that no account was named for, or one of the account.
func delegationOf(c *operation.Call, id string) (*world.DelegationRequest, error) {
	d := c.World.Delegation(id)
	if d == nil || d.OwnerAccount != "" && d.OwnerAccount != c.Caller.Account {
		return nil, noSuchEntity("The delegation request %s cannot be found.", id)
	}
	return d, nil
}

// progress returns a copy of a request for a new state, if it is in one of some states.
func progress(c *operation.Call, d *world.DelegationRequest, to string, from ...string) (*world.DelegationRequest, bool) {
	if !slices.Contains(from, d.StateAt(c.Now)) {
		return nil, false
	}
	next := *d
	next.State, next.Updated = to, c.Now.Truncate(time.Second)
	return &next, true
}

func wrongState(c *operation.Call, d *world.DelegationRequest) error {
	return invalidInput("The delegation request %s is in the state %s.", d.ID, d.StateAt(c.Now))
}

func associateDelegationRequest(c *operation.Call, in *iam.AssociateDelegationRequestInput) (*iam.AssociateDelegationRequestOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	next, ok := progress(c, d, world.DelegationAssigned, world.DelegationUnassigned)
	if !ok {
		return nil, wrongState(c, d)
	}
	next.Owner, next.OwnerAccount = c.Caller.Principal.ARN, c.Caller.Account
	c.World.SetDelegation(next)
	return &iam.AssociateDelegationRequestOutput{}, nil
}

func getDelegationRequest(c *operation.Call, in *iam.GetDelegationRequestInput) (*iam.GetDelegationRequestOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	described := describeDelegation(c, d)
	out := &iam.GetDelegationRequestOutput{DelegationRequest: &described}
	if in.DelegationPermissionCheck {
		out.PermissionCheckStatus, out.PermissionCheckResult = types.PermissionCheckStatusTypeComplete, coversDelegation(c, d)
	}
	return out, nil
}

// coversDelegation reports whether the caller has the permissions of a request. A
// permission with wildcards that the caller does not have as a whole may still be in part.
func coversDelegation(c *operation.Call, d *world.DelegationRequest) types.PermissionCheckResultType {
	document, err := policy.Parse(policy.Session, d.Document)
	if err != nil {
		return types.PermissionCheckResultTypeUnsure
	}
	result := types.PermissionCheckResultTypeAllowed
	for i := range document.Statements {
		s := &document.Statements[i]
		switch {
		case s.Effect == policy.Deny:
		case len(s.NotActions)+len(s.NotResources)+len(s.Conditions) > 0:
			result = types.PermissionCheckResultTypeUnsure
		default:
			for _, action := range s.Actions {
				for _, resource := range s.Resources {
					if c.Allowed(c.Caller.AccessKeyID, operation.Ask{Action: action, Resource: resource}) == nil {
						continue
					}
					if !strings.ContainsAny(action+resource, "*?") {
						return types.PermissionCheckResultTypeDenied
					}
					result = types.PermissionCheckResultTypeUnsure
				}
			}
		}
	}
	return result
}

func describeDelegation(c *operation.Call, d *world.DelegationRequest) types.DelegationRequest {
	out := types.DelegationRequest{
		DelegationRequestId: &d.ID, Description: &d.Description, RequestMessage: orNil(d.Message), PermissionPolicy: &d.Document,
		Permissions:    &types.DelegationPermission{PolicyTemplateArn: &d.Template},
		OwnerId:        orNil(d.Owner),
		OwnerAccountId: orNil(d.OwnerAccount), ApproverId: orNil(d.Approver.ARN), State: types.StateType(d.StateAt(c.Now)), ExpirationTime: aws.Time(d.Expires()),
		RequestorId: &d.Requestor, CreateDate: aws.Time(d.Created), UpdatedTime: aws.Time(d.Updated), SessionDuration: aws.Int32(int32(d.Duration / time.Second)),
		RedirectUrl: orNil(d.RedirectURL), Notes: orNil(d.Notes), RejectionReason: orNil(d.Rejection), OnlySendByOwner: d.OnlySendByOwner,
		RolePermissionRestrictionArns: []string{},
	}
	for _, p := range d.Parameters {
		out.Permissions.Parameters = append(out.Permissions.Parameters, types.PolicyParameter{Name: aws.String(p.Name), Type: types.PolicyParameterTypeEnum(p.Type), Values: p.Values})
	}
	if a := c.World.Account(d.Requestor); a != nil {
		out.RequestorName = orNil(strings.ToValidUTF8(a.Name[:min(30, len(a.Name))], ""))
	}
	return out
}

// listDelegationRequests lists the requests of the account that have an owner.
// Source: IAM API Reference, ListDelegationRequests.
func listDelegationRequests(c *operation.Call, in *iam.ListDelegationRequestsInput) (*iam.ListDelegationRequestsOutput, error) {
	if in.OwnerId != nil {
		if named, err := arn.Parse(*in.OwnerId); err != nil || named.Service != "iam" && named.Service != "sts" {
			return nil, invalidInput("The owner ID %s is not the ARN of an identity.", *in.OwnerId)
		} else if named.Account != c.Caller.Account {
			return nil, noSuchEntity("The identity %s cannot be found.", *in.OwnerId)
		}
	}
	l := listing[*world.DelegationRequest]{operation: "ListDelegationRequests", key: func(d *world.DelegationRequest) string { return d.ID }}
	for _, d := range c.World.Delegations() {
		if d.Owner != "" && d.OwnerAccount == c.Caller.Account && (in.OwnerId == nil || d.Owner == *in.OwnerId) {
			l.items = append(l.items, d)
		}
	}
	p, err := l.page(c, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListDelegationRequestsOutput{DelegationRequests: []types.DelegationRequest{}, IsTruncated: p.truncated(), Marker: p.marker}
	for _, d := range p.items {
		out.DelegationRequests = append(out.DelegationRequests, describeDelegation(c, d))
	}
	return out, nil
}

// summaryLocales are those in which a summary exists.
var summaryLocales = []string{"en", "en-US", "en_US"}

// getHumanReadableSummary writes a sentence about each statement, in English. AWS has a
// language model write it.
func getHumanReadableSummary(c *operation.Call, in *iam.GetHumanReadableSummaryInput) (*iam.GetHumanReadableSummaryOutput, error) {
	id := delegationID(*in.EntityArn)
	if id == "" {
		return nil, invalidInput("%s is not the ARN of a delegation request.", *in.EntityArn)
	}
	d, err := delegationOf(c, id)
	if err != nil {
		return nil, err
	}
	locale := cmp.Or(aws.ToString(in.Locale), summaryLocales[0])
	out := &iam.GetHumanReadableSummaryOutput{Locale: &locale, SummaryState: types.SummaryStateTypeNotSupported}
	if slices.Contains(summaryLocales, locale) {
		out.SummaryState, out.SummaryContent = types.SummaryStateTypeAvailable, aws.String(summaryOf(d))
	}
	return out, nil
}

func summaryOf(d *world.DelegationRequest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Account %s requests access for %s: %s.", d.Requestor, d.Duration, strings.TrimRight(d.Description, "."))
	document, err := policy.Parse(policy.Session, d.Document)
	if err != nil {
		return b.String()
	}
	for i := range document.Statements {
		s := &document.Statements[i]
		verb, actions, resources := "It may perform", strings.Join(s.Actions, ", "), strings.Join(s.Resources, ", ")
		if s.Effect == policy.Deny {
			verb = "It may not perform"
		}
		if len(s.NotActions) > 0 {
			actions = "every action except " + strings.Join(s.NotActions, ", ")
		}
		if len(s.NotResources) > 0 {
			resources = "every resource except " + strings.Join(s.NotResources, ", ")
		}
		fmt.Fprintf(&b, " %s %s on %s", verb, actions, resources)
		if len(s.Conditions) > 0 {
			b.WriteString(", under conditions")
		}
		b.WriteByte('.')
	}
	return b.String()[:min(10000, b.Len())]
}

func updateDelegationRequest(c *operation.Call, in *iam.UpdateDelegationRequestInput) (*iam.UpdateDelegationRequestOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	next, ok := progress(c, d, world.DelegationPending, world.DelegationAssigned, world.DelegationPending)
	if !ok {
		return nil, wrongState(c, d)
	}
	next.Notes = aws.ToString(in.Notes)
	c.World.SetDelegation(next)
	return &iam.UpdateDelegationRequestOutput{}, nil
}

// acceptDelegationRequest notes the caller, whose permissions the partner gets. The
// operation has no error for a request in another state but NoSuchEntity.
func acceptDelegationRequest(c *operation.Call, in *iam.AcceptDelegationRequestInput) (*iam.AcceptDelegationRequestOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	next, ok := progress(c, d, world.DelegationAccepted, world.DelegationAssigned, world.DelegationPending)
	switch {
	case !ok:
		return nil, noSuchEntity("No delegation request %s waits for an answer.", d.ID)
	case c.Caller.Principal.Kind == policy.RootUser && d.Duration > longestByRoot:
		return nil, accessDenied("The root user can accept delegation requests of at most %s.", longestByRoot)
	}
	next.Approver = world.Approver{ARN: c.Caller.Principal.ARN}
	switch {
	case c.Caller.Role != nil:
		next.Approver.Role, next.Approver.Session = world.Fold(c.Caller.Role.Name), c.Caller.Session.Name
	case c.Caller.User != nil:
		next.Approver.User = world.Fold(c.Caller.User.Name)
	}
	c.World.SetDelegation(next)
	return &iam.AcceptDelegationRequestOutput{}, nil
}

func rejectDelegationRequest(c *operation.Call, in *iam.RejectDelegationRequestInput) (*iam.RejectDelegationRequestOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	next, ok := progress(c, d, world.DelegationRejected, world.DelegationAssigned, world.DelegationPending, world.DelegationAccepted)
	if !ok {
		return nil, wrongState(c, d)
	}
	next.Rejection = aws.ToString(in.Notes)
	c.World.SetDelegation(next)
	return &iam.RejectDelegationRequestOutput{}, nil
}

// sendDelegationToken issues the token, from which on the access lasts. There is no SNS
// here: the control endpoint shows the token.
func sendDelegationToken(c *operation.Call, in *iam.SendDelegationTokenInput) (*iam.SendDelegationTokenOutput, error) {
	d, err := delegationOf(c, *in.DelegationRequestId)
	if err != nil {
		return nil, err
	}
	next, ok := progress(c, d, world.DelegationFinalized, world.DelegationAccepted)
	switch {
	case !ok:
		return nil, wrongState(c, d)
	case d.OnlySendByOwner && d.Owner != c.Caller.Principal.ARN:
		return nil, accessDenied("Only the owner of the delegation request %s can send its token.", d.ID)
	}
	next.Token, next.Sent = c.World.NewToken(), c.Now.Truncate(time.Second)
	c.World.SetDelegation(next)
	return &iam.SendDelegationTokenOutput{}, nil
}
