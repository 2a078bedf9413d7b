package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"forcemfa/internal/emulator/model"
)

// answersOf are the models of the answers of a service.
var answersOf = sync.OnceValue(func() map[string]*model.Service {
	out := map[string]*model.Service{}
	for service := range modeled {
		text, err := os.ReadFile(filepath.Join("model", "testdata", service+".txt"))
		if err != nil {
			panic(err)
		}
		out[service] = model.Parse(text)
	}
	return out
})

// An inspector reads an answer by its model and collects what differs from it.
type inspector struct {
	model    *model.Service
	problems []string
}

func (i *inspector) report(path, format string, a ...any) {
	i.problems = append(i.problems, path+": "+fmt.Sprintf(format, a...))
}

// inspect returns the output of a successful answer, with members as maps and lists, and
// how the answer differs from the model.
func inspect(service, operation string, w *httptest.ResponseRecorder) (map[string]any, []string) {
	i := &inspector{model: answersOf()[service]}
	name := operation + "Output"
	if services()[service].codec.Protocol.JSON() {
		d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
		d.UseNumber()
		var body map[string]any
		if err := d.Decode(&body); err != nil {
			return nil, []string{err.Error()}
		}
		return i.object(body, name, operation), i.problems
	}
	root, err := parseXML(w.Body.Bytes())
	if err != nil {
		return nil, []string{err.Error()}
	}
	var out map[string]any
	for _, child := range root.children {
		switch child.name {
		case operation + "Result":
			out = i.element(child, name, operation)
		case "ResponseMetadata":
		default:
			i.report(operation, "unknown element %s", child.name)
		}
	}
	if out == nil && len(i.model.Structs[name]) > 0 {
		i.report(operation, "has no result")
	}
	return out, i.problems
}

// A node is an XML element.
type node struct {
	name, text string
	children   []*node
}

func parseXML(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	stack := []*node{{}}
	for {
		token, err := d.Token()
		if err == io.EOF && len(stack) == 1 && len(stack[0].children) == 1 {
			return stack[0].children[0], nil
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local}
			top.children, stack = append(top.children, n), append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
}

func (i *inspector) member(structure, name string) *model.Member {
	for k := range i.model.Structs[structure] {
		if m := &i.model.Structs[structure][k]; m.Name == name {
			return m
		}
	}
	return nil
}

// missing reports required members that are not in an output.
func (i *inspector) missing(out map[string]any, structure, path string) {
	for _, m := range i.model.Structs[structure] {
		if _, ok := out[m.Name]; m.Required && !ok {
			i.report(path, "lacks the required member %s", m.Name)
		}
	}
}

func (i *inspector) element(n *node, structure, path string) map[string]any {
	out := map[string]any{}
	for _, child := range n.children {
		m := i.member(structure, child.name)
		at := path + "." + child.name
		switch _, twice := out[child.name]; {
		case m == nil:
			i.report(at, "is not in the model")
		case twice:
			i.report(at, "is there twice")
		default:
			out[child.name] = i.fromXML(child, m, at)
		}
	}
	i.missing(out, structure, path)
	return out
}

func (i *inspector) fromXML(n *node, m *model.Member, path string) any {
	inner, isList := strings.CutPrefix(m.Type, "list of ")
	switch {
	case isList:
		item := itemOf(m, inner)
		list := []any{}
		for k, child := range n.children {
			if child.name != "member" {
				i.report(path, "has an item with the name %s", child.name)
			}
			list = append(list, i.fromXML(child, item, path+"."+strconv.Itoa(k)))
		}
		i.length(m, len(list), path)
		return list
	case m.Type == "map":
		out := map[string]any{}
		for _, entry := range n.children {
			if entry.name != "entry" || len(entry.children) != 2 || entry.children[0].name != "key" || entry.children[1].name != "value" {
				i.report(path, "has an entry that is not a key and a value")
				continue
			}
			out[entry.children[0].text] = entry.children[1].text
		}
		return out
	case i.model.Structs[m.Type] != nil:
		return i.element(n, m.Type, path)
	}
	i.scalar(m, n.text, path)
	return n.text
}

func itemOf(m *model.Member, inner string) *model.Member {
	if m.Item != nil {
		return m.Item
	}
	return &model.Member{Type: inner}
}

func (i *inspector) object(in map[string]any, structure, path string) map[string]any {
	for name, value := range in {
		m := i.member(structure, name)
		at := path + "." + name
		if m == nil {
			i.report(at, "is not in the model")
			continue
		}
		i.fromJSON(value, m, at)
	}
	i.missing(in, structure, path)
	return in
}

func (i *inspector) fromJSON(value any, m *model.Member, path string) {
	inner, isList := strings.CutPrefix(m.Type, "list of ")
	switch v := value.(type) {
	case []any:
		if !isList {
			i.report(path, "is a list, want %s", m.Type)
		}
		i.length(m, len(v), path)
		for k, item := range v {
			i.fromJSON(item, itemOf(m, inner), path+"."+strconv.Itoa(k))
		}
	case map[string]any:
		switch {
		case i.model.Structs[m.Type] != nil:
			i.object(v, m.Type, path)
		case m.Type != "map":
			i.report(path, "is an object, want %s", m.Type)
		}
	case json.Number:
		switch m.Type {
		case "timestamp":
			if seconds, err := v.Float64(); err != nil || seconds < 1e9 || seconds > 3e9 {
				i.report(path, "the time %s is not in seconds", v)
			}
		case "integer":
			i.scalar(m, v.String(), path)
		default:
			i.report(path, "is a number, want %s", m.Type)
		}
	case bool:
		if m.Type != "boolean" {
			i.report(path, "is a boolean, want %s", m.Type)
		}
	case string:
		if m.Type != "string" {
			i.report(path, "is a string, want %s", m.Type)
		}
		i.scalar(m, v, path)
	default:
		i.report(path, "is %v", v)
	}
}

func (i *inspector) length(m *model.Member, n int, path string) {
	if m.Min != nil && int64(n) < *m.Min || m.Max != nil && int64(n) > *m.Max {
		i.report(path, "has %d items", n)
	}
}

var xmlTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

func (i *inspector) scalar(m *model.Member, text, path string) {
	ok := true
	switch m.Type {
	case "string":
		n := utf8.RuneCountInString(text)
		i.length(m, n, path)
		ok = (m.Enum == nil || slices.Contains(m.Enum, text)) && (m.Pattern == nil || m.Pattern.MatchString(text))
	case "integer":
		n, err := strconv.Atoi(text)
		ok = err == nil
		i.length(m, n, path)
	case "boolean":
		ok = text == "true" || text == "false"
	case "timestamp":
		ok = xmlTime.MatchString(text)
	case "blob":
		_, err := base64.StdEncoding.DecodeString(text)
		ok = err == nil
	default:
		i.report(path, "has the unknown type %s", m.Type)
	}
	if !ok {
		i.report(path, "%q is not a valid %s", text, m.Type)
	}
}

// paging are the members of an input that select a page.
func paging(service, operation string) (size, token string) {
	for _, m := range modeled[service]().Structs[operation+"Input"] {
		switch m.Name {
		case "MaxItems", "MaxResults":
			size = m.Name
		case "Marker", "NextToken":
			token = m.Name
		}
	}
	return size, token
}

// A sender sends a request with an input and returns the output.
type sender func(input map[string]any) map[string]any

// items returns the lists of an output by their members, and the next token. IAM says
// whether there is one.
func items(t *testing.T, service, token string, out map[string]any) (map[string][]any, string) {
	t.Helper()
	lists := map[string][]any{}
	for name, value := range out {
		if list, ok := value.([]any); ok {
			lists[name] = list
		}
	}
	next, _ := out[token].(string)
	truncated, ok := out["IsTruncated"].(string)
	if !ok { // so the model has it for ListDelegationRequests
		truncated, ok = out["isTruncated"].(string)
	}
	if service == "iam" && (!ok || (truncated == "true") != (next != "")) {
		t.Errorf("IsTruncated is %q, and the marker %q", truncated, next)
	}
	return lists, next
}

// checkPages compares the pages of every size up to the number of items with the
// whole list.
func checkPages(t *testing.T, service, operation string, input map[string]any, send sender) (pages int) {
	t.Helper()
	size, token := paging(service, operation)
	if size == "" || token == "" {
		return 0
	}
	text := func(list []any) string { return fmt.Sprintf("%d items %.300s", len(list), asJSON(list)) }
	walk := func(n int) map[string][]any {
		all := map[string][]any{}
		in := maps.Clone(input)
		delete(in, size)
		if n > 0 {
			in[size] = int64(n)
		}
		for range 1000 {
			lists, next := items(t, service, token, send(in))
			pages++
			total := 0
			for name, list := range lists {
				total, all[name] = total+len(list), append(all[name], list...)
			}
			if n > 0 && total > n {
				t.Errorf("%s with %s %d returned %d items", operation, size, n, total)
			}
			if next == "" {
				return all
			}
			in[token] = next
		}
		t.Errorf("%s with %s %d has no last page", operation, size, n)
		return all
	}
	whole := walk(0)
	total := 0
	for _, list := range whole {
		total += len(list)
	}
	for _, n := range once64(1, 2, 3, int64(total-1), int64(total), int64(total+1)) {
		if limit := inputMember(service, operation, size); n < 1 || limit != nil && limit.Max != nil && n > *limit.Max {
			continue
		}
		got := walk(int(n))
		for name := range whole {
			if asJSON(got[name]) != asJSON(whole[name]) {
				t.Errorf("%s with %s %d: the pages of %s differ from the whole list:\n%s\n%s", operation, size, n, name, text(got[name]), text(whole[name]))
			}
		}
	}
	return pages
}

func inputMember(service, operation, name string) *model.Member {
	members := modeled[service]().Structs[operation+"Input"]
	if i := slices.IndexFunc(members, func(m model.Member) bool { return m.Name == name }); i >= 0 {
		return &members[i]
	}
	return nil
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if string(text) == "null" {
		return "[]"
	}
	return string(text)
}
