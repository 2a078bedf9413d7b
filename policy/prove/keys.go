package prove

import (
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// free reports whether the sender of a request of the row decides the value of a
// key, given in lower case, or nothing that was read does. A key that is not free
// has the value in the context; requests of the row never have the others.
func (r *row) free(key string) bool {
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
		return r.principal.Kind == policy.RoleSession
	case catalog.FromForwarding:
		return r.credential == policy.ForwardedFromKey
	}
	return false
}

// unread reports whether a free key is a fact that was not read, such as the
// organization of the account, or one that AWS does not document: the sender
// cannot choose it.
func (r *row) unread(key string) bool {
	k, global := catalog.Global(key)
	return global && !r.openTags && (k.Origin == catalog.FromPrincipal || k.Origin == catalog.Undocumented)
}

// always reports whether every request of the row has a key.
func (r *row) always(key string) bool {
	k, global := catalog.Global(key)
	return global && k.Always || key == "aws:tokenissuetime"
}

// globalKind returns the type of a global key, as the catalog names it, whose
// values AWS itself makes; empty for keys with any text.
func globalKind(key string) string {
	k, global := catalog.Global(key)
	if !global {
		return ""
	}
	return map[string]string{"Date": "date", "Bool": "bool", "IPAddress": "ip"}[k.Type]
}
