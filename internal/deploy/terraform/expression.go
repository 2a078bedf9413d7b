package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// absent is the value AWS::NoValue: a member or item that is not there.
const absent = "null"

// A translator turns values of a template into expressions of Terraform.
type translator struct {
	parameters, mappings, conditions, resources map[string]any
}

// expression translates a value; an intrinsic function becomes the expression of
// Terraform with the same result.
// Source: CloudFormation User Guide, "Intrinsic function reference".
func (t *translator) expression(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return absent, nil
	case string:
		return quote(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		return t.list(v)
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return t.call(name, argument)
		}
		return t.object(v)
	}
	text, err := json.Marshal(v) // numbers
	return string(text), err
}

// list translates a list. Items that are there under a condition need concat,
// because null is an item too.
func (t *translator) list(items []any) (string, error) {
	var parts, plain []string
	flush := func() {
		if len(plain) > 0 {
			parts = append(parts, "["+strings.Join(plain, ", ")+"]")
			plain = nil
		}
	}
	for _, item := range items {
		text, optional, err := t.optional(item)
		if err != nil {
			return "", err
		}
		if optional == "" {
			plain = append(plain, text)
			continue
		}
		flush()
		parts = append(parts, fmt.Sprintf("%s ? [%s] : []", optional, text))
	}
	flush()
	switch {
	case len(parts) == 0:
		return "[]", nil
	case len(parts) == 1 && strings.HasPrefix(parts[0], "["):
		return parts[0], nil
	}
	return "concat(\n" + strings.Join(parts, ",\n") + ",\n)", nil
}

// optional translates an item and returns the condition under which it is there;
// empty for always.
func (t *translator) optional(item any) (text, condition string, err error) {
	m, _ := item.(map[string]any)
	name, argument, ok := function(m)
	if !ok || name != "Fn::If" {
		text, err = t.expression(item)
		return text, "", err
	}
	condition, yes, no, err := branches(argument)
	if err != nil {
		return "", "", err
	}
	switch {
	case isAbsent(no):
		text, err = t.expression(yes)
		return text, local(condition), err
	case isAbsent(yes):
		text, err = t.expression(no)
		return text, "!" + local(condition), err
	}
	text, err = t.expression(item)
	return text, "", err
}

// object translates an object whose members are all there.
func (t *translator) object(m map[string]any) (string, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	var out strings.Builder
	out.WriteString("{\n")
	for _, key := range slices.SortedFunc(maps.Keys(m), statementOrder) {
		if _, condition, err := t.optional(m[key]); err != nil || condition != "" {
			return "", fmt.Errorf("member %s is there under a condition only: an object of Terraform cannot have it (%v)", key, err)
		}
		text, err := t.expression(m[key])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		name := key
		if !identifier.MatchString(key) {
			name = quote(key)
		}
		fmt.Fprintf(&out, "%s = %s\n", name, text)
	}
	return out.String() + "}", nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// statementOrder sorts the members of a policy as AWS's examples do, and others by name.
func statementOrder(a, b string) int {
	if d := position(a) - position(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func position(member string) int {
	i := slices.Index([]string{"Version", "Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}, member)
	if i < 0 {
		return 100
	}
	return i
}

// function returns the intrinsic function that an object calls.
func function(v map[string]any) (name string, argument any, ok bool) {
	if len(v) != 1 {
		return "", nil, false
	}
	for name, argument := range v {
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return name, argument, true
		}
		if text, isText := argument.(string); name == "Condition" && isText {
			return name, text, true
		}
	}
	return "", nil, false
}

func (t *translator) call(name string, argument any) (string, error) {
	items, _ := argument.([]any)
	switch name {
	case "Ref":
		return t.ref(fmt.Sprint(argument))
	case "Condition":
		return local(fmt.Sprint(argument)), nil
	case "Fn::GetAtt":
		if len(items) == 2 {
			return t.attribute(fmt.Sprint(items[0]), fmt.Sprint(items[1]))
		}
	case "Fn::Sub":
		if text, ok := argument.(string); ok {
			return t.sub(text)
		}
	case "Fn::If":
		condition, yes, no, err := branches(argument)
		if err != nil {
			return "", err
		}
		a, err := t.expression(yes)
		if err != nil {
			return "", err
		}
		b, err := t.expression(no)
		return fmt.Sprintf("%s ? %s : %s", local(condition), a, b), err
	case "Fn::Not":
		if len(items) == 1 {
			inner, err := t.expression(items[0])
			return "!(" + inner + ")", err
		}
	case "Fn::And", "Fn::Or", "Fn::Equals":
		return t.join(items, map[string]string{"Fn::And": " && ", "Fn::Or": " || ", "Fn::Equals": " == "}[name])
	case "Fn::FindInMap":
		if len(items) == 3 {
			return t.find(items)
		}
	}
	return "", fmt.Errorf("%s with %v has no translation", name, argument)
}

func (t *translator) join(items []any, operator string) (string, error) {
	var out []string
	for _, item := range items {
		text, err := t.expression(item)
		if err != nil {
			return "", err
		}
		out = append(out, text)
	}
	return strings.Join(out, operator), nil
}

func (t *translator) find(items []any) (string, error) {
	out := "local." + snake(fmt.Sprint(items[0]))
	for _, key := range items[1:] {
		text, err := t.expression(key)
		if err != nil {
			return "", err
		}
		out += "[" + text + "]"
	}
	return out, nil
}

func branches(argument any) (condition string, yes, no any, err error) {
	items, _ := argument.([]any)
	if len(items) != 3 {
		return "", nil, nil, fmt.Errorf("Fn::If with %d arguments", len(items))
	}
	return fmt.Sprint(items[0]), items[1], items[2], nil
}

func isAbsent(v any) bool {
	m, _ := v.(map[string]any)
	return len(m) == 1 && m["Ref"] == "AWS::NoValue"
}

// pseudo are the pseudo parameters.
var pseudo = map[string]string{
	"AWS::Partition": "data.aws_partition.current.partition",
	"AWS::AccountId": "data.aws_caller_identity.current.account_id",
	"AWS::Region":    "data.aws_region.current.name",
	"AWS::NoValue":   absent,
}

func (t *translator) ref(name string) (string, error) {
	if text, ok := pseudo[name]; ok {
		return text, nil
	}
	if _, ok := t.parameters[name]; ok {
		return "var." + snake(name), nil
	}
	return t.attribute(name, "Ref")
}

// attribute translates an attribute of a resource; Ref is its reference. A resource
// under a condition has a count, and is null without it.
func (t *translator) attribute(id, name string) (string, error) {
	r, ok := t.resources[id].(map[string]any)
	if !ok {
		return "", fmt.Errorf("%s is neither a parameter nor a resource", id)
	}
	k, ok := kinds[fmt.Sprint(r["Type"])]
	if !ok {
		return "", fmt.Errorf("resource %s: type %v has no translation", id, r["Type"])
	}
	attribute, ok := k.attributes[name]
	if !ok {
		return "", fmt.Errorf("resource %s: attribute %s of %v has no translation", id, name, r["Type"])
	}
	if r["Condition"] != nil {
		return fmt.Sprintf("one(%s.%s[*].%s)", k.resource, snake(id), attribute), nil
	}
	return fmt.Sprintf("%s.%s.%s", k.resource, snake(id), attribute), nil
}

var placeholder = regexp.MustCompile(`\$\{(!?)([A-Za-z0-9:.]+)\}`)

// sub translates the text of Fn::Sub.
func (t *translator) sub(text string) (string, error) {
	var out strings.Builder
	out.WriteByte('"')
	last := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(escape(text[last:m[0]]))
		last = m[1]
		name := text[m[4]:m[5]]
		if m[3] > m[2] { // ${!Literal}
			out.WriteString(escape("${" + name + "}"))
			continue
		}
		id, attribute, found := strings.Cut(name, ".")
		value, err := t.ref(id)
		if found {
			value, err = t.attribute(id, attribute)
		}
		if err != nil {
			return "", err
		}
		out.WriteString("${" + value + "}")
	}
	out.WriteString(escape(text[last:]))
	return out.String() + `"`, nil
}

func quote(s string) string { return `"` + escape(s) + `"` }

// escape writes a text as part of a quoted template of HCL.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{").Replace(s)
}

func local(condition string) string { return "local." + snake(condition) }

var words = regexp.MustCompile(`[A-Z]+[0-9]*[a-z]*`)

// snake turns a name of CloudFormation into one of Terraform: SNSTopic into sns_topic.
func snake(name string) string {
	for _, acronym := range []string{"SNS", "URL", "S3", "MFA"} {
		name = strings.ReplaceAll(name, acronym, acronym[:1]+strings.ToLower(acronym[1:]))
	}
	return strings.ToLower(strings.Join(words.FindAllString(name, -1), "_"))
}
