package org

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Canonical is a policy document without white space between its tokens and
// with the keys of every object in order, so that two texts that differ in
// nothing else agree. Lists keep their order, and a single string stays
// different from a list of one. A text that is not JSON, repeats a key or is
// not UTF-8 means nothing certain and comes back as it is.
func Canonical(document string) string {
	if !utf8.ValidString(document) || !json.Valid([]byte(document)) {
		return document
	}
	d := json.NewDecoder(bytes.NewReader([]byte(document)))
	d.UseNumber()
	var out bytes.Buffer
	if err := canonical(d, &out); err != nil {
		return document
	}
	return out.String()
}

func canonical(d *json.Decoder, out *bytes.Buffer) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return canonicalObject(d, out)
	case json.Delim('['):
		return canonicalList(d, out)
	}
	return encode(token, out)
}

func canonicalList(d *json.Decoder, out *bytes.Buffer) error {
	out.WriteByte('[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := canonical(d, out); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	_, err := d.Token()
	return err
}

func canonicalObject(d *json.Decoder, out *bytes.Buffer) error {
	values := map[string][]byte{}
	var keys []string
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		if _, twice := values[key]; twice {
			return fmt.Errorf("key %q is there twice", key)
		}
		var value bytes.Buffer
		if err := canonical(d, &value); err != nil {
			return err
		}
		values[key] = value.Bytes()
		keys = append(keys, key)
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	slices.Sort(keys)
	out.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encode(key, out); err != nil {
			return err
		}
		out.WriteByte(':')
		out.Write(values[key])
	}
	out.WriteByte('}')
	return nil
}

func encode(value any, out *bytes.Buffer) error {
	text, err := json.Marshal(value)
	out.Write(text)
	return err
}

func hash(s string) string {
	h := sha256.New()
	io.WriteString(h, s)
	return hex.EncodeToString(h.Sum(nil))
}
