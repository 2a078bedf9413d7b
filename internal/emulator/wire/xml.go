package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"reflect"
	"slices"
	"strconv"
	"time"
)

func encodeQuery(operation, namespace, requestID string, out any) []byte {
	var b bytes.Buffer
	b.WriteString("<" + operation + "Response xmlns=\"" + namespace + "\">")
	v := reflect.Indirect(reflect.ValueOf(out))
	// The SDK requires the element of some operations even when it is empty
	// (UpdateRole), and accepts it everywhere.
	b.WriteString("<" + operation + "Result>")
	if v.IsValid() {
		for _, m := range members(v.Type()) {
			writeTopMember(&b, m.name, v.Field(m.index))
		}
	}
	b.WriteString("</" + operation + "Result>")
	b.WriteString("<ResponseMetadata>")
	element(&b, "RequestId", requestID)
	b.WriteString("</ResponseMetadata></" + operation + "Response>")
	return b.Bytes()
}

// writeTopMember writes a member of the response itself, where AWS writes an
// empty list as an empty element, and clients rely on it.
func writeTopMember(b *bytes.Buffer, name string, v reflect.Value) {
	if v.Kind() == reflect.Slice && v.IsNil() && !isBlob(v.Type()) {
		b.WriteString("<" + name + "></" + name + ">")
		return
	}
	writeMember(b, name, v)
}

func writeMember(b *bytes.Buffer, name string, v reflect.Value) {
	if !omitted(v) {
		b.WriteString("<" + name + ">")
		writeValue(b, v)
		b.WriteString("</" + name + ">")
	}
}

func writeValue(b *bytes.Buffer, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer:
		writeValue(b, v.Elem())
	case v.Kind() == reflect.Interface:
		name, value := unionMember(v)
		writeMember(b, name, value)
	case v.Type() == timeType || isBlob(v.Type()):
		escape(b, formatScalar(v))
	case v.Kind() == reflect.Struct:
		for _, m := range members(v.Type()) {
			writeMember(b, m.name, v.Field(m.index))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			b.WriteString("<member>")
			writeValue(b, v.Index(i))
			b.WriteString("</member>")
		}
	case v.Kind() == reflect.Map:
		for _, key := range sortedKeys(v) {
			b.WriteString("<entry><key>")
			escape(b, key.String())
			b.WriteString("</key><value>")
			writeValue(b, v.MapIndex(key))
			b.WriteString("</value></entry>")
		}
	default:
		escape(b, formatScalar(v))
	}
}

func formatScalar(v reflect.Value) string {
	switch {
	case v.Type() == timeType:
		return v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05Z")
	case isBlob(v.Type()):
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	}
	return v.String()
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.String() < b.String():
			return -1
		case a.String() > b.String():
			return 1
		}
		return 0
	})
	return keys
}

func element(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	escape(b, text)
	b.WriteString("</" + name + ">")
}

func escape(b *bytes.Buffer, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a buffer accepts everything
}
