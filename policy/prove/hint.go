package prove

import (
	"slices"
	"strings"
)

// hint notes values for the keys of a condition that compares a key with a
// variable that the sender chooses: values with which the two agree. Others are
// among the options already.
func (k *keySearch) hint(t *test) {
	for _, v := range t.variables {
		if !k.row.free(v) {
			continue
		}
		others := []string{unnamed}
		if values, known := k.row.context.Get(t.key); known {
			others = values
		}
		for _, operand := range t.Values {
			before, after, found := around(operand, v)
			before, after = k.filled(t, before), k.filled(t, after)
			if !found {
				if k.row.free(t.key) && !slices.ContainsFunc(variablesOf(operand), k.row.free) {
					k.suggest(t.key, k.filled(t, operand))
				}
				continue
			}
			for _, other := range others {
				k.suggest(v, between(other, before, after))
			}
			if k.row.free(t.key) {
				k.suggest(t.key, before+unnamed+after)
			}
		}
		k.suggest(v, unnamed)
	}
}

func (k *keySearch) suggest(key, value string) {
	if key == "aws:userid" { // of a session with a name of the sender's choice
		value = k.row.sessionName.after + strings.TrimPrefix(value, k.row.sessionName.after)
	}
	if key = group(key); !slices.Contains(k.hints[key], value) {
		k.hints[key] = append(k.hints[key], value)
	}
}

// around cuts an operand at the first variable of a key.
func around(operand, key string) (before, after string, found bool) {
	from := 0
	for {
		i := strings.Index(operand[from:], "${")
		if i < 0 {
			return "", "", false
		}
		i += from
		inner, rest, closed := cutVariable(operand[i+2:])
		if name, _, _ := strings.Cut(inner, ","); closed && strings.EqualFold(strings.TrimSpace(name), key) {
			return operand[:i], rest, true
		}
		from = i + 2
	}
}

// filled is a text with the values of its fixed variables, and with an example
// for wildcards and for other variables that the sender chooses.
func (k *keySearch) filled(t *test, text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if strings.HasSuffix(t.operator, "like") || strings.HasPrefix(t.operator, "arn") {
			before = strings.NewReplacer("*", "", "?", "x").Replace(before)
		}
		out.WriteString(before)
		if !found {
			return out.String()
		}
		inner, after, _ := cutVariable(rest)
		if value, ok := valueOf(inner, k.row.context); ok {
			out.WriteString(value)
		} else {
			out.WriteString(unnamed)
		}
		text = after
	}
}

// between is what stands in a text between two others; the whole text if they
// do not enclose it.
func between(text, before, after string) string {
	if len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after) {
		return text[len(before) : len(text)-len(after)]
	}
	return text
}
