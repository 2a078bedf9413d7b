package lint

import (
	"slices"
	"strings"

	"forcemfa/policy"
	"forcemfa/policy/catalog"
)

// enrolling lists the actions that a user needs in order to get MFA.
var enrolling = []string{
	"iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser",
	"iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken",
}

// idle lists further actions that are harmless without MFA: they show data that
// the user's own console shows anyway, no policy can control them, or they
// create the console session itself.
var idle = []string{
	"iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:ListAccountAliases", "sts:GetCallerIdentity",
	"signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token",
}

func harmless(action string) bool {
	same := func(a string) bool { return strings.EqualFold(a, action) }
	return slices.ContainsFunc(enrolling, same) || slices.ContainsFunc(idle, same)
}

// forceMFA returns the sound guard.
func forceMFA() policy.Statement {
	return policy.Statement{
		SID: "DenyAllExceptEnrollmentWithoutMFA", Effect: policy.Deny, NotActions: enrolling, Resources: []string{"*"},
		Conditions: []policy.Condition{denyWithoutMFA},
	}
}

// An opening is a group of actions that a guard must not leave open, on the
// user's own user or on others.
type opening struct {
	code    string
	means   string
	sid     string // of a statement that closes it
	actions []string
}

// openings lists the actions that defeat MFA when they work without it.
var openings = []opening{
	{"E-1", "can remove MFA devices", "DenyDeviceRemovalWithoutMFA", []string{"iam:DeactivateMFADevice"}},
	{"D-21", "can delete MFA devices", "DenyDeviceDeletionWithoutMFA", []string{"iam:DeleteVirtualMFADevice"}},
	{"E-2", "can create or change credentials", "DenyCredentialsWithoutMFA", []string{
		"iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:ChangePassword",
		"iam:UploadSigningCertificate", "iam:UpdateSigningCertificate", "iam:UploadSSHPublicKey", "iam:UpdateSSHPublicKey",
		"iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential", "iam:UpdateServiceSpecificCredential",
		"iam:DeleteLoginProfile", "iam:DeleteAccessKey",
	}},
	{"E-3", "can disable the enforcement or act as another principal", "DenyAdministrationWithoutMFA", []string{
		"iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:DetachUserPolicy", "iam:DeleteUserPolicy",
		"iam:AttachGroupPolicy", "iam:PutGroupPolicy", "iam:DetachGroupPolicy", "iam:DeleteGroupPolicy",
		"iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRolePolicy",
		"iam:AddUserToGroup", "iam:RemoveUserFromGroup", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
		"iam:DeletePolicyVersion", "iam:DeletePolicy", "iam:CreatePolicy", "iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary",
		"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy",
		"iam:TagUser", "iam:UntagUser", "iam:CreateUser", "iam:DeleteUser", "iam:UpdateUser", "iam:CreateRole", "iam:PassRole",
		"sts:AssumeRole", "sts:GetFederationToken",
	}},
}

// onOthers lists the actions on another user that stay open under a guard whose
// only exceptions are these actions in NotAction.
var onOthers = []string{"iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:EnableMFADevice", "iam:ResyncMFADevice"}

// escapes reports actions beyond enrollment that the guard leaves open.
func (in *inspection) escapes() {
	if in.guard == nil {
		return
	}
	if in.escapeResource() {
		return // all other openings follow from it
	}
	in.escapeOnOthers()
	for _, o := range openings {
		in.escape(o)
	}
	in.escapeElse()
}

// targets returns the resources on which an action is tried: the user's own and
// another user's.
func (in *inspection) targets(action string) []string {
	out := in.typical(action)
	for _, r := range out {
		if r == in.iam("user/alice") {
			return []string{r, in.iam("user/bob")}
		}
	}
	return append(out, "*")
}

// leaves returns a request with an action that the guard leaves open without
// MFA; nil when there is none.
func (in *inspection) leaves(action string, resources ...string) *situation {
	for _, c := range in.guard.by {
		base := in.guard.from(c)
		for _, r := range resources {
			if at := base.on(action, r); in.passes(at) {
				return at
			}
		}
	}
	return nil
}

// from returns the guard's situation for one of its callers. The condition keys
// are computed once.
func (g *guard) from(c caller) *situation {
	if g.bases == nil {
		g.bases = map[policy.Credential]*situation{}
	}
	at := g.bases[c.credential]
	if at == nil {
		at = g.at.with(c)
		at.context = at.describe()
		g.bases[c.credential] = at
	}
	return at
}

func (in *inspection) escapeOnOthers() {
	var open []string
	var at *situation
	for _, a := range onOthers {
		if found := in.leaves(a, in.iam("user/bob")); found != nil {
			open = append(open, a)
			if at == nil {
				at = found
			}
		}
	}
	if at == nil {
		return
	}
	f := in.add("D-1", in.guard.statement, "without MFA, an administrator of users can call for any other user: %s", strings.Join(open, ", "))
	f.Example = in.example(at, true, true)
	users := "arn:" + in.ownPartition() + ":iam::*:user/"
	own := []string{users + username, users + "*/" + username}
	if in.doc.Version == "2012-10-17" && in.kind != policy.RCP && in.kind != policy.Resource {
		f.Fix = new(Fix).append(in, policy.Statement{
			SID: "DenyOthersMFAWithoutMFA", Effect: policy.Deny, Actions: open, NotResources: own, Conditions: in.guardConditions(),
		})
	}
}

// guardConditions returns the conditions of the guard, with a sound condition on
// MFA.
func (in *inspection) guardConditions() []policy.Condition {
	return append(withoutMFAKeys(in.doc.Statements[in.guard.statement].Conditions), denyWithoutMFA)
}

func (in *inspection) escape(o opening) {
	var open []string
	var at *situation
	for _, a := range o.actions {
		if found := in.leaves(a, in.targets(a)...); found != nil {
			open = append(open, a)
			if at == nil {
				at = found
			}
		}
	}
	if at == nil {
		return
	}
	f := in.add(o.code, in.guard.statement, "a request without MFA %s: %s", o.means, strings.Join(open, ", "))
	if len(open) == 1 && open[0] == "iam:ChangePassword" {
		f.Severity = Low // it requires the old password
	}
	if len(open) == 1 && open[0] == "sts:GetFederationToken" && in.refusesFederated() {
		f.Severity = Medium
		f.What += "; the guard refuses the sessions that it creates"
	}
	f.Example = in.example(at, true, true)
	f.Fix = in.closing(o.sid, open)
}

// refusesFederated reports whether the guard also refuses the sessions of
// GetFederationToken, which is so unless it is limited to user ARNs.
func (in *inspection) refusesFederated() bool {
	probe := in.probe()
	if probe == nil {
		return false
	}
	user := probe.who.principal
	session := caller{credential: policy.FederationToken, present: policy.False, principal: policy.Principal{Kind: policy.FederatedUser, Account: user.Account,
		Issuer: user.ARN, ARN: "arn:" + in.partition + ":sts::" + user.Account + ":federated-user/session"}}
	return in.refused(probe.with(session))
}

// closing removes actions from the guard's NotAction: their names are deleted,
// and a pattern that covers one is replaced by the harmless actions that it
// covers. What a guard with Action leaves open on some resources is denied by a
// statement of its own.
func (in *inspection) closing(sid string, open []string) *Fix {
	if in.doc.Statements[in.guard.statement].NotActions == nil {
		return new(Fix).append(in, policy.Statement{
			SID: sid, Effect: policy.Deny, Actions: open, Resources: []string{"*"}, Conditions: in.guardConditions(),
		})
	}
	return in.replace(in.guard.statement, func(st *policy.Statement) {
		var kept []string
		for _, p := range st.NotActions {
			covered := func(a string) bool { return matchAction(p, a) }
			if !slices.ContainsFunc(open, covered) {
				kept = append(kept, p)
				continue
			}
			for _, a := range slices.Concat(enrolling, idle) {
				if covered(a) {
					kept = append(kept, a)
				}
			}
		}
		slices.Sort(kept)
		kept = slices.Compact(kept)
		if len(kept) == 0 {
			st.Actions = []string{"*"}
		}
		st.NotActions = kept
	})
}

// escapeElse reports further actions in the guard's NotAction.
func (in *inspection) escapeElse() {
	var open []string
	var at *situation
	write := false
	for _, a := range unexpected(in.doc.Statements[in.guard.statement].NotActions) {
		found := in.leaves(a, append(in.targets(a), "*")...)
		if found == nil {
			continue
		}
		open = append(open, a)
		if at == nil {
			at = found
		}
		known, ok := catalog.Load().Action(a)
		write = write || !ok || known.Access&(catalog.List|catalog.Read) == 0 || !strings.HasPrefix(strings.ToLower(a), "iam:")
	}
	if at == nil {
		return
	}
	f := in.add("E-4", in.guard.statement, "not needed for enrollment, but open without MFA: %s", some(open))
	if !write {
		f.Severity = Low
	}
	f.Example = in.example(at, true, true)
	f.Fix = in.closing("DenyOthersWithoutMFA", open)
}

// unexpected returns actions that the patterns of a NotAction may cover, without
// the harmless ones and those with their own rule: all actions of IAM and STS
// where a pattern has a wildcard, and some of each other service.
func unexpected(patterns []string) []string {
	var out []string
	add := func(a string) {
		if !ruled(a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	tried := map[string]int{}
	for _, p := range patterns {
		prefix, name, _ := strings.Cut(strings.ToLower(p), ":")
		s, ok := catalog.Load().Service(prefix)
		if tried[prefix]++; tried[prefix] > mostPatterns {
			continue // the other actions of the service give the same result
		}
		switch {
		case !ok:
			add(p)
		case !strings.ContainsAny(name, "*?"):
			if a, real := catalog.Load().Action(p); real {
				add(a.String())
			}
		case prefix == "iam" || prefix == "sts":
			for _, a := range s.Actions {
				add(a.String())
			}
			tried[prefix] = mostPatterns
		default:
			for _, a := range examples(p) {
				add(a)
			}
		}
	}
	return out
}

// ruled reports whether an action is harmless or has its own rule.
func ruled(action string) bool {
	return harmless(action) || slices.ContainsFunc(openings, func(o opening) bool {
		return slices.ContainsFunc(o.actions, func(b string) bool { return strings.EqualFold(action, b) })
	})
}

// some formats the first few elements of a list.
func some(list []string) string {
	const most = 6
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + ", …"
}

// withoutResource is an action that has no resource types, so that its requests are for *.
const withoutResource = "ec2:DescribeInstances"

// escapeResource reports a guard that covers only some resources.
func (in *inspection) escapeResource() (found bool) {
	st := &in.doc.Statements[in.guard.statement]
	if !covers(st.NotActions, "iam:EnableMFADevice") && !covers(st.NotActions, "iam:CreateVirtualMFADevice") || in.kind == policy.Resource {
		return false
	}
	for _, a := range append(slices.Clone(telling), withoutResource) {
		targets := in.targets(a)
		if a != withoutResource {
			targets = targets[:len(in.typical(a))] // * is no resource of these actions
		}
		if covers(st.NotActions, a) {
			continue
		}
		if at := in.leaves(a, targets...); at != nil {
			f := in.add("E-5", in.guard.statement, "the Deny covers only some resources, and %s is possible without MFA on others", a)
			f.Example = in.example(at, true, true)
			f.Fix = in.replace(in.guard.statement, func(st *policy.Statement) { st.Resources, st.NotResources = []string{"*"}, nil })
			return true
		}
	}
	return false
}
