// Package session makes MFA sessions and role sessions, and keeps them until
// they are over.
//
// A [Keeper] follows a profile of ~/.aws/config to the long-lived key at its
// root, finds the MFA device of that key's user, asks for one code and calls
// GetSessionToken; every role of that user is then assumed from this session.
// It never makes a session without MFA. Everything that can fail without a code
// is tried before a code is asked for, and a lock is held from there to the end
// of the call, so that many callers at once need one code.
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

// A Keeper gives the sessions of profiles.
type Keeper struct {
	Cache  cache.Dir
	Getenv func(string) string
	Home   string
	Now    func() time.Time
	// Sleep waits; nil: as long as it says.
	Sleep func(ctx context.Context, d time.Duration) error
	// HTTP is what requests go through; nil: the network.
	HTTP HTTPClient
	// Stored finds a profile's long-lived key in its secret store; ok is false
	// where the profile has none. nil: there are no stores.
	Stored func(ctx context.Context, p awsfile.Profile) (keys secret.Keys, ok bool, err error)
	// Codes is where codes come from.
	Codes CodeSource
	// Choose picks one of several serial numbers; nil: nobody can be asked.
	Choose func(ctx context.Context, question string, from []string) (string, error)
	// Say tells the person what happens; nil: nobody listens.
	Say func(format string, a ...any)
}

// HTTPClient does requests.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// A Request is what is asked of a Keeper. Zero values are the profile's own
// settings.
type Request struct {
	// Profile; empty: the key in the environment, AWS_PROFILE, default.
	Profile string
	// Serial is the MFA device to use.
	Serial string
	// Duration is how long a new MFA session lasts; zero: the profile's
	// duration_seconds where it has no role, else 12 h.
	Duration time.Duration
	// Region is where STS is called.
	Region string
	// Fresh asks for a new session even where there is one.
	Fresh bool
}

// plain says that nothing but the profile was asked for, so that a link in the
// cache answers it.
func (r Request) plain() bool { return r.Serial == "" && r.Region == "" && r.Duration == 0 && !r.Fresh }

// Session is the session of a profile: from the cache, or made.
func (k *Keeper) Session(ctx context.Context, req Request) (*cache.Entry, error) {
	place := k.place(req.Profile)
	fromEnv := k.usesEnvironment(req)
	if req.plain() && !fromEnv {
		if e, err := k.Cache.Warm(place, k.Now()); !errors.Is(err, cache.ErrCold) {
			return e, unsealed(err)
		}
	}
	began := k.Now()
	// Who comes second to the same profile finds it linked: not even the store
	// of the key is asked twice.
	unlock, err := k.lock(ctx, place.LockName())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if req.plain() && !fromEnv {
		if e, err := k.Cache.Warm(place, k.Now()); !errors.Is(err, cache.ErrCold) {
			return e, unsealed(err)
		}
	}
	return k.cold(ctx, req, place, began)
}

// cold goes the whole route.
func (k *Keeper) cold(ctx context.Context, req Request, place cache.Place, began time.Time) (*cache.Entry, error) {
	seen := place.Seen()
	r, err := k.Route(ctx, req)
	if err != nil {
		return nil, err
	}
	e, name, err := k.obtain(ctx, r, req, began)
	if err != nil {
		return nil, err
	}
	if r.KeyFrom != KeyInEnvironment {
		// Only the next call is slower when this fails.
		_ = k.Cache.Link(place, seen, name, r.ownRegion)
	}
	_ = k.Cache.Sweep(k.Now())
	e.Region = r.ownRegion
	return e, nil
}

// MFA is the MFA session at the root of a profile's route, whatever roles the
// profile goes on to.
func (k *Keeper) MFA(ctx context.Context, req Request) (*cache.Entry, error) {
	r, err := k.Route(ctx, req)
	if err != nil {
		return nil, err
	}
	return k.MFAOf(ctx, r, req)
}

// MFAOf is the MFA session at the root of a route.
func (k *Keeper) MFAOf(ctx context.Context, r *Route, req Request) (*cache.Entry, error) {
	base := *r
	base.Roles = nil
	e, _, err := k.obtain(ctx, &base, req, k.Now())
	r.Serial = base.Serial
	return e, err
}

// place is where a profile's settings come from. The paths are those that
// awsfile reads.
func (k *Keeper) place(profile string) cache.Place {
	return cache.PlaceOf(profile, k.Getenv)
}

// usesEnvironment says that the key comes from the environment: as for the AWS
// CLI, unless a profile was named on the command line.
func (k *Keeper) usesEnvironment(req Request) bool {
	return req.Profile == "" && k.Getenv(awsfile.KeyIDVariable) != ""
}

func (k *Keeper) files() (*awsfile.Files, error) { return awsfile.Load(k.Getenv, k.Home) }

func (k *Keeper) say(format string, a ...any) {
	if k.Say != nil {
		k.Say(format, a...)
	}
}

func (k *Keeper) sleep(ctx context.Context, d time.Duration) error {
	if k.Sleep != nil {
		return k.Sleep(ctx, d)
	}
	return smithytime.SleepWithContext(ctx, d)
}

// obtain is the session at the end of a route, and its name in the cache.
func (k *Keeper) obtain(ctx context.Context, r *Route, req Request, began time.Time) (*cache.Entry, string, error) {
	if err := k.settle(ctx, r); err != nil {
		return nil, "", err
	}
	return k.step(ctx, r, req, len(r.Roles)-1, began)
}

// step is the session of one role of the route; of -1 the MFA session.
func (k *Keeper) step(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, string, error) {
	name := r.name(i)
	old, err := k.Cache.Load(name)
	if err != nil && !errors.Is(err, cache.ErrCold) {
		return nil, "", unsealed(err)
	}
	if old != nil && old.Fresh(k.Now()) && (!req.Fresh || old.Issued.After(began)) {
		return old, name, k.move(r, name, old)
	}
	var e *cache.Entry
	switch {
	case i < 0 || r.Roles[i].direct(i):
		e, err = k.withCode(ctx, r, req, i, began)
	default:
		e, err = k.fromSource(ctx, r, req, i, began)
	}
	if err != nil && old != nil && !req.Fresh && old.Usable(k.Now()) && errors.Is(err, errNeedsPerson) {
		// It cannot be renewed now, but it has not ended.
		return old, name, nil
	}
	return e, name, err
}

// withCode makes a session that takes a code, unless somebody else makes it
// meanwhile.
func (k *Keeper) withCode(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, error) {
	codes := k.codesFor(r)
	if err := codes.ready(r); err != nil {
		return nil, err
	}
	unlock, err := k.lock(ctx, r.lockName())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if e, err := k.Cache.Load(r.name(i)); err == nil && e.Fresh(k.Now()) && (!req.Fresh || e.Issued.After(began)) {
		return e, nil
	}
	if d := k.Cache.Device(r.deviceName()); d.Failed.After(began) {
		return nil, &Problem{
			Sentence: "the code for " + r.Serial + " was asked for already, and none came: " + d.Why,
			Next:     "run " + r.login() + " and give the code", Err: errNeedsPerson,
		}
	}
	if err := k.Cache.Ready(r.rests, r.name(i)); err != nil {
		return nil, unsealed(err)
	}
	e, err := k.exchange(ctx, r, codes, i)
	if err != nil {
		k.noteFailure(r, err)
		return nil, err
	}
	return e, k.keep(r, r.name(i), e)
}

// noteFailure tells those who wait for the lock that there will be no code.
func (k *Keeper) noteFailure(r *Route, err error) {
	d := k.Cache.Device(r.deviceName())
	d.Failed, d.Why = k.Now(), err.Error()
	_ = k.Cache.SetDevice(r.deviceName(), d)
}

// keep writes a session into the cache, and its secrets to where they are to
// rest.
func (k *Keeper) keep(r *Route, name string, e *cache.Entry) error {
	e.Rests = r.rests
	err := k.Cache.Store(name, e)
	var store *secret.Error
	switch {
	case errors.As(err, &store):
		return unsealed(err)
	case err != nil:
		return &Problem{
			Sentence: "the session was made but could not be kept: " + err.Error(),
			Next:     "make " + k.Cache.Path + " a directory that only you can use", Err: err,
		}
	}
	return nil
}

// fromSource assumes a role from the session before it on the route.
func (k *Keeper) fromSource(ctx context.Context, r *Route, req Request, i int, began time.Time) (*cache.Entry, error) {
	unlock, err := k.lock(ctx, r.name(i))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if e, err := k.Cache.Load(r.name(i)); err == nil && e.Fresh(k.Now()) && (!req.Fresh || e.Issued.After(began)) {
		return e, nil
	}
	source, _, err := k.step(ctx, r, req, i-1, began)
	if err != nil {
		return nil, err
	}
	e, err := k.assume(ctx, r, i, source)
	if err != nil {
		return nil, err
	}
	return e, k.keep(r, r.name(i), e)
}
