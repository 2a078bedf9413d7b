// Package eventssvc implements EventBridge of the embedded AWS: event buses with their
// policies, rules with patterns and schedules, targets, and PutEvents.
//
// What rules do with events is the work of package engine.
package eventssvc

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Bus is an event bus other than the default one.
type Bus struct{ ARN, Name, Description, Policy string }

// CloneItem implements [world.Item].
func (b *Bus) CloneItem() world.Item { c := *b; return &c }

// A Rule matches events on a bus, or has a schedule.
type Rule struct {
	ARN, Name, Bus string // Bus is the name of the event bus
	Description    string
	Pattern        string // empty: none
	Schedule       string // empty: none
	Enabled        bool
	Targets        []types.Target
	Next           time.Time // of a schedule; zero: never
}

// CloneItem implements [world.Item].
func (r *Rule) CloneItem() world.Item {
	c := *r
	c.Targets = slices.Clone(r.Targets)
	return &c
}

// DefaultBus is the name of the bus of every account and Region.
const DefaultBus = "default"

// Operations returns the operations of EventBridge.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Write("CreateEventBus", askBus("CreateEventBus", func(in *eventbridge.CreateEventBusInput) *string { return in.Name }), createBus),
		operation.Write("DeleteEventBus", askBus("DeleteEventBus", func(in *eventbridge.DeleteEventBusInput) *string { return in.Name }), deleteBus),
		operation.Read("DescribeEventBus", askBus("DescribeEventBus", func(in *eventbridge.DescribeEventBusInput) *string { return in.Name }), describeBus),
		operation.Read("ListEventBuses", operation.OnAll[eventbridge.ListEventBusesInput]("events:ListEventBuses"), listBuses),
		operation.Write("PutPermission", askBus("PutPermission", func(in *eventbridge.PutPermissionInput) *string { return in.EventBusName }), putPermission),
		operation.Write("PutRule", askRule("PutRule", func(in *eventbridge.PutRuleInput) (*string, *string) { return in.EventBusName, in.Name }), putRule),
		operation.Write("PutTargets", askTargets, putTargets),
		operation.Write("RemoveTargets", askRule("RemoveTargets", func(in *eventbridge.RemoveTargetsInput) (*string, *string) { return in.EventBusName, in.Rule }), removeTargets),
		operation.Write("DeleteRule", askRule("DeleteRule", func(in *eventbridge.DeleteRuleInput) (*string, *string) { return in.EventBusName, in.Name }), deleteRule),
		operation.Write("EnableRule", askRule("EnableRule", func(in *eventbridge.EnableRuleInput) (*string, *string) { return in.EventBusName, in.Name }), enableRule),
		operation.Write("DisableRule", askRule("DisableRule", func(in *eventbridge.DisableRuleInput) (*string, *string) { return in.EventBusName, in.Name }), disableRule),
		operation.Read("DescribeRule", askRule("DescribeRule", func(in *eventbridge.DescribeRuleInput) (*string, *string) { return in.EventBusName, in.Name }), describeRule),
		operation.Read("ListTargetsByRule", askRule("ListTargetsByRule", func(in *eventbridge.ListTargetsByRuleInput) (*string, *string) { return in.EventBusName, in.Rule }), listTargets),
		operation.Read("ListRules", operation.OnAll[eventbridge.ListRulesInput]("events:ListRules"), listRules),
		operation.Within(operation.Write("PutEvents", askEvents, putEvents), busesAreOwn),
	}, operation.Naming("EventBusName", "Name"))
}

// busesAreOwn reports whether all entries are for buses of the account of the caller.
func busesAreOwn(account string, in any) bool {
	return !slices.ContainsFunc(in.(*eventbridge.PutEventsInput).Entries, func(e types.PutEventsRequestEntry) bool {
		return !operation.IsOwn(account, aws.ToString(e.EventBusName))
	})
}

// busARN returns the ARN of a bus by its name or ARN.
func busARN(c *operation.Call, name *string) string {
	if strings.HasPrefix(aws.ToString(name), "arn:") {
		return *name
	}
	return c.ARN("events", "event-bus/"+busName(name))
}

func busName(name *string) string {
	if text := aws.ToString(name); text != "" {
		return text[strings.LastIndexByte(text, '/')+1:]
	}
	return DefaultBus
}

func ruleARN(c *operation.Call, bus, name *string) string {
	if b := busName(bus); b != DefaultBus {
		return c.ARN("events", "rule/"+b+"/"+aws.ToString(name))
	}
	return c.ARN("events", "rule/"+aws.ToString(name))
}

func askBus[I any](action string, name func(*I) *string) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		return []operation.Ask{{Action: "events:" + action, Resource: busARN(c, name(in))}}, nil
	}
}

// Source: EventBridge API Reference, PutRule, Name.
var namePattern = operation.NewPattern(`^[.\-_A-Za-z0-9]{1,64}$`)

func askRule[I any](action string, name func(*I) (bus, rule *string)) func(*operation.Call, *I) ([]operation.Ask, error) {
	return func(c *operation.Call, in *I) ([]operation.Ask, error) {
		bus, rule := name(in)
		if !namePattern.MatchString(aws.ToString(rule)) {
			return nil, invalid("Parameter Name is not valid.")
		}
		return []operation.Ask{{Action: "events:" + action, Resource: ruleARN(c, bus, rule)}}, nil
	}
}

// askTargets also asks for iam:PassRole on the roles of the targets.
// Source: EventBridge User Guide, "Using IAM roles", PassRole.
func askTargets(c *operation.Call, in *eventbridge.PutTargetsInput) ([]operation.Ask, error) {
	asks := []operation.Ask{{Action: "events:PutTargets", Resource: ruleARN(c, in.EventBusName, in.Rule)}}
	for _, t := range in.Targets {
		if t.RoleArn != nil {
			asks = append(asks, operation.Ask{Action: "iam:PassRole", Resource: *t.RoleArn, Context: func(x *policy.Context) { x.Set("iam:PassedToService", "events.amazonaws.com") }})
		}
	}
	return asks, nil
}

func invalid(format string, a ...any) error {
	return operation.Fault("ValidationException", format, a...)
}

func absent(what string) error {
	return &types.ResourceNotFoundException{Message: aws.String(what + " does not exist.")}
}

// FindBus returns the policy of a bus; ok is false when the bus does not exist.
func FindBus(w *world.World, bus string) (document string, ok bool) {
	a, err := arn.Parse(bus)
	if err != nil || w.Account(a.Account) == nil {
		return "", false
	}
	if b, found := world.Find[*Bus](w.Account(a.Account), bus); found {
		return b.Policy, true
	}
	return "", strings.HasSuffix(bus, "event-bus/"+DefaultBus)
}

func createBus(c *operation.Call, in *eventbridge.CreateEventBusInput) (*eventbridge.CreateEventBusOutput, error) {
	key := busARN(c, in.Name)
	if _, ok := FindBus(c.World, key); ok {
		return nil, &types.ResourceAlreadyExistsException{Message: aws.String("Event bus " + *in.Name + " already exists.")}
	}
	c.World.Put(c.Caller.Account, key, &Bus{ARN: key, Name: *in.Name, Description: aws.ToString(in.Description)})
	return &eventbridge.CreateEventBusOutput{EventBusArn: &key}, nil
}

func deleteBus(c *operation.Call, in *eventbridge.DeleteEventBusInput) (*eventbridge.DeleteEventBusOutput, error) {
	for _, r := range world.List[*Rule](c.World.Account(c.Caller.Account)) {
		if r.Bus == aws.ToString(in.Name) && c.InRegion(r.ARN) {
			return nil, invalid("Event bus can't be deleted since it has rules.")
		}
	}
	c.World.Drop(c.Caller.Account, busARN(c, in.Name))
	return &eventbridge.DeleteEventBusOutput{}, nil
}

func describeBus(c *operation.Call, in *eventbridge.DescribeEventBusInput) (*eventbridge.DescribeEventBusOutput, error) {
	key := busARN(c, in.Name)
	document, ok := FindBus(c.World, key)
	if !ok {
		return nil, absent("Event bus " + busName(in.Name))
	}
	out := &eventbridge.DescribeEventBusOutput{Arn: &key, Name: aws.String(busName(in.Name))}
	if document != "" {
		out.Policy = &document
	}
	return out, nil
}

func listBuses(c *operation.Call, _ *eventbridge.ListEventBusesInput) (*eventbridge.ListEventBusesOutput, error) {
	out := &eventbridge.ListEventBusesOutput{EventBuses: []types.EventBus{{Arn: aws.String(busARN(c, nil)), Name: aws.String(DefaultBus)}}}
	for _, b := range world.List[*Bus](c.World.Account(c.Caller.Account)) {
		if c.InRegion(b.ARN) {
			out.EventBuses = append(out.EventBuses, types.EventBus{Arn: aws.String(b.ARN), Name: aws.String(b.Name)})
		}
	}
	return out, nil
}

// putPermission replaces the policy of a bus. A single statement is not supported.
func putPermission(c *operation.Call, in *eventbridge.PutPermissionInput) (*eventbridge.PutPermissionOutput, error) {
	b, ok := world.Change[*Bus](c.World, c.Caller.Account, busARN(c, in.EventBusName))
	if !ok {
		return nil, absent("Event bus " + busName(in.EventBusName))
	}
	if _, err := policy.Parse(policy.Resource, aws.ToString(in.Policy)); err != nil {
		return nil, invalid("Provided value in parameter 'policy' is not valid: %v", err)
	}
	b.Policy = aws.ToString(in.Policy)
	return &eventbridge.PutPermissionOutput{}, nil
}

func putRule(c *operation.Call, in *eventbridge.PutRuleInput) (*eventbridge.PutRuleOutput, error) {
	if _, ok := FindBus(c.World, busARN(c, in.EventBusName)); !ok {
		return nil, absent("Event bus " + busName(in.EventBusName))
	}
	key := ruleARN(c, in.EventBusName, in.Name)
	r := &Rule{
		ARN: key, Name: *in.Name, Bus: busName(in.EventBusName), Description: aws.ToString(in.Description),
		Pattern: aws.ToString(in.EventPattern), Schedule: aws.ToString(in.ScheduleExpression), Enabled: in.State != types.RuleStateDisabled,
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if old, ok := world.Find[*Rule](c.World.Account(c.Caller.Account), key); ok {
		r.Targets = slices.Clone(old.Targets)
	}
	if r.Schedule != "" {
		schedule, err := ParseSchedule(r.Schedule)
		if err != nil {
			return nil, invalid("Parameter ScheduleExpression is not valid.")
		}
		r.Next = schedule.After(c.Now)
	}
	c.World.Put(c.Caller.Account, key, r)
	return &eventbridge.PutRuleOutput{RuleArn: &key}, nil
}

func (r *Rule) check() error {
	switch {
	case r.Pattern == "" && r.Schedule == "":
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case r.Schedule != "" && r.Bus != DefaultBus:
		return invalid("ScheduleExpression is supported only on the default event bus.")
	case r.Pattern != "" && len(r.Pattern) > 2048:
		return operation.Fault("InvalidEventPatternException", "Event pattern is longer than 2048 characters.")
	case r.Pattern != "":
		if _, err := trail.ParsePattern([]byte(r.Pattern)); err != nil {
			return operation.Fault("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
		}
	}
	return nil
}

func editRule(c *operation.Call, bus, name *string) (*Rule, error) {
	r, ok := world.Change[*Rule](c.World, c.Caller.Account, ruleARN(c, bus, name))
	if !ok {
		return nil, absent("Rule " + aws.ToString(name))
	}
	return r, nil
}

// mostTargets is the quota of targets of a rule.
// Source: EventBridge User Guide, "Amazon EventBridge quotas".
const mostTargets = 5

func putTargets(c *operation.Call, in *eventbridge.PutTargetsInput) (*eventbridge.PutTargetsOutput, error) {
	r, err := editRule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.Targets) // those of r stay as they are when the call is refused
	for _, t := range in.Targets {
		if _, err := arn.Parse(aws.ToString(t.Arn)); err != nil {
			return nil, invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", aws.ToString(t.Arn))
		}
		if i := slices.IndexFunc(targets, func(old types.Target) bool { return *old.Id == *t.Id }); i >= 0 {
			targets[i] = t
		} else {
			targets = append(targets, t)
		}
	}
	if len(targets) > mostTargets {
		return nil, &types.LimitExceededException{Message: aws.String("The requested resource exceeds the maximum number allowed.")}
	}
	r.Targets = targets
	return &eventbridge.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}, nil
}

func removeTargets(c *operation.Call, in *eventbridge.RemoveTargetsInput) (*eventbridge.RemoveTargetsOutput, error) {
	r, err := editRule(c, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	r.Targets = slices.DeleteFunc(r.Targets, func(t types.Target) bool { return slices.Contains(in.Ids, *t.Id) })
	return &eventbridge.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}, nil
}

// deleteRule succeeds for a rule that does not exist.
func deleteRule(c *operation.Call, in *eventbridge.DeleteRuleInput) (*eventbridge.DeleteRuleOutput, error) {
	key := ruleARN(c, in.EventBusName, in.Name)
	if r, ok := world.Find[*Rule](c.World.Account(c.Caller.Account), key); ok && len(r.Targets) > 0 {
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	c.World.Drop(c.Caller.Account, key)
	return &eventbridge.DeleteRuleOutput{}, nil
}

func enableRule(c *operation.Call, in *eventbridge.EnableRuleInput) (*eventbridge.EnableRuleOutput, error) {
	r, err := editRule(c, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	r.Enabled = true
	if schedule, err := ParseSchedule(r.Schedule); err == nil {
		r.Next = schedule.After(c.Now)
	}
	return &eventbridge.EnableRuleOutput{}, nil
}

func disableRule(c *operation.Call, in *eventbridge.DisableRuleInput) (*eventbridge.DisableRuleOutput, error) {
	r, err := editRule(c, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	r.Enabled = false
	return &eventbridge.DisableRuleOutput{}, nil
}

func (r *Rule) state() types.RuleState {
	if r.Enabled {
		return types.RuleStateEnabled
	}
	return types.RuleStateDisabled
}

// optional returns nil for an empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func describeRule(c *operation.Call, in *eventbridge.DescribeRuleInput) (*eventbridge.DescribeRuleOutput, error) {
	r, ok := world.Find[*Rule](c.World.Account(c.Caller.Account), ruleARN(c, in.EventBusName, in.Name))
	if !ok {
		return nil, absent("Rule " + aws.ToString(in.Name))
	}
	return &eventbridge.DescribeRuleOutput{
		Arn: &r.ARN, Name: &r.Name, EventBusName: &r.Bus, Description: optional(r.Description), EventPattern: optional(r.Pattern),
		ScheduleExpression: optional(r.Schedule), State: r.state(), CreatedBy: &c.Caller.Account,
	}, nil
}

func listTargets(c *operation.Call, in *eventbridge.ListTargetsByRuleInput) (*eventbridge.ListTargetsByRuleOutput, error) {
	r, ok := world.Find[*Rule](c.World.Account(c.Caller.Account), ruleARN(c, in.EventBusName, in.Rule))
	if !ok {
		return nil, absent("Rule " + aws.ToString(in.Rule))
	}
	return &eventbridge.ListTargetsByRuleOutput{Targets: r.Targets}, nil
}

func listRules(c *operation.Call, in *eventbridge.ListRulesInput) (*eventbridge.ListRulesOutput, error) {
	out := &eventbridge.ListRulesOutput{Rules: []types.Rule{}}
	most := c.PageSize(int(aws.ToInt32(in.Limit)), 100, 100)
	for _, r := range world.List[*Rule](c.World.Account(c.Caller.Account)) {
		if r.Bus != busName(in.EventBusName) || !c.InRegion(r.ARN) || !strings.HasPrefix(r.Name, aws.ToString(in.NamePrefix)) || r.ARN <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.Rules) == most {
			out.NextToken = out.Rules[most-1].Arn
			break
		}
		out.Rules = append(out.Rules, types.Rule{
			Arn: &r.ARN, Name: &r.Name, EventBusName: &r.Bus, Description: optional(r.Description), EventPattern: optional(r.Pattern), ScheduleExpression: optional(r.Schedule), State: r.state(),
		})
	}
	return out, nil
}
