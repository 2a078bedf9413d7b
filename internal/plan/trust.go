package plan

import (
	"fmt"
	"strings"
	"time"

	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// recently is how long ago a role was used by something that still needs it.
const recently = 90 * 24 * time.Hour

// The most characters of a trust policy: what AWS gives, and what it gives on
// request.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const (
	trustSize      = 2048
	trustSizeLimit = 8192
)

// planTrust asks for MFA in the trust policies through which accounts and users
// come in. Those of roles by which forcemfa or AWS itself enters are last.
func (p *planner) planTrust() {
	if !p.in.Baseline.Trust.MFA {
		return
	}
	var entrances []Step
	for i := range p.account.Roles {
		role := &p.account.Roles[i]
		if untouchable(role) {
			continue
		}
		s, wanted := p.secured(role)
		switch {
		case !wanted:
		case s.Op == UpdateEntranceTrust:
			entrances = append(entrances, s)
		default:
			p.add(s)
		}
	}
	for _, s := range entrances {
		for i := range p.steps {
			if p.steps[i].Blocked == "" && p.steps[i].Op != UpdateEntranceTrust {
				s.Needs = append(s.Needs, p.steps[i].ID)
			}
		}
		p.add(s)
	}
}

// untouchable roles can be changed by AWS alone.
// Source: IAM User Guide, "Create a service-linked role"; IAM Identity Center
// User Guide, "Referencing permission sets in resource policies".
func untouchable(r *org.Role) bool {
	return strings.HasPrefix(r.Path, "/aws-service-role/") || strings.HasPrefix(r.Path, "/aws-reserved/")
}

// secured is the step that asks for MFA at a role; wanted is false when it
// does, or when nothing can be told of its trust policy, which is a finding.
func (p *planner) secured(role *org.Role) (s Step, wanted bool) {
	if _, err := policy.Parse(policy.Trust, role.Trust); err != nil {
		return Step{}, false
	}
	before := State{Present: true, Document: role.Trust}
	document, err := SecureTrust(role.Trust, p.in.Baseline.Trust.MaxAge)
	if err == nil && document == role.Trust {
		return Step{}, false
	}
	entrance := p.entrance(role)
	op := UpdateTrust
	if entrance != "" {
		op = UpdateEntranceTrust
	}
	if err != nil {
		document = role.Trust
	}
	s = newStep(op, p.account.ID, role.ARN, "", before, State{Present: true, Document: document})
	s.Blocked, s.Remedy = p.trustHeld(role, document, entrance, err)
	return s, true
}

// trustHeld says why a trust policy is not changed.
func (p *planner) trustHeld(role *org.Role, document, entrance string, err error) (why, remedy string) {
	acknowledged := p.in.acknowledged(baseline.GuardTrust, p.account.ID, role.Name)
	ack := fmt.Sprintf("--ack %s:%s/%s", baseline.GuardTrust, p.account.ID, role.Name)
	switch {
	case err != nil:
		return "its trust policy cannot be mended by rule: " + err.Error(), "write the statement anew by hand"
	case tooLong(role.Trust, document):
		return fmt.Sprintf("its trust policy would have %d characters, more than the %d that AWS gives", policy.Size(document), trustSize),
			"shorten it, or ask AWS for a higher quota"
	case entrance != "" && !acknowledged:
		return "it is " + entrance, "if people come in with MFA, acknowledge with " + ack
	case p.isOwnEntrance(role) && !p.reenters(role, document):
		return "it is the role by which this run enters, and nothing shows that a rollback could enter with MFA",
			"run it as an IAM user of the account who signs in with MFA, or by another role"
	case !acknowledged && role.Used != nil && p.in.Now.Sub(*role.Used) < recently:
		return fmt.Sprintf("something used it on %s, and nothing tells whether with MFA", role.Used.UTC().Format(time.DateOnly)),
			"see in CloudTrail who assumes it, then acknowledge with " + ack
	}
	return "", ""
}

// tooLong tells whether a trust policy would outgrow its quota. One that is
// beyond AWS's default already has a higher one.
func tooLong(before, after string) bool {
	limit := trustSize
	if policy.Size(before) > trustSize {
		limit = trustSizeLimit
	}
	return policy.Size(after) > limit
}

// entrance says what enters by a role besides people; empty for most.
// Source: Organizations User Guide, "Access a member account that has
// OrganizationAccountAccessRole"; Control Tower User Guide, "How AWS Control
// Tower works with roles"; CloudFormation User Guide, "Grant self-managed
// permissions".
func (p *planner) entrance(role *org.Role) string {
	switch {
	case p.isOwnEntrance(role):
		return "the role by which this run enters"
	case role.Name == "OrganizationAccountAccessRole":
		return "the role by which the management account enters"
	case role.Name == "AWSControlTowerExecution":
		return "the role by which Control Tower enters"
	case role.Name == "AWSCloudFormationStackSetExecutionRole", strings.HasPrefix(role.Name, "stacksets-exec-"):
		return "a role by which StackSets enter"
	}
	return ""
}

// isOwnEntrance tells whether the run came into the account as a session of the
// role.
func (p *planner) isOwnEntrance(role *org.Role) bool {
	return sessionRole(p.account.Caller) == role.Name
}

// sessionRole is the name of the role whose session an ARN is; empty for
// everything else.
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

// reenters proves that whoever started the run could come in by the role again:
// it is a user who comes in with MFA. Whether a role session says that MFA was
// used cannot be relied on.
func (p *planner) reenters(role *org.Role, document string) bool {
	a, err := arn.Parse(p.in.Header.Caller)
	if err != nil || a.Service != "iam" || a.Kind() != "user" {
		return false
	}
	everything := policy.ParseSource("everything", policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	set := &policy.Set{Identity: []policy.Source{everything}}
	ctx := new(policy.Context)
	ctx.Set("aws:PrincipalArn", p.in.Header.Caller)
	ctx.Set("aws:PrincipalAccount", a.Account)
	ctx.SetMFA(policy.SessionTokenMFA, policy.True, p.in.Now.Add(-time.Minute), p.in.Now)
	return set.Decide(&policy.Request{
		Principal: policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: p.in.Header.Caller},
		Action:    "sts:AssumeRole", Resource: role.ARN, ResourceAccount: p.account.ID,
		Policies: []policy.Source{policy.ParseSource("trust policy", policy.Trust, document)}, Context: ctx,
	}).Verdict == policy.Allowed
}
