// Package impact says which recorded calls the planned policies would refuse, and
// whose they are. A [Tally] folds the calls of a log to the distinct ones, a [Judge]
// decides those by the planned Denies, and the [Report] names users, evidence and
// the next step.
//
// Its many exported names are the members of the report and of what is made from it:
// exemptions, waves, outcomes after a roll-out, calls to send again.
//
// A recorded success proves that the policies of that day allowed the call, so only
// the planned documents decide. Rules and their sources are in docs/impact.md.
package impact

import (
	"maps"
	"strings"

	"forcemfa/internal/trail"
)

// userCalls are the distinct calls of one user.
type userCalls map[distinct]*counted

// A distinct call is one key of a Tally, of a user. Its memory does not grow with the log.
type distinct struct {
	key      string // access key ID
	source   string
	name     string
	region   string
	resource string // what an IAM call acts on, where planned Denies depend on it
	address  string // where planned Denies depend on it, as agent and vpce
	agent    string
	vpce     string
	day      int32 // since 1970, where denied calls are grouped by day
	state    state
}

// state is how a call was made and ended.
type state uint8

const (
	withMFA   state = 1 << iota // the session has MFA
	session                     // a session, not a long-term key
	forwarded                   // by a service
	refused                     // for lack of permission
	federated                   // a session of GetFederationToken
	old                         // MFA was longer ago than planned Denies accept
)

// counted is how often and when.
type counted struct {
	count       int
	first, last int64 // seconds since 1970
}

func (c *counted) add(o counted) {
	if c.count == 0 || o.first < c.first {
		c.first = o.first
	}
	c.last = max(c.last, o.last)
	c.count += o.count
}

// count adds to the calls of a key.
func count[K comparable](calls map[K]*counted, key K, more counted) {
	n := calls[key]
	if n == nil {
		n = &counted{}
		calls[key] = n
	}
	n.add(more)
}

// looks says which properties of a request the planned Denies look at, so that a
// Tally keeps those and no others.
type looks struct {
	Day bool // calls are told apart by day, see [Judge.ByDay]

	Address, Agent, VPCE bool
	Trust                bool  // planned trust policies require MFA
	TrustAge             int64 // seconds since MFA that they accept; 0: any
	Time                 bool  // the planned Denies depend on when the request is made
	MaxAge               int64 // seconds since MFA; 0: no Deny looks at it
}

// A Tally counts the calls of a log. [Judge.NewTally] makes one. It is for one goroutine;
// see [Tally.Merge].
type Tally struct {
	looks looks

	calls    map[string]userCalls // by the ARN of the user
	evidence map[evidenceKey]*evidence
	coverage map[place]*days
	sessions map[string]string   // access key of a role session → key of the caller that started it
	starters map[string]starter  // access key of a role session that a user started without MFA
	roles    map[string]*counted // calls of a role session, by its access key
	agents   map[string]*tool
	assumes  map[assumption]*counted

	read, signIns, others int
	lost                  bool // sessions were left out
	folded                bool // by a query
	data                  bool // a data event was seen
}

// A starter is the user, access key and role of the call that started a role session.
type starter struct{ user, key, role string }

// maxSessions bounds the role sessions that a Tally follows.
const maxSessions = 1 << 20

func newTally(looks looks) *Tally {
	return &Tally{
		looks: looks, calls: map[string]userCalls{}, evidence: map[evidenceKey]*evidence{}, coverage: map[place]*days{},
		sessions: map[string]string{}, starters: map[string]starter{}, roles: map[string]*counted{}, agents: map[string]*tool{}, assumes: map[assumption]*counted{},
	}
}

// Add counts a call.
func (t *Tally) Add(c *trail.Call) {
	t.read++
	t.cover(c)
	one := counted{1, c.Time, c.Time}
	t.assume(c, one)
	user := ownerOf(c)
	switch {
	case c.SignIn():
		t.signIns++
		if user != "" {
			t.evidenceOf(user, "").signIn(c)
		}
		return
	case c.Category == "Insight" || c.EventType == "AwsServiceEvent":
		t.others++
		return
	case c.Caller.Type == "AssumedRole":
		t.roleCall(c, one)
		return
	case user == "":
		t.others++
		return
	}
	t.userCall(c, user, one)
}

// ownerOf is the ARN of the IAM user behind a call: itself, or through a session of
// GetFederationToken.
func ownerOf(c *trail.Call) string {
	switch c.Caller.Type {
	case "IAMUser":
		if c.Caller.ARN == "" && c.Caller.Account != "" && c.Caller.User != "" {
			return "arn:aws:iam::" + c.Caller.Account + ":user/" + c.Caller.User
		}
		return c.Caller.ARN
	case "FederatedUser":
		if c.Caller.IssuerType == "IAMUser" {
			return c.Caller.IssuerARN
		}
	}
	return ""
}

func (t *Tally) userCall(c *trail.Call, user string, one counted) {
	k := distinct{key: c.Caller.Key, source: c.Source, name: c.Name, region: c.Region, state: t.stateOf(c)}
	if c.Source == "iam.amazonaws.com" {
		k.resource = resourceOf(c, user)
	}
	if t.looks.Address {
		k.address = c.Address
	}
	if t.looks.Agent {
		k.agent = c.Agent
	}
	if t.looks.VPCE {
		k.vpce = c.VPCE
	}
	if t.looks.Day {
		k.day = int32(c.Time / daySeconds)
	}
	count(t.callsOf(user), k, one)
	if k.state&forwarded == 0 {
		t.evidenceOf(user, c.Caller.Key).call(t, c)
	}
	if c.SessionKey != "" && strings.HasPrefix(c.Name, "AssumeRole") && k.state&(withMFA|refused|forwarded) == 0 {
		t.follow(func() { t.starters[c.SessionKey] = starter{user, c.Caller.Key, c.Parameters.Role} })
	}
}

func (t *Tally) callsOf(user string) userCalls {
	calls := t.calls[user]
	if calls == nil {
		calls = userCalls{}
		t.calls[user] = calls
	}
	return calls
}

func (t *Tally) stateOf(c *trail.Call) (s state) {
	set := func(on bool, bit state) {
		if on {
			s |= bit
		}
	}
	set(c.Caller.MFA == "true", withMFA)
	set(c.Caller.Session, session)
	set(c.Forwarded(), forwarded)
	set(c.Refused(), refused)
	set(c.Caller.Type == "FederatedUser", federated)
	set(t.looks.MaxAge > 0 && s&withMFA != 0 && c.Caller.Created > 0 && c.Time-c.Caller.Created > t.looks.MaxAge, old)
	return s
}

// roleCall counts a call of a role session. Which user started it is known when the
// whole log is read.
func (t *Tally) roleCall(c *trail.Call, one counted) {
	t.others++
	if c.Caller.Key == "" {
		return
	}
	n := t.roles[c.Caller.Key]
	if n == nil {
		n = &counted{}
		if !t.follow(func() { t.roles[c.Caller.Key] = n }) {
			return
		}
	}
	n.add(one)
	if c.SessionKey != "" {
		t.follow(func() { t.sessions[c.SessionKey] = c.Caller.Key })
	}
}

// follow adds a role session unless there are too many.
func (t *Tally) follow(add func()) bool {
	if len(t.roles)+len(t.sessions)+len(t.starters) >= maxSessions {
		t.lost = true
		return false
	}
	add()
	return true
}

// resourceOf is the ARN of what an IAM call acts on: the user or device that it
// names, or the caller; empty for others.
func resourceOf(c *trail.Call, user string) string {
	if account, _, ok := strings.Cut(user, ":user/"); ok {
		switch p := c.Parameters; {
		case p.User != "":
			if strings.HasSuffix(user, "/"+p.User) {
				return user
			}
			return account + ":user/" + p.User
		case p.Device != "":
			return account + ":mfa/" + p.Device
		}
	}
	return user
}

// Merge adds the calls of another Tally.
func (t *Tally) Merge(o *Tally) {
	for user, calls := range o.calls {
		of := t.callsOf(user)
		for k, n := range calls {
			count(of, k, *n)
		}
	}
	for k, n := range o.assumes {
		count(t.assumes, k, *n)
	}
	for k, n := range o.roles {
		count(t.roles, k, *n)
	}
	maps.Copy(t.sessions, o.sessions)
	maps.Copy(t.starters, o.starters)
	for k, e := range o.evidence {
		t.evidenceOf(k.user, k.key).merge(e)
	}
	for k, d := range o.coverage {
		t.coveredDays(k).merge(d)
	}
	t.read += o.read
	t.signIns += o.signIns
	t.others += o.others
	t.lost = t.lost || o.lost
	t.folded = t.folded || o.folded
	t.data = t.data || o.data
}
