package fleet

import (
	"context"
	"fmt"
	"time"

	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// A connection is the config and the role session of one account.
type connection struct {
	config aws.Config
	role   *session    // nil: the caller's own rights
	client *sts.Client // of the caller's own account; nil in other accounts
	last   int64       // the number of its most recent use
}

// Enter returns a config for an account and the ARN of the identity behind it:
// the caller in the caller's own account, unless OwnRole is set, and a session of the
// role in others.
// Sessions are reused and renewed. The error says why the account cannot be
// entered; [Reason] returns its short form.
func (f *Fleet) Enter(ctx context.Context, account string) (aws.Config, string, error) {
	c, err := f.identify(ctx)
	if err != nil {
		return aws.Config{}, "", err
	}
	m := f.connection(c, account)
	if m.role == nil {
		return m.config.Copy(), c.arn.String(), nil
	}
	if _, err := m.role.Retrieve(ctx); err != nil {
		return aws.Config{}, "", err
	}
	return m.config.Copy(), m.role.sessionARN(), nil
}

func (f *Fleet) connection(c *caller, account string) *connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := f.keep(c.account)
	if own.client == nil {
		own.client = sts.NewFromConfig(own.config)
	}
	m := f.keep(account)
	if (account != c.account || f.options.OwnRole) && m.role == nil {
		m.role = &session{
			client: own.client,
			role:   arn.IAM(c.partition, account, "role", "/", f.options.RoleName),
			o:      f.options,
			lock:   make(chan struct{}, 1),
		}
		m.config.Credentials = m.role
	}
	return m
}

// keep returns the connection of an account and marks it as the most recently
// used one. f.mu is held.
func (f *Fleet) keep(account string) *connection {
	m := f.connections[account]
	if m == nil {
		f.forget()
		m = &connection{config: f.config(newRateLimits(f.options.Rate))}
		f.connections[account] = m
	}
	f.entries++
	m.last = f.entries
	return m
}

// forget removes the least recently used connection when there are too many, so
// that memory does not grow with the organization. A config that was handed out
// keeps working; the account gets a new session and new rate limits when it is
// entered again. The limit is well above the number of accounts in use at once.
func (f *Fleet) forget() {
	if len(f.connections) < max(256, 8*f.options.Concurrency) {
		return
	}
	var oldest string
	for account, m := range f.connections {
		if oldest == "" || m.last < f.connections[oldest].last {
			oldest = account
		}
	}
	delete(f.connections, oldest)
}

// early is how long before its expiry a session is renewed.
const early = 5 * time.Minute

// A session provides the credentials of a role. It assumes the role at the first
// use and again before the credentials expire.
type session struct {
	client *sts.Client
	role   string
	o      Options

	lock    chan struct{} // not a mutex, so that a waiting caller can be canceled
	current aws.Credentials
	arn     string
}

// Retrieve implements [aws.CredentialsProvider].
func (s *session) Retrieve(ctx context.Context) (aws.Credentials, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	if s.current.HasKeys() && s.o.Now().Add(early).Before(s.current.Expires) {
		return s.current, nil
	}
	return s.assume(ctx)
}

func (s *session) assume(ctx context.Context) (aws.Credentials, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:         &s.role,
		RoleSessionName: &s.o.SessionName,
		DurationSeconds: aws.Int32(int32(s.o.Duration / time.Second)),
	}
	if s.o.ExternalID != "" {
		in.ExternalId = &s.o.ExternalID
	}
	out, err := s.client.AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assume %s: %w", s.role, err)
	}
	found, err := Credentials(out.Credentials, s.o.Now(), out.ResultMetadata)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assume %s: %w", s.role, err)
	}
	identity, err := s.identity(out.AssumedRoleUser)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assume %s: %w", s.role, err)
	}
	found.Source = "forcemfa: " + s.role
	s.arn, s.current = identity, found
	return s.current, nil
}

// identity returns the ARN of a new session, which is one of the role's account.
func (s *session) identity(u *types.AssumedRoleUser) (string, error) {
	if u == nil {
		return "", &CredentialsError{"the session has no ARN"}
	}
	role, _ := arn.Parse(s.role)
	got, err := arn.Parse(aws.ToString(u.Arn))
	if err != nil || got.Account != role.Account || got.Partition != role.Partition {
		return "", &CredentialsError{"the session is not one of the role's account"}
	}
	return *u.Arn, nil
}

// sessionARN returns the ARN of the session after [session.Retrieve].
func (s *session) sessionARN() string {
	s.lock <- struct{}{}
	defer func() { <-s.lock }()
	return s.arn
}
