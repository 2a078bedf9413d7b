// Package yaml parses YAML that anybody may have written, in bounded time and memory.
//
// The parser behind it takes time and memory that grow with the square of the
// nesting: 40,000 brackets took 20 seconds and 700 MB. Its lexer takes time in
// proportion to the text, so [Parse] bounds the nesting of the tokens first.
package yaml

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// MaxDepth bounds the nesting of a file.
	MaxDepth = 200
	// MaxSize bounds the bytes of a file: twice those of the largest CloudFormation
	// template.
	MaxSize = 2 << 20
)

// An Error says where a text cannot be read as YAML, and why. It contains
// nothing of the text around that place.
type Error struct {
	Line, Column int // from 1
	Message      string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// Parse returns the documents of a text. The error is an [*Error].
func Parse(text string) (file *ast.File, err error) {
	if len(text) > MaxSize {
		return nil, &Error{1, 1, fmt.Sprintf("YAML is read up to %d bytes; this has %d: convert it to JSON", MaxSize, len(text))}
	}
	defer func() {
		if p := recover(); p != nil { // the YAML library gave up on it
			file, err = nil, &Error{1, 1, fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	tokens := tokenize(text)
	if err := checkDepth(tokens); err != nil {
		return nil, err
	}
	if file, err = parser.Parse(tokens, 0); err != nil {
		return nil, located(err)
	}
	return file, nil
}

// located takes the library's error apart; it prints the source otherwise.
func located(err error) *Error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return &Error{1, 1, "not YAML: " + err.Error()}
	}
	at := e.GetToken().Position
	return &Error{at.Line, at.Column, e.GetMessage()}
}

// A nesting is where the tokens of a text have led.
type nesting struct {
	flow    int   // open brackets
	columns []int // of the open block collections
	run     int   // properties, keys and entries in a row before a value
	line    int   // of the last token
}

// checkDepth refuses tokens that are nested deeper than MaxDepth.
func checkDepth(tokens token.Tokens) error {
	var n nesting
	for i, t := range tokens {
		named := i > 0 && tokens[i-1].Type == token.AnchorType // the name of an anchor
		if !named {
			n.add(t)
		}
		if n.flow+len(n.columns)+n.run > MaxDepth {
			return &Error{t.Position.Line, t.Position.Column, fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
		}
	}
	return nil
}

func (n *nesting) add(t *token.Token) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
	case token.SequenceEndType, token.MappingEndType:
		n.flow = max(n.flow-1, 0)
	case token.DocumentHeaderType, token.DocumentEndType:
		*n = nesting{}
		return
	}
	if n.flow == 0 && (t.Position.Line != n.line || t.Type == token.SequenceEntryType || t.Type == token.MappingKeyType) {
		n.indent(t.Position.Column)
	}
	switch t.Type {
	case token.AnchorType, token.TagType, token.MappingKeyType, token.MappingValueType:
		n.run++
	case token.CommentType:
	default:
		n.run = 0
	}
	n.line = t.Position.Line
}

// indent ends the collections that are not to the left of a column, and begins
// one there.
func (n *nesting) indent(column int) {
	for len(n.columns) > 0 && n.columns[len(n.columns)-1] >= column {
		n.columns = n.columns[:len(n.columns)-1]
	}
	n.columns = append(n.columns, column)
}
