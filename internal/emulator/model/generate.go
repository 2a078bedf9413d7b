//go:build ignore

// This program writes iam.txt, sts.txt and organizations.txt, and for the tests the
// answers in testdata, from the service models that ship with botocore:
// go run generate.go DIR, where DIR holds botocore's __init__.py and data.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A service has the name of its folder in botocore's data, and the version of its API.
type service struct{ name, version string }

var services = []service{{"iam", "2010-05-08"}, {"sts", "2011-06-15"}, {"organizations", "2016-11-28"}}

type model struct {
	Operations map[string]struct {
		Input  *reference
		Output *reference
		Errors []reference
	}
	Shapes map[string]shape
}

type reference struct{ Shape string }

type shape struct {
	Type      string
	Members   map[string]reference
	Member    reference
	Required  []string
	Min, Max  *int64
	Pattern   string
	Enum      []string
	Sensitive bool
	Error     *struct {
		Code           string
		HTTPStatusCode int
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run generate.go BOTOCORE")
	}
	release := version(os.Args[1])
	for _, s := range services {
		path := filepath.Join("data", s.name, s.version, "service-2.json.gz")
		m := read(filepath.Join(os.Args[1], path))
		head := fmt.Sprintf("# Written by generate.go from botocore %s, %s\n", release, filepath.ToSlash(path))
		write(s.name+".txt", head+m.text())
		write(filepath.Join("testdata", s.name+".txt"), head+m.answers())
	}
}

func write(name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

func version(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "__init__.py"))
	if err != nil {
		log.Fatal(err)
	}
	m := regexp.MustCompile(`__version__ = '(.*)'`).FindSubmatch(text)
	if m == nil {
		log.Fatalf("%s does not name its version", dir)
	}
	return string(m[1])
}

func read(path string) model {
	packed, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		log.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		log.Fatal(err)
	}
	return m
}

// text lists the operations with their errors, and the members of every structure that
// an input contains.
func (m model) text() string {
	var b strings.Builder
	structs := map[string]string{} // name in the SDK for Go → shape
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		op := m.Operations[name]
		var errors []string
		for _, e := range op.Errors {
			errors = append(errors, m.code(e.Shape))
		}
		fmt.Fprintf(&b, "operation\t%s\t%s\n", name, strings.Join(errors, " "))
		if op.Input != nil {
			m.reach(structs, name+"Input", op.Input.Shape)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Shapes)) {
		if e := m.Shapes[name].Error; e != nil {
			fmt.Fprintf(&b, "error\t%s\t%d\n", e.Code, e.HTTPStatusCode)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(structs)) {
		m.members(&b, name, structs[name], upperFirst)
	}
	return b.String()
}

// answers lists the members of every structure that an output contains. An operation
// without an output has no structure.
func (m model) answers() string {
	var b strings.Builder
	structs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		if op := m.Operations[name]; op.Output != nil {
			m.reach(structs, name+"Output", op.Output.Shape)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(structs)) {
		m.members(&b, name, structs[name], func(member string) string { return member })
	}
	return b.String()
}

func upperFirst(member string) string { return strings.ToUpper(member[:1]) + member[1:] }

func (m model) code(shape string) string {
	if e := m.Shapes[shape].Error; e != nil {
		return e.Code
	}
	return shape
}

func (m model) reach(structs map[string]string, name, shape string) {
	switch s := m.Shapes[shape]; s.Type {
	case "list":
		m.reach(structs, s.Member.Shape, s.Member.Shape)
	case "structure":
		if structs[name] != "" {
			return
		}
		structs[name] = shape
		for _, r := range s.Members {
			m.reach(structs, r.Shape, r.Shape)
		}
	}
}

func (m model) members(b *strings.Builder, name, shape string, field func(member string) string) {
	s := m.Shapes[shape]
	for _, member := range slices.Sorted(maps.Keys(s.Members)) {
		of := s.Members[member].Shape
		b.WriteString("member\t" + name + "\t" + field(member) + "\t" + m.kind(of))
		if slices.Contains(s.Required, member) {
			b.WriteString("\trequired")
		}
		b.WriteString(m.constraints(of) + "\n")
		if item := m.Shapes[of].Member.Shape; item != "" && m.constraints(item) != "" {
			b.WriteString("item\t" + name + "\t" + field(member) + "\t" + m.kind(item) + m.constraints(item) + "\n")
		}
	}
}

func (m model) kind(shape string) string {
	s := m.Shapes[shape]
	switch s.Type {
	case "structure":
		return shape
	case "list":
		return "list of " + m.kind(s.Member.Shape)
	}
	return s.Type
}

func (m model) constraints(shape string) string {
	s, text := m.Shapes[shape], ""
	if s.Min != nil {
		text += "\tmin=" + strconv.FormatInt(*s.Min, 10)
	}
	if s.Max != nil {
		text += "\tmax=" + strconv.FormatInt(*s.Max, 10)
	}
	if s.Enum != nil {
		text += "\tenum=" + strings.Join(s.Enum, " ")
	}
	if s.Sensitive {
		text += "\tsensitive"
	}
	if s.Pattern != "" {
		text += "\tpattern=" + expression(s.Pattern)
	}
	return text
}

var escaped = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// expression returns a pattern of the model, which is one of Java, in the syntax of
// package regexp.
func expression(pattern string) string {
	pattern = strings.NewReplacer(
		`\u10000-\u10FFFF`, `\x{10000}-\x{10FFFF}`,
		`([a-z0-9]|-(?!-)){1,61}[a-z0-9]`, `(-?[a-z0-9])+`, // no two hyphens in a row
	).Replace(pattern)
	return escaped.ReplaceAllString(pattern, `\x{$1}`)
}
