package cfnsvc

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/eventssvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/logssvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/sqssvc"
	"forcemfa/internal/emulator/world"
)

// A Detection is the newest result of drift detection for a stack.
type Detection struct {
	ID     string
	At     time.Time
	Drifts []Drift
}

// A Drift is the comparison of a resource with the properties that CloudFormation gave it.
type Drift struct {
	Logical, Physical, Type string
	Status                  string // IN_SYNC, MODIFIED, DELETED
	Expected, Actual        map[string]any
}

// detecting is how long drift detection takes.
const detecting = 10 * time.Second

func driftOperations() []operation.Operation {
	return []operation.Operation{
		operation.Write("DetectStackDrift", on("DetectStackDrift", func(in *cloudformation.DetectStackDriftInput) *string { return in.StackName }), detectDrift),
		operation.Read("DescribeStackDriftDetectionStatus", operation.OnAll[cloudformation.DescribeStackDriftDetectionStatusInput]("cloudformation:DescribeStackDriftDetectionStatus"), describeDetection),
		operation.Read("DescribeStackResourceDrifts", on("DescribeStackResourceDrifts", func(in *cloudformation.DescribeStackResourceDriftsInput) *string { return in.StackName }), describeDrifts),
	}
}

func detectDrift(c *operation.Call, in *cloudformation.DetectStackDriftInput) (*cloudformation.DetectStackDriftOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	if err := s.ready(c); err != nil {
		return nil, err
	}
	edited, _ := world.Change[*Stack](c.World, c.Caller.Account, s.ID)
	edited.Detection = Detection{ID: c.World.NewUUID(), At: c.Now}
	account := c.World.Account(c.Caller.Account)
	for i := range s.Resources {
		r := &s.Resources[i]
		read := readers[r.Type]
		if read == nil {
			continue
		}
		d := Drift{Logical: r.Logical, Physical: r.Physical, Type: r.Type, Status: "IN_SYNC"}
		if actual := read(account, r); actual == nil {
			d.Status = "DELETED"
		} else if d.Expected, d.Actual = drifted(r.Properties, actual); len(d.Expected) > 0 {
			d.Status = "MODIFIED"
		}
		edited.Detection.Drifts = append(edited.Detection.Drifts, d)
	}
	return &cloudformation.DetectStackDriftOutput{StackDriftDetectionId: &edited.Detection.ID}, nil
}

// drifted returns the properties of the template whose actual value differs. Properties
// that the template does not set are not compared.
// Source: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks
// and resources with drift detection".
func drifted(expected, actual map[string]any) (want, got map[string]any) {
	want, got = map[string]any{}, map[string]any{}
	for name, value := range actual {
		if set, there := expected[name]; there && document(set) != document(value) {
			want[name], got[name] = set, value
		}
	}
	return want, got
}

func describeDetection(c *operation.Call, in *cloudformation.DescribeStackDriftDetectionStatusInput) (*cloudformation.DescribeStackDriftDetectionStatusOutput, error) {
	for _, s := range world.List[*Stack](c.World.Account(c.Caller.Account)) {
		if s.Region != c.Region || s.Detection.ID == "" || s.Detection.ID != aws.ToString(in.StackDriftDetectionId) {
			continue
		}
		out := &cloudformation.DescribeStackDriftDetectionStatusOutput{
			StackDriftDetectionId: &s.Detection.ID, StackId: &s.ID, Timestamp: &s.Detection.At, DetectionStatus: types.StackDriftDetectionStatusDetectionInProgress,
		}
		if c.Now.Before(s.Detection.At.Add(detecting)) {
			return out, nil
		}
		n := 0
		for _, d := range s.Detection.Drifts {
			if d.Status != "IN_SYNC" {
				n++
			}
		}
		out.DetectionStatus, out.StackDriftStatus = types.StackDriftDetectionStatusDetectionComplete, types.StackDriftStatusInSync
		if out.DriftedStackResourceCount = aws.Int32(int32(n)); n > 0 {
			out.StackDriftStatus = types.StackDriftStatusDrifted
		}
		return out, nil
	}
	return nil, invalid("Drift detection with id %s does not exist", aws.ToString(in.StackDriftDetectionId))
}

func describeDrifts(c *operation.Call, in *cloudformation.DescribeStackResourceDriftsInput) (*cloudformation.DescribeStackResourceDriftsOutput, error) {
	s, err := need(c, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeStackResourceDriftsOutput{StackResourceDrifts: []types.StackResourceDrift{}}
	for i := range s.Detection.Drifts {
		d := &s.Detection.Drifts[i]
		status := types.StackResourceDriftStatus(d.Status)
		if len(in.StackResourceDriftStatusFilters) > 0 && !slices.Contains(in.StackResourceDriftStatusFilters, status) {
			continue
		}
		item := types.StackResourceDrift{
			StackId: &s.ID, LogicalResourceId: &d.Logical, PhysicalResourceId: &d.Physical, ResourceType: &d.Type, StackResourceDriftStatus: status, Timestamp: &s.Detection.At,
		}
		item.PropertyDifferences = differences("", d.Expected, d.Actual)
		out.StackResourceDrifts = append(out.StackResourceDrifts, item)
	}
	return out, nil
}

// differences returns the values that differ, at the depth where they do.
func differences(path string, expected, actual any) []types.PropertyDifference {
	if document(expected) == document(actual) {
		return nil
	}
	want, ok := expected.(map[string]any)
	got, same := actual.(map[string]any)
	if !ok || !same {
		d := types.PropertyDifference{PropertyPath: &path, DifferenceType: types.DifferenceTypeNotEqual, ExpectedValue: aws.String(shown(expected)), ActualValue: aws.String(shown(actual))}
		switch {
		case expected == nil:
			d.DifferenceType = types.DifferenceTypeAdd
		case actual == nil:
			d.DifferenceType = types.DifferenceTypeRemove
		}
		return []types.PropertyDifference{d}
	}
	names := maps.Clone(want)
	maps.Copy(names, got)
	var all []types.PropertyDifference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all = append(all, differences(path+"/"+name, want[name], got[name])...)
	}
	return all
}

// shown prints a value: a scalar as itself, anything else as JSON.
func shown(v any) string {
	if text := text0(v); text != "" {
		return text
	}
	return document(v)
}

// readers return the actual properties of a resource of a type; nil: it does not exist. A
// type that is missing is not checked, as for many types of AWS.
var readers = map[string]func(*world.Account, *Resource) map[string]any{
	"AWS::IAM::ManagedPolicy": readPolicy,
	"AWS::IAM::Group":         readGroup,
	"AWS::IAM::Role":          readRole,
	"AWS::Lambda::Function":   readFunction,
	"AWS::Events::Rule":       readRule,
	"AWS::CloudWatch::Alarm":  readAlarm,
	"AWS::Logs::LogGroup":     readLogGroup,
	"AWS::SQS::Queue":         readQueue,
}

func readPolicy(a *world.Account, r *Resource) map[string]any {
	p := a.Policies[r.Physical]
	if p == nil {
		return nil
	}
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return map[string]any{"PolicyDocument": parsed(v.Document)}
		}
	}
	return map[string]any{}
}

func readGroup(a *world.Account, r *Resource) map[string]any {
	g := a.Groups[world.Fold(r.Physical)]
	if g == nil {
		return nil
	}
	return map[string]any{"ManagedPolicyArns": inOrderOf(r.Properties["ManagedPolicyArns"], g.Attached)}
}

func readRole(a *world.Account, r *Resource) map[string]any {
	role := a.Roles[world.Fold(r.Physical)]
	if role == nil {
		return nil
	}
	var policies []any
	there := map[string]bool{}
	for _, item := range list(r.Properties["Policies"]) { // in the order of the template
		name := text0(object(item)["PolicyName"])
		if text, ok := role.Inline[name]; ok {
			there[name] = true
			policies = append(policies, map[string]any{"PolicyName": name, "PolicyDocument": parsed(text)})
		}
	}
	for name, text := range role.Inline {
		if !there[name] {
			policies = append(policies, map[string]any{"PolicyName": name, "PolicyDocument": parsed(text)})
		}
	}
	return map[string]any{
		"AssumeRolePolicyDocument": parsed(role.Trust), "Policies": policies,
		"ManagedPolicyArns": inOrderOf(r.Properties["ManagedPolicyArns"], role.Attached),
	}
}

// readFunction returns the configuration of a function. The environment is that of the
// template with the changed variables.
func readFunction(a *world.Account, r *Resource) map[string]any {
	f, ok := world.Find[*lambdasvc.Function](a, r.Attributes["Arn"])
	if !ok {
		return nil
	}
	actual := map[string]any{"Role": f.Role, "Timeout": f.Timeout, "MemorySize": f.MemorySize, "Handler": f.Handler, "Runtime": f.Runtime}
	if r.Properties["Environment"] != nil {
		variables := map[string]any{}
		for name, value := range f.Environment {
			variables[name] = value
		}
		actual["Environment"] = map[string]any{"Variables": variables}
	}
	return actual
}

func readRule(a *world.Account, r *Resource) map[string]any {
	rule, ok := world.Find[*eventssvc.Rule](a, r.Attributes["Arn"])
	if !ok {
		return nil
	}
	state := eventtypes.RuleStateDisabled
	if rule.Enabled {
		state = eventtypes.RuleStateEnabled
	}
	actual := map[string]any{"State": string(state), "ScheduleExpression": rule.Schedule, "EventPattern": parsed(rule.Pattern)}
	ids := map[string]bool{}
	for _, t := range rule.Targets {
		ids[aws.ToString(t.Id)+aws.ToString(t.Arn)] = true
	}
	targets := list(r.Properties["Targets"])
	kept := slices.DeleteFunc(slices.Clone(targets), func(t any) bool { return !ids[text0(object(t)["Id"])+text0(object(t)["Arn"])] })
	if len(kept) != len(targets) || len(kept) != len(rule.Targets) {
		actual["Targets"] = kept
	}
	return actual
}

func readAlarm(a *world.Account, r *Resource) map[string]any {
	alarm, ok := world.Find[*cloudwatchsvc.Alarm](a, r.Attributes["Arn"])
	if !ok {
		return nil
	}
	actual := map[string]any{
		"Namespace": alarm.Namespace, "MetricName": alarm.MetricName, "Statistic": alarm.Statistic, "ComparisonOperator": alarm.ComparisonOperator,
		"TreatMissingData": alarm.TreatMissingData, "AlarmActions": inOrderOf(r.Properties["AlarmActions"], alarm.Actions),
	}
	if number(r.Properties["Period"]) != alarm.Period {
		actual["Period"] = alarm.Period
	}
	return actual
}

func readLogGroup(a *world.Account, r *Resource) map[string]any {
	for _, g := range world.List[*logssvc.Group](a) {
		if strings.TrimSuffix(g.ARN, ":*") == strings.TrimSuffix(r.Attributes["Arn"], ":*") {
			if number(r.Properties["RetentionInDays"]) == g.Retention {
				return map[string]any{}
			}
			return map[string]any{"RetentionInDays": g.Retention}
		}
	}
	return nil
}

func readQueue(a *world.Account, r *Resource) map[string]any {
	if _, ok := world.Find[*sqssvc.Queue](a, r.Attributes["Arn"]); !ok {
		return nil
	}
	return map[string]any{}
}

// parsed returns a document as a value of a template.
func parsed(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	return v
}

// inOrderOf returns names as a list: those of a wanted list in its order, then the others.
func inOrderOf(wanted any, names []string) []any {
	var all []any
	for _, w := range list(wanted) {
		if slices.Contains(names, text0(w)) {
			all = append(all, w)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(v any) bool { return text0(v) == name }) {
			all = append(all, name)
		}
	}
	return all
}
