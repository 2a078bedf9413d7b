package emulator

import (
	"net"
	"strconv"
	"time"

	"forcemfa/internal/emulator/operation"
	"forcemfa/internal/emulator/world"
	"forcemfa/internal/org"
	"forcemfa/policy"
)

// An origin is the source of a request.
type origin struct {
	ip, agent, region string
	via               string // the service that forwards the request of its caller; empty: none
}

// origin returns the source of the job's request.
func (j *job) origin() origin {
	from := j.from
	if j.forwarded {
		from.via = j.via
	}
	return from
}

// keysOfCaller is how many condition keys most calls have before those of the operation.
const keysOfCaller = 20

// conditions returns the condition keys of a call that depend on the caller and
// the connection.
// Source: IAM User Guide, "AWS global condition context keys".
//
// aws:SecureTransport is true: the loopback socket and the in-memory transport
// represent AWS's HTTPS endpoints.
func (c *Cloud) conditions(call *operation.Call, from origin) *policy.Context {
	x := &policy.Context{}
	x.Grow(keysOfCaller)
	x.Observe(call.Readings.Observed)
	who := &call.Caller
	if who.Principal.Kind != policy.Anonymous {
		c.identify(x, call)
	}
	x.Set("aws:PrincipalIsAWSService", "false")
	x.Set("aws:ViaAWSService", strconv.FormatBool(from.via != ""))
	if from.via != "" {
		x.SetMany("aws:CalledVia", []string{from.via})
		x.Set("aws:CalledViaFirst", from.via)
		x.Set("aws:CalledViaLast", from.via)
		if _, has := x.Get("aws:MultiFactorAuthPresent"); has && call.Readings.ForwardingLosesMFA {
			x.Set("aws:MultiFactorAuthPresent", "false")
			x.Delete("aws:MultiFactorAuthAge")
		}
	}
	x.Set("aws:SecureTransport", "true")
	if net.ParseIP(from.ip) != nil { // a service has no address
		x.Set("aws:SourceIp", from.ip)
	}
	if from.agent != "" {
		x.Set("aws:UserAgent", from.agent)
	}
	x.Set("aws:RequestedRegion", from.region)
	x.Set("aws:CurrentTime", call.Now.Format("2006-01-02T15:04:05Z"))
	x.Set("aws:EpochTime", strconv.FormatInt(call.Now.Unix(), 10))
	return x
}

// identify sets the keys that depend on the caller.
func (c *Cloud) identify(x *policy.Context, call *operation.Call) {
	who := &call.Caller
	x.Set("aws:PrincipalArn", principalARN(who))
	x.Set("aws:PrincipalAccount", who.Account)
	x.Set("aws:PrincipalType", principalType(who.Principal.Kind))
	x.Set("aws:userid", who.UserID())
	if who.Principal.Kind == policy.IAMUser {
		x.Set("aws:username", who.User.Name)
	}
	setOrganization(x, call.World, who.Account)
	for key, value := range principalTags(who) {
		x.Set("aws:PrincipalTag/"+key, value)
	}
	if who.Session != nil && who.Session.SourceIdentity != "" {
		x.Set("aws:SourceIdentity", who.Session.SourceIdentity)
	}
	setMFA(x, who, call.Now)
}

// setMFA sets the keys that depend on the credential. The age counts from the
// code, also in a role session that inherits it.
func setMFA(x *policy.Context, who *world.Caller, now time.Time) {
	s := who.Session
	if s == nil {
		x.SetMFA(who.Credential, policy.Absent, time.Time{}, now)
		return
	}
	x.SetMFA(who.Credential, s.Present, s.Issued, now)
	if _, ok := x.Get("aws:MultiFactorAuthAge"); ok && !s.MFAAt.IsZero() {
		x.Set("aws:MultiFactorAuthAge", strconv.FormatInt(int64(now.Sub(s.MFAAt)/time.Second), 10))
	}
}

// setCodeInCall sets the keys for a valid code in the call itself: MFA with age
// zero. The long-term key does not become a session.
func setCodeInCall(x *policy.Context) {
	x.Set("aws:MultiFactorAuthPresent", "true")
	x.Set("aws:MultiFactorAuthAge", "0")
}

func setOrganization(x *policy.Context, w *world.World, account string) {
	if path := w.OrgPath(account); path != "" {
		x.Set("aws:PrincipalOrgID", w.Organization.ID)
		x.SetMany("aws:PrincipalOrgPaths", []string{path})
		x.Set("aws:PrincipalOrgMasterAccountId", w.Organization.ManagementAccount)
	}
}

// principalARN returns aws:PrincipalArn: for a role session the role's ARN.
func principalARN(who *world.Caller) string {
	if who.Principal.Kind == policy.RoleSession {
		return who.Principal.Issuer
	}
	return who.Principal.ARN
}

// principalType returns aws:PrincipalType.
// Source: IAM User Guide, "Policy variables", table of principal key values.
func principalType(k policy.PrincipalKind) string {
	switch k {
	case policy.IAMUser:
		return "User"
	case policy.RoleSession:
		return "AssumedRole"
	case policy.FederatedUser:
		return "FederatedUser"
	case policy.RootUser:
		return "Account"
	}
	return "Anonymous"
}

// principalTags returns the tags of the session, followed by those of the user
// or role.
func principalTags(who *world.Caller) map[string]string {
	tags := map[string]string{}
	add := func(list []org.Tag) {
		for _, t := range list {
			tags[t.Key] = t.Value
		}
	}
	if who.Role != nil {
		add(who.Role.Tags)
	}
	if who.User != nil {
		add(who.User.Tags)
	}
	if who.Session != nil {
		add(who.Session.Tags)
	}
	return tags
}
