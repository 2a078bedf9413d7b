package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// say adds a message about the function's account.
func (r *run) say(m notify.Message) {
	m.Account = r.account
	if r.seen != nil {
		m.Alias, m.AccountName, m.Partition = r.seen.Account.Alias, r.seen.Account.Name, r.seen.Account.Partition
	}
	if m.At.IsZero() {
		m.At = r.began
	}
	r.messages = append(r.messages, m)
}

// alert adds the alert of an incident, once, with what is known about its subject now.
func (r *run) alert(i *incident, a *alert) {
	rec := i.record()
	id := strings.Join([]string{"tampering", i.event.Account, i.subject(), rec.EventName, rec.EventID}, "/")
	if r.sent.has(id) {
		r.log.Info("sent already", "message", id)
		return
	}
	severity, what := a.severity, a.what+" by "+actorOf(i)
	if lower, why := r.lowered(i); why != "" {
		severity, what = lower, what+"; "+why
	}
	if severity == "" {
		return
	}
	r.log.Warn("tampering", "message", id, "severity", string(severity), "actor", rec.Actor())
	r.say(notify.Message{
		ID: id, Kind: notify.KindTampering, Severity: severity, Region: i.event.Region, Subject: i.subject(), ARN: r.arnOf(i),
		What: what, Remedy: a.remedy, At: i.event.Time,
	})
}

// exempting are the calls that can exempt a user.
var exempting = []string{"CreateUser", "TagUser", "UpdateUser"}

// exempted is the alert about a user whom a new name or path exempts from MFA; nil when
// it does not.
func (r *run) exempted(i *incident) *alert {
	if name := i.record().EventName; r.seen == nil || name != "CreateUser" && name != "UpdateUser" {
		return nil
	}
	u := r.seen.user(i.user())
	if u == nil || u.Read == nil {
		return nil
	}
	a := r.seen
	e := a.Input.Baseline.Exempt(baseline.PlaceOf(a.Header, a.Account.Account), u.Read, r.now())
	if e == nil || e.Match.Name+e.Match.Path+e.Match.ARN == "" {
		return nil
	}
	return high("ask who did this, and rename the user if the exemption is not intended", "%s got a name or path that exempts the user from MFA (%s)", u.Name, e.Match)
}

func actorOf(i *incident) string {
	if actor := i.record().Actor(); actor != "" {
		return actor
	}
	return "an unknown caller: the record names none"
}

// lowered is the severity of an alert that the state of the account makes less severe,
// and why. An empty severity with a reason drops the alert.
func (r *run) lowered(i *incident) (severity audit.Severity, why string) {
	if r.seen == nil {
		return "", ""
	}
	switch i.scope {
	case userScope:
		u := r.seen.user(i.user())
		switch {
		case u == nil:
			return audit.Low, "the user no longer exists"
		case u.State == audit.Exempt && !slices.Contains(exempting, i.record().EventName):
			return audit.Low, "the user is exempt: " + u.Exemption
		}
	case roleScope:
		if !r.seen.trustsWithoutMFA(i.text("roleName")) && !isFunctionRole(i) {
			return "", "its trust policy requires MFA, or trusts no account and no user"
		}
	case allUsersScope:
		if i.byCloudFormation() && !r.seen.drifted() {
			return "", "CloudFormation made the change, and the document is as configured"
		}
	}
	return "", ""
}

// arnOf is the ARN of the subject, if it is known.
func (r *run) arnOf(i *incident) string {
	switch i.scope {
	case userScope:
		if r.seen != nil {
			if u := r.seen.user(i.user()); u != nil {
				return u.ARN
			}
		}
	case allUsersScope:
		if strings.HasPrefix(i.subject(), "policy/") {
			return i.text("policyArn")
		}
		return baseline.GroupARN(partitionOf(i.record()), i.event.Account)
	}
	return ""
}

// done reports the effect of a step.
func (r *run) done(s *plan.Step) {
	m, ok := notify.StepDone(r.account, s)
	if !ok {
		return
	}
	if s.Op == plan.AttachUserPolicy && r.options.Settings.Baseline.Attach != baseline.AttachUser {
		m.Kind, m.Severity = notify.KindWorkaround, audit.Medium
		m.What = fmt.Sprintf("MFA is enforced for %s, but not through the group %s (%s): %s is attached to the user instead",
			s.UserName(), baseline.GroupName, r.seen.whyNotGroup(s.Subject), baseline.PolicyName)
		m.Remedy = "remove the user from another group, or run forcemfa deploy apply if the group is missing; then run forcemfa apply"
	}
	r.say(m)
}

// failed reports a step that failed, with the answer from AWS.
func (r *run) failed(s *plan.Step, why string) {
	r.say(notify.StepFailed(r.account, s, why, "the next scheduled scan tries again; if it fails too, run forcemfa apply"))
}

// proposed reports steps that the mode or a config problem does not allow.
func (r *run) proposed(steps []plan.Step) {
	remedy := "set the mode to enforce, or run forcemfa apply"
	if r.options.Mode == Enforce {
		remedy = "run forcemfa deploy apply, which packages the config file again, or run forcemfa apply"
	}
	for n := range steps {
		r.log.Info("not applied in this mode", "step", steps[n].ID, "findings", steps[n].Because)
		if steps[n].UserName() == "" {
			continue
		}
		m := notify.AboutStep("enforced", r.account, &steps[n])
		m.Kind, m.Severity, m.Remedy = notify.KindFinding, audit.High, remedy
		m.What = fmt.Sprintf("MFA is not enforced for %s; %s would enforce it", steps[n].UserName(), steps[n].Op)
		r.say(m)
	}
}

// held reports a step that is not applied, and what to do about it.
func (r *run) held(h *held) {
	r.log.Warn("held", "step", h.step.ID, "why", h.why, "findings", h.step.Because)
	m := notify.AboutStep("blocked", r.account, &h.step)
	m.Kind, m.Severity, m.Remedy = notify.KindBlocked, h.severity, h.remedy
	m.What = fmt.Sprintf("%s is not applied: %s", h.step.Op, h.why)
	r.say(m)
}

// user is an audited user; nil if it does not exist.
func (a *account) user(name string) *audit.User {
	for n := range a.Audited.Users {
		if strings.EqualFold(a.Audited.Users[n].Name, name) {
			return &a.Audited.Users[n]
		}
	}
	return nil
}

// trustsWithoutMFA reports whether the audit found that a user or an account can assume
// the role without MFA.
func (a *account) trustsWithoutMFA(role string) bool {
	for _, found := range a.Audited.Findings {
		if strings.HasPrefix(found.Rule, "role-trust-") && found.Severity != audit.Low && strings.EqualFold(lastSegment(found.Subject), role) {
			return true
		}
	}
	return false
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// drifted reports whether the policy of forcemfa differs from the configured one.
func (a *account) drifted() bool {
	policy := a.Account.Policy(a.Input.Baseline.PolicyOf(a.Account.Account))
	if policy == nil {
		return true
	}
	text, known := policy.DefaultDocument()
	return !known || !plan.SameDocument(text, a.Input.Baseline.Document(a.Account.Partition))
}

// whyNotGroup is why a user is not added to the group.
func (a *account) whyNotGroup(userARN string) string {
	group := a.Account.Group(baseline.GroupName)
	switch {
	case group == nil:
		return "the group does not exist"
	case len(group.Inline) > 0 || len(group.Attached) > 1:
		return "the group has other policies"
	}
	for n := range a.Account.Users {
		if u := &a.Account.Users[n]; u.ARN == userARN {
			return fmt.Sprintf("the user is in %d groups, and the quota GroupsPerUser is %d", len(u.Groups), quotaOf(a.Account.Account))
		}
	}
	return "the group is full"
}

func quotaOf(a *org.Account) int {
	if a.Quotas.GroupsPerUser == 0 {
		return 10 // Source: IAM User Guide, "IAM and AWS STS quotas"
	}
	return a.Quotas.GroupsPerUser
}
