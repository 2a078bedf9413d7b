package extract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"forcemfa/policy/yaml"
)

// A nodeKind is what a node is.
type nodeKind uint8

const (
	literal nodeKind = iota // a number, true, false or null, as it is written
	text
	object
	array
	choice // one of the elements: Fn::If
	absent // AWS::NoValue
)

// A node is a value of a JSON or YAML file with its line.
type node struct {
	kind     nodeKind
	line     int
	scalar   string
	members  []member
	elements []*node
	source   string // as the file has it; empty if it has to be printed
	made     bool   // the text of an intrinsic function that is not known
	filled   bool   // an intrinsic function or a variable gave the text or a part of it
}

type member struct {
	key    string
	value  *node
	merged bool // by a merge key of YAML: members of the object itself come before it
}

func (n *node) object() bool { return n != nil && n.kind == object }

// member returns the value of a key, nil if there is none.
func (n *node) member(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// text returns the scalar of a key, empty if there is none.
func (n *node) text(key string) string {
	if m := n.member(key); m != nil && (m.kind == text || m.kind == literal) {
		return m.scalar
	}
	return ""
}

// moveTo gives a node and all below it one line: those of a string in a file.
func (n *node) moveTo(line int) {
	n.line = line
	for i := range n.members {
		n.members[i].value.moveTo(line)
	}
	for _, e := range n.elements {
		e.moveTo(line)
	}
}

// maxDepth bounds the nesting of a file.
const maxDepth = yaml.MaxDepth

var errDeep = fmt.Errorf("nested deeper than %d levels", maxDepth)

// decodeText makes UTF-8 of a file: Windows tools write UTF-16.
func decodeText(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xfe, 0xff}), bytes.HasPrefix(b, []byte{'{', 0, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0, '{'}):
		return "", &NotFoundError{"UTF-32; save the file in UTF-8", true}
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return "", &NotFoundError{"compressed with gzip; lint the output of: gzip -dc FILE", true}
	}
	big := bytes.HasPrefix(b, []byte{0xfe, 0xff})
	little := bytes.HasPrefix(b, []byte{0xff, 0xfe})
	switch { // without a byte order mark, the zero bytes of ASCII tell
	case big || little || len(b) < 4 || len(b)%2 != 0:
	case b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		b, big = append([]byte{0xfe, 0xff}, b...), true
	case b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
		b, little = append([]byte{0xff, 0xfe}, b...), true
	}
	if !big && !little {
		s := strings.TrimPrefix(string(b), "\ufeff")
		if !utf8.ValidString(s) {
			return "", errors.New("the text is neither UTF-8 nor UTF-16")
		}
		return s, nil
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		if big {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		} else {
			units = append(units, uint16(b[i+1])<<8|uint16(b[i]))
		}
	}
	return string(utf16.Decode(units)), nil
}

// parse reads one value or several of JSON, or YAML documents.
func parse(s string) ([]*node, error) {
	begin := strings.TrimLeft(s, " \t\r\n")
	if begin == "" {
		return nil, &NotFoundError{Why: "the file is empty", Recognized: true}
	}
	if why := otherLanguage(s, begin); why != "" {
		return nil, &NotFoundError{Why: why, Recognized: true}
	}
	if begin[0] == '"' || strings.HasPrefix(strings.ToUpper(begin), "%7B") {
		if roots, ok := parseTexts(begin); ok {
			return roots, nil
		}
	}
	if begin[0] == '{' || begin[0] == '[' {
		roots, err := parseJSON(s)
		if err != nil && comment().MatchString(begin) {
			return nil, errComments
		}
		if err == nil || begin[0] == '[' || strings.Contains(begin, `"`) {
			return roots, err
		}
	}
	return parseYAML(s)
}

// Blocks of Terraform's language, and the output of the AWS CLI as text and as a table.
var (
	terraform = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^(resource|data|module|locals|variable|provider|terraform|output)(\s+"[^"\n]*")*\s*\{\s*(#.*)?$`)
	})
	asText  = regexp.MustCompile(`^[A-Za-z]+\t`)
	asTable = regexp.MustCompile(`^-{3,}\r?\n\|`)
)

// otherLanguage says what a text is that cannot be read, and what to lint in its place;
// empty if it may be JSON or YAML.
func otherLanguage(s, begin string) string {
	switch {
	case terraform().MatchString(s), strings.Contains(s, "resource \"aws_"), strings.Contains(s, "data \"aws_"):
		return "Terraform's language; lint the output of: terraform show -json PLAN"
	case asText.MatchString(begin), asTable.MatchString(begin):
		return "output of the AWS CLI as text or table; get it with --output json"
	case strings.HasPrefix(begin, "//"), strings.HasPrefix(begin, "/*"):
		return errComments.Why
	case strings.HasPrefix(begin, "{") && strings.ContainsAny(begin, "\u201c\u201d") && !strings.Contains(begin, `"`):
		return "JSON with typographic quotation marks; replace them by straight ones"
	}
	return ""
}

// comment matches a comment where JSON has a name.
var comment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[{,]\s*(//|/\*)`) })

var errComments = &NotFoundError{"JSON with comments, which IAM refuses; remove the comments", true}

// parseTexts reads JSON strings, or one URL-encoded text, that hold documents.
func parseTexts(s string) ([]*node, bool) {
	if s[0] == '%' {
		return []*node{{kind: text, line: 1, scalar: s}}, true
	}
	roots, err := parseJSON(s)
	return roots, err == nil && !slices.ContainsFunc(roots, func(n *node) bool { return n.kind != text })
}

// parseJSON reads the JSON values of a text, one after the other.
func parseJSON(s string) (roots []*node, err error) {
	r := reader{text: s, d: json.NewDecoder(strings.NewReader(s)), line: 1}
	r.d.UseNumber()
	for {
		n, err := r.value(0)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			r.count(int(r.d.InputOffset()))
			return nil, fmt.Errorf("line %d: %w", r.line, err)
		}
		roots = append(roots, n)
	}
}

type reader struct {
	text    string
	d       *json.Decoder
	counted int // up to where lines were counted
	line    int
}

// count moves the line counter to an offset, which never goes back.
func (r *reader) count(to int) {
	if to > r.counted {
		r.line += strings.Count(r.text[r.counted:to], "\n")
		r.counted = to
	}
}

// begin is the offset of the next token.
func (r *reader) begin() int {
	at := int(r.d.InputOffset())
	return at + len(r.text[at:]) - len(strings.TrimLeft(r.text[at:], " \t\r\n,:"))
}

func (r *reader) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	start := r.begin()
	r.count(start)
	n := &node{line: r.line}
	t, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if n.kind = array; t == '{' {
			n.kind = object
		}
		for r.d.More() {
			if n.kind == object {
				key, err := r.d.Token()
				if err != nil {
					return nil, err
				}
				v, err := r.value(depth + 1)
				if err != nil {
					return nil, noEOF(err)
				}
				n.members = append(n.members, member{key: key.(string), value: v})
				continue
			}
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, noEOF(err)
			}
			n.elements = append(n.elements, v)
		}
		if _, err := r.d.Token(); err != nil {
			return nil, noEOF(err)
		}
	case string:
		n.kind, n.scalar = text, t
	case nil:
		n.scalar = "null"
	default:
		n.scalar = fmt.Sprint(t)
	}
	if n.source = r.text[start:r.d.InputOffset()]; n.kind == object {
		return n.resolved(), nil
	}
	return n, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseYAML reads the documents of a YAML file.
func parseYAML(s string) (roots []*node, err error) {
	file, err := yaml.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("neither JSON nor YAML: %w", err)
	}
	r := &yamlReader{anchors: map[string]ast.Node{}, left: maxRepeated}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		n, err := fromYAML(d.Body, r, 0)
		if err != nil {
			return nil, err
		}
		roots = append(roots, n)
	}
	if len(roots) == 1 && roots[0].kind == text {
		return nil, &NotFoundError{Why: "neither JSON nor YAML with an object"}
	}
	return roots, nil
}

// A yamlReader follows aliases, which can make a small file huge.
type yamlReader struct {
	anchors map[string]ast.Node
	within  int // aliases that are being followed
	left    int // values that aliases may still repeat
}

// maxRepeated bounds the values that the aliases of a file repeat.
const maxRepeated = 100_000

// check bounds the depth of a value, and the values that aliases repeat.
func (r *yamlReader) check(line, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: %w", line, errDeep)
	}
	if r.within > 0 {
		r.left--
	}
	if r.left < 0 {
		return fmt.Errorf("line %d: the aliases of the file repeat more than %d values", line, maxRepeated)
	}
	return nil
}

// follow reads the value that an alias repeats.
func (r *yamlReader) follow(target ast.Node, depth int) (*node, error) {
	r.within++
	defer func() { r.within-- }()
	return fromYAML(target, r, depth)
}

// fromYAML makes a node of a YAML node. Tags are the short form of CloudFormation's
// functions.
func fromYAML(y ast.Node, r *yamlReader, depth int) (*node, error) {
	n := &node{}
	if t := y.GetToken(); t != nil && t.Position != nil {
		n.line = t.Position.Line
	}
	if err := r.check(n.line, depth); err != nil {
		return nil, err
	}
	switch y := y.(type) {
	case *ast.MappingNode:
		n.kind = object
		if len(y.Values) > 0 {
			n.line = y.Values[0].Key.GetToken().Position.Line
		}
		for _, v := range y.Values {
			if err := n.addYAML(v, r, depth); err != nil {
				return nil, err
			}
		}
		return n.resolved(), nil
	case *ast.MappingValueNode:
		n.kind = object
		n.line = y.Key.GetToken().Position.Line
		if err := n.addYAML(y, r, depth); err != nil {
			return nil, err
		}
		return n.resolved(), nil
	case *ast.SequenceNode:
		n.kind = array
		for _, v := range y.Values {
			e, err := fromYAML(v, r, depth+1)
			if err != nil {
				return nil, err
			}
			n.elements = append(n.elements, e)
		}
		return n, nil
	case *ast.TagNode:
		value, err := fromYAML(y.Value, r, depth+1)
		if err != nil {
			return nil, err
		}
		return (&node{kind: object, line: n.line, members: []member{{key: function(y.Start.Value), value: value}}}).resolved(), nil
	case *ast.AnchorNode:
		r.anchors[y.Name.String()] = y.Value
		return fromYAML(y.Value, r, depth+1)
	case *ast.AliasNode:
		if target := r.anchors[y.Value.String()]; target != nil {
			return r.follow(target, depth+1)
		}
		n.kind, n.scalar = text, unknown
		return n, nil
	case *ast.LiteralNode:
		n.kind, n.scalar = text, y.Value.Value
		return n, nil
	case *ast.StringNode:
		n.kind, n.scalar = text, y.Value
		return n, nil
	case *ast.BoolNode:
		n.scalar = strconv.FormatBool(y.Value) // True is written as well
		return n, nil
	case *ast.IntegerNode:
		n.scalar = y.String()
		return n, nil
	case *ast.NullNode:
		n.scalar = "null"
		return n, nil
	}
	n.kind, n.scalar = text, strings.TrimSpace(y.String())
	return n, nil
}

func (n *node) addYAML(v *ast.MappingValueNode, r *yamlReader, depth int) error {
	value, err := fromYAML(v.Value, r, depth+1)
	if err != nil {
		return err
	}
	if v.Key.Type() == ast.MergeKeyType {
		n.merge(value)
		return nil
	}
	key := strings.Trim(v.Key.String(), `"'`)
	if key == "Version" && value.kind != object { // a date without quotes
		value.kind = text
	}
	n.members = slices.DeleteFunc(n.members, func(m member) bool { return m.merged && m.key == key })
	n.members = append(n.members, member{key: key, value: value})
	return nil
}

// merge adds the members of an object, or of a list of them, that n does not have.
// Source: YAML, "Merge Key Language-Independent Type".
func (n *node) merge(from *node) {
	for _, e := range from.elements {
		n.merge(e)
	}
	for _, m := range from.members {
		if n.member(m.key) == nil {
			n.members = append(n.members, member{m.key, m.value, true})
		}
	}
}
