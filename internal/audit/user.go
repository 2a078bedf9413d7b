package audit

import (
	"slices"
	"strings"

	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/prove"
)

// User returns the state of one user of an account.
func (a *Auditor) User(account *org.Account, u *org.User) User {
	return a.user(account, baseline.PlaceOf(a.header, account), u, a.surroundings(account))
}

func (a *Auditor) user(account *org.Account, at baseline.Place, u *org.User, around surroundings) User {
	out := User{
		Account:     account.ID,
		AccountName: account.Name,
		Name:        u.Name,
		ARN:         u.ARN,
		MFA:         u.MFA,
		Devices:     u.Devices,
		Console:     u.Password,
		ActiveKeys:  u.ActiveKeys(),
		Keys:        u.Keys,
		Created:     u.Created,
		Tags:        u.Tags,
		Boundary:    u.Boundary,
		Read:        u,

		PasswordUsed: u.PasswordUsed,
	}
	if !u.CredentialsKnown() && !account.Report.IsZero() && org.NewerThan(account.Report, u) {
		out.NewerThan = &account.Report
	}
	if w, open := a.baseline.Window.Of(u.Tags); open && !w.Expired(a.now) {
		out.Window = w.Value
	}
	if e := a.baseline.Exempt(at, u, a.now); e != nil {
		out.State, out.Exemption, out.ExemptBy = Exempt, e.String(), e
		return out
	}
	subject := a.subject(account, u, around)
	if u.MFA == org.No {
		out.CannotEnroll = a.cannotEnroll(&subject, account, u)
	}
	answer := a.prover.User(subject)
	out.Assumptions, out.Proof = slices.Concat(answer.Assumptions, a.baseline.ObservedWords(answer.Observed)), universe(&answer)
	switch answer.Outcome {
	case prove.Enforced:
		out.State, out.DeniedBy = Enforced, a.deniedBy(answer.Proof, subject.Set)
		if !a.CheckProofs {
			break
		}
		if err := a.check(answer.Proof, &subject); err != nil {
			out.State, out.Proof, out.DeniedBy, out.Why = Unknown, "", nil, "the independent checker rejected the proof: "+err.Error()
		}
	case prove.Open:
		out.State, out.Example, out.NotExploitable, out.Obstacle = Open, answer.Counterexample, answer.Latent, answer.Obstacle
	default:
		out.State, out.Why = Unknown, answer.Why
	}
	return out
}

// subject is a user as input of package prove.
func (a *Auditor) subject(account *org.Account, u *org.User, around surroundings) prove.Subject {
	s := prove.Subject{
		Principal:          account.Principal(u),
		Set:                a.documents.PolicySet(a.header, account, u),
		Context:            account.Context(a.header, u),
		HasDevice:          u.MFA == org.Yes,
		ForwardedCallsPass: a.baseline.Policy.FAS != document.FASDeny,
		Enrollment:         a.enrollment,
		EnrollmentByKey:    a.enrollsByKey(u),
		Known:              around.names(account, u),
		Roles:              around.roles,
		Observed:           a.baseline.Answers(),
	}
	if u.ActiveKeys() > 0 {
		s.Credentials = append(s.Credentials, policy.LongTermKey)
	}
	if u.Password == org.Yes {
		s.Credentials = append(s.Credentials, policy.ConsolePassword)
	}
	return s
}

// enrollsByKey reports whether the baseline lets the user's access key enable a
// first device: always, or while the user's enrollment window is open.
func (a *Auditor) enrollsByKey(u *org.User) bool {
	if a.baseline.Policy.Enrollment == document.EnrollmentAny {
		return true
	}
	window, open := a.baseline.Window.Of(u.Tags)
	return open && !window.Expired(a.now)
}

// user adds the findings about a user.
func (r *report) user(u *User) {
	first := len(r.findings)
	r.state(u)
	r.devices(u)
	r.exemptions(u)
	r.window(u)
	r.deviceByKey(u)
	r.attachments(u)
	for i := first; i < len(r.findings); i++ {
		r.findings[i].ARN = u.ARN
	}
}

func (r *report) state(u *User) {
	subject := "user/" + u.Name
	switch u.State {
	case Unknown:
		r.add("user-unknown", subject, "could not decide whether MFA is enforced for %s: %s", u.Name, u.Why)
	case Open:
		r.open(u, subject)
	}
}

func (r *report) open(u *User, subject string) {
	f := r.add("user-open", subject, "allowed: %s", u.Example)
	f.Example = u.Example
	switch {
	case u.NotExploitable:
		f.Severity, f.What = Medium, "not denied, although nothing allows it today: "+u.Example.String()
	case u.ActiveKeys == 0 && u.Console == org.No:
		f.Severity = High
	}
}

func (r *report) devices(u *User) {
	subject := "user/" + u.Name
	console := u.Console == org.Yes
	if u.MFA == org.No && (console || u.ActiveKeys > 0 && u.State != Exempt) {
		f := r.add("no-device", subject, "%s has a console password but no MFA device", u.Name)
		if !console {
			f.Severity, f.What = Low, u.Name+" has an active access key but no MFA device"
		}
	}
	if u.CannotEnroll != "" {
		f := r.add("cannot-enroll", subject, "%s cannot enroll an MFA device today: %s", u.Name, u.CannotEnroll)
		if !console {
			f.Severity = Low
		}
	}
	codes := slices.ContainsFunc(u.Devices, func(d org.Device) bool { return d.Kind.GivesCodes() })
	if len(u.Devices) > 0 && !codes && u.ActiveKeys > 0 && u.State != Exempt {
		r.add("cli-lockout", subject, "%s has an active access key, but only MFA devices that do not generate codes", u.Name)
	}
}

func (r *report) exemptions(u *User) {
	b, subject := r.auditor.baseline, "user/"+u.Name
	if e := b.Exempt(r.place, u.Read, r.auditor.now); e != nil {
		if u.Console == org.Yes && !e.BreakGlass {
			r.add("exempt-interactive", subject, "%s is exempt and has a console password: %s", u.Name, e)
		}
		return
	}
	if lapsed := b.Lapsed(r.place, u.Read, r.auditor.now); len(lapsed) > 0 {
		r.add("exemption-expired", subject, "expired: %s", lapsed[0])
	}
}

func (r *report) window(u *User) {
	window, open := r.auditor.baseline.Window.Of(u.Read.Tags)
	if !open || r.auditor.baseline.Policy.Enrollment == document.EnrollmentAny {
		return
	}
	subject := "user/" + u.Name
	switch {
	case u.MFA == org.Yes:
		r.add("window-expired", subject, "the enrollment window of %s is open (tag %s), although the user has a device", u.Name, window.Tag)
	case window.Until.IsZero():
		r.add("window-expired", subject, "the enrollment window of %s has no valid end date: tag %s is %q", u.Name, window.Tag, window.Value)
	case window.Expired(r.auditor.now):
		r.add("window-expired", subject, "the enrollment window of %s ended on %s, but its tag is still set", u.Name, window.Value)
	default:
		r.add("window-open", subject, "%s can enroll a device with an access key until %s", u.Name, window.Value)
	}
}

func (r *report) deviceByKey(u *User) {
	if closed, marked := baseline.DeviceByKey(u.Read.Tags); marked {
		f := r.add("device-by-key", "user/"+u.Name, "device enrolled by access key: confirm with the person (the enrollment window of %s was closed on %s)", u.Name, closed)
		f.Remedy = strings.Replace(f.Remedy, "--confirm USER", "--confirm "+u.Name, 1)
	}
}

func (r *report) attachments(u *User) {
	var direct []string
	for _, p := range u.Read.Inline {
		if p.Name != baseline.InlinePolicyName {
			direct = append(direct, p.Name)
		}
	}
	for _, arn := range u.Read.Attached {
		if arn != r.auditor.baseline.PolicyOf(r.account) {
			direct = append(direct, arn[strings.LastIndexByte(arn, '/')+1:])
		}
	}
	if len(direct) > 0 {
		r.add("direct-policies", "user/"+u.Name, "%s has policies attached directly or inline: %s", u.Name, strings.Join(direct, ", "))
	}
	if len(u.Read.Groups) > 0 || u.State == Exempt {
		return
	}
	switch r.auditor.baseline.Attach {
	case baseline.AttachGroup:
		r.add("no-group", "user/"+u.Name, "%s is in no group", u.Name)
	case baseline.AttachGroups:
		f := r.add("no-group", "user/"+u.Name, "%s is in no group, and attach: groups enforces only members of groups", u.Name)
		f.Remedy = "add the user to a group, or set attach to group or user"
	}
}
