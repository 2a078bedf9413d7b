// Package model holds the constraints of the API models of IAM, STS and Organizations
// and checks inputs against them: required members, lengths, limits, patterns,
// enumerations.
//
// Source: the service models that ship with botocore; generate.go writes the tables.
package model

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"forcemfa/internal/emulator/operation"
)

var (
	//go:embed iam.txt
	iamText []byte
	//go:embed sts.txt
	stsText []byte
	//go:embed organizations.txt
	organizationsText []byte
)

// The models are read on first use: few runs of the program need them.
var (
	IAM           = sync.OnceValue(func() *Service { return Parse(iamText) })
	STS           = sync.OnceValue(func() *Service { return Parse(stsText) })
	Organizations = sync.OnceValue(func() *Service { return Parse(organizationsText) })
)

// A Service is the model of one service.
type Service struct {
	Source  string              // release of botocore and file
	Errors  map[string][]string // codes of the errors of each operation
	Status  map[string]int      // HTTP status by error code; empty where all are 400
	Structs map[string][]Member // by the name of the SDK's type: inputs, and what they contain

	plans sync.Map // reflect.Type → []step
}

// A Member is one member of a structure with its constraints.
type Member struct {
	Name      string
	Type      string // string, integer, boolean, blob, timestamp, map, "list of T", or a structure
	Required  bool
	Min, Max  *int64 // characters, items, bytes, or the value of a number
	Enum      []string
	Sensitive bool // its value does not belong in messages
	Pattern   *operation.Pattern
	Item      *Member // of a list; nil: without constraints
}

// Parse reads a table of generate.go. It panics on a mistake in the table.
func Parse(text []byte) *Service {
	s := &Service{Errors: map[string][]string{}, Status: map[string]int{}, Structs: map[string][]Member{}}
	for line := range bytes.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		switch fields[0] {
		case "operation":
			s.Errors[fields[1]] = strings.Fields(fields[2])
		case "error":
			s.Status[fields[1]] = int(number(fields[2]))
		case "member":
			s.Structs[fields[1]] = append(s.Structs[fields[1]], member(fields[2:]))
		case "item":
			of := s.Structs[fields[1]]
			item := member(fields[2:])
			of[len(of)-1].Item = &item
		default:
			s.Source = strings.TrimPrefix(fields[0], "# Written by generate.go from ")
		}
	}
	return s
}

func member(fields []string) Member {
	m := Member{Name: fields[0], Type: fields[1]}
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "required":
			m.Required = true
		case "sensitive":
			m.Sensitive = true
		case "min":
			n := number(value)
			m.Min = &n
		case "max":
			n := number(value)
			m.Max = &n
		case "enum":
			m.Enum = strings.Fields(value)
		case "pattern":
			m.Pattern = operation.NewPattern("^(?:" + value + ")$")
		default:
			panic("model: unknown constraint " + name)
		}
	}
	return m
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err) // a mistake in an embedded table
	}
	return n
}
