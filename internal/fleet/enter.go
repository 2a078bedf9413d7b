package fleet

import (
	"context"
	"fmt"
	"time"

	"forcemfa/policy/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A member is one account with what it is entered by.
type member struct {
	config aws.Config
	role   *session    // nil: the caller's own account
	client *sts.Client // of the caller's own account; nil elsewhere
	last   int64       // the entry in which it was used last
}

// Enter gives a config that acts in an account, and the ARN that it acts
// under: in the caller's own account the caller's credentials, elsewhere the
// role. Sessions are kept and renewed. The error says why the account cannot
// be entered; see [Why] for its short form.
func (f *Fleet) Enter(ctx context.Context, account string) (aws.Config, string, error) {
	c, err := f.identify(ctx)
	if err != nil {
		return aws.Config{}, "", err
	}
	m := f.member(c, account)
	if m.role == nil {
		return m.config.Copy(), c.arn.String(), nil
	}
	if _, err := m.role.Retrieve(ctx); err != nil {
		return aws.Config{}, "", err
	}
	return m.config.Copy(), m.role.acts(), nil
}

func (f *Fleet) member(c *caller, account string) *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := f.keep(c.account)
	if own.client == nil {
		own.client = sts.NewFromConfig(own.config)
	}
	m := f.keep(account)
	if account != c.account && m.role == nil {
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

// keep gives the member of an account and remembers it as the one used last.
// f.mu is held.
func (f *Fleet) keep(account string) *member {
	m := f.members[account]
	if m == nil {
		f.forget()
		m = &member{config: f.config(newPace(f.options.Rate))}
		f.members[account] = m
	}
	f.entries++
	m.last = f.entries
	return m
}

// forget makes room for one more member, so that memory does not grow with the
// organization. What was handed out for a member that is forgotten works on;
// only when its account is entered again there is another session and another
// pace. So there are many more members than accounts that are worked on at once.
func (f *Fleet) forget() {
	if len(f.members) < max(256, 8*f.options.Concurrency) {
		return
	}
	var oldest string
	for account, m := range f.members {
		if oldest == "" || m.last < f.members[oldest].last {
			oldest = account
		}
	}
	delete(f.members, oldest)
}

// early is how long before its end a session is renewed.
const early = 5 * time.Minute

// A session is the credentials of a role, assumed when they are first needed
// and again before they end.
type session struct {
	client *sts.Client
	role   string
	o      Options

	lock    chan struct{} // not a mutex: whoever waits can leave with its context
	current aws.Credentials
	arn     string
}

// Retrieve is the aws.CredentialsProvider.
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
	if out.Credentials == nil || out.AssumedRoleUser == nil {
		return aws.Credentials{}, fmt.Errorf("assume %s: the answer has no credentials", s.role)
	}
	s.arn = aws.ToString(out.AssumedRoleUser.Arn)
	s.current = aws.Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		Source:          "forcemfa: " + s.role,
		CanExpire:       true,
		Expires:         aws.ToTime(out.Credentials.Expiration),
	}
	return s.current, nil
}

// acts is the ARN of the session; it has been retrieved.
func (s *session) acts() string {
	s.lock <- struct{}{}
	defer func() { <-s.lock }()
	return s.arn
}
