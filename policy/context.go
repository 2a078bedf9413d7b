package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Context holds the condition keys of a request. Key names are
// case-insensitive. The zero value is empty and ready to use. A Context is safe
// for concurrent use while it does not change.
type Context struct {
	entries []entry
	// mfa is the position, from 1, of aws:MultiFactorAuthPresent, the most
	// frequent key; 0 when it is absent.
	mfa      int
	observed Observed
	oneCase  truth // see SupposeOneCase
	supposed bool  // oneCase was set
}

// SupposeOneCase decides for requests with this context whether letters with only one case
// in common, such as k and the Kelvin sign, are equal where case is ignored: AWS does not
// document it. Without it, a result holds in both cases.
func (c *Context) SupposeOneCase(equal bool) { c.oneCase, c.supposed = truthOf(equal), true }

// Observe sets the answers that requests with this context are decided by, where AWS's
// documentation leaves the behavior open. Without any, a result holds in both
// interpretations. The answers are not a condition key, and not part of the JSON.
func (c *Context) Observe(o Observed) { c.observed = o }

// Observed returns the answers set by Observe.
func (c *Context) Observed() Observed {
	if c == nil {
		return Observed{}
	}
	return c.observed
}

// mfaKey is aws:MultiFactorAuthPresent as in entries.
const mfaKey = "aws:multifactorauthpresent"

type entry struct {
	key    string // lower case
	values []string
	many   bool
}

// find returns the entry of a key in lower case; nil when it is absent.
func (c *Context) find(key string) *entry {
	if c == nil {
		return nil
	}
	for i := range c.entries {
		if c.entries[i].key == key {
			return &c.entries[i]
		}
	}
	return nil
}

// findMFA is find for mfaKey.
func (c *Context) findMFA() *entry {
	if c == nil || c.mfa == 0 {
		return nil
	}
	return &c.entries[c.mfa-1]
}

// Set sets a single-valued key, replacing earlier values.
func (c *Context) Set(key, value string) { c.put(entry{lowered(key), []string{value}, false}) }

// lowered is strings.ToLower, without an allocation for the keys that every request has.
func lowered(key string) string {
	if known, ok := frequentKeys[key]; ok {
		return known
	}
	return strings.ToLower(key)
}

// frequentKeys are the keys that AWS sets for the caller and the connection.
var frequentKeys = func() map[string]string {
	lower := map[string]string{}
	for _, key := range []string{
		"aws:CurrentTime", "aws:EpochTime", "aws:MultiFactorAuthAge", "aws:MultiFactorAuthPresent", "aws:PrincipalAccount", "aws:PrincipalArn",
		"aws:PrincipalIsAWSService", "aws:PrincipalOrgID", "aws:PrincipalOrgMasterAccountId", "aws:PrincipalOrgPaths", "aws:PrincipalType", "aws:RequestedRegion",
		"aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths", "aws:SecureTransport", "aws:SourceIp", "aws:TokenIssueTime", "aws:UserAgent",
		"aws:ViaAWSService", "aws:userid", "aws:username",
	} {
		lower[key] = strings.ToLower(key)
	}
	return lower
}()

// SetMany sets a multi-valued key. An empty list makes the key absent.
func (c *Context) SetMany(key string, values []string) {
	if len(values) == 0 {
		c.Delete(key)
		return
	}
	c.put(entry{lowered(key), slices.Clone(values), true})
}

func (c *Context) put(e entry) {
	if old := c.find(e.key); old != nil {
		*old = e
		return
	}
	c.entries = append(c.entries, e)
	if e.key == mfaKey {
		c.mfa = len(c.entries)
	}
}

// Delete makes a key absent.
func (c *Context) Delete(key string) {
	key = lowered(key)
	if c.find(key) == nil {
		return
	}
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool { return e.key == key })
	c.mfa = 1 + slices.IndexFunc(c.entries, func(e entry) bool { return e.key == mfaKey })
}

// Get returns the values of a key and whether it is present. The caller must
// not change the values.
func (c *Context) Get(key string) (values []string, ok bool) {
	if e := c.find(lowered(key)); e != nil {
		return e.values, true
	}
	return nil, false
}

// Keys returns the present keys, in lower case and sorted.
func (c *Context) Keys() []string {
	if c == nil {
		return nil
	}
	keys := make([]string, len(c.entries))
	for i, e := range c.entries {
		keys[i] = e.key
	}
	slices.Sort(keys)
	return keys
}

// Clone returns an independent copy, with room for the keys of an operation; an empty
// context for nil.
func (c *Context) Clone() *Context {
	if c == nil {
		return &Context{}
	}
	clone := *c
	clone.entries = slices.Grow(slices.Clip(c.entries), roomOfClone)
	return &clone
}

// roomOfClone is how many keys a clone gets without another allocation.
const roomOfClone = 8

// Grow makes room for n more keys.
func (c *Context) Grow(n int) { c.entries = slices.Grow(c.entries, n) }

// SetMFA sets the keys that depend on the credential: aws:MultiFactorAuthPresent
// as given by present, aws:MultiFactorAuthAge (seconds since the code was
// entered) where the credential has it, and aws:TokenIssueTime. issued is when
// the session was created; it is ignored for long-term keys.
func (c *Context) SetMFA(cred Credential, present Presence, issued, now time.Time) {
	keys := cred.MFA()
	c.Delete("aws:MultiFactorAuthPresent")
	c.Delete("aws:MultiFactorAuthAge")
	c.Delete("aws:TokenIssueTime")
	switch present {
	case False:
		c.Set("aws:MultiFactorAuthPresent", "false")
	case True:
		c.Set("aws:MultiFactorAuthPresent", "true")
		if keys.Age {
			c.Set("aws:MultiFactorAuthAge", age(cred, issued, now))
		}
	}
	if keys.IssueTime {
		c.Set("aws:TokenIssueTime", issued.UTC().Format("2006-01-02T15:04:05Z"))
	}
}

// age returns whole seconds since the code was entered: none for a code in the
// call itself.
func age(cred Credential, issued, now time.Time) string {
	if cred == CodeInCall || now.Before(issued) {
		return "0"
	}
	return strconv.FormatInt(int64(now.Sub(issued)/time.Second), 10)
}
