package emulator

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"forcemfa/internal/emulator/model"
)

// An author writes inputs of an operation from the model.
type author struct {
	service *model.Service
	json    bool // times are numbers
}

// variants returns the inputs of an operation: the required members alone, everything,
// and for each member those that keep and break its constraints. In forms a member can
// be there twice.
func variants(s *model.Service, operation string, forms bool) []variant {
	a := author{s, !forms}
	root := operation + "Input"
	all := []variant{
		{kind: "required members", input: a.structure(root, false)},
		{kind: "all members", input: a.structure(root, true)},
	}
	unknown := a.structure(root, false)
	unknown["Colour"] = "red"
	all = append(all, breaks("unknown", "", unknown))
	for name, value := range a.structure(root, true) {
		if text, ok := value.(string); ok && forms && len(text) < longText {
			twice := "&" + name + "=" + url.QueryEscape(text)
			all = append(all, variant{kind: "twice", member: name, input: a.structure(root, true), refused: true, extra: twice})
		}
	}
	return append(all, a.members(root, "", func(change func(map[string]any)) map[string]any {
		input := a.structure(root, false)
		change(input)
		return input
	})...)
}

func keeps(kind, member string, input map[string]any) variant {
	return variant{kind: kind, member: member, input: input}
}

func breaks(kind, member string, input map[string]any) variant {
	return variant{kind: kind, member: member, input: input, refused: true}
}

// members returns the variants of each member of a structure. with returns a whole input
// after a change of the structure.
func (a author) members(structure, path string, with func(func(map[string]any)) map[string]any) []variant {
	var all []variant
	for i := range a.service.Structs[structure] {
		m := &a.service.Structs[structure][i]
		name := path + m.Name
		set := func(value any) map[string]any {
			return with(func(in map[string]any) { in[m.Name] = value })
		}
		if m.Required {
			all = append(all, breaks("missing", name, with(func(in map[string]any) { delete(in, m.Name) })))
		}
		all = append(all, a.values(m, name, set)...)
		inner, isList := strings.CutPrefix(m.Type, "list of ")
		if len(a.service.Structs[inner]) > 0 && strings.Count(path, ".") < 2 {
			all = append(all, a.members(inner, name+".", func(change func(map[string]any)) map[string]any {
				item := a.structure(inner, false)
				change(item)
				if isList {
					return set([]any{item})
				}
				return set(item)
			})...)
		}
		if isList && m.Item != nil {
			all = append(all, a.values(m.Item, name, func(value any) map[string]any { return set([]any{value}) })...)
		}
	}
	return all
}

// values returns the variants of one value.
func (a author) values(m *model.Member, name string, set func(any) map[string]any) []variant {
	nested := map[string]any{"Inner": "abc"}
	switch {
	case m.Type == "string":
		return append(a.texts(m, name, set), breaks("type structure", name, set(nested)), breaks("type list", name, set([]any{"abc"})))
	case m.Type == "integer":
		all := append(numbers(m, name, set), breaks("type structure", name, set(nested)))
		for _, bad := range []string{"abc", "1.5", "2147483648", "-2147483649", "1e3", "", " 1"} {
			all = append(all, breaks("type "+bad, name, set(bad)))
		}
		return all
	case m.Type == "boolean":
		all := []variant{keeps("true", name, set(true)), keeps("false", name, set(false)), breaks("type structure", name, set(nested))}
		for _, bad := range []string{"maybe", "1", ""} {
			all = append(all, breaks("type "+bad, name, set(bad)))
		}
		return all
	case strings.HasPrefix(m.Type, "list of "):
		return append(a.lists(m, name, set), breaks("type text", name, set("abc")), breaks("type structure", name, set(nested)))
	case len(a.service.Structs[m.Type]) > 0:
		return []variant{breaks("type text", name, set("abc")), breaks("type list", name, set([]any{"abc"})), breaks("unknown", "", set(nested))}
	}
	return nil
}

func numbers(m *model.Member, name string, set func(any) map[string]any) []variant {
	var all []variant
	if m.Min != nil {
		all = append(all, keeps("smallest", name, set(*m.Min)), keeps("smallest+1", name, set(*m.Min+1)), breaks("small", name, set(*m.Min-1)), breaks("small least", name, set(int64(-1<<31))))
	}
	if m.Max != nil {
		all = append(all, keeps("largest", name, set(*m.Max)), keeps("largest-1", name, set(*m.Max-1)), breaks("large", name, set(*m.Max+1)), breaks("large most", name, set(int64(1<<31-1))))
	}
	return all
}

func (a author) lists(m *model.Member, name string, set func(any) map[string]any) []variant {
	var all []variant
	of := func(n int64) any {
		list := []any{}
		for range n {
			list = append(list, a.item(m))
		}
		return list
	}
	if m.Min != nil && *m.Min > 0 {
		all = append(all, keeps("shortest", name, set(of(*m.Min))))
	}
	if m.Max != nil {
		all = append(all, keeps("longest", name, set(of(*m.Max))), breaks("long", name, set(of(*m.Max+1))))
	}
	return append(all, keeps("one item", name, set(of(1))))
}

func (a author) texts(m *model.Member, name string, set func(any) map[string]any) []variant {
	if m.Enum != nil {
		all := []variant{breaks("enum", name, set("NoSuchValue")), breaks("enum space", name, set(m.Enum[0]+" "))}
		for _, value := range m.Enum {
			all = append(all, keeps("value "+value, name, set(value)))
			if other := strings.ToLower(value); !slices.Contains(m.Enum, other) {
				all = append(all, breaks("enum "+other, name, set(other)))
			}
		}
		return all
	}
	var all []variant
	shortest, longest := int64(0), int64(64)
	if m.Min != nil {
		shortest = *m.Min
	}
	if m.Max != nil {
		longest = *m.Max
		all = append(all, breaks("long", name, set(strings.Repeat("1", int(longest)+1))))
	}
	if shortest > 0 {
		all = append(all, breaks("short", name, set(strings.Repeat("1", int(shortest)-1))))
	}
	for _, n := range once64(shortest, shortest+1, (shortest+longest)/2, longest-1, longest) {
		if text, ok := fit(m, int(n)); ok && n > 0 && n >= shortest && n <= min(longest, longText) {
			all = append(all, keeps("length "+strconv.FormatInt(n, 10), name, set(text)))
		}
	}
	for i, text := range unfit(m, int(shortest), int(longest)) {
		all = append(all, breaks("pattern "+strconv.Itoa(i+1), name, set(text)))
	}
	return all
}

// longText bounds the length of valid texts: those of megabytes test nothing else.
const longText = 200_000

func once64(values ...int64) []int64 {
	slices.Sort(values)
	return slices.Compact(values)
}

// unfit returns texts of a valid length that the pattern does not match.
func unfit(m *model.Member, shortest, longest int) []string {
	if m.Pattern == nil {
		return nil
	}
	var all []string
	for _, unit := range []string{"☃", " ", "!", "\x01", "a", "ä", "\n", "/", "<"} {
		for n := max(shortest, 1); n <= min(longest, shortest+20); n++ {
			if text := strings.Repeat(unit, n); !m.Pattern.MatchString(text) {
				all = append(all, text)
				break
			}
		}
	}
	return all
}

// stems are the beginnings and ends of valid texts; what is between is repeated.
var stems = [][2]string{
	{"", ""}, {"1", ""}, {"arn:aws:iam::111111111111:policy/", ""}, {"/", "/"}, {"v1.", ""}, {"v1", ""}, {"https://", ""}, {"o-", ""}, {"p-", ""}, {"r-", ""}, {"ou-abcd-", ""}, {"car-", ""},
	{"o-example111/r-root", ""}, {"arn:aws:organizations::111111111111:ou/o-example111/ou-abcd-", ""}, {"h-", ""}, {"rt-", ""}, {"rp-", ""}, {"a@", ".io"},
}

// fit returns a text of a length that keeps the constraints of a member.
func fit(m *model.Member, n int) (string, bool) {
	for _, unit := range []string{"a", "1"} {
		for _, stem := range stems {
			fill := n - len(stem[0]) - len(stem[1])
			if fill < 0 {
				continue
			}
			text := stem[0] + strings.Repeat(unit, fill) + stem[1]
			if utf8.RuneCountInString(text) == n && (m.Pattern == nil || m.Pattern.MatchString(text)) {
				return text, true
			}
		}
	}
	return "", false
}

// structure returns a structure with its required members, or with all.
func (a author) structure(name string, all bool) map[string]any {
	in := map[string]any{}
	for i := range a.service.Structs[name] {
		if m := &a.service.Structs[name][i]; m.Required || all {
			if value := a.value(m); value != nil {
				in[m.Name] = value
			}
		}
	}
	return in
}

func (a author) item(list *model.Member) any {
	if list.Item != nil {
		return a.value(list.Item)
	}
	return a.value(&model.Member{Type: strings.TrimPrefix(list.Type, "list of ")})
}

func (a author) value(m *model.Member) any {
	switch {
	case m.Type == "integer":
		if m.Min != nil {
			return *m.Min
		}
		return int64(1)
	case m.Type == "boolean":
		return true
	case m.Type == "blob":
		return base64.StdEncoding.EncodeToString([]byte("blob"))
	case m.Type == "timestamp" && a.json:
		return int64(1767225600)
	case m.Type == "timestamp":
		return "2026-01-01T00:00:00Z"
	case strings.HasPrefix(m.Type, "list of "):
		return []any{a.item(m)}
	case m.Type == "map":
		return nil
	case m.Type == "string":
		return text(m)
	}
	if in := a.structure(m.Type, false); len(in) > 0 {
		return in
	}
	return a.structure(m.Type, true) // a form cannot express an empty structure
}

// text returns the shortest text that keeps the constraints of a member.
func text(m *model.Member) any {
	if m.Enum != nil {
		return m.Enum[0]
	}
	shortest := 1
	if m.Min != nil {
		shortest = max(int(*m.Min), 1)
	}
	for n := shortest; n < shortest+80; n++ {
		if text, ok := fit(m, n); ok {
			return text
		}
	}
	panic("no text fits " + m.Name + " " + m.Pattern.String())
}

// flatten adds a value to a form in the way of awsQuery.
func flatten(form map[string][]string, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			path := member
			if name != "" {
				path = name + "." + member
			}
			flatten(form, path, v[member])
		}
	case []any:
		if len(v) == 0 {
			form[name] = []string{""}
		}
		for i, item := range v {
			flatten(form, name+".member."+strconv.Itoa(i+1), item)
		}
	case string:
		form[name] = []string{v}
	case int64:
		form[name] = []string{strconv.FormatInt(v, 10)}
	case bool:
		form[name] = []string{strconv.FormatBool(v)}
	}
}

func encodeForm(form map[string][]string) string { return url.Values(form).Encode() }
