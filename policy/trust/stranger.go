package trust

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Stranger is a principal that a trust policy does not name. It chooses an external
// ID, names and tags of its session, and, in an account of its own, also its name, path
// and tags: whoever administers an account can create such a user or role there.
type Stranger struct {
	Partition string
	Account   string // that of the user or role
	Own       bool   // the account is its own: no condition names it on purpose
}

// strangerAccount is an account ID that AWS does not give.
const strangerAccount = "000000000000"

// Everybody is somebody with an account of its own.
func Everybody(partition string) Stranger { return Stranger{partition, strangerAccount, true} }

// Satisfies reports whether the stranger can satisfy the conditions of an Allow of a
// trust policy on who calls, without a Deny for everybody that refuses it; MFA is no
// obstacle. limits are the keys of further conditions that it may fail: of networks and
// times, for example. Where AWS does not document the result, the condition counts as
// satisfied.
// Source: IAM User Guide, "AWS global condition context keys", "IAM and AWS STS
// condition context keys".
func (s Stranger) Satisfies(d *policy.Document, allow *policy.Statement) (ok bool, limits []string) {
	for _, organization := range []string{"o-stranger00", ""} {
		for _, kind := range []string{"user", "role"} {
			one := attempt{Stranger: s, kind: kind, organization: organization, tags: allows(d, "sts:TagSession"), identity: allows(d, "sts:SetSourceIdentity")}
			if limits, ok := one.satisfy(allow); ok && !one.denied(d) {
				return true, limits
			}
		}
	}
	return false, nil
}

// NamesCaller reports whether a condition key says who calls, or what the caller knows
// or chooses.
func NamesCaller(key string) bool {
	_, known := new(attempt).values(strings.ToLower(key), nil)
	return known && !strings.HasPrefix(strings.ToLower(key), "aws:multifactorauth") && !strings.EqualFold(key, "aws:SecureTransport")
}

// An attempt is a request of a stranger.
type attempt struct {
	Stranger
	kind           string // user or role
	organization   string // of its account; empty: none
	tags, identity bool   // the trust policy accepts tags and a source identity of the session
	context        policy.Context
}

// satisfy chooses the values of the keys that a statement looks at.
func (a *attempt) satisfy(allow *policy.Statement) (limits []string, ok bool) {
	credential, present := policy.SessionTokenMFA, policy.True
	if a.kind == "role" {
		credential, present = policy.RoleFromKey, policy.False
	}
	a.context.SetMFA(credential, present, matchTime, matchTime)
	for _, key := range keysOf(allow.Conditions) {
		conditions := about(allow.Conditions, key)
		values, known := a.values(key, conditions)
		at := slices.IndexFunc(values, func(v string) bool { a.set(key, v); return a.accepts(conditions) })
		switch {
		case at >= 0:
			a.set(key, values[at])
		case strings.HasPrefix(key, "sts:") && slices.ContainsFunc(conditions, hasVariable): // the sender knows its value
		case known:
			return nil, false
		default:
			limits = append(limits, key)
		}
	}
	return limits, true
}

// denied reports whether a Deny for everybody refuses the request.
func (a *attempt) denied(d *policy.Document) bool {
	return slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
		if s.Effect != policy.Deny || s.Principals == nil || !slices.Contains(people(s.Principals), "everybody") || !coversAssumeRole(&s) {
			return false
		}
		for _, key := range keysOf(s.Conditions) {
			if _, set := a.context.Get(key); !set {
				values, _ := a.values(key, nil)
				a.set(key, values[0])
			}
		}
		return a.accepts(s.Conditions)
	})
}

func (a *attempt) set(key, value string) {
	switch {
	case value == "":
		a.context.Delete(key)
	case strings.HasSuffix(key, "paths") || strings.HasSuffix(key, "tagkeys"):
		a.context.SetMany(key, []string{value})
	default:
		a.context.Set(key, value)
	}
}

func (a *attempt) accepts(conditions []policy.Condition) bool {
	return refuses(conditions, &a.context).Verdict != policy.ImplicitDenied
}

// made is a value that nobody expects.
const made = "forcemfa-unnamed"

// values are what the stranger can make of a key, in lower case; empty: the request does not
// have it. known is false for a key that says nothing about who calls.
func (a *attempt) values(key string, conditions []policy.Condition) (values []string, known bool) {
	switch key {
	case "aws:multifactorauthpresent", "aws:multifactorauthage":
		value, _ := a.context.Get(key)
		return []string{strings.Join(value, "")}, true
	case "aws:principalarn":
		return append([]string{a.arn(made)}, a.arns(conditions)...), true
	case "aws:username":
		if a.kind == "role" {
			return []string{""}, true
		}
		return a.names(conditions), true
	case "aws:userid":
		return append([]string{a.id(made)}, a.ids(conditions)...), true
	case "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principaltype", "aws:principalisawsservice":
		return []string{a.ofAccount(key)}, true
	case "aws:principalservicename", "aws:principalservicenameslist", "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths":
		return []string{""}, true // only a service has them
	case "sts:externalid":
		if slices.ContainsFunc(conditions, func(c policy.Condition) bool {
			return slices.ContainsFunc(c.Values, func(v string) bool { return guessable(c.Operator, v) })
		}) {
			return append(samples(conditions), "", made), true
		}
		return []string{"", made}, true
	case "sts:sourceidentity":
		return chosen(a.identity, conditions), true
	case "sts:rolesessionname", "aws:useragent", "aws:referer", "aws:requestedregion":
		return chosen(true, conditions), true
	case "aws:securetransport":
		return []string{"true"}, true
	}
	if values := a.surroundings(key, conditions); values != nil {
		return values, false
	}
	switch {
	case strings.HasPrefix(key, "aws:principaltag/"):
		return a.names(conditions, ""), true
	case strings.HasPrefix(key, "aws:requesttag/"), key == "aws:tagkeys", key == "sts:transitivetagkeys":
		return chosen(a.tags, conditions), true
	}
	return []string{""}, false
}

// surroundings are values of keys about network, time and kind of a request that any
// stranger can have; a condition that refuses all of them is a limit.
func (a *attempt) surroundings(key string, conditions []policy.Condition) []string {
	switch key {
	case "aws:sourceip":
		return publicAddresses
	case "aws:vpcsourceip":
		return privateAddresses(conditions)
	case "aws:currenttime":
		return []string{matchTime.Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(matchTime.Unix(), 10)}
	case "aws:tokenissuetime":
		value, _ := a.context.Get(key)
		return []string{strings.Join(value, "")}
	case "aws:viaawsservice":
		return []string{"false"}
	case "sts:durationseconds":
		return []string{"3600", "900", "43200"}
	}
	return nil
}

// publicAddresses can be rented: a condition that accepts one of them accepts a network
// that is not somebody's own.
// Source: AWS IP address ranges, service EC2, Regions us-east-1, eu-west-1, ap-south-1
// and sa-east-1.
var publicAddresses = []string{"3.80.77.19", "52.208.93.41", "13.232.171.5", "54.207.88.201", "18.200.61.3", "2600:1f18:2a5c:9d01::7"}

// privateAddresses are addresses of private networks that conditions name: everybody has a
// VPC with them.
// Source: IAM User Guide, aws:VpcSourceIp; RFC 1918.
func privateAddresses(conditions []policy.Condition) []string {
	out := []string{"10.77.19.4"}
	for _, c := range conditions {
		for _, v := range c.Values {
			network, err := netip.ParsePrefix(v)
			if err != nil {
				address, err := netip.ParseAddr(v)
				if err != nil {
					continue
				}
				network = netip.PrefixFrom(address, address.BitLen())
			}
			if first := network.Masked().Addr(); first.IsPrivate() {
				out = append(out, first.String())
			}
		}
	}
	return out
}

// chosen are values that the sender chooses, if the request may have the key at all.
func chosen(may bool, conditions []policy.Condition) []string {
	if !may {
		return []string{""}
	}
	return append(samples(conditions), "", made)
}

// names are values that an administrator of the account chooses.
func (a *attempt) names(conditions []policy.Condition, more ...string) []string {
	if !a.Own {
		return append(more, made)
	}
	return append(append(samples(conditions), more...), made)
}

// ofAccount is the value of a key that follows from the account and the kind.
func (a *attempt) ofAccount(key string) string {
	switch key {
	case "aws:principalaccount":
		return a.Account
	case "aws:principalorgid":
		return a.organization
	case "aws:principalorgpaths":
		if a.organization == "" {
			return ""
		}
		return a.organization + "/r-stra/"
	case "aws:principaltype":
		if a.kind == "role" {
			return "AssumedRole"
		}
		return "User"
	}
	return "false" // aws:principalisawsservice
}

func (a *attempt) arn(name string) string {
	return arn.IAM(a.Partition, a.Account, a.kind, "/", name)
}

// arns are ARNs of users or roles of the stranger's own account that patterns describe.
func (a *attempt) arns(conditions []policy.Condition) []string {
	var out []string
	for _, sample := range a.samplesOwn(conditions) {
		p, ok := arn.Split(sample)
		if account := arn.Compile(p.Account); ok && p.Service == "iam" && p.Kind() == a.kind && account.Match(a.Account) {
			out = append(out, "arn:"+a.Partition+":iam::"+a.Account+":"+filled(p.Resource))
		}
	}
	return out
}

// id is aws:userid: that of the user, or of the role with the name of its session.
func (a *attempt) id(session string) string {
	if a.kind == "user" {
		return "AIDASTRANGERFORCEMFA0"
	}
	return "AROASTRANGERFORCEMFA0:" + session
}

// ids are values of aws:userid whose session has a name that a pattern describes.
func (a *attempt) ids(conditions []policy.Condition) []string {
	var out []string
	for _, c := range conditions {
		for _, v := range c.Values {
			if _, session, ok := strings.Cut(v, ":"); ok && a.kind == "role" {
				out = append(out, a.id(filled(session)))
			}
		}
	}
	return out
}

// samplesOwn are the values of conditions, for a stranger who chooses its name.
func (a *attempt) samplesOwn(conditions []policy.Condition) []string {
	if !a.Own {
		return nil
	}
	var out []string
	for _, c := range conditions {
		out = append(out, c.Values...)
	}
	return out
}

// samples are values that patterns describe.
func samples(conditions []policy.Condition) []string {
	var out []string
	for _, c := range conditions {
		for _, v := range c.Values {
			if v != "" && !strings.Contains(v, "${") {
				out = append(out, filled(v))
			}
		}
	}
	return out
}

// filled is a text that a pattern describes.
func filled(pattern string) string {
	return strings.NewReplacer("*", "x", "?", "x").Replace(pattern)
}

func hasVariable(c policy.Condition) bool {
	return slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") })
}

// allows reports whether a statement of a trust policy allows an action.
func allows(d *policy.Document, action string) bool {
	return slices.ContainsFunc(d.Statements, func(s policy.Statement) bool { return s.Effect == policy.Allow && covers(&s, action) })
}

// keysOf are the keys of conditions, in lower case, each once, in order.
func keysOf(conditions []policy.Condition) []string {
	var out []string
	for _, c := range conditions {
		if key := strings.ToLower(c.Key); !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// about are the conditions on a key, which is in lower case.
func about(conditions []policy.Condition, key string) []policy.Condition {
	return slices.DeleteFunc(slices.Clone(conditions), func(c policy.Condition) bool { return strings.ToLower(c.Key) != key })
}
