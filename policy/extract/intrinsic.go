package extract

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// unknown stands for text that only a deployment knows.
const unknown = "unknown"

// unknownARN stands for an ARN that only a deployment knows.
const unknownARN = "arn:aws:" + unknown + ":us-east-1:123456789012:" + unknown

// unknownAction stands for an action that only a deployment knows.
const unknownAction = "unknown:Unknown"

// pseudo are the pseudo parameters of CloudFormation, with values to read a
// document by.
// Source: CloudFormation User Guide, "Pseudo parameters reference".
var pseudo = map[string]string{"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::URLSuffix": "amazonaws.com",
	"AWS::StackName": unknown, "AWS::StackId": unknown}

// dynamic matches the dynamic references of CloudFormation.
// Source: CloudFormation User Guide, "Get values stored in other services using dynamic references".
var dynamic = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{\{resolve:(?:ssm|ssm-secure|secretsmanager):[^}]*\}\}`)
})

// unknownAccount matches the beginning of an ARN whose partition or account only a
// deployment knows.
var unknownAccount = regexp.MustCompile(`arn:(aws[\w-]*):([\w-]*:[\w-]*):unknown:`)

// account fills in the partition and the account of the ARNs in a text.
func account(s string) string {
	s = strings.ReplaceAll(s, "arn:"+unknown+":", "arn:aws:")
	return unknownAccount.ReplaceAllString(s, "arn:${1}:${2}:123456789012:")
}

// function is the long name of a function's short form, such as !Sub.
func function(tag string) string {
	name := strings.TrimPrefix(tag, "!")
	if name == "Ref" || name == "Condition" {
		return name
	}
	return "Fn::" + name
}

// resolved replaces a call of an intrinsic function by its text as far as it is
// known, and makes no change to other nodes. An object that holds a replaced value
// has to be printed anew.
func (n *node) resolved() *node {
	if len(n.members) == 1 {
		key, value := n.members[0].key, n.members[0].value
		switch {
		case key == "Ref" && value.scalar == "AWS::NoValue":
			return &node{kind: absent, line: n.line}
		case key == "Fn::If" && value.kind == array && len(value.elements) == 3:
			return &node{kind: choice, line: n.line, elements: value.elements[1:]}
		case key == "Ref" || strings.HasPrefix(key, "Fn::") && !strings.HasPrefix(key, forEach):
			known := call(key, value)
			return &node{kind: text, line: n.line, scalar: known, made: known == unknown, filled: true}
		}
	}
	if n.rewritten() {
		n.source = ""
	}
	return n
}

// forEach begins the name of a loop of CloudFormation. Its third element is repeated
// for each value of the variable that the first names.
// Source: CloudFormation User Guide, "Fn::ForEach".
const forEach = "Fn::ForEach::"

// serverless matches the variables of the Serverless Framework.
// Source: Serverless Framework, "Variables".
var serverless = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{(?:(?:self|opt|env|param|ssm|cf|sls|s3|git)[:(]|file\(|aws:(?:accountId|region|stage)\b)[^}]*\}`)
})

// replace puts text that only a deployment knows in the place of variables. It reports
// whether a node has any.
func (n *node) replace(variable *regexp.Regexp) (found bool) {
	for i := range n.members {
		found = n.members[i].value.replace(variable) || found
	}
	for _, e := range n.elements {
		found = e.replace(variable) || found
	}
	if n.kind == text && variable.MatchString(n.scalar) {
		n.scalar, found = account(variable.ReplaceAllString(n.scalar, unknown)), true
		n.made, n.filled = n.scalar == unknown, true
	}
	if found {
		n.source = ""
	}
	return found
}

// open reports whether a node depends on a condition of the template.
func (n *node) open() bool {
	if n.kind == choice || n.kind == absent {
		return true
	}
	for i := range n.members {
		if n.members[i].value.open() {
			return true
		}
	}
	return slices.ContainsFunc(n.elements, (*node).open)
}

// chosen returns a node as the template has it when all its conditions are true (0) or
// false (1).
func (n *node) chosen(which int) *node {
	switch {
	case n.kind == choice:
		return n.elements[which].chosen(which)
	case !n.open():
		return n
	}
	out := &node{kind: n.kind, line: n.line}
	for _, m := range n.members {
		if v := m.value.chosen(which); v.kind != absent {
			out.members = append(out.members, member{key: m.key, value: v})
		}
	}
	for _, e := range n.elements {
		if v := e.chosen(which); v.kind != absent {
			out.elements = append(out.elements, v)
		}
	}
	return out
}

// rewritten reports whether a value below a node differs from the file.
func (n *node) rewritten() bool {
	for i := range n.members {
		if v := n.members[i].value; v.source == "" || v.kind == array && v.rewritten() {
			return true
		}
	}
	for _, e := range n.elements {
		if e.source == "" || e.kind == array && e.rewritten() {
			return true
		}
	}
	return false
}

// call is the text of an intrinsic function.
// Source: CloudFormation User Guide, "Intrinsic function reference".
func call(name string, argument *node) string {
	switch name {
	case "Ref":
		if value, ok := pseudo[argument.scalar]; ok {
			return value
		}
	case "Fn::Sub":
		template := argument
		if argument.kind == array && len(argument.elements) > 0 {
			template = argument.elements[0]
		}
		return account(substitute(template.scalar))
	case "Fn::Join":
		if argument.kind == array && len(argument.elements) == 2 && argument.elements[1].kind == array {
			var parts []string
			for _, e := range argument.elements[1].elements {
				parts = append(parts, e.scalar)
			}
			return account(strings.Join(parts, argument.elements[0].scalar))
		}
	case "Fn::GetAtt":
		name := argument.scalar
		if argument.kind == array && len(argument.elements) == 2 {
			name = argument.elements[1].scalar
		}
		if strings.HasSuffix(name, "Arn") {
			return unknownARN
		}
	}
	return unknown
}

// substitute fills in a template of Fn::Sub: ${!x} is the text ${x}.
func substitute(template string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		template = after
		if escaped, is := strings.CutPrefix(name, "!"); is {
			out.WriteString("${" + escaped + "}")
		} else if value, ok := pseudo[name]; ok {
			out.WriteString(value)
		} else {
			out.WriteString(unknown)
		}
	}
}
