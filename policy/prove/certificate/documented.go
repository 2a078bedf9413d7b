package certificate

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// keysOfServices says which type AWS documents for the condition keys of single services:
// lines of a service, a type and the names of keys. The generator of package catalog writes it.
// Source: Service Authorization Reference, condition keys of each service.
//
//go:embed keys.txt
var keysOfServices string

// A documented key is a line of keysOfServices for one key, in lower case.
type documented struct {
	before, after string // around a name that the sender chooses
	named         bool   // there is such a name
	of            string
}

var documentedKeys = sync.OnceValue(func() map[string][]documented {
	out := map[string][]documented{}
	for line := range strings.Lines(keysOfServices) {
		words := strings.Fields(line)
		for _, name := range words[2:] {
			d := documented{of: words[1]}
			var rest string
			d.before, rest, d.named = strings.Cut(strings.ToLower(name), "${")
			_, d.after, _ = strings.Cut(rest, "}")
			out[words[0]] = append(out[words[0]], d)
		}
	}
	return out
})

// typeOf returns the type that AWS documents for a key; empty for a key that it does not
// document, and for one that could be either of two.
func typeOf(key string) string {
	service, name, _ := strings.Cut(key, ":")
	var types []string
	for _, d := range documentedKeys()[service] {
		middle, begins := strings.CutPrefix(name, d.before)
		middle, ends := strings.CutSuffix(middle, d.after)
		if begins && ends && (middle != "") == d.named {
			types = append(types, d.of)
		}
	}
	slices.Sort(types)
	if types = slices.Compact(types); len(types) != 1 {
		return ""
	}
	return types[0]
}

// kindOfType is the kind of the values of a type; empty for any text. Services have other
// texts than ARNs in keys of the type ARN.
func kindOfType(of string) string {
	return map[string]string{"Numeric": "number", "Bool": "bool", "Date": "date"}[strings.TrimPrefix(of, "ArrayOf")]
}

// plurality reports whether a key can have one value, and whether it can be a list. A key
// that AWS does not document may be both.
func plurality(key string) (one, list bool) {
	family, _, _ := strings.Cut(key, "/")
	switch of := typeOf(key); {
	case slices.Contains(lists, key), strings.HasPrefix(of, "ArrayOf"):
		return false, true
	case slices.Contains(singles, key), slices.Contains(singles, family+"/"), of != "":
		return true, false
	}
	return true, true
}

// singles lists the keys of all services that have one value, and are not the same in every
// request of a user. A key that ends in a slash is all keys of that kind.
// Source: IAM User Guide, "AWS global condition context keys", value type.
var singles = []string{clock, "aws:tokenissuetime", "aws:sourceip", "aws:vpcsourceip", "aws:securetransport", "aws:viaawsmcpservice", "aws:ismcpserviceaction",
	"aws:calledviafirst", "aws:calledvialast", "aws:calledviaawsmcp", "aws:principalorgid", "aws:referer", "aws:requesttag/", "aws:requestedregion", "aws:resourceaccount",
	"aws:resourceorgid", "aws:resourcetag/", "aws:signinsessionarn", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce", "aws:useragent",
	"aws:vpceaccount", "aws:vpceorgid", "aws:userid", "aws:username", "aws:principalarn", "aws:principalaccount", "aws:principaltype"}
