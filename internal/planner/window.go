package planner

import (
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/baseline/document"
	"forcemfa/internal/org"
	"forcemfa/internal/plan"
)

// maxTags is how many tags a user can have.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const maxTags = 50

// openWindows lets users who can enroll a device only by access key do so until a
// date, before a step enforces them.
func (p *accountPlanner) openWindows(candidates []candidate) {
	blocked := p.blockedPlacements(candidates)
	for i := range candidates {
		c := &candidates[i]
		if !c.needsWindow || c.blocked != "" || blocked[c.place] ||
			c.place == throughGroups && p.blockedByGroup(candidates, c) {
			continue
		}
		c.window = p.tagWindow(c.user, p.newWindow())
		p.remarks.windows = append(p.remarks.windows, p.account.ID+"/"+c.user.Name)
	}
}

// newWindow is the tag value of a window that this plan opens.
func (s *accountState) newWindow() string { return s.in.Baseline.Window.Value(s.in.windowStart()) }

// tagWindow sets the tag of an enrollment window, or replaces its value.
func (p *accountPlanner) tagWindow(u *audit.User, value string) *plan.Step {
	key, before := p.in.Baseline.Window.Tag, absent
	if open, there := p.in.Baseline.Window.Of(u.Read.Tags); there {
		key, before = open.Tag, plan.State{Present: true, Value: open.Value}
	}
	return p.add(p.step(plan.TagUser, u.ARN, key, before, plan.State{Present: true, Value: value}))
}

// closeWindows removes the tag from users who have a device or are exempt, and
// where the date has passed or cannot be read. A window that ends later than a
// new one would is shortened.
func (p *accountPlanner) closeWindows(users []audit.User) {
	for i := range users {
		u := &users[i]
		if u.Read == nil || p.planned(plan.TagUser, u.ARN) { // its window is opened
			continue
		}
		open, there := p.in.Baseline.Window.Of(u.Read.Tags)
		switch {
		case !there:
		case p.closes(u, open):
			s := p.step(plan.UntagUser, u.ARN, open.Tag, plan.State{Present: true, Value: open.Value}, absent)
			s.Needs = plan.IDs(p.markEnrolledByKey(u))
			p.add(s)
		case open.Until.After(p.latestEnd()):
			p.tagWindow(u, p.newWindow())
		}
	}
}

// markEnrolledByKey marks a user with a device and an open window: an access key was
// enough to enroll the device. A person removes the mark.
func (p *accountPlanner) markEnrolledByKey(u *audit.User) *plan.Step {
	_, marked := baseline.DeviceByKey(u.Read.Tags)
	if marked || u.State == audit.Exempt || u.MFA != org.Yes || len(u.Read.Tags) >= maxTags || p.in.Baseline.Policy.Enrollment == document.EnrollmentAny {
		return nil
	}
	day := p.in.Now.UTC().Format(time.DateOnly)
	return p.add(p.step(plan.TagUser, u.ARN, baseline.DeviceByKeyTag, absent, plan.State{Present: true, Value: day}))
}

// closes reports whether this plan closes the window of a user.
func (s *accountState) closes(u *audit.User, open baseline.OpenWindow) bool {
	return u.State == audit.Exempt || u.MFA == org.Yes || open.Expired(s.in.Now)
}

// withoutClosing is the user as it was read, without a window that this plan
// closes, so that no sign-in path depends on it.
func (s *accountState) withoutClosing(u *audit.User) *org.User {
	if open, there := s.in.Baseline.Window.Of(u.Read.Tags); there && s.closes(u, open) {
		return withoutTag(u.Read, open.Tag)
	}
	return u.Read
}

// latestEnd is the end of a window that opens now: the end of its last day.
func (s *accountState) latestEnd() time.Time {
	return s.in.Now.UTC().AddDate(0, 0, s.in.Baseline.Window.Days+1)
}

// withWindow is a user with an open window; nil when there is no room for the
// tag.
func (s *accountState) withWindow(u *org.User) *org.User {
	tagged := withoutTag(u, s.in.Baseline.Window.Tag)
	if len(tagged.Tags) >= maxTags {
		return nil
	}
	tagged.Tags = append(tagged.Tags, org.Tag{Key: s.in.Baseline.Window.Tag, Value: s.newWindow()})
	return tagged
}

func withoutTag(u *org.User, key string) *org.User {
	bare := *u
	bare.Tags = nil
	for _, t := range u.Tags {
		if !strings.EqualFold(t.Key, key) {
			bare.Tags = append(bare.Tags, t)
		}
	}
	return &bare
}
