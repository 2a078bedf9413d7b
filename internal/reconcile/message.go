package reconcile

import (
	"fmt"
	"strings"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/notify"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
	"forcemfa/policy/arn"
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

// alert says what a deed did against enforcement, once, and what is known of its
// subject by now.
func (r *run) alert(i *incident, a *alert) {
	rec := i.record()
	id := strings.Join([]string{"tampering", i.event.Account, i.subject(), rec.EventName, rec.EventID}, "/")
	if r.said.has(id) {
		r.log.Info("said already", "message", id)
		return
	}
	severity, what := a.severity, a.what+" by "+by(i)
	if milder, why := r.milder(i); why != "" {
		severity, what = milder, what+"; "+why
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

func by(i *incident) string {
	if actor := i.record().Actor(); actor != "" {
		return actor
	}
	return "somebody of whom the record does not tell"
}

// milder is what becomes of an alert where the account, as it was read, says that
// it is less. Empty with a reason: nothing need be said at all.
func (r *run) milder(i *incident) (severity audit.Severity, why string) {
	if r.seen == nil {
		return "", ""
	}
	switch i.of {
	case atUser:
		u := r.seen.user(i.user())
		switch {
		case u == nil:
			return audit.Low, "the user is not there any more"
		case u.State == audit.Exempt && i.record().EventName != "TagUser" && i.record().EventName != "CreateUser":
			return audit.Low, "the user is exempt: " + u.Exemption
		}
	case atRole:
		if !r.seen.trusts(i.text("roleName")) && !ourRole(i) {
			return "", "its trust policy asks for MFA, or trusts no account and no user"
		}
	case atEverybody:
		if i.byCloudFormation() && !r.seen.drifted() {
			return "", "a stack did it, and the document is as wanted"
		}
	}
	return "", ""
}

// arnOf is the ARN of the subject, where it is known.
func (r *run) arnOf(i *incident) string {
	switch i.of {
	case atUser:
		if r.seen != nil {
			if u := r.seen.user(i.user()); u != nil {
				return u.ARN
			}
		}
	case atEverybody:
		if strings.HasPrefix(i.subject(), "policy/") {
			return i.policyARN
		}
		return baseline.GroupARN(partitionOf(i.record()), i.event.Account)
	}
	return ""
}

// done says what a step did.
func (r *run) done(s *plan.Step) {
	m := notify.Message{ID: r.messageID("enforced", s), Kind: notify.KindEnforced, Severity: audit.Info, Subject: subjectOf(s), ARN: s.Subject}
	switch s.Op {
	case plan.AddUserToGroup:
		m.What = fmt.Sprintf("MFA is enforced for %s through the group %s", s.UserName(), s.Object)
	case plan.AttachUserPolicy:
		m.What = fmt.Sprintf("MFA is enforced for %s: %s is attached to the user", s.UserName(), baseline.PolicyName)
		if r.options.Settings.Baseline.Attach != baseline.AttachUser {
			m.Kind, m.Severity = notify.KindWorkaround, audit.Medium
			m.What = fmt.Sprintf("%s could not be put into the group %s (%s); %s is attached to the user instead, so MFA is enforced",
				s.UserName(), baseline.GroupName, r.seen.groupTrouble(s.Subject), baseline.PolicyName)
			m.Remedy = "make room among the user's groups, or run forcemfa deploy apply where the group is missing; then forcemfa apply"
		}
	case plan.AttachGroupPolicy:
		m.Kind = notify.KindFixed
		m.What = fmt.Sprintf("%s is attached to the group %s again", baseline.PolicyName, baseline.GroupName)
	case plan.TagUser:
		m.What = fmt.Sprintf("%s may enroll an MFA device by access key until %s", s.UserName(), s.Want.Value)
		m.ID, m.Severity = r.messageID("window-open", s), audit.Low
		m.Remedy = "let the user enroll before that: forcemfa enroll"
	case plan.UntagUser:
		m.ID, m.Kind = r.messageID("window-expired", s), notify.KindFixed
		m.What = fmt.Sprintf("the enrollment window of %s is closed", s.UserName())
	}
	r.say(m)
}

// messageID is the ID of a message about a step: that of the finding which the
// step answers, or of a rule.
func (r *run) messageID(rule string, s *plan.Step) string {
	if len(s.Because) > 0 && rule == "enforced" {
		return s.Because[0]
	}
	return rule + "/" + r.account + "/" + subjectOf(s)
}

// subjectOf is the subject of a step, as findings name it.
func subjectOf(s *plan.Step) string {
	a, err := arn.Parse(s.Subject)
	if err != nil {
		return s.Subject
	}
	return a.Kind() + "/" + a.Name()
}

// failed says what could not be done, with what AWS answered.
func (r *run) failed(s *plan.Step, why string) {
	r.say(notify.Message{
		ID: r.messageID("failed", s), Kind: notify.KindBlocked, Severity: audit.High, Subject: subjectOf(s), ARN: s.Subject,
		What: fmt.Sprintf("%s could not be done: %s", s.Op, why), Remedy: "the next sweep tries again; if it fails as well, run forcemfa apply",
	})
}

// proposed says, where nothing is to be changed, what would be.
func (r *run) proposed(steps []plan.Step) {
	for n := range steps {
		r.log.Info("not done, in this mode", "step", steps[n].ID, "findings", steps[n].Because)
		if steps[n].UserName() == "" {
			continue
		}
		r.say(notify.Message{
			ID: r.messageID("enforced", &steps[n]), Kind: notify.KindFinding, Severity: audit.High, Subject: subjectOf(&steps[n]), ARN: steps[n].Subject,
			What:   fmt.Sprintf("%s is not enforced, and would be by %s", steps[n].UserName(), steps[n].Op),
			Remedy: "set the mode to enforce, or run forcemfa apply",
		})
	}
}

// held says what is not done, and what to do about it.
func (r *run) held(h *held) {
	r.log.Warn("held", "step", h.step.ID, "why", h.why, "findings", h.step.Because)
	r.say(notify.Message{
		ID: r.messageID("blocked", &h.step), Kind: notify.KindBlocked, Severity: h.severity, Subject: subjectOf(&h.step), ARN: h.step.Subject,
		What: fmt.Sprintf("%s is not done: %s", h.step.Op, h.why), Remedy: h.remedy,
	})
}

// user is a user as the account was audited; nil when it is not there.
func (a *account) user(name string) *audit.User {
	for n := range a.audited.Users {
		if strings.EqualFold(a.audited.Users[n].Name, name) {
			return &a.audited.Users[n]
		}
	}
	return nil
}

// trusts tells whether a role can be assumed without MFA by a user or an
// account, as far as is known.
func (a *account) trusts(role string) bool {
	for _, found := range a.audited.Findings {
		if strings.HasPrefix(found.Rule, "role-trust-") && found.Severity != audit.Low && strings.EqualFold(lastSegment(found.Subject), role) {
			return true
		}
	}
	return false
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// drifted tells whether our policy is not as it is wanted.
func (a *account) drifted() bool {
	policy := a.Account.Policy(baseline.PolicyARN(a.Account.Partition, a.Account.ID))
	if policy == nil {
		return true
	}
	text, known := policy.DefaultDocument()
	return !known || !plan.SameDocument(text, a.baseline.Document(a.Account.Partition))
}

// groupTrouble says why a user is not put into our group.
func (a *account) groupTrouble(userARN string) string {
	group := a.Account.Group(baseline.GroupName)
	switch {
	case group == nil:
		return "there is no such group"
	case len(group.Inline) > 0 || len(group.Attached) > 1:
		return "it gives more than our policy"
	}
	for n := range a.Account.Users {
		if u := &a.Account.Users[n]; u.ARN == userARN {
			return fmt.Sprintf("the user is in %d groups, and the quota GroupsPerUser is %d", len(u.Groups), quotaOf(a.Account))
		}
	}
	return "it has no room"
}

func quotaOf(a *org.Account) int {
	if a.Quotas.GroupsPerUser == 0 {
		return 10 // Source: IAM User Guide, "IAM and AWS STS quotas"
	}
	return a.Quotas.GroupsPerUser
}
