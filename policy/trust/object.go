package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A jsonText is a value of a policy as it is written.
type jsonText = json.RawMessage

// A property is a key of a JSON object with the text of its value.
type property struct {
	key   string
	value jsonText
}

// An object is a JSON object in the order in which it is written.
type object []property

func readObject(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var o object
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value jsonText
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		o = append(o, property{key.(string), value}) // the decoder returns nothing else as a key
	}
	return o, nil
}

// text is the object without white space between its properties, whose values
// are unchanged.
func (o object) text() jsonText {
	out := []byte("{")
	for i, p := range o {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted(p.key)...), ':'), p.value...)
	}
	return append(out, '}')
}

func (o object) get(key string) jsonText {
	for _, p := range o {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// with is the object with a property replaced, or added at its end; removed
// when value is nil.
func (o object) with(key string, value jsonText) object {
	changed := slices.Clone(o)
	i := slices.IndexFunc(changed, func(p property) bool { return p.key == key })
	switch {
	case i < 0 && value == nil:
		return changed
	case i < 0:
		return append(changed, property{key, value})
	case value == nil:
		return slices.Delete(changed, i, i+1)
	}
	changed[i].value = value
	return changed
}

// withCondition adds a key to an operator of a Condition element.
func (o object) withCondition(operator, key, value string) object {
	keys, err := readObject(o.get(operator))
	if err != nil {
		keys = nil // the operator is not there yet
	}
	return o.with(operator, keys.with(key, quoted(value)).text())
}

func quoted(s string) jsonText { return marshaled(s) }

func marshaled(v any) jsonText {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("trust: " + err.Error()) // strings always marshal
	}
	return bytes.TrimSpace(out.Bytes())
}

// texts are the values of a list, or the one value that is written without
// brackets: strings, or booleans as people write them in conditions.
func texts(value jsonText) ([]string, error) {
	var many []any
	if json.Unmarshal(value, &many) != nil {
		var one any
		if err := json.Unmarshal(value, &one); err != nil {
			return nil, err
		}
		many = []any{one}
	}
	var all []string
	for _, v := range many {
		all = append(all, fmt.Sprint(v))
	}
	return all, nil
}

// list is one value by itself, and several in brackets.
func list(values []string) jsonText {
	if len(values) == 1 {
		return quoted(values[0])
	}
	return marshaled(values)
}
