package cfnsvc

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	goyaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"forcemfa/policy/yaml"
)

// A template is a parsed template.
type template struct {
	parameters, mappings, conditions, resources, outputs map[string]any
	description                                          string
}

// largestTemplate is the limit of a template in a request.
// Source: CloudFormation User Guide, "Understand CloudFormation quotas".
const largestTemplate = 51200

// parseTemplate reads a template in YAML or JSON.
// Source: CloudFormation User Guide, "Template format", YAML: aliases are not supported.
func parseTemplate(text string) (*template, error) {
	if len(text) == 0 || len(text) > largestTemplate {
		return nil, fmt.Errorf("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length between 1 and %d", largestTemplate)
	}
	file, err := yaml.Parse(text)
	switch {
	case err != nil:
		return nil, awsError("Template format error: YAML not well-formed. (%v)", err)
	case len(file.Docs) != 1:
		return nil, awsError("Template format error: YAML not well-formed. (it has %d documents)", len(file.Docs))
	case len(ast.Filter(ast.AliasType, file.Docs[0].Body)) > 0: // ten of them can stand for millions of values
		return nil, awsError("Template format error: YAML aliases are not allowed in CloudFormation templates")
	}
	var whole map[string]any
	if err := goyaml.NodeToValue(file.Docs[0].Body, &whole); err != nil {
		return nil, awsError("Template format error: %v", err)
	}
	t := &template{
		parameters: object(whole["Parameters"]), mappings: object(whole["Mappings"]), conditions: object(whole["Conditions"]),
		resources: object(whole["Resources"]), outputs: object(whole["Outputs"]), description: text0(whole["Description"]),
	}
	if len(t.resources) == 0 {
		return nil, awsError("Template format error: At least one Resources member must be defined.")
	}
	for id, r := range t.resources {
		if kind := text0(object(r)["Type"]); providers[kind] == nil {
			return nil, awsError("Template format error: Unrecognized resource types: [%s] (%s); the embedded AWS creates %s", kind, id, strings.Join(slices.Sorted(maps.Keys(providers)), ", "))
		}
	}
	return t, nil
}

// object returns a value as an object; an empty one otherwise.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// text0 returns a scalar as text; empty for anything else.
func text0(v any) string {
	switch v := v.(type) {
	case nil, map[string]any, []any:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

func number(v any) int {
	n, _ := strconv.Atoi(text0(v))
	return n
}

// document returns a value as JSON.
func document(v any) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// values checks the parameters of a request and adds the defaults.
func (t *template) values(given map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.parameters)) {
		declared := object(t.parameters[name])
		value, ok := given[name]
		if !ok {
			if declared["Default"] == nil {
				return nil, awsError("Parameters: [%s] must have values", name)
			}
			value = text0(declared["Default"])
		}
		if !fits(declared, value) {
			return nil, awsError("Parameter '%s' must match its constraints: %s", name, text0(declared["Description"]))
		}
		all[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if t.parameters[name] == nil {
			return nil, awsError("Parameters: [%s] do not exist in the template", name)
		}
	}
	return all, nil
}

func fits(declared map[string]any, value string) bool {
	if allowed := list(declared["AllowedValues"]); len(allowed) > 0 {
		found := false
		for _, v := range allowed {
			found = found || text0(v) == value
		}
		if !found {
			return false
		}
	}
	if pattern := text0(declared["AllowedPattern"]); pattern != "" {
		if p, err := regexp.Compile(`^(?:` + pattern + `)$`); err != nil || !p.MatchString(value) {
			return false
		}
	}
	n, err := strconv.ParseFloat(value, 64)
	if text0(declared["Type"]) == "Number" && err != nil {
		return false
	}
	return bounds(declared, "MinValue", "MaxValue", n) && bounds(declared, "MinLength", "MaxLength", float64(len(value)))
}

func bounds(declared map[string]any, low, high string, n float64) bool {
	if least, err := strconv.ParseFloat(text0(declared[low]), 64); err == nil && n < least {
		return false
	}
	most, err := strconv.ParseFloat(text0(declared[high]), 64)
	return err != nil || n <= most
}

// A scope evaluates the intrinsic functions of a template for one stack. Package deploy
// evaluates them too: the emulator shares no code with it, so that a mistake in one shows
// in the other.
type scope struct {
	*template
	partition, account, region, stackID, stackName string
	values                                         map[string]string
	made                                           map[string]*Resource // by logical ID
	deciding                                       []string             // conditions in evaluation
}

// errUnknown means that a value is not known before a resource was created.
var errUnknown = errors.New("known after creation")

// noValue stands for AWS::NoValue.
type noValue struct{}

func (s *scope) eval(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, argument)
				}
			}
		}
		out := map[string]any{}
		for key, item := range v {
			value, err := s.eval(item)
			if err != nil {
				return nil, err
			}
			if _, none := value.(noValue); !none {
				out[key] = value
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, item := range v {
			value, err := s.eval(item)
			if err != nil {
				return nil, err
			}
			if _, none := value.(noValue); !none {
				out = append(out, value)
			}
		}
		return out, nil
	}
	return v, nil
}

func (s *scope) call(name string, argument any) (any, error) {
	args := list(argument)
	switch {
	case name == "Ref":
		return s.ref(text0(argument))
	case name == "Fn::GetAtt" && len(args) == 2:
		return s.attribute(text0(args[0]), text0(args[1]))
	case name == "Fn::Sub":
		return s.sub(argument)
	case name == "Fn::If" && len(args) == 3:
		yes, err := s.condition(text0(args[0]))
		if err != nil {
			return nil, err
		}
		if yes {
			return s.eval(args[1])
		}
		return s.eval(args[2])
	case name == "Fn::FindInMap" && len(args) == 3:
		return s.find(args)
	}
	return nil, awsError("Template error: the embedded AWS does not evaluate %s with this argument", name)
}

func (s *scope) ref(name string) (any, error) {
	pseudo := map[string]any{
		"AWS::NoValue": noValue{}, "AWS::Partition": s.partition, "AWS::AccountId": s.account, "AWS::Region": s.region,
		"AWS::StackName": s.stackName, "AWS::StackId": s.stackID, "AWS::URLSuffix": "amazonaws.com",
	}
	if value, ok := pseudo[name]; ok {
		return value, nil
	}
	if value, ok := s.values[name]; ok {
		return value, nil
	}
	switch r := s.made[name]; {
	case s.resources[name] == nil:
		return nil, awsError("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
	case r == nil:
		return nil, errUnknown
	default:
		return r.Physical, nil
	}
}

func (s *scope) attribute(id, name string) (any, error) {
	r := s.made[id]
	if r == nil {
		if s.resources[id] == nil {
			return nil, awsError("Template error: instance of Fn::GetAtt references undefined resource %s", id)
		}
		return nil, errUnknown
	}
	value, ok := r.Attributes[name]
	if !ok {
		return nil, awsError("Template error: resource %s does not support attribute type %s in Fn::GetAtt", id, name)
	}
	return value, nil
}

// variable is ${…} in Fn::Sub.
var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{[^}]*\}`) })

func (s *scope) sub(argument any) (any, error) {
	pattern, own := text0(argument), map[string]any{}
	if args := list(argument); len(args) == 2 {
		pattern, own = text0(args[0]), object(args[1])
	}
	var failed error
	out := variable().ReplaceAllStringFunc(pattern, func(found string) string {
		name := found[2 : len(found)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var value any
		var err error
		if v, ok := own[name]; ok {
			value, err = s.eval(v)
		} else if id, attribute, ok := strings.Cut(name, "."); ok {
			value, err = s.attribute(id, attribute)
		} else {
			value, err = s.ref(name)
		}
		if err != nil && failed == nil {
			failed = err
		}
		return text0(value)
	})
	return out, failed
}

func (s *scope) find(args []any) (any, error) {
	var keys [3]string
	for i, arg := range args {
		value, err := s.eval(arg)
		if err != nil {
			return nil, err
		}
		keys[i] = text0(value)
	}
	value, ok := object(object(s.mappings[keys[0]])[keys[1]])[keys[2]]
	if !ok {
		return nil, awsError("Template error: Unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
	}
	return value, nil
}

func (s *scope) condition(name string) (bool, error) {
	c, ok := s.conditions[name]
	switch {
	case !ok:
		return false, awsError("Template format error: Unresolved condition dependency %s", name)
	case slices.Contains(s.deciding, name):
		return false, awsError("Template format error: Circular condition dependency %s", name)
	}
	s.deciding = append(s.deciding, name)
	defer func() { s.deciding = s.deciding[:len(s.deciding)-1] }()
	return s.truth(c)
}

func (s *scope) truth(v any) (bool, error) {
	for name, argument := range object(v) {
		args := list(argument)
		switch name {
		case "Condition":
			return s.condition(text0(argument))
		case "Fn::Equals":
			if len(args) == 2 {
				a, errA := s.eval(args[0])
				b, errB := s.eval(args[1])
				return text0(a) == text0(b), errors.Join(errA, errB)
			}
		case "Fn::Not", "Fn::And", "Fn::Or":
			return s.combined(name, args)
		}
	}
	return false, awsError("Template validation error: a condition is not valid")
}

func (s *scope) combined(name string, args []any) (bool, error) {
	all, some := true, false
	for _, arg := range args {
		yes, err := s.truth(arg)
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
	}
	return some, nil
}

// order returns the IDs of the resources whose condition holds, each after those that it
// refers to.
func (s *scope) order() ([]string, error) {
	var ids []string
	wanted := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(s.resources)) {
		yes := true
		if name := text0(object(s.resources[id])["Condition"]); name != "" {
			var err error
			if yes, err = s.condition(name); err != nil {
				return nil, err
			}
		}
		wanted[id] = yes
	}
	visiting := map[string]bool{}
	var visit func(id string) error
	visit = func(id string) error {
		switch {
		case !wanted[id] || slices.Contains(ids, id):
			return nil
		case visiting[id]:
			return awsError("Circular dependency between resources: [%s]", id)
		}
		visiting[id] = true
		for _, other := range s.references(object(s.resources[id])) {
			if err := visit(other); err != nil {
				return err
			}
		}
		ids = append(ids, id)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(s.resources)) {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// references returns the resources that a value refers to, sorted.
func (s *scope) references(v any) []string {
	found := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, argument := range v {
				switch name {
				case "Ref", "DependsOn":
					found[text0(argument)] = true
				case "Fn::GetAtt":
					if args := list(argument); len(args) > 0 {
						found[text0(args[0])] = true
					}
				case "Fn::Sub":
					pattern := text0(argument)
					if args := list(argument); len(args) == 2 {
						pattern = text0(args[0])
					}
					for _, name := range variable().FindAllString(pattern, -1) {
						id, _, _ := strings.Cut(name[2:len(name)-1], ".")
						found[id] = true
					}
				}
				walk(argument)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(v)
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if s.resources[id] != nil {
			ids = append(ids, id)
		}
	}
	return ids
}
