package planner

import (
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy"
	"forcemfa/policy/arn"
	"forcemfa/policy/trust"
)

// The size quotas of a trust policy in characters: the default, and the most that
// AWS grants on request.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const (
	trustSize      = 2048
	trustSizeLimit = 8192
)

// planTrust requires MFA in the trust policies through which accounts and users
// assume roles. Roles through which forcemfa or AWS itself enters the account
// come last.
func (p *accountPlanner) planTrust() {
	if !p.in.Baseline.Trust.MFA {
		return
	}
	var entrances []plan.Step
	for i := range p.account.Roles {
		s, needed := p.requireMFA(&p.account.Roles[i])
		switch {
		case !needed:
		case s.Op == plan.UpdateEntranceTrust:
			entrances = append(entrances, s)
		default:
			p.add(s)
		}
	}
	for _, s := range entrances {
		for i := range p.steps {
			if p.steps[i].Blocked == "" && p.steps[i].Op != plan.UpdateEntranceTrust {
				s.Needs = append(s.Needs, p.steps[i].ID)
			}
		}
		p.add(s)
	}
}

// requireMFA is the step that requires MFA in the trust policy of a role; needed
// is false when the policy requires it already, when only AWS can change the
// role, or when the policy cannot be parsed, which is a finding.
func (p *accountPlanner) requireMFA(role *org.Role) (s plan.Step, needed bool) {
	if role.OfAWS() {
		return plan.Step{}, false
	}
	if _, err := policy.Parse(policy.Trust, role.Trust); err != nil {
		return plan.Step{}, false
	}
	document, err := trust.RequireMFA(role.Trust, p.in.Baseline.Trust.MaxAge)
	if err == nil && document == role.Trust {
		return plan.Step{}, false
	}
	return TrustChange{
		Header: p.in.Header, Account: p.account, Role: role, Document: document, Err: err, Now: p.in.Now,
		Acknowledged: p.in.acknowledged(baseline.GuardTrust, p.account.ID, role.Name),
	}.Step(), true
}

// A TrustChange is a new trust policy for a role, with what the guard trust
// needs for its decision.
type TrustChange struct {
	Header       *org.Header
	Account      *org.Account // of the role
	Role         *org.Role
	Document     string // the new trust policy
	Err          error  // why there is none
	Acknowledged bool   // the guard is overridden for the role
	Now          time.Time
}

// Step is the step that changes the trust policy, blocked when the guard objects.
func (c TrustChange) Step() plan.Step {
	op := plan.UpdateTrust
	if entrance(c.Account, c.Role) != "" {
		op = plan.UpdateEntranceTrust
	}
	document := c.Document
	if c.Err != nil {
		document = c.Role.Trust
	}
	s := plan.NewStep(op, c.Account.ID, c.Role.ARN, "",
		plan.State{Present: true, Document: c.Role.Trust}, plan.State{Present: true, Document: document})
	s.Block(c.blocked())
	return s
}

// blocked says why the trust policy is not changed, and what to do.
func (c TrustChange) blocked() (why, remedy string) {
	role, entrance := c.Role, entrance(c.Account, c.Role)
	ack := fmt.Sprintf("--ack %s:%s/%s", baseline.GuardTrust, c.Account.ID, role.Name)
	switch {
	case c.Err != nil:
		return "its trust policy cannot be edited automatically: " + c.Err.Error(), "edit the statement by hand"
	case tooLong(role.Trust, c.Document):
		return fmt.Sprintf("its trust policy would have %d characters, more than the quota of %d", policy.Size(c.Document), trustSize),
			"shorten it, or request a higher quota from AWS"
	case entrance != "" && !c.Acknowledged:
		return "it is " + entrance, "if it is assumed with MFA, acknowledge with " + ack
	case isRunRole(c.Account, role) && !c.reenters():
		return "it is the role that this run assumes, and a rollback might not be able to assume it with MFA",
			"run it as an IAM user with an MFA session, or with another role"
	case !c.Acknowledged && role.Used != nil && c.Now.Sub(*role.Used) < recent:
		return fmt.Sprintf("it was last used on %s, possibly without MFA", role.Used.UTC().Format(time.DateOnly)),
			"find its callers in CloudTrail, then acknowledge with " + ack
	}
	return "", ""
}

// tooLong reports whether a trust policy would exceed its quota. A policy that is
// longer than the default already has a higher quota.
func tooLong(before, after string) bool {
	limit := trustSize
	if policy.Size(before) > trustSize {
		limit = trustSizeLimit
	}
	return policy.Size(after) > limit
}

// entrance says which service or account enters the account through a role; empty
// for most roles.
// Source: Organizations User Guide, "Access a member account that has
// OrganizationAccountAccessRole"; Control Tower User Guide, "How AWS Control
// Tower works with roles"; CloudFormation User Guide, "Grant self-managed
// permissions".
func entrance(a *org.Account, role *org.Role) string {
	switch {
	case isRunRole(a, role):
		return "the role that this run assumes"
	case role.Name == "OrganizationAccountAccessRole":
		return "the role that the management account assumes"
	case role.Name == "AWSControlTowerExecution":
		return "the role that AWS Control Tower assumes"
	case role.Name == "AWSCloudFormationStackSetExecutionRole", strings.HasPrefix(role.Name, "stacksets-exec-"):
		return "a role that CloudFormation StackSets assume"
	}
	return ""
}

// isRunRole reports whether this run entered the account by assuming the role.
func isRunRole(a *org.Account, role *org.Role) bool { return sessionRole(a.Caller) == role.Name }

// sessionRole is the name of the role of a role session; empty for every other
// ARN.
func sessionRole(caller string) string {
	a, err := arn.Parse(caller)
	if err != nil || a.Service != "sts" {
		return ""
	}
	name, found := strings.CutPrefix(a.Resource, "assumed-role/")
	if !found {
		return ""
	}
	name, _, _ = strings.Cut(name, "/")
	return name
}

// reenters reports whether the caller of this run can certainly assume the role
// again: it is a user, and the new trust policy lets it in with MFA. A role
// session does not reliably say that MFA was used.
func (c TrustChange) reenters() bool {
	caller := c.Header.Caller
	a, err := arn.Parse(caller)
	if err != nil || a.Service != "iam" || a.Kind() != "user" {
		return false
	}
	everything := policy.ParseSource("everything", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	set := &policy.Set{Identity: []policy.Source{everything}, RCPs: new(org.Cache).RCPs(c.Header, c.Account)}
	ctx := new(policy.Context)
	ctx.Set("aws:PrincipalType", "User")
	ctx.Set("aws:PrincipalIsAWSService", "false")
	ctx.Set("aws:username", a.Name())
	ctx.Set("aws:ViaAWSService", "false")
	ctx.Set("aws:SecureTransport", "true")
	if o := c.Header.Organization; o != nil { // Organizations describes that of the caller
		ctx.Set("aws:PrincipalOrgID", o.ID)
	}
	ctx.Set("aws:PrincipalArn", caller)
	ctx.Set("aws:PrincipalAccount", a.Account)
	ctx.SetMFA(policy.SessionTokenMFA, policy.True, c.Now.Add(-time.Minute), c.Now)
	return set.Decide(&policy.Request{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: caller},
		Action:    "sts:AssumeRole", Resource: c.Role.ARN, ResourceAccount: c.Account.ID,
		Policies: []policy.Source{policy.ParseSource("trust policy", policy.Trust, c.Document)}, Context: ctx,
	}).Verdict == policy.Allowed
}
