package deploy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"forcemfa/policy/arn"
)

// A Place is where a template is deployed.
type Place struct {
	Partition, Account, Region string
}

// A Resource is a resource of a template with all values that are known before
// CloudFormation creates it.
type Resource struct {
	ID, Type   string
	Properties map[string]any
}

// Resolve returns the resources of a template for some parameter values, sorted
// by ID, without those whose condition is false. It rejects values that
// CloudFormation would reject. An attribute that only AWS knows, such as an ARN
// with a random part, becomes ${Resource.Attribute}.
// Source: CloudFormation User Guide, "Intrinsic function reference".
func Resolve(template []byte, place Place, values map[string]string) ([]Resource, error) {
	whole, err := parse(template)
	if err != nil {
		return nil, err
	}
	r := &resolver{place: place, mappings: object(whole["Mappings"]), conditions: object(whole["Conditions"]), resources: object(whole["Resources"])}
	if r.values, err = parameters(object(whole["Parameters"]), values); err != nil {
		return nil, err
	}
	var out []Resource
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		resource := object(r.resources[id])
		if name, ok := resource["Condition"].(string); ok {
			if there, err := r.holds(name); err != nil {
				return nil, err
			} else if !there {
				continue
			}
		}
		properties, err := r.value(resource["Properties"])
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		out = append(out, Resource{ID: id, Type: text(resource["Type"]), Properties: object(properties)})
	}
	return out, nil
}

// parameters returns the values of all parameters, with defaults for those that
// are not given.
func parameters(declared map[string]any, given map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		parameter := object(declared[name])
		value, ok := given[name]
		if !ok {
			if parameter["Default"] == nil {
				return nil, fmt.Errorf("parameter %s: no value", name)
			}
			value = text(parameter["Default"])
		}
		if err := checkParameter(parameter, value); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		all[name] = value
	}
	for name := range given {
		if declared[name] == nil {
			return nil, fmt.Errorf("parameter %s: the template has no such parameter, only %s", name, strings.Join(slices.Sorted(maps.Keys(declared)), ", "))
		}
	}
	return all, nil
}

// checkParameter does not include the value in errors: it may be a secret that
// was given instead of its ARN.
func checkParameter(parameter map[string]any, value string) error {
	if allowed, ok := parameter["AllowedValues"].([]any); ok && !slices.ContainsFunc(allowed, func(v any) bool { return text(v) == value }) {
		words := make([]string, len(allowed))
		for i, v := range allowed {
			words[i] = text(v)
		}
		return fmt.Errorf("want one of %s", strings.Join(words, ", "))
	}
	if pattern, ok := parameter["AllowedPattern"].(string); ok {
		fits, err := regexp.Compile(pattern)
		if err != nil {
			return fmt.Errorf("its pattern: %w", err)
		}
		if !fits.MatchString(value) {
			return fmt.Errorf("the value is not valid: %s", text(parameter["Description"]))
		}
	}
	n, err := strconv.Atoi(value)
	if parameter["Type"] == "Number" && err != nil {
		return errors.New("want a number")
	}
	least, most := text(parameter["MinValue"]), text(parameter["MaxValue"])
	if low, err := strconv.Atoi(least); err == nil && n < low {
		return fmt.Errorf("want %s or more", least)
	}
	if high, err := strconv.Atoi(most); err == nil && n > high {
		return fmt.Errorf("want %s or less", most)
	}
	if short, err := strconv.Atoi(text(parameter["MinLength"])); err == nil && len(value) < short {
		return fmt.Errorf("want %d characters or more", short)
	}
	if long, err := strconv.Atoi(text(parameter["MaxLength"])); err == nil && len(value) > long {
		return fmt.Errorf("want %d characters or less", long)
	}
	return nil
}

// A resolver evaluates the intrinsic functions of one template.
type resolver struct {
	place      Place
	values     map[string]string
	mappings   map[string]any
	conditions map[string]any
	resources  map[string]any
	asked      []string // conditions in evaluation
}

// absent stands for AWS::NoValue.
type absent struct{}

// value evaluates one value of any type.
func (r *resolver) value(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return r.call(name, argument)
		}
		return r.object(v)
	case []any:
		var out []any
		for _, item := range v {
			value, err := r.value(item)
			if err != nil {
				return nil, err
			}
			if !isAbsent(value) {
				out = append(out, value)
			}
		}
		return out, nil
	}
	return v, nil
}

func (r *resolver) object(v map[string]any) (any, error) {
	out := map[string]any{}
	for key, item := range v {
		value, err := r.value(item)
		if err != nil {
			return nil, err
		}
		if !isAbsent(value) {
			out[key] = value
		}
	}
	return out, nil
}

func isAbsent(v any) bool {
	_, yes := v.(absent)
	return yes
}

// function reports whether an object is an intrinsic function.
func function(v map[string]any) (name string, argument any, ok bool) {
	if len(v) != 1 {
		return "", nil, false
	}
	for name, argument := range v {
		if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
			_, isObject := argument.(map[string]any)
			return name, argument, name != "Condition" || !isObject
		}
	}
	return "", nil, false
}

func (r *resolver) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return r.ref(text(argument))
	case "Fn::Sub":
		return r.sub(argument)
	case "Fn::If":
		return r.choose(argument)
	case "Fn::GetAtt":
		if list, ok := argument.([]any); ok && len(list) == 2 {
			return r.attribute(text(list[0]), text(list[1])), nil
		}
	case "Fn::FindInMap":
		return r.find(argument)
	case "Condition", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		return r.truth(map[string]any{name: argument})
	}
	return nil, fmt.Errorf("%s: unknown function, or its argument is not valid", name)
}

func (r *resolver) ref(name string) (any, error) {
	switch name {
	case "AWS::NoValue":
		return absent{}, nil
	case "AWS::Partition":
		return r.place.Partition, nil
	case "AWS::AccountId":
		return r.place.Account, nil
	case "AWS::Region":
		return r.place.Region, nil
	}
	if value, ok := r.values[name]; ok {
		return value, nil
	}
	if r.resources[name] == nil {
		return nil, fmt.Errorf("reference %s: neither a parameter nor a resource", name)
	}
	return r.reference(name), nil
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// sub evaluates Fn::Sub, with or without its own variables. ${!x} becomes ${x}.
func (r *resolver) sub(argument any) (any, error) {
	pattern, own := argument, map[string]any{}
	if list, ok := argument.([]any); ok && len(list) == 2 {
		pattern, own = list[0], object(list[1])
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(text(pattern), func(found string) string {
		name := strings.Trim(found, "${}")
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		value, err := r.variable(name, own)
		if err != nil {
			failed = err
		}
		return text(value)
	})
	return out, failed
}

func (r *resolver) variable(name string, own map[string]any) (any, error) {
	if v, ok := own[name]; ok {
		return r.value(v)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return r.attribute(id, attribute), nil
	}
	return r.ref(name)
}

func (r *resolver) choose(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, errors.New("Fn::If: want three arguments")
	}
	yes, err := r.holds(text(list[0]))
	if err != nil {
		return nil, err
	}
	if yes {
		return r.value(list[1])
	}
	return r.value(list[2])
}

func (r *resolver) find(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, errors.New("Fn::FindInMap: want three arguments")
	}
	var keys [3]string
	for i, key := range list {
		value, err := r.value(key)
		if err != nil {
			return nil, err
		}
		keys[i] = text(value)
	}
	value, ok := object(object(r.mappings[keys[0]])[keys[1]])[keys[2]]
	if !ok {
		return nil, fmt.Errorf("mapping %s has no %s for %s", keys[0], keys[2], keys[1])
	}
	return value, nil
}

func (r *resolver) holds(name string) (bool, error) {
	condition, ok := r.conditions[name].(map[string]any)
	switch {
	case !ok:
		return false, fmt.Errorf("condition %s: not defined", name)
	case slices.Contains(r.asked, name):
		return false, fmt.Errorf("condition %s: it refers to itself", name)
	}
	r.asked = append(r.asked, name)
	defer func() { r.asked = r.asked[:len(r.asked)-1] }()
	return r.truth(condition)
}

func (r *resolver) truth(v any) (bool, error) {
	name, argument, ok := function(object(v))
	if !ok {
		return false, errors.New("a condition that is not a function")
	}
	if name == "Condition" {
		return r.holds(text(argument))
	}
	list, _ := argument.([]any)
	if name == "Fn::Equals" && len(list) == 2 {
		a, errA := r.value(list[0])
		b, errB := r.value(list[1])
		return text(a) == text(b), errors.Join(errA, errB)
	}
	all, some := true, false
	for _, item := range list {
		yes, err := r.truth(item)
		if err != nil {
			return false, err
		}
		all, some = all && yes, some || yes
	}
	switch name {
	case "Fn::Not":
		return !some, nil
	case "Fn::And":
		return all, nil
	case "Fn::Or":
		return some, nil
	}
	return false, fmt.Errorf("%s: unknown condition function", name)
}

// reference evaluates Ref of a resource, usually its name.
func (r *resolver) reference(id string) string {
	resource := object(r.resources[id])
	switch text(resource["Type"]) {
	case "AWS::IAM::ManagedPolicy":
		return r.iam(resource, "policy", "ManagedPolicyName")
	case "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::Events::EventBus":
		return r.name(resource, id)
	}
	return "${" + id + "}"
}

// name returns the name of a resource in the template.
func (r *resolver) name(resource map[string]any, id string) string {
	properties := object(resource["Properties"])
	for _, key := range []string{"BucketName", "FunctionName", "Name", "RoleName"} {
		if value, err := r.value(properties[key]); properties[key] != nil && err == nil {
			return text(value)
		}
	}
	return "${" + id + "}"
}

func (r *resolver) iam(resource map[string]any, kind, name string) string {
	properties := object(resource["Properties"])
	return arn.IAM(r.place.Partition, r.place.Account, kind, text(properties["Path"]), text(properties[name]))
}

// attribute evaluates Fn::GetAtt.
func (r *resolver) attribute(id, name string) string {
	resource := object(r.resources[id])
	regional := func(service, rest string) string {
		return "arn:" + r.place.Partition + ":" + service + ":" + r.place.Region + ":" + r.place.Account + ":" + rest
	}
	kind := text(resource["Type"])
	switch {
	case name != "Arn":
		return "${" + id + "." + name + "}"
	case kind == "AWS::IAM::Role":
		return r.iam(resource, "role", "RoleName")
	case kind == "AWS::S3::Bucket":
		return "arn:" + r.place.Partition + ":s3:::" + r.name(resource, id)
	case kind == "AWS::Lambda::Function":
		return regional("lambda", "function:"+r.name(resource, id))
	case kind == "AWS::Events::EventBus":
		return regional("events", "event-bus/"+r.name(resource, id))
	case kind == "AWS::Events::Rule":
		return regional("events", "rule/"+r.name(resource, id))
	case kind == "AWS::SQS::Queue":
		return regional("sqs", id)
	case kind == "AWS::Logs::LogGroup":
		return regional("logs", "log-group:"+id+":*")
	}
	return "${" + id + "." + name + "}"
}

// object returns a value as an object; an empty one otherwise.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// text returns a scalar as CloudFormation compares it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}
