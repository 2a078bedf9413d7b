// Package session makes MFA sessions and role sessions, and keeps them until
// they are over.
//
// A [Manager] follows a profile of ~/.aws/config to the long-lived key at its
// root, finds the MFA device of that key's user, asks for one code and calls
// GetSessionToken; every role of that user is then assumed from this session.
// It never makes a session without MFA. Everything that can fail without a code
// is tried before a code is asked for, and a lock is held from there to the end
// of the call, so that many callers at once need one code.
//
// The verbs of the engineer's day each use a part of it, so the names of those parts
// are exported.
package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
)

// A Manager gives the sessions of profiles.
type Manager struct {
	Cache  cache.Dir
	Getenv func(string) string
	Home   string
	Now    func() time.Time
	// Sleep waits; nil: as long as it says.
	Sleep func(ctx context.Context, d time.Duration) error
	// HTTP is what requests go through; nil: the network.
	HTTP HTTPClient
	// KeyStore returns the secret store of a profile's long-lived key; a nil store
	// if the profile has none. A nil function: there are no stores.
	KeyStore func(p awsfile.Profile) (secret.Store, error)
	// Codes is where codes come from.
	Codes CodeSource
	// ProcessTime is how long a command for MFA codes may take; zero: one minute.
	ProcessTime time.Duration
	// Choose picks one of several serial numbers; nil: nobody can be asked.
	Choose func(ctx context.Context, question string, from []string) (string, error)
	// Resolved is called with the route of a session that is not in the cache,
	// before a code is prompted for; its error ends the request. nil: nothing is called.
	Resolved func(*Route) error
	// Say tells the person what happens; nil: nobody listens.
	Say func(format string, a ...any)
}

// HTTPClient does requests.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// A Request is what is asked of a Manager. Zero values are the profile's own
// settings.
type Request struct {
	// Profile; empty: the key in the environment, AWS_PROFILE, default.
	Profile string
	// Serial is the MFA device to use.
	Serial string
	// Duration is how long a new MFA session lasts; zero: the profile's
	// duration_seconds where it has no role, else 12 h.
	Duration time.Duration
	// RoleARN is a role to assume from the session of Profile; empty: none.
	RoleARN string
	// OwnDuration is how long the session that is returned lasts: the role at the end of
	// the route, or a new MFA session where there is none; zero: as the profile says.
	OwnDuration time.Duration
	// Region is where STS is called.
	Region string
	// Fresh asks for a new session even where there is one.
	Fresh bool
	// MinLeft is how long a session must last from now on; one that ends earlier is
	// renewed. Of a short session it is a quarter at most, unless Exact.
	MinLeft time.Duration
	Exact   bool
	// Renew replaces an MFA session of which less than a quarter is left, also
	// where the profile is a role that is assumed from it.
	Renew bool

	browser bool // a person signs in with a browser now
}

// longEnough reports whether a session lasts as long as a request needs.
func (r Request) longEnough(e *cache.Entry, now time.Time) bool {
	if r.Exact && e.Expires.Sub(now) < r.MinLeft || !e.Lasts(now, r.MinLeft) {
		return false
	}
	return !r.Renew || e.Silent() || e.Lasts(now, e.Quarter())
}

// plain says that nothing but the profile was asked for, so that a link in the
// cache answers it.
func (r Request) plain() bool {
	return r.Serial == "" && r.Region == "" && r.Duration == 0 && !r.Fresh && !r.special()
}

// special says that the session is another one than that of the profile.
func (r Request) special() bool { return r.RoleARN != "" || r.OwnDuration != 0 }

// Session is the session of a profile: from the cache, or made.
func (m *Manager) Session(ctx context.Context, req Request) (*cache.Entry, error) {
	place := m.place(req.Profile)
	if e, err := m.linked(place, req); !errors.Is(err, cache.ErrCold) {
		return e, err
	}
	began := m.Now()
	// Who comes second to the same profile finds it linked: not even the store
	// of the key is asked twice.
	unlock, err := m.lock(ctx, place.LockName())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if e, err := m.linked(place, req); !errors.Is(err, cache.ErrCold) {
		return e, err
	}
	return m.cold(ctx, req, place, began)
}

// linked returns the session that the link of a profile leads to, if it serves the
// request; otherwise cache.ErrCold.
func (m *Manager) linked(place cache.Place, req Request) (*cache.Entry, error) {
	if !req.plain() || m.usesEnvironment(req) {
		return nil, cache.ErrCold
	}
	e, err := m.Cache.Warm(place, m.Now())
	switch {
	case errors.Is(err, cache.ErrCold):
		return nil, cache.ErrCold
	case err != nil:
		return nil, unsealed(err)
	case !req.longEnough(e, m.Now()), req.Renew && e.Kind == cache.RoleSession:
		return nil, cache.ErrCold // the MFA session of a role is looked at first
	}
	return e, nil
}

// serves reports whether a session of the cache answers a request: it is fresh, and
// either long enough or made since the request began.
func (m *Manager) serves(e *cache.Entry, req Request, began time.Time) bool {
	return e.Fresh(m.Now()) && (e.Issued.After(began) || !req.Fresh && req.longEnough(e, m.Now()))
}

// cold goes the whole route.
func (m *Manager) cold(ctx context.Context, req Request, place cache.Place, began time.Time) (*cache.Entry, error) {
	seen := place.Seen()
	r, err := m.Route(ctx, req)
	if err != nil {
		return nil, err
	}
	if m.Resolved != nil {
		if err := m.Resolved(r); err != nil {
			return nil, err
		}
	}
	e, name, err := m.obtain(ctx, r, req, began)
	if err != nil {
		return nil, err
	}
	if r.KeyFrom != KeyInEnvironment && !req.special() {
		// Only the next call is slower when this fails.
		_ = m.Cache.Link(place, seen, name, cache.Settings{Region: r.ownRegion, Exec: r.Exec})
	}
	_ = m.Cache.Sweep(m.Now())
	e.Region, e.Exec = r.ownRegion, r.Exec
	return e, nil
}

// mfaSession returns the MFA session at the root of a route.
func (m *Manager) mfaSession(ctx context.Context, r *Route, req Request) (*cache.Entry, error) {
	base := *r
	base.Roles = nil
	e, _, err := m.obtain(ctx, &base, req, m.Now())
	r.Serial, r.Key = base.Serial, base.Key
	return e, err
}

// place is where a profile's settings come from. The paths are those that
// awsfile reads.
func (m *Manager) place(profile string) cache.Place {
	return cache.PlaceOf(profile, m.Getenv)
}

// usesEnvironment says that the key comes from the environment: as for the AWS
// CLI, unless a profile was named on the command line.
func (m *Manager) usesEnvironment(req Request) bool {
	return req.Profile == "" && m.Getenv(awsfile.KeyIDVariable) != ""
}

func (m *Manager) files() (*awsfile.Files, error) { return awsfile.Load(m.Getenv, m.Home) }

func (m *Manager) say(format string, a ...any) {
	if m.Say != nil {
		m.Say(format, a...)
	}
}

func (m *Manager) sleep(ctx context.Context, d time.Duration) error {
	if m.Sleep != nil {
		return m.Sleep(ctx, d)
	}
	return smithytime.SleepWithContext(ctx, d)
}

// obtain is the session at the end of a route, and its name in the cache.
func (m *Manager) obtain(ctx context.Context, r *Route, req Request, began time.Time) (*cache.Entry, string, error) {
	if err := m.settle(ctx, r); err != nil {
		return nil, "", err
	}
	if req.Renew && len(r.Roles) > 0 && !r.Roles[0].direct(0) {
		if _, _, err := m.step(ctx, r, req, -1, began); err != nil {
			return nil, "", err
		}
	}
	return m.step(ctx, r, req, len(r.Roles)-1, began)
}

// step is the session of one role of the route; of -1 the MFA session.
func (m *Manager) step(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, string, error) {
	name := r.name(i)
	old, err := m.Cache.Load(name)
	if err != nil && !errors.Is(err, cache.ErrCold) {
		return nil, "", unsealed(err)
	}
	if old != nil && m.serves(old, req, began) {
		m.warnOfClock(old)
		return old, name, m.move(r, name, old)
	}
	var e *cache.Entry
	switch {
	case i < 0 && r.KeyFrom == KeyFromSignIn:
		e, err = m.refreshed(ctx, r, req, began)
	case i < 0 || r.Roles[i].direct(i):
		e, err = m.withCode(ctx, r, req, i, began)
	default:
		e, err = m.fromSource(ctx, r, req, i, began)
	}
	if err != nil && old != nil && !req.Fresh && old.Usable(m.Now()) && needsPerson(err) {
		// It cannot be renewed now, but it has not ended.
		if !req.longEnough(old, m.Now()) {
			m.say("the session was not renewed: %v", err)
		}
		return old, name, nil
	}
	return e, name, err
}

// withCode makes a session that takes a code, unless somebody else makes it
// meanwhile.
func (m *Manager) withCode(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, error) {
	codes := m.codesFor(r)
	if err := codes.ready(r); err != nil {
		return nil, err
	}
	unlock, err := m.lock(ctx, r.lockName())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if e, err := m.Cache.Load(r.name(i)); err == nil && m.serves(e, req, began) {
		return e, nil
	}
	if d := m.Cache.Device(r.deviceName()); d.Failed.After(began) {
		return nil, &Problem{
			Sentence: "another process prompted for a code for " + r.Serial + " and got none: " + d.Why,
			Next:     "run " + r.login() + " and enter the code", Err: errNeedsPerson,
		}
	}
	if err := m.Cache.Ready(r.sessionStore, r.name(i)); err != nil {
		return nil, unsealed(err)
	}
	id := r.Key.AccessKeyID
	if err := m.loadKey(ctx, r); err != nil {
		return nil, err
	}
	if r.Key.AccessKeyID != id {
		// The store holds another key by now, which may have a session already.
		if err := m.settle(ctx, r); err != nil {
			return nil, err
		}
		return m.withCode(ctx, r, req, i, began)
	}
	e, err := m.exchange(ctx, r, codes, i)
	if err != nil {
		m.noteFailure(r, err)
		return nil, err
	}
	if err := m.keep(r, r.name(i), e); err != nil {
		return nil, err
	}
	return e, m.usableNow(e)
}

// noteFailure tells those who wait for the lock that there will be no code.
func (m *Manager) noteFailure(r *Route, err error) {
	d := m.Cache.Device(r.deviceName())
	d.Failed, d.Why = m.Now(), err.Error()
	_ = m.Cache.SetDevice(r.deviceName(), d)
}

// keep writes a session into the cache, and its secrets to where they are to
// rest.
func (m *Manager) keep(r *Route, name string, e *cache.Entry) error {
	e.Backend = r.sessionStore
	err := m.Cache.Store(name, e)
	var store *secret.Error
	switch {
	case errors.As(err, &store):
		return unsealed(err)
	case err != nil:
		return &Problem{
			Sentence: "the session was created but could not be stored: " + err.Error(),
			Next:     m.cacheRemedy(err), Err: err,
		}
	}
	return nil
}

// fromSource assumes a role from the session before it on the route.
func (m *Manager) fromSource(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, error) {
	unlock, err := m.lock(ctx, r.name(i))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if e, err := m.Cache.Load(r.name(i)); err == nil && m.serves(e, req, began) {
		return e, nil
	}
	before := req
	before.MinLeft = 0 // a role session can outlast the session before it
	source, _, err := m.step(ctx, r, before, i-1, began)
	if err != nil {
		return nil, err
	}
	e, err := m.assume(ctx, r, i, source)
	if err != nil {
		return nil, err
	}
	if err := m.keep(r, r.name(i), e); err != nil {
		return nil, err
	}
	return e, m.usableNow(e)
}
