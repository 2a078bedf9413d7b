package prove

import (
	"strings"
	"sync"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// free reports whether the sender of a request of the row decides the value of a
// key, given in lower case, or nothing that was read does. A key that is not free
// has the value in the context; requests of the row never have the others.
func (r *row) free(key string) bool {
	if r.sessionTags && strings.HasPrefix(key, "aws:principaltag/") {
		return true
	}
	if key == "aws:userid" && r.sessionName.after != "" {
		return true
	}
	if _, known := r.context.Get(key); known {
		return false
	}
	if strings.HasPrefix(key, "aws:principaltag/") {
		return r.openTags
	}
	k, global := catalog.Global(key)
	if !global {
		return true
	}
	switch k.Origin {
	case catalog.FromSender, catalog.Undocumented:
		return true
	case catalog.FromPrincipal:
		return key != "aws:username" || r.principal.Kind == policy.IAMUser
	case catalog.FromAuthentication:
		return key == "aws:tokenissuetime" && r.credential.MFA().IssueTime
	case catalog.FromSignIn: // aws login signs in like the console, and has the key; the console itself has not
		return r.credential == policy.ConsolePassword || r.credential == policy.ConsoleMFA
	case catalog.FromRoleSession:
		return r.principal.Kind == policy.RoleSession && r.sourceIdentity
	case catalog.FromForwarding:
		return r.credential == policy.ForwardedFromKey
	}
	return false
}

// unread reports whether a free key is a fact that was not read, such as the
// organization of the account, or one that AWS does not document: the sender
// cannot choose it.
func (r *row) unread(key string) bool {
	if key == "aws:userid" && r.sessionName.after != "" {
		return r.sessionName.limited
	}
	k, global := catalog.Global(key)
	return global && !r.openTags && (k.Origin == catalog.FromPrincipal || k.Origin == catalog.Undocumented)
}

// always reports whether every request of the row has a key.
func (r *row) always(key string) bool {
	k, global := catalog.Global(key)
	return global && k.Always || key == "aws:tokenissuetime"
}

// ownFamily returns the family of the operators for a key whose values are all of one type,
// as far as tests of these families are concerned; empty for a key with any text.
func ownFamily(key string, families map[string][]*test) string {
	own := typeOf(key).family()
	_, global := catalog.Global(key)
	if global && own != "numeric" || len(families) == 0 || len(families) == 1 && families[own] != nil {
		return own
	}
	return ""
}

// A keyType is the type of a condition key as the catalog names it; empty for a key that it
// does not know, which may have any number of any values.
type keyType string

// typeOf returns the type of a key, given in lower case.
// Source: Service Authorization Reference, condition keys of each service.
func typeOf(key string) keyType {
	if k, global := catalog.Global(key); global {
		return keyType(k.Type)
	}
	types := serviceTypes()
	if known, ok := types.exact[key]; ok {
		return known
	}
	var out keyType
	for _, t := range types.named {
		if len(key) <= len(t.before)+len(t.after) || !strings.HasPrefix(key, t.before) || !strings.HasSuffix(key, t.after) {
			continue
		}
		if out != "" && out != t.of {
			return "" // the key can be either
		}
		out = t.of
	}
	return out
}

// plurality reports whether requests have one value of a key, or a list. Of a key without a
// documented type they may have either.
func (t keyType) plurality() (single, many bool) {
	list := t.list()
	return !list, list || t == ""
}

func (t keyType) list() bool { return strings.HasPrefix(string(t), "ArrayOf") }

// family is that of the operators for values of the type; empty where a value can be any
// text. That includes ARNs: services have IDs in keys of that type.
func (t keyType) family() string {
	return map[string]string{"Date": "date", "Bool": "bool", "IPAddress": "ip", "Numeric": "numeric"}[strings.TrimPrefix(string(t), "ArrayOf")]
}

// isList reports whether requests never have one value of a key alone.
func isList(key string) bool { return typeOf(strings.ToLower(key)).list() }

// A namedType is the type of the keys with a name of the sender's choice in them, as
// kms:EncryptionContext:${EncryptionContextKey}.
type namedType struct {
	before, after string
	of            keyType
}

// types are those of the keys of single services, in lower case.
type types struct {
	exact map[string]keyType
	named []namedType
}

var serviceTypes = sync.OnceValue(func() types {
	out := types{exact: map[string]keyType{}}
	add := func(keys []*catalog.Key) {
		for _, k := range keys {
			name := strings.ToLower(k.Name)
			if of, seen := out.exact[name]; seen {
				if of != keyType(k.Type) {
					out.exact[name] = "" // two services document it differently
				}
				continue
			}
			out.exact[name] = keyType(k.Type)
			if before, rest, named := strings.Cut(name, "${"); named {
				_, after, _ := strings.Cut(rest, "}")
				out.named = append(out.named, namedType{before, after, keyType(k.Type)})
			}
		}
	}
	for _, s := range catalog.Load().Services {
		for _, a := range s.Actions {
			add(a.Keys)
			for _, r := range a.Resources {
				add(r.Keys)
			}
		}
		for _, r := range s.Resources {
			add(r.Keys)
		}
	}
	return out
})
