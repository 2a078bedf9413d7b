package emulator

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/record"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// Subscribe calls f for the events that an EventBridge pattern matches: for every
// call that changes something, even if it failed, and for every console sign-in.
// f runs after the call has ended and before its response is sent, on the
// goroutine of the call. f may use the cloud; the resulting events are delivered
// in the same way. The returned function ends the subscription. The error is that
// of the pattern.
// Source: EventBridge User Guide, "AWS service events delivered via CloudTrail":
// read-only management events match only rules that ask for them.
func (c *Cloud) Subscribe(pattern string, f func(trail.Event)) (cancel func(), err error) {
	p, err := trail.ParsePattern([]byte(pattern))
	if err != nil {
		return nil, err
	}
	s := &subscriber{p, f}
	c.change(func(all []*subscriber) []*subscriber { return append(all, s) })
	return func() {
		c.change(func(all []*subscriber) (rest []*subscriber) {
			for _, other := range all {
				if other != s {
					rest = append(rest, other)
				}
			}
			return rest
		})
	}, nil
}

// A subscriber is a rule with its target.
type subscriber struct {
	pattern *trail.Pattern
	tell    func(trail.Event)
}

// change replaces the list of subscribers.
func (c *Cloud) change(by func([]*subscriber) []*subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*subscriber
	if old := c.subscribers.Load(); old != nil {
		all = append(all, *old...)
	}
	all = by(all)
	c.subscribers.Store(&all)
}

// listened reports whether there are subscribers.
func (c *Cloud) listened() bool {
	all := c.subscribers.Load()
	return all != nil && len(*all) > 0
}

// deliver delivers an event. The lock is not held.
func (c *Cloud) deliver(e *trail.Event) {
	if e == nil || !c.listened() {
		return
	}
	text, err := e.JSON()
	if err != nil {
		panic(err) // recorded returns only events that marshal
	}
	for _, s := range *c.subscribers.Load() {
		if s.pattern.Match(text) {
			s.tell(*e)
		}
	}
}

// matched reports whether rules match the call by default.
func (c *Cloud) matched(r *Record) bool {
	return c.listened() && record.Matched(r.Service, r.Operation, r.Writes)
}

// recorded returns the event of a call; nil where CloudTrail has none, or where neither
// rules nor a log are interested. The cloud is locked.
func (c *Cloud) recorded(j *job, r *Record) *trail.Event {
	if r.Caller.Account == "" || r.Operation == "" || !c.logs() && !c.matched(r) {
		return nil
	}
	e := c.event(trail.APICall, "aws."+r.Service, r.Caller.Account, c.region(r.Service, r.Region), r.RequestID, r.Time)
	d := &e.Detail
	d.UserIdentity = c.userIdentity(&r.Caller)
	d.UserIdentity.InvokedBy = r.via
	d.EventSource, d.EventName, d.EventType = r.Service+".amazonaws.com", record.EventName(r.Service, r.Operation), "AwsApiCall"
	d.SourceIP, d.UserAgent = r.SourceIP, r.UserAgent
	d.ReadOnly = record.ReadOnly(r.Service, r.Operation, r.Writes)
	if record.IsData(r.Service, r.Operation) {
		d.ManagementEvent, d.EventCategory = false, "Data"
	}
	d.Parameters = record.Parameters(r.In)
	switch {
	case r.Err == nil && r.Writes:
		// Source: CloudTrail User Guide, "CloudTrail record contents", responseElements: null
		// for actions that only read.
		d.ResponseElements = record.Elements(r.Out)
		return e
	case r.Err == nil:
		return e
	}
	failure := r.Err
	var why *refusal
	if errors.As(failure, &why) {
		failure = why.in(j.service)
	}
	var api smithy.APIError
	if errors.As(failure, &api) {
		d.ErrorCode, d.ErrorMessage = api.ErrorCode(), api.ErrorMessage()
	}
	if r.Service == "ec2" && d.ErrorCode != "" {
		d.ErrorCode = "Client." + d.ErrorCode
	}
	return e
}

// departed returns the event of the management account after a call by which an account
// left the organization; nil: no account did, or nobody is interested. The call itself is
// in the log of its caller's account, which is that of the member in LeaveOrganization.
// Source: Organizations API Reference, LeaveOrganization and RemoveAccountFromOrganization:
// "available only in the management account's event history"; CloudTrail User Guide,
// "AWS service events".
func (c *Cloud) departed(r *Record) *trail.Event {
	o := c.world.Organization
	if r.Err != nil || o == nil || r.Service != "organizations" || !c.logs() && !c.listened() {
		return nil
	}
	account, how := r.Caller.Account, "Left"
	switch in := r.In.(type) {
	case *organizations.RemoveAccountFromOrganizationInput:
		account, how = *in.AccountId, "Removed"
	case *organizations.LeaveOrganizationInput:
	default:
		return nil
	}
	e := c.event(trail.ServiceEvent, "aws.organizations", o.ManagementAccount, c.region("organizations", ""), c.requestID(), r.Time)
	d := &e.Detail
	d.UserIdentity = trail.Identity{AccountID: o.ManagementAccount, InvokedBy: "organizations.amazonaws.com"}
	d.EventSource, d.EventName, d.EventType = "organizations.amazonaws.com", "AccountDepartedOrganization", "AwsServiceEvent"
	d.SourceIP, d.UserAgent = "organizations.amazonaws.com", "organizations.amazonaws.com"
	details, err := json.Marshal(map[string]string{"accountId": account, "departedMethod": how, "departedTime": e.Time.Format(time.RFC3339)})
	if err != nil {
		panic(err) // strings marshal
	}
	d.ServiceDetails = details
	return e
}

// event returns an event without caller and details.
func (c *Cloud) event(kind, source, account, region, requestID string, at time.Time) *trail.Event {
	at = at.UTC().Truncate(time.Second)
	id := record.EventID(requestID)
	return &trail.Event{
		Version: "0", ID: id, DetailType: kind, Source: source, Account: account, Time: at, Region: region, Resources: []string{},
		Detail: trail.Record{
			EventVersion: "1.09", EventTime: at, Region: region, RequestID: requestID, EventID: id, ManagementEvent: true,
			RecipientAccountID: account, EventCategory: "Management",
		},
	}
}

// region returns the Region in which a service records its calls: the home
// Region for global services.
// Source: CloudTrail User Guide, "Global service events".
func (c *Cloud) region(service, called string) string {
	if service != "iam" && service != "organizations" {
		return called
	}
	return arn.HomeRegion(c.world.Partition)
}

// userIdentity returns the caller.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element".
func (c *Cloud) userIdentity(who *world.Caller) trail.Identity {
	id := trail.Identity{
		PrincipalID: who.UserID(), ARN: who.Principal.ARN, AccountID: who.Account, AccessKeyID: who.AccessKeyID,
	}
	var issuer *trail.Issuer
	switch who.Principal.Kind {
	case policy.IAMUser:
		id.Type, id.UserName = "IAMUser", who.User.Name
	case policy.RoleSession:
		id.Type = "AssumedRole"
		issuer = &trail.Issuer{
			Type: "Role", PrincipalID: who.Role.ID, ARN: c.world.RoleARN(who.Account, who.Role), AccountID: who.Account, UserName: who.Role.Name,
		}
	case policy.FederatedUser:
		id.Type = "FederatedUser"
		issuer = &trail.Issuer{
			Type: "IAMUser", PrincipalID: who.User.ID, ARN: c.world.UserARN(who.Account, who.User), AccountID: who.Account, UserName: who.User.Name,
		}
	default:
		id.Type = "Root"
	}
	if s := who.Session; s != nil {
		id.SessionContext = &trail.SessionContext{SessionIssuer: issuer}
		id.SessionContext.Attributes.CreationDate = s.Issued.UTC().Truncate(time.Second)
		id.SessionContext.Attributes.MFAAuthenticated = "false"
		if s.Present == policy.True {
			id.SessionContext.Attributes.MFAAuthenticated = "true"
		}
	}
	return id
}

// signedIn returns the event of a console sign-in attempt; nil when the account
// does not exist or the user must first set a new password. The cloud is locked.
// Source: CloudTrail User Guide, "AWS Management Console sign-in events".
func (c *Cloud) signedIn(account, name, code string, err error) *trail.Event {
	a := c.world.Account(account)
	if !c.listened() && !c.logs() || a == nil || errors.Is(err, ErrResetRequired) {
		return nil
	}
	e := c.event(trail.ConsoleSignIn, "aws.signin", account, c.region("iam", ""), c.requestID(), c.Now())
	e.Detail.RequestID = ""
	d := &e.Detail
	d.EventSource, d.EventName, d.EventType = "signin.amazonaws.com", "ConsoleLogin", "AwsConsoleSignIn"
	d.SourceIP, d.UserAgent = memoryAddress, "Mozilla/5.0"
	d.UserIdentity = trail.Identity{Type: "IAMUser", AccountID: account, UserName: "HIDDEN_DUE_TO_SECURITY_REASONS"}
	d.AdditionalData = trail.Parameters{
		"LoginTo": record.Printed("https://console.aws.amazon.com/console/home"), "MobileVersion": record.Printed("No"), "MFAUsed": record.Printed("No"),
	}
	if u := a.Users[world.Fold(name)]; u != nil {
		d.UserIdentity.PrincipalID, d.UserIdentity.ARN, d.UserIdentity.UserName = u.ID, c.world.UserARN(account, u), u.Name
		if devices := a.DevicesOf(u.Name); len(devices) > 0 && code != "" {
			d.AdditionalData["MFAUsed"], d.AdditionalData["MFAIdentifier"] = record.Printed("Yes"), record.Printed(devices[0].Serial)
		}
	}
	d.ResponseElements = json.RawMessage(`{"ConsoleLogin":"Success"}`)
	if err != nil {
		d.ErrorMessage, d.ResponseElements = "Failed authentication", json.RawMessage(`{"ConsoleLogin":"Failure"}`)
	}
	return e
}
