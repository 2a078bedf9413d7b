package impact

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/org"
	"forcemfa/internal/trail"
)

// A Report is the answer to "what stops working".
type Report struct {
	Calls Calls   `json:"calls"`
	Log   Log     `json:"log"`
	Users []User  `json:"users"` // those who stop first, then by calls
	Blind []Blind `json:"blind"` // what the log cannot show
	// Assumptions are AssumeRole calls that planned trust policies would deny. Those of
	// users without MFA are among the denied calls too.
	Assumptions []Assumption    `json:"assumptions,omitempty"`
	Unmapped    []string        `json:"unmapped,omitempty"`
	Problems    []trail.Problem `json:"problems,omitempty"` // files that were not read
	Unread      []org.Gap       `json:"unread,omitempty"`   // of the organization

	byARN map[string]*User // see User
}

// Calls counts the records of a log.
type Calls struct {
	Read          int `json:"read"`
	Users         int `json:"users"`          // calls of IAM users
	Denied        int `json:"denied"`         // the planned policies would refuse them
	Forwarded     int `json:"forwarded"`      // by a service, for a call that is counted itself
	AlreadyDenied int `json:"already_denied"` // refused when they were recorded
	SignIns       int `json:"sign_ins"`
	Undecided     int `json:"undecided"`
	Skipped       int `json:"skipped"`    // of services, roles and others
	Duplicates    int `json:"duplicates"` // delivered twice; not in read
}

// Log says what was read.
type Log struct {
	Files int    `json:"files"`
	First string `json:"first,omitempty"` // time of the first record, RFC 3339
	Last  string `json:"last,omitempty"`
	Days  int    `json:"days"` // with records
}

// A User is a user who made calls, or whose credentials were used outside the log.
type User struct {
	ARN       string `json:"arn"`
	Name      string `json:"name"`
	Account   string `json:"account"`
	Unit      string `json:"unit,omitempty"`      // name of the organizational unit
	Known     bool   `json:"known"`               // in the organization that was read
	Exempt    string `json:"exempt,omitempty"`    // the exemption
	Unplanned string `json:"unplanned,omitempty"` // why the plan leaves the user out

	Kind       Kind     `json:"kind"`
	Confidence string   `json:"confidence"` // high or low
	Evidence   []string `json:"evidence"`

	Calls     int    `json:"calls"`
	Denied    int    `json:"denied"`
	Forwarded int    `json:"forwarded"`
	Undecided int    `json:"undecided,omitempty"`
	RoleCalls int    `json:"role_calls,omitempty"` // of role sessions that the user started without MFA
	First     string `json:"first,omitempty"`      // of the denied calls, RFC 3339
	Last      string `json:"last,omitempty"`

	Tools    []string `json:"tools"`
	Networks []string `json:"networks"`
	Services []string `json:"services"`
	Hours    [24]int  `json:"hours"` // calls by hour of the day, UTC
	Days     int      `json:"days"`  // with calls
	Keys     []Key    `json:"keys"`
	Actions  []Action `json:"actions"`                  // that would be denied
	Before   []Action `json:"refused_before,omitempty"` // AWS refused them when they were recorded
	Roles    []string `json:"roles,omitempty"`

	NoOtherSignIn bool   `json:"no_other_sign_in,omitempty"` // no console password and no device
	Next          string `json:"next"`
	NextWhy       string `json:"next_why"`

	tags   map[string]string
	byDays map[string]int // denied calls by day, if the tally tells days apart
}

// A Key is the use of one access key.
type Key struct {
	ID       string   `json:"id"`
	Calls    int      `json:"calls"`
	Denied   int      `json:"denied"`
	Last     string   `json:"last"`
	Tools    []string `json:"tools,omitempty"`
	Networks []string `json:"networks,omitempty"`
}

// An Action is denied calls of one kind.
type Action struct {
	Action string `json:"action"`
	Mapped bool   `json:"mapped"` // its name is that of an IAM action
	Region string `json:"region"`
	Count  int    `json:"count"`
	First  string `json:"first"`
	Last   string `json:"last"`
}

// Report decides the calls of a tally. summary is how the log was read.
func (j *Judge) Report(t *Tally, summary trail.Summary) (*Report, error) {
	r := &Report{Problems: summary.Problems, Blind: []Blind{}, Users: []User{}}
	r.Calls = Calls{Read: t.read, SignIns: t.signIns, Skipped: t.others, Duplicates: summary.Duplicates}
	r.Log.Files = summary.Files
	b := &builder{judge: j, tally: t, report: r, users: map[string]*userBuilder{}}
	if err := b.decide(); err != nil {
		return nil, err
	}
	b.roleSessions()
	b.assumptions()
	for k, e := range t.evidence {
		u, err := b.user(k.user)
		if err != nil {
			return nil, err
		}
		u.use(k.key, e)
	}
	if err := b.finish(summary); err != nil {
		return nil, err
	}
	return r, nil
}

// A builder makes a Report.
type builder struct {
	judge    *Judge
	tally    *Tally
	report   *Report
	users    map[string]*userBuilder
	unmapped map[string]int
}

// A userBuilder makes a User.
type userBuilder struct {
	User
	member   *member
	all      counted // recorded calls
	denials  counted
	actions  map[actionKind]*counted
	before   map[actionKind]*counted // refused when they were recorded
	keys     map[string]*keyUse
	evidence *evidence
	outside  bool // a key was used later than the log shows
}

func (b *builder) user(name string) (*userBuilder, error) {
	if u := b.users[name]; u != nil {
		return u, nil
	}
	m, err := b.judge.member(name)
	if err != nil {
		return nil, err
	}
	u := &userBuilder{member: m, actions: map[actionKind]*counted{}, before: map[actionKind]*counted{}, keys: map[string]*keyUse{}, evidence: newEvidence()}
	u.User = User{ARN: name, Name: m.user.Name, Account: m.principal.Account, Known: m.known, Exempt: m.exempt, Unplanned: m.unplanned, tags: map[string]string{}, byDays: map[string]int{}}
	for _, t := range m.user.Tags {
		u.tags[t.Key] = t.Value
	}
	if m.account != nil {
		if unit := b.judge.header.Unit(m.account.Unit); unit != nil {
			u.Unit = unit.Name
		}
	}
	b.users[name] = u
	return u, nil
}

// A keyUse is a key with its last call, in seconds since 1970.
type keyUse struct {
	Key
	last int64
}

func (u *userBuilder) key(id string) *keyUse {
	k := u.keys[id]
	if k == nil {
		k = &keyUse{Key: Key{ID: id}}
		u.keys[id] = k
	}
	return k
}

func (u *userBuilder) deny(k distinct, a action, n *counted) {
	u.Denied += n.count
	u.denials.add(*n)
	if k.day != 0 {
		u.User.byDays[day(k.day)] += n.count
	}
	count(u.actions, actionKind{a.name, k.region, a.known}, *n)
}

// use adds how a key is used.
func (u *userBuilder) use(key string, e *evidence) {
	u.evidence.merge(e)
	if key != "" {
		k := u.key(key)
		k.Tools, k.Networks = e.toolNames(), e.networkNames()
	}
}

// roleSessions adds the calls of role sessions to the user who started the first of
// a chain without MFA.
func (b *builder) roleSessions() {
	for session, n := range b.tally.roles {
		origin := session
		for range 16 { // AWS lets roles chain without limit; longer chains are not followed
			parent, ok := b.tally.sessions[origin]
			if !ok {
				break
			}
			origin = parent
		}
		started, ok := b.tally.starters[origin]
		if !ok {
			continue
		}
		if u := b.users[started.user]; u != nil && u.member.exempt == "" && u.member.unplanned == "" {
			u.RoleCalls += n.count
			if started.role != "" && !slices.Contains(u.Roles, started.role) {
				u.Roles = append(u.Roles, started.role)
			}
		}
	}
}

// finish sorts what was counted and adds kinds, next steps and what is not seen.
func (b *builder) finish(summary trail.Summary) error {
	r := b.report
	if err := b.outside(); err != nil {
		return err
	}
	users := slices.Collect(maps.Values(b.users))
	atOnce(len(users), func() func(int) { return func(i int) { users[i].finish() } })
	for _, u := range users {
		r.Users = append(r.Users, u.User)
	}
	slices.SortFunc(r.Users, func(a, b User) int {
		return cmp.Or(cmp.Compare(b.Denied+b.RoleCalls, a.Denied+a.RoleCalls), cmp.Compare(b.Undecided, a.Undecided), cmp.Compare(b.Calls, a.Calls), strings.Compare(a.ARN, b.ARN))
	})
	r.Unmapped = most(b.unmapped, func(name string) string { return name })
	b.covered(summary)
	return nil
}

func (u *userBuilder) finish() {
	u.First, u.Last = stamp(u.denials.first), stamp(u.denials.last)
	e := u.evidence
	u.Tools, u.Networks = e.toolNames(), e.networkNames()
	u.Services = most(e.services, func(s string) string { return s })
	u.Hours, u.Days = e.hours, len(e.days)
	slices.Sort(u.Roles)
	u.Keys = []Key{}
	for _, id := range slices.Sorted(maps.Keys(u.keys)) {
		k := u.keys[id]
		k.Last = stamp(k.last)
		u.Keys = append(u.Keys, k.Key)
	}
	u.User.Actions, u.User.Before = sortedActions(u.actions), sortedActions(u.before)
	user := u.member.user
	u.NoOtherSignIn = u.Known && user.Password == org.No && user.MFA == org.No
	u.judgeKind()
	u.next()
}

// An actionKind is an action in a Region.
type actionKind struct {
	action, region string
	mapped         bool
}

// sortedActions are kinds of calls, the most frequent first.
func sortedActions(calls map[actionKind]*counted) []Action {
	out := make([]Action, 0, len(calls))
	for k, n := range calls {
		out = append(out, Action{Action: k.action, Mapped: k.mapped, Region: k.region, Count: n.count, First: stamp(n.first), Last: stamp(n.last)})
	}
	slices.SortFunc(out, func(a, b Action) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if a.Action != b.Action {
			return strings.Compare(a.Action, b.Action)
		}
		return strings.Compare(a.Region, b.Region)
	})
	return out
}

// stamp is a time as RFC 3339 in UTC; empty for none.
func stamp(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}

func later(text string, unix int64) string { return max(text, stamp(unix)) }
