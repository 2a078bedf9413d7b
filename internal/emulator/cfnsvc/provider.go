package cfnsvc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/cloudwatchsvc"
	"forcemfa/internal/emulator/lambdasvc"
	"forcemfa/internal/emulator/logssvc"
	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/s3svc"
)

// A provider creates, updates and deletes the resources of one type.
type provider struct {
	create func(*deployer, *Resource) error // sets Physical and Attributes
	update func(d *deployer, old, now *Resource) error
	remove func(*deployer, *Resource) error
	// adopt reports whether the resource exists, and sets Physical and Attributes; nil: it
	// cannot be imported.
	adopt func(*deployer, *Resource) (bool, error)
	// fixed are the properties that cannot change: a change replaces the resource.
	fixed []string
}

// replaces reports whether a change of properties replaces the resource.
func (p *provider) replaces(changed []string) bool {
	return p.update == nil || slices.ContainsFunc(changed, func(name string) bool { return slices.Contains(p.fixed, name) })
}

// again is an update that does the same as the creation.
func again(create func(*deployer, *Resource) error) func(d *deployer, old, now *Resource) error {
	return func(d *deployer, _, now *Resource) error { return create(d, now) }
}

// A deployer calls the services for a stack, with the rights of one access key.
type deployer struct {
	c         *operation.Call
	key       string
	forwarded bool
	account   string
	region    string
	stack     string // name
}

// do calls an operation.
func (d *deployer) do(service, name string, in any) (any, error) {
	return d.c.Invoke(operation.Nested{
		Via: "cloudformation.amazonaws.com", AccessKeyID: d.key, Forwarded: d.forwarded, Region: d.region, Service: service, Operation: name, In: in,
	})
}

// run calls an operation and drops its output.
func (d *deployer) run(service, name string, in any) error {
	_, err := d.do(service, name, in)
	return err
}

func (d *deployer) arn(service, resource string) string {
	return "arn:" + d.c.World.Partition + ":" + service + ":" + d.region + ":" + d.account + ":" + resource
}

// generated returns the name of a resource without one.
// Source: CloudFormation User Guide, "Name type".
func (d *deployer) generated(r *Resource) string {
	return d.stack + "-" + r.Logical + "-" + strings.ToUpper(d.c.World.NewID("")[:12])
}

// absent reports whether an error means that a resource does not exist.
func absent(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return code == "NoSuchEntity" || strings.Contains(code, "NotFound") || strings.HasPrefix(code, "NoSuchBucket") || strings.Contains(code, "NonExistentQueue") || code == "QueueDoesNotExist"
}

// gone ignores that a resource which is to be deleted does not exist.
func gone(err error) error {
	if absent(err) {
		return nil
	}
	return err
}

var providers map[string]*provider

func init() { // a variable whose value would refer to itself
	providers = map[string]*provider{
		"AWS::IAM::ManagedPolicy":        {createPolicy, updatePolicy, removePolicy, adoptPolicy, []string{"ManagedPolicyName", "Path", "Description"}},
		"AWS::IAM::Group":                {createGroup, updateGroup, removeGroup, adoptGroup, []string{"GroupName"}},
		"AWS::IAM::Role":                 {createRole, updateRole, removeRole, nil, []string{"RoleName", "Path"}},
		"AWS::IAM::UserToGroupAddition":  {createMembers, updateMembers, removeMembers, nil, []string{"GroupName"}},
		"AWS::IAM::UserPolicy":           {createUserPolicy, again(createUserPolicy), removeUserPolicy, nil, []string{"PolicyName", "UserName"}},
		"AWS::Organizations::Policy":     {createOrganizationPolicy, updateOrganizationPolicy, removeOrganizationPolicy, nil, []string{"Type"}},
		"AWS::Logs::LogGroup":            {createLogGroup, updateLogGroup, removeLogGroup, nil, []string{"LogGroupName"}},
		"AWS::Lambda::Function":          {createFunction, updateFunction, removeFunction, nil, []string{"FunctionName"}},
		"AWS::Lambda::Permission":        {createPermission, nil, removePermission, nil, []string{"FunctionName", "Action", "Principal", "SourceArn"}},
		"AWS::Lambda::EventInvokeConfig": {createRetries, again(createRetries), keep, nil, []string{"FunctionName", "Qualifier"}},
		"AWS::Events::EventBus":          {createBus, nil, removeBus, nil, []string{"Name", "Description"}},
		"AWS::Events::EventBusPolicy":    {createBusPolicy, again(createBusPolicy), keep, nil, []string{"EventBusName", "StatementId"}},
		"AWS::Events::Rule":              {createRule, updateRule, removeRule, nil, []string{"Name", "EventBusName"}},
		"AWS::SQS::Queue":                {createQueue, updateQueue, removeQueue, nil, []string{"QueueName"}},
		"AWS::SQS::QueuePolicy":          {createQueuePolicy, again(createQueuePolicy), keep, nil, nil},
		"AWS::CloudWatch::Alarm":         {createAlarm, again(createAlarm), removeAlarm, nil, []string{"AlarmName"}},
		"AWS::S3::Bucket":                {createBucket, func(_ *deployer, old, now *Resource) error { now.identify(old); return nil }, removeBucket, adoptBucket, []string{"BucketName"}},
		"AWS::S3::BucketPolicy":          {createBucketPolicy, again(createBucketPolicy), removeBucketPolicy, nil, []string{"Bucket"}},
	}
}

// identify takes the identity of the resource that an update changes.
func (r *Resource) identify(old *Resource) { r.Physical, r.Attributes = old.Physical, old.Attributes }

func keep(*deployer, *Resource) error { return nil }

func (r *Resource) text(name string) string { return text0(r.Properties[name]) }

// named sets the identity of a resource.
func (r *Resource) named(physical, arn string) {
	r.Physical, r.Attributes = physical, map[string]string{"Arn": arn}
}

func createLogGroup(d *deployer, r *Resource) error {
	name := r.text("LogGroupName")
	if name == "" {
		name = d.generated(r)
	}
	if err := d.run("logs", "CreateLogGroup", &logssvc.CreateLogGroupInput{LogGroupName: &name}); err != nil {
		return err
	}
	r.named(name, d.arn("logs", "log-group:"+name+":*"))
	return setRetention(d, r)
}

func setRetention(d *deployer, r *Resource) error {
	days := int32(number(r.Properties["RetentionInDays"]))
	if days == 0 {
		return nil
	}
	return d.run("logs", "PutRetentionPolicy", &logssvc.PutRetentionPolicyInput{LogGroupName: &r.Physical, RetentionInDays: &days})
}

func updateLogGroup(d *deployer, old, now *Resource) error {
	now.identify(old)
	return setRetention(d, now)
}

func removeLogGroup(d *deployer, r *Resource) error {
	return gone(d.run("logs", "DeleteLogGroup", &logssvc.DeleteLogGroupInput{LogGroupName: &r.Physical}))
}

func settingsOf(r *Resource) lambdasvc.Settings {
	s := lambdasvc.Settings{
		Description: r.text("Description"), Role: r.text("Role"), Runtime: r.text("Runtime"), Handler: r.text("Handler"), MemorySize: max(number(r.Properties["MemorySize"]), 128),
		Timeout: max(number(r.Properties["Timeout"]), 3), Environment: map[string]string{}, DeadLetter: text0(object(r.Properties["DeadLetterConfig"])["TargetArn"]),
		LogGroup: text0(object(r.Properties["LoggingConfig"])["LogGroup"]), Architecture: "x86_64",
	}
	if all := list(r.Properties["Architectures"]); len(all) > 0 {
		s.Architecture = text0(all[0])
	}
	for name, value := range object(object(r.Properties["Environment"])["Variables"]) {
		s.Environment[name] = text0(value)
	}
	return s
}

func createFunction(d *deployer, r *Resource) error {
	name := r.text("FunctionName")
	if name == "" {
		name = d.generated(r)
	}
	code := object(r.Properties["Code"])
	in := &lambdasvc.CreateInput{
		FunctionName: name, Settings: settingsOf(r), S3Bucket: text0(code["S3Bucket"]), S3Key: text0(code["S3Key"]), S3ObjectVersion: text0(code["S3ObjectVersion"]), Tags: map[string]string{},
	}
	for _, t := range list(r.Properties["Tags"]) {
		in.Tags[text0(object(t)["Key"])] = text0(object(t)["Value"])
	}
	if err := d.run("lambda", "CreateFunction", in); err != nil {
		return err
	}
	r.named(name, d.arn("lambda", "function:"+name))
	return reserve(d, r, nil)
}

// reserve sets the reserved concurrency, or removes it when the old resource had one.
func reserve(d *deployer, r, old *Resource) error {
	if r.Properties["ReservedConcurrentExecutions"] != nil {
		return d.run("lambda", "PutFunctionConcurrency", &lambdasvc.ConcurrencyInput{FunctionName: r.Physical, ReservedConcurrentExecutions: number(r.Properties["ReservedConcurrentExecutions"])})
	}
	if old != nil && old.Properties["ReservedConcurrentExecutions"] != nil {
		return d.run("lambda", "DeleteFunctionConcurrency", &lambdasvc.FunctionInput{FunctionName: r.Physical})
	}
	return nil
}

func updateFunction(d *deployer, old, now *Resource) error {
	now.identify(old)
	code := object(now.Properties["Code"])
	if document(code) != document(old.Properties["Code"]) {
		if err := d.run("lambda", "UpdateFunctionCode", &lambdasvc.CodeInput{
			FunctionName: now.Physical, S3Bucket: text0(code["S3Bucket"]), S3Key: text0(code["S3Key"]), S3ObjectVersion: text0(code["S3ObjectVersion"]),
		}); err != nil {
			return err
		}
	}
	if err := d.run("lambda", "UpdateFunctionConfiguration", &lambdasvc.SettingsInput{FunctionName: now.Physical, Settings: settingsOf(now)}); err != nil {
		return err
	}
	return reserve(d, now, old)
}

func removeFunction(d *deployer, r *Resource) error {
	return gone(d.run("lambda", "DeleteFunction", &lambdasvc.FunctionInput{FunctionName: r.Physical}))
}

func createPermission(d *deployer, r *Resource) error {
	id := d.generated(r)
	r.named(id, "")
	return d.run("lambda", "AddPermission", &lambdasvc.PermissionInput{
		FunctionName: r.text("FunctionName"), StatementId: id, Action: r.text("Action"), Principal: r.text("Principal"), SourceArn: r.text("SourceArn"), SourceAccount: r.text("SourceAccount"),
	})
}

func removePermission(d *deployer, r *Resource) error {
	return gone(d.run("lambda", "RemovePermission", &lambdasvc.RemovalInput{FunctionName: r.text("FunctionName"), StatementId: r.Physical}))
}

func createRetries(d *deployer, r *Resource) error {
	r.named(r.text("FunctionName")+"|"+r.text("Qualifier"), "")
	return d.run("lambda", "PutFunctionEventInvokeConfig", &lambdasvc.EventInput{
		FunctionName: r.text("FunctionName"), MaximumRetryAttempts: number(r.Properties["MaximumRetryAttempts"]), MaximumEventAgeInSeconds: number(r.Properties["MaximumEventAgeInSeconds"]),
	})
}

func createBus(d *deployer, r *Resource) error {
	r.named(r.text("Name"), d.arn("events", "event-bus/"+r.text("Name")))
	return d.run("events", "CreateEventBus", &eventbridge.CreateEventBusInput{Name: aws.String(r.text("Name")), Description: aws.String(r.text("Description"))})
}

func removeBus(d *deployer, r *Resource) error {
	return gone(d.run("events", "DeleteEventBus", &eventbridge.DeleteEventBusInput{Name: &r.Physical}))
}

func createBusPolicy(d *deployer, r *Resource) error {
	r.named(r.text("EventBusName")+"|"+r.text("StatementId"), "")
	statement := map[string]any{"Sid": r.text("StatementId")}
	for name, value := range object(r.Properties["Statement"]) {
		statement[name] = value
	}
	policy := document(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	return d.run("events", "PutPermission", &eventbridge.PutPermissionInput{EventBusName: aws.String(r.text("EventBusName")), Policy: &policy})
}

// busOf returns the name of a rule's bus; nil: the default bus.
func busOf(r *Resource) *string {
	if name := r.text("EventBusName"); name != "" && name != "default" {
		return &name
	}
	return nil
}

func createRule(d *deployer, r *Resource) error {
	name, bus := r.text("Name"), busOf(r)
	in := &eventbridge.PutRuleInput{Name: &name, EventBusName: bus, Description: aws.String(r.text("Description")), State: eventtypes.RuleState(r.text("State"))}
	if pattern := document(r.Properties["EventPattern"]); pattern != "" {
		in.EventPattern = &pattern
	}
	if schedule := r.text("ScheduleExpression"); schedule != "" {
		in.ScheduleExpression = &schedule
	}
	if err := d.run("events", "PutRule", in); err != nil {
		return err
	}
	r.named(name, d.arn("events", "rule/"+name))
	if bus != nil {
		r.named(*bus+"|"+name, d.arn("events", "rule/"+*bus+"/"+name))
	}
	targets := targetsOf(r)
	if len(targets) == 0 {
		return nil
	}
	return d.run("events", "PutTargets", &eventbridge.PutTargetsInput{Rule: &name, EventBusName: bus, Targets: targets})
}

func targetsOf(r *Resource) []eventtypes.Target {
	var targets []eventtypes.Target
	for _, item := range list(r.Properties["Targets"]) {
		o := object(item)
		t := eventtypes.Target{Id: aws.String(text0(o["Id"])), Arn: aws.String(text0(o["Arn"]))}
		if role := text0(o["RoleArn"]); role != "" {
			t.RoleArn = &role
		}
		if dead := text0(object(o["DeadLetterConfig"])["Arn"]); dead != "" {
			t.DeadLetterConfig = &eventtypes.DeadLetterConfig{Arn: &dead}
		}
		targets = append(targets, t)
	}
	return targets
}

func updateRule(d *deployer, old, now *Resource) error {
	if err := createRule(d, now); err != nil {
		return err
	}
	var surplus []string
	for _, t := range targetsOf(old) {
		if !slices.ContainsFunc(targetsOf(now), func(n eventtypes.Target) bool { return *n.Id == *t.Id }) {
			surplus = append(surplus, *t.Id)
		}
	}
	if len(surplus) == 0 {
		return nil
	}
	return d.run("events", "RemoveTargets", &eventbridge.RemoveTargetsInput{Rule: aws.String(now.text("Name")), EventBusName: busOf(now), Ids: surplus})
}

func removeRule(d *deployer, r *Resource) error {
	name, bus := r.text("Name"), busOf(r)
	var ids []string
	for _, t := range targetsOf(r) {
		ids = append(ids, *t.Id)
	}
	if len(ids) > 0 {
		if err := gone(d.run("events", "RemoveTargets", &eventbridge.RemoveTargetsInput{Rule: &name, EventBusName: bus, Ids: ids})); err != nil {
			return err
		}
	}
	return gone(d.run("events", "DeleteRule", &eventbridge.DeleteRuleInput{Name: &name, EventBusName: bus}))
}

// queueAttributes are the properties of a queue that are attributes of the same name.
var queueAttributes = []string{"MessageRetentionPeriod", "VisibilityTimeout", "SqsManagedSseEnabled", "DelaySeconds"}

func attributesOf(r *Resource) map[string]string {
	attributes := map[string]string{}
	for _, name := range queueAttributes {
		if r.Properties[name] != nil {
			attributes[name] = r.text(name)
		}
	}
	if redrive := document(r.Properties["RedrivePolicy"]); redrive != "" {
		attributes["RedrivePolicy"] = redrive
	}
	return attributes
}

func createQueue(d *deployer, r *Resource) error {
	name := r.text("QueueName")
	if name == "" {
		name = d.generated(r)
	}
	out, err := d.do("sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: &name, Attributes: attributesOf(r)})
	if err != nil {
		return err
	}
	r.named(*out.(*sqs.CreateQueueOutput).QueueUrl, d.arn("sqs", name))
	r.Attributes["QueueName"], r.Attributes["QueueUrl"] = name, r.Physical
	return nil
}

func updateQueue(d *deployer, old, now *Resource) error {
	now.identify(old)
	return d.run("sqs", "SetQueueAttributes", &sqs.SetQueueAttributesInput{QueueUrl: &now.Physical, Attributes: attributesOf(now)})
}

func removeQueue(d *deployer, r *Resource) error {
	return gone(d.run("sqs", "DeleteQueue", &sqs.DeleteQueueInput{QueueUrl: &r.Physical}))
}

func createQueuePolicy(d *deployer, r *Resource) error {
	if r.Physical == "" {
		r.named(d.generated(r), "")
	}
	for _, queue := range list(r.Properties["Queues"]) {
		if err := d.run("sqs", "SetQueueAttributes", &sqs.SetQueueAttributesInput{
			QueueUrl: aws.String(text0(queue)), Attributes: map[string]string{"Policy": document(r.Properties["PolicyDocument"])},
		}); err != nil {
			return err
		}
	}
	return nil
}

func createAlarm(d *deployer, r *Resource) error {
	name := r.text("AlarmName")
	a := cloudwatchsvc.Alarm{
		AlarmName: name, AlarmDescription: r.text("AlarmDescription"), Namespace: r.text("Namespace"), MetricName: r.text("MetricName"), Dimensions: map[string]string{},
		Statistic: r.text("Statistic"), ComparisonOperator: r.text("ComparisonOperator"), TreatMissingData: r.text("TreatMissingData"),
		Period: number(r.Properties["Period"]), EvaluationPeriods: number(r.Properties["EvaluationPeriods"]),
	}
	if _, err := fmt.Sscan(r.text("Threshold"), &a.Threshold); err != nil {
		return operation.Fault("ValidationError", "Threshold is not a number")
	}
	for _, item := range list(r.Properties["Dimensions"]) {
		a.Dimensions[text0(object(item)["Name"])] = text0(object(item)["Value"])
	}
	for _, action := range list(r.Properties["AlarmActions"]) {
		a.Actions = append(a.Actions, text0(action))
	}
	r.named(name, d.arn("cloudwatch", "alarm:"+name))
	return d.run("monitoring", "PutMetricAlarm", &cloudwatchsvc.PutMetricAlarmInput{Alarm: a})
}

func removeAlarm(d *deployer, r *Resource) error {
	return gone(d.run("monitoring", "DeleteAlarms", &cloudwatchsvc.DeleteAlarmsInput{AlarmNames: []string{r.Physical}}))
}

func createBucket(d *deployer, r *Resource) error {
	name := r.text("BucketName")
	if name == "" {
		name = strings.ToLower(d.generated(r))
	}
	r.named(name, "arn:"+d.c.World.Partition+":s3:::"+name)
	return d.run("s3", "CreateBucket", &s3svc.BucketInput{Bucket: name})
}

func adoptBucket(d *deployer, r *Resource) (bool, error) {
	name := r.text("BucketName")
	r.named(name, "arn:"+d.c.World.Partition+":s3:::"+name)
	return d.c.World.Account(d.account).Buckets[name] != nil, nil
}

func removeBucket(d *deployer, r *Resource) error {
	return gone(d.run("s3", "DeleteBucket", &s3svc.BucketInput{Bucket: r.Physical}))
}

func createBucketPolicy(d *deployer, r *Resource) error {
	r.named(r.text("Bucket"), "")
	return d.run("s3", "PutBucketPolicy", &s3svc.PolicyInput{Bucket: r.Physical, Policy: document(r.Properties["PolicyDocument"])})
}

func removeBucketPolicy(d *deployer, r *Resource) error {
	return gone(d.run("s3", "DeleteBucketPolicy", &s3svc.BucketInput{Bucket: r.Physical}))
}
