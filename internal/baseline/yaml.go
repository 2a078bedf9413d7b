package baseline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"forcemfa/policy/yaml"
)

// A ConfigError says where a config file is wrong, and why.
type ConfigError struct {
	Name         string // of the file
	Line, Column int    // from 1
	Message      string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}

// A node is a value of the config file and the key that holds it.
type node struct {
	name string // of the file
	key  string
	path string // of the key, as window.days or exemptions[0].match
	ast  ast.Node
}

// maxConfigSize is far above any config that people write.
const maxConfigSize = 1 << 20

// parseYAML reads the one document of a file.
func parseYAML(name string, text []byte) (root node, err error) {
	fail := func(line, column int, message string) (node, error) {
		return node{}, &ConfigError{Name: name, Line: line, Column: column, Message: message}
	}
	if len(text) > maxConfigSize {
		return fail(1, 1, fmt.Sprintf("a config file has at most %d bytes; this has %d", maxConfigSize, len(text)))
	}
	file, err := yaml.Parse(string(text))
	if err != nil {
		at := yaml.Error{Line: 1, Column: 1, Message: err.Error()}
		if e := (*yaml.Error)(nil); errors.As(err, &e) {
			at = *e
		}
		return fail(at.Line, at.Column, at.Message)
	}
	switch {
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return fail(1, 1, "the file is empty; it begins with version: 1")
	case len(file.Docs) > 1 && file.Docs[1].Body != nil:
		return fail(node{ast: file.Docs[1].Body}.line(), 1, "a second document; a config file has one")
	}
	return node{name: name, ast: file.Docs[0].Body}, nil
}

func (n node) errorf(format string, args ...any) error {
	line, column := n.position()
	message := fmt.Sprintf(format, args...)
	if strings.ContainsAny(n.path, ".[") { // a key of the top level is in the message
		message = n.path + ": " + strings.TrimPrefix(message, n.key+": ")
	}
	return &ConfigError{Name: n.name, Line: line, Column: column, Message: message}
}

func (n node) line() int {
	line, _ := n.position()
	return line
}

// position is where the value starts. The library puts a mapping at its first
// colon, so its first key is asked instead.
func (n node) position() (line, column int) {
	at := n.ast
	if at == nil {
		return 1, 1
	}
	if pairs, ok := pairsOf(at); ok && len(pairs) > 0 {
		at = pairs[0].Key
	}
	if at == nil || at.GetToken() == nil || at.GetToken().Position == nil {
		return 1, 1
	}
	return at.GetToken().Position.Line, at.GetToken().Position.Column
}

// mapping reads a mapping with these keys and no others.
func (n node) mapping(fields []field) error {
	pairs, ok := pairsOf(n.ast)
	if !ok {
		return n.errorf("%swant a mapping with %s; this is %s", n.prefix(), keys(fields), n.kind())
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		if err := n.pair(p, fields, seen); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if f.required && !seen[f.key] {
			return n.errorf("%s%s is missing", n.prefix(), f.key)
		}
	}
	return nil
}

// below is the path of a key in the mapping.
func (n node) below(key string) string {
	if n.path == "" {
		return key
	}
	return n.path + "." + key
}

// pair reads one key with its value.
func (n node) pair(p *ast.MappingValueNode, fields []field, seen map[string]bool) error {
	key := node{name: n.name, key: n.key, path: n.path, ast: p.Key}
	text, err := key.text()
	if err != nil {
		return key.errorf("%sa key is %s; allowed are %s", n.prefix(), key.kind(), keys(fields))
	}
	if seen[text] {
		return key.errorf("%s%s is given twice", n.prefix(), text)
	}
	seen[text] = true
	for _, f := range fields {
		if f.key == text {
			return f.value.read(node{name: n.name, key: text, path: n.below(text), ast: p.Value})
		}
	}
	return key.errorf("%sunknown key %s; allowed are %s", n.prefix(), text, keys(fields))
}

// list reads a sequence.
func (n node) list(read func(node) error) error {
	sequence, ok := n.ast.(*ast.SequenceNode)
	if !ok {
		return n.errorf("%swant a list; this is %s", n.prefix(), n.kind())
	}
	for i, item := range sequence.Values {
		if err := read(node{name: n.name, key: n.key, path: fmt.Sprintf("%s[%d]", n.path, i), ast: item}); err != nil {
			return err
		}
	}
	return nil
}

// text is a string; a number or a word like true must be quoted to be one.
func (n node) text() (string, error) {
	switch s := n.ast.(type) {
	case *ast.StringNode:
		return s.Value, nil
	case *ast.LiteralNode:
		return s.Value.Value, nil
	}
	return "", n.errorf("%swant text; this is %s: put it in quotes", n.prefix(), n.kind())
}

// whole is a number without fraction, as int.
func (n node) whole() (int, error) {
	if i, ok := n.ast.(*ast.IntegerNode); ok {
		switch v := i.Value.(type) {
		case int64:
			return int(v), nil
		case uint64:
			return int(min(v, 1<<31)), nil
		}
	}
	return 0, n.errorf("%swant a whole number; this is %s", n.prefix(), n.kind())
}

// decimal is a number with or without fraction.
func (n node) decimal() (float64, error) {
	if f, ok := n.ast.(*ast.FloatNode); ok {
		return f.Value, nil
	}
	i, err := n.whole()
	if err != nil {
		return 0, n.errorf("%swant a number; this is %s", n.prefix(), n.kind())
	}
	return float64(i), nil
}

func (n node) truth() (bool, error) {
	if v, ok := n.ast.(*ast.BoolNode); ok {
		return v.Value, nil
	}
	return false, n.errorf("%swant true or false; this is %s", n.prefix(), n.kind())
}

// kind says what the value is, for errors.
func (n node) kind() string {
	switch n.ast.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which a config file does not have"
	case *ast.TagNode:
		return "a YAML tag, which a config file does not have"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.BoolNode:
		return "true or false"
	}
	return "a number"
}

func (n node) prefix() string {
	if n.key == "" {
		return ""
	}
	return n.key + ": "
}

// pairsOf are the keys and values of a mapping; the library has another type
// for a mapping of one pair.
func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func keys(fields []field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.key)
	}
	return strings.Join(names, ", ")
}
