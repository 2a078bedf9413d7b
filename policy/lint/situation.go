package lint

import (
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// A caller is a principal with a credential.
type caller struct {
	principal  policy.Principal
	credential policy.Credential
	present    policy.Presence
	age        time.Duration // since the MFA code was entered
}

// A situation is a request that a rule constructs to test a document.
type situation struct {
	who              caller
	action, resource string
	keys             map[string][]string // in addition to those of the caller; an empty list: the request does not have the key

	context *policy.Context // of who and keys; computed once
}

// noon is the time of all requests.
var noon = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

// user returns the user of most requests.
func (in *inspection) user(path string) policy.Principal {
	return policy.Principal{Kind: policy.IAMUser, Account: in.account, ARN: in.iam("user/" + path + "alice")}
}

// The credentials that rules test.
func byKey(p policy.Principal) caller {
	return caller{principal: p, credential: policy.LongTermKey, present: policy.Absent}
}

func byPassword(p policy.Principal) caller {
	return caller{principal: p, credential: policy.ConsolePassword, present: policy.False}
}

func withMFA(p policy.Principal) caller {
	return caller{principal: p, credential: policy.SessionTokenMFA, present: policy.True}
}

// withOldMFA is the end of the longest session of GetSessionToken.
// Source: STS API Reference, GetSessionToken.
func withOldMFA(p policy.Principal) caller {
	return caller{principal: p, credential: policy.SessionTokenMFA, present: policy.True, age: 36 * time.Hour}
}

func withCode(p policy.Principal) caller {
	return caller{principal: p, credential: policy.CodeInCall, present: policy.True}
}

// request converts the situation for the evaluation.
func (at *situation) request() *policy.Request {
	if at.context == nil {
		at.context = at.describe()
	}
	return &policy.Request{Principal: at.who.principal, Action: at.action, Resource: at.resource, Context: at.context}
}

// describe computes the condition keys.
func (at *situation) describe() *policy.Context {
	c := &policy.Context{}
	for key, value := range usual {
		c.Set(key, value)
	}
	for key, values := range at.keys {
		switch {
		case len(values) == 0:
			c.Delete(key)
		case len(values) == 1 && !manyValued(key):
			c.Set(key, values[0])
		default:
			c.SetMany(key, values)
		}
	}
	at.who.describe(c)
	for key, values := range at.keys {
		if strings.EqualFold(key, "aws:userid") && len(values) == 1 {
			c.Set(key, values[0])
		}
	}
	return c
}

// usual holds keys that almost every request has.
var usual = map[string]string{
	"aws:CurrentTime": noon.Format(time.RFC3339), "aws:EpochTime": "1780315200",
	"aws:SecureTransport": "true", "aws:SourceIp": "198.51.100.7", "aws:UserAgent": "aws-cli/2",
	"aws:RequestedRegion": "us-east-1", "aws:ViaAWSService": "false",
}

// manyValued reports whether a key is a list even with one value.
func manyValued(key string) bool {
	k, global := catalog.Global(key)
	return global && k.Many()
}

// describe sets the keys that follow from the caller.
func (c *caller) describe(out *policy.Context) {
	p := &c.principal
	if c.credential == policy.ForwardedFromKey {
		out.Set("aws:ViaAWSService", "true")
		out.SetMany("aws:CalledVia", []string{"athena.amazonaws.com"})
		out.Set("aws:CalledViaFirst", "athena.amazonaws.com")
		out.Set("aws:CalledViaLast", "athena.amazonaws.com")
	}
	out.SetMFA(c.credential, c.present, noon.Add(-c.age), noon)
	if p.Kind == policy.AWSService {
		out.Set("aws:PrincipalIsAWSService", "true")
		out.Set("aws:PrincipalServiceName", p.ARN)
		out.SetMany("aws:PrincipalServiceNamesList", []string{p.ARN})
	}
	if p.Account == "" {
		return
	}
	out.Set("aws:PrincipalAccount", p.Account)
	out.Set("aws:PrincipalIsAWSService", "false")
	arn := p.ARN
	switch p.Kind {
	case policy.IAMUser:
		out.Set("aws:PrincipalType", "User")
		out.Set("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
		out.Set("aws:userid", "AIDAEXAMPLEEXAMPLE001")
	case policy.FederatedUser:
		out.Set("aws:PrincipalType", "FederatedUser")
		out.Set("aws:userid", p.Account+":session")
	case policy.RoleSession:
		out.Set("aws:PrincipalType", "AssumedRole")
		out.Set("aws:userid", "AROAEXAMPLEEXAMPLE001:session")
		arn = p.Issuer
	}
	out.Set("aws:PrincipalArn", arn)
}

// fixed reports whether the sender of a request cannot choose a key: it follows from
// the caller, or no request of the caller has it. The organization of a caller, its
// tags and the unique ID of a user are not known.
func (c *caller) fixed(key string) bool {
	k, global := catalog.Global(key)
	if !global || strings.EqualFold(key, "aws:userid") && c.principal.Kind == policy.IAMUser {
		return false
	}
	switch k.Origin {
	case catalog.FromPrincipal:
		return k.Always || strings.EqualFold(key, "aws:username")
	case catalog.FromAuthentication:
		return true
	}
	return strings.EqualFold(key, "aws:ViaAWSService") || c.principal.Kind == policy.IAMUser && notOfUsers(key)
}

// notOfUsers reports whether no request of an IAM user has a key, unless a service
// makes the request.
func notOfUsers(key string) bool {
	k, global := catalog.Global(key)
	if !global || strings.EqualFold(key, "aws:ViaAWSService") {
		return false
	}
	switch k.Origin {
	case catalog.FromRoleSession, catalog.FromEnvironment, catalog.FromService, catalog.FromForwarding:
		return true
	}
	return false
}

// with returns a copy of the situation with another caller.
func (at situation) with(c caller) *situation {
	at.who, at.context = c, nil
	return &at
}

// on returns a copy of the situation with another action and resource.
func (at situation) on(action, resource string) *situation {
	at.action, at.resource = action, resource
	return &at
}

// having returns a copy of the situation with other values of a key; without
// values, the request does not have the key.
func (at situation) having(key string, values []string) *situation {
	at.keys = maps.Clone(at.keys)
	if at.keys == nil {
		at.keys = map[string][]string{}
	}
	at.keys[key], at.context = slices.Clone(values), nil
	return &at
}
