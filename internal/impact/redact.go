package impact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"forcemfa/policy/arn"
)

// Redact replaces names of users and roles, account IDs, access key IDs and networks
// by an HMAC-SHA-256 of each with a key, so that a report can be given away and its
// rows can still be told apart and found again by the owner of the key. Exemptions and
// names of files are removed.
func (r *Report) Redact(key []byte) {
	x := redactor{key}
	for i := range r.Users {
		x.user(&r.Users[i])
	}
	for i := range r.Blind {
		b := &r.Blind[i]
		words := strings.Fields(b.Where)
		for j, w := range words {
			words[j] = x.name(w)
		}
		b.Where = strings.Join(words, " ")
		for _, id := range keyIDs(b.Why) {
			b.Why = strings.ReplaceAll(b.Why, id, x.hash("key-", id))
		}
	}
	for i := range r.Assumptions {
		a := &r.Assumptions[i]
		a.Role, a.Principal = x.name(a.Role), x.name(a.Principal)
	}
	for i := range r.Problems {
		r.Problems[i].File = x.hash("file-", r.Problems[i].File)
	}
	for i := range r.Unread {
		g := &r.Unread[i]
		g.Account, g.Why = x.name(g.Account), "redacted"
	}
}

// Redacted is what [Report.Redact] puts in the place of a word of a kind, such as "user-".
// The same word has the same pseudonym wherever the same key is used.
func Redacted(key []byte, kind, word string) string { return redactor{key}.hash(kind, word) }

// A redactor replaces words.
type redactor struct{ key []byte }

func (x redactor) hash(kind, word string) string {
	if word == "" {
		return ""
	}
	h := hmac.New(sha256.New, x.key)
	h.Write([]byte(kind + word))
	return kind + hex.EncodeToString(h.Sum(nil))[:12]
}

// name replaces an ARN or an account ID.
func (x redactor) name(word string) string {
	if arn.IsAccountID(word) {
		return x.hash("account-", word)
	}
	a, err := arn.Parse(word)
	if err != nil {
		return word
	}
	return "arn:" + a.Partition + ":" + a.Service + "::" + x.hash("account-", a.Account) + ":" + a.Kind() + "/" + x.hash(a.Kind()+"-", a.Name())
}

func (x redactor) user(u *User) {
	u.ARN, u.Name, u.Account = x.name(u.ARN), x.hash("user-", u.Name), x.hash("account-", u.Account)
	if u.Exempt != "" {
		u.Exempt, u.NextWhy = "redacted", ""
	}
	u.Unit, u.tags = x.hash("unit-", u.Unit), nil
	for i := range u.Networks {
		u.Networks[i] = x.hash("net-", u.Networks[i])
	}
	for i := range u.Keys {
		k := &u.Keys[i]
		k.ID = x.hash("key-", k.ID)
		for j := range k.Networks {
			k.Networks[j] = x.hash("net-", k.Networks[j])
		}
	}
	for i := range u.Roles {
		u.Roles[i] = x.name(u.Roles[i])
	}
}

// keyIDs returns the access key IDs in a text.
func keyIDs(text string) (ids []string) {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		if len(w) >= 16 && (strings.HasPrefix(w, "AKIA") || strings.HasPrefix(w, "ASIA")) {
			ids = append(ids, w)
		}
	}
	return ids
}
