// Package keys ranks the long-term credentials of an organization: access keys,
// service-specific credentials and SSH keys, by the worst that each can do without MFA and
// by how safely it can be retired.
//
// What a key can do is decided by package prove; who uses it is known from the credential
// report and, with a log, from package impact.
package keys

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"forcemfa/internal/audit"
	"forcemfa/internal/baseline"
	"forcemfa/internal/impact"
	"forcemfa/internal/org"
	"forcemfa/internal/trail"
	"forcemfa/policy/prove"
)

// The kinds of keys.
const (
	accessKey  = "access key"
	sshKey     = "SSH key"
	credential = " credential" // after the name of a service
)

// A Key is one long-term credential.
type Key struct {
	User     string     `json:"user"` // name
	ARN      string     `json:"arn"`
	Account  string     `json:"account"`
	ID       string     `json:"id"`   // empty when the keys of the user could not be listed
	Kind     string     `json:"kind"` // access key, SSH key, or the service with "credential"
	Active   bool       `json:"active"`
	Created  *time.Time `json:"created"` // null: not known
	AgeDays  int        `json:"age_days"`
	LastUsed *time.Time `json:"last_used"` // null: see use
	Use      string     `json:"use"`       // recent, old, never or unknown
	Worst    string     `json:"worst"`     // that it can do without MFA, in words
	Example  string     `json:"example,omitempty"`
	UsedBy   []string   `json:"used_by"` // programs and networks, from the log
	Calls    int        `json:"calls"`   // recorded
	Next     string     `json:"next"`
	Why      string     `json:"why"` // of the next step

	Harm   Harm `json:"harm"`   // 0 administers … 6 nothing
	Unused bool `json:"unused"` // nothing uses it, as far as is known
}

// The uses of a key.
const (
	recent  = "recent"  // within the last 90 days
	old     = "old"     // before
	Never   = "never"   // since it was created
	unknown = "unknown" // IAM does not record it, or it could not be read
)

// quiet is how long a key was not used when it counts as not in use. AWS's own controls
// take 45 or 90 days; the longer one keeps quarterly jobs.
// Source: CIS AWS Foundations Benchmark 5.0, 1.11; Security Hub IAM.22.
const quiet = 90 * 24 * time.Hour

// settling is how long a new key that was never used is left alone.
const settling = 14 * 24 * time.Hour

// A Ranking is the keys of an organization, the first to retire first.
type Ranking struct {
	Keys     []Key           `json:"keys"`
	Unread   []org.Gap       `json:"unread"`   // of the organization
	Problems []trail.Problem `json:"problems"` // files of the log that were not read
}

// A Lister lists keys. It is for one goroutine.
type Lister struct {
	auditor  *audit.Auditor
	prover   prove.Prover
	recorded *impact.Report
	now      time.Time
	keys     []Key
}

// NewLister returns a Lister. recorded is what a log says about the users; nil: no log.
func NewLister(h *org.Header, b *baseline.Baseline, recorded *impact.Report, now time.Time) *Lister {
	return &Lister{auditor: audit.New(h, b, now), recorded: recorded, now: now}
}

// Add adds the keys of an account.
func (l *Lister) Add(a *org.Account) {
	subject := l.auditor.Subjects(a)
	for i := range a.Users {
		u := &a.Users[i]
		if len(u.Keys) == 0 && (u.Services == nil || len(u.Services.Listed) == 0) {
			continue
		}
		l.user(a, u, subject(u))
	}
}

// user adds the keys of a user.
func (l *Lister) user(a *org.Account, u *org.User, s prove.Subject) {
	base := Key{User: u.Name, ARN: u.ARN, Account: a.ID, UsedBy: []string{}}
	if len(u.Keys) > 0 {
		worst := worstOf(&l.prover, s)
		for i := range u.Keys {
			l.accessKey(base, u, &u.Keys[i], worst)
		}
	}
	if u.Services == nil {
		return
	}
	for _, c := range u.Services.Listed {
		k := base
		k.ID, k.Kind, k.Active, k.Created, k.Use = c.ID, sshKey, c.Active && (c.Expires == nil || c.Expires.After(l.now)), c.Created, unknown
		if c.Service != org.SSH {
			name, _, _ := strings.Cut(c.Service, ".")
			k.Kind = name + credential
		}
		k.set(worstOfService(&l.prover, s, c.Service))
		l.finish(k, u)
	}
}

func (l *Lister) accessKey(k Key, u *org.User, from *org.AccessKey, worst Worst) {
	k.ID, k.Kind, k.Active, k.Created, k.LastUsed = from.ID, accessKey, from.Active, from.Created, from.Used
	k.Use = Never
	if r := recordedUse(l.recorded.User(u.ARN), from.ID); r != nil {
		k.Calls, k.UsedBy = r.Calls, usedBy(r)
		if at, err := time.Parse(time.RFC3339, r.Last); err == nil && (k.LastUsed == nil || at.After(*k.LastUsed)) {
			k.LastUsed = &at
		}
	}
	if k.LastUsed != nil {
		k.Use = recent
		if l.now.Sub(*k.LastUsed) > quiet {
			k.Use = old
		}
	}
	k.set(worst)
	l.finish(k, u)
}

func (k *Key) set(w Worst) { k.Harm, k.Worst, k.Example = w.Harm, w.Words, w.Example }

// recordedUse is what the log says about one key; nil: nothing.
func recordedUse(u *impact.User, id string) *impact.Key {
	if u == nil || id == "" {
		return nil
	}
	for i := range u.Keys {
		if u.Keys[i].ID == id {
			return &u.Keys[i]
		}
	}
	return nil
}

// usedBy pairs the programs that use a key with the networks that they call from.
func usedBy(k *impact.Key) []string {
	out := []string{}
	for i, tool := range k.Tools {
		if i == 0 && len(k.Networks) > 0 {
			tool += " from " + strings.Join(k.Networks[:min(2, len(k.Networks))], ", ")
		}
		out = append(out, tool)
	}
	return out
}

// finish adds the age and the next step.
func (l *Lister) finish(k Key, u *org.User) {
	if k.Created != nil {
		k.AgeDays = max(0, int(l.now.Sub(*k.Created)/(24*time.Hour)))
	}
	k.Unused = k.idle(l.now)
	k.next(l.recorded.User(u.ARN), l.recorded != nil && l.recorded.Calls.Read > 0)
	l.keys = append(l.keys, k)
}

// idle reports whether nothing uses the key, as far as is known.
func (k *Key) idle(now time.Time) bool {
	return k.Use == old || k.Use == Never && (k.Created == nil || now.Sub(*k.Created) > settling)
}

// next is the step that brings the key nearer to its end.
func (k *Key) next(u *impact.User, logged bool) {
	say := func(next, why string) { k.Next, k.Why = next, why }
	retire := "retire it: forcemfa keys retire " + cmp.Or(k.ID, "KEY")
	if k.Kind != accessKey {
		retire = "deactivate it"
	}
	switch {
	case !k.Active:
		say("delete it", "it is inactive; until it is deleted, who may call iam:UpdateAccessKey can activate it again")
	case k.Unused:
		say(retire, fmt.Sprintf("not used for %d days", int(quiet/(24*time.Hour))))
		if k.Use == Never {
			say(retire, "never used since it was created")
		}
	case k.Kind != accessKey:
		say("ask the owner", "IAM does not record when it was used, and it can never carry MFA")
	case u != nil && u.Next != "" && u.Next != "none" && k.Calls > 0:
		say(u.Next, u.NextWhy)
	case k.Calls > 0:
		say("replace it by a role", "forcemfa keys replace "+cmp.Or(k.ID, "KEY")+" prints the policy")
	case logged:
		say("find out who uses it", "it was used, and the log has no call of it: data events, another time or another Region")
	default:
		say("find out who uses it: forcemfa keys --trail SOURCE", "it was used, and without a log nothing says by whom")
	}
}

// Ranking returns the keys, the first to retire first: active before inactive keys, then
// by the worst that a key can do, keys that nothing uses before keys in use, the oldest
// first.
func (l *Lister) Ranking() *Ranking {
	order := func(k *Key) (active, idle int) {
		if !k.Active {
			active = 1
		}
		if !k.Unused {
			idle = 1
		}
		return active, idle
	}
	slices.SortStableFunc(l.keys, func(a, b Key) int {
		aActive, aIdle := order(&a)
		bActive, bIdle := order(&b)
		return cmp.Or(aActive-bActive, int(a.Harm)-int(b.Harm), aIdle-bIdle, b.AgeDays-a.AgeDays, strings.Compare(a.ARN, b.ARN), strings.Compare(a.ID, b.ID))
	})
	return &Ranking{Keys: append([]Key{}, l.keys...), Unread: []org.Gap{}, Problems: []trail.Problem{}}
}

// Of keeps the keys of one user, by name or ARN, and reports whether there are any.
func (r *Ranking) Of(user string) bool {
	r.Keys = slices.DeleteFunc(r.Keys, func(k Key) bool { return k.User != user && k.ARN != user })
	return len(r.Keys) > 0
}

// Idle keeps the active keys that nothing uses, as far as is known.
func (r *Ranking) Idle() {
	r.Keys = slices.DeleteFunc(r.Keys, func(k Key) bool { return !k.Active || !k.Unused })
}

// Administer counts the active keys that can administer an account without MFA.
func (r *Ranking) Administer() (n int) {
	for i := range r.Keys {
		if r.Keys[i].Active && r.Keys[i].Harm == Administers {
			n++
		}
	}
	return n
}

// Unused counts the active keys that nothing uses.
func (r *Ranking) Unused() (n int) {
	for i := range r.Keys {
		if r.Keys[i].Active && r.Keys[i].Unused {
			n++
		}
	}
	return n
}
