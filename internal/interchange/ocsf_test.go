package interchange_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A definition is a class or an object of the Open Cybersecurity Schema Framework.
type definition struct {
	Name        string
	UID         int
	Caption     string
	Extends     string
	Category    string
	Attributes  map[string]json.RawMessage
	Constraints map[string][]string
}

// An attribute is an attribute of a definition, over that of the dictionary.
type attribute struct {
	Type        string
	IsArray     bool `json:"is_array"`
	Requirement string
	Enum        map[string]struct{ Caption string }
	Sibling     string
	Profile     string
}

// A resolver resolves the definitions of the framework: what extends what, and the
// profiles that an event names.
type resolver struct {
	t          *testing.T
	root       string
	dictionary struct {
		Attributes map[string]json.RawMessage
		Types      struct {
			Attributes map[string]struct {
				Type  string
				Regex string
			}
		}
	}
	known map[string]*resolved
}

// A resolved is a definition with everything that it extends.
type resolved struct {
	attributes  map[string]attribute
	constraints map[string][]string
}

func newResolver(t *testing.T, root string) *resolver {
	r := &resolver{t: t, root: root, known: map[string]*resolved{}}
	r.read("dictionary.json", &r.dictionary)
	return r
}

func (r *resolver) read(name string, v any) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, name))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
}

// find is the file of a class or an object. Some classes have the name of an object.
func (r *resolver) find(name string) string {
	places := []string{"objects/"}
	if class, ok := strings.CutPrefix(name, "class "); ok {
		name, places = class, []string{"events/findings/", "events/"}
	}
	for _, place := range places {
		if _, err := os.Stat(filepath.Join(r.root, place+name+".json")); err == nil {
			return place + name + ".json"
		}
	}
	r.t.Fatalf("no definition of %s", name)
	return ""
}

func (r *resolver) resolve(name string) *resolved {
	if d := r.known[name]; d != nil {
		return d
	}
	var d definition
	r.read(r.find(name), &d)
	out := &resolved{attributes: map[string]attribute{}, constraints: d.Constraints}
	if d.Extends != "" {
		base := r.resolve(strings.TrimSuffix(name, d.Name) + d.Extends)
		maps.Copy(out.attributes, base.attributes)
		if out.constraints == nil {
			out.constraints = base.constraints
		}
	}
	r.include(out, d.Attributes)
	if d.Category != "" {
		r.numbers(out, d.Category, 0, "")
	}
	if class := strings.HasPrefix(name, "class "); class && d.UID > 0 {
		r.numbers(out, "findings", d.UID, d.Caption)
	}
	r.known[name] = out
	return out
}

// numbers adds the numbers of a class: those of its category, and its own below them.
func (r *resolver) numbers(out *resolved, category string, class int, caption string) {
	var all struct {
		Attributes map[string]struct {
			UID     int
			Caption string
		}
	}
	r.read("categories.json", &all)
	c := all.Attributes[category]
	set := func(name string, number int, caption string) {
		a := out.attributes[name]
		a.Enum = maps.Clone(a.Enum)
		if a.Enum == nil {
			a.Enum = map[string]struct{ Caption string }{}
		}
		a.Enum[fmt.Sprint(number)] = struct{ Caption string }{caption}
		out.attributes[name] = a
	}
	set("category_uid", c.UID, c.Caption)
	if class > 0 {
		set("class_uid", c.UID*1000+class, caption)
	}
}

// include adds attributes and those of the files that they include. Attributes of a
// profile are not required here; see [resolver.event].
func (r *resolver) include(out *resolved, attributes map[string]json.RawMessage) {
	if list, ok := attributes["$include"]; ok {
		var names []string
		if err := json.Unmarshal(list, &names); err != nil {
			r.t.Fatal(err)
		}
		for _, name := range names {
			var profile definition
			r.read(name, &profile)
			for attr, text := range profile.Attributes {
				if attr == "$include" {
					continue
				}
				a := r.attribute(out, attr, text)
				a.Requirement = "optional"
				out.attributes[attr] = a
			}
		}
	}
	for name, text := range attributes {
		if name != "$include" {
			out.attributes[name] = r.attribute(out, name, text)
		}
	}
}

// attribute is an attribute over its definition so far, over that of the dictionary.
func (r *resolver) attribute(out *resolved, name string, text json.RawMessage) attribute {
	a, known := out.attributes[name]
	if !known {
		if err := json.Unmarshal(r.dictionary.Attributes[name], &a); err != nil {
			r.t.Fatalf("dictionary: %s: %v", name, err)
		}
	}
	enum := maps.Clone(a.Enum)
	if err := json.Unmarshal(text, &a); err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	for value, caption := range enum {
		if _, ok := a.Enum[value]; !ok {
			a.Enum[value] = caption
		}
	}
	return a
}

// check reports what is wrong with an object.
func (r *resolver) check(name, at string, v map[string]any) (wrong []string) {
	d := r.resolve(name)
	for member, value := range v {
		a, ok := d.attributes[member]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s.%s is not an attribute of %s", at, member, name))
			continue
		}
		wrong = append(wrong, r.value(&a, at+"."+member, value)...)
		if a.Sibling != "" && v[a.Sibling] != nil {
			id := fmt.Sprint(value)
			if caption := a.Enum[id].Caption; caption != "" && id != "99" && caption != v[a.Sibling] {
				wrong = append(wrong, fmt.Sprintf("%s.%s is %v for %s %s, want %s", at, a.Sibling, v[a.Sibling], member, id, caption))
			}
		}
	}
	for member, a := range d.attributes {
		if a.Requirement == "required" && v[member] == nil {
			wrong = append(wrong, fmt.Sprintf("%s lacks %s, which %s requires", at, member, name))
		}
	}
	if one := d.constraints["at_least_one"]; len(one) > 0 && !slices.ContainsFunc(one, func(m string) bool { return v[m] != nil }) {
		wrong = append(wrong, fmt.Sprintf("%s has none of %v", at, one))
	}
	return wrong
}

func (r *resolver) value(a *attribute, at string, value any) (wrong []string) {
	if list, ok := value.([]any); ok != a.IsArray {
		return []string{fmt.Sprintf("%s: is an array: %v, want %v", at, ok, a.IsArray)}
	} else if ok {
		one := *a
		one.IsArray = false
		for i, v := range list {
			wrong = append(wrong, r.value(&one, fmt.Sprintf("%s[%d]", at, i), v)...)
		}
		return wrong
	}
	if len(a.Enum) > 0 {
		if _, ok := a.Enum[fmt.Sprint(value)]; !ok {
			return []string{fmt.Sprintf("%s: %v is none of its values", at, value)}
		}
	}
	if !strings.HasSuffix(a.Type, "_t") {
		child, ok := value.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: want an object %s", at, a.Type)}
		}
		return r.check(a.Type, at, child)
	}
	return r.simple(a.Type, at, value)
}

// simple checks a value without members.
func (r *resolver) simple(kind, at string, value any) []string {
	def := r.dictionary.Types.Attributes[kind]
	base := kind
	if def.Type != "" {
		base = def.Type
	}
	ok := true
	switch base {
	case "string_t":
		var text string
		if text, ok = value.(string); ok && def.Regex != "" {
			ok = regexp.MustCompile(def.Regex).MatchString(text)
		}
	case "integer_t", "long_t":
		var n json.Number
		if n, ok = value.(json.Number); ok {
			_, err := n.Int64()
			ok = err == nil
		}
	case "boolean_t":
		_, ok = value.(bool)
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no %s", at, value, kind)}
	}
	return nil
}

func TestOCSFIsValidByTheDefinitions(t *testing.T) {
	root := public + "/ocsf"
	if _, err := os.Stat(root); err != nil {
		t.Skip("skipped: no definitions of OCSF in " + public)
	}
	r := newResolver(t, root)
	d := json.NewDecoder(strings.NewReader(string(sampled(t).in(t, "ocsf"))))
	d.UseNumber()
	var events []map[string]any
	if err := d.Decode(&events); err != nil {
		t.Fatal(err)
	}
	classes := map[string]int{}
	for _, e := range events {
		name := map[string]string{"2003": "compliance_finding", "2008": "iam_analysis_finding"}[fmt.Sprint(e["class_uid"])]
		classes[name]++
		for _, wrong := range r.check("class "+name, name, e) {
			t.Error(wrong)
		}
		if t.Failed() {
			t.Fatalf("%v", e)
		}
	}
	if classes["compliance_finding"] == 0 || classes["iam_analysis_finding"] == 0 || len(classes) != 2 {
		t.Errorf("classes %v", classes)
	}
	// The resolver itself: each of these changes makes an event wrong.
	for member, value := range map[string]any{"severity_id": json.Number("42"), "finding_info": map[string]any{}, "metadata": nil, "invented": "x", "time": "now", "resources": "x", "status": "Old"} {
		changed := maps.Clone(events[0])
		if value == nil {
			delete(changed, member)
		} else {
			changed[member] = value
		}
		if len(r.check("class compliance_finding", "event", changed)) == 0 {
			t.Errorf("an event with %s %v is accepted", member, value)
		}
	}
}
