package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/netfault"
	"forcemfa/internal/secret"
	"forcemfa/internal/session/cache"
	"forcemfa/internal/session/oauth"
	"forcemfa/policy/arn"
)

// A Browser is how a person signs in with a browser.
type Browser struct {
	Show func(link string) error // tells the person where to sign in
	Port int                     // on loopback, to which the browser comes back; 0: a free one
	Wait time.Duration           // how long the person may take; 0: ten minutes
}

const personWait = 10 * time.Minute

// signInKey stands for the key of a profile without one, in the names of the cache.
func signInKey(profile string) secret.Keys {
	return secret.Keys{AccessKeyID: "sign-in of " + profile}
}

// SignIn signs a person in with a browser, for a profile without an access key. The roles
// of the profile are assumed from this session, and it is renewed without a person until
// AWS ends it.
func (m *Manager) SignIn(ctx context.Context, req Request, b Browser) (*cache.Entry, error) {
	req.browser, req.Fresh = true, true
	began := m.Now()
	place := m.place(req.Profile)
	req.Profile = place.Profile
	seen := place.Seen()
	r, err := m.Route(ctx, req)
	if err != nil {
		return nil, err
	}
	if r.KeyFrom != KeyFromSignIn {
		return nil, &Problem{
			Sentence: fmt.Sprintf("profile %s has an access key or credentials of another tool", r.Base),
			Next:     fmt.Sprintf("start its session with %s, or name another profile, which may be new", command("login", r.Profile)),
		}
	}
	unlock, err := m.lock(ctx, r.lockName())
	if err != nil {
		return nil, err
	}
	e, err := m.signIn(ctx, r, b)
	unlock()
	if err != nil {
		return nil, err
	}
	name := r.name(-1)
	if len(r.Roles) > 0 {
		if e, name, err = m.step(ctx, r, req, len(r.Roles)-1, began); err != nil {
			return nil, err
		}
	}
	_ = m.Cache.Link(place, seen, name, cache.Settings{Region: r.ownRegion, Exec: r.Exec}) // only the next call is slower
	_ = m.Cache.Sweep(m.Now())
	e.Region, e.Exec = r.ownRegion, r.Exec
	return e, nil
}

// signIn waits for the person, and stores the session.
func (m *Manager) signIn(ctx context.Context, r *Route, b Browser) (*cache.Entry, error) {
	if err := m.Cache.Ready(r.sessionStore, r.name(-1)); err != nil {
		return nil, unsealed(err)
	}
	client, err := m.oauth(r)
	if err != nil {
		return nil, err
	}
	attempt, err := client.Begin(b.Port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &Problem{Sentence: fmt.Sprintf("port %d is in use by another program", b.Port), Next: "name another --port, or leave it out", Err: err}
	} else if err != nil {
		return nil, &Problem{Sentence: err.Error(), Next: "leave --port out", Err: err}
	}
	defer attempt.Close()
	if err := b.Show(attempt.URL()); err != nil {
		return nil, err
	}
	patience := b.Wait
	if patience == 0 {
		patience = personWait
	}
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	token, err := attempt.Wait(waiting)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if waiting.Err() != nil {
			return nil, &Problem{Sentence: fmt.Sprintf("nobody signed in within %s", patience), Next: "run it again, and sign in at the address that it prints", Err: errNeedsPerson}
		}
		return nil, m.explainSignIn(err, r)
	}
	e := r.signInEntry(token, m.Now())
	if err := m.forgetOther(r, e.ARN); err != nil {
		return nil, err
	}
	if err := m.keep(r, r.name(-1), e); err != nil {
		return nil, err
	}
	return e, m.usableNow(e)
}

// forgetOther forgets the role sessions of another user who signed in before.
func (m *Manager) forgetOther(r *Route, user string) error {
	old, err := m.Cache.Load(r.name(-1))
	if err != nil || old.ARN == user {
		return nil
	}
	_, err = m.Cache.Clear(func(e *cache.Entry) bool { return e.KeyID == r.Key.AccessKeyID })
	return err
}

func (r *Route) signInEntry(t *oauth.Token, issued time.Time) *cache.Entry {
	e := r.entry(cache.SignInSession, -1, issued)
	e.AccessKeyID, e.SecretAccessKey, e.SessionToken, e.Expires = t.AccessKeyID, t.SecretAccessKey, t.SessionToken, t.Expires
	e.RefreshToken, e.ProofKey, e.KeyID = t.Refresh, t.Key, ""
	if a, err := arn.Parse(t.ARN); err == nil {
		e.ARN, e.Account = t.ARN, a.Account
	}
	return e
}

// refreshed renews the session of a sign-in, unless somebody else does meanwhile.
func (m *Manager) refreshed(ctx context.Context, r *Route, req Request, began time.Time) (*cache.Entry, error) {
	unlock, err := m.lock(ctx, r.lockName())
	if err != nil {
		return nil, err
	}
	defer unlock()
	old, err := m.Cache.Load(r.name(-1))
	switch {
	case err == nil && m.serves(old, req, began):
		return old, nil
	case err != nil && !errors.Is(err, cache.ErrCold):
		return nil, unsealed(err)
	case err != nil || old.RefreshToken == "":
		return nil, r.notSignedIn("nobody has signed in for profile " + r.Base)
	}
	client, err := m.oauth(r)
	if err != nil {
		return nil, err
	}
	token, err := client.Refresh(ctx, &oauth.Token{Refresh: old.RefreshToken, Key: old.ProofKey})
	if err != nil {
		return nil, m.explainSignIn(err, r)
	}
	token.ARN = old.ARN
	e := r.signInEntry(token, m.Now())
	if err := m.keep(r, r.name(-1), e); err != nil {
		return nil, err
	}
	return e, m.usableNow(e)
}

func (r *Route) notSignedIn(why string) error {
	return &Problem{Sentence: why, Next: "run " + command("login --browser", r.Profile), Err: errNeedsPerson}
}

func (m *Manager) explainSignIn(err error, r *Route) error {
	var refused *oauth.Error
	var denied *oauth.DeniedError
	var network net.Error
	switch {
	case errors.As(err, &denied):
		return r.notSignedIn(denied.Error())
	case errors.As(err, &refused) && refused.Code == oauth.InsufficientPermissions:
		return &Problem{
			Sentence: refused.Error(),
			Next:     "ask an administrator for signin:AuthorizeOAuth2Access and signin:CreateOAuth2Token, as in the AWS managed policy SignInLocalDevelopmentAccess", Err: err,
		}
	case errors.As(err, &refused) && (refused.Code == oauth.TokenExpired || refused.Code == oauth.CodeExpired || refused.Code == oauth.UserCredentialsChanged):
		return r.notSignedIn("the sign-in of profile " + r.Base + " has ended: " + refused.Message)
	case netfault.Sentence(err) != "":
		return &Problem{Sentence: netfault.Sentence(err), Next: netfault.Next(err), Err: err}
	case errors.As(err, &network):
		return &Problem{Sentence: err.Error(), Next: checkEndpoint, Err: err}
	}
	return &Problem{Sentence: err.Error(), Next: "run it again; if it fails in the same way, " + checkEndpoint, Err: err}
}

// oauth is a client of AWS Sign-In in the Region of the profile.
// Source: endpoint rules of AWS Sign-In in the AWS SDKs.
func (m *Manager) oauth(r *Route) (*oauth.Client, error) {
	client := m.HTTP
	if client == nil {
		own, err := m.network(r.caBundle)
		if err != nil {
			return nil, err
		}
		client = own
	}
	endpoint := r.signInEndpoint
	if endpoint == "" {
		partition := arn.PartitionOf(r.stsRegion)
		endpoint = "https://" + r.stsRegion + "." + strings.TrimPrefix(partition.SignInHost, partition.HomeRegion+".")
	}
	return &oauth.Client{Endpoint: endpoint, HTTP: client, Now: m.Now}, nil
}

// signsIn takes the session of a sign-in for a profile without a key: because somebody
// signs in now, or has signed in.
func (f *follower) signsIn(p awsfile.Profile) bool {
	if !f.browser {
		probe := *f.route
		probe.Key, probe.stsEndpoint = signInKey(p.Name), f.endpoint("sts", "AWS_ENDPOINT_URL_STS")
		if !f.manager.Cache.Has(probe.name(-1), cache.SignInSession) {
			return false
		}
	}
	f.take(p, KeyFromSignIn, signInKey(p.Name))
	return true
}
