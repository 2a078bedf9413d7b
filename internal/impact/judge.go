package impact

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/org"
	"forcemfa/policy"
	"forcemfa/policy/arn"
)

// A Judge decides recorded calls by the documents that a plan for the organization
// puts in force.
type Judge struct {
	baseline  *baseline.Baseline
	header    *org.Header
	now       time.Time
	documents map[string]*policy.Set // by how they are attached, and partition
	members   map[string]*member     // by ARN
	accounts  map[string]*org.Account
	looks     looks
	trusts    map[string]policy.Source // planned trust policies by the ARN of their role
	states    map[string]audit.State   // of users by ARN, see [Judge.States]
}

// NewJudge returns a Judge that knows no users yet. The error is that of a planned
// document that cannot be made.
func NewJudge(h *org.Header, b *baseline.Baseline, now time.Time) (*Judge, error) {
	j := &Judge{baseline: b, header: h, now: now, documents: map[string]*policy.Set{}, members: map[string]*member{}, accounts: map[string]*org.Account{}, trusts: map[string]policy.Source{}, states: map[string]audit.State{}}
	j.looks.Trust, j.looks.TrustAge = b.Trust.MFA, int64(b.Trust.MaxAge/time.Second)
	for _, management := range []bool{false, true} {
		set, err := j.plannedFor("aws", management)
		if err != nil {
			return nil, err
		}
		for _, source := range set.Sources() {
			for _, s := range source.Document.Statements {
				j.looks.add(s.Conditions)
			}
		}
	}
	return j, nil
}

// A member is a user with what decides its calls.
type member struct {
	user      *org.User
	account   *org.Account
	exempt    string // the exemption; empty: none
	unplanned string // why the plan does not enforce MFA for the user; empty: it does
	planned   *policy.Set
	context   *policy.Context
	contexts  map[contextKey]*policy.Context
	last      struct { // most calls of a user are made the same way
		key     contextKey
		context *policy.Context
	}
	principal policy.Principal
	known     bool
}

// A contextKey is what the condition keys of a user's requests depend on.
type contextKey struct {
	state                        state
	region, address, agent, vpce string
	time                         int64 // 0 unless planned Denies look at it
}

// Add adds the users of an account.
func (j *Judge) Add(a *org.Account) error {
	j.accounts[a.ID] = a
	j.planTrust(a)
	at := baseline.PlaceOf(j.header, a)
	for i := range a.Users {
		u := &a.Users[i]
		m := &member{user: u, account: a, known: true, context: a.Context(j.header, u), principal: a.Principal(u)}
		if e := j.baseline.Exempt(at, u, j.now); e != nil {
			m.exempt = e.String()
		} else if j.baseline.Scope == baseline.ScopeWithoutDevice && u.MFA == org.Yes {
			m.unplanned = "scope is without-device"
		}
		planned, err := j.plannedFor(a.Partition, a.Management)
		if err != nil {
			return err
		}
		m.planned = planned
		j.members[u.ARN] = m
	}
	return nil
}

// plannedFor is the planned documents of users who are not exempt.
func (j *Judge) plannedFor(partition string, management bool) (*policy.Set, error) {
	scp := j.baseline.Attach == baseline.AttachSCP && !management
	key := partition + " " + strconv.FormatBool(scp)
	if set := j.documents[key]; set != nil {
		return set, nil
	}
	set := &policy.Set{}
	if scp {
		text, err := j.baseline.EnforceSCP(partition, j.now)
		if err != nil {
			return nil, err
		}
		set.SCPs = [][]policy.Source{{policy.ParseSource("planned SCP", policy.SCP, text)}}
	} else {
		set.Identity = []policy.Source{policy.ParseSource("planned policy "+baseline.PolicyName, policy.Identity, j.baseline.DenyDocument(partition))}
	}
	for _, source := range set.Sources() {
		if source.Err != nil {
			return nil, fmt.Errorf("%s: %w", source.Name, source.Err)
		}
	}
	j.documents[key] = set
	return set, nil
}

// member returns a user of the log. A user who is not in the organization that was
// read is judged by the same documents.
func (j *Judge) member(user string) (*member, error) {
	if m := j.members[user]; m != nil {
		return m, nil
	}
	a, err := arn.Parse(user)
	if err != nil || a.Kind() != "user" {
		a = arn.ARN{Partition: "aws"}
	}
	planned, err := j.plannedFor(a.Partition, false)
	if err != nil {
		return nil, err
	}
	c := new(policy.Context)
	c.Set("aws:PrincipalArn", user)
	c.Set("aws:PrincipalAccount", a.Account)
	c.Set("aws:PrincipalType", "User")
	c.Set("aws:PrincipalIsAWSService", "false")
	c.Set("aws:username", a.Name())
	m := &member{
		user: &org.User{Name: a.Name(), ARN: user}, planned: planned, context: c,
		principal: policy.Principal{Kind: policy.IAMUser, Account: a.Account, ARN: user},
	}
	j.members[user] = m
	return m, nil
}

// ByDay makes tallies that tell calls apart by day, for [Report.GroupBy] by day. They take
// more memory.
func (j *Judge) ByDay() { j.looks.Day = true }

// NewTally returns an empty Tally that keeps what the planned documents look at.
func (j *Judge) NewTally() *Tally { return newTally(j.looks) }

func (l *looks) add(conditions []policy.Condition) {
	for _, c := range conditions {
		switch strings.ToLower(c.Key) {
		case "aws:sourceip":
			l.Address = true
		case "aws:useragent":
			l.Agent = true
		case "aws:sourcevpce":
			l.VPCE = true
		case "aws:currenttime", "aws:epochtime", "aws:tokenissuetime":
			l.Time = l.Time || !strings.HasPrefix(c.Operator, "Null")
		case "aws:multifactorauthage":
			for _, v := range c.Values {
				if n, err := strconv.ParseInt(v, 10, 64); err == nil && (l.MaxAge == 0 || n < l.MaxAge) {
					l.MaxAge = n
				}
			}
		}
	}
}

// denied decides whether the planned documents refuse a call.
func (j *Judge) denied(m *member, c *distinct, last int64, a action) policy.Decision {
	if m.exempt != "" || m.unplanned != "" {
		return policy.Decision{Verdict: policy.ImplicitDenied}
	}
	return j.refuses(m, c, last, a)
}

// refuses decides a call as if its user were neither exempt nor left out of the plan.
func (j *Judge) refuses(m *member, c *distinct, last int64, a action) policy.Decision {
	if policy.Unconditional(a.name) {
		return policy.Decision{Verdict: policy.ImplicitDenied}
	}
	resource := c.resource
	if resource == "" {
		resource = "*"
	}
	return m.planned.Refuses(&policy.Request{Principal: m.principal, Action: a.name, Resource: resource, Context: j.contextOf(m, c, last)})
}

// contextOf is what a record says about the condition keys of a request.
func (j *Judge) contextOf(m *member, c *distinct, last int64) *policy.Context {
	key := contextKey{c.state &^ (forwarded | refused), c.region, c.address, c.agent, c.vpce, 0}
	if j.looks.Time {
		key.time = last
	}
	if m.last.context != nil && m.last.key == key {
		return m.last.context
	}
	x := m.contexts[key]
	if x == nil {
		x = m.newContext(key, c, last)
	}
	m.last.key, m.last.context = key, x
	return x
}

func (m *member) newContext(key contextKey, c *distinct, last int64) *policy.Context {
	x := newContext(m, c, time.Unix(last, 0).UTC())
	if m.contexts == nil {
		m.contexts = map[contextKey]*policy.Context{}
	}
	m.contexts[key] = x
	return x
}

func newContext(m *member, c *distinct, now time.Time) *policy.Context {
	x := m.context.Clone()
	credential, present, issued := policy.LongTermKey, policy.Absent, now
	switch {
	case c.state&federated != 0:
		credential, present = policy.FederationToken, policy.False
	case c.state&withMFA != 0:
		credential, present = policy.SessionTokenMFA, policy.True
	case c.state&session != 0:
		credential, present = policy.SessionToken, policy.False
	}
	if c.state&old != 0 {
		issued = now.Add(-36 * time.Hour) // the longest session
	}
	x.SetMFA(credential, present, issued, now)
	x.Set("aws:ViaAWSService", "false")
	x.Set("aws:SecureTransport", "true")
	x.Set("aws:CurrentTime", now.Format(time.RFC3339))
	x.Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	if c.region != "" {
		x.Set("aws:RequestedRegion", c.region)
	}
	if _, err := netip.ParseAddr(c.address); err == nil {
		x.Set("aws:SourceIp", c.address)
	}
	if c.agent != "" {
		x.Set("aws:UserAgent", c.agent)
	}
	if c.vpce != "" {
		x.Set("aws:SourceVpce", c.vpce)
	}
	return x
}

// Accounts are the IDs of the accounts that were added and read.
func (j *Judge) Accounts() (ids []string) {
	for id, a := range j.accounts {
		if a.Read {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Callers are the names of the users who have or had a password or access keys, by
// account. A user about whom that is unknown is among them.
func (j *Judge) Callers() map[string][]string {
	callers := map[string][]string{}
	for _, m := range j.members {
		if m.known && (len(m.user.Keys) > 0 || m.user.Password != org.No) {
			callers[m.account.ID] = append(callers[m.account.ID], m.user.Name)
		}
	}
	for _, names := range callers {
		slices.Sort(names)
	}
	return callers
}

// Owner is the account of the user with an access key; empty: no user has it.
func (j *Judge) Owner(key string) string {
	for _, m := range j.members {
		if slices.ContainsFunc(m.user.Keys, func(k org.AccessKey) bool { return k.ID == key }) {
			return m.account.ID
		}
	}
	return ""
}
