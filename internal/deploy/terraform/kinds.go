package terraform

import (
	"fmt"
)

// A kind is a type of CloudFormation: the resource of Terraform for it, its attributes
// by the names of Fn::GetAtt (Ref for the reference), and how it is written.
// Source: the reference of Terraform's AWS provider, and the CloudFormation Template
// Reference, "Return values" of each type.
type kind struct {
	resource   string
	attributes map[string]string
	write      func(*properties)
}

var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"AWS::IAM::ManagedPolicy":        {"aws_iam_policy", map[string]string{"Ref": "arn"}, policy},
		"AWS::IAM::Group":                {"aws_iam_group", map[string]string{"Ref": "name", "Arn": "arn"}, group},
		"AWS::IAM::Role":                 {"aws_iam_role", map[string]string{"Ref": "name", "Arn": "arn"}, role},
		"AWS::Logs::LogGroup":            {"aws_cloudwatch_log_group", map[string]string{"Ref": "name", "Arn": "arn"}, logGroup},
		"AWS::Lambda::Function":          {"aws_lambda_function", map[string]string{"Ref": "function_name", "Arn": "arn"}, lambdaFunction},
		"AWS::Lambda::EventInvokeConfig": {"aws_lambda_function_event_invoke_config", nil, eventInvokeConfig},
		"AWS::Lambda::Permission":        {"aws_lambda_permission", nil, permission},
		"AWS::Events::Rule":              {"aws_cloudwatch_event_rule", map[string]string{"Ref": "name", "Arn": "arn"}, rule},
		"AWS::SQS::Queue":                {"aws_sqs_queue", map[string]string{"Ref": "url", "Arn": "arn", "QueueName": "name"}, queue},
		"AWS::SQS::QueuePolicy":          {"aws_sqs_queue_policy", nil, queuePolicy},
		"AWS::CloudWatch::Alarm":         {"aws_cloudwatch_metric_alarm", map[string]string{"Arn": "arn"}, alarm},
	}
}

// properties writes one resource. The first error stays; a property that nothing
// takes is an error in the end.
type properties struct {
	*translator
	w         *writer
	id, count string
	values    map[string]any
	used      map[string]bool
	err       error
}

func (p *properties) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// take returns a property and whether it is there.
func (p *properties) take(name string) (any, bool) {
	p.used[name] = true
	v, ok := p.values[name]
	return v, ok
}

// resource writes a resource; body writes its arguments.
func (p *properties) resource(kind, id string, body func()) {
	p.w.line("resource %q %q {", kind, id)
	if p.count != "" {
		p.w.line("count = %s ? 1 : 0", p.count)
	}
	body()
	p.w.line("}\n")
}

func (p *properties) block(name string, body func()) {
	p.w.line("%s {", name)
	body()
	p.w.line("}")
}

// set writes an argument with a value of the template.
func (p *properties) set(argument string, v any) {
	text, err := p.expression(v)
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", argument, err))
		return
	}
	p.w.line("%s = %s", argument, text)
}

// copy writes arguments with properties, each if the resource has it. The names come
// in pairs, argument and property.
func (p *properties) copy(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := p.take(pairs[i+1]); ok {
			p.set(pairs[i], v)
		}
	}
}

// document writes an argument with a policy document.
func (p *properties) document(argument string, v any) {
	text, err := p.expression(v)
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", argument, err))
		return
	}
	p.w.line("%s = jsonencode(%s)", argument, text)
}

// self is the reference of the resource itself, for the resources that Terraform
// makes of one of CloudFormation.
func (p *properties) self(kind, attribute string) string {
	index := ""
	if p.count != "" {
		index = "[0]"
	}
	return kind + "." + p.id + index + "." + attribute
}

func (p *properties) list(property string) []any {
	v, _ := p.take(property)
	items, ok := v.([]any)
	if !ok && v != nil {
		p.fail(fmt.Errorf("property %s is not a list", property))
	}
	return items
}

func (p *properties) member(v any, name string) any {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(fmt.Errorf("%v has no member %s", v, name))
	}
	return m[name]
}

func policy(p *properties) {
	p.resource("aws_iam_policy", p.id, func() {
		p.copy(
			"name", "ManagedPolicyName",
			"path", "Path",
			"description", "Description",
		)
		v, _ := p.take("PolicyDocument")
		p.document("policy", v)
	})
}

func group(p *properties) {
	p.resource("aws_iam_group", p.id, func() {
		p.copy(
			"name", "GroupName",
			"path", "Path",
		)
	})
	for i, attached := range p.list("ManagedPolicyArns") {
		p.resource("aws_iam_group_policy_attachment", fmt.Sprintf("%s_%d", p.id, i), func() {
			p.w.line("group = %s", p.self("aws_iam_group", "name"))
			p.set("policy_arn", attached)
		})
	}
}

func role(p *properties) {
	p.resource("aws_iam_role", p.id, func() {
		p.copy(
			"name", "RoleName",
			"path", "Path",
			"description", "Description",
		)
		v, _ := p.take("AssumeRolePolicyDocument")
		p.document("assume_role_policy", v)
	})
	for i, inline := range p.list("Policies") {
		p.resource("aws_iam_role_policy", fmt.Sprintf("%s_%d", p.id, i), func() {
			p.set("name", p.member(inline, "PolicyName"))
			p.w.line("role = %s", p.self("aws_iam_role", "id"))
			p.document("policy", p.member(inline, "PolicyDocument"))
		})
	}
}

func logGroup(p *properties) {
	p.resource("aws_cloudwatch_log_group", p.id, func() {
		p.w.line("name_prefix = %q", "/aws/lambda/forcemfa-")
		p.copy("retention_in_days", "RetentionInDays")
		p.w.line("skip_destroy = true")
	})
}

func lambdaFunction(p *properties) {
	p.resource("aws_lambda_function", p.id, func() {
		p.copy(
			"function_name", "FunctionName", "description", "Description", "runtime", "Runtime", "handler", "Handler",
			"architectures", "Architectures", "memory_size", "MemorySize", "timeout", "Timeout", "role", "Role",
			"reserved_concurrent_executions", "ReservedConcurrentExecutions",
		)
		code, _ := p.take("Code")
		p.set("s3_bucket", p.member(code, "S3Bucket"))
		p.set("s3_key", p.member(code, "S3Key"))
		p.set("s3_object_version", p.member(code, "S3ObjectVersion"))
		if v, ok := p.take("DeadLetterConfig"); ok {
			p.block("dead_letter_config", func() { p.set("target_arn", p.member(v, "TargetArn")) })
		}
		if v, ok := p.take("LoggingConfig"); ok {
			p.block("logging_config", func() {
				p.w.line("log_format = \"Text\"") // CloudFormation's default
				p.set("log_group", p.member(v, "LogGroup"))
			})
		}
		if v, ok := p.take("Environment"); ok {
			p.block("environment", func() { p.set("variables", p.member(v, "Variables")) })
		}
		tags := map[string]any{}
		for _, tag := range p.list("Tags") {
			tags[fmt.Sprint(p.member(tag, "Key"))] = p.member(tag, "Value")
		}
		p.set("tags", tags)
	})
}

func eventInvokeConfig(p *properties) {
	p.resource("aws_lambda_function_event_invoke_config", p.id, func() {
		p.copy("function_name", "FunctionName")
		p.take("Qualifier") // $LATEST, as without a qualifier
		p.copy(
			"maximum_retry_attempts", "MaximumRetryAttempts",
			"maximum_event_age_in_seconds", "MaximumEventAgeInSeconds",
		)
	})
}

func permission(p *properties) {
	p.resource("aws_lambda_permission", p.id, func() {
		p.copy(
			"function_name", "FunctionName",
			"action", "Action",
			"principal", "Principal",
			"source_arn", "SourceArn",
		)
	})
}

func rule(p *properties) {
	p.resource("aws_cloudwatch_event_rule", p.id, func() {
		p.copy(
			"name", "Name",
			"description", "Description",
			"schedule_expression", "ScheduleExpression",
		)
		if v, ok := p.take("EventPattern"); ok {
			p.document("event_pattern", v)
		}
		p.copy("state", "State")
	})
	for _, target := range p.list("Targets") {
		m, _ := target.(map[string]any)
		p.resource("aws_cloudwatch_event_target", p.id, func() {
			p.w.line("rule = %s", p.self("aws_cloudwatch_event_rule", "name"))
			p.set("target_id", m["Id"])
			p.set("arn", m["Arn"])
			if v, ok := m["DeadLetterConfig"]; ok {
				p.block("dead_letter_config", func() { p.set("arn", p.member(v, "Arn")) })
			}
		})
	}
}

func queue(p *properties) {
	p.resource("aws_sqs_queue", p.id, func() {
		p.w.line("name_prefix = %q", "forcemfa-"+p.id+"-")
		p.copy(
			"message_retention_seconds", "MessageRetentionPeriod",
			"visibility_timeout_seconds", "VisibilityTimeout",
			"sqs_managed_sse_enabled", "SqsManagedSseEnabled",
		)
	})
}

func queuePolicy(p *properties) {
	for _, url := range p.list("Queues") {
		p.resource("aws_sqs_queue_policy", p.id, func() {
			p.set("queue_url", url)
			v, _ := p.take("PolicyDocument")
			p.document("policy", v)
		})
	}
}

func alarm(p *properties) {
	p.resource("aws_cloudwatch_metric_alarm", p.id, func() {
		p.copy(
			"alarm_name", "AlarmName", "alarm_description", "AlarmDescription", "namespace", "Namespace", "metric_name", "MetricName",
			"statistic", "Statistic", "period", "Period", "evaluation_periods", "EvaluationPeriods", "threshold", "Threshold",
			"comparison_operator", "ComparisonOperator", "treat_missing_data", "TreatMissingData", "alarm_actions", "AlarmActions",
		)
		dimensions := map[string]any{}
		for _, d := range p.list("Dimensions") {
			dimensions[fmt.Sprint(p.member(d, "Name"))] = p.member(d, "Value")
		}
		if len(dimensions) > 0 {
			p.set("dimensions", dimensions)
		}
	})
}
