package planner

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A signInPath says whether a user can get an MFA session; if not, why, and what
// to do about it.
type signInPath struct {
	state       pathState
	why, remedy string
}

type pathState uint8

const (
	pathUnknown pathState = iota
	noPath
	pathFound
)

// signInPath says whether a user, with the policies and tags of read, can get an
// MFA session: with the device it has or, without one, by enrolling a device.
func (g *guard) signInPath(a *org.Account, read *org.User, u *audit.User) signInPath {
	switch u.MFA {
	case org.Yes:
		return g.withDevice(a, read, u)
	case org.No:
		return g.enrollment(a, read, u)
	}
	if first := g.enrollment(a, read, u); first.state == pathFound && g.withDevice(a, read, u).state == pathFound {
		return first
	}
	return signInPath{pathUnknown, "could not read whether " + u.Name + " has an MFA device",
		"let the role that forcemfa assumes call iam:GenerateCredentialReport, iam:GetCredentialReport and iam:ListMFADevices"}
}

// withDevice is the path of a user with a device: any device at the console, one
// that gives codes for an access key. Nothing may deny the sessions.
// Source: IAM User Guide, "AWS multi-factor authentication in IAM": a passkey or
// security key cannot be passed to STS.
func (g *guard) withDevice(a *org.Account, read *org.User, u *audit.User) signInPath {
	byCode, byConsole := givesCodes(u.Devices) && u.ActiveKeys > 0, u.Console == org.Yes
	expired := byConsole && g.expired(read) && a.HardExpiry != org.No
	switch {
	case byCode && byConsole && !expired:
		if path := g.usable(a, read, u, policy.SessionTokenMFA); path.state == pathFound {
			return path
		}
		return g.usable(a, read, u, policy.ConsoleMFA)
	case byCode:
		return g.usable(a, read, u, policy.SessionTokenMFA)
	case expired && a.HardExpiry == org.Yes:
		return signInPath{noPath, "the password of " + u.Name + " expired on " + read.PasswordExpires.UTC().Format(time.DateOnly) + ", and only an administrator can replace it",
			"reset the password of " + u.Name}
	case expired:
		return signInPath{pathUnknown, "the password of " + u.Name + " has expired, and the password policy could not be read",
			"let the role that forcemfa assumes call iam:GetAccountPasswordPolicy, or reset the password"}
	case byConsole:
		return g.usable(a, read, u, policy.ConsoleMFA)
	case len(u.Devices) == 0:
		return signInPath{pathUnknown, "could not read the type of the MFA device of " + u.Name,
			"let the role that forcemfa assumes call iam:ListMFADevices"}
	case u.Console == org.Unknown:
		return signInPath{pathUnknown, "could not read whether " + u.Name + " has a console password",
			"let the role that forcemfa assumes call iam:GetLoginProfile"}
	}
	return signInPath{noPath, u.Name + " has an access key, but no console password and no MFA device that generates codes",
		"enroll a virtual MFA device for " + u.Name + " as an administrator, or give the user a console password"}
}

// expired reports whether the password of a user has expired.
func (s *accountState) expired(u *org.User) bool {
	return u.PasswordExpires != nil && !s.in.Now.Before(*u.PasswordExpires)
}

// usable is the path by a session with MFA, unless something denies in it all that it is
// asked about: what the user can do today, and common actions.
func (g *guard) usable(a *org.Account, read *org.User, u *audit.User, c policy.Credential) signInPath {
	requests := []policy.Request{
		{Action: "s3:ListAllMyBuckets", Resource: "*"}, {Action: "ec2:DescribeInstances", Resource: "*"}, {Action: "iam:ListMFADevices", Resource: read.ARN},
	}
	if u.Example != nil && !u.NotExploitable {
		requests = append(requests, policy.Request{Action: u.Example.Action, Resource: u.Example.Resource})
	}
	set := g.documents.PolicySet(g.headerOf(a), a, read)
	var why string
	for _, address := range addresses(set) {
		ctx := g.context(a, read, address)
		if u.Example != nil {
			u.Example.SetKeys(ctx)
		}
		ctx.SetMFA(c, policy.True, g.in.Now.Add(-time.Minute), g.in.Now)
		for _, r := range requests {
			r.Principal, r.Context = a.Principal(read), ctx
			d := set.Refuses(&r)
			if d.Verdict != policy.ExplicitDenied {
				return signInPath{state: pathFound}
			}
			why = Refusal(d, r.Action)
		}
	}
	return signInPath{noPath, "also in a session with MFA, " + why, "find out whether " + u.Name + " can work with MFA, and change the policy that denies it"}
}

// enrollment is the path of a user without a device: to create and enable a first
// one, at the console or by access key.
func (g *guard) enrollment(a *org.Account, read *org.User, u *audit.User) signInPath {
	console := g.enrollmentAtConsole(a, read, u)
	if console.state == pathFound || u.ActiveKeys == 0 {
		return console
	}
	key := g.allowed(a, read, u, policy.LongTermKey, enrollmentActions)
	if key.state == pathFound || console.state == noPath {
		if console.why != "" && key.state != pathFound {
			key.why = console.why + ", and with the access key " + key.why
			key.remedy = console.remedy
		}
		return key
	}
	return console
}

func (g *guard) enrollmentAtConsole(a *org.Account, read *org.User, u *audit.User) signInPath {
	actions := enrollmentActions
	early := g.in.Baseline.Policy.PasswordChangeBeforeMFA
	expired := g.expired(read)
	switch {
	case u.Console == org.Unknown:
		return signInPath{pathUnknown, "could not read whether " + u.Name + " has a console password",
			"let the role that forcemfa assumes call iam:GetCredentialReport or iam:GetLoginProfile"}
	case u.Console == org.No:
		return signInPath{noPath, u.Name + " has neither an MFA device nor a console password",
			"give " + u.Name + " a console password, or enroll a device as an administrator"}
	case expired && a.HardExpiry == org.Yes:
		return signInPath{noPath, "the password of " + u.Name + " expired on " + read.PasswordExpires.UTC().Format(time.DateOnly) + ", and only an administrator can replace it",
			"reset the password of " + u.Name}
	case expired && !early:
		return signInPath{noPath, "the password of " + u.Name + " expired on " + read.PasswordExpires.UTC().Format(time.DateOnly) + ", and the policy denies changing it without MFA",
			"let " + u.Name + " sign in and change the password first, or set allow_password_change_before_mfa"}
	case expired && a.HardExpiry == org.Unknown:
		return signInPath{pathUnknown, "the password of " + u.Name + " has expired, and the password policy could not be read",
			"let the role that forcemfa assumes call iam:GetAccountPasswordPolicy, or reset the password"}
	case read.PasswordReset == org.Unknown && !early:
		return signInPath{pathUnknown, "could not read whether " + u.Name + " must change the password at the next sign-in",
			"let the role that forcemfa assumes call iam:GetLoginProfile"}
	case read.PasswordReset == org.Yes && !early:
		return signInPath{noPath, u.Name + " must change the password at the next sign-in, and the policy denies that without MFA",
			"let " + u.Name + " sign in and change the password first, or set allow_password_change_before_mfa"}
	case read.PasswordReset != org.No, expired:
		actions = append([]string{"iam:ChangePassword", "iam:GetAccountPasswordPolicy"}, enrollmentActions...)
	}
	return g.allowed(a, read, u, policy.ConsolePassword, actions)
}

// enrollmentActions are the actions that enroll a first virtual device.
// Source: IAM User Guide, "Enable a virtual MFA device".
var enrollmentActions = []string{"iam:CreateVirtualMFADevice", "iam:EnableMFADevice"}

// allowed says whether the policies let the user call all of these actions with a
// credential, on its own user and on a device of its own name.
func (g *guard) allowed(a *org.Account, read *org.User, u *audit.User, c policy.Credential, actions []string) signInPath {
	set := g.documents.PolicySet(g.headerOf(a), a, read)
	var path signInPath
	for _, address := range addresses(set) {
		if path = g.allowedFrom(address, a, set, read, c, actions); path.state == pathFound {
			return path
		}
	}
	path.remedy = "let " + u.Name + " enroll its own device, or enroll one as an administrator"
	return path
}

func (g *guard) allowedFrom(address string, a *org.Account, set *policy.Set, read *org.User, c policy.Credential, actions []string) signInPath {
	for _, present := range presences(c.MFA().Present) {
		ctx := g.context(a, read, address)
		ctx.SetMFA(c, present, g.in.Now.Add(-time.Minute), g.in.Now)
		for _, action := range actions {
			r := policy.Request{Principal: a.Principal(read), Action: action, Resource: g.resource(action, read), Context: ctx}
			if path := pathOf(set.Decide(&r), action); path.state != pathFound {
				return path
			}
		}
	}
	return signInPath{state: pathFound}
}

// headerOf is the organization around an account: as it was read for the account
// as it was read, otherwise with the SCP in force.
func (g *guard) headerOf(a *org.Account) *org.Header {
	if a == g.account {
		return g.in.Header
	}
	return g.header
}

// context is the context of a direct call over TLS, now, from an address.
func (g *guard) context(a *org.Account, u *org.User, address string) *policy.Context {
	ctx := a.Context(g.in.Header, u)
	ctx.Set("aws:ViaAWSService", "false")
	ctx.Set("aws:SecureTransport", "true")
	ctx.Set("aws:CurrentTime", g.in.Now.UTC().Format(time.RFC3339))
	ctx.Set("aws:EpochTime", strconv.FormatInt(g.in.Now.Unix(), 10))
	ctx.Set("aws:RequestedRegion", arn.HomeRegion(a.Partition))
	ctx.Set("aws:SourceIp", address)
	return ctx
}

// resource is the resource of an action: the user itself, except for actions on
// devices and on other users. Policies that restrict the names of devices allow
// a device with the user's own name.
func (g *guard) resource(action string, u *org.User) string {
	switch action {
	case "iam:CreateVirtualMFADevice":
		return arn.IAM(g.account.Partition, g.account.ID, "mfa", "/", u.Name)
	case "iam:GetAccountPasswordPolicy":
		return "*"
	case "iam:CreateUser", "iam:AttachUserPolicy", "iam:DetachUserPolicy":
		return arn.IAM(g.account.Partition, g.account.ID, "user", "/", "somebody")
	}
	return u.ARN
}

// addresses are the source addresses from which a user may enroll: a
// documentation address, and one in every network that a policy of the user
// names. Users may enroll from the office, so one allowed address is enough.
func addresses(set *policy.Set) []string {
	all := []string{"192.0.2.1"} // RFC 5737
	sources := slices.Clone(set.Identity)
	if set.Boundary != nil {
		sources = append(sources, *set.Boundary)
	}
	for _, level := range set.SCPs {
		sources = append(sources, level...)
	}
	for _, s := range sources {
		if s.Document != nil {
			all = append(all, networks(s.Document)...)
		}
	}
	slices.Sort(all[1:])
	return slices.Compact(all)
}

// networks are the first addresses of the networks that the conditions of a
// document name.
func networks(d *policy.Document) []string {
	var first []string
	for i := range d.Statements {
		for _, c := range d.Statements[i].Conditions {
			if !strings.EqualFold(c.Key, "aws:SourceIp") {
				continue
			}
			for _, value := range c.Values {
				if network, err := netip.ParsePrefix(value); err == nil {
					first = append(first, network.Masked().Addr().String())
				} else if address, err := netip.ParseAddr(value); err == nil {
					first = append(first, address.String())
				}
			}
		}
	}
	return first
}

func pathOf(d policy.Decision, action string) signInPath {
	if d.Verdict == policy.Allowed {
		return signInPath{state: pathFound}
	}
	if d.Verdict == policy.Unknown {
		return signInPath{state: pathUnknown, why: Refusal(d, action)}
	}
	return signInPath{state: noPath, why: Refusal(d, action)}
}

// Refusal says why an action is not allowed; empty when it is.
func Refusal(d policy.Decision, action string) string {
	switch {
	case d.Verdict == policy.Allowed:
		return ""
	case d.Verdict == policy.Unknown:
		return "could not decide whether " + action + " is allowed: " + d.Why
	case d.Source != nil:
		return action + " is denied by " + d.Source.Name
	}
	return action + " is not allowed"
}

func presences(bits policy.Presence) []policy.Presence {
	var each []policy.Presence
	for _, p := range []policy.Presence{policy.Absent, policy.False, policy.True} {
		if bits&p != 0 {
			each = append(each, p)
		}
	}
	return each
}
