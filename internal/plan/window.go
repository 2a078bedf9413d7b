package plan

import (
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
)

// maxTags is how many tags a user can have.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const maxTags = 50

// openWindows lets users who have no other way enroll by access key until a
// date, before a step enforces them.
func (p *planner) openWindows(members []member) {
	for i := range members {
		m := &members[i]
		if !m.needsWindow || m.blocked != "" || p.held(members, m.place) ||
			m.place == throughTakers && p.heldByGroup(members, m) {
			continue
		}
		value := p.in.Baseline.Window.Value(p.in.opened())
		m.window = p.tagWindow(m.user, value)
		p.remarks.windows = append(p.remarks.windows, p.account.ID+"/"+m.user.Name)
	}
}

// tagWindow sets the window's tag, in place of one that is there.
func (p *planner) tagWindow(u *audit.User, value string) *Step {
	key, before := p.in.Baseline.Window.Tag, State{}
	if open, there := p.in.Baseline.Window.Of(u.Read.Tags); there {
		key, before = open.Tag, State{Present: true, Value: open.Value}
	}
	return p.add(newStep(TagUser, p.account.ID, u.ARN, key, before, State{Present: true, Value: value}))
}

// closeWindows takes the tag from users who have a device by now, whose date
// has passed or cannot be read, or who are exempt. One that would stay open
// longer than windows do is cut short.
func (p *planner) closeWindows(users []audit.User) {
	for i := range users {
		u := &users[i]
		if u.Read == nil || p.planned(TagUser, u.ARN) {
			continue
		}
		open, there := p.in.Baseline.Window.Of(u.Read.Tags)
		switch {
		case !there:
		case p.closes(u, open):
			before := State{Present: true, Value: open.Value}
			p.add(newStep(UntagUser, p.account.ID, u.ARN, open.Tag, before, State{}))
		case open.Until.After(p.latestEnd()):
			p.tagWindow(u, p.in.Baseline.Window.Value(p.in.opened()))
		}
	}
}

// closes tells whether a window of a user is closed by this plan.
func (p *planner) closes(u *audit.User, open baseline.OpenWindow) bool {
	return u.State == audit.Exempt || u.MFA == org.Yes || open.Expired(p.in.Now)
}

// withoutClosing is the user as it was read, without a window that this plan
// closes: no way in rests on it.
func (p *planner) withoutClosing(u *audit.User) *org.User {
	if open, there := p.in.Baseline.Window.Of(u.Read.Tags); there && p.closes(u, open) {
		return withoutTag(u.Read, open.Tag)
	}
	return u.Read
}

// latestEnd is when a window that opens now ends: with the last of its days.
func (p *planner) latestEnd() time.Time {
	return p.in.Now.UTC().AddDate(0, 0, p.in.Baseline.Window.Days+1)
}

func (p *planner) planned(op Op, subject string) bool {
	for i := range p.steps {
		if p.steps[i].Op == op && p.steps[i].Subject == subject {
			return true
		}
	}
	return false
}

// withWindow is the user as it is while its window is open; nil when there is
// no room for the tag.
func (p *planner) withWindow(u *org.User) *org.User {
	tagged := withoutTag(u, p.in.Baseline.Window.Tag)
	if len(tagged.Tags) >= maxTags {
		return nil
	}
	tagged.Tags = append(tagged.Tags, org.Tag{Key: p.in.Baseline.Window.Tag, Value: p.in.Baseline.Window.Value(p.in.opened())})
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
