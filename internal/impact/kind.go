package impact

import (
	"fmt"
	"slices"
	"strings"

	"forcemfa/internal/org"
	"forcemfa/internal/prose"
)

// A Kind says who uses a user's credentials.
type Kind string

// The kinds.
const (
	ServiceAccount Kind = "service account"
	Person         Kind = "person"
	Both           Kind = "both"
	Unused         Kind = "unused"
	Unclear        Kind = "unclear"
)

// officeHours is how many different hours of the day a person works at most.
const officeHours = 14

// judgeKind weighs what the log shows. Each reason counts once; two agree, or the
// confidence is low.
func (u *userBuilder) judgeKind() {
	e := u.evidence
	if e.count == 0 && e.signIns == 0 && u.outside {
		u.Kind, u.Confidence, u.Evidence = Unclear, "low", []string{"used outside the log"}
		return
	}
	if e.count == 0 && e.signIns == 0 {
		u.Kind, u.Confidence, u.Evidence = Unused, "high", []string{"no recorded call and no sign-in"}
		return
	}
	machine, person := u.machineEvidence(), u.personEvidence()
	u.Evidence = slices.Concat(machine, person)
	switch {
	case len(machine) > 0 && len(person) > 0:
		u.Kind = Both
		if len(machine) > 1 && len(person) == 1 && e.signIns == 0 {
			u.Kind = ServiceAccount
		}
	case len(machine) > 0:
		u.Kind = ServiceAccount
	case len(person) > 0:
		u.Kind = Person
	default:
		u.Kind, u.Evidence = Unclear, []string{fmt.Sprintf("%s on %s, by %s", prose.Count(e.count, "call"), prose.Count(len(e.days), "day"), strings.Join(u.Tools, ", "))}
	}
	u.Confidence = "low"
	if u.Kind == Both || len(machine)+len(person) > 1 {
		u.Confidence = "high"
	}
}

// machineEvidence is what speaks for a program that runs without a person.
func (u *userBuilder) machineEvidence() (reasons []string) {
	e := u.evidence
	attended, unattended := 0, 0
	for t, n := range e.tools {
		if t.attends {
			attended += n
		}
		if t.unattends {
			unattended += n
		}
	}
	if few := e.count < 3; !few && unattended > attended {
		reasons = append(reasons, "calls by "+strings.Join(u.toolsThat(func(t *tool) bool { return t.unattends }), ", "))
	}
	active := e.activeHours()
	if active > officeHours && len(e.days) > 2 {
		reasons = append(reasons, fmt.Sprintf("calls in %d of 24 hours of the day", active))
	}
	if len(e.days) >= 7 && e.weekend*5 >= e.count && unattended > 0 {
		reasons = append(reasons, "calls on weekends as on other days")
	}
	if night := e.between(22, 5); len(e.days) > 2 && night*2 > e.count && active <= officeHours {
		reasons = append(reasons, "most calls at night (UTC)")
	}
	return reasons
}

// personEvidence is what speaks for a person.
func (u *userBuilder) personEvidence() (reasons []string) {
	e := u.evidence
	if e.signIns > 0 {
		reasons = append(reasons, prose.Count(e.signIns, "console sign-in"))
	}
	if e.withCode > 0 && e.count > 0 {
		reasons = append(reasons, "calls or sign-ins with MFA")
	}
	if attended := u.toolsThat(func(t *tool) bool { return t.attends }); len(attended) > 0 {
		if active := e.activeHours(); active <= officeHours {
			reasons = append(reasons, fmt.Sprintf("%s in %s of the day", strings.Join(attended, ", "), prose.Count(active, "hour")))
		}
	}
	return reasons
}

func (u *userBuilder) toolsThat(is func(*tool) bool) (names []string) {
	for t := range u.evidence.tools {
		if is(t) && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	slices.Sort(names)
	return names
}

// between counts calls from one hour of the day to another, both included.
func (e *evidence) between(from, to int) (n int) {
	for h := from; ; h = (h + 1) % 24 {
		n += e.hours[h]
		if h == to {
			return n
		}
	}
}

// next is the step that keeps the user working.
func (u *userBuilder) next() {
	say := func(next, why string) { u.Next, u.NextWhy = next, why }
	device := u.member.user.MFA == org.Yes
	switch {
	case u.Exempt != "":
		say("none", u.Exempt+" matches")
	case u.Unplanned != "":
		say("none", u.Unplanned)
	case u.Kind == Unused && u.Known && u.member.user.ActiveKeys() > 0:
		say("deactivate the access key", "no recorded call; check when it was last used")
	case u.Denied == 0 && u.RoleCalls == 0 && u.outside:
		say("find out who uses the access key", "it was used, but the log does not show for what")
	case u.Denied == 0 && u.RoleCalls == 0:
		say("none", "no recorded call would be denied")
	case u.Kind == ServiceAccount:
		u.nextOfService(say)
	case u.Kind == Both:
		say("separate the program from the person", "give the program a role or its own exempt user; the person uses a device")
	case device:
		say(`sign in with "forcemfa login"`, "the user has an MFA device; calls need a session with a code")
	case u.Known:
		say("enroll a device", `then "forcemfa login" gives sessions with MFA`)
	default:
		say("ask the owner", "the user is not in the organization that was read")
	}
}

// nextOfService is the replacement of a service account's key.
func (u *userBuilder) nextOfService(say func(next, why string)) {
	for _, ci := range []string{"GitHub Actions", "GitLab CI", "CircleCI", "Jenkins"} {
		if slices.Contains(u.Tools, ci) {
			say("replace the key by a role with OIDC", ci+" can sign in without a key; until then exempt the user until a date")
			return
		}
	}
	if slices.Contains(u.Tools, "CodeBuild") {
		say("replace the key by the role of the project", "CodeBuild has a role; until then exempt the user until a date")
		return
	}
	say("replace the key by a role, or exempt the user until a date", "an instance profile, Pod Identity or Roles Anywhere needs no key")
}
